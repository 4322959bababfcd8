"""The short way through HTTP says what h11 says, wherever it says something."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_byom.mock.http_common import read_head, write_head
from pytest_byom.mock.http_judge import Judge
from pytest_byom.mock.http_messages import Pieces, Reply

HTTPX = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:4567\r\nAccept: */*\r\n"
    b"Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\nUser-Agent: httpx\r\n"
    b"Authorization: Bearer canary\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n"
)
CURL = (
    b"GET /v1/models?x=y?z HTTP/1.1\r\nHost: llm\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n"
)
NODE = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost:11434\r\nconnection: keep-alive\r\n"
    b"content-type: application/json\r\naccept-language: *\r\nsec-fetch-mode: cors\r\n"
    b"user-agent: OpenAI/JS 6.1.0\r\ncontent-length: 2\r\n\r\n"
)


@pytest.mark.parametrize("raw", [HTTPX, CURL, NODE], ids=["httpx", "curl", "node"])
def test_what_clients_send_is_common(raw: bytes) -> None:
    """Heads as popular clients write them are read at a glance, and as h11 reads them."""
    body = b"{}" if raw.startswith(b"POST") else b""
    head = read_head(bytearray(raw + body))
    assert head is not None
    assert (head.raw, head.length) == (raw, len(body))
    assert head.complete(body) == Judge().feed(raw + body)


UNCOMMON = {
    "not whole": HTTPX[:-2],
    "method": HTTPX.replace(b"POST", b"HEAD"),
    "version": HTTPX.replace(b"1.1\r\n", b"1.0\r\n", 1),
    "url": HTTPX.replace(b"/v1", b"http://x/v1"),
    "no host": HTTPX.replace(b"Host", b"Most"),
    "two hosts": HTTPX.replace(b"Accept:", b"Host:"),
    "two lengths": HTTPX.replace(b"Accept:", b"Content-Length:"),
    "length": HTTPX.replace(b"Length: 2", b"Length: -2"),
    "large body": HTTPX.replace(b"Length: 2", b"Length: 99999999"),
    "very large body": HTTPX.replace(b"Length: 2", b"Length: 99999999999999"),
    "chunks": HTTPX.replace(b"Content-Length: 2", b"Transfer-Encoding: chunked"),
    "announced": HTTPX.replace(b"Accept: */*", b"Expect: 100-continue"),
    "upgrade": HTTPX.replace(b"Accept:", b"Upgrade:"),
    "close": HTTPX.replace(b"keep-alive", b"close"),
    "folded": HTTPX.replace(b"gzip, ", b"gzip,\r\n "),
    "line end": HTTPX.replace(b"gzip, ", b"gzip,\n"),
    "no colon": HTTPX.replace(b"Accept: ", b"Accept "),
    "space before colon": HTTPX.replace(b"Accept: ", b"Accept : "),
    "space behind": HTTPX.replace(b"*/*", b"*/* "),
    "not ascii": HTTPX.replace(b"*/*", b"\xe9"),
    "large": HTTPX.replace(b"*/*", b"*" * 70_000),
}


@pytest.mark.parametrize("raw", UNCOMMON.values(), ids=UNCOMMON)
def test_other_requests_are_for_h11(raw: bytes) -> None:
    """What has a rule of its own in HTTP is not read at a glance."""
    assert read_head(bytearray(raw + b"{}")) is None


BITS = st.sampled_from(
    (
        *(bytes([one]) for one in b" \r\n\t\0\x7f\x85\xa0\xe9:;,/?#*%aZ0-_"),
        *(b"", b"\r\n", b": ", b"\r\n ", b"http://x/", b"X-A: b\r\n", b"X-A:b\r\n", b"X-A:\r\n"),
        *(b"Host: x\r\n", b"Connection: close\r\n", b"Connection: Keep-Alive\r\n"),
        *(b"Content-Length: 2\r\n", b"Expect: 100-continue\r\n", b"Transfer-Encoding: chunked\r\n"),
    )
)


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """Return a common head that is changed in up to two places, between lines or anywhere."""
    raw: bytes = draw(st.sampled_from((HTTPX, CURL, NODE)))
    for _ in range(draw(st.integers(0, 2))):
        lines = [at + 2 for at in range(len(raw)) if raw.startswith(b"\r\n", at)]
        at = draw(st.sampled_from(lines) | st.integers(0, len(raw)))
        raw = raw[:at] + draw(BITS) + raw[at + draw(st.integers(0, 2)) :]
    return raw


@given(changed())
def test_a_head_is_read_as_h11_reads_it(raw: bytes) -> None:
    """Whatever is read at a glance is what h11 makes of the same bytes, body included."""
    head = read_head(bytearray(raw + b"{}"))
    if head is not None:
        judge = Judge()
        body = b"x" * head.length
        assert head.complete(body) == judge.feed(head.raw + body)
        assert judge.rest == b""


JSON = ("content-type", "application/json")
ODD = st.text(st.sampled_from("aZ09-_:;,/?#*% \t\r\n\0\x7f\x85\xa0\xe9\xb2"), max_size=6)
USUAL = st.sampled_from((JSON, ("X-Request-Id", "req_1"), ("date", "today"), ("a", "b  c")))
FRAMING = st.sampled_from((("Content-Length", "2"), ("connection", "close"), ("host", "x")))
UNUSUAL = st.tuples(st.just("X-A") | ODD, ODD) | FRAMING
HEADERS = st.tuples(st.lists(USUAL, max_size=3), st.lists(UNUSUAL, max_size=1)).map(
    lambda parts: (*parts[0], *parts[1])
)
STATUSES = st.sampled_from((200, 201, 204, 304, 429, 503, 199, 600))


@pytest.mark.parametrize("streamed", [False, True])
@given(status=STATUSES, headers=HEADERS)
def test_a_head_is_written_as_h11_writes_it(
    streamed: bool, status: int, headers: tuple[tuple[str, str], ...]
) -> None:
    """Whatever is written at a glance is what h11 writes of the same answer, but for the second."""
    reply = Reply(status, headers, Pieces([b"{}"]) if streamed else b"{}")
    written = write_head(reply, None if streamed else 2)
    if written is not None:
        judge = Judge()
        judge.feed(CURL)
        assert undated(written) == undated(judge.open(reply))


def undated(head: bytes) -> bytes:
    """Return a head without the time at which it was written."""
    return re.sub(rb"\r\ndate: \w+, [^\r]* GMT(?=\r\n)", b"", head)


@pytest.mark.parametrize(
    ("status", "length", "framing"),
    [(200, 2, b"content-length: 2"), (429, None, b"Transfer-Encoding: chunked")],
)
def test_what_mocks_send_is_common(status: int, length: int | None, framing: bytes) -> None:
    """An answer with the usual headers is written at a glance, with its framing and a date."""
    written = write_head(Reply(status, (JSON, ("x-request-id", "req_1")), b"{}"), length)
    assert written is not None
    assert undated(written) == (
        b"HTTP/1.1 %d \r\ncontent-type: application/json\r\nx-request-id: req_1\r\n%b\r\n\r\n"
        % (status, framing)
    )
    assert b"\r\ndate: " in written


@pytest.mark.parametrize(
    ("status", "header"),
    [
        (204, JSON),
        (304, JSON),
        (199, JSON),
        (200, ("Content-Length", "2")),
        (200, ("connection", "close")),
        (200, ("Transfer-Encoding", "chunked")),
        (200, ("host", "x")),
        (200, ("a b", "c")),
        (200, ("a: b", "c")),
        (200, ("", "c")),
        (200, ("a", " b")),
        (200, ("a", "b\r\nc: d")),
        (200, ("a", "\u00e9")),
    ],
)
def test_other_answers_are_for_h11(status: int, header: tuple[str, str]) -> None:
    """What has a rule of its own, or is no header, is not written at a glance."""
    assert write_head(Reply(status, (JSON, header), b"{}"), 2) is None


def test_a_date_that_is_given_is_the_only_one() -> None:
    """The date of the application stands, and no other beside it."""
    written = write_head(Reply(200, (("Date", "today"),), b""), 0)
    assert written == b"HTTP/1.1 200 \r\nDate: today\r\ncontent-length: 0\r\n\r\n"
