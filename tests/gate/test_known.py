"""Known deviations that have to be looked at."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pytest_byom.conformance.finding import Outcome, Verdict
from pytest_byom.gate.known import find_stale
from pytest_byom.registry import Deviation

from .verdicts import make_verdict

TODAY = date(2027, 1, 31)
PASSED, KNOWN = make_verdict(Outcome.PASSED), make_verdict(Outcome.KNOWN)
VERSION_SAID = "mine: the known deviation 'mine.slug' is for versions 0.19.*, and the server is"
MENDED = "mine: the known deviation {!r} no longer deviates: take it out of byom.yaml"


def stale(*verdicts: Verdict, **entry: Any) -> list[str]:
    """Return what is said of one known deviation of `mine`."""
    known = {"mine": (Deviation(**{"check": "mine.slug", "reason": "x"} | entry),)}
    return find_stale(verdicts, known, today=TODAY)


def test_mended() -> None:
    """A deviation whose check passes is stale."""
    assert stale(PASSED) == [MENDED.format("mine.slug")]


OTHERS = [
    Outcome.FAILED,
    Outcome.DEVIATES,
    Outcome.IGNORED,
    Outcome.KNOWN,
    Outcome.INCONCLUSIVE,
    Outcome.UNSUPPORTED,
    Outcome.ERROR,
]


@pytest.mark.parametrize("outcome", OTHERS)
def test_not_mended(outcome: Outcome) -> None:
    """A deviation whose check did not pass is not stale."""
    assert stale(make_verdict(outcome)) == []


def test_not_run() -> None:
    """A deviation whose check did not run is not stale."""
    assert stale() == []
    assert stale(make_verdict(check="mine.other")) == []


def test_other_endpoint() -> None:
    """That a check passes elsewhere says nothing."""
    assert stale(make_verdict(endpoint="other")) == []


def test_glob() -> None:
    """A glob is stale if all of its checks pass."""
    assert stale(PASSED, make_verdict(check="mine.other"), check="mine.*") == [
        MENDED.format("mine.*")
    ]


def test_glob_in_part() -> None:
    """A glob is not stale while one of its checks deviates."""
    assert stale(PASSED, make_verdict(Outcome.KNOWN, check="mine.other"), check="mine.*") == []


def test_dialect() -> None:
    """A deviation that comes with a dialect is not the user's to mend."""
    assert stale(PASSED, origin="dialect") == []


DATES = [(date(2027, 1, 30), True), (date(2027, 1, 31), False), (date(2027, 2, 1), False)]


@pytest.mark.parametrize(("until", "past"), DATES)
def test_date(until: date, past: bool) -> None:
    """A deviation is past its date on the day after."""
    sentence = f"mine: the known deviation 'mine.slug' is past its date, {until}"
    assert stale(KNOWN, until=until) == ([sentence] if past else [])


def test_date_wins() -> None:
    """One that is past its date and mended is said once."""
    assert len(stale(PASSED, until=date(2027, 1, 1))) == 1


NAMING = [
    ("stream.done", False),
    ("stream.*", False),
    ("*.done", False),
    ("stream.dnoe", True),
    ("strem.done", True),
    ("mine.x", False),
]


@pytest.mark.parametrize(("pattern", "nothing"), NAMING)
def test_names_nothing(pattern: str, nothing: bool) -> None:
    """A deviation in an area that is known, or nearly, of a check that is not, names nothing."""
    known = {"mine": (Deviation(check=pattern, reason="x"),)}
    sentence = f"mine: the known deviation {pattern!r} names no check: `byom checks` lists them"
    assert find_stale([], known, checks=["stream.done"]) == ([sentence] if nothing else [])


VERSIONS = [("0.19.1", []), ("", []), ("0.20.0", [f"{VERSION_SAID} 0.20.0"])]


@pytest.mark.parametrize(("version", "said"), VERSIONS)
def test_version(version: str, said: list[str]) -> None:
    """A deviation that is for other versions of the server is stale, whatever its check does."""
    known = {"mine": (Deviation(check="mine.slug", reason="x", versions="0.19.*"),)}
    found = find_stale([KNOWN], known, today=TODAY, versions={"mine": version} if version else {})
    assert found == said


def test_owner() -> None:
    """Whoever looks after a deviation is named."""
    (said,) = stale(PASSED, owner="platform team")
    assert said.startswith("mine: the known deviation 'mine.slug' (owner: platform team) no longer")
