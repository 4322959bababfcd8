"""Checks of parameters that a server need not know: ignored or refused, never a failure.

Whether those that it takes have an effect is decided by `capability.*`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.answers import below_500, no_effect
from pytest_byom.conformance.cells import Cell, make_check
from pytest_byom.conformance.check import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.finding import Wrong

THRICE = "SDKs send a request that is answered with 5xx three times"


@check(
    "params.unknown",
    level="should",
    decides=["param-10", "param-48"],
    asks=["params/unknown"],
    breaks="openai-python's extra_body sends what other servers know: a 5xx is asked for thrice",
)
def test_unknown(byom_ask: Ask) -> Iterator[Wrong]:
    """An unknown parameter is ignored or refused with 4xx."""
    yield from below_500(byom_ask("params/unknown"))


@check(
    "params.extras",
    level="should",
    decides=["param-40"],
    asks=["params/extras"],
    breaks="apps that were written for OpenAI send them with each request",
)
def test_extras(byom_ask: Ask) -> Iterator[Wrong]:
    """store, metadata, service_tier and the like are ignored or refused with 4xx."""
    yield from below_500(byom_ask("params/extras"))


@check(
    "params.stream-options-alone",
    level="should",
    decides=["param-42"],
    asks=["params/stream-options-alone"],
    breaks="wrappers that set stream_options for all requests fail where they do not stream",
)
def test_stream_options_alone(byom_ask: Ask) -> Iterator[Wrong]:
    """stream_options without a stream is ignored or refused with 4xx."""
    yield from below_500(byom_ask("params/stream-options-alone"))


def extra(
    name: str, statement: str, *, level: str = "should", breaks: str = THRICE
) -> Callable[..., Any]:
    """Make the check that one such parameter, alone, is no reason to fail."""
    slug = f"extra-{name.removesuffix('_options').replace('_', '-')}"

    cell = Cell(
        id=f"params.{slug}",
        contract=f"params/{slug}",
        level=level,
        sentence=f"{name}, alone, is accepted, ignored or refused with 4xx.",
        decides=(statement,),
        breaks=breaks,
    )
    return make_check(__name__, cell, below_500)


test_extra_store = extra("store", "param-40")
test_extra_metadata = extra("metadata", "param-40")
test_extra_service_tier = extra("service_tier", "param-40")
test_extra_prompt_cache_key = extra("prompt_cache_key", "param-40")
test_extra_safety_identifier = extra("safety_identifier", "param-40")
test_extra_verbosity = extra("verbosity", "param-40")
test_extra_logit_bias = extra("logit_bias", "param-37")
test_extra_top_k = extra("top_k", "param-48", level="may")
test_extra_min_p = extra("min_p", "param-48", level="may")
test_extra_repetition_penalty = extra("repetition_penalty", "param-48", level="may")
test_extra_web_search = extra("web_search_options", "param-50", level="may")


@check(
    "params.extra-moderation",
    level="may",
    decides=["param-51"],
    asks=["params/extra-moderation"],
    breaks="an app takes an answer for checked that nobody looked at",
)
def test_extra_moderation(byom_ask: Ask) -> Iterator[Wrong]:
    """moderation is refused with 4xx, or the answer has a moderation member."""
    exchange = byom_ask("params/extra-moderation")
    yield from below_500(exchange)
    if exchange.status == 200 and exchange.completion.get("moderation") is None:
        yield no_effect(exchange, "moderation", expected="4xx, or an object", got="nothing")
