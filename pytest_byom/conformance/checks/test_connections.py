"""Checks of HTTP on connections: how a body comes in, and what may follow on the same one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import accepted, status_wrong, wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.views import EventStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.exchange import Exchange

LOST = "httpx, below openai-python, reuses connections: the next request fails, or is sent twice"


@check(
    "http.chunked",
    level="should",
    decides=["http-20"],
    asks=["http/chunked"],
    breaks="clients that stream a large body, and proxies, send it so",
)
def test_chunked(byom_ask: Ask) -> Iterator[Wrong]:
    """A request body in chunked transfer coding is read, or refused with 411."""
    exchange = _got_answer(byom_ask("http/chunked"))
    if exchange.status is None:
        yield wrong(exchange, "answer", expected="200", got=exchange.trouble)
    elif exchange.status not in (200, 411):
        yield status_wrong(exchange, "200 or 411")


@check(
    "http.expect",
    level="should",
    decides=["http-29"],
    asks=["http/expect"],
    breaks="curl and .NET send it with bodies of some size, as those with an image, and wait",
)
def test_expect(byom_ask: Ask) -> Iterator[Wrong]:
    """A request with Expect: 100-continue is answered like any other."""
    exchange = _got_answer(byom_ask("http/expect"))
    if exchange.status is None:
        yield wrong(exchange, "answer", expected="200", got=exchange.trouble)
    else:
        yield from accepted(exchange)


@check(
    "http.next-after-plain",
    level="should",
    decides=["http-22"],
    asks=["chat/stream", "http/kept"],
    breaks=LOST,
)
def test_next_after_plain(byom_ask: Ask) -> Iterator[Wrong]:
    """After a plain answer the next request on the same connection is answered."""
    plain, stream = _company(byom_ask("http/kept"), 2)
    yield from _follows(plain, stream, alone=byom_ask("chat/stream"))


@check(
    "http.next-after-stream",
    level="should",
    decides=["http-23"],
    needs=["stream"],
    asks=["chat/plain", "http/kept"],
    breaks=LOST,
)
def test_next_after_stream(byom_ask: Ask) -> Iterator[Wrong]:
    """After a stream that was read to its end the next request on the connection is answered."""
    exchange = byom_ask("http/kept")
    _, stream = _company(exchange, 2)
    yield from _follows(EventStream.expect(stream).exchange, exchange, alone=byom_ask("chat/plain"))


@check(
    "http.next-after-bad-json",
    level="should",
    decides=["http-22"],
    asks=["chat/plain", "http/after-broken-json"],
    breaks=LOST,
)
def test_next_after_bad_json(byom_ask: Ask) -> Iterator[Wrong]:
    """After a body that is no JSON the next request on the connection is answered."""
    yield from _after_refusal(byom_ask, "http/after-broken-json")


@check(
    "http.next-after-bad-type",
    level="should",
    decides=["http-22"],
    asks=["chat/plain", "http/after-wrong-type"],
    breaks=LOST,
)
def test_next_after_bad_type(byom_ask: Ask) -> Iterator[Wrong]:
    """After a parameter of a wrong type the next request on the connection is answered."""
    yield from _after_refusal(byom_ask, "http/after-wrong-type")


@check(
    "http.next-after-bad-stream",
    level="should",
    decides=["http-22"],
    needs=["stream"],
    asks=["chat/plain", "http/after-bad-stream"],
    breaks=LOST,
)
def test_next_after_bad_stream(byom_ask: Ask) -> Iterator[Wrong]:
    """After a stream that is refused the next request on the connection is answered."""
    yield from _after_refusal(byom_ask, "http/after-bad-stream")


@check(
    "http.next-after-wrong-key",
    level="should",
    decides=["http-22"],
    needs=["auth"],
    asks=["chat/plain", "http/after-wrong-key"],
    breaks="a server that refuses before it has read the body takes its rest for a new request",
)
def test_next_after_wrong_key(byom_ask: Ask) -> Iterator[Wrong]:
    """After a wrong key the next request on the same connection, with the right one, is served."""
    yield from _after_refusal(byom_ask, "http/after-wrong-key")


def _after_refusal(byom_ask: Ask, id: str) -> Iterator[Wrong]:
    exchange = byom_ask(id)
    (refused,) = _company(exchange, 1)
    if (refused.answered().status or 0) < 400:
        raise Inconclusive(f"{refused.contract.id} was not refused")
    yield from _follows(refused, exchange, alone=byom_ask("chat/plain"))


def _follows(before: Exchange, after: Exchange, *, alone: Exchange) -> Iterator[Wrong]:
    """Yield what is wrong with an answer on a connection on which another one came before.

    A server may close the connection if it says so; if it does not, a client that sends its next
    request at once gets no answer.
    """
    before.answered()
    lost = after.status is None or (after.connected and before.keeps_connection)
    if lost:
        got = after.trouble or "closed, without a word"
        expected = 'kept, or closed with "Connection: close"'
        yield wrong(after, "connection", expected=expected, got=got)
    elif after.status not in (200, alone.answered().status):
        yield status_wrong(after, f"{alone.status}, as on a connection of its own")


def _company(exchange: Exchange, count: int) -> tuple[Exchange, ...]:
    """Return what was asked before on the same connection; Inconclusive if nothing was."""
    if len(exchange.company) != count:
        raise Inconclusive(f"{exchange.contract.id} got no answer: {exchange.trouble}")
    return exchange.company


def _got_answer(exchange: Exchange) -> Exchange:
    """Return the exchange; Inconclusive if it was not asked."""
    return exchange.answered() if exchange.not_asked else exchange
