"""What is read out of an exchange, and that its absence is Inconclusive."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.conformance.exchange import Sent, dig
from pytest_byom.conformance.finding import Inconclusive, Unsupported

from .making import HELLO, JSON, make_contract, make_exchange, make_silence

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_byom.conformance.exchange import Exchange

REFUSAL = {"error": {"message": "no such parameter", "code": None}}


def coded(coding: str) -> tuple[tuple[str, str], ...]:
    """Return headers that declare a content coding."""
    return (*JSON, ("content-encoding", coding))


def test_header_is_found_in_any_case() -> None:
    """A header is found whatever the case of the name that is asked for."""
    assert make_exchange().header("Content-Type") == "application/json"


def test_header_that_is_absent() -> None:
    """A header that is not there is None."""
    assert make_exchange().header("server") is None


MEDIA_TYPES = [
    ("application/json", "application/json"),
    ("Application/JSON; charset=utf-8", "application/json"),
    ("text/event-stream;charset=utf-8", "text/event-stream"),
    ("", ""),
]


@pytest.mark.parametrize(("header", "media_type"), MEDIA_TYPES)
def test_media_type(header: str, media_type: str) -> None:
    """The media type is in lower case and has no parameters."""
    assert make_exchange(headers=(("content-type", header),)).media_type == media_type


def test_media_type_that_is_absent() -> None:
    """Without a header there is no media type."""
    assert make_exchange(headers=()).media_type == ""


CODINGS = [
    ("identity", b'{"a": 1}'),
    ("", b'{"a": 1}'),
    ("gzip", gzip.compress(b'{"a": 1}')),
    ("X-GZIP", gzip.compress(b'{"a": 1}')),
    ("deflate", zlib.compress(b'{"a": 1}')),
]


@pytest.mark.parametrize(("coding", "raw"), CODINGS, ids=[coding for coding, _ in CODINGS])
def test_content_coding(coding: str, raw: bytes) -> None:
    """A body in a coding that was declared is decoded."""
    assert make_exchange(raw, headers=coded(coding)).json == {"a": 1}


@pytest.mark.parametrize(
    ("coding", "reason"),
    [("gzip", "the body is not gzip: .+"), ("br", "the body is coded as 'br'")],
)
def test_content_coding_that_cannot_be_read(coding: str, reason: str) -> None:
    """A body that does not decode is Inconclusive."""
    with pytest.raises(Inconclusive, match=reason):
        _ = make_exchange(b"plain", headers=coded(coding)).body


def test_text_that_is_no_utf8() -> None:
    """Bytes that are no UTF-8 become U+FFFD."""
    assert make_exchange(b"a\xffb").text == "a\ufffdb"


def test_json_behind_a_byte_order_mark() -> None:
    """A byte order mark does not hide the JSON behind it."""
    assert make_exchange(b"\xef\xbb\xbf{}").json == {}


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": 1', b"[" * 100_000])
def test_no_json(body: bytes) -> None:
    """A body that is no JSON is Inconclusive, with the contract's id."""
    with pytest.raises(Inconclusive, match=r"^the body of chat/plain is not JSON$"):
        _ = make_exchange(body).json


def test_request_json() -> None:
    """The body of the request is read as it was sent."""
    sent = Sent("POST", "http://x", (), b'{"model": "m", "n": 2}')
    assert make_exchange(sent=sent).request_json == {"model": "m", "n": 2}


def test_request_that_was_never_made() -> None:
    """Where what a request takes from another answer is missing, it says so, Inconclusive."""
    exchange = make_exchange(sent=Sent("", "", (), b""), trouble="not asked: the text is too short")
    with pytest.raises(
        Inconclusive, match=r"^chat/plain got no answer: not asked: the text is too"
    ):
        _ = exchange.request_json


def test_request_without_body() -> None:
    """A request without a body has no JSON."""
    contract = make_contract("models/list", method="GET", path="/models", body=None)
    assert make_exchange(contract=contract).request_json is None


LENGTH = ("content-length", "2")
KEPT = [
    ("HTTP/1.1", (LENGTH,), True),
    ("HTTP/1.1", (("transfer-encoding", "chunked"), ("connection", "keep-alive")), True),
    ("HTTP/1.1", (LENGTH, ("connection", "Close")), False),
    ("HTTP/1.1", (), False),
    ("HTTP/1.0", (LENGTH,), False),
    ("", (LENGTH,), False),
]


@pytest.mark.parametrize(("version", "headers", "kept"), KEPT)
def test_keeps_connection(version: str, headers: tuple[tuple[str, str], ...], kept: bool) -> None:
    """A connection is kept unless the head of the answer says, or means, that it is closed."""
    exchange = make_exchange(headers=headers, version=version)
    assert exchange.keeps_connection is kept


def test_twins() -> None:
    """Twins are the exchanges of the same contract that were asked at the same time."""
    twin, other = make_exchange(), make_exchange(contract=make_contract("a/other"))
    exchange = make_exchange(company=(other, twin))
    assert exchange.twins == [exchange, twin]
    assert make_exchange().twins == [make_exchange()]


