"""What checks ask of a whole answer: that it was accepted, that it was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.finding import Inconclusive, NoEffect, Wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.exchange import Exchange


def accepted(exchange: Exchange) -> Iterator[Wrong]:
    """Yield what is wrong unless a valid request was answered with 200."""
    if exchange.answered().status != 200:
        yield status_wrong(exchange, "200")


def refused(exchange: Exchange) -> Iterator[Wrong]:
    """Yield what is wrong if a broken request was accepted.

    A 5xx is Inconclusive here: `errors.client-fault` reports those of the whole run at once.
    """
    not_5xx(exchange)
    if not exchange.is_refused:
        yield status_wrong(exchange, "a status from 400 to 499")


def below_500(exchange: Exchange) -> Iterator[Wrong]:
    """Yield what is wrong if the server failed, where both 200 and 4xx are right."""
    if (exchange.answered().status or 0) >= 500:
        yield status_wrong(exchange, "a status below 500")


def not_5xx(exchange: Exchange) -> Exchange:
    """Return the exchange; Inconclusive if it is a 5xx, which a rule reports."""
    if (exchange.answered().status or 0) >= 500:
        raise Inconclusive(f"{exchange.contract.id} was answered with {exchange.status}")
    return exchange


def status_wrong(exchange: Exchange, expected: str) -> Wrong:
    """Return the finding that an answer has another status than expected."""
    got = str(exchange.status)
    if exchange.status != 200:
        got = f"{got}: {exchange.error_message()}"
    return Wrong(place="status", expected=expected, got=got, exchange=exchange.contract.id)


def alive(byom_ask: Ask, id: str) -> Iterator[Wrong]:
    """Yield what is wrong unless a request like `chat/plain` was answered with 200 again."""
    if byom_ask("chat/plain").answered().status != 200:
        raise Inconclusive("the minimal request was not accepted before")
    exchange = byom_ask(id)
    if exchange.status is None and not exchange.not_asked:
        yield wrong(exchange, "answer", expected="200", got=exchange.trouble)
    elif exchange.answered().status != 200:
        yield status_wrong(exchange, "200")


def prompt_tokens(exchange: Exchange) -> int:
    """Return the tokens of the prompt; Inconclusive if they are not counted."""
    return _count(exchange, "prompt_tokens")


def completion_tokens(exchange: Exchange) -> int:
    """Return the tokens of the answer; Inconclusive if they are not counted."""
    return _count(exchange, "completion_tokens")


def bounded(exchange: Exchange, limit: int) -> Iterator[Wrong]:
    """Yield what is wrong if an answer has more tokens than its limit allows."""
    if exchange.status == 200 and (count := completion_tokens(exchange)) > limit:
        place = "usage.completion_tokens"
        yield no_effect(exchange, place, expected=f"at most {limit}", got=count)


def not_streamed(exchange: Exchange) -> Iterator[Wrong]:
    """Yield what is wrong if a stream came that was not asked for."""
    if exchange.media_type == "text/event-stream":
        place = "header content-type"
        yield wrong(exchange, place, expected="application/json", got=exchange.media_type)


def answered(exchange: Exchange) -> Iterator[Wrong]:
    """Yield what is wrong unless an answer came, and is no failure of the server."""
    if exchange.status is None and not exchange.not_asked:
        yield wrong(exchange, "answer", expected="200 or 4xx", got=exchange.trouble)
    else:
        yield from below_500(exchange)


def _count(exchange: Exchange, name: str) -> int:
    """Return a count; 0 is none, which the rules of usage report."""
    if not (count := exchange.usage(name)):
        raise Inconclusive(f"the answer to {exchange.contract.id} has {name} 0")
    return count


def wrong(exchange: Exchange, place: str, *, expected: str, got: object) -> Wrong:
    """Return the finding that something in an answer is not as expected."""
    return Wrong(place=place, expected=expected, got=str(got), exchange=exchange.contract.id)


def no_effect(exchange: Exchange, place: str, *, expected: str, got: object) -> Wrong:
    """Return the finding that something was accepted and had no effect."""
    return NoEffect(place=place, expected=expected, got=str(got), exchange=exchange.contract.id)
