"""Checks of parameters as null, one at a time: what clients send that fill in every member."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.answers import accepted, below_500, bounded, not_streamed
from pytest_byom.conformance.cells import Cell, make_check
from pytest_byom.conformance.check import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.conformance.finding import Wrong

PASSED_ON = "openai-python sends null for a parameter that is passed as None"


def null_alone(name: str, *, breaks: str = PASSED_ON) -> Callable[..., Any]:
    """Make the check that null for one parameter, which the schema allows, is accepted."""
    slug = f"null-{name.replace('_', '-')}"

    cell = Cell(
        id=f"params.{slug}",
        contract=f"params/{slug}",
        level="must",
        sentence=f"{name} as null means the same as leaving it out.",
        decides=("param-08",),
        breaks=breaks,
    )
    return make_check(__name__, cell, accepted)


def null_limit(name: str, other: str) -> Callable[..., Any]:
    """Make the check that null for one token limit leaves the other one as it is."""
    slug = f"null-{name.replace('_', '-')}"

    cell = Cell(
        id=f"params.{slug}",
        contract=f"params/{slug}",
        level="must",
        sentence=f"{name} as null is accepted, and {other} bounds the answer.",
        decides=("param-08",),
        breaks="openai-python sends null for the limit that is not used: the other one is lost",
    )
    return make_check(__name__, cell, _bounded_by_the_other)


def _bounded_by_the_other(exchange: Exchange) -> Iterator[Wrong]:
    """Yield what is wrong unless the limit that is not null holds."""
    yield from accepted(exchange)
    yield from bounded(exchange, 5)


def null_unforeseen(name: str, *, sentence: str, statement: str, breaks: str) -> Callable[..., Any]:
    """Make the check that null where the schema has none is no reason to fail."""
    slug = f"null-{name.replace('_', '-')}"

    cell = Cell(
        id=f"params.{slug}",
        contract=f"params/{slug}",
        level="should",
        sentence=sentence,
        decides=(statement,),
        breaks=breaks,
    )
    return make_check(__name__, cell, below_500)


@check(
    "params.null-stream",
    level="must",
    decides=["param-08"],
    asks=["params/null-stream"],
    breaks="openai-python sends null for stream=None and waits for one JSON body",
)
def test_null_stream(byom_ask: Ask) -> Iterator[Wrong]:
    """stream as null means the same as leaving it out: one JSON body comes."""
    yield from accepted(byom_ask("params/null-stream"))
    yield from not_streamed(byom_ask("params/null-stream"))


test_null_temperature = null_alone("temperature")
test_null_top_p = null_alone("top_p")
test_null_stop = null_alone("stop", breaks="LangChain passes its stop on, also where it is None")
test_null_n = null_alone("n")
test_null_seed = null_alone("seed")
test_null_logprobs = null_alone("logprobs")
test_null_top_logprobs = null_alone("top_logprobs")
test_null_stream_options = null_alone("stream_options")
test_null_frequency_penalty = null_alone("frequency_penalty")
test_null_presence_penalty = null_alone("presence_penalty")
test_null_logit_bias = null_alone("logit_bias")

test_null_max_tokens = null_limit("max_tokens", "max_completion_tokens")
test_null_max_completion_tokens = null_limit("max_completion_tokens", "max_tokens")

test_null_response_format = null_unforeseen(
    "response_format",
    sentence="response_format as null is accepted or refused with 4xx.",
    statement="param-44",
    breaks="wrappers that fill in every member get a 5xx, which SDKs ask for three times",
)
test_null_tools = null_unforeseen(
    "tools",
    sentence="tools as null is accepted or refused with 4xx.",
    statement="param-44",
    breaks="wrappers that pass tools=None on get a 5xx, which SDKs ask for three times",
)
test_null_extras = null_unforeseen(
    "extras",
    sentence="store, metadata, service_tier and the like as null are ignored or refused with 4xx.",
    statement="param-40",
    breaks="wrappers that fill in every member get a 5xx, which SDKs ask for three times",
)
