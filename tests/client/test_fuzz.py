"""Whatever a server sends, the client ends with a result or with one of our errors."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_byom.client.assemble import Assembler
from pytest_byom.client.dialogue import Close, Drain, Emit, Head, Job, Read, Send, plain_dialogue
from pytest_byom.client.errors import BYOMError
from pytest_byom.client.events import StreamComplete, StreamError
from pytest_byom.client.redact import HiddenHeaders
from pytest_byom.client.request import WireRequest
from pytest_byom.client.response import Response
from pytest_byom.client.retry import Retry
from pytest_byom.client.streaming import stream_dialogue

from .harness import HELLO, completion

JOB = Job(
    request=WireRequest("POST", "http://h", HiddenHeaders()),
    endpoint="http://h",
    retry=Retry(attempts=1),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "message", "index", "content", "tool_calls", "function",
                 "id", "name", "arguments", "usage", "error", "code", "finish_reason", "logprobs",
                 "x_groq", "reasoning", "reasoning_details", "type", "text", "role", "object",
                 "audio", "data"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip
PIECE = st.lists(JSON, max_size=2) | st.dictionaries(
    st.sampled_from(["content", "tool_calls", "reasoning", "function_call", "role", "refusal"]),
    JSON
    | st.lists(st.fixed_dictionaries({}, optional={"index": JSON, "id": JSON, "function": JSON})),
    max_size=3,
)
CHOICE = st.fixed_dictionaries(
    {}, optional={"index": JSON, "delta": PIECE | JSON, "message": PIECE | JSON,
                  "finish_reason": JSON, "logprobs": JSON, "usage": JSON, "error": JSON}
)  # fmt: skip
CHUNK = JSON | st.fixed_dictionaries(
    {"choices": st.lists(CHOICE, max_size=3)}, optional={"usage": JSON}
)


def perform(dialogue: Any, pieces: list[bytes]) -> tuple[Any, list[Any]]:
    """Drive a dialogue against a body in pieces; gives back the result and the events."""
    rest = list(pieces)
    events: list[Any] = []
    outcome: Any = None
    try:
        while True:
            step = dialogue.send(outcome)
            outcome = None
            events += getattr(step, "events", ())
            if isinstance(step, Send):
                outcome = Head(200, {})
            elif isinstance(step, Read):
                outcome = rest.pop(0) if rest else b""
            else:
                assert isinstance(step, Close | Drain | Emit)
    except StopIteration as stop:
        return stop.value, events


def cut(body: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(body), *(place % (len(body) + 1) for place in places)})
    pieces = [body[a:b] for a, b in pairwise(edges)]
    return [piece for piece in pieces if piece]


def ends_well(body: bytes, places: list[int]) -> Any:
    """The last event of a stream: its end, in one of the two ways there are."""
    _, events = perform(stream_dialogue(JOB), cut(body, places))
    assert isinstance(events[-1], StreamComplete | StreamError)
    assert not any(isinstance(event, StreamComplete | StreamError) for event in events[:-1])
    if isinstance(events[-1], StreamError):
        assert isinstance(events[-1].error, BYOMError)
    return events[-1]


GOOD = b"".join(f"data: {json.dumps(event)}\n\n".encode() for event in HELLO) + b"data: [DONE]\n\n"
PLACES = st.lists(st.integers(0, 10_000), max_size=6)


@given(st.binary(max_size=400), PLACES)
@settings(deadline=None)
def test_any_bytes_as_a_stream(body: bytes, places: list[int]) -> None:
    """Any bytes end a stream in one of its two ways."""
    ends_well(body, places)


@given(PLACES, st.integers(0, len(GOOD) - 1), st.integers(0, 255))
@settings(deadline=None)
def test_a_stream_with_one_wrong_byte(places: list[int], at: int, byte: int) -> None:
    """A wrong byte anywhere, at any cut, ends a stream in one of its two ways."""
    ends_well(GOOD[:at] + bytes([byte]) + GOOD[at + 1 :], places)


@given(st.integers(0, len(GOOD) - 3), PLACES)
@settings(deadline=None)
def test_a_stream_cut_anywhere(at: int, places: list[int]) -> None:
    """A stream that ends early never passes for a whole one, unless its finish_reason has come."""
    whole = at >= GOOD.index(b"data: [DONE]") - 2
    assert isinstance(ends_well(GOOD[:at], places), StreamComplete) is whole


@given(st.lists(CHUNK, max_size=5), PLACES)
@settings(deadline=None)
def test_any_json_as_chunks(chunks: list[Any], places: list[int]) -> None:
    """Any JSON in the place of chunks ends a stream in one of its two ways."""
    body = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)
    ends_well(body + b"data: [DONE]\n\n", places)


@given(st.lists(CHUNK, max_size=5))
@settings(deadline=None)
def test_any_json_in_the_assembler(chunks: list[Any]) -> None:
    """The assembler takes any JSON, and always has a response."""
    assembler = Assembler()
    for chunk in chunks:
        assembler.feed(chunk)
    assembler.end()
    assert isinstance(assembler.response_so_far(), Response)


@given(CHUNK, st.sampled_from([b"", b" \n", b"\xef\xbb\xbf"]))
@settings(deadline=None)
def test_any_json_as_a_plain_answer(body: Any, before: bytes) -> None:
    """Any JSON in place of a completion is a response or one of our errors."""
    try:
        result, _ = perform(plain_dialogue(JOB), [before + json.dumps(body).encode()])
    except BYOMError as error:
        result = error
    assert isinstance(result, Response) or "http://h" in str(result)


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_as_a_plain_answer(body: bytes) -> None:
    """Any bytes in place of a completion are one of our errors."""
    with pytest.raises(BYOMError):
        perform(plain_dialogue(JOB), [body])


@given(st.integers(0, len(json.dumps(completion()))), PLACES)
@settings(deadline=None)
def test_a_plain_answer_cut_anywhere(at: int, places: list[int]) -> None:
    """A plain answer in any pieces is read, and a cut one is refused."""
    whole = json.dumps(completion()).encode()
    if at == len(whole):
        response, _ = perform(plain_dialogue(JOB), cut(whole, places))
        assert response.content == "Hello"
    else:
        with pytest.raises(BYOMError):
            perform(plain_dialogue(JOB), cut(whole[:at], places))


def test_time_is_linear() -> None:
    """Ten times the stream takes nothing like a hundred times as long: the work is linear.

    The best of three of each, in CPU time, so that a busy machine is no failure.
    """

    def seconds(count: int) -> float:
        call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "x"}}
        piece = {"choices": [{"index": 0, "delta": {"content": "x", "tool_calls": [call]}}]}
        event = f"data: {json.dumps(piece)}\n\n".encode()
        began = time.process_time()
        perform(stream_dialogue(JOB), [event] * count + [b"data: [DONE]\n\n"])
        return time.process_time() - began

    small, large = (min(seconds(count) for _ in range(3)) for count in (500, 5000))
    assert large < 50 * small
