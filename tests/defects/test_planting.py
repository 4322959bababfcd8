"""The changes that defects are made of do what they say."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from defects.planting import (
    PLANTED,
    Asked,
    Change,
    Defective,
    Stateful,
    answer_with,
    asks,
    both,
    change_error,
    change_json,
    change_request,
    change_status,
    drop,
    has,
    on_messages,
    plain,
    refuse,
    set_header,
    streams,
)
from defects.streaming import DONE, broken_after, change_chunks, each_delta, render
from pytest_byom.mock.http1 import Reply, Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHUNKS = [
    {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
    for text in ("a", "b")
]


async def echo(request: Request) -> Reply:
    """Answer with the parameters: as a message, as chunks, or as an error."""
    parameters = Asked(request).parameters
    if parameters.get("stream"):
        return Reply(200, (("content-type", "text/event-stream"),), _chunks())
    body = {"choices": [{"message": {"role": "assistant", "content": parameters}}]}
    status = 400 if parameters.get("broken") else 200
    error = {"error": {"message": "broken", "code": None}}
    return Reply(status, (), json.dumps(error if status == 400 else body).encode())


async def _chunks() -> AsyncIterator[bytes]:
    for chunk in CHUNKS:
        yield render(chunk).encode()
    yield DONE.encode()


def _request(**parameters: Any) -> Request:
    body = json.dumps(parameters).encode()
    headers = (("content-length", str(len(body))),)
    return Request("POST", "/v1/chat/completions", "", headers, body)


def _ask(change: Change, **parameters: Any) -> tuple[Reply, str]:
    """Return the reply through a change, and its body."""

    async def ask() -> tuple[Reply, str]:
        reply = await Defective(echo, change)(_request(**parameters))
        if isinstance(reply.body, bytes):
            return reply, reply.body.decode()
        return reply, b"".join([piece async for piece in reply.body]).decode()

    return asyncio.run(ask())


def _content(change: Change, **parameters: Any) -> Any:
    """Return the parameters that came through to the server."""
    return json.loads(_ask(change, **parameters)[1])["choices"][0]["message"]["content"]


def test_predicates() -> None:
    """A predicate sees the path, the stream member and the parameters."""
    asked = Asked(_request(stream=True, seed=None, n=2))
    assert streams(asked)
    assert not plain(asked)
    assert has("seed")(asked)
    assert not asks("seed")(asked)
    assert asks("n")(asked)


def test_drop() -> None:
    """A dropped parameter does not reach the server, and the length is right again."""
    assert _content(drop("n"), n=2, seed=1) == {"seed": 1}
    assert _content(drop("n", when=streams), n=2) == {"n": 2}


def test_change_request() -> None:
    """A rewritten request reaches the server."""
    assert _content(change_request(lambda data: data.update(n=1)), n=2) == {"n": 1}
    assert _content(change_request(lambda _: {"a": 1}), n=2) == {"a": 1}


def test_answer_with() -> None:
    """Requests that match are answered without the server."""
    reply, body = _ask(answer_with(503, "no", when=asks("n")), n=2)
    assert (reply.status, body) == (503, "no")
    assert _ask(answer_with(503, "no", when=asks("n")))[0].status == 200


def test_refuse() -> None:
    """A refusal has an error object, whose members can be set."""
    reply, body = _ask(refuse("no n", when=asks("n"), code="x"), n=2)
    assert reply.status == 400
    assert json.loads(body)["error"]["code"] == "x"


def test_status_and_headers() -> None:
    """Status and headers of replies are changed."""
    change = both(change_status(418, of=200), set_header("x-a", "1", status=200))
    reply, _ = _ask(change)
    assert reply.status == 418
    assert ("x-a", "1") in reply.headers
    assert _ask(change, broken=True)[0].status == 400


def test_change_json() -> None:
    """The JSON of good plain replies is changed in place, or put in the place of it."""
    assert json.loads(_ask(change_json(lambda data: data.update(a=1)))[1])["a"] == 1
    assert json.loads(_ask(change_json(lambda data: [data]))[1])[0]["choices"]
    assert "a" not in json.loads(_ask(change_json(lambda d: d.update(a=1)), broken=True)[1])


def test_change_error() -> None:
    """The JSON of refusals is changed."""
    change = change_error(lambda data: data["error"].update(code=7))
    assert json.loads(_ask(change, broken=True)[1])["error"]["code"] == 7
    assert "error" not in json.loads(_ask(change)[1])


def test_both() -> None:
    """Of two changes the first is the one nearest to the client."""

    def writing(text: str) -> Change:
        return on_messages(lambda message: message.update(content=text))

    assert _content(both(writing("outer"), writing("inner"))) == "outer"


def test_stateful() -> None:
    """Each server has a memory of its own."""

    def count() -> Change:
        numbers = itertools.count()
        return on_messages(lambda message: message.update(content=next(numbers)))

    change = Stateful(count)
    assert _content(change) == _content(change) == 0


def test_change_chunks() -> None:
    """Chunks are changed, dropped or added, and the end mark stays."""
    _, body = _ask(each_delta(lambda delta: delta.update(content="x")), stream=True)
    assert body.count('"x"') == 2
    assert body.endswith(DONE)
    assert _ask(change_chunks(lambda chunks: chunks[:0]), stream=True)[1] == DONE


def test_broken_after() -> None:
    """A stream breaks after so many events."""
    with pytest.raises(ConnectionResetError, match=PLANTED):
        _ask(broken_after(1), stream=True)
