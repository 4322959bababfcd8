"""Checks of what a server may lack: what it accepts has an effect, what it lacks it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import below_500, no_effect, wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.checks.test_params import repeatable
from pytest_byom.conformance.exchange import dig
from pytest_byom.conformance.finding import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.finding import Wrong


@check(
    "capability.seed",
    level="should",
    decides=["det-04"],
    needs=["seed"],
    asks=["capability/seed", "capability/seed-again"],
    breaks="a test that fixes the seed fails now and then",
)
def test_seed(byom_ask: Ask) -> Iterator[Wrong]:
    """The same seed gives the same text, as long as the system_fingerprint is the same."""
    first, again = byom_ask("capability/seed"), byom_ask("capability/seed-again")
    systems = [exchange.completion.get("system_fingerprint") for exchange in (first, again)]
    if first.content != again.content and systems[0] != systems[1]:
        raise Inconclusive("the two answers come from different systems")
    if first.content != again.content:
        expected = repr(first.content)[:80]
        yield no_effect(again, "content", expected=expected, got=repr(again.content)[:80])


@check(
    "capability.logit-bias",
    level="should",
    decides=["param-37"],
    needs=["logit_bias"],
    asks=[
        "params/temperature-zero",
        "params/temperature-zero-again",
        "capability/logit-bias",
    ],
    breaks="words that an app rules out, or asks for, come as they would without it",
)
def test_logit_bias(byom_ask: Ask) -> Iterator[Wrong]:
    """A logit_bias of 100 for a token, whichever it is, changes the text."""
    whole, exchange = repeatable(byom_ask), byom_ask("capability/logit-bias")
    yield from below_500(exchange)
    if exchange.status == 200 and exchange.content == whole:
        expected = "another text than without the bias"
        yield no_effect(exchange, "content", expected=expected, got="the same text")


@check(
    "capability.prediction",
    level="may",
    decides=["param-49"],
    needs=["prediction"],
    asks=["capability/prediction"],
    breaks="editors that send the file as it was fail, or send the request three times",
)
def test_prediction(byom_ask: Ask) -> Iterator[Wrong]:
    """prediction is accepted or refused with 4xx."""
    yield from below_500(byom_ask("capability/prediction"))


@check(
    "capability.web-search",
    level="may",
    decides=["param-50"],
    needs=["web_search"],
    asks=["capability/web-search"],
    breaks="an answer is taken for one from the web, and no page was read",
)
def test_web_search(byom_ask: Ask) -> Iterator[Wrong]:
    """web_search_options bring pages that are cited, or are refused with 4xx."""
    exchange = byom_ask("capability/web-search")
    yield from below_500(exchange)
    shown = ("citations", "search_results", "usage.num_search_queries")
    if exchange.status == 200 and not (
        exchange.message.get("annotations") or any(dig(exchange.json, path) for path in shown)
    ):
        place = "choices.0.message.annotations"
        yield no_effect(exchange, place, expected="citations, or a 4xx", got="none")


@check(
    "capability.legacy-functions",
    level="may",
    decides=["fn-02", "fn-03"],
    needs=["legacy_functions"],
    asks=["capability/functions"],
    breaks="apps of 2023 send functions: they get words in place of a call",
)
def test_legacy_functions(byom_ask: Ask) -> Iterator[Wrong]:
    """A function that is forced in the old form is called in the old form, or refused with 4xx."""
    exchange = byom_ask("capability/functions")
    yield from below_500(exchange)
    if exchange.status != 200:
        return
    call = exchange.message.get("function_call")
    if not isinstance(call, dict):
        place = "choices.0.message.function_call"
        yield no_effect(exchange, place, expected="an object, or a 4xx", got=repr(call))
        return
    for name in ("name", "arguments"):
        if not isinstance(call.get(name), str):
            place = f"choices.0.message.function_call.{name}"
            yield wrong(exchange, place, expected="a string", got=repr(call.get(name)))
    if dig(exchange.json, "choices.0.finish_reason") == "tool_calls":
        expected, got = '"function_call" or "stop"', '"tool_calls"'
        yield wrong(exchange, "choices.0.finish_reason", expected=expected, got=got)
