"""What a contract sends before and beside its own request."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.conformance.asking import Asker
from pytest_byom.conformance.sending import Aim
from pytest_byom.mock.http1 import Application, BackgroundServer, Reply, Request
from pytest_byom.registry import Limits

from .making import HELLO, JSON, STREAM, make_contract

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from pytest_byom.contract import Contract

OK = Reply(200, JSON, json.dumps(HELLO).encode())


class Crowd:
    """Answers once `wanted` requests are there at the same time, or after a moment."""

    def __init__(self, wanted: int = 1) -> None:
        self.requests: list[Request] = []
        self.most = 0
        self._now = 0
        self._wanted = wanted
        self._full = asyncio.Event()

    async def __call__(self, request: Request) -> Reply:
        self.requests.append(request)
        self._now += 1
        self.most = max(self.most, self._now)
        if self._now >= self._wanted:
            self._full.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._full.wait(), 0.3)
        self._now -= 1
        return OK


@contextlib.contextmanager
def asking(app: Application, *contracts: Contract, **limits: Any) -> Iterator[Asker]:
    """Give an asker of this application that knows these contracts."""
    known = {contract.id: contract for contract in contracts}
    with BackgroundServer(app) as server:
        asker = Asker(
            Aim(base_url=f"{server.url}/v1", model="m"),
            Limits(**{"timeout": 5.0} | limits),
            load=known.__getitem__,
        )
        try:
            yield asker
        finally:
            asker.close()


def numbers(app: Crowd) -> list[int]:
    """Return the number that each request has in its body."""
    return [json.loads(request.body)["x"] for request in app.requests]


FIRST = make_contract("a/first", body={"x": 10})
OTHER = make_contract("a/other", body={"x": 20})
TWINS = {"body": {"x": "${number}"}, "alone": True}


def test_before() -> None:
    """What comes before is sent in order, and its answers are the company."""
    app = Crowd()
    main = make_contract("a/main", body={"x": 1}, before=("a/first", "a/other", "a/first"))
    with asking(app, main, FIRST, OTHER) as asker:
        exchange = asker.ask("a/main")
        assert asker.spending.requests == main.requests == 4
    assert numbers(app) == [10, 20, 10, 1]
    assert [one.contract.id for one in exchange.company] == ["a/first", "a/other", "a/first"]


def test_before_shares_a_connection() -> None:
    """Requests before one another go over one connection."""
    ports = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ports.add(writer.get_extra_info("peername")[1])
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
                await reader.readexactly(length)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    async def ask() -> int:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        known = {"a/main": make_contract("a/main", before=("a/first",)), "a/first": FIRST}
        aim = Aim(base_url=f"http://127.0.0.1:{port}/v1", model="m")
        asker = Asker(aim, Limits(timeout=5.0), load=known.__getitem__)
        exchange = await asyncio.to_thread(asker.ask, "a/main")
        await asyncio.to_thread(asker.close)
        server.close()
        return exchange.status or 0

    assert asyncio.run(ask()) == 200
    assert len(ports) == 1


def test_times() -> None:
    """A contract is sent so often at the same time, each with its number."""
    app = Crowd(wanted=3)
    with asking(app, make_contract("a/main", times=3, **TWINS)) as asker:
        exchange = asker.ask("a/main")
    assert app.most == 3
    assert [one.request_json["x"] for one in exchange.twins] == [1, 2, 3]


@pytest.mark.parametrize(("flood", "most"), [(False, 2), (True, 4)])
def test_limit_of_concurrency(flood: bool, most: int) -> None:
    """No more are under way than the limit says, unless it is a flood."""
    app = Crowd(wanted=4)
    main = make_contract("a/main", times=4, flood=flood, **TWINS)
    with asking(app, main, concurrency=2) as asker:
        assert len(asker.ask("a/main").twins) == 4
    assert app.most == most


def test_limit_of_requests() -> None:
    """What does not fit into the limit of requests as a whole is not asked."""
    app = Crowd()
    with asking(app, make_contract("a/main", times=4, **TWINS), requests=3) as asker:
        assert asker.ask("a/main").trouble == "not asked: the limit of 3 requests is used up"
    assert app.requests == []


def test_beside() -> None:
    """What goes beside it is under way at the same time, and no twin of it."""
    app = Crowd(wanted=2)
    main = make_contract("a/main", body={"x": 1}, beside=("a/other",))
    with asking(app, main, OTHER) as asker:
        exchange = asker.ask("a/main")
    assert app.most == 2
    assert [one.contract.id for one in exchange.company] == ["a/other"]
    assert exchange.twins == [exchange]


def test_half_a_body() -> None:
    """Half a body is held back while the request is answered, and never comes."""
    app = Crowd()
    half = make_contract("a/half", body={"x": 30}, sending="half")
    main = make_contract("a/main", body={"x": 1}, beside=("a/half",))
    with asking(app, main, half) as asker:
        exchange = asker.ask("a/main")
    assert exchange.status == 200
    assert numbers(app) == [1]


def test_chunked() -> None:
    """A body in chunked coding arrives whole, without its length."""
    app = Crowd()
    with asking(app, make_contract("a/main", body={"x": 1}, sending="chunked")) as asker:
        assert asker.ask("a/main").status == 200
    assert numbers(app) == [1]
    assert app.requests[0].header("content-length") is None
    assert app.requests[0].header("transfer-encoding") == "chunked"


def test_leaving_before_the_answer() -> None:
    """A client that leaves after no event does not wait for an answer."""

    async def hangs(request: Request) -> Reply:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets this event")

    with asking(hangs, make_contract("a/main", close_after_events=0)) as asker:
        exchange = asker.ask("a/main")
    assert (exchange.closed_early, exchange.status, exchange.trouble) == (True, None, "")


def test_pause() -> None:
    """A slow reader stops once, after the first piece, and loses nothing."""

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(50):
            yield f"data: {number}\n\n".encode()

    async def app(request: Request) -> Reply:
        return Reply(200, STREAM, pieces())

    with asking(app, make_contract("a/main", pause=0.1)) as asker:
        exchange = asker.ask("a/main")
    assert exchange.raw.count(b"data: ") == 50
    assert exchange.elapsed >= 100
