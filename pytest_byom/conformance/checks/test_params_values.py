"""Checks of parameters at values that the API allows, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.answers import accepted, below_500, not_streamed, wrong
from pytest_byom.conformance.cells import Cell, make_check
from pytest_byom.conformance.check import check
from pytest_byom.conformance.exchange import dig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.finding import Wrong


@check(
    "params.bounds",
    level="should",
    decides=["param-12", "param-35", "param-41", "det-01"],
    asks=["params/bounds"],
    breaks="UIs with a slider for each parameter send what stands at its end",
)
def test_bounds(byom_ask: Ask) -> Iterator[Wrong]:
    """Temperature 2, penalties of 2 and -2, a seed and modalities ["text"] are accepted."""
    yield from accepted(byom_ask("params/bounds"))


def taken(
    slug: str,
    *,
    sentence: str,
    decides: Iterable[str],
    breaks: str,
    level: str = "must",
    needs: Iterable[str] = (),
) -> Callable[..., Any]:
    """Make the check that one parameter at one value is accepted."""

    cell = Cell(
        id=f"params.{slug}",
        contract=f"params/{slug}",
        level=level,
        sentence=sentence,
        decides=tuple(decides),
        needs=tuple(needs),
        breaks=breaks,
    )
    return make_check(__name__, cell, accepted)


test_neutral_temperature = taken(
    "neutral-temperature",
    sentence="temperature 1, alone and without a fraction, is accepted.",
    decides=["param-16"],
    breaks="LangChain and many UIs send the default",
)
test_neutral_top_p = taken(
    "neutral-top-p",
    sentence="top_p 1, alone, is accepted.",
    decides=["param-17"],
    breaks="many UIs send the default",
)
test_neutral_n = taken(
    "neutral-n",
    sentence="n 1, alone, is accepted.",
    decides=["param-25"],
    breaks="LangChain sends n: 1 where it is set",
)
test_neutral_response_format = taken(
    "neutral-response-format",
    level="should",
    sentence='response_format {"type": "text"}, alone, is accepted.',
    decides=["so-01"],
    breaks="wrappers that choose the format by a setting send text as one of them",
)
test_neutral_frequency_penalty = taken(
    "neutral-frequency-penalty",
    level="should",
    sentence="frequency_penalty 0, alone, is accepted.",
    decides=["param-35"],
    breaks="many UIs send both penalties with their default",
)
test_neutral_presence_penalty = taken(
    "neutral-presence-penalty",
    level="should",
    sentence="presence_penalty 0, alone, is accepted.",
    decides=["param-35"],
    breaks="many UIs send both penalties with their default",
)
test_neutral_user = taken(
    "neutral-user",
    level="should",
    sentence="user, alone, is accepted.",
    decides=["param-39"],
    breaks="chat UIs send it with each request, so that abuse can be told apart",
)
test_temperature_two = taken(
    "temperature-two",
    level="should",
    sentence="temperature 2, alone, is accepted.",
    decides=["param-12"],
    breaks="a slider that goes to the end that the API names gives an error there",
)
test_modalities_text = taken(
    "modalities-text",
    level="should",
    sentence='modalities ["text"], alone, is accepted.',
    decides=["param-41"],
    breaks="apps that choose between text and audio name text too",
)
test_stop_four = taken(
    "stop-four",
    level="should",
    needs=["stop"],
    sentence="Four stop sequences are accepted.",
    decides=["param-32"],
    breaks="agents that stop at each role's name send four of them",
)


@check(
    "params.neutral-stream",
    level="must",
    decides=["param-09"],
    asks=["params/neutral-stream"],
    breaks="openai-python's parse() and LangChain send stream: false and wait for one JSON body",
)
def test_neutral_stream(byom_ask: Ask) -> Iterator[Wrong]:
    """stream: false, alone, is the same as no stream member."""
    yield from accepted(byom_ask("params/neutral-stream"))
    yield from not_streamed(byom_ask("params/neutral-stream"))


@check(
    "params.neutral-logprobs",
    level="should",
    decides=["param-52"],
    asks=["params/neutral-logprobs"],
    breaks="LangChain sends logprobs: false where it is set, and pays for what it did not ask",
)
def test_neutral_logprobs(byom_ask: Ask) -> Iterator[Wrong]:
    """logprobs: false is accepted, and gives no log probabilities."""
    exchange = byom_ask("params/neutral-logprobs")
    yield from accepted(exchange)
    if exchange.status == 200 and dig(exchange.completion, "choices.0.logprobs.content"):
        yield wrong(exchange, "choices.0.logprobs", expected="null", got="log probabilities")


@check(
    "params.neutral-logit-bias",
    level="should",
    decides=["param-37"],
    asks=["params/neutral-logit-bias"],
    breaks="wrappers that start with an empty bias get a 5xx, which SDKs ask for three times",
)
def test_neutral_logit_bias(byom_ask: Ask) -> Iterator[Wrong]:
    """An empty logit_bias is accepted or refused with 4xx."""
    yield from below_500(byom_ask("params/neutral-logit-bias"))


@check(
    "params.neutral-stop",
    level="should",
    decides=["param-32"],
    asks=["params/neutral-stop"],
    breaks="wrappers that start with an empty list get a 5xx, which SDKs ask for three times",
)
def test_neutral_stop(byom_ask: Ask) -> Iterator[Wrong]:
    """An empty list of stop sequences is accepted or refused with 4xx."""
    yield from below_500(byom_ask("params/neutral-stop"))


@check(
    "params.neutral-tool-choice",
    level="should",
    decides=["tool-21"],
    asks=["params/neutral-tool-choice"],
    breaks="wrappers that always say which tool may be called fail where there is none",
)
def test_neutral_tool_choice(byom_ask: Ask) -> Iterator[Wrong]:
    """tool_choice "none" without tools is accepted or refused with 4xx."""
    yield from below_500(byom_ask("params/neutral-tool-choice"))
