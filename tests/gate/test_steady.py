"""An unchanged server has no difference, however often it is asked and whatever the model says."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import TYPE_CHECKING

import pytest
from defects.judging import STANDARD
from defects.planting import Change, asks, change_request

from pytest_byom.gate.baseline import Baseline, Record, dump_baseline, parse_baseline
from pytest_byom.gate.comparison import compare_records

from .running import NAME, record_of

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNS = 100
SHARES = 4
"""The runs are made in so many tests, which several workers can share."""


def seeded(number: int) -> Change:
    """Build a server whose model says something else in each run."""
    return change_request(
        lambda data: data.setdefault("seed", number) and None,
        when=lambda asked: asks("messages")(asked) and asked.parameters.get("temperature") != 0,
    )


@cache
def first() -> Record:
    """Return the record of the first run."""
    return record_of(seeded(1))


def numbers_of(share: int) -> range:
    """Return the numbers of the runs of one share, without the first run of all."""
    size = RUNS // SHARES
    return range(max(2, share * size + 1), (share + 1) * size + 1)


def pairs_of(share: int) -> Iterator[tuple[Record, Record]]:
    """Yield each run of a share beside the one before it, so that no more than these are kept."""
    numbers = numbers_of(share)
    before = first() if numbers[0] == 2 else record_of(seeded(numbers[0] - 1))
    for number in numbers:
        yield before, (before := record_of(seeded(number)))


def text_of(record: Record) -> str:
    """Return the baseline file of a record."""
    return dump_baseline(Baseline(endpoints={NAME: record}, suite="0.1.0", saved="today"))


def kept_of(record: Record) -> list[str]:
    """Return the lines of its file, but for the one with time and speed."""
    return text_of(record).splitlines()[2:]


def assert_same(a: Record, b: Record) -> None:
    """Two runs have the same verdicts and shapes, and no difference, whichever was before."""
    assert a.checks == b.checks
    assert a.exchanges == b.exchanges
    for before, after in ((a, b), (b, a)):
        compared = compare_records(NAME, before, after)
        assert compared.differences == ()
        assert (compared.checks, compared.exchanges > 50) == (len(STANDARD), True)


def test_shares() -> None:
    """The shares have every run but the first, each once."""
    numbers = [number for share in range(SHARES) for number in numbers_of(share)]
    assert numbers == [*range(2, RUNS + 1)]


@pytest.mark.parametrize("share", range(SHARES))
def test_no_difference(share: int) -> None:
    """A hundred runs give one result: each is as the first, and as the one before it."""
    whole = kept_of(first())
    for before, record in pairs_of(share):
        assert set(record.checks) == STANDARD
        assert_same(record, first())
        assert_same(record, before)
        assert kept_of(record) == whole


def test_through_the_file() -> None:
    """A record that went through a file is like the one that was saved."""
    read = parse_baseline(text_of(first()), name="b.json").endpoints[NAME]
    assert compare_records(NAME, read, first()).differences == ()


@pytest.mark.parametrize("part", ["checks", "exchanges"])
def test_it_can_fail(part: str) -> None:
    """A record without one entry of the other kind is told from a whole one."""
    entries = dict(getattr(first(), part))
    entries.pop("stream.done-marker" if part == "checks" else "chat/plain")
    changed = dataclasses.replace(first(), **{part: entries})
    with pytest.raises(AssertionError):
        assert_same(first(), changed)
    assert kept_of(changed) != kept_of(first())
