"""The bundled contracts, in both directions: recording to client, and contract to live server."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import respx

from pytest_byom.client.errors import BYOMError
from pytest_byom.client.llm import LLM, AsyncLLM
from pytest_byom.conformance.own_contracts import answer_of
from pytest_byom.conformance.target import Target
from pytest_byom.contract import (
    bundled,
    check_answer,
    contract_ids,
    load_bundled,
    load_contract,
    load_statements,
    suite_ids,
)
from pytest_byom.contract.loading import DIALECTS
from pytest_byom.contract.replaying import client_view, view_error, view_response
from pytest_byom.registry import load_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.contract import Contract

BASE_URL = "http://recorded.example/v1"
MOST_BYTES = 1_500_000
SECRETS = re.compile(r"\b(sk|gsk|xai|hf|pplx|nvapi|csk)[-_][A-Za-z0-9_-]{16,}|Bearer \S{8,}")
NOTICE = Path(__file__).parents[2] / "NOTICE"

CONTRACTS = load_bundled(check=True)
READ = [contract for contract in CONTRACTS if contract.client is not None]


def by_id(contract: Contract) -> str:
    """Return the name of a test of a contract."""
    return contract.id


async def ask_async(contract: Contract) -> Any:
    """Return what AsyncLLM makes of the answer to a contract's kind of request."""
    async with AsyncLLM(base_url=BASE_URL, model="m", retry=None) as llm:
        if not contract.is_chat:
            return await llm.models()
        if not contract.asks_stream:
            return await llm.send_messages("Say ok.")
        async with llm.stream_response("Say ok.") as stream:
            return await stream.response()


def ask_sync(contract: Contract) -> Any:
    """Return what LLM makes of the answer to a contract's kind of request."""
    with LLM(base_url=BASE_URL, model="m", retry=None) as llm:
        if not contract.is_chat:
            return llm.models()
        if not contract.asks_stream:
            return llm.send_messages("Say ok.")
        with llm.stream_response("Say ok.") as stream:
            return stream.response()


def seen(contract: Contract, *, asynchronous: bool) -> dict[str, Any]:
    """Return what a client makes of a contract's answer, which respx serves."""
    answer = contract.response
    assert answer is not None
    response = httpx.Response(answer.status, headers=answer.headers, content=answer.content)
    with respx.mock() as router:
        router.route().mock(return_value=response)
        try:
            found = asyncio.run(ask_async(contract)) if asynchronous else ask_sync(contract)
        except BYOMError as error:
            return view_error(error)
    if contract.is_chat:
        return view_response(found)
    return {"models": [model.id for model in found]}


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("contract", READ, ids=by_id)
def test_recording_to_client(contract: Contract, asynchronous: bool) -> None:
    """The client makes of each recorded answer what its contract says."""
    assert seen(contract, asynchronous=asynchronous) == contract.client


@pytest.mark.parametrize("contract", CONTRACTS, ids=by_id)
def test_replay_is_the_client(contract: Contract) -> None:
    """The replay without a network sees what the clients see."""
    assert client_view(contract) == contract.client


@pytest.fixture(scope="module")
def embedded() -> Iterator[Target]:
    """The embedded server, reached."""
    target = Target(load_registry(environ={}).endpoint("embedded"))
    target.open([])
    yield target
    target.close()


ANSWERED = [id for id in suite_ids() if load_contract(id).is_answered]


@pytest.mark.parametrize("id", ANSWERED)
def test_contract_to_live_server(embedded: Target, id: str) -> None:
    """A server that speaks the API satisfies each contract of the suite."""
    assert check_answer(load_contract(id), answer_of(embedded.ask(id))) == []


def test_numbers() -> None:
    """There are enough contracts, and for enough dialects."""
    dialects = {contract.id.split("/")[1] for contract in CONTRACTS if is_dialect(contract)}
    assert len(CONTRACTS) >= 90
    assert {"groq", "openrouter", "xai", "mistral", "ollama", "openai", "vllm"} <= dialects


def is_dialect(contract: Contract) -> bool:
    """Whether a contract is of a dialect, and never asked."""
    return contract.id.startswith(DIALECTS)


@pytest.mark.parametrize("contract", CONTRACTS, ids=by_id)
def test_source_is_named(contract: Contract) -> None:
    """An answer says who recorded it, or which public source it was taken from."""
    assert (contract.response is not None) == contract.is_answered
    assert bool(contract.modelled_on) == (contract.is_answered and contract.recorded is None)
    assert contract.modelled_on or not is_dialect(contract)
    assert (contract.expect is None) == is_dialect(contract)


def test_titles_of_dialects_are_their_own() -> None:
    """No two contracts of a dialect have the same title."""
    titles = [(c.id.split("/")[1], c.title) for c in CONTRACTS if is_dialect(c)]
    assert len(set(titles)) == len(titles)


def test_notice_names_every_file() -> None:
    """NOTICE names each file of another project below its repository, and no other."""
    named = re.findall(r"^    contracts/(\S+)\.yaml$", NOTICE.read_text("utf-8"), re.M)
    assert sorted(named) == [contract.id for contract in CONTRACTS if contract.modelled_on]


@pytest.mark.parametrize("contract", [c for c in CONTRACTS if c.modelled_on], ids=by_id)
def test_notice_names_the_source(contract: Contract) -> None:
    """The repository above a file in NOTICE is the one that the file names."""
    repository = "/".join(contract.modelled_on.split("/")[3:5])
    before = NOTICE.read_text("utf-8").partition(f"    contracts/{contract.id}.yaml\n")[0]
    headings = re.findall(r"^(\S+/\S+) \((?:MIT|Apache-2\.0)", before, re.M)
    assert headings[-1] == repository


def test_no_secret() -> None:
    """No file holds what looks like a key."""
    texts = {id: Path(str(bundled()), f"{id}.yaml").read_text("utf-8") for id in contract_ids()}
    assert [(id, found[0]) for id, text in texts.items() if (found := SECRETS.search(text))] == []


def test_size() -> None:
    """The folder stays small: it is part of the wheel."""
    files = Path(str(bundled())).rglob("*.yaml")
    assert sum(file.stat().st_size for file in files) < MOST_BYTES


def test_statements_are_read() -> None:
    """The list of statements lies beside the contracts, and is none."""
    assert "statements" not in contract_ids()
    assert len(load_statements()) > 100
