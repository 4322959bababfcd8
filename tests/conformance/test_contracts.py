"""The bundled contracts and statements."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_byom.client.errors import ContractError
from pytest_byom.contract import (
    bundled,
    contract_ids,
    load_contract,
    load_statements,
    suite_ids,
)

LEVELS = {"MUST", "SHOULD", "MAY"}


def test_folder_is_found() -> None:
    """The folder of contracts is found wherever the package is installed."""
    assert bundled().joinpath("statements.yaml").is_file()


def test_ids() -> None:
    """Every file below the folder is a contract, but for the list of statements."""
    folder = Path(str(bundled()))
    files = sorted(str(p.relative_to(folder).with_suffix("")) for p in folder.rglob("*/*.yaml"))
    assert sorted(contract_ids()) == files
    assert "chat/plain" in files


def test_yaml_only() -> None:
    """The folder holds YAML and nothing else."""
    files = [path for path in Path(str(bundled())).rglob("*") if path.is_file()]
    assert [path for path in files if path.suffix != ".yaml"] == []


@pytest.mark.parametrize("id", contract_ids())
def test_contract(id: str) -> None:
    """A contract has a title of its own, and goes to a path of the API."""
    contract = load_contract(id)
    assert contract.id == id
    assert contract.title
    assert not contract.title.endswith(".")
    assert contract.request.path.startswith("/")


@pytest.mark.parametrize("id", suite_ids())
def test_valid_request_is_bounded(id: str) -> None:
    """A valid chat request bounds its answer, so that a run costs what it says."""
    contract = load_contract(id)
    body = contract.request.body
    if contract.is_chat and contract.kind == "valid":
        assert {"max_tokens", "max_completion_tokens"} & set(body)


@pytest.mark.parametrize("id", contract_ids())
def test_request_is_json(id: str) -> None:
    """A body of a contract can be written as JSON."""
    assert json.dumps(load_contract(id).request.body)


def test_followed_contracts_exist() -> None:
    """What a contract follows is a contract that follows none."""
    for id in contract_ids():
        if followed := load_contract(id).follows:
            assert load_contract(followed).follows == ""


def test_unknown_contract() -> None:
    """An id that is none is an error that names it."""
    with pytest.raises(ContractError, match="chat/nope"):
        load_contract("chat/nope")


def test_statements() -> None:
    """Each statement has a level, a sentence, and a source."""
    for id, statement in load_statements().items():
        assert statement.id == id
        assert statement.level in LEVELS
        assert statement.statement
        assert statement.source


def test_company() -> None:
    """What a contract names before or beside it is asked without others; nor are those at once."""
    for id in suite_ids():
        contract = load_contract(id)
        for other in map(load_contract, (*contract.before, *contract.beside)):
            assert (other.requests, other.follows) == (1, "")
        at_once = contract.beside or contract.times > 1
        assert contract.alone or not at_once
