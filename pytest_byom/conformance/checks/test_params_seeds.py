"""Checks of what repeats and what does not: seeds, and temperature 0.

Servers that compute several requests at once may differ in the last digit, and so in a word: of
three answers two have to agree, no more.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import no_effect, wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.finding import Inconclusive
from pytest_byom.conformance.views import ChunkStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.conformance.finding import Wrong

SEEDED = ("params/seed-one", "params/seed-one-again", "params/seed-one-third")
GREEDY = ("params/seed-greedy", "params/seed-greedy-again", "params/seed-greedy-third")
OTHERS = ("params/seed-two", "params/seed-three")


@check(
    "params.greedy-repeats",
    level="should",
    decides=["det-06"],
    asks=["params/temperature-zero", "params/temperature-zero-again", "stream/temperature-zero"],
    needs=["stream"],
    breaks="tests and caches that count on temperature 0 see another text each time",
)
def test_greedy_repeats(byom_ask: Ask) -> Iterator[Wrong]:
    """Temperature 0 without a seed repeats the text, streamed or not, in two of three answers."""
    plain = [byom_ask("params/temperature-zero"), byom_ask("params/temperature-zero-again")]
    streamed = ChunkStream.expect(byom_ask("stream/temperature-zero").accepted()).text()
    texts = [*(exchange.content for exchange in plain), streamed]
    if all_differ(texts):
        yield wrong(plain[1], "content", expected="a text twice", got="three texts")


@check(
    "params.seed-repeats-greedy",
    level="should",
    decides=["det-02"],
    asks=GREEDY,
    breaks="tests that set a seed and temperature 0 see another text each time",
)
def test_seed_repeats_greedy(byom_ask: Ask) -> Iterator[Wrong]:
    """The same seed at temperature 0 gives the same text, in two of three answers."""
    exchanges = [byom_ask(id).supported() for id in GREEDY]
    if all_differ(texts_of(exchanges)):
        yield wrong(exchanges[1], "content", expected="a text twice", got="three texts")


@check(
    "params.seed-repeats",
    level="should",
    decides=["det-04"],
    needs=["seed"],
    asks=SEEDED,
    breaks="an app that shows how an answer came about cannot show it again",
)
def test_seed_repeats(byom_ask: Ask) -> Iterator[Wrong]:
    """The same seed at temperature 1 gives the same text, in two of three answers of one system."""
    exchanges = [byom_ask(id).supported() for id in SEEDED]
    if all_differ(texts_of(exchanges)):
        if len({exchange.completion.get("system_fingerprint") for exchange in exchanges}) > 1:
            raise Inconclusive("the answers come from different systems")
        yield no_effect(exchanges[1], "content", expected="a text twice", got="three texts")


@check(
    "params.seed-differs",
    level="should",
    decides=["det-03"],
    asks=[SEEDED[0], *OTHERS],
    breaks="an app that asks for another attempt gets the same one",
)
def test_seed_differs(byom_ask: Ask) -> Iterator[Wrong]:
    """Different seeds at temperature 1 give different texts, two of three at least."""
    exchanges = [byom_ask(id).supported() for id in (SEEDED[0], *OTHERS)]
    if len(set(texts_of(exchanges))) == 1:
        yield no_effect(exchanges[1], "content", expected="another text", got="the same text")


def texts_of(exchanges: Sequence[Exchange]) -> list[str]:
    """Return the texts of answers; Inconclusive if there is none in them."""
    texts = [exchange.content for exchange in exchanges]
    if not any(texts):
        raise Inconclusive("the texts are empty")
    return texts


def all_differ(texts: Sequence[str]) -> bool:
    """Whether no two of some texts are equal."""
    return max(Counter(texts).values()) == 1
