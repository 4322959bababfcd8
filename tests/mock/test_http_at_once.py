"""The HTTP server with an application that answers in the turn in which it is asked."""

from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from pytest_byom.mock.http1 import BackgroundServer, Reply, Request
from pytest_byom.mock.http_messages import Pieces

from .sockets import connection, talk

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = (("content-type", "text/plain"),)


class Prompt:
    """An application with one behaviour for each path; `last` is the last piece that was taken."""

    def __init__(self) -> None:
        self.last = 0
        self.left = threading.Event()

    def __call__(self, request: Request) -> Reply:
        match request.path:
            case "/pieces":
                return Reply(200, TEXT, Pieces([b"one", b"", b"two"]))
            case "/none":
                return Reply(200, TEXT, Pieces([]))
            case "/endless":
                return Reply(200, TEXT, Pieces(self._count()))
            case "/raise":
                raise LookupError("no such thing")
            case "/number":
                return Reply(200, (("x", 5),), b"")  # type: ignore[arg-type]  # as one may err
            case "/empty":
                return Reply(204, (), b"")
            case "/length":
                return Reply(200, (("content-length", "6"),), Pieces([b"one", b"two"]))
            case "/close":
                return Reply(200, (*TEXT, ("connection", "close")), b"last")
            case "/verbatim":
                return Reply(200, TEXT, Pieces([b"one", b"two"]), verbatim=True)
        return Reply(200, TEXT, request.body or b"nothing")

    def _count(self) -> Iterator[bytes]:
        try:
            for self.last in itertools.count(1):
                yield b"x" * 1000
        finally:
            self.left.set()


@pytest.fixture
def app() -> Prompt:
    return Prompt()


@pytest.fixture
def server(app: Prompt) -> Iterator[BackgroundServer]:
    with BackgroundServer(app) as running:
        yield running


def ask(path: str, body: bytes = b"", *lines: str, method: str = "POST") -> bytes:
    head = (f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *lines, "", "")
    return "\r\n".join(head).encode() + body


LAST = ask("/", b"last", "Connection: close")


def test_requests_with_the_same_head_have_their_own_bodies(server: BackgroundServer) -> None:
    """A head that comes again is taken for the same, the body behind it is not."""
    got = talk(server, ask("/", b"abc"), ask("/", b"def"), ask("/", b"defg"), LAST)
    bodies = [answer.partition(b"\r\n\r\n")[2] for answer in got.split(b"HTTP/1.1 200 \r\n")[1:]]
    assert bodies == [b"abc", b"def", b"defg", b"last"]


def test_a_request_may_come_in_parts(server: BackgroundServer) -> None:
    """A head and a body that are cut anywhere are put together."""
    whole = ask("/", b"abc", "Connection: keep-alive")
    for at in range(1, len(whole)):
        with connection(server) as raw:
            raw.sendall(whole[:at])
            time.sleep(0.001)
            raw.sendall(whole[at:])
            got = b""
            while not got.endswith(b"abc"):
                got += raw.recv(65536)


def test_each_piece_is_a_chunk(server: BackgroundServer) -> None:
    """Pieces go out as chunks of their own; an empty one would be the end, and is left out."""
    got = talk(server, ask("/pieces"), ask("/none"), LAST)
    first, second, _ = got.split(b"HTTP/1.1 200 \r\n")[1:]
    assert first.partition(b"\r\n\r\n")[2] == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    assert second.partition(b"\r\n\r\n")[2] == b"0\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "end"),
    [
        (ask("/pieces", b"", "Connection: close"), b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"),
        (ask("/pieces", method="HEAD") + LAST, b"last"),
        (b"GET /pieces HTTP/1.0\r\n\r\n", b"\r\n\r\nonetwo"),
        (ask("/length") + LAST, b"last"),
        (ask("/empty") + LAST, b"last"),
        (ask("/close") + LAST, b"\r\n\r\nlast"),
        (ask("/verbatim") + LAST, b"\r\n\r\nonetwo"),
    ],
    ids=["close", "head", "1.0", "length", "204", "closing", "verbatim"],
)
def test_what_is_not_common_is_answered_as_ever(
    server: BackgroundServer, sent: bytes, end: bytes
) -> None:
    """Requests and answers with rules of their own keep to them, and the next one is answered."""
    got = talk(server, sent)
    assert got.endswith(end)
    assert got.count(b"HTTP/1.1 2") == (2 if sent.endswith(LAST) and end == b"last" else 1)
    assert server.errors == []


@pytest.mark.parametrize(
    ("path", "said"), [("/raise", "LookupError: no such thing"), ("/number", "TypeError: ")]
)
def test_a_fault_of_the_application_is_a_500(
    server: BackgroundServer, path: str, said: str
) -> None:
    """An exception becomes an error object, a line in the list of errors, and no more."""
    with httpx.Client(trust_env=False) as client:
        assert client.post(server.url + path).status_code == 500
        assert client.post(server.url, content=b"abc").text == "abc"
    (line,) = server.errors
    assert line.startswith(f"POST {path}: {said}")


def test_a_slow_reader_holds_up_the_pieces(server: BackgroundServer, app: Prompt) -> None:
    """Pieces are taken as fast as the client reads, and others are served meanwhile."""
    with connection(server) as raw:
        raw.sendall(ask("/endless"))
        raw.recv(100)
        before = -1
        while app.last > before:
            before = app.last
            assert before < 100_000
            time.sleep(0.2)
        assert httpx.post(server.url, content=b"abc", trust_env=False).text == "abc"
        before = app.last
        while app.last == before:
            raw.recv(65536)
    assert app.left.wait(5)


def test_many_requests_at_once_are_answered_in_their_order(server: BackgroundServer) -> None:
    """Requests that come in one write get their answers in a row, streams among them."""
    sent = [ask("/none" if number % 2 else "/", b"%d" % number) for number in range(1000)]
    got = talk(server, b"".join(sent) + LAST)
    assert got.count(b"HTTP/1.1 200 ") == 1001
    positions = [got.index(b"\r\n\r\n%dHTTP" % number) for number in range(0, 1000, 2)]
    assert positions == sorted(positions)
