"""What became of a check between two runs, and what of an endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_byom.gate.comparison import Kind, classify, compare_records
from pytest_byom.gate.counts import Count

from .making import entry, record

R, V, U, C, F, A = (
    Kind.REGRESSED,
    Kind.VANISHED,
    Kind.UNDECIDED,
    Kind.CHANGED,
    Kind.FIXED,
    Kind.ACCEPTED,
)

OUTCOMES = (
    "passed",
    "failed",
    "deviates",
    "ignored",
    "known",
    "unsupported",
    "inconclusive",
    "error",
)

# From the outcome before (a row) to the one now (a column, in the order of OUTCOMES).
TABLE: dict[str, tuple[Kind | None, ...]] = {
    "passed": (None, R, R, R, A, V, U, U),
    "failed": (F, None, C, C, A, C, None, U),
    "deviates": (F, C, None, C, A, C, None, U),
    "ignored": (F, C, C, None, A, C, None, U),
    "known": (F, C, C, C, None, C, None, U),
    "unsupported": (F, C, C, C, A, None, None, U),
    "inconclusive": (F, C, C, C, A, None, None, U),
    "error": (F, C, C, C, A, C, None, None),
}


@pytest.mark.parametrize("before", OUTCOMES)
@pytest.mark.parametrize("after", OUTCOMES)
def test_classify(before: str, after: str) -> None:
    """Each pair of outcomes has its class."""
    kind, _ = classify(entry(before), entry(after))
    assert kind is TABLE[before][OUTCOMES.index(after)]


@pytest.mark.parametrize("after", ["deviates", "ignored", "unsupported"])
def test_optional(after: str) -> None:
    """What is optional never regresses: it is otherwise."""
    kind, _ = classify(entry("passed", level="may"), entry(after, level="may"))
    assert kind is Kind.CHANGED


COUNTED = [
    ((20, 20), (20, 20), None, ""),
    ((20, 20), (18, 20), None, ""),
    ((20, 20), (10, 20), Kind.REGRESSED, "p = 0.00044"),
    ((10, 20), (20, 20), Kind.FIXED, "p = 0.00044"),
    (
        (3, 3),
        (1, 3),
        Kind.UNDECIDED,
        "p = 0.4, too few tries: 1 more try is needed, or --byom-repeat=4 in both runs",
    ),
]


@pytest.mark.parametrize(("before", "after", "kind", "note"), COUNTED)
def test_counts(before: Any, after: Any, kind: Kind | None, note: str) -> None:
    """Where both runs tried often, counts decide, and not whether the last one passed."""
    one = entry("passed", count=Count(*before))
    two = entry("failed", count=Count(*after))
    assert classify(one, two)[0] is kind
    assert not note or classify(one, two)[1] == note


def kinds(before: Any, after: Any, **options: Any) -> dict[str, str]:
    """Return the class of each difference between two sets of outcomes."""
    one = record(checks={id: entry(outcome) for id, outcome in before.items()})
    two = record(checks={id: entry(outcome) for id, outcome in after.items()})
    compared = compare_records("mine", one, two, **options)
    return {d.what: d.kind.value for d in compared.differences}


def test_new() -> None:
    """A check that the baseline does not have is new, however it came out."""
    assert kinds({}, {"a.b": "failed", "a.c": "passed"}) == {"a.b": "new", "a.c": "new"}


def test_vanished() -> None:
    """A check that is not there any more has vanished."""
    assert kinds({"mine.own": "passed"}, {}) == {"mine.own": "vanished"}


def test_not_selected() -> None:
    """One that was not selected has not: it is counted apart."""
    before, after = record(checks={"a.b": entry("passed")}), record(checks={})
    compared = compare_records("mine", before, after, left_out={"a.b"})
    assert (compared.differences, compared.left) == ((), ("a.b",))


def test_dropped_by_another_suite() -> None:
    """Nor one that another version of the suite does not have."""
    assert kinds({"a.b": "passed"}, {}, same_suite=False) == {}


def test_answers() -> None:
    """A difference of answers is a change, with a sentence and the exchanges that show it."""
    after = record(exchanges={"chat/plain": {"answer": {"status": "400", "body": "JSON object"}}})
    (difference,) = compare_records("mine", record(), after).differences
    assert difference.as_json() == {
        "kind": "changed",
        "endpoint": "mine",
        "what": "answer: status",
        "before": "200",
        "after": "400",
        "note": "answer: status was 200, and is 400",
        "where": ["chat/plain"],
    }


def test_order() -> None:
    """Differences come by class, the worst last."""
    before = {"a.r": "passed", "a.v": "passed", "a.u": "passed", "a.f": "failed"}
    after = {
        "a.r": "failed",
        "a.v": "unsupported",
        "a.u": "inconclusive",
        "a.f": "passed",
        "a.n": "passed",
    }
    assert list(kinds(before, after).values()) == [
        "new",
        "fixed",
        "undecided",
        "vanished",
        "regressed",
    ]


def test_nothing() -> None:
    """A record is like itself."""
    compared = compare_records("mine", record(), record())
    assert (compared.differences, compared.checks, compared.exchanges) == ((), 2, 1)
