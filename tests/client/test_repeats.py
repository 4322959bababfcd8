"""A chunk read by its frame gives what parsing it gives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_byom.client import jsontext, repeats, streaming
from pytest_byom.client.dialogue import Head, Job
from pytest_byom.client.errors import BYOMError
from pytest_byom.client.redact import HiddenHeaders
from pytest_byom.client.repeats import Repeats
from pytest_byom.client.request import WireRequest
from pytest_byom.client.streaming import StreamReader

if TYPE_CHECKING:
    from collections.abc import Iterable

JOB = Job(request=WireRequest("POST", "http://h", HiddenHeaders()), endpoint="http://h")
HEAD = Head(200, {"content-type": "text/event-stream"})
TOP = {"id": "a", "object": "chat.completion.chunk", "created": 1, "model": "m"}


class Parsing(Repeats):
    """Knows no frame: each chunk is parsed."""

    def text_in(self, data: str) -> str | None:
        """Never."""
        return None


def chunk_of(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A chunk of one choice."""
    choice = {"index": 0, "delta": delta, "finish_reason": None, **more.pop("choice", {})}
    return {**TOP, "choices": [choice], **more}


def told(events: Iterable[str], reader: StreamReader) -> list[Any]:
    """What a reader makes of events, its end or its error the last."""
    found: list[Any] = []
    try:
        for event in events:
            found += reader.feed(event.encode("utf-8", "surrogatepass"))
        found += [] if reader.done else reader.close()
    except BYOMError as error:
        found.append(error)
    return [str(getattr(entry, "error", entry)) for entry in found]


def same_as_parsed(events: list[str]) -> list[Any]:
    """Read by frames and by parsing, compare, and give back what both told."""
    reader, plain = StreamReader(JOB, HEAD), StreamReader(JOB, HEAD)
    plain._repeats = Parsing()
    found = told(events, reader)
    assert found == told(events, plain)
    return found


def as_event(chunk: Any) -> str:
    """A chunk as an event."""
    return f"data: {json.dumps(chunk)}\n\n"


DELTAS: list[dict[str, Any]] = [
    {},
    *(
        {"content": text}
        for text in ("", "a", '"', "\\", "\n", "\u65e5", "\ud83d", "\ude00", "\x00")
    ),
    {"role": "assistant", "content": "a"},
    {"content": "a", "refusal": "b"},
    {"content": "a", "refusal": None},
    {"content": "a", "reasoning_content": "b"},
    {"content": "a", "tool_calls": [{"index": 0, "id": "c", "function": {"name": "f"}}]},
    {"content": "a", "seen": [1]},
    {"content": ["a"]},
    {"reasoning": {"content": "a"}, "content": "a"},
]
MORE: list[dict[str, Any]] = [
    {},
    {"usage": {"prompt_tokens": 1}},
    {"service_tier": "x"},
    {"id": "b"},
    {"error": {"message": "no"}},
    {"choice": {"finish_reason": "stop"}},
    {"choice": {"index": 1}},
    {"choice": {"index": None}},
    {"choice": {"logprobs": {"content": [1]}}},
    {"choice": {"seen": {"content": "a"}}},
]
PLAIN = as_event(chunk_of({"content": "a"}))
TWICE = 'data: {"choices":[{"index":0,"delta":{"content":"b"}}],"content":"%s"}\n\n'
EVENTS = [
    *(as_event(chunk_of(delta, **dict(more))) for delta in DELTAS for more in MORE),
    TWICE % "b",
    TWICE % "c",
    'data: {"choices":[{"index":0,"delta":{"content":"a","content":"b"}}]}\n\n',
    'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}"}}]}\n\n',
    f"event: error\n{PLAIN}",
    "data: [DONE]\n\n",
    ": wait\n\n",
]


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_among_plain_ones(event: str) -> None:
    """Before, after and between chunks of text, and after its like, an event tells the same."""
    other = as_event(chunk_of({"content": "z"}))
    same_as_parsed([PLAIN, event, other, other, event, event, other])


@given(st.lists(st.tuples(st.sampled_from(EVENTS) | st.just(PLAIN), st.integers(1, 3))))
def test_any_events(runs: list[tuple[str, int]]) -> None:
    """A stream of any events, each some times in a row, tells the same."""
    same_as_parsed([PLAIN, *(event for event, times in runs for _ in range(times))])


def test_a_member_of_the_same_name_is_not_the_text() -> None:
    """What stands behind the text under its name may change, and the text does not."""
    found = same_as_parsed([PLAIN, TWICE % "b", TWICE % "c", TWICE % "d"])
    assert [entry for entry in found if "text='b'" in entry] == found[2:5]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The chunks that are parsed whole."""
    found: list[str] = []
    parse = jsontext.parse_json

    def counted(text: str) -> Any:
        found.append(text)
        return parse(text)

    monkeypatch.setattr(streaming, "parse_json", counted)
    monkeypatch.setattr(repeats, "parse_json", counted)
    return found


def test_most_chunks_are_not_parsed(parsed: list[str]) -> None:
    """Of a hundred chunks of text a few are parsed, whatever the text holds."""
    texts = ["a", "\n", "\u00e4", '"', "\U0001f600"] * 20
    reader = StreamReader(JOB, HEAD)
    found = told([as_event(chunk_of({"content": text})) for text in texts], reader)
    assert len(parsed) <= 3
    assert reader.partial.content == "".join(texts)
    assert len(found) == 1 + len(texts) + 1


def test_a_frame_that_never_comes_again_is_given_up(parsed: list[str]) -> None:
    """Where each chunk has an id of its own, no more is tried after a while."""
    chunks = [chunk_of({"content": "a"}, obfuscation=str(n)) for n in range(100)]
    told(map(as_event, chunks), StreamReader(JOB, HEAD))
    assert len(parsed) <= 100 + repeats.FRAMES
