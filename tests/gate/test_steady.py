"""An unchanged server has no difference, however often it is asked and whatever the model says."""

from __future__ import annotations

import dataclasses
import itertools
from functools import cache

import pytest
from defects.planting import Change, asks, change_request

from pytest_byom.gate.baseline import Baseline, Record, dump_baseline, parse_baseline
from pytest_byom.gate.comparison import compare_records

from .running import NAME, record_of

RUNS = 15
"""Every run is compared with every other, in both directions: 210 comparisons."""


def seeded(number: int) -> Change:
    """Build a server whose model says something else in each run."""
    return change_request(
        lambda data: data.setdefault("seed", number) and None,
        when=lambda asked: asks("messages")(asked) and asked.parameters.get("temperature") != 0,
    )


@cache
def runs() -> list[Record]:
    """Return the records of many runs, each with another seed."""
    return [record_of(seeded(number)) for number in range(1, RUNS + 1)]


def test_no_difference() -> None:
    """No two of many runs differ in a check or in an answer."""
    compared = [compare_records(NAME, a, b) for a, b in itertools.permutations(runs(), 2)]
    assert len(compared) == RUNS * (RUNS - 1)
    assert [one.differences for one in compared if one.differences] == []
    assert all(one.checks > 150 and one.exchanges > 50 for one in compared)


def text_of(record: Record) -> str:
    """Return the baseline file of a record."""
    return dump_baseline(Baseline(endpoints={NAME: record}, suite="0.1.0", saved="today"))


def test_same_bytes() -> None:
    """Their files are the same to the byte, but for the line with time and speed."""
    texts = {tuple(text_of(record).splitlines()[2:]) for record in runs()}
    assert len(texts) == 1


def test_through_the_file() -> None:
    """A record that went through a file is like the one that was saved."""
    record = runs()[0]
    read = parse_baseline(text_of(record), name="b.json").endpoints[NAME]
    assert compare_records(NAME, read, record).differences == ()


@pytest.mark.parametrize("part", ["checks", "exchanges"])
def test_it_can_fail(part: str) -> None:
    """A record without one entry of the other kind is told from a whole one."""
    whole = runs()[0]
    entries = dict(getattr(whole, part))
    entries.pop("stream.done-marker" if part == "checks" else "chat/plain")
    changed = dataclasses.replace(whole, **{part: entries})
    one = compare_records(NAME, whole, changed)
    assert (bool(one.differences), one.exchanges) != (
        False,
        compare_records(NAME, whole, whole).exchanges,
    )
