"""The HTTP server, spoken to over raw sockets."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from pytest_byom.mock import http_judge
from pytest_byom.mock.http1 import BackgroundServer, Reply, Request, error_reply, serve

from .sockets import connection, talk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

TEXT = (("content-type", "text/plain"),)


class Paths:
    """An application with one behaviour for each path."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self.cancelled = threading.Event()

    async def __call__(self, request: Request) -> Reply:
        match request.path:
            case "/raise":
                raise LookupError("no such thing")
            case "/count":
                return Reply(200, TEXT, self._count(3))
            case "/endless":
                return Reply(200, TEXT, self._count(10**9))
            case "/silent":
                return Reply(200, TEXT, self._wait())
            case "/never":
                return await self._never()
            case "/breaks":
                return Reply(200, TEXT, self._break())
            case "/bad-header":
                return Reply(200, (("x", "a\nb"),), b"")
            case "/verbatim":
                return Reply(200, (("content-length", "99"),), b"short", verbatim=True)
        said = f"{request.method} {request.path} {request.query} {len(request.body)}"
        return Reply(200, TEXT, said.encode())

    async def _count(self, end: int) -> AsyncIterator[bytes]:
        try:
            for number in range(end):
                yield f"{number};".encode()
        finally:
            self.closed.set()

    async def _wait(self) -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await asyncio.sleep(60)
        finally:
            self.closed.set()

    async def _never(self) -> Reply:
        try:
            await asyncio.sleep(60)
        finally:
            self.cancelled.set()
        raise AssertionError

    async def _break(self) -> AsyncIterator[bytes]:
        yield b"first"
        raise LookupError("midway")


@pytest.fixture
def app() -> Paths:
    return Paths()


@pytest.fixture
def server(app: Paths) -> Iterator[BackgroundServer]:
    with BackgroundServer(app) as running:
        yield running


def head(path: str = "/", *lines: str, method: str = "GET") -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/1.1", "Host: x", *lines, "", "")).encode()


LAST = "Connection: close"


def test_a_bytes_body_has_its_length(server: BackgroundServer) -> None:
    """An answer of bytes goes out with Content-Length and a date."""
    answer = httpx.get(f"{server.url}/a?b=c")
    assert answer.text == "GET /a b=c 0"
    assert answer.headers["content-length"] == "12"
    assert "date" in answer.headers


def test_an_iterator_is_chunked(server: BackgroundServer) -> None:
    """An answer from an iterator goes out in chunked coding."""
    answer = httpx.get(f"{server.url}/count")
    assert answer.text == "0;1;2;"
    assert answer.headers["transfer-encoding"] == "chunked"


def test_the_connection_is_kept(server: BackgroundServer) -> None:
    """A stream and two plain answers follow one another on one connection."""
    with connection(server) as raw:
        for path, end in (("/count", b"0\r\n\r\n"), ("/x", b"GET /x  0"), ("/y", b"GET /y  0")):
            raw.sendall(head(path))
            got = b""
            while not got.endswith(end):
                got += raw.recv(65536)


def test_requests_may_be_pipelined(server: BackgroundServer) -> None:
    """Requests that are sent at once are answered in their order."""
    sent = head("/one") + head("/count") + head("/two", LAST)
    got = talk(server, sent)
    assert got.index(b"GET /one") < got.index(b"0;") < got.index(b"GET /two")


def test_a_request_body_may_be_chunked(server: BackgroundServer) -> None:
    """A chunked request body arrives whole."""
    body = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    got = talk(server, head("/", "Transfer-Encoding: chunked", LAST, method="POST") + body)
    assert got.endswith(b"POST /  5")


def test_a_body_may_be_announced(server: BackgroundServer) -> None:
    """Who waits for 100 Continue gets it before sending the body."""
    with connection(server) as raw:
        raw.sendall(head("/", "Expect: 100-continue", "Content-Length: 3", LAST, method="POST"))
        assert raw.recv(65536).startswith(b"HTTP/1.1 100 ")
        raw.sendall(b"abc")
        got = b"".join(iter(lambda: raw.recv(65536), b""))
    assert got.endswith(b"POST /  3")


@pytest.mark.parametrize("path", ["/", "/count"])
def test_head_has_no_body(server: BackgroundServer, path: str) -> None:
    """HEAD is answered with the head alone."""
    assert talk(server, head(path, LAST, method="HEAD")).endswith(b"\r\n\r\n")


def test_a_target_may_be_a_url(server: BackgroundServer) -> None:
    """The absolute form of a target, as proxies send it, names the same path."""
    assert b"GET /a b 0" in talk(server, head("http://x/a?b", LAST))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"what is this\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nbroken header\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (head("/", "Content-Length: many", method="POST"), 400),
        (head("/", f"X: {'y' * 70_000}"), 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 200_000, 431),
        (head("/", "Content-Length: 99999999999", method="POST"), 413),
    ],
    ids=["nonsense", "header", "no host", "length", "long header", "endless header", "body"],
)
def test_what_is_no_request_is_refused(server: BackgroundServer, sent: bytes, status: int) -> None:
    """Broken and oversized requests get their status and a JSON error object."""
    answer_head, _, body = talk(server, sent).partition(b"\r\n\r\n")
    assert answer_head.startswith(b"HTTP/1.1 %d " % status)
    assert b"x-request-id: req_" in answer_head
    assert json.loads(body)["error"]["message"]


