"""Exchanges made by hand, for what reads them."""

from __future__ import annotations

import json
from typing import Any

from pytest_byom.conformance.exchange import Exchange, Sent
from pytest_byom.contract import Contract, RequestTemplate

URL = "http://127.0.0.1:8000/v1"
JSON = (("content-type", "application/json"),)
STREAM = (("content-type", "text/event-stream"),)
HELLO = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


def make_contract(id: str = "chat/plain", **members: Any) -> Contract:
    """Return a contract; members of its request are given by name too."""
    request = {
        "body": {"model": "${model}", "messages": [{"role": "user", "content": "Say ok."}]},
        **{name: members.pop(name) for name in list(members) if name in REQUEST_MEMBERS},
    }
    return Contract(id=id, title=id, request=RequestTemplate(**request), **members)


REQUEST_MEMBERS = set(RequestTemplate.__dataclass_fields__)


def make_exchange(
    body: Any = HELLO,
    *,
    status: int | None = 200,
    headers: tuple[tuple[str, str], ...] = JSON,
    contract: Contract | None = None,
    sent: Sent | None = None,
    **members: Any,
) -> Exchange:
    """Return an exchange with this answer; a body that is no bytes is written as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Exchange(
        contract or make_contract(),
        sent or Sent("POST", f"{URL}/chat/completions", JSON, b'{"model": "m"}'),
        status=status,
        headers=headers,
        raw=raw,
        **members,
    )


def make_silence(trouble: str = "no connection: refused", **members: Any) -> Exchange:
    """Return an exchange without an answer."""
    return make_exchange(b"", status=None, headers=(), trouble=trouble, **members)


def make_stream(*events: Any, done: bool = True, **members: Any) -> Exchange:
    """Return a streamed exchange with these events as JSON."""
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    stream = {"model": "${model}", "messages": [], "stream": True}
    return make_exchange(
        body + b"data: [DONE]\n\n" * done,
        headers=STREAM,
        contract=make_contract("chat/stream", body=stream),
        **members,
    )
