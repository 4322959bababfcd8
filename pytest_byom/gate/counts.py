"""k of n before and k of n after: is that a difference, or chance?

What depends on the model is not decided by one try. The test is Fisher's exact test, two-sided:
the probability, if nothing had changed, of a table as unlikely as the one that was seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import comb
from typing import NamedTuple

MOST_TRIES = 1000
"""More are never asked for."""


class Count(NamedTuple):
    """`passed` of `tried`."""

    passed: int
    tried: int

    def __str__(self) -> str:
        return f"{self.passed} of {self.tried}"


class Trend(StrEnum):
    """What two counts say."""

    SAME = "same"
    """No difference, or one that chance explains though a total loss would have shown."""
    WORSE = "worse"
    BETTER = "better"
    TOO_FEW = "too few"
    """It fell, and with so few tries nothing could have been proved."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What two counts say, with the probability.

    Where they are too few, `more` is how many more tries are needed now, `each` how many on each
    side would do as well; 0 if no number does.
    """

    trend: Trend
    p: float
    more: int = 0
    each: int = 0


def judge_counts(before: Count, after: Count, *, significance: float) -> Judgement:
    """Compare two counts; a difference counts if its probability is at most `significance`."""
    p = exact_p(before, after)
    fell = after.passed * before.tried < before.passed * after.tried
    if p <= significance:
        return Judgement(trend=Trend.WORSE if fell else Trend.BETTER, p=p)
    if fell and exact_p(before, Count(0, after.tried)) > significance:
        more, each = _more(before, after, significance), _each(significance)
        return Judgement(trend=Trend.TOO_FEW, p=p, more=more, each=each)
    return Judgement(trend=Trend.SAME, p=p)


def exact_p(before: Count, after: Count) -> float:
    """Return the two-sided probability of Fisher's exact test."""
    passed = before.passed + after.passed
    everything = comb(before.tried + after.tried, passed)

    def ways(count: int) -> int:
        return comb(before.tried, count) * comb(after.tried, passed - count)

    seen = ways(before.passed)
    possible = range(max(0, passed - after.tried), min(before.tried, passed) + 1)
    return sum(w for w in map(ways, possible) if w <= seen) / everything


def _more(before: Count, after: Count, significance: float) -> int:
    """Return how many more tries now would show a total loss, or 0."""
    for tried in range(after.tried + 1, MOST_TRIES + 1):
        if exact_p(before, Count(0, tried)) <= significance:
            return tried - after.tried
    return 0


def _each(significance: float) -> int:
    """Return how many tries on each side would show a total loss."""
    return next(
        n for n in range(2, MOST_TRIES) if exact_p(Count(n, n), Count(0, n)) <= significance
    )
