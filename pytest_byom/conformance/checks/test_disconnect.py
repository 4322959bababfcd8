"""Checks of clients that leave early."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import alive, wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.views import EventStream, is_done

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.exchange import Exchange

LEAST_WAIT = 2000.0
"""Milliseconds that a busy machine does not lose by itself."""

MANY = 64
"""Events that make a stream long."""


@check(
    "disconnect.next-request",
    level="must",
    decides=["can-01"],
    needs=["stream"],
    asks=["chat/plain", "disconnect/leave", "disconnect/next"],
    breaks="every SDK closes the connection to cancel",
)
def test_next_request(byom_ask: Ask) -> Iterator[Wrong]:
    """After a client closes a stream early, the server answers the next request."""
    if not byom_ask("disconnect/leave").closed_early:
        raise Inconclusive("no stream came that could be left")
    yield from alive(byom_ask, "disconnect/next")


@check(
    "disconnect.next-after-plain",
    level="must",
    decides=["can-01"],
    asks=["chat/plain", "disconnect/next-plain"],
    breaks="every SDK closes the connection when its time is up",
)
def test_next_after_plain(byom_ask: Ask) -> Iterator[Wrong]:
    """After a client leaves before its plain answer, the server answers the next request."""
    yield from alive(byom_ask, "disconnect/next-plain")


@check(
    "disconnect.twenty",
    level="should",
    decides=["can-04"],
    needs=["stream"],
    asks=["chat/plain", "disconnect/twenty"],
    breaks="each answer that a user stops takes a slot for good, until none is left",
    abuse=True,
)
def test_twenty(byom_ask: Ask) -> Iterator[Wrong]:
    """After twenty streams that were left the server answers the next request."""
    exchange = byom_ask("disconnect/twenty")
    if exchange.company and not any(left.closed_early for left in exchange.company):
        raise Inconclusive("no stream came that could be left")
    yield from alive(byom_ask, "disconnect/twenty")


@check(
    "disconnect.half-body",
    level="should",
    decides=["can-05"],
    asks=["chat/plain", "disconnect/beside-half"],
    breaks="one client on a bad line, as on a train, stops the service for all",
    abuse=True,
)
def test_half_body(byom_ask: Ask) -> Iterator[Wrong]:
    """Clients that have sent half of their bodies do not keep others waiting."""
    yield from alive(byom_ask, "disconnect/beside-half")


@check(
    "disconnect.slow-reader",
    level="should",
    decides=["can-06"],
    needs=["stream"],
    asks=["chat/stream", "disconnect/slow-reader"],
    breaks="an app that does something with each chunk loses the end of the answer",
    abuse=True,
)
def test_slow_reader(byom_ask: Ask) -> Iterator[Wrong]:
    """A client that stops reading for some seconds gets the whole stream."""
    usual = _has_mark(byom_ask("chat/stream"))
    exchange = byom_ask("disconnect/slow-reader").answered()
    if exchange.status != 200:
        raise Inconclusive(f"{exchange.contract.id} was answered with {exchange.status}")
    if exchange.trouble:
        yield wrong(exchange, "end of body", expected="a clean end", got=exchange.trouble)
    elif usual and not _has_mark(exchange):
        got = EventStream.expect(exchange).last_line
        yield wrong(exchange, "end of stream", expected="data: [DONE]", got=got)


@check(
    "disconnect.stops",
    level="should",
    decides=["can-02"],
    needs=["stream"],
    asks=["disconnect/stops"],
    breaks="every answer that a user stops is paid to its end, and others wait for it",
    abuse=True,
)
def test_stops(byom_ask: Ask) -> Iterator[Wrong]:
    """The generation of a stream that was left stops: no later request waits for its end."""
    yield from _no_wait(byom_ask("disconnect/stops"))


@check(
    "disconnect.plain-stops",
    level="should",
    decides=["can-03"],
    needs=["stream"],
    asks=["disconnect/plain-stops"],
    breaks="SDKs give up at their timeout and ask again: each try adds to the load",
    abuse=True,
)
def test_plain_stops(byom_ask: Ask) -> Iterator[Wrong]:
    """The generation of an answer that nobody waits for stops: no later request waits for it."""
    yield from _no_wait(byom_ask("disconnect/plain-stops"))


def _no_wait(exchange: Exchange) -> Iterator[Wrong]:
    """Yield what is wrong if a request had to wait for answers that nobody reads any more.

    All but the first are done after one token, or at once, if what was left does not go on. So
    none takes longer than a whole long answer and half of it, unless a machine is so fast that
    nobody has to wait for anything.
    """
    if not exchange.answered().company:
        raise Inconclusive("nothing was left before")
    whole, *left = exchange.company
    if len(EventStream.expect(whole.accepted()).events) < MANY:
        raise Inconclusive(f"the long answer has fewer than {MANY} events")
    if not any(one.closed_early for one in left):
        raise Inconclusive("no answer came that could be left")
    waited = max(one.elapsed for one in (*left, exchange))
    most = max(1.5 * whole.elapsed, LEAST_WAIT)
    if waited > most:
        expected = f"less than {most / 1000:.1f} s: a whole answer took {whole.elapsed / 1000:.1f}"
        yield wrong(exchange, "time to answer", expected=expected, got=f"{waited / 1000:.1f} s")


def _has_mark(exchange: Exchange) -> bool:
    return any(map(is_done, EventStream.expect(exchange).events))
