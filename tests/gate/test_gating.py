"""What the differences of a run mean, and how they are told."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_byom.gate.comparison import Comparison, Difference, Kind
from pytest_byom.gate.gate_text import gate_lines
from pytest_byom.gate.gating import Gate, Mode, entry_of, find_stranger
from pytest_byom.gate.speed import MEASURES, Pace

from .making import baseline, entry

SENTENCES = {"a.b": "It does what it should."}


def difference(kind: Kind, what: str = "a.b", **members: Any) -> Difference:
    """Return a difference of a check at `mine`."""
    usual: dict[str, Any] = {"endpoint": "mine", "before": "passed", "after": "failed"}
    return Difference(kind=kind, what=what, **usual | members)


def gate(*differences: Difference, mode: str = "", slower: bool = False, **members: Any) -> Gate:
    """Return a gate with these differences."""
    compared = Comparison(endpoint="mine", differences=differences, checks=184, exchanges=60)
    pace = Pace(measure=MEASURES[0], before=40, after=400, slower=slower)
    usual: dict[str, Any] = {
        "baseline": baseline(),
        "mode": Mode.parse(mode),
        "comparisons": (compared,),
        "paces": {"mine": [pace]} if slower else {},
    }
    return Gate(**usual | members)


def text(made: Gate) -> list[str]:
    """Return the lines that a person sees."""
    return [line for line, _ in gate_lines(made, SENTENCES)]


FAILS = [
    (Kind.REGRESSED, "", True),
    (Kind.VANISHED, "", True),
    (Kind.CHANGED, "", False),
    (Kind.CHANGED, "strict", True),
    (Kind.CHANGED, "speed", False),
    (Kind.UNDECIDED, "strict", False),
    (Kind.STALE, "strict", False),
    (Kind.FIXED, "strict", False),
    (Kind.ACCEPTED, "strict", False),
    (Kind.NEW, "strict", False),
]


@pytest.mark.parametrize(("kind", "mode", "fails"), FAILS)
def test_fails(kind: Kind, mode: str, fails: bool) -> None:
    """What regressed or vanished fails a gate, what changed a strict one, and nothing else."""
    assert gate(difference(kind), mode=mode).fails is fails


@pytest.mark.parametrize(
    ("mode", "fails"), [("", False), ("strict", False), ("strict,speed", True)]
)
def test_slower(mode: str, fails: bool) -> None:
    """What is slower fails a gate that was asked to look at speed."""
    assert gate(mode=mode, slower=True).fails is fails


UNDECIDED = [
    (gate(), False),
    (gate(difference(Kind.UNDECIDED)), True),
    (gate(finished=False), True),
    (gate(comparisons=()), True),
    (gate(comparisons=(Comparison(endpoint="mine"),)), True),
    (gate(comparisons=(Comparison(endpoint="mine", exchanges=2),)), False),
    (gate(comparisons=(Comparison(endpoint="mine", exchanges=2, left=("a.b",)),)), True),
]


@pytest.mark.parametrize(("made", "undecided"), UNDECIDED)
def test_undecided(made: Gate, undecided: bool) -> None:
    """A gate that compared nothing, or of a run that did not end, decided nothing."""
    assert made.undecided is undecided


MODES = [
    ("strict", Mode(strict=True)),
    ("speed", Mode(speed=True)),
    ("strict,speed", Mode(strict=True, speed=True)),
    (" speed , strict", Mode(strict=True, speed=True)),
    ("", Mode()),
]


@pytest.mark.parametrize(("words", "mode"), MODES)
def test_mode(words: str, mode: Mode) -> None:
    """Words in any order make the mode."""
    assert Mode.parse(words) == mode


def test_wrong_mode() -> None:
    """Another word is refused, with those that are right."""
    with pytest.raises(ValueError, match=r"^'fast' is none of strict, speed$"):
        Mode.parse("strict,fast")


def test_all_classes() -> None:
    """Each class has its heading, the least harmful first, and the sum comes last."""
    *lines, conclusion, _ = text(gate(*(difference(kind) for kind in Kind)))
    assert conclusion.startswith("gate failed: 1 regressed, 1 vanished, 1 undecided, ")
    assert lines == [
        "changed: legal, but apps may break on it",
        "  a.b: passed, now failed",
        "new: the baseline does not have it",
        "  a.b: passed, now failed",
        "accepted: a finding that byom.yaml lists now",
        "  a.b: passed, now failed",
        "fixed",
        "  a.b: passed, now failed",
        "known-stale: look at these known deviations",
        "  a.b: passed, now failed",
        "undecided: it passed, and nothing can be said now",
        "  a.b: passed, now failed. It does what it should.",
        "vanished: it passed, and is refused or not there now",
        "  a.b: passed, now failed. It does what it should.",
        "regressed: it passed, and is wrong now",
        "  a.b: passed, now failed. It does what it should.",
    ]


def test_answers() -> None:
    """A difference of answers is a sentence, with the first few exchanges that show it."""
    changed = difference(Kind.CHANGED, note="body: a is new (object)", where=tuple("pqrst"))
    assert text(gate(changed))[:2] == [
        "changed: legal, but apps may break on it",
        "  body: a is new (object) (p, q, r and 2 more)",
    ]


def test_many_new() -> None:
    """Many that do no harm are counted, and many that do are all there."""
    news = [difference(Kind.NEW, f"a.{n:02}") for n in range(40)]
    bad = [difference(Kind.REGRESSED, f"b.{n:02}") for n in range(40)]
    lines = text(gate(*news, *bad))
    assert "  and 28 more" in lines
    assert len([line for line in lines if line.startswith("  b.")]) == 40


def test_several_endpoints() -> None:
    """With several endpoints each difference says where it is."""
    one = Comparison(endpoint="mine", differences=(difference(Kind.FIXED),), checks=1)
    two = Comparison(endpoint="other", checks=1, left=("a.c",))
    assert text(gate(comparisons=(one, two))) == [
        "fixed",
        "  mine: a.b: passed, now failed",
        "other: 1 check of the baseline did not run this time: a.c",
        "gate passed: 1 fixed; 2 checks and 0 answers compared with before.json of 2027-01-31",
    ]


def test_unfinished() -> None:
    """A run that did not end is said, and is no pass."""
    first, second, *_ = text(gate(finished=False))
    assert first == "the run did not get to its end, or could not judge all endpoints"
    assert second.startswith("gate undecided: no difference; 184 checks and 60 answers compared")


VLLM = {"kind": "vLLM", "version": "0.19.0", "model": "small"}
STRANGERS = [
    (VLLM, VLLM | {"version": "0.20.0"}, ""),
    (VLLM, {}, ""),
    ({}, VLLM, ""),
    (
        VLLM,
        VLLM | {"kind": "", "version": ""},
        (
            "mine is another kind of server than the baseline's: an unnamed server, and it was "
            "vLLM 0.19.0"
        ),
    ),
    (
        VLLM,
        VLLM | {"model": "large"},
        "mine was asked for another model than the baseline's: large, and it was small",
    ),
]


@pytest.mark.parametrize(("before", "after", "said"), STRANGERS)
def test_stranger(before: Any, after: Any, said: str) -> None:
    """Another kind of server, or another model, is said; another version is what gates are for."""
    assert find_stranger("mine", before, after) == said


def test_entry_of_a_verdict() -> None:
    """A verdict with counts keeps them."""
    data = {"level": "must", "outcome": "failed"}
    assert entry_of(data) == entry("failed")
    assert entry_of(data | {"counts": (18, 20)}) == entry("failed", count=(18, 20))