def test_a_chunked_body_has_a_limit(
    server: BackgroundServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body whose length was not announced is refused once it is too large."""
    monkeypatch.setattr(http_judge, "BODY_LIMIT", 1000)
    sent = head("/", "Transfer-Encoding: chunked", method="POST") + b"7d0\r\n" + b"x" * 2000
    assert talk(server, sent).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("path", ["/raise", "/bad-header"])
def test_a_fault_of_the_application_is_a_500(server: BackgroundServer, path: str) -> None:
    """An exception becomes an error object, and a line in the list of errors."""
    answer = httpx.get(server.url + path)
    assert answer.status_code == 500
    assert answer.json()["error"]["type"] == "server_error"
    assert len(server.errors) == 1
    assert server.errors[0].startswith(f"GET {path}: L")


def test_a_body_that_fails_breaks_the_connection(server: BackgroundServer) -> None:
    """A stream that fails midway ends without its end mark."""
    got = talk(server, head("/breaks"))
    assert got.endswith(b"5\r\nfirst\r\n")
    assert server.errors == ["GET /breaks: LookupError: midway"]


@pytest.mark.parametrize("path", ["/endless", "/silent"])
def test_a_client_that_leaves_closes_the_body(
    server: BackgroundServer, app: Paths, path: str
) -> None:
    """The body is closed when the client goes, busy or waiting."""
    with connection(server) as raw:
        raw.sendall(head(path))
        raw.recv(100)
    assert app.closed.wait(2)
    assert server.errors == []


def test_a_client_that_leaves_cancels_the_work(server: BackgroundServer, app: Paths) -> None:
    """An answer that nobody waits for is given up."""
    with connection(server) as raw:
        raw.sendall(head("/never"))
        time.sleep(0.05)
    assert app.cancelled.wait(2)


def test_a_client_that_leaves_within_a_request_is_no_fault(server: BackgroundServer) -> None:
    """Half a request is forgotten."""
    with connection(server) as raw:
        raw.sendall(head("/", "Content-Length: 10", method="POST") + b"half")
    assert httpx.get(server.url).status_code == 200
    assert server.errors == []


def test_early_bytes_are_kept_up_to_a_limit(server: BackgroundServer) -> None:
    """A flood behind a request is not read before its turn, and is answered then."""
    flood = head(f"/{'x' * 1000}") * 200
    got = talk(server, head("/count") + flood + head("/", LAST))
    assert got.count(b"HTTP/1.1 200 ") == 202


def test_a_slow_reader_gets_everything(server: BackgroundServer) -> None:
    """A client that reads slowly holds up the body, not the server."""
    with connection(server) as raw:
        raw.sendall(head("/endless"))
        time.sleep(0.1)
        assert httpx.get(server.url).status_code == 200
        got = raw.recv(65536) + raw.recv(65536)
    assert b"0;" in got


def test_a_verbatim_reply_is_sent_as_it_is(server: BackgroundServer) -> None:
    """A verbatim reply may say what is not so; the connection ends with it."""
    got = talk(server, head("/verbatim"))
    assert got == b"HTTP/1.1 200 -\r\ncontent-length: 99\r\n\r\nshort"


def test_close_leaves_nothing_behind(app: Paths) -> None:
    """Closing ends idle, busy and waiting connections at once, and may be repeated."""
    before = threading.active_count()
    server = BackgroundServer(app)
    with connection(server) as idle, connection(server) as busy, connection(server) as waiting:
        busy.sendall(head("/endless"))
        waiting.sendall(head("/silent"))
        waiting.recv(100)
        began = time.monotonic()
        server.close()
        assert time.monotonic() - began < 5  # a guard against hanging, no measurement
        assert idle.recv(10) == b""
    server.close()
    assert threading.active_count() == before
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)


def test_a_port_that_is_taken_is_an_error(server: BackgroundServer, app: Paths) -> None:
    """Who cannot listen is told so at once."""
    with pytest.raises(OSError, match=r"address already in use|Errno"):
        BackgroundServer(app, port=int(server.url.rpartition(":")[2]))


def test_a_server_runs_in_a_loop_of_the_caller(app: Paths) -> None:
    """`serve` starts in the running loop; cancelling `wait` closes it."""

    async def main() -> str:
        server = await serve(app)
        waiting = asyncio.create_task(server.wait())
        async with httpx.AsyncClient() as client:
            text = (await client.get(server.url)).text
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return text

    assert asyncio.run(main()) == "GET /  0"


def test_a_header_is_found_whatever_its_case() -> None:
    """`header` compares names without regard to case."""
    request = Request("GET", "/", "", (("x-one", "1"), ("x-one", "2")), b"")
    assert request.header("X-One") == "1"
    assert request.header("x-two") is None


def test_an_ipv6_host_stands_in_brackets(app: Paths) -> None:
    """The URL of an IPv6 server can be used as it is."""
    try:
        server = BackgroundServer(app, host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server:
        assert httpx.get(server.url, trust_env=False).status_code == 200


def test_an_error_reply_has_all_members() -> None:
    """The error object has its four members."""
    body = error_reply(404, "No.").body
    assert isinstance(body, bytes)
    assert json.loads(body)["error"] == {
        "message": "No.",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }
