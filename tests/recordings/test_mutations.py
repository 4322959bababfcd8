"""Recorded streams, damaged in every way: the client ends with a result or one of our errors."""

from __future__ import annotations

import gc
import time
import tracemalloc
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_byom.client.dialogue import Close, Drain, Emit, Head, Job, Read, Send, plain_dialogue
from pytest_byom.client.errors import BrokenStream, BYOMError, EventTooLarge
from pytest_byom.client.events import StreamComplete, StreamError
from pytest_byom.client.redact import HiddenHeaders
from pytest_byom.client.request import WireRequest
from pytest_byom.client.response import Response
from pytest_byom.client.retry import Retry
from pytest_byom.client.sse import MAX_EVENT_BYTES
from pytest_byom.client.streaming import stream_dialogue

from .replay import HERE, body_of, load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

JOB = Job(
    request=WireRequest("POST", "http://h", HiddenHeaders()),
    endpoint="http://h",
    retry=Retry(attempts=1),
)
LONGEST = 6_000  # bytes of a stream that is worth damaging: beyond are repetitions
RECORDINGS = [load(path) for path in sorted(HERE.glob("*/*.json"))]
ANSWERS = [recording for recording in RECORDINGS if recording["response"]["status"] == 200]
BODIES = [(recording, body_of(recording)) for recording in ANSWERS]
STREAMS = [body for one, body in BODIES if "sse" in one["response"] and len(body) < LONGEST]
PLAIN = [body for one, body in BODIES if "sse" not in one["response"] and len(body) < LONGEST]
TOKENS = [b"\n", b"\n\n", b"\r", b"\r\n", b":", b"data: ", b"data: [DONE]\n\n", b"event: error\n"]
TOKENS += [
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"null",
    b"[]",
    b"{}",
    b'"',
    b"\\ud83d",
    b"1e999",
    b"NaN",
]
TOKENS += [b'"error":', b'"index":', b'"tool_calls":', b"9" * 30, b"-1", b"[" * 2000]


def damaged(bodies: list[bytes]) -> st.SearchStrategy[list[bytes]]:
    """A body with a few mutations, in a few pieces."""
    at = st.integers(0, LONGEST)
    change = st.one_of(
        st.tuples(st.just("byte"), at, st.binary(min_size=1, max_size=1)),
        st.tuples(st.just("insert"), at, st.sampled_from(TOKENS) | st.binary(max_size=6)),
        st.tuples(st.just("drop"), at, st.integers(1, 60)),
        st.tuples(st.just("twice"), at, st.integers(1, 400)),
        st.tuples(st.just("swap values"), at, at),
        st.tuples(st.just("drop event"), at, st.just(0)),
        st.tuples(st.just("swap events"), at, at),
        st.tuples(st.just("end"), at, st.just(0)),
    )
    changes = st.lists(change, min_size=1, max_size=4)
    places = st.lists(at, max_size=5)
    return st.builds(_damage, st.sampled_from(bodies), changes, places)


def _damage(body: bytes, changes: list[tuple[str, int, Any]], places: list[int]) -> list[bytes]:
    for kind, place, what in changes:
        body = _change(body, kind, place % (len(body) + 1), what)
    edges = sorted({0, len(body), *(place % (len(body) + 1) for place in places)})
    return [body[a:b] for a, b in pairwise(edges)]


def _change(body: bytes, kind: str, at: int, what: Any) -> bytes:
    if kind == "byte":
        return b"".join([body[:at], what, body[at + 1 :]])
    if kind == "insert":
        return b"".join([body[:at], what, body[at:]])
    if kind == "drop":
        return body[:at] + body[at + what :]
    if kind == "twice":
        return body[: at + what] + body[at:]
    if kind == "end":
        return body[:at]
    mark = b"," if kind == "swap values" else b"\n\n"
    parts = body.split(mark)
    first, second = at % len(parts), what % len(parts)
    if kind == "drop event":
        del parts[first]
    else:
        parts[first], parts[second] = parts[second], parts[first]
    return mark.join(parts)


def perform(dialogue: Any, pieces: Iterable[bytes]) -> tuple[Any, list[Any]]:
    """Drive a dialogue against a body; gives back the result or our error, and the events."""
    rest = iter(pieces)
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
                outcome = next(rest, b"")
            else:
                assert isinstance(step, Close | Drain | Emit)
    except StopIteration as stop:
        return stop.value, events
    except BYOMError as error:
        return error, events


@given(damaged(STREAMS))
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_stream(pieces: list[bytes]) -> None:
    """A recorded stream with any damage, at any cut, ends once and in one of its two ways."""
    result, events = perform(stream_dialogue(JOB), filter(None, pieces))
    assert result is None
    ends = [event for event in events if isinstance(event, StreamComplete | StreamError)]
    assert ends == events[-1:]
    if isinstance(events[-1], StreamError):
        assert isinstance(events[-1].error, BYOMError)
        assert str(events[-1].error)


@given(damaged(PLAIN))
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_answer(pieces: list[bytes]) -> None:
    """A recorded answer with any damage is a response or one of our errors."""
    result, _ = perform(plain_dialogue(JOB), filter(None, pieces))
    assert isinstance(result, Response | BYOMError)
    assert isinstance(result, Response) or "http://h" in str(result)


