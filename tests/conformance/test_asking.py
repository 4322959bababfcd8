"""Exchanges are fetched once, in order where it matters, and within the limits."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.client.errors import ContractError
from pytest_byom.conformance.asking import Asker
from pytest_byom.conformance.sending import Aim
from pytest_byom.mock.http1 import Application, BackgroundServer, Reply, Request
from pytest_byom.registry import Limits

from .making import HELLO, JSON, make_contract, make_exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANY = ("chat/plain", "messages/system", "messages/history", "messages/text-part", "params/n-two")
OK = Reply(200, JSON, json.dumps(HELLO).encode())
CUT = Reply(200, (*JSON, ("content-length", "9999")), b"{", verbatim=True)
"""A connection that breaks inside the body."""
HUNG_UP = Reply(0, (), b"", verbatim=True)
"""A connection that is closed without an answer."""


class Recorder:
    """Answers each request with what `answer` gives for its number, and keeps them all."""

    def __init__(self, answer: Callable[[int], Reply] = lambda number: OK) -> None:
        self.requests: list[Request] = []
        self.busy = 0
        self.most_busy = 0
        self.busy_at: list[int] = []
        self._answer = answer

    async def __call__(self, request: Request) -> Reply:
        self.busy += 1
        self.requests.append(request)
        self.busy_at.append(self.busy)
        self.most_busy = max(self.busy, self.most_busy)
        await asyncio.sleep(0.02)  # long enough for others to come in, if they may
        self.busy -= 1
        return self._answer(len(self.requests))


@contextlib.contextmanager
def asking(app: Application, **limits: Any) -> Iterator[Asker]:
    """Give an asker of this application."""
    with BackgroundServer(app) as server:
        asker = Asker(
            Aim(base_url=f"{server.url}/v1", model="m"), Limits(**{"timeout": 5.0} | limits)
        )
        try:
            yield asker
        finally:
            asker.close()


def test_each_contract_is_asked_once() -> None:
    """A contract is asked once, however often it is planned and asked for."""
    app = Recorder()
    with asking(app) as asker:
        asker.plan(["chat/plain", "chat/plain"])
        first = asker.ask("chat/plain")
        assert asker.ask("chat/plain") is first
    assert (len(app.requests), asker.spending.requests) == (1, 1)


def test_unplanned_contract() -> None:
    """A contract that nobody planned is fetched when it is asked for."""
    with asking(Recorder()) as asker:
        assert asker.ask("chat/plain").status == 200


def test_unknown_contract() -> None:
    """A contract that does not exist is an error that names it."""
    with asking(Recorder()) as asker, pytest.raises(ContractError, match="chat/nope"):
        asker.ask("chat/nope")


def test_plan_returns_at_once() -> None:
    """Planning does not wait for answers."""
    gate = threading.Event()

    async def slow(request: Request) -> Reply:
        await asyncio.to_thread(gate.wait, 10)
        return OK

    with asking(slow) as asker:
        asker.plan(MANY)
        gate.set()
        assert len(asker.traffic()) == len(MANY)


def test_traffic() -> None:
    """Traffic waits for all that is under way."""
    with asking(Recorder()) as asker:
        asker.plan(MANY)
        assert {exchange.contract.id for exchange in asker.traffic()} == set(MANY)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_concurrency(concurrency: int) -> None:
    """As many requests are under way as the limit allows, and no more."""
    app = Recorder()
    with asking(app, concurrency=concurrency) as asker:
        asker.plan(MANY)
        asker.traffic()
    assert app.most_busy == concurrency


def test_followed_contract_comes_first() -> None:
    """A contract that follows another is asked after it, with a piece of its answer."""
    app = Recorder()
    with asking(app) as asker:
        asker.ask("messages/own-answer")
    first, second = (json.loads(request.body) for request in app.requests)
    assert first["messages"] == [{"role": "user", "content": "Say ok."}]
    assert HELLO["choices"][0]["message"] in second["messages"]  # type: ignore[index]


def test_followed_exchange_that_was_kept() -> None:
    """A contract may follow one that was fetched before the plan was made."""
    app = Recorder(lambda number: Reply(404, JSON, b"{}"))
    models = make_exchange(
        {"data": [{"id": "m", "context_window": 90}]}, contract=make_contract("models/list")
    )
    with asking(app) as asker:
        asker.keep(models)
        assert asker.ask("limits/overlong").status == 404
    assert len(app.requests) == 1


def test_followed_answer_that_lacks_the_piece() -> None:
    """What cannot be asked for lack of an answer is not sent, and says why."""
    app = Recorder(lambda number: Reply(404, JSON, b"{}"))
    with asking(app) as asker:
        exchange = asker.ask("messages/own-answer")
        assert exchange.trouble == "not asked: chat/plain was answered with 404"
        assert exchange.status is None
        assert asker.gone == ""
    assert len(app.requests) == 1


def test_alone() -> None:
    """A contract that is asked alone waits until nothing else is under way."""
    app = Recorder()
    with asking(app) as asker:
        asker.plan([*MANY, "disconnect/next"])
        asker.traffic()
    assert app.busy_at[-1] == 1
    assert app.most_busy > 1


def test_request_limit() -> None:
    """When the requests are used up nothing more is sent, and the reason is said."""
    app = Recorder()
    with asking(app, requests=2, concurrency=1) as asker:
        asker.plan(MANY)
        troubles = [exchange.trouble for exchange in asker.traffic()]
    assert sorted(troubles) == ["", ""] + ["not asked: the limit of 2 requests is used up"] * 3
    assert len(app.requests) == 2


def test_request_limit_with_concurrency() -> None:
    """The limit of requests holds while several are under way."""
    app = Recorder()
    with asking(app, requests=2, concurrency=4) as asker:
        asker.plan(MANY)
        asker.traffic()
    assert len(app.requests) == 2


def test_token_limit() -> None:
    """When the tokens are used up, as the answers count them, nothing more is sent."""
    app = Recorder()
    with asking(app, tokens=10, concurrency=1) as asker:
        asker.plan(MANY)
        troubles = [exchange.trouble for exchange in asker.traffic()]
    assert sorted(troubles) == ["", ""] + ["not asked: the limit of 10 tokens is used up"] * 3
    assert asker.spending.tokens == 10


def test_limit_is_not_gone() -> None:
    """A limit that is used up does not make the server count as gone."""
    with asking(Recorder(), requests=1, concurrency=1) as asker:
        asker.plan(MANY)
        asker.traffic()
        assert asker.gone == ""


def test_rate() -> None:
    """No more requests are sent in a second than the limit says."""
    with asking(Recorder(), per_second=20.0) as asker:
        started = time.monotonic()
        asker.plan(MANY)
        asker.traffic()
    assert time.monotonic() - started >= (len(MANY) - 1) / 20


def test_trouble_is_confirmed() -> None:
    """A connection that breaks once is asked again at once, and is no trouble."""
    app = Recorder(lambda number: CUT if number == 1 else OK)
    with asking(app) as asker:
        exchange = asker.ask("chat/plain")
    assert (exchange.status, exchange.trouble) == (200, "")
    assert asker.spending.requests == 2


def test_trouble_stays() -> None:
    """A connection that breaks twice is trouble, with what came so far."""
    with asking(Recorder(lambda number: CUT)) as asker:
        exchange = asker.ask("chat/plain")
        assert (exchange.status, exchange.raw) == (200, b"{")
        assert exchange.trouble.startswith("RemoteProtocolError: ")
        assert asker.gone == ""


def test_streams_that_break_do_not_make_it_gone() -> None:
    """A server that answers and breaks off is there all the same."""
    with asking(Recorder(lambda number: CUT), concurrency=1) as asker:
        asker.plan(MANY)
        asker.traffic()
        assert asker.gone == ""


def test_gone_after_three_troubles() -> None:
    """After three requests in a row without an answer the server counts as gone."""
    app = Recorder(lambda number: HUNG_UP)
    with asking(app, concurrency=1) as asker:
        asker.plan(MANY)
        troubles = [exchange.trouble for exchange in asker.traffic()]
        assert asker.gone == troubles[0]
    assert troubles[3] == f"not asked: the server went away ({asker.gone})"
    assert len(app.requests) == 6


def test_not_gone_after_troubles_apart() -> None:
    """Troubles with an answer between them do not make the server count as gone."""
    broken = (2, 3, 5, 6)
    app = Recorder(lambda number: HUNG_UP if number in broken else OK)
    with asking(app, concurrency=1) as asker:
        asker.plan(MANY)
        asker.traffic()
        assert asker.gone == ""


def test_silence_is_not_asked_again() -> None:
    """A server that keeps silent is not asked twice: that would take twice as long."""
    asked = []

    async def silent(request: Request) -> Reply:
        asked.append(request)
        await asyncio.Event().wait()
        raise AssertionError("nobody sets this event")

    with asking(silent, timeout=0.2) as asker:
        exchange = asker.ask("chat/plain")
    assert exchange.trouble == "no answer: not a byte for 0.2 s"
    assert len(asked) == 1


def test_refused_connection_is_gone() -> None:
    """A server that takes no connection is gone at once."""
    with BackgroundServer(Recorder()) as server:
        aim = Aim(base_url=f"{server.url}/v1", model="m")
    asker = Asker(aim, Limits())
    try:
        assert asker.ask("chat/plain").trouble.startswith("no connection: ")
        assert asker.gone.startswith("no connection: ")
    finally:
        asker.close()


def test_leaving_early() -> None:
    """A contract that leaves early closes the connection after so many events."""
    left = threading.Event()

    async def events() -> Any:
        try:
            while True:
                yield b'data: {"choices": []}\n\n'
                await asyncio.sleep(0.01)
        finally:
            left.set()

    async def endless(request: Request) -> Reply:
        return Reply(200, (("content-type", "text/event-stream"),), events())

    with asking(endless) as asker:
        exchange = asker.ask("disconnect/leave")
        assert left.wait(timeout=5)
    assert exchange.closed_early
    assert exchange.trouble == ""


def test_keep() -> None:
    """An exchange that was fetched before is the one of its contract, and counts."""
    app = Recorder()
    kept = make_exchange(contract=make_contract("chat/plain"))
    with asking(app) as asker:
        asker.keep(kept)
        assert asker.ask("chat/plain") is kept
        assert asker.traffic() == [kept]
        assert asker.spending.requests == 1
    assert app.requests == []


def test_arrivals() -> None:
    """The pieces of a body come with their sizes and rising times."""

    async def pieces() -> Any:
        yield b"abc"
        await asyncio.sleep(0.02)
        yield b"de"

    async def app(request: Request) -> Reply:
        return Reply(200, JSON, pieces())

    with asking(app) as asker:
        exchange = asker.ask("chat/plain")
    (first, size), (second, last) = exchange.arrivals
    assert (exchange.raw, size, last) == (b"abcde", 3, 2)
    assert 0 < first < second <= exchange.elapsed


def test_compressed_answer_stays_raw() -> None:
    """The bytes of a body are kept as they came, its coding too."""
    headers = (*JSON, ("content-encoding", "gzip"))
    with asking(Recorder(lambda number: Reply(200, headers, b"not gzip"))) as asker:
        assert asker.ask("chat/plain").raw == b"not gzip"


def test_redirect_is_not_followed() -> None:
    """A redirect is an answer, not a way."""
    app = Recorder(lambda number: Reply(307, (("location", "/elsewhere"),), b""))
    with asking(app) as asker:
        assert asker.ask("chat/plain").status == 307
    assert len(app.requests) == 1


def test_environment_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment does not come between the suite and the server."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with asking(Recorder()) as asker:
        assert asker.ask("chat/plain").status == 200


def test_close_drops_what_is_under_way() -> None:
    """Closing does not wait for answers, and leaves no thread; it may be done twice."""
    came = threading.Event()

    async def hangs(request: Request) -> Reply:
        came.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody sets this event")

    before = set(threading.enumerate())
    with asking(hangs) as asker:
        asker.plan(["chat/plain"])
        assert came.wait(timeout=5)
        asker.close()
    assert set(threading.enumerate()) - before == set()
