"""Checks of log probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.answers import completion_tokens, no_effect, refused, wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.exchange import Exchange, dig
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.values import is_integer, is_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask

ASKED = "logprobs/top-two"
PATH = "choices.0.logprobs.content"
SPECIAL = 3
"""So many tokens, such as the end of the answer, may be counted and not listed."""

SAME = 0.001
"""Log probabilities that differ by less are the same, but for rounding."""


def _entries(exchange: Exchange) -> list[dict[str, Any]]:
    found = dig(exchange.completion, PATH)
    if not isinstance(found, list) or not found or not all(isinstance(e, dict) for e in found):
        raise Inconclusive("the answer has no log probabilities")
    return found


@check(
    "logprobs.given",
    level="should",
    decides=["lp-01"],
    needs=["logprobs"],
    asks=[ASKED],
    breaks="evaluations that score by log probabilities get nothing, without an error",
)
def test_given(byom_ask: Ask) -> Iterator[Wrong]:
    """logprobs=true gives log probabilities, or a 4xx; they are not silently left out."""
    exchange = byom_ask(ASKED)
    if not dig(exchange.completion, PATH) and exchange.message is not None:
        got = repr(dig(exchange.completion, "choices.0.logprobs"))
        yield no_effect(exchange, PATH, expected="an entry for each token", got=got)


@check(
    "logprobs.entries",
    level="must",
    decides=["lp-02"],
    needs=["logprobs"],
    asks=[ASKED],
    breaks="typed clients and evaluation harnesses read all four members",
)
def test_entries(byom_ask: Ask) -> Iterator[Wrong]:
    """Every entry has token, logprob, bytes and top_logprobs, of their types."""
    exchange = byom_ask(ASKED)
    for number, entry in enumerate(_entries(exchange)):
        place = f"{PATH}.{number}"
        if not isinstance(entry.get("token"), str):
            yield _wrong(exchange, f"{place}.token", "a string", entry.get("token"))
        if not is_number(entry.get("logprob")):
            yield _wrong(exchange, f"{place}.logprob", "a number", entry.get("logprob"))
        if not isinstance(entry.get("bytes"), list | None):
            yield _wrong(exchange, f"{place}.bytes", "an array or null", entry.get("bytes"))
        if not isinstance(entry.get("top_logprobs"), list):
            got = entry.get("top_logprobs")
            yield _wrong(exchange, f"{place}.top_logprobs", "an array", got)


@check(
    "logprobs.not-positive",
    level="must",
    decides=["lp-03"],
    needs=["logprobs"],
    asks=[ASKED],
    breaks="probabilities above 1",
)
def test_not_positive(byom_ask: Ask) -> Iterator[Wrong]:
    """logprob is at most 0."""
    exchange = byom_ask(ASKED)
    for number, entry in enumerate(_entries(exchange)):
        if is_number(entry.get("logprob")) and entry["logprob"] > 0:
            yield _wrong(exchange, f"{PATH}.{number}.logprob", "at most 0", entry["logprob"])


@check(
    "logprobs.text",
    level="should",
    decides=["lp-04"],
    needs=["logprobs"],
    asks=[ASKED],
    breaks="scores are put on the wrong words",
)
def test_text(byom_ask: Ask) -> Iterator[Wrong]:
    """The joined tokens, or their bytes, give the text."""
    exchange = byom_ask(ASKED)
    entries = _entries(exchange)
    tokens = "".join(str(entry.get("token")) for entry in entries)
    pieces = [entry.get("bytes") for entry in entries]
    if all(isinstance(piece, list) for piece in pieces):
        joined = _decode([byte for piece in pieces for byte in piece or []])
    else:
        joined = tokens
    content = exchange.content
    if not any(text.startswith(content) for text in (joined, tokens)):
        yield _wrong(exchange, PATH, f"the text {content[:40]!r}", joined[:40])


@check(
    "logprobs.bytes",
    level="should",
    decides=["lp-02", "lp-04"],
    needs=["logprobs"],
    asks=[ASKED],
    breaks="tools that join bytes, as they must where a character spans tokens, make other text",
)
def test_bytes(byom_ask: Ask) -> Iterator[Wrong]:
    """The bytes of an entry are those of its token in UTF-8, or null."""
    exchange = byom_ask(ASKED)
    for number, entry in enumerate(_entries(exchange)):
        token, given = entry.get("token"), entry.get("bytes")
        if not isinstance(token, str) or not isinstance(given, list) or "\ufffd" in token:
            continue
        if all(map(is_integer, given)) and _decode(given) == token:
            continue
        expected = f"the bytes of {token!r}, or null"
        yield _wrong(exchange, f"{PATH}.{number}.bytes", expected, given)


@check(
    "logprobs.greedy",
    level="should",
    decides=["lp-13"],
    needs=["logprobs"],
    asks=[ASKED],
    breaks="evaluation harnesses compare the chosen token with the likeliest",
)
def test_greedy(byom_ask: Ask) -> Iterator[Wrong]:
    """At temperature 0 the chosen token is the likeliest of the alternatives, or as likely."""
    exchange = byom_ask(ASKED)
    for number, entry in enumerate(_entries(exchange)):
        top = entry.get("top_logprobs")
        values = [dig(one, "logprob") for one in top] if isinstance(top, list) else []
        chosen = entry.get("logprob")
        if not values or not all(map(is_number, [*values, chosen])):
            continue
        if chosen < max(values) - SAME:
            place = f"{PATH}.{number}.logprob"
            yield _wrong(exchange, place, f"{max(values)}, as the likeliest has", chosen)


def _decode(values: list[Any]) -> str:
    try:
        return bytes(values).decode("utf-8", "replace")
    except (TypeError, ValueError):
        return ""


@check(
    "logprobs.top",
    level="should",
    decides=["lp-05"],
    needs=["logprobs"],
    asks=[ASKED],
    breaks="code that takes the first alternative as the likeliest is wrong",
)
def test_top(byom_ask: Ask) -> Iterator[Wrong]:
    """top_logprobs=2 gives at most two alternatives for a token, the likeliest first."""
    exchange = byom_ask(ASKED)
    for number, entry in enumerate(_entries(exchange)):
        top = entry.get("top_logprobs")
        values = [dig(one, "logprob") for one in top] if isinstance(top, list) else []
        place = f"{PATH}.{number}.top_logprobs"
        if len(values) > 2:
            yield _wrong(exchange, place, "at most two", len(values))
        elif all(map(is_number, values)) and values != sorted(values, reverse=True):
            yield _wrong(exchange, place, "falling log probabilities", values)


@check(
    "logprobs.top-alone",
    level="should",
    decides=["lp-06"],
    needs=["logprobs"],
    asks=["logprobs/top-alone"],
    breaks="a client that forgot logprobs waits for what never comes",
)
def test_top_alone(byom_ask: Ask) -> Iterator[Wrong]:
    """top_logprobs without logprobs=true is refused."""
    yield from refused(byom_ask("logprobs/top-alone"))


@check(
    "logprobs.count",
    level="should",
    decides=["lp-09"],
    needs=["logprobs"],
    asks=[ASKED],
    breaks="sums over the entries leave out a part of the answer",
)
def test_count(byom_ask: Ask) -> Iterator[Wrong]:
    """There are about as many entries as usage.completion_tokens."""
    exchange = byom_ask(ASKED)
    entries, count = len(_entries(exchange)), completion_tokens(exchange)
    if dig(exchange.completion, "usage.completion_tokens_details.reasoning_tokens"):
        raise Inconclusive("the model spent tokens on reasoning")
    if abs(entries - count) > SPECIAL:
        yield _wrong(exchange, PATH, f"about {count} entries, as usage says", entries)


@check(
    "logprobs.refusal",
    level="should",
    decides=["lp-11"],
    needs=["logprobs"],
    asks=[ASKED],
    breaks="typed clients that follow the schema reject an object without it",
)
def test_refusal(byom_ask: Ask) -> Iterator[Wrong]:
    """logprobs.refusal is there, as null or an array."""
    exchange = byom_ask(ASKED)
    _entries(exchange)
    found = dig(exchange.completion, "choices.0.logprobs")
    if not isinstance(found.get("refusal", ""), list | None):
        got = found.get("refusal", "nothing")
        yield _wrong(exchange, "choices.0.logprobs.refusal", "null or an array", got)


def _wrong(exchange: Exchange, place: str, expected: str, got: object) -> Wrong:
    return wrong(exchange, place, expected=expected, got=repr(got))
