"""The columns of a report: their names, counts, and what they come to."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_byom.conformance.finding import Outcome
from pytest_byom.gate.comparison import Kind
from pytest_byom.gate.reports.columns import count_words, latest, make_columns, remarks
from pytest_byom.gate.reports.difference import ORDER, by_class, entries_of, gate_sentences

from .report_data import make_gate, make_run
from .verdicts import FACTS, make_verdict

TROUBLE = {"mine": {"base_url": "http://x", "trouble": "mine is not reachable"}}
LATER = {"started": "2027-02-01T08:30:00+00:00"}


def labels(*runs: dict[str, Any]) -> list[str]:
    """Return the labels of the columns of some runs."""
    return [column.label for column in make_columns(runs)]


def test_label() -> None:
    """An endpoint is called by its name alone if no other column has it."""
    facts = {"a": FACTS, "b": FACTS}
    assert labels(make_run(facts=facts)) == ["a", "b"]


def test_label_of_history() -> None:
    """The same endpoint in several runs has the time of the run beside its name."""
    assert labels(make_run(), make_run() | LATER) == [
        "mine, 2027-01-31 12:00",
        "mine, 2027-02-01 08:30",
    ]


def test_label_of_the_same_minute() -> None:
    """Runs of the same minute are numbered."""
    assert labels(make_run(), make_run())[1] == "mine, 2027-01-31 12:00 (2)"


STATES: list[tuple[str, list[Outcome], dict[str, Any], str, str]] = [
    ("good", [Outcome.PASSED], {}, "good", "1 passed of 1 checks"),
    ("known", [Outcome.PASSED, Outcome.KNOWN], {}, "good", "1 passed, 1 known of 2 checks"),
    ("unsure", [Outcome.DEVIATES], {}, "unsure", "1 deviates of 1 checks"),
    ("ignored", [Outcome.IGNORED], {}, "unsure", "1 ignored of 1 checks"),
    ("bad", [Outcome.PASSED, Outcome.FAILED], {}, "bad", "1 passed, 1 failed of 2 checks"),
    ("error", [Outcome.ERROR], {}, "bad", "1 error of 1 checks"),
    ("undecided", [Outcome.INCONCLUSIVE], {}, "unjudged", "1 inconclusive of 1 checks"),
    ("missing", [Outcome.PASSED], {"checks": 3}, "unjudged", "1 passed, 2 not run of 3 checks"),
    ("gone", [Outcome.PASSED], {"gone": "reset"}, "unjudged", "1 passed of 1 checks"),
    ("gone-bad", [Outcome.FAILED], {"gone": "reset"}, "bad", "1 failed of 1 checks"),
    ("nothing", [], {"checks": 0}, "good", "no checks"),
    ("not-one", [], {"checks": 2}, "unjudged", "2 not run of 2 checks"),
]


@pytest.mark.parametrize(
    ("outcomes", "facts", "state", "conclusion"), [pytest.param(*s[1:], id=s[0]) for s in STATES]
)
def test_state(outcomes: list[Outcome], facts: dict[str, Any], state: str, conclusion: str) -> None:
    """Failures win over what was not judged, that over deviations; all counts are said."""
    verdicts = [make_verdict(o, check=f"mine.n{n}") for n, o in enumerate(outcomes)]
    (column,) = make_columns([make_run(*verdicts, facts={"mine": FACTS | facts})])
    assert (column.state, column.conclusion) == (state, conclusion)


def test_trouble() -> None:
    """An endpoint that was not reached was not judged, and the reason comes first."""
    columns = make_columns([make_run(facts=TROUBLE, notes=["a worker died"])])
    assert (columns[0].state, columns[0].conclusion) == ("unjudged", "not judged")
    assert remarks(columns) == ["mine is not reachable", "a worker died"]


def test_remarks() -> None:
    """What is said once is not repeated; a run that did not end is named by its time."""
    run = make_run(make_verdict(), notes=["stale"], complete=False)
    assert remarks(make_columns([run, run])) == [
        "stale",
        "The run of 2027-01-31 12:00 did not get to its end.",
    ]


def test_results_without_notes() -> None:
    """Results need not have notes."""
    run = make_run(make_verdict())
    del run["notes"]
    assert remarks(make_columns([run])) == []


def test_latest() -> None:
    """Of one endpoint in several runs, the last run counts."""
    columns = make_columns([make_run(), make_run() | LATER])
    assert latest(columns) == [columns[1]]
    assert count_words(columns) == "1 endpoint, judged 2 times"
    assert count_words(columns[:1]) == "1 endpoint"


def test_difference() -> None:
    """Classes come in the order in which one has to act; what was not there is said so."""
    entries: list[dict[str, Any]] = [
        {"class": "new", "check": "a.b", "before": None, "after": "passed"},
        {"class": "other", "check": "a.d", "before": 1, "after": 2},
        {"class": "regressed", "check": "a.c", "before": "passed", "after": "failed"},
    ]
    groups = by_class(entries)
    assert [name for name, _ in groups] == ["regressed", "new", "other"]
    assert groups[1][1][0]["before"] == "nothing"
    assert groups[2][1][0]["after"] == "2"


def test_difference_of_a_gate() -> None:
    """What a gate found are entries, with where it was seen as a note."""
    shape = {"kind": "changed", "what": "usage", "after": "", "note": "it is gone"}
    gate = make_gate({}, shape | {"where": ["a", "b", "c", "d", "e"]})
    entries = entries_of([make_run(gate=gate), make_run()])
    assert entries[0] == {
        "class": "regressed",
        "check": "mine.slug",
        "endpoint": "mine",
        "before": "passed",
        "after": "failed",
        "note": "",
    }
    assert (entries[1]["after"], entries[1]["note"]) == (None, "in a, b, c and 2 more")
    assert len(entries) == 2


GATES = [
    ({}, ["The gate fails, held against before.json of 2027-01-30."]),
    ({"failed": False, "saved": ""}, ["The gate lets it pass, held against before.json."]),
    (
        {"failed": False, "undecided": True, "strangers": ["mine is another kind of server"]},
        [
            "The gate could not decide, held against before.json of 2027-01-30.",
            "mine is another kind of server",
        ],
    ),
]


@pytest.mark.parametrize(("members", "sentences"), GATES)
def test_gate_sentences(members: dict[str, Any], sentences: list[str]) -> None:
    """A gate is one sentence, and one for each server that is a stranger to it."""
    assert list(gate_sentences([make_run(gate=make_gate(**members)), make_run()])) == sentences


def test_classes_are_the_gates() -> None:
    """Every class that a gate has is known, and has its place."""
    assert set(ORDER) == set(Kind)
