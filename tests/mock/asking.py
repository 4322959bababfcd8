"""Asks a script without a transport, and reads what it says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_byom.client.assemble import Assembler
from pytest_byom.client.sse import SSEDecoder
from pytest_byom.mock.asked import AskedRequest, hide

if TYPE_CHECKING:
    from pytest_byom.client.response import Response
    from pytest_byom.mock.log import Served
    from pytest_byom.mock.mock import Scripted

URL = "http://llm.test/v1/chat/completions"
HI = [{"role": "user", "content": "Hi"}]


def request(
    messages: str | list[dict[str, Any]] = "Hi", *, url: str = URL, key: str = "k", **members: Any
) -> AskedRequest:
    """Return a chat request; a text stands for one user message."""
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    body = {"model": "small", "messages": messages, **members}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    return AskedRequest("POST", url, hide(headers), json.dumps(body).encode())


def get(path: str) -> AskedRequest:
    """Return a request for something of the API."""
    return AskedRequest("GET", f"http://llm.test/v1{path}", hide({}), b"")


def ask(mock: Scripted, messages: str | list[dict[str, Any]] = "Hi", **members: Any) -> Served:
    """Ask a script for a completion."""
    return mock.answer(request(messages, **members))


def completion(served: Served) -> dict[str, Any]:
    """Return the body of an answer."""
    found: dict[str, Any] = json.loads(served.answer.content)
    return found


def said(served: Served) -> str:
    """Return the text of an answer that is no stream."""
    return str(completion(served)["choices"][0]["message"]["content"])


def events(served: Served) -> list[str]:
    """Return the data of the events of a stream."""
    return [event.data for event in SSEDecoder().feed(served.answer.content)]


def chunks(served: Served) -> list[dict[str, Any]]:
    """Return the chunks of a stream."""
    return [json.loads(data) for data in events(served) if data != "[DONE]"]


def deltas(served: Served) -> list[dict[str, Any]]:
    """Return the deltas of the first choice of a stream."""
    return [chunk["choices"][0]["delta"] for chunk in chunks(served) if chunk["choices"]]


def assembled(served: Served) -> Response:
    """Return what the client core makes of a stream."""
    assembler = Assembler()
    for chunk in chunks(served):
        assembler.feed(chunk)
    return assembler.close()
