"""k of n before and after: what the exact test says of them."""

from __future__ import annotations

import pytest

from pytest_byom.gate.counts import Count, Judgement, Trend, exact_p, judge_counts

# Published values: Fisher's tea test, the examples of R and scipy, and small tables by hand.
PUBLISHED = [
    ((3, 4), (1, 4), 0.4857143),
    ((1, 10), (11, 14), 0.002759456),
    ((8, 10), (1, 6), 0.0349650),
    ((2, 17), (10, 13), 0.0005367241),
    ((5, 20), (0, 20), 0.0471245),
    ((4, 4), (0, 4), 0.0285714),
    ((1, 1), (0, 1), 1.0),
    ((7, 7), (7, 7), 1.0),
    ((0, 3), (0, 5), 1.0),
]


@pytest.mark.parametrize(("before", "after", "p"), PUBLISHED)
def test_exact_p(before: tuple[int, int], after: tuple[int, int], p: float) -> None:
    """The probability is that of Fisher's exact test, two-sided."""
    assert exact_p(Count(*before), Count(*after)) == pytest.approx(p, rel=1e-4)
    assert exact_p(Count(*after), Count(*before)) == pytest.approx(p, rel=1e-4)


JUDGED = [
    ((20, 20), (20, 20), Trend.SAME),
    ((20, 20), (19, 20), Trend.SAME),
    ((20, 20), (14, 20), Trend.WORSE),
    ((14, 20), (20, 20), Trend.BETTER),
    ((5, 20), (0, 20), Trend.WORSE),
    ((1, 1), (1, 1), Trend.SAME),
    ((0, 1), (1, 1), Trend.SAME),
    ((3, 3), (0, 3), Trend.TOO_FEW),
    ((3, 3), (2, 3), Trend.TOO_FEW),
    ((4, 4), (0, 4), Trend.WORSE),
    ((4, 4), (3, 4), Trend.SAME),
    ((1000, 1000), (985, 1000), Trend.WORSE),
]


@pytest.mark.parametrize(("before", "after", "trend"), JUDGED)
def test_judge(before: tuple[int, int], after: tuple[int, int], trend: Trend) -> None:
    """A fall counts if it is no chance, and is too few where even a total loss would be one."""
    judged = judge_counts(Count(*before), Count(*after), significance=0.05)
    assert judged.trend is trend


def test_significance() -> None:
    """The threshold is the caller's."""
    before, after = Count(4, 4), Count(0, 4)
    assert judge_counts(before, after, significance=0.01).trend is Trend.TOO_FEW
    assert judge_counts(before, after, significance=0.03).trend is Trend.WORSE


NEEDED = [((3, 3), (0, 3), 1, 4), ((1, 1), (0, 1), 18, 4), ((2, 3), (1, 3), 6, 4)]


@pytest.mark.parametrize(("before", "after", "more", "each"), NEEDED)
def test_needed(before: tuple[int, int], after: tuple[int, int], more: int, each: int) -> None:
    """With too few tries it is said how many more would do, so that a total loss shows."""
    count = Count(*after)
    judged = judge_counts(Count(*before), count, significance=0.05)
    assert (judged.more, judged.each) == (more, each)
    total_loss = Count(0, count.tried + more)
    assert exact_p(Count(*before), total_loss) <= 0.05
    assert exact_p(Count(*before), Count(0, total_loss.tried - 1)) > 0.05


def test_no_number_does() -> None:
    """A baseline that hardly ever passed cannot be lost, however often one tries."""
    judged = judge_counts(Count(1, 200), Count(0, 3), significance=0.000001)
    assert judged == Judgement(trend=Trend.TOO_FEW, p=judged.p, more=0, each=judged.each)
