"""Replies that a contract holds: what a real server answered, as it came."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_byom.client.errors import ContractError
from pytest_byom.contract import load_contract
from pytest_byom.mock.answer import Answer
from pytest_byom.mock.replies import Reply, ScriptedCall, Tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_byom.contract import Contract
    from pytest_byom.mock.asked import AskedRequest

_EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")


def make_saying(id: str, folder: Path | None) -> Callable[[AskedRequest], Answer | Reply]:
    """Return what a contract says to a request. Raises ContractError if it says nothing."""
    contract = load_contract(id, folder=folder)
    response = contract.response
    if response is None or not contract.is_chat:
        raise ContractError(f"the contract {id!r} has no answer to a chat request")
    recorded = recorded_answer(contract)
    view = contract.client or {}

    def from_contract(asked: AskedRequest) -> Answer | Reply:
        same = asked.stream == contract.asks_stream or response.status >= 400
        return recorded if same or "error" in view or not view else _reply(view)

    return from_contract


def _reply(view: Any) -> Reply:
    """Return the reply that our client saw in a recorded answer."""
    usage = view.get("usage")
    tokens = usage and Tokens(
        input=usage["input"] or 0,
        output=usage["output"] or 0,
        cached=usage.get("cached") or 0,
        reasoning=usage.get("reasoning") or 0,
    )
    calls = view.get("tool_calls", ())
    return Reply(
        content=view.get("content") or (None if calls else ""),
        reasoning=view.get("reasoning"),
        tool_calls=tuple(ScriptedCall(c["name"], c["arguments"], c["id"] or None) for c in calls),
        finish_reason=view.get("finish_reason"),
        usage=tokens,
    )


def recorded_answer(exchange: Contract) -> Answer:
    """Return a recorded response; a stream is sent event by event."""
    response = exchange.response
    assert response is not None
    headers = tuple((name.lower(), value) for name, value in response.headers.items())
    content = response.content
    kind = dict(headers).get("content-type", "")
    if response.sse is None and "event-stream" not in kind:
        return Answer(response.status, headers, content)
    return Answer(response.status, headers, tuple(_split_events(content)))


def _split_events(content: bytes) -> Iterator[bytes]:
    start = 0
    for match in _EVENT_END.finditer(content):
        yield content[start : match.end()]
        start = match.end()
    if start < len(content):
        yield content[start:]
