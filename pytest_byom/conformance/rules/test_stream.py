"""Rules about the event stream as bytes, before any chunk is read."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from pytest_byom.conformance.check import rule
from pytest_byom.conformance.excerpts import cut, parse_object
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.rules.test_http import charset_wrong
from pytest_byom.conformance.views import EventStream, Streamed, is_done

if TYPE_CHECKING:
    from collections.abc import Iterator

DONE = "[DONE]"
LINE_END = re.compile(r"\r\n|\n|\r")
SILENT = "openai-python and openai-node give no chunk and no error"


@rule(
    "stream.media-type",
    on=EventStream,
    level="must",
    decides=["sse-01"],
    needs=["stream"],
    breaks="clients built on httpx-sse raise unless it is text/event-stream",
)
def test_media_type(answer: EventStream) -> Iterator[Wrong]:
    """stream=true answers with the media type text/event-stream."""
    if answer.exchange.media_type != "text/event-stream":
        got = answer.exchange.header("content-type") or "nothing"
        yield Wrong(place="header content-type", expected="text/event-stream", got=got)


@rule(
    "stream.charset",
    on=EventStream,
    level="should",
    decides=["hdr-05"],
    needs=["stream"],
    breaks="httpx-sse decodes with the declared charset and garbles every non-ASCII character",
)
def test_charset(answer: EventStream) -> Iterator[Wrong]:
    """The media type of an event stream has the charset utf-8 or none."""
    yield from charset_wrong(answer.exchange.header("content-type") or "")


@rule(
    "stream.events",
    on=Streamed,
    level="must",
    decides=["sse-02"],
    needs=["stream"],
    breaks=f"NDJSON, plain JSON or HTML: {SILENT}",
)
def test_events(answer: Streamed) -> Iterator[Wrong]:
    """The body is an event stream: decoding by the WHATWG rules gives at least one event."""
    if not answer.events:
        got = cut(answer.exchange.text) or "an empty body"
        yield Wrong(place="body", expected="events", got=got)


@rule(
    "stream.clean-end",
    on=Streamed,
    level="must",
    decides=["sse-23"],
    needs=["stream"],
    breaks="httpx raises RemoteProtocolError in the midst of the loop over chunks",
)
def test_clean_end(answer: Streamed) -> Iterator[Wrong]:
    """The body ends cleanly: with the last chunk of chunked coding, or as the length says."""
    if answer.exchange.trouble:
        got = answer.exchange.trouble
        yield Wrong(place="end of body", expected="a clean end", got=got)


@rule(
    "stream.json-data",
    on=EventStream,
    level="must",
    decides=["sse-03"],
    needs=["stream"],
    breaks="openai-python and openai-node raise: they parse the data of every event",
)
def test_json_data(answer: EventStream) -> Iterator[Wrong]:
    """Every event up to the end mark has data that is one JSON object."""
    for place, event in answer.data_events:
        if event.data.strip() and parse_object(event.data) is None:
            yield Wrong(place=place, expected="a JSON object", got=cut(event.data))


@rule(
    "stream.done-marker",
    on=EventStream,
    level="must",
    decides=["sse-04"],
    needs=["stream"],
    breaks='"[done]" or quotes make openai-python and LangChain raise, a space after it '
    "openai-node; without the mark a whole stream and a cut one look alike",
)
def test_done_marker(answer: EventStream) -> Iterator[Wrong]:
    """The stream has an event whose data is exactly [DONE]."""
    marks = [event.data for event in answer.events if is_done(event)]
    if not marks and not answer.has_unterminated_done and not answer.broke_off:
        got = cut(answer.last_line)
        yield Wrong(place="end of stream", expected=f"data: {DONE}", got=got)
    elif marks and DONE not in marks:
        yield Wrong(place="end of stream", expected=f"data: {DONE}", got=f"data: {marks[0]}")


@rule(
    "stream.nothing-after-done",
    on=EventStream,
    level="must",
    decides=["sse-05"],
    needs=["stream"],
    breaks="the Vercel AI SDK goes on parsing and turns the finish reason into an error",
)
def test_nothing_after_done(answer: EventStream) -> Iterator[Wrong]:
    """No event follows [DONE]."""
    marks = [number for number, event in enumerate(answer.events) if is_done(event)]
    if marks and marks[0] + 1 < len(answer.events):
        late = answer.events[marks[0] + 1]
        yield Wrong(place=f"event {marks[0] + 2}", expected="no event", got=cut(late.data))


@rule(
    "stream.terminated",
    on=EventStream,
    level="must",
    decides=["sse-06", "sse-07"],
    needs=["stream"],
    breaks="an event without its blank line is discarded, by the standard and by openai-python",
)
def test_terminated(answer: EventStream) -> Iterator[Wrong]:
    """The last event is terminated by a blank line."""
    if answer.unterminated and not answer.broke_off:
        yield Wrong(place="end of stream", expected="a blank line", got=cut(answer.last_line))


@rule(
    "stream.no-empty-event",
    on=EventStream,
    level="must",
    decides=["sse-08", "sse-09"],
    needs=["stream"],
    breaks='openai-python and openai-node raise on "data:" and on "event: ping" keep-alives; '
    "comments are the way",
)
def test_no_empty_event(answer: EventStream) -> Iterator[Wrong]:
    """No event has empty data: neither a bare "data:" nor a block with other fields only."""
    for block in answer.blocks:
        fields = [line for line in block if not line.startswith(":")]
        data = [line for line in fields if line.startswith("data:") and line[5:].strip()]
        if fields and not data and _has_known_field(fields):
            yield Wrong(place="event", expected="data", got=cut("\n".join(fields)))


def _has_known_field(lines: list[str]) -> bool:
    return any(line.partition(":")[0] in ("data", "event", "id", "retry") for line in lines)


@rule(
    "stream.only-fields",
    on=EventStream,
    level="must",
    decides=["sse-02"],
    needs=["stream"],
    breaks="text outside of a field is dropped by every decoder: an error written so is never seen",
)
def test_only_fields(answer: EventStream) -> Iterator[Wrong]:
    """Every line is a field of the format, a comment or blank."""
    for line in LINE_END.split(answer.text_body):
        name = line.removeprefix("\ufeff").partition(":")[0]
        if name and name not in ("data", "event", "id", "retry"):
            yield Wrong(place="line", expected="data: …", got=cut(line))


@rule(
    "stream.no-bom",
    on=EventStream,
    level="must",
    decides=["sse-11"],
    needs=["stream"],
    breaks="openai-python and httpx-sse lose the first event",
)
def test_no_bom(answer: EventStream) -> Iterator[Wrong]:
    """The stream has no byte order mark."""
    if answer.body.startswith(codecs.BOM_UTF8):
        yield Wrong(place="first bytes", expected="data: …", got="EF BB BF")


@rule(
    "stream.utf8",
    on=EventStream,
    level="must",
    decides=["sse-12"],
    needs=["stream"],
    breaks="openai-python raises UnicodeDecodeError",
)
def test_utf8(answer: EventStream) -> Iterator[Wrong]:
    """The stream is valid UTF-8, also where a token ends inside a character."""
    try:
        answer.body.decode("utf-8")
    except UnicodeDecodeError as error:
        bad = answer.body[error.start :][:4].hex(" ")
        yield Wrong(place=f"byte {error.start}", expected="UTF-8", got=bad)


@rule(
    "stream.one-line-data",
    on=EventStream,
    level="should",
    decides=["sse-13"],
    needs=["stream"],
    breaks="clients that read line by line see half a JSON text",
)
def test_one_line_data(answer: EventStream) -> Iterator[Wrong]:
    """Each data value is written on one line."""
    for place, event in answer.data_events:
        if "\n" in event.data:
            yield Wrong(place=place, expected="one data line", got=cut(event.data))


@rule(
    "stream.line-ends",
    on=EventStream,
    level="should",
    decides=["sse-15"],
    needs=["stream"],
    breaks="aiohttp-sse-client2 and eventsource-parser miss events that end with a lone CR",
)
def test_line_ends(answer: EventStream) -> Iterator[Wrong]:
    """Lines end with LF or with CRLF; lone CR is not used."""
    if found := re.search(rb"\r(?!\n)", answer.body):
        line = answer.body[: found.end()].splitlines(keepends=True)[-1]
        yield Wrong(
            place="line", expected="LF or CRLF", got=repr(cut(line.decode("utf-8", "replace")))
        )


@rule(
    "stream.event-names",
    on=EventStream,
    level="should",
    decides=["sse-17"],
    needs=["stream"],
    breaks="openai-node raises on event: error, openai-python treats thread.* as another API",
)
def test_event_names(answer: EventStream) -> Iterator[Wrong]:
    """Events carry no name, or one that clients ignore; "error" is for errors only."""
    for place, event in answer.data_events:
        data = parse_object(event.data) or {}
        misnamed = event.event == "error" and not data.get("error")
        if event.event.startswith("thread.") or (misnamed and data):
            yield Wrong(place=place, expected="no event name", got=f"event: {event.event}")


@rule(
    "stream.cache-control",
    on=EventStream,
    level="may",
    decides=["sse-21"],
    needs=["stream"],
    breaks="a proxy may keep the stream, or serve it twice",
)
def test_cache_control(answer: EventStream) -> Iterator[Wrong]:
    """The streamed answer has Cache-Control: no-cache or no-store."""
    value = (answer.exchange.header("cache-control") or "").lower()
    if "no-cache" not in value and "no-store" not in value:
        yield Wrong(place="header cache-control", expected="no-cache", got=value or "nothing")


@rule(
    "stream.no-error",
    on=EventStream,
    level="should",
    decides=["sse-26"],
    needs=["stream"],
    breaks="the error comes after a 200, when nothing can be retried any more",
)
def test_no_error(answer: EventStream) -> Iterator[Wrong]:
    """A valid request's stream carries no error."""
    if answer.exchange.contract.kind != "valid":
        raise Inconclusive("only streams of valid requests are judged")
    for place, event in answer.data_events:
        data = parse_object(event.data) or {}
        if data.get("error"):
            yield Wrong(place=place, expected="a chunk", got=cut(event.data))
