"""What is wrong with the answer to a fuzzed request: its status first, then the rules."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Protocol

from pytest_byom.conformance.answers import status_wrong, wrong
from pytest_byom.conformance.finding import Inconclusive, Level, Unsupported, Wrong
from pytest_byom.conformance.fuzz.making import make_valid
from pytest_byom.conformance.fuzz.taming import tame, without_odd_characters
from pytest_byom.conformance.transport import SILENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_byom.conformance.check import Check
    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.contract import Contract

USUAL_REQUEST = {"messages": [{"role": "user", "content": "Say ok."}], "max_tokens": 16}
BUSY = (408, 409, 425, 429, 503, 529)
"""Statuses of a server that cannot answer now: they say nothing of the request."""

KEYS = (401, 403)


class Rulebook:
    """The rules that bind every answer, without those that other answers broke already.

    What a server does wrong everywhere is no news of a fuzzed request.
    """

    def __init__(self, rules: Iterable[Check], *, before: Iterable[Exchange]) -> None:
        must = [rule for rule in rules if rule.on is not None and rule.level is Level.MUST]
        known = list(before)
        self._rules = [rule for rule in must if not any(_broken(rule, e) for e in known)]

    def wrongs(self, exchange: Exchange) -> list[Wrong]:
        """Return what is wrong with an answer; the place names the rule."""
        return [
            wrong(exchange, f"{rule.id}: {w.place}", expected=w.expected, got=w.got)
            for rule in self._rules
            for w in _broken(rule, exchange)
        ]


def _broken(rule: Check, exchange: Exchange) -> list[Wrong]:
    view = rule.on.of(exchange) if rule.on is not None else None
    if view is None or (rule.free is not None and rule.free(view)):
        return []  # of one answer nobody can tell whether the model or the server did it
    found: list[Wrong] = []
    with contextlib.suppress(Inconclusive):
        found.extend(rule.judge(view))
    return found


class Asks(Protocol):
    """What a judgement may ask besides."""

    def ask(self, contract: Contract) -> Exchange:
        """Return the exchange of a contract."""

    def ask_now(self, body: dict[str, Any]) -> Exchange:
        """Return the exchange of a request that was never asked before."""


def judge_valid(exchange: Exchange, rules: Rulebook, server: Asks) -> list[Wrong]:
    """Return what is wrong with the answer to a valid request.

    Raises Unsupported where the server refuses what it may: the feature, not the value; and
    Inconclusive where nothing can be said.
    """
    _see_answer(exchange)
    if exchange.status == 200:
        return _broken_off(exchange) or rules.wrongs(exchange)
    if exchange.status is None:
        return _silence(exchange, server, tame(exchange.request_json))
    if not exchange.is_refused:
        return [status_wrong(exchange, "200")]
    refusal = Unsupported(f"refused with {exchange.status}: {exchange.error_message()}")
    body = exchange.request_json
    plainer = without_odd_characters(body)
    if plainer != body and server.ask(make_valid(plainer)).status == 200:
        raise refusal
    twin = tame(body)
    if twin == body:
        raise refusal
    if server.ask(make_valid(twin)).status != 200:
        raise refusal
    return [status_wrong(exchange, "200, as for the same request with everyday values")]


def judge_broken(exchange: Exchange, rules: Rulebook, server: Asks) -> list[Wrong]:
    """Return what is wrong with the answer to a broken request, but for that it was accepted."""
    _see_answer(exchange)
    if exchange.status is None:
        return _silence(exchange, server, USUAL_REQUEST)
    if exchange.is_refused:
        return rules.wrongs(exchange)
    if exchange.status == 200:
        return []
    return [status_wrong(exchange, "a status from 400 to 499")]


def judge_refusal(exchange: Exchange) -> list[Wrong]:
    """Return the finding that a broken request was accepted, if it was."""
    _see_answer(exchange)
    if exchange.status != 200 or exchange.contract.kind != "broken":
        return []
    return [status_wrong(exchange, "a status from 400 to 499")]


def _see_answer(exchange: Exchange) -> None:
    """Inconclusive if there is no answer, or one that is not about the request."""
    if exchange.not_asked:
        raise Inconclusive(exchange.not_asked)
    if exchange.status in (*BUSY, *KEYS):
        raise Inconclusive(f"answered with {exchange.status}: {exchange.error_message()}")


def _silence(exchange: Exchange, server: Asks, usual: dict[str, Any]) -> list[Wrong]:
    """Return the finding that no answer came.

    Inconclusive if none comes to a usual request in that time either: a server may be slow.
    """
    if exchange.trouble.startswith(SILENT) and server.ask_now(usual).status is None:
        raise Inconclusive(f"a usual request gets no answer either: {exchange.trouble}")
    return [wrong(exchange, "answer", expected="an answer", got=exchange.trouble)]


def _broken_off(exchange: Exchange) -> list[Wrong]:
    if not exchange.trouble:
        return []
    return [wrong(exchange, "answer", expected="a whole answer", got=exchange.trouble)]
