"""Rules about HTTP: status, headers, and the body as bytes."""

from __future__ import annotations

import codecs
import json
import re
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.check import rule
from pytest_byom.conformance.excerpts import cut
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.views import GZIP, Answer, Chat, Plain

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


@rule(
    "http.no-redirect",
    on=Chat,
    level="must",
    decides=["http-07"],
    breaks="httpx, under openai-python, does not follow redirects; others turn the POST into a GET",
)
def test_no_redirect(answer: Chat) -> Iterator[Wrong]:
    """POST to the exact path is not answered with a redirect."""
    status = answer.exchange.status or 0
    if 300 <= status < 400:
        location = answer.exchange.header("location")
        yield Wrong(place="status", expected="no 3xx", got=f"{status} to {location}")


@rule(
    "http.json-media-type",
    on=Plain,
    level="must",
    decides=["http-02"],
    breaks="openai-node returns the body as a plain string, so that choices is undefined",
)
def test_json_media_type(answer: Plain) -> Iterator[Wrong]:
    """A plain 200 answer has the media type application/json."""
    if answer.exchange.media_type != "application/json":
        yield Wrong(
            place="header content-type",
            expected="application/json",
            got=answer.exchange.header("content-type") or "nothing",
        )


@rule(
    "http.json-charset",
    on=Plain,
    level="should",
    decides=["hdr-06"],
    breaks="clients that decode by the declared charset garble every non-ASCII character",
)
def test_json_charset(answer: Plain) -> Iterator[Wrong]:
    """A JSON answer declares the charset utf-8 or none."""
    yield from charset_wrong(answer.exchange.header("content-type") or "")


