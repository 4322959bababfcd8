"""Which exchanges the selected checks need, and what they cost at most."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_byom.conformance.capabilities import PROBES, WITHOUT
from pytest_byom.conformance.repeating import again, needs_skill, repeatable
from pytest_byom.conformance.values import BEYOND_WINDOWS
from pytest_byom.contract import Contract, load_contract
from pytest_byom.contract.placeholders import count_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_byom.conformance.check import Check

FIRST = ("models/list", "chat/plain")
"""Asked before all others: they tell whether there is anything to judge."""

CHARACTERS_PER_TOKEN = 3
"""A careful guess for the tokens of a request."""

PROSE = re.compile(r"\$\{(tokens:[^}]*)\}")

FUZZED = 200
"""The tokens counted for a fuzzed request and its answer."""

UNBOUNDED = 256
"""The tokens counted for an answer whose request sets no limit."""

MOST_CHOICES = 128
"""More than that the API does not give."""


@dataclass(frozen=True)
class Plan:
    """The contracts that are asked, in order, and the most tokens that they can cost.

    `fuzzed` is how many requests the fuzz checks make at the most; their tokens are among those.
    """

    checks: int
    contracts: tuple[str, ...]
    requests: int
    tokens: int
    fuzzed: int = 0


def make_plan(
    checks: Iterable[Check],
    capabilities: Mapping[str, bool],
    *,
    load: Callable[[str], Contract] = load_contract,
    fuzzed: int = 0,
    repeat: int = 1,
    learn: bool = False,
) -> Plan:
    """Return the plan for checks; those that need what the registry denies ask nothing.

    `fuzzed` is how many requests a fuzz check makes at the most. What checks ask that depend on the
    model is asked `repeat` times, and to `learn` so is every valid request.
    """
    load = repeatable(load)
    selected = list(checks)
    wanted = dict.fromkeys(FIRST)
    skilled: dict[str, None] = {}
    total = 0
    for check in selected:
        if all(capabilities.get(need, True) for need in check.needs):
            total += fuzzed * check.fuzzes
            unsaid = [need for need in check.needs if need not in capabilities]
            probes = [PROBES[need] for need in unsaid]
            beside = [WITHOUT[need] for need in unsaid if need in WITHOUT]
            wanted |= dict.fromkeys([*probes, *beside, *check.asks])
            if repeat > 1 and needs_skill(check):
                skilled |= dict.fromkeys(check.asks)
    if learn:
        skilled |= dict.fromkeys(id for id in wanted if _can_repeat(load(id)))
    tries = (again(id, n) for n in range(2, repeat + 1) for id in skilled)
    contracts = _with_followed([*wanted, *tries], load)
    return Plan(
        checks=len(selected),
        contracts=tuple(contracts),
        requests=sum(contract.requests for contract in contracts.values()),
        tokens=sum(_ceiling(contract, load) for contract in contracts.values()) + total * FUZZED,
        fuzzed=total,
    )


def _can_repeat(contract: Contract) -> bool:
    """Whether another answer to a request tells as much as the first."""
    return contract.kind == "valid" and not contract.alone


def _with_followed(ids: Iterable[str], load: Callable[[str], Contract]) -> dict[str, Contract]:
    found: dict[str, Contract] = {}
    for id in ids:
        contract = load(id)
        if contract.follows:
            found |= _with_followed([contract.follows], load)
        found.setdefault(id, contract)
    return found


def _ceiling(contract: Contract, load: Callable[[str], Contract]) -> int:
    company = sum(_ceiling(load(id), load) for id in (*contract.before, *contract.beside))
    numbers = range(1, contract.times + 1)
    return company + sum(_ceiling_of_one(contract, number) for number in numbers)


def _ceiling_of_one(contract: Contract, number: int) -> int:
    body = contract.request.body
    if not contract.is_chat or contract.kind == "broken" or not isinstance(body, dict):
        return 0
    given = (body.get("max_tokens"), body.get("max_completion_tokens"))
    limits = [number if limit == "${number}" else limit for limit in given]
    bounds = [limit for limit in limits if isinstance(limit, int) and 0 < limit < BEYOND_WINDOWS]
    answer = min(bounds, default=UNBOUNDED)
    choices = min(body.get("n") or 1, MOST_CHOICES)
    counts = (count_tokens(name, number) for name in PROSE.findall(str(body)))
    prose = sum(count for count in counts if count is not None)
    return len(str(body)) // CHARACTERS_PER_TOKEN + prose + answer * choices
