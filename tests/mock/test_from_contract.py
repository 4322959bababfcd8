"""Replies out of contracts: what a real server answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_byom.client.errors import ContractError
from pytest_byom.contract import contract_ids, load_contract
from pytest_byom.mock.in_process import Mock

from .asking import ask, assembled, chunks, completion, events

if TYPE_CHECKING:
    from pathlib import Path


def test_the_recorded_answer() -> None:
    """The answer is that of the contract, with its status and headers."""
    mock = Mock()
    mock.from_contract("chat/plain")
    served = ask(mock)
    recorded = load_contract("chat/plain").response
    assert recorded is not None
    assert completion(served) == recorded.body
    assert mock.report() == ""


def test_a_recorded_stream() -> None:
    """A stream comes event by event."""
    mock = Mock()
    id = next(id for id in contract_ids() if id.startswith("stream/"))
    mock.from_contract(id)
    served = ask(mock, stream=True)
    steps = [step for step in served.answer.body if isinstance(step, bytes)]
    assert len(steps) == len(events(served)) > 2


def test_in_the_other_form() -> None:
    """A recorded answer that is no stream is streamed if the app wants it so."""
    mock = Mock()
    mock.from_contract("chat/plain", times=2)
    plain, streamed = ask(mock), ask(mock, stream=True)
    assert assembled(streamed).content == completion(plain)["choices"][0]["message"]["content"]
    assert chunks(streamed)[0]["object"] == "chat.completion.chunk"


CHATS = [
    contract.id
    for contract in map(load_contract, contract_ids())
    if contract.is_chat and contract.response is not None
]


@pytest.mark.parametrize("id", CHATS)
def test_every_contract(id: str) -> None:
    """Every contract of a chat answers, in both forms."""
    mock = Mock(validate=False)
    mock.from_contract(id, times=2)
    for stream in (False, True):
        assert ask(mock, stream=stream).kind == "reply"


def test_a_contract_of_ones_own(tmp_path: Path) -> None:
    """A folder of a user's own may be named."""
    (tmp_path / "mine.yaml").write_text(
        "title: x\nrequest: {body: {model: m}}\nresponse: {status: 503, body: {error: busy}}\n"
        "modelled_on: https://example.com/\n",
        "utf-8",
    )
    mock = Mock()
    mock.from_contract("mine", folder=tmp_path)
    served = ask(mock)
    assert (served.answer.status, json.loads(served.answer.content)) == (503, {"error": "busy"})


@pytest.mark.parametrize("id", ["chat/nope", "models/list"])
def test_no_such_contract(id: str) -> None:
    """An id that is none, or no chat, is refused where it is written."""
    with pytest.raises(ContractError):
        Mock().from_contract(id)
