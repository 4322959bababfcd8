"""Measures several ways to do one thing, side by side: rounds in turn, so that noise hits all."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Way = Callable[[], object]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Figure:
    """What one way took, in seconds: the median of its rounds and their quartiles."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        spread = f"{self.low * 1e6:.1f} to {self.high * 1e6:.1f}"
        return f"{self.median * 1e6:10.1f} us   (half of the rounds: {spread})"


def measure(
    ways: Mapping[str, Way], *, rounds: int, repeat: int, clock: Clock = time.process_time
) -> dict[str, list[float]]:
    """Run each way in turn, round after round; gives back the seconds of one run of each."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(rounds):
        for name, way in ways.items():
            gc.collect()
            began = clock()
            for _ in range(repeat):
                way()
            taken[name].append((clock() - began) / repeat)
    return taken


def figure(seconds: list[float]) -> Figure:
    """Sum up the rounds of one way."""
    low, median, high = statistics.quantiles(seconds, n=4)
    return Figure(median, low, high)


def ratio(slower: list[float], faster: list[float]) -> str:
    """How many times one way takes of another: the median over the rounds, and their quartiles."""
    ratios = [a / b for a, b in zip(slower, faster, strict=True)]
    low, median, high = statistics.quantiles(ratios, n=4)
    return f"{median:.2f} ({low:.2f} to {high:.2f})"
