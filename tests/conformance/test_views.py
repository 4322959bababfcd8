"""Which exchanges a view fits, and what it reads out of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.client.sse import ServerSentEvent
from pytest_byom.conformance.finding import Inconclusive
from pytest_byom.conformance.views import (
    Answer,
    Called,
    Chat,
    ChunkStream,
    Completion,
    EventStream,
    ModelList,
    Plain,
    Refusal,
    Streamed,
    View,
    cut,
    is_done,
    show,
)

from .making import HELLO, STREAM, make_contract, make_exchange, make_silence, make_stream

if TYPE_CHECKING:
    from pytest_byom.conformance.exchange import Exchange

CALL = {"choices": [{"message": {"tool_calls": [{"id": "c", "function": {"name": "f"}}]}}]}
MODELS = make_contract("models/list", method="GET", path="/models", body=None)
HEAD = make_contract("models/head", method="HEAD", path="/models", body=None)
QUOTED = {"model": "${model}", "messages": [], "stream": "true"}


def chunk(content: str | None = None, *, index: int = 0, finish: str | None = None) -> Any:
    """Return a chunk with one choice."""
    delta = {} if content is None else {"content": content}
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "choices": [{"index": index, "delta": delta, "finish_reason": finish}],
    }


KINDS: list[tuple[str, Exchange, set[type[View]]]] = [
    ("plain", make_exchange(), {Answer, Chat, Plain, Completion}),
    ("stream-in-quotes", make_exchange(contract=make_contract(body=QUOTED)), {Answer, Chat}),
    ("tool-call", make_exchange(CALL), {Answer, Chat, Plain, Completion, Called}),
    ("no-json", make_exchange(b"ok"), {Answer, Chat, Plain}),
    ("list", make_exchange([]), {Answer, Chat, Plain}),
    ("error-200", make_exchange({"error": {"message": "no"}}), {Answer, Chat, Plain}),
    ("cut", make_exchange(trouble="cut"), {Answer, Chat}),
    ("refusal", make_exchange(status=404), {Answer, Chat, Refusal}),
    ("silence", make_silence(), set()),
    ("stream", make_stream(chunk("a")), {Answer, Chat, Streamed, EventStream, ChunkStream}),
    ("no-chunk", make_stream(), {Answer, Chat, Streamed, EventStream}),
    ("no-event", make_stream(done=False), {Answer, Chat, Streamed}),
    ("left", make_stream(chunk("a"), closed_early=True), {Answer, Chat}),
    ("models", make_exchange({"data": []}, contract=MODELS), {Answer, ModelList}),
    ("models-refused", make_exchange(status=401, contract=MODELS), {Answer, Refusal}),
    ("head-refused", make_exchange(b"", status=401, contract=HEAD), {Answer}),
]
VIEWS: tuple[type[View], ...] = (
    Answer,
    Chat,
    Plain,
    Completion,
    Called,
    Streamed,
    EventStream,
    ChunkStream,
    Refusal,
    ModelList,
)


@pytest.mark.parametrize(
    ("exchange", "kinds"), [pytest.param(exchange, kinds, id=id) for id, exchange, kinds in KINDS]
)
def test_kinds(exchange: Exchange, kinds: set[type[View]]) -> None:
    """An exchange is seen as each kind of answer that it is, and as no other."""
    assert {view for view in VIEWS if view.of(exchange) is not None} == kinds


def test_expect() -> None:
    """A check that needs one kind of answer is Inconclusive on another."""
    with pytest.raises(Inconclusive, match=r"^the answer to chat/plain is no stream of chunks$"):
        ChunkStream.expect(make_exchange())


def test_completion_parts() -> None:
    """Choices and messages come with their paths."""
    view = Completion.expect(make_exchange())
    choice = HELLO["choices"][0]  # type: ignore[index]  # a table of JSON
    assert view.choices == [("choices.0", choice)]
    assert view.messages == [("choices.0.message", choice["message"])]
    assert view.usage == HELLO["usage"]


def test_completion_of_wrong_types() -> None:
    """Members of a wrong type count as absent: rules on them are others'."""
    view = Completion.expect(make_exchange({"choices": [1, {"message": 2}], "usage": []}))
    assert view.choices == [("choices.1", {"message": 2})]
    assert (view.messages, view.tool_calls, view.usage) == ([], [], {})


def test_tool_call_parts() -> None:
    """A tool call comes with its path and its function."""
    view = Called.expect(make_exchange(CALL))
    ((path, call),) = view.tool_calls
    assert path == "choices.0.message.tool_calls.0"
    assert view.function(call) == {"name": "f"}
    assert view.function({"function": "f"}) == {}


def test_plain_body_that_is_compressed_unsaid() -> None:
    """A gzip body without a header is Inconclusive: another rule reports it."""
    view = Plain.expect(make_exchange(b"\x1f\x8b..."))
    with pytest.raises(Inconclusive, match="compressed, and no header says so"):
        _ = view.text


def test_wrong_at_a_path() -> None:
    """What is wrong at a path is shown with its value and what stands around it."""
    wrong = Completion.expect(make_exchange()).wrong("usage.total_tokens", "6")
    assert (wrong.place, wrong.expected, wrong.got) == ("usage.total_tokens", "6", "5")
    assert json.loads(wrong.excerpt) == HELLO["usage"]