@pytest.mark.parametrize("at", range(4))
def test_a_recorded_stream_at_every_cut(at: int) -> None:
    """Where a stream is cut into reads changes nothing."""
    body = sorted(STREAMS, key=len)[len(STREAMS) * at // 4]
    whole = perform(stream_dialogue(JOB), [body])[1][-1]
    for place in range(1, len(body), 1 + len(body) // 400):
        assert perform(stream_dialogue(JOB), [body[:place], body[place:]])[1][-1] == whole
    assert perform(stream_dialogue(JOB), [bytes([byte]) for byte in body])[1][-1] == whole


def endless(unit: bytes, *, total: int) -> Iterator[bytes]:
    """One unit again and again, in reads of 16 KiB."""
    read = unit * (16 * 1024 // len(unit) + 1)
    for _ in range(total // len(read)):
        yield read


NOTHING = {
    "comments": b": still there\n\n",
    "one comment": b": x",
    "blank lines": b"\n",
    "carriage returns": b"\r",
    "unknown fields": b"heartbeat: 1\n\n",
    "empty chunks": b"data: {}\n\n",
    "chunks without choices": b'data: {"choices": [], "obfuscation": "abcdefgh"}\n\n',
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_says_nothing_takes_no_room(name: str) -> None:
    """Of megabytes that say nothing, nothing is kept."""
    gc.collect()
    tracemalloc.start()
    try:
        unit = NOTHING[name]
        _, events = perform(stream_dialogue(JOB), endless(unit * 20, total=2 << 20))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(events[-1].error, BrokenStream)
    assert peak < 1 << 20


@pytest.mark.parametrize("unit", [b"x", b"data: x\n", b"event: x\n"])
def test_an_event_without_end(unit: bytes) -> None:
    """An event that never ends is refused at the limit, with its first bytes kept."""
    start = b"" if unit == b"x" else b"data: start\n"
    pieces = [start, *endless(unit, total=MAX_EVENT_BYTES * 5 // 4)]
    _, events = perform(stream_dialogue(JOB), filter(None, pieces))
    (last,) = events
    assert isinstance(last.error, EventTooLarge)
    assert 0 < len(last.error.body) <= 64 * 1024


LINES = {
    "the stream itself": b"",
    "one call": (
        b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":'
        b'{"name":"f","arguments":"{}"}}]}}]}\n\n'
    ),
    "calls without index": (
        b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"function":{"arguments":"{}"}}]'
        b"}}]}\n\n"
    ),
    "calls with names and no index": (
        b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"function":{"name":"f",'
        b'"arguments":"{}"}}]}}]}\n\n'
    ),
    "calls with ids and no index": b"",
    "reasoning details": (
        b'data: {"choices":[{"index":0,"delta":{"reasoning_details":[{"type":"t","index":0,'
        b'"text":"abc"}]}}]}\n\n'
    ),
    "unknown lists": b'data: {"choices":[{"index":0,"delta":{"citations":["a"]}}]}\n\n',
    "parts": (
        b'data: {"choices":[{"index":0,"delta":{"content":[{"type":"text","text":"abc"}]}}]}\n\n'
    ),
    "halves of characters": b'data: {"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}\n\n',
    "logprobs": (
        b'data: {"choices":[{"index":0,"delta":{"content":"a"},"logprobs":{"content":[1]}}]}\n\n'
    ),
    "audio": (b'data: {"choices":[{"index":0,"delta":{"audio":{"id":"a","data":"abcd"}}}]}\n\n'),
    "function calls of old": (
        b'data: {"choices":[{"index":0,"delta":{"function_call":{"arguments":"abcd"}}}]}\n\n'
    ),
    "refusals": b'data: {"choices":[{"index":0,"delta":{"refusal":"abcd"}}]}\n\n',
    "choices": b"",
    "changing ids": b"",
}


def pieces_of(name: str, count: int) -> list[bytes]:
    """A stream of so many chunks of one kind; some kinds have a number in each."""
    if name == "the stream itself":
        (body,) = [body for body in STREAMS if b"OPENROUTER" in body][:1]
        return [body.replace(b"data: [DONE]", b": none")] * (count // 10)
    numbered = {
        "calls with ids and no index": (
            b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"id":"%d","function":'
            b'{"name":"f","arguments":"{}"}}]}}]}\n\n'
        ),
        "choices": b'data: {"choices":[{"index":%d,"delta":{"content":"a"}}]}\n\n',
        "changing ids": b'data: {"id":"%d","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n',
    }
    if name in numbered:
        return [numbered[name] % number for number in range(count)]
    return [LINES[name]] * count


@pytest.mark.parametrize("name", LINES)
def test_time_is_linear(name: str) -> None:
    """Eight times the chunks take about eight times as long, whatever they hold."""

    def seconds(count: int) -> float:
        pieces = pieces_of(name, count)
        began = time.process_time()
        perform(stream_dialogue(JOB), pieces)
        return time.process_time() - began

    small = min(seconds(250) for _ in range(3))
    assert min(seconds(2000) for _ in range(2)) < 24 * small
