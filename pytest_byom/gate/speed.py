"""How fast a server streams: an information, since a machine is never twice as busy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


QUICK = 200.0
"""Pieces a second: faster ones are all the same to whoever reads them."""

FEWEST_STREAMS = 3
FEWEST_PIECES = 4
SMALLEST = 20.0
"""Milliseconds: a smaller difference is nothing that anybody notices."""

TEXTS = ("content", "reasoning", "reasoning_content", "refusal", "tool_calls")


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One figure: its name, its unit, and whether more of it is better."""

    key: str
    title: str
    unit: str
    more_is_better: bool = False


MEASURES = (
    Measure(key="first_token", title="time to first token", unit="ms"),
    Measure(key="gap", title="longest gap in a stream", unit="ms"),
    Measure(key="rate", title="pieces of text a second", unit="/s", more_is_better=True),
)


def measure_streams(streams: Iterable[Sequence[tuple[float, str]]]) -> dict[str, float]:
    """Return the median of each figure over streams; one that too few of them give is left out."""
    figures: dict[str, list[float]] = {}
    for events in streams:
        for key, value in _figures(events).items():
            figures.setdefault(key, []).append(value)
    return {
        key: round(median(values), 1)
        for key, values in sorted(figures.items())
        if len(values) >= FEWEST_STREAMS
    }


def _figures(events: Sequence[tuple[float, str]]) -> dict[str, float]:
    times = [time for time, data in events if _has_text(data)]
    if not times:
        return {}
    found = {"first_token": times[0]}
    if len(times) >= FEWEST_PIECES:
        found["gap"] = max(later - sooner for sooner, later in pairwise(times))
        if (took := times[-1] - times[0]) > 0:
            found["rate"] = (len(times) - 1) * 1000 / took
    return found


def _has_text(data: str) -> bool:
    try:
        choices: Any = json.loads(data)["choices"]
        return any(choice["delta"].get(name) for choice in choices for name in TEXTS)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return False


@dataclass(frozen=True, kw_only=True)
class Pace:
    """One figure before and after; `slower` if it is worse by more than the tolerance."""

    measure: Measure
    before: float
    after: float
    slower: bool


def compare_speed(
    before: Mapping[str, float], after: Mapping[str, float], *, tolerance: float
) -> list[Pace]:
    """Compare the figures that both runs have; a tolerance of 0.5 bears half as much again."""
    return [
        Pace(measure=m, before=before[m.key], after=after[m.key], slower=slower)
        for m in MEASURES
        if m.key in before and m.key in after
        for slower in [_is_slower(m, before[m.key], after[m.key], tolerance)]
    ]


def _is_slower(measure: Measure, before: float, after: float, tolerance: float) -> bool:
    if measure.more_is_better:
        return after * (1 + tolerance) < before and after < QUICK
    return after > before * (1 + tolerance) and after - before > SMALLEST
