"""Checks of parameters beyond what the API allows: refused, or at least survived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.answers import (
    accepted,
    below_500,
    bounded,
    completion_tokens,
    refused,
    status_wrong,
    wrong,
)
from pytest_byom.conformance.cells import Cell, make_check
from pytest_byom.conformance.check import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.finding import Wrong

LEAST_ROOM = 64
"""Tokens; a context window leaves more of them to a prompt of two words."""

UNNOTICED = "a typing error in a setting goes unnoticed"


def out_of_range(
    slug: str, *, sentence: str, statement: str, breaks: str = UNNOTICED, needs: Iterable[str] = ()
) -> Callable[..., Any]:
    """Make the check that a value beyond the bounds is refused."""

    cell = Cell(
        id=f"params.{slug}",
        contract=f"params/{slug}",
        level="should",
        sentence=sentence,
        decides=(statement,),
        needs=tuple(needs),
        breaks=breaks,
    )
    return make_check(__name__, cell, refused)


test_temperature_negative = out_of_range(
    "temperature-negative", sentence="A negative temperature is refused.", statement="param-14"
)
test_top_p_high = out_of_range(
    "top-p-high", sentence="top_p above 1 is refused.", statement="param-18"
)
test_top_p_negative = out_of_range(
    "top-p-negative", sentence="A negative top_p is refused.", statement="param-18"
)
test_max_tokens_zero = out_of_range(
    "max-tokens-zero",
    sentence="max_tokens 0 is refused.",
    statement="param-22",
    breaks="an app that worked out a budget of nothing gets an empty text, or an endless one",
)
test_max_tokens_fraction = out_of_range(
    "max-tokens-fraction",
    sentence="A max_tokens that is no whole number is refused.",
    statement="param-22",
)
test_n_zero = out_of_range(
    "n-zero",
    needs=["n"],
    sentence="n 0 is refused.",
    statement="param-27",
    breaks="clients read choices[0] of an answer that may have none",
)
test_n_negative = out_of_range(
    "n-negative",
    needs=["n"],
    sentence="A negative n is refused.",
    statement="param-27",
    breaks="clients read choices[0] of an answer that may have none",
)
test_frequency_penalty_high = out_of_range(
    "frequency-penalty-high",
    sentence="A frequency_penalty above 2 is refused.",
    statement="param-36",
)
test_presence_penalty_low = out_of_range(
    "presence-penalty-low",
    sentence="A presence_penalty below -2 is refused.",
    statement="param-36",
)


@check(
    "params.max-tokens-negative",
    level="should",
    decides=["param-22"],
    asks=["params/max-tokens-negative"],
    breaks="apps send -1 for no limit, as some servers want it, and a 5xx is asked for three times",
)
def test_max_tokens_negative(byom_ask: Ask) -> Iterator[Wrong]:
    """max_tokens -1 is refused with 4xx, or means no limit."""
    exchange = byom_ask("params/max-tokens-negative")
    yield from below_500(exchange)
    if exchange.status == 200 and not exchange.content:
        yield wrong(exchange, "content", expected="4xx, or a text", got="an empty text")


@check(
    "params.stop-five",
    level="should",
    decides=["param-33"],
    needs=["stop"],
    asks=["params/stop-five"],
    breaks="SDKs send a request that is answered with 5xx three times",
)
def test_stop_five(byom_ask: Ask) -> Iterator[Wrong]:
    """Five stop sequences are accepted or refused with 4xx."""
    yield from below_500(byom_ask("params/stop-five"))


@check(
    "params.both-limits",
    level="should",
    decides=["param-23"],
    asks=["params/both-limits"],
    breaks="gateways that add the one name to the other send both, and no limit holds",
)
def test_both_limits(byom_ask: Ask) -> Iterator[Wrong]:
    """max_tokens beside max_completion_tokens is refused with 4xx, or one of them bounds."""
    exchange = byom_ask("params/both-limits")
    yield from below_500(exchange)
    yield from bounded(exchange, 7)


@check(
    "params.both-limits-older",
    level="should",
    decides=["param-23"],
    asks=["params/both-limits-older"],
    breaks="gateways that add the one name to the other send both, and no limit holds",
)
def test_both_limits_older(byom_ask: Ask) -> Iterator[Wrong]:
    """A smaller max_tokens beside max_completion_tokens is refused with 4xx, or one bounds."""
    exchange = byom_ask("params/both-limits-older")
    yield from below_500(exchange)
    yield from bounded(exchange, 7)


@check(
    "params.huge-limit",
    level="should",
    decides=["param-24", "param-45"],
    asks=["params/huge-limit"],
    breaks="apps that send a very large limit for none get a 5xx, which SDKs ask for three times",
)
def test_huge_limit(byom_ask: Ask) -> Iterator[Wrong]:
    """A token limit beyond the context window is refused with 4xx or clamped, not overrun."""
    exchange = byom_ask("params/huge-limit")
    yield from below_500(exchange)
    if exchange.status == 200 and exchange.finish_reason == "length":
        count = completion_tokens(exchange)
        if count < LEAST_ROOM:
            got = f'"length" after {count} tokens'
            yield wrong(exchange, "choices.0.finish_reason", expected='"stop"', got=got)


@check(
    "params.seed-large",
    level="should",
    decides=["param-45"],
    asks=["params/seed-large"],
    breaks="apps that draw a seed of 64 bits get a 5xx, which SDKs ask for three times",
)
def test_seed_large(byom_ask: Ask) -> Iterator[Wrong]:
    """The largest seed of 64 bits is accepted or refused with 4xx."""
    yield from below_500(byom_ask("params/seed-large"))


@check(
    "params.n-large",
    level="should",
    decides=["param-45"],
    asks=["params/n-large"],
    abuse=True,
    breaks="one request takes the memory that all others need",
)
def test_n_large(byom_ask: Ask) -> Iterator[Wrong]:
    """n 2147483648 is refused with 4xx."""
    exchange = byom_ask("params/n-large").answered()
    if not exchange.is_refused:
        yield status_wrong(exchange, "a status from 400 to 499")


@check(
    "params.seed-accepted",
    level="should",
    decides=["det-01"],
    asks=["params/seed-one"],
    breaks="test suites that set a seed do not run at all",
)
def test_seed_accepted(byom_ask: Ask) -> Iterator[Wrong]:
    """A seed, beside a temperature alone, is accepted."""
    yield from accepted(byom_ask("params/seed-one"))
