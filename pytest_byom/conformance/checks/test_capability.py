"""Checks of what a server may lack: what it accepts has an effect.

Whether it has it is probed, and stands in the table of capabilities; what it lacks it refuses. That
such a parameter is no reason to fail is decided by `params.extra-*`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import below_500, no_effect
from pytest_byom.conformance.check import check
from pytest_byom.conformance.checks.test_params import repeatable
from pytest_byom.conformance.exchange import dig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.finding import Wrong


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
    """A logit_bias of 100 for a token, whichever it is, has an effect: the text is another."""
    whole, exchange = repeatable(byom_ask), byom_ask("capability/logit-bias").supported()
    if exchange.content == whole:
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
    """prediction, which may have no effect to be seen, is accepted or refused with 4xx."""
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
    """web_search_options have an effect: pages are cited, or they are refused with 4xx."""
    exchange = byom_ask("capability/web-search").supported()
    shown = ("citations", "search_results", "usage.num_search_queries")
    cited = exchange.message.get("annotations") or any(dig(exchange.json, path) for path in shown)
    if not cited:
        place = "choices.0.message.annotations"
        yield no_effect(exchange, place, expected="citations, or a 4xx", got="none")