def test_error_object() -> None:
    """The error object of a refusal is read; anything else is an empty one."""
    assert Refusal(make_exchange({"error": {"code": 1}}, status=400)).error == {"code": 1}
    assert Refusal(make_exchange({"error": "no"}, status=400)).error == {}
    assert Refusal(make_exchange(b"no", status=400)).error == {}


def test_model_entries() -> None:
    """Entries of the list of models come with their paths."""
    view = ModelList.expect(make_exchange({"data": [{"id": "m"}, 7]}, contract=MODELS))
    assert view.entries == [("data.0", {"id": "m"})]


def test_chunks_have_places() -> None:
    """A chunk is named by the number of its event."""
    view = ChunkStream.expect(make_stream(chunk("a"), chunk("b")))
    assert [c.place for c in view.chunks] == ["event 1", "event 2"]
    assert view.chunks[1].wrong("choices.0.index", "1").place == "event 2, choices.0.index"


def test_errors_are_no_chunks() -> None:
    """An error inside a stream is no chunk, and breaks the stream off."""
    view = ChunkStream.expect(make_stream(chunk("a"), {"error": {"message": "overloaded"}}))
    assert len(view.chunks) == 1
    assert view.broke_off


def test_nothing_counts_behind_the_end_mark() -> None:
    """What comes after the end mark is no chunk."""
    raw = make_stream(chunk("a")).raw + make_stream(chunk("b")).raw
    stream = make_stream(chunk("a"))
    stream.raw = raw
    assert ChunkStream.expect(stream).text() == "a"


def test_text_of_each_choice() -> None:
    """The text of a choice is joined from its own deltas."""
    events = [chunk("a"), chunk("x", index=1), chunk("b"), chunk("y", index=1)]
    exchange = make_stream(*events)
    exchange.sent = type(exchange.sent)("POST", "http://x", (), b'{"n": 2, "stream": true}')
    view = ChunkStream.expect(exchange)
    assert (view.text(0), view.text(1), view.text(2)) == ("ab", "xy", "")


def test_finishes() -> None:
    """Finish reasons are found for each choice, with their chunk and path."""
    view = ChunkStream.expect(make_stream(chunk("a"), chunk(finish="stop")))
    assert view.finishes == {0: [(view.chunks[1], "choices.0.finish_reason", "stop")]}


def test_usages() -> None:
    """Chunks with a usage object are found; null is none."""
    usage = {"object": "chat.completion.chunk", "choices": [], "usage": {"total_tokens": 5}}
    view = ChunkStream.expect(make_stream({**chunk("a"), "usage": None}, usage))
    assert [found for _, found in view.usages] == [{"total_tokens": 5}]


def test_broken_connection() -> None:
    """A stream whose connection broke is said to have broken off."""
    assert Streamed.expect(make_stream(chunk("a"), trouble="cut")).broke_off
    assert not Streamed.expect(make_stream(chunk("a"))).broke_off


BODIES = [
    (b"data: {}\n\ndata: [DONE]\n\n", False, False),
    (b"data: {}\n\ndata: [DONE]", True, True),
    (b"data: {}\n\ndata: [DONE]\n", True, True),
    (b'data: {}\n\ndata: {"a"', True, False),
]


@pytest.mark.parametrize(("body", "unterminated", "done"), BODIES)
def test_end_of_stream(body: bytes, unterminated: bool, done: bool) -> None:
    """A last event without its blank line is seen, and whether it was the end mark."""
    exchange = make_stream()
    exchange.raw = body
    view = EventStream.expect(exchange)
    assert (view.unterminated, view.has_unterminated_done) == (unterminated, done)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_blocks(end: str) -> None:
    """The lines between blank lines are found whatever ends them."""
    exchange = make_stream()
    exchange.raw = f": hi{end}data: 1{end}{end}data: 2{end}{end}".encode()
    assert EventStream.expect(exchange).blocks == [[": hi", "data: 1"], ["data: 2"]]


def test_last_line() -> None:
    """The last line is the last that is not blank."""
    assert EventStream.expect(make_stream()).last_line == "data: [DONE]"


def test_stream_that_does_not_decode() -> None:
    """A stream in a coding that cannot be read has no event."""
    exchange = make_stream(chunk("a"))
    exchange.headers = (*STREAM, ("content-encoding", "br"))
    assert EventStream.of(exchange) is None


DONES = [("[DONE]", True), (" [done] ", True), ('"[DONE]"', True), ("[DONE]x", False), ("", False)]


@pytest.mark.parametrize(("data", "done"), DONES)
def test_is_done(data: str, done: bool) -> None:
    """The end mark is recognised generously."""
    assert is_done(ServerSentEvent(data=data)) is done


SHOWN = [
    ("usage.total_tokens", "5"),
    ("usage.absent", "nothing"),
    ("absent", "nothing"),
    ("choices.0.message.content", '"Hello"'),
    ("choices.0.finish_reason.deeper", "null"),
]


@pytest.mark.parametrize(("path", "text"), SHOWN)
def test_show(path: str, text: str) -> None:
    """A value is shown as JSON; what is absent is `nothing`."""
    assert show(HELLO, path) == text


def test_cut_short() -> None:
    """A short value is shown whole."""
    assert cut({"a": "ü"}) == '{"a": "ü"}'


def test_cut_long() -> None:
    """A long text loses its middle."""
    assert cut("a" * 200 + "b" * 200) == "a" * 160 + " … " + "b" * 80
