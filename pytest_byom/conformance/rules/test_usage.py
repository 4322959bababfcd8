"""Rules about token counts in plain answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.check import rule
from pytest_byom.conformance.values import is_integer
from pytest_byom.conformance.views import Completion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.finding import Wrong

COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
PARTS = {"prompt_tokens": "cached_tokens", "completion_tokens": "reasoning_tokens"}
"""What each total is known to hold."""


@rule(
    "usage.counts",
    on=Completion,
    level="must",
    decides=["usage-01", "usage-18"],
    breaks="strings make the Vercel AI SDK reject the whole answer; null breaks sums",
)
def test_counts(answer: Completion) -> Iterator[Wrong]:
    """usage has integer prompt_tokens, completion_tokens and total_tokens."""
    for name in COUNTS if answer.usage else ():
        if not is_integer(answer.usage.get(name)):
            yield answer.wrong(f"usage.{name}", "an integer")


@rule(
    "usage.total",
    on=Completion,
    level="must",
    decides=["usage-02"],
    breaks="bills and budgets that add up the parts differ from those that take the total",
)
def test_total(answer: Completion) -> Iterator[Wrong]:
    """total_tokens equals prompt_tokens plus completion_tokens."""
    counts = [count for count in map(answer.usage.get, COUNTS) if is_integer(count)]
    if len(counts) == 3 and counts[2] != counts[0] + counts[1]:
        yield answer.wrong("usage.total_tokens", f"{counts[0]} + {counts[1]}")


@rule(
    "usage.positive",
    on=Completion,
    level="must",
    decides=["usage-03"],
    breaks="cost comes out as nothing or less",
)
def test_positive(answer: Completion) -> Iterator[Wrong]:
    """The counts are not negative, and prompt_tokens is at least 1."""
    for name, least in (("prompt_tokens", 1), ("completion_tokens", 0)):
        count = answer.usage.get(name)
        if is_integer(count) and count < least:
            yield answer.wrong(f"usage.{name}", f"at least {least}")


@rule(
    "usage.of-text",
    on=Completion,
    level="should",
    decides=["usage-04"],
    breaks="the answer costs nothing, by its own account",
)
def test_of_text(answer: Completion) -> Iterator[Wrong]:
    """completion_tokens is at least 1 when there is a text."""
    has_text = any(message.get("content") for _, message in answer.messages)
    if has_text and answer.usage.get("completion_tokens") == 0:
        yield answer.wrong("usage.completion_tokens", "at least 1")


@rule(
    "usage.details",
    on=Completion,
    level="must",
    decides=["usage-07", "usage-08"],
    breaks="the Vercel AI SDK subtracts cached and reasoning tokens from their totals",
)
def test_details(answer: Completion) -> Iterator[Wrong]:
    """Token details are objects of integers, null or absent."""
    for total in PARTS:
        details = answer.usage.get(f"{total}_details")
        path = f"usage.{total}_details"
        if not isinstance(details, dict | None):
            yield answer.wrong(path, "an object or null")
            continue
        for name, count in (details or {}).items():
            if name.endswith("_tokens") and not (count is None or is_integer(count)):
                yield answer.wrong(f"{path}.{name}", "an integer")


@rule(
    "usage.details-within",
    on=Completion,
    level="must",
    decides=["usage-07", "usage-08"],
    breaks="the Vercel AI SDK subtracts cached and reasoning tokens from their totals, below zero",
)
def test_details_within(answer: Completion) -> Iterator[Wrong]:
    """No more tokens are cached or reasoning than were counted in all."""
    for total, part in PARTS.items():
        details, whole = answer.usage.get(f"{total}_details"), answer.usage.get(total)
        count = details.get(part) if isinstance(details, dict) else None
        if is_integer(count) and is_integer(whole) and count > whole:
            path = f"usage.{total}_details.{part}"
            yield answer.wrong(path, f"at most {total}, which is {whole}")
