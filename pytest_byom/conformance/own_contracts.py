"""A user's own contracts as checks: each is sent with the suite and held to its `expect`."""

from __future__ import annotations

import re
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pytest_byom.client.errors import ContractError
from pytest_byom.conformance.check import check
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.contract import Answer, check_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.contract import Contract, Shelf

AREA = "contract"
BREAKS = "what relies on this answer: the contract is one of yours"


def check_id(contract_id: str) -> str:
    """Return the id of the check of a contract: `contract.support.greeting`."""
    parts = re.sub(r"[^a-z0-9/]+", "-", contract_id.lower()).split("/")
    return ".".join([AREA, *(part.strip("-") for part in parts)])


def make_checks(shelf: Shelf) -> dict[str, Callable[..., Any]]:
    """Return a check for each of a user's own contracts, by its id.

    Raises ContractError if two of them would have the same id.
    """
    made: dict[str, Callable[..., Any]] = {}
    for contract in shelf.own.values():
        id = check_id(contract.id)
        if id in made:
            file = shelf.files[contract.id]
            raise ContractError(f"{file}:1: another contract is the check {id}; rename the file")
        made[id] = _make_check(contract, id, str(shelf.files[contract.id]))
    return made


def make_module(shelf: Shelf) -> ModuleType:
    """Return a module with the checks of a user's own contracts, for pytest to collect."""
    module = ModuleType("pytest_byom_own_contracts", "A user's own contracts.")
    for id, function in make_checks(shelf).items():
        setattr(module, f"test_{re.sub(r'[^a-z0-9]', '_', id)}", function)
    return module


def _make_check(contract: Contract, id: str, file: str) -> Callable[..., Any]:
    @check(
        id,
        level=contract.level,
        sentence=contract.title,
        asks=[contract.id],
        breaks=BREAKS,
        source=file,
    )
    def test_contract(byom_ask: Ask) -> Iterator[Wrong]:
        exchange = byom_ask(contract.id).answered()
        if exchange.trouble:
            raise Inconclusive(f"{contract.id} broke off: {exchange.trouble}")
        for found in check_answer(contract, answer_of(exchange)):
            yield Wrong(
                place=found.path, expected=found.expected, got=found.got, exchange=contract.id
            )

    return test_contract


def answer_of(exchange: Exchange) -> Answer:
    """Return the answer of an exchange as contracts have it, without its content coding."""
    headers = {name: value for name, value in exchange.headers if name != "content-encoding"}
    return Answer.of(exchange.body, status=exchange.status or 0, headers=headers)