def charset_wrong(content_type: str) -> Iterator[Wrong]:
    """Yield what is wrong if a Content-Type names another charset than UTF-8."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "charset" and value.strip('"').lower() not in ("utf-8", "utf8"):
            yield Wrong(place="header content-type", expected="charset utf-8", got=content_type)


@rule(
    "http.json-body",
    on=Plain,
    level="must",
    decides=["http-03", "http-30"],
    breaks="bytes after the JSON, or none at all, make openai-python, LangChain, openai-node and "
    "the Vercel AI SDK raise",
)
def test_json_body(answer: Plain) -> Iterator[Wrong]:
    """The body of a plain answer is one JSON text, with nothing but whitespace around it."""
    try:
        json.loads(answer.text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        yield Wrong(
            place="body",
            expected="one JSON text",
            got=str(error),
            excerpt=cut(answer.text) or "an empty body",
        )


@rule(
    "http.json-object",
    on=Plain,
    level="must",
    decides=["http-03"],
    breaks="every client reads members of an object",
)
def test_json_object(answer: Plain) -> Iterator[Wrong]:
    """The JSON text of a plain answer is an object."""
    data = answer.exchange.json
    if not isinstance(data, dict):
        yield Wrong(place="body", expected="an object", got=cut(data))


@rule(
    "http.json-numbers",
    on=Plain,
    level="must",
    decides=["http-04", "lp-12"],
    breaks="openai-node and the Vercel AI SDK raise: JSON has no NaN and no Infinity",
)
def test_json_numbers(answer: Plain) -> Iterator[Wrong]:
    """The JSON body contains no NaN, Infinity or -Infinity."""
    found: list[str] = []
    try:
        json.loads(answer.text.removeprefix("\ufeff"), parse_constant=found.append)
    except (ValueError, RecursionError) as error:
        raise Inconclusive("the body is no JSON") from error
    if found:
        yield Wrong(place="body", expected="JSON numbers", got=", ".join(sorted(set(found))))


@rule(
    "http.json-utf8",
    on=Plain,
    level="must",
    decides=["http-05"],
    breaks="RFC 8259 forbids the mark; strict parsers stop at it, and at bytes that are no UTF-8",
)
def test_json_utf8(answer: Plain) -> Iterator[Wrong]:
    """The JSON body is UTF-8 without a byte order mark."""
    body = answer.body
    if body.startswith(codecs.BOM_UTF8):
        yield Wrong(place="body", expected="no byte order mark", got="EF BB BF")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        yield Wrong(
            place=f"byte {error.start}", expected="UTF-8", got=body[error.start :][:4].hex()
        )


@rule(
    "http.json-unique-members",
    on=Plain,
    level="should",
    decides=["http-06"],
    breaks="which of the two values a client sees depends on its parser",
)
def test_json_unique_members(answer: Plain) -> Iterator[Wrong]:
    """No JSON object in an answer repeats a member name."""
    repeated: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        repeated.extend(name for name in set(names) if names.count(name) > 1)
        return dict(pairs)

    try:
        json.loads(answer.text.removeprefix("\ufeff"), object_pairs_hook=note)
    except (ValueError, RecursionError) as error:
        raise Inconclusive("the body is no JSON") from error
    for name in sorted(set(repeated)):
        yield Wrong(place=f"member {name}", expected="each name once", got=f"{name!r} repeated")


@rule(
    "http.content-coding",
    on=Answer,
    level="must",
    decides=["http-18"],
    breaks="all clients ask for gzip and deflate and decode by the header alone",
)
def test_content_coding(answer: Answer) -> Iterator[Wrong]:
    """A compressed answer names its coding and decodes with it."""
    exchange = answer.exchange
    coding = (exchange.header("content-encoding") or "identity").lower()
    if coding == "identity":
        if exchange.raw.startswith(GZIP):
            yield Wrong(place="header content-encoding", expected="gzip", got="nothing")
        return
    if coding not in ("gzip", "x-gzip", "deflate"):
        yield Wrong(
            place="header content-encoding", expected="a coding that was asked for", got=coding
        )
        return
    try:
        zlib.decompressobj(wbits=47).decompress(exchange.raw)
    except zlib.error as error:
        yield Wrong(place="body", expected=f"bytes coded with {coding}", got=str(error))


@rule(
    "http.not-coded-unasked",
    on=Answer,
    level="should",
    decides=["http-19"],
    breaks="a client that asked for identity has no decoder: curl shows binary",
)
def test_not_coded_unasked(answer: Answer) -> Iterator[Wrong]:
    """With Accept-Encoding: identity the answer is not compressed."""
    asked = dict(answer.exchange.sent.headers).get("accept-encoding")
    coding = answer.exchange.header("content-encoding") or "identity"
    if asked == "identity" and coding.lower() != "identity":
        yield Wrong(place="header content-encoding", expected="identity", got=coding)


@rule(
    "http.request-id",
    on=Answer,
    level="should",
    decides=["hdr-01"],
    breaks="openai-python and openai-node show request_id: None, and nobody can name a request",
)
def test_request_id(answer: Answer) -> Iterator[Wrong]:
    """Every answer has a request id header: x-request-id."""
    if not answer.exchange.header("x-request-id"):
        yield Wrong(place="header x-request-id", expected="an id", got="nothing")


@rule(
    "http.content-length",
    on=Answer,
    level="must",
    decides=["http-21", "sse-20"],
    breaks="httpx, under openai-python, raises a protocol error for bytes that do not come",
)
def test_content_length(answer: Answer) -> Iterator[Wrong]:
    """Content-Length, when sent, is the number of bytes that come."""
    exchange = answer.exchange
    length = exchange.header("content-length")
    broke = exchange.trouble and not exchange.trouble.startswith("RemoteProtocolError")
    if length is None or broke or exchange.closed_early or exchange.sent.method == "HEAD":
        return
    if length != str(len(exchange.raw)):
        yield Wrong(place="header content-length", expected=str(len(exchange.raw)), got=length)


@rule(
    "http.header-ascii",
    on=Answer,
    level="should",
    decides=["hdr-07"],
    breaks="clients do not agree on the encoding of header values, and some raise",
)
def test_header_ascii(answer: Answer) -> Iterator[Wrong]:
    """No header value contains a line end or a character beyond ASCII."""
    for name, value in answer.exchange.headers:
        if not value.isascii() or "\r" in value or "\n" in value:
            yield Wrong(place=f"header {name}", expected="ASCII on one line", got=repr(value))


@rule(
    "http.date",
    on=Answer,
    level="should",
    decides=["hdr-09"],
    breaks="caches and clients that wait until a date of Retry-After have no clock to compare with",
)
def test_date(answer: Answer) -> Iterator[Wrong]:
    """Every answer has a Date, no further than a day from the clock."""
    text = answer.exchange.header("date") or ""
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        yield Wrong(place="header date", expected="a date", got=text or "nothing")
        return
    now = datetime.now(UTC)
    if abs(now - date.astimezone(UTC)) > timedelta(days=1):
        yield Wrong(place="header date", expected=f"about {now:%d %b %Y}", got=text)


@rule(
    "http.processing-ms",
    on=Answer,
    level="may",
    decides=["hdr-04"],
    breaks="tools that chart this header raise at a text or a unit",
)
def test_processing_ms(answer: Answer) -> Iterator[Wrong]:
    """openai-processing-ms, when sent, is a number of milliseconds."""
    value = answer.exchange.header("openai-processing-ms")
    if value is not None and not NUMBER.fullmatch(value):
        yield Wrong(place="header openai-processing-ms", expected="a number", got=value)


@rule(
    "http.retry-after-ms",
    on=Answer,
    level="should",
    decides=["hdr-10"],
    breaks="openai-python and openai-node wait as long as retry-after-ms says, before Retry-After",
)
def test_retry_after_ms(answer: Answer) -> Iterator[Wrong]:
    """retry-after-ms, when sent, is a positive number that agrees with Retry-After."""
    value, seconds = map(answer.exchange.header, ("retry-after-ms", "retry-after"))
    if value is None:
        return
    if not NUMBER.fullmatch(value) or not float(value):
        yield Wrong(place="header retry-after-ms", expected="a positive number", got=value)
    elif NUMBER.fullmatch(seconds or "") and abs(float(value) / 1000 - float(seconds or 0)) > 1:
        expected = f"within a second of Retry-After, which is {seconds}"
        yield Wrong(place="header retry-after-ms", expected=expected, got=value)