def test_silence_is_not_answered() -> None:
    """An exchange without an answer is Inconclusive, with its trouble."""
    with pytest.raises(Inconclusive, match=r"^chat/plain got no answer: no connection: refused$"):
        make_silence().answered()


def test_refusal_is_answered() -> None:
    """Any HTTP answer counts as one."""
    exchange = make_exchange(REFUSAL, status=400)
    assert exchange.answered() is exchange


NOT_ACCEPTED = [
    (make_exchange(REFUSAL, status=400), "chat/plain was answered with 400"),
    (make_exchange(status=201), "chat/plain was answered with 201"),
    (make_exchange(trouble="cut"), "chat/plain broke off: cut"),
    (make_silence("no answer"), "chat/plain got no answer: no answer"),
]


@pytest.mark.parametrize(("exchange", "reason"), NOT_ACCEPTED)
def test_not_accepted(exchange: Exchange, reason: str) -> None:
    """Whatever is no whole 200 is Inconclusive where acceptance is taken for granted."""
    with pytest.raises(Inconclusive, match=f"^{reason}$"):
        exchange.accepted()


def test_not_supported() -> None:
    """A 4xx says that the server cannot do it, in its own words."""
    with pytest.raises(Unsupported, match=r"^refused with 422: no such parameter$"):
        make_exchange(REFUSAL, status=422).supported()


def test_server_error_is_no_lack() -> None:
    """A 5xx does not say that the server lacks something."""
    with pytest.raises(Inconclusive, match=r"^chat/plain was answered with 500$"):
        make_exchange(REFUSAL, status=500).supported()


def test_supported() -> None:
    """A whole 200 is supported."""
    exchange = make_exchange()
    assert exchange.supported() is exchange


REFUSED = [(200, False), (399, False), (400, True), (499, True), (500, False), (None, False)]


@pytest.mark.parametrize(("status", "refused"), REFUSED)
def test_is_refused(status: int | None, refused: bool) -> None:
    """A refusal is a 4xx."""
    assert make_exchange(status=status).is_refused is refused


MESSAGES: list[tuple[Any, str]] = [
    (REFUSAL, "no such parameter"),
    ({"error": "model not found"}, "model not found"),
    ({"detail": "Not Found"}, "Not Found"),
    ({"message": "no route"}, "no route"),
    ({"error": {"code": 7}}, "{'code': 7}"),
    (b"404 page not\n found", "404 page not found"),
    (b"", ""),
    ({"error": {"message": "x" * 200}}, "x" * 159 + "…"),
]


@pytest.mark.parametrize(("body", "message"), MESSAGES)
def test_error_message(body: Any, message: str) -> None:
    """What an error says is found in whatever shape it comes, on one line, cut."""
    assert make_exchange(body, status=404).error_message() == message


def test_readings() -> None:
    """The first choice of a plain answer is read."""
    exchange = make_exchange()
    assert exchange.completion == HELLO
    assert exchange.message == {"role": "assistant", "content": "Hello"}
    assert (exchange.content, exchange.finish_reason) == ("Hello", "stop")
    assert exchange.usage("prompt_tokens") == 3


def test_tool_calls() -> None:
    """The tool calls of the first choice are read."""
    calls = [{"id": "call_1", "type": "function"}]
    exchange = make_exchange({"choices": [{"message": {"tool_calls": calls}}]})
    assert exchange.tool_calls == calls


NO_CHOICE: dict[str, Any] = {"choices": []}
ABSENT: list[tuple[Callable[[Exchange], Any], Any, str]] = [
    (lambda e: e.completion, [], "the body of chat/plain is no JSON object"),
    (lambda e: e.message, NO_CHOICE, "the answer to chat/plain has no message"),
    (lambda e: e.content, {"choices": [{"message": {}}]}, "the answer to chat/plain has no text"),
    (lambda e: e.tool_calls, HELLO, "the answer to chat/plain has no tool call"),
    (lambda e: e.finish_reason, NO_CHOICE, "the answer to chat/plain has no finish_reason"),
    (lambda e: e.usage("x"), HELLO, "the answer to chat/plain has no usage.x"),
    (
        lambda e: e.usage("n"),
        {"usage": {"n": True}},
        "the answer to chat/plain has no usage.n",
    ),
]


@pytest.mark.parametrize(("read", "body", "reason"), ABSENT)
def test_absent(read: Callable[[Exchange], Any], body: Any, reason: str) -> None:
    """What is not there to be read is Inconclusive, and named."""
    with pytest.raises(Inconclusive, match=f"^{reason}$"):
        read(make_exchange(body))


PATHS: list[tuple[str, Any]] = [
    ("choices.0.message.content", "Hello"),
    ("choices.1", None),
    ("choices.x", None),
    ("choices.-1", None),
    ("id.x", None),
    ("absent.deeper", None),
]


@pytest.mark.parametrize(("path", "value"), PATHS)
def test_dig(path: str, value: Any) -> None:
    """A dotted path leads to a value, or to None."""
    assert dig(HELLO, path) == value


def test_repr_hides_headers() -> None:
    """The repr of a request shows no header, which may hold the key."""
    assert "canary" not in repr(Sent("GET", "http://x", (("authorization", "canary"),), b""))
