"""The event stream decoder against the WHATWG rules, at every cut."""

from __future__ import annotations

import base64
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_byom.client.errors import EventTooLarge, UsageError
from pytest_byom.client.sse import ServerSentEvent, SSEDecoder

DATA = Path(__file__).parent.parent / "data"
ALL = json.loads((DATA / "sse-vectors.json").read_text(encoding="utf-8"))["vectors"]
SMALL = [vector for vector in ALL if "chunks_b64" in vector]
GENERATED = [vector for vector in ALL if "generate" in vector]
AT_EOF = [vector for vector in SMALL if "expect_if_flushed_at_eof" in vector]


def chunks_of(vector: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(chunk) for chunk in vector["chunks_b64"]]


def events_of(expected: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    return [(event["event"], event["data"], event["id"]) for event in expected]


def decode(chunks: list[bytes], *, flush: bool = False) -> tuple[SSEDecoder, list[ServerSentEvent]]:
    decoder = SSEDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return decoder, events + decoder.close(flush=flush)


def cuttings(chunks: list[bytes]) -> list[list[bytes]]:
    """The stream as given, whole, byte by byte, and at every single cut."""
    whole = b"".join(chunks)
    every_cut = [[whole[:at], whole[at:]] for at in range(1, len(whole))]
    return [chunks, [whole], [bytes([byte]) for byte in whole], *every_cut]


def plain(events: list[ServerSentEvent]) -> list[tuple[str, str, str]]:
    return [(event.event, event.data, event.id) for event in events]


@pytest.mark.parametrize("vector", SMALL, ids=lambda vector: vector["id"])
def test_vector(vector: dict[str, Any]) -> None:
    """Each vector gives its events and reconnection time, wherever the stream is cut."""
    for chunks in cuttings(chunks_of(vector)):
        decoder, events = decode(chunks)
        assert plain(events) == events_of(vector["expect"])
        assert decoder.retry == vector.get("expect_retry")


@pytest.mark.parametrize("vector", AT_EOF, ids=lambda vector: vector["id"])
def test_flush_at_the_end(vector: dict[str, Any]) -> None:
    """With flush, an event without its last blank line is given too, and until then is pending."""
    for chunks in cuttings(chunks_of(vector)):
        decoder, _ = decode(chunks)
        assert decoder.pending
        _, events = decode(chunks, flush=True)
        assert plain(events) == events_of(vector["expect_if_flushed_at_eof"])


@pytest.mark.parametrize("vector", GENERATED, ids=lambda vector: vector["id"])
def test_large_vector(vector: dict[str, Any]) -> None:
    """Streams of megabytes and of many thousand lines decode in small chunks."""
    made, expected = vector["generate"], vector["expect_generate"]
    body = (made["prefix"] + made["unit"] * made["count"] + made["suffix"]).encode()
    size = made["chunk_size"]
    _, events = decode([body[at : at + size] for at in range(0, len(body), size)])
    data = expected["data"]
    text = data.get("join", "").join([data["unit"]] * data["count"])
    assert [event.data for event in events] == [text] * expected["events"]


FRAGMENTS = st.sampled_from(
    [b"data: a", b"data:b", b"data", b":c", b"event: e", b"id: 1", b"id", b"retry: 5", b"\n",
     b"\r", b"\r\n", b"\n\n", b"\xef\xbb\xbf", "é\u2028".encode(), b"\xff", b"\0", b" ",
     b"data: a\n\n", b"data: b\r\n\r\n", b": c\n\n", b": c\n\ndata: d\n\n"]
)  # fmt: skip


@given(st.lists(FRAGMENTS, max_size=30).map(b"".join), st.lists(st.integers(0, 120), max_size=8))
@settings(max_examples=300, deadline=None)
def test_any_cut(body: bytes, places: list[int]) -> None:
    """Any cutting of any stream gives the same events, and a slow reading of the rules agrees."""
    edges = [0, *sorted(place for place in places if place < len(body)), len(body)]
    pieces = [body[a:b] for a, b in pairwise(edges)]
    at_once, whole = decode([body])
    in_pieces, cut = decode(pieces)
    assert whole == cut
    assert (at_once.comments, at_once.pending) == (in_pieces.comments, in_pieces.pending)
    assert plain(whole) == read_slowly(body)


def read_slowly(body: bytes) -> list[tuple[str, str, str]]:
    """The standard's own words, one character at a time."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    *lines, _ = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    events, data, kind, last_id = [], "", "", ""
    for line in lines:
        if not line:
            if data:
                events.append((kind or "message", data[:-1], last_id))
            data = kind = ""
            continue
        name, _, value = line.partition(":")
        value = value[1:] if value[:1] == " " else value
        if name == "data":
            data += value + "\n"
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            last_id = value
    return events


@given(st.binary(max_size=300), st.integers(1, 20))
@settings(max_examples=200, deadline=None)
def test_any_bytes(body: bytes, size: int) -> None:
    """No bytes make the decoder do anything but decode."""
    _, events = decode([body[at : at + size] for at in range(0, len(body), size)])
    assert plain(events) == read_slowly(body)


@pytest.mark.parametrize("size", [1, 7, 64, 1000])
@pytest.mark.parametrize(
    "body",
    [b"data: " + b"x" * 60, b"data: x\n" * 8, b"ignored\n" * 9, b"id: " + b"1" * 61 + b"\n\n"],
    ids=["line", "lines", "unknown fields", "id"],
)
def test_limit(body: bytes, size: int) -> None:
    """An event beyond the limit is refused however it is cut, after the events before it."""
    decoder = SSEDecoder(max_event_bytes=50)
    stream = b"data: first\n\n" + body
    given_back: list[ServerSentEvent] = []
    with pytest.raises(EventTooLarge, match="larger than 50 bytes"):  # noqa: PT012
        for at in range(0, len(stream), size):
            given_back += decoder.feed(stream[at : at + size])
        decoder.close()
    assert [event.data for event in given_back] == ["first"]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_limit_holds_for_one_event(size: int) -> None:
    """Comments count for nothing, and each event has the limit for itself."""
    stream = (b": " + b"k" * 100 + b"\n" + b"data: " + b"x" * 44 + b"\n\n") * 3
    decoder = SSEDecoder(max_event_bytes=50)
    events = [e for at in range(0, len(stream), size) for e in decoder.feed(stream[at : at + size])]
    assert [event.data for event in events] == ["x" * 44] * 3
    assert decoder.comments == 3


@pytest.mark.parametrize("size", [1, 20, 700, 1500, 5000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_long_lines_among_short_ones(size: int, end: bytes) -> None:
    """Lines of any length give their events in reads of any length."""
    texts = ["x" * length for length in (3, 990, 2, 1040, 1, 2500, 0)]
    stream = b"".join(b"data: " + text.encode() + end * 2 for text in texts)
    _, events = decode([stream[at : at + size] for at in range(0, len(stream), size)])
    assert [event.data for event in events] == texts


def test_comments_between_events() -> None:
    """Comments that are alone in their read, or come before an event, are counted and no more."""
    reads = [b": a\n\n", b": a\n\n", b": a\n\ndata: 1\n\n", b": a\n\ndata: 2\n\n", b": b\n\n"]
    decoder, events = decode(reads)
    assert [event.data for event in events] == ["1", "2"]
    assert decoder.comments == 5


def test_pending_shows_what_is_discarded() -> None:
    """What the end of the stream discards can still be read."""
    decoder, events = decode([b'data: a\n\n: no\nevent: error\r\n{"error": "x"}'])
    assert [event.data for event in events] == ["a"]
    assert decoder.pending == b'event: error\n{"error": "x"}'


def test_pending_is_empty_after_a_whole_event() -> None:
    """A stream that ends with a blank line leaves nothing behind."""
    decoder, _ = decode([b"data: a\n\n: bye"])
    assert decoder.pending == b""


def test_retry_belongs_to_its_event() -> None:
    """An event carries the reconnection time only if it was sent with it."""
    decoder, events = decode([b"retry: 10\ndata: a\n\ndata: b\n\nretry: 20\n"])
    assert [event.retry for event in events] == [10, None]
    assert decoder.retry == 20


def test_a_closed_decoder_takes_nothing() -> None:
    """A decoder serves one stream."""
    decoder, _ = decode([b"data: a\n\n"])
    with pytest.raises(UsageError, match="new decoder"):
        decoder.feed(b"data: b\n\n")


def test_the_limit_must_be_positive() -> None:
    """A limit that nothing can keep is refused at the door."""
    with pytest.raises(UsageError, match="not 0"):
        SSEDecoder(max_event_bytes=0)


def test_events_are_values() -> None:
    """Two events are equal if their fields are, however they were made."""
    (made,) = SSEDecoder().feed(b"data: a\n\n")
    assert made == ServerSentEvent(data="a")
    assert made != ServerSentEvent(data="a", id="1")
    assert made != ("message", "a", "", None)
    assert repr(made) == "ServerSentEvent(event='message', data='a', id='', retry=None)"
    match made:
        case ServerSentEvent(data=data):
            assert data == "a"
