"""What no server should send, and servers may: one clear error each, its bytes kept and cut."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.client.errors import BODY_LIMIT, AnsweredWithError, BadAnswer, EventTooLarge
from pytest_byom.client.response import Response
from pytest_byom.client.sse import MAX_EVENT_BYTES

if TYPE_CHECKING:
    from .replay import Player

WAYS = pytest.mark.parametrize("way", ["sync", "async"])
HUGE = 2**64 + 1
LARGE_PAGE = b"<html><title>Sorry</title>" + b"x" * (2 * BODY_LIMIT)


class Bytes(dict[str, Any]):
    """An answer of given bytes, in the shape of a recording."""

    def __init__(self, body: bytes, *, streamed: bool, **headers: str) -> None:
        name = "sse" if streamed else "body"
        super().__init__(
            endpoint="chat",
            fidelity="made",
            flags={"stream": streamed},
            request={"url": "http://server.test/v1/chat/completions", "body": {}},
            response={"status": 200, "headers": headers, name: body.decode("latin-1")},
        )


def choice(message: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A plain answer with one choice."""
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], **members}


def stream_of(*choices: dict[str, Any], **members: Any) -> bytes:
    """A stream of chunks with one choice each; the last one ends it."""
    chunks: list[dict[str, Any]] = [{"choices": [{"index": 0, **one}]} for one in choices]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], **members})
    lines = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks]
    return b"".join(lines) + b"data: [DONE]\n\n"


@WAYS
def test_an_event_over_the_limit(player: Player, way: str) -> None:
    """An event beyond the decoder's limit is refused, after what came before it."""
    before = stream_of({"delta": {"content": "Hello"}}).partition(b"\n\n")[0] + b"\n\n"
    body = before + b"data: " + b"x" * (MAX_EVENT_BYTES + 1)
    error, events = player.play(Bytes(body, streamed=True), way)
    assert isinstance(error, EventTooLarge)
    assert "larger than 16777216 bytes" in str(error)
    assert error.partial.content == "Hello"
    assert [event.type for event in events] == ["content_start", "content_delta", "error"]
    assert error.body.startswith(b'data: {"choices"') or error.body.startswith(b"data: x")
    assert len(error.body) <= BODY_LIMIT


@WAYS
@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "stream"])
def test_the_bytes_are_kept_and_cut(player: Player, way: str, streamed: bool) -> None:
    """A large page in place of an answer is one error, with the start of its bytes."""
    error, _ = player.play(Bytes(LARGE_PAGE, streamed=streamed), way)
    assert isinstance(error, BadAnswer)
    assert "an HTML page (Sorry)" in str(error)
    assert error.body == LARGE_PAGE[:BODY_LIMIT]
    assert len(str(error)) < 1000


@WAYS
def test_numbers_beyond_64_bits(player: Player, way: str) -> None:
    """A number is a number, however large: Together sends seeds beyond 2^63."""
    usage = {"prompt_tokens": HUGE, "completion_tokens": 2**63, "total_tokens": 2**70}
    plain, _ = player.play(
        Bytes(
            json.dumps(choice({"content": "a"}, seed=HUGE, usage=usage)).encode(), streamed=False
        ),
        way,
    )
    streamed, _ = player.play(
        Bytes(stream_of({"delta": {"content": "a"}}, seed=HUGE, usage=usage), streamed=True), way
    )
    for response in (plain, streamed):
        assert isinstance(response, Response)
        assert response.usage is not None
        assert (response.usage.input_tokens, response.usage.output_tokens) == (HUGE, 2**63)
        assert response.extras["seed"] == HUGE


WRONG_TYPES: dict[str, list[dict[str, Any]]] = {
    "tool_calls that is a number": [{"delta": {"content": "a", "tool_calls": 1}}],
    "logprobs of two types": [
        {"delta": {"content": "a"}, "logprobs": {"content": "x"}},
        {"delta": {}, "logprobs": {"content": [1]}},
        {"delta": {}, "logprobs": {"content": {}}},
    ],
    "a function_call whose name is a number": [
        {"delta": {"content": "a", "function_call": {"name": 5, "arguments": {"a": 1}}}},
        {"delta": {"function_call": {"name": "f", "arguments": "x"}}},
    ],
    "reasoning details of two types": [
        {"delta": {"content": "a", "reasoning_details": [{"type": "t", "index": 0, "text": "b"}]}},
        {"delta": {"reasoning_details": [{"type": "t", "index": 0, "text": 5}]}},
        {"delta": {"reasoning_details": [{"type": "t", "index": 0, "text": "c"}]}},
    ],
    "an index that is a text": [{"index": "0", "delta": {"content": "a"}}],
    "audio that is a list": [{"delta": {"content": "a", "audio": []}}],
}


@WAYS
@pytest.mark.parametrize("name", WRONG_TYPES)
def test_members_of_the_wrong_type(player: Player, way: str, name: str) -> None:
    """A member of the wrong type takes nothing else with it."""
    result, _ = player.play(Bytes(stream_of(*WRONG_TYPES[name]), streamed=True), way)
    assert isinstance(result, Response)
    assert result.content == "a"


@WAYS
def test_tool_calls_that_are_none(player: Player, way: str) -> None:
    """A plain answer whose tool_calls is no list has none, and says so."""
    body = json.dumps(choice({"content": "a", "tool_calls": 1})).encode()
    response, _ = player.play(Bytes(body, streamed=False), way)
    assert response.tool_calls == ()
    assert [repair.code for repair in response.warnings] == ["tool-calls-not-list"]


def test_an_error_in_the_list_of_models_hides_the_key(player: Player) -> None:
    """A server that repeats the key in an error does not make us tell it on."""
    recording = Bytes(b"", streamed=False, **{"x-request-id": "r-1"})
    recording |= {"endpoint": "models"}
    recording["response"]["body"] = {"error": {"message": "bad key sk-of-a-test", "code": 7}}
    error, _ = player.play(recording, "sync")
    assert isinstance(error, AnsweredWithError)
    assert (error.status, error.code, error.request_id) == (200, 7, "r-1")
    assert "sk-of-a-test" not in f"{error}{error.body!r}{error.server_message}"
    assert b"bad key" in error.body


def test_the_limit_is_the_decoders(player: Player) -> None:
    """One answer may be as large as one event: an image as base64 goes through."""
    text = "x" * (4 << 20)
    response, _ = player.play(Bytes(stream_of({"delta": {"content": text}}), streamed=True), "sync")
    assert isinstance(response, Response)
    assert response.content == text
