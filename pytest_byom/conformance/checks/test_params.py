"""Checks of request parameters: obeyed, accepted, refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import (
    accepted,
    bounded,
    completion_tokens,
    no_effect,
    refused,
    status_wrong,
    wrong,
)
from pytest_byom.conformance.check import check
from pytest_byom.conformance.exchange import Exchange, dig
from pytest_byom.conformance.finding import Inconclusive, Wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask


@check(
    "params.broken-json",
    level="must",
    decides=["param-01"],
    asks=["params/broken-json"],
    breaks="a client with a bug never learns of it",
)
def test_broken_json(byom_ask: Ask) -> Iterator[Wrong]:
    """A body that is not valid JSON is refused."""
    yield from refused(byom_ask("params/broken-json"))


@check(
    "params.messages-required",
    level="must",
    decides=["param-04"],
    asks=["params/missing-messages"],
    breaks="the model answers nothing that was asked",
)
def test_messages_required(byom_ask: Ask) -> Iterator[Wrong]:
    """A missing messages member is refused."""
    yield from refused(byom_ask("params/missing-messages"))


@check(
    "params.messages-not-empty",
    level="should",
    decides=["param-07"],
    asks=["params/empty-messages"],
    breaks="the model answers nothing that was asked",
)
def test_messages_not_empty(byom_ask: Ask) -> Iterator[Wrong]:
    """An empty messages array is refused."""
    yield from refused(byom_ask("params/empty-messages"))


@check(
    "params.nulls",
    level="must",
    decides=["param-08"],
    asks=["params/nulls"],
    breaks="openai-python sends null for each parameter that is passed as None",
)
def test_nulls(byom_ask: Ask) -> Iterator[Wrong]:
    """An explicit null for a nullable parameter means the same as leaving it out."""
    yield from accepted(byom_ask("params/nulls"))


@check(
    "params.neutral",
    level="must",
    decides=["param-09", "param-16", "param-17", "param-25", "so-01", "param-39", "param-35"],
    asks=["params/neutral"],
    breaks="LangChain and many UIs send every parameter with its default",
)
def test_neutral(byom_ask: Ask) -> Iterator[Wrong]:
    """Parameters at their default values are accepted."""
    yield from accepted(byom_ask("params/neutral"))


@check(
    "params.defaults",
    level="should",
    decides=["param-52", "choice-11"],
    asks=["chat/plain"],
    breaks="clients that asked for nothing special get something special",
)
def test_defaults(byom_ask: Ask) -> Iterator[Wrong]:
    """No n gives one choice, no logprobs gives none."""
    exchange = byom_ask("chat/plain")
    if len(choices := _choices(exchange)) > 1:
        yield wrong(exchange, "choices", expected="one choice", got=len(choices))
    if dig(exchange.completion, "choices.0.logprobs.content"):
        yield wrong(exchange, "choices.0.logprobs", expected="null", got="log probabilities")


def _choices(exchange: Exchange) -> list[object]:
    """Return the choices of a plain answer; Inconclusive if it has none, which a rule reports."""
    found = exchange.completion.get("choices")
    if not isinstance(found, list) or not found:
        raise Inconclusive(f"the answer to {exchange.contract.id} has no choice")
    return found


@check(
    "params.temperature-range",
    level="should",
    decides=["param-13"],
    asks=["params/temperature-too-high"],
    breaks="a typing error in a setting goes unnoticed",
)
def test_temperature_range(byom_ask: Ask) -> Iterator[Wrong]:
    """A temperature above 2 is refused."""
    yield from refused(byom_ask("params/temperature-too-high"))


@check(
    "params.temperature-zero",
    level="must",
    decides=["param-11"],
    asks=["params/temperature-zero"],
    breaks="LangChain and the Vercel AI SDK send temperature 0",
)
def test_temperature_zero(byom_ask: Ask) -> Iterator[Wrong]:
    """temperature 0 is accepted."""
    yield from accepted(byom_ask("params/temperature-zero"))


@check(
    "params.wrong-type",
    level="should",
    decides=["param-44"],
    asks=["params/wrong-type"],
    breaks="a client with a bug never learns of it",
)
def test_wrong_type(byom_ask: Ask) -> Iterator[Wrong]:
    """A word where the API wants a number is refused."""
    yield from refused(byom_ask("params/wrong-type"))


@check(
    "params.max-tokens",
    level="must",
    decides=["param-19", "usage-16"],
    asks=["params/max-tokens"],
    breaks="budgets do not hold; an answer may never end",
)
def test_max_tokens(byom_ask: Ask) -> Iterator[Wrong]:
    """max_tokens bounds the answer."""
    yield from accepted(byom_ask("params/max-tokens"))
    yield from bounded(byom_ask("params/max-tokens"), 5)


@check(
    "params.max-completion-tokens",
    level="must",
    decides=["param-20"],
    asks=["params/max-completion-tokens"],
    breaks="LangChain sends max_completion_tokens in place of max_tokens: its limit is lost",
)
def test_max_completion_tokens(byom_ask: Ask) -> Iterator[Wrong]:
    """max_completion_tokens is accepted and bounds the answer."""
    yield from accepted(byom_ask("params/max-completion-tokens"))
    yield from bounded(byom_ask("params/max-completion-tokens"), 5)


@check(
    "params.length",
    level="must",
    decides=["param-21"],
    asks=["params/max-tokens"],
    breaks="openai-python's parse() raises LengthFinishReasonError from this value only; apps take "
    "half an answer for a whole one",
)
def test_length(byom_ask: Ask) -> Iterator[Wrong]:
    """An answer cut by the token limit has finish_reason "length"."""
    exchange = byom_ask("params/max-tokens")
    if completion_tokens(exchange) != 5:
        raise Inconclusive("the answer did not use up its 5 tokens")
    if exchange.finish_reason != "length":
        place = "choices.0.finish_reason"
        yield wrong(exchange, place, expected='"length"', got=repr(exchange.finish_reason))


@check(
    "params.n",
    level="should",
    decides=["param-26", "choice-16"],
    needs=["n"],
    asks=["params/n-two"],
    breaks="code that compares answers sees one, and cannot know that it asked for two",
)
def test_n(byom_ask: Ask) -> Iterator[Wrong]:
    """n=2 gives two choices or a 4xx; it is not silently reduced to one."""
    exchange = byom_ask("params/n-two")
    if len(choices := _choices(exchange)) != 2:
        yield no_effect(exchange, "choices", expected="two choices", got=len(choices))


@check(
    "params.n-usage",
    level="should",
    decides=["usage-17"],
    needs=["n"],
    asks=["params/n-two"],
    breaks="half of the tokens that were generated are counted",
)
def test_n_usage(byom_ask: Ask) -> Iterator[Wrong]:
    """With n=2 completion_tokens covers both choices."""
    exchange = byom_ask("params/n-two")
    reasons = [dig(choice, "finish_reason") for choice in _choices(exchange)]
    if reasons != ["length", "length"]:
        raise Inconclusive("not both of two choices used up their 8 tokens")
    if (count := completion_tokens(exchange)) != 16:
        yield wrong(exchange, "usage.completion_tokens", expected="16, 8 for each", got=count)


@check(
    "params.stop-list",
    level="must",
    decides=["param-29"],
    asks=["params/stop-list"],
    breaks="LangChain and the Vercel AI SDK send arrays",
)
def test_stop_list(byom_ask: Ask) -> Iterator[Wrong]:
    """stop as an array of strings is accepted."""
    yield from accepted(byom_ask("params/stop-list"))


@check(
    "params.stop",
    level="must",
    decides=["param-28", "param-30", "param-34"],
    needs=["stop"],
    asks=["params/stop-inner", "params/temperature-zero", "params/temperature-zero-again"],
    breaks="agents that stop at a marker act on what comes after it",
)
def test_stop(byom_ask: Ask) -> Iterator[Wrong]:
    """The text ends before the stop sequence, which is not part of it."""
    whole = repeatable(byom_ask)
    exchange = byom_ask("params/stop-inner")
    yield from accepted(exchange)
    stop = exchange.request_json["stop"]
    if exchange.status == 200 and stop in exchange.content:
        expected = f"a text that ends before {stop!r}"
        if exchange.content == whole:
            yield no_effect(exchange, "content", expected=expected, got="the whole text")
        else:
            yield wrong(exchange, "content", expected=expected, got="a text with it")


@check(
    "params.stop-finish",
    level="must",
    decides=["param-31"],
    needs=["stop"],
    asks=["params/stop-inner", "params/temperature-zero", "params/temperature-zero-again"],
    breaks="the app asks for more of a text that is complete",
)
def test_stop_finish(byom_ask: Ask) -> Iterator[Wrong]:
    """A generation ended by a stop sequence has finish_reason "stop"."""
    whole = repeatable(byom_ask)
    exchange = byom_ask("params/stop-inner")
    stop = exchange.request_json["stop"]
    if exchange.content.rstrip() != whole.partition(stop)[0].rstrip():
        raise Inconclusive("the text was not ended by the stop sequence")
    if exchange.finish_reason != "stop":
        place = "choices.0.finish_reason"
        yield wrong(exchange, place, expected='"stop"', got=repr(exchange.finish_reason))


def repeatable(byom_ask: Ask) -> str:
    """Return the text at temperature 0; Inconclusive if it is not the same twice."""
    first = byom_ask("params/temperature-zero").content
    if byom_ask("params/temperature-zero-again").content != first:
        raise Inconclusive("at temperature 0 the text is not the same twice")
    return first


@check(
    "params.seed-negative",
    level="should",
    decides=["det-07"],
    asks=["params/seed-negative"],
    breaks="SDKs send a request that is answered with 5xx three times",
)
def test_seed_negative(byom_ask: Ask) -> Iterator[Wrong]:
    """A negative seed is accepted or refused with 4xx."""
    exchange = byom_ask("params/seed-negative").answered()
    if exchange.status != 200 and not exchange.is_refused:
        yield status_wrong(exchange, "200 or 4xx")
