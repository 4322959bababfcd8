"""From what a check raised to its verdict."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.conformance.capabilities import Capability
from pytest_byom.conformance.check import Check
from pytest_byom.conformance.finding import (
    Deviation,
    Finding,
    Ignored,
    Inconclusive,
    Level,
    NoEffect,
    Outcome,
    Unsupported,
    Verdict,
    Wrong,
)
from pytest_byom.conformance.judging import Judge, find_known, source_of
from pytest_byom.conformance.showing import Shower
from pytest_byom.contract import load_statements
from pytest_byom.registry import Deviation as Known
from pytest_byom.registry import Endpoint

from .making import make_exchange

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "canary0123456789"
ENDPOINT = Endpoint(name="mine", base_url="http://x/v1", api_key=KEY, key_variable="MINE_KEY")
WRONG = Wrong(place="x", expected="1", got="2", exchange="chat/plain")
TODAY = date.today()


def make_check(**members: Any) -> Check:
    """Return a check of level must."""
    return Check(**{"id": "mine.slug", "level": Level.MUST, "sentence": "It works."} | members)


def make_judge(*known: Known, present: bool = True) -> Judge:
    """Return a judge of an endpoint that has every capability, or none."""
    return Judge(
        "mine",
        capability=lambda name: Capability(name, present, f"probed {name} {KEY}"),
        known=known,
        shower=Shower(ENDPOINT, lambda id: make_exchange()),
    )


def judge(check: Check, run: Callable[[], object], *known: Known, present: bool = True) -> Verdict:
    """Return the verdict of a check that does what `run` does."""
    return make_judge(*known, present=present).judge(check, run)


def raising(error: BaseException) -> Callable[[], object]:
    """Return what raises an error when it is called."""

    def run() -> object:
        raise error

    return run


MUST, SHOULD, MAY = Level.MUST, Level.SHOULD, Level.MAY
DEVIATION, ASSERTION = Deviation([WRONG]), AssertionError("assert 1 == 2")
OUTCOMES = [
    (MUST, DEVIATION, Outcome.FAILED, "x: expected 1, got 2"),
    (SHOULD, DEVIATION, Outcome.DEVIATES, "x: expected 1, got 2"),
    (MAY, DEVIATION, Outcome.DEVIATES, "x: expected 1, got 2"),
    (MUST, Ignored([WRONG]), Outcome.IGNORED, "x: expected 1, got 2"),
    (MUST, ASSERTION, Outcome.FAILED, "assert 1 == 2"),
    (SHOULD, ASSERTION, Outcome.DEVIATES, "assert 1 == 2"),
    (MUST, AssertionError(), Outcome.FAILED, "the assertion failed"),
    (MUST, Inconclusive("no tool call"), Outcome.INCONCLUSIVE, "no tool call"),
    (MUST, Unsupported("refused"), Outcome.UNSUPPORTED, "refused"),
]


@pytest.mark.parametrize(("level", "error", "outcome", "reason"), OUTCOMES)
def test_outcome(level: Level, error: Exception, outcome: Outcome, reason: str) -> None:
    """What a check raises, and its level, decide its outcome."""
    verdict = judge(make_check(level=level), raising(error))
    assert (verdict.outcome, verdict.reason) == (outcome, reason)


def test_passed() -> None:
    """A check that raises nothing passes, and its verdict says what it was."""
    assert judge(make_check(breaks="apps"), lambda: None) == Verdict(
        check="mine.slug",
        level=MUST,
        outcome=Outcome.PASSED,
        endpoint="mine",
        sentence="It works.",
        breaks="apps",
    )


def test_own_fault() -> None:
    """A check that is broken itself is an error, with the place."""
    verdict = judge(make_check(), raising(ZeroDivisionError("division by zero")))
    assert verdict.outcome is Outcome.ERROR
    assert verdict.reason.endswith("ZeroDivisionError: division by zero\n")
    assert "test_judging.py" in verdict.reason


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
def test_interrupt(error: BaseException) -> None:
    """What ends the run gets through."""
    with pytest.raises(type(error)):
        judge(make_check(), raising(error))


def test_findings() -> None:
    """Each thing that is wrong becomes a finding; the same one twice becomes one."""
    other = Wrong(place="y", expected="1", got="2", exchange="chat/plain")
    verdict = judge(make_check(), raising(Deviation([WRONG, other, WRONG])))
    assert [(f.check, f.exchange, f.place) for f in verdict.findings] == [
        ("mine.slug", "chat/plain", "x"),
        ("mine.slug", "chat/plain", "y"),
    ]


def test_missing_capability() -> None:
    """A check that needs what the server lacks is not run."""
    verdict = judge(make_check(needs=("tools",)), raising(AssertionError()), present=False)
    assert (verdict.outcome, verdict.reason) == (Outcome.UNSUPPORTED, "probed tools $MINE_KEY")


def test_capability_that_cannot_be_probed() -> None:
    """A capability whose probe got no answer makes the check Inconclusive."""

    def capability(name: str) -> Capability:
        raise Inconclusive("structured/json-object got no answer: cut")

    shower = Shower(ENDPOINT, lambda id: make_exchange())
    unknown = Judge("mine", capability=capability, known=(), shower=shower)
    verdict = unknown.judge(make_check(needs=("tools",)), lambda: None)
    assert verdict.outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    "error", [AssertionError(KEY), Inconclusive(KEY), Unsupported(KEY), ValueError(KEY)]
)
def test_reason_hides_key(error: Exception) -> None:
    """No reason shows the key."""
    verdict = judge(make_check(), raising(error))
    assert KEY not in verdict.reason
    assert "$MINE_KEY" in verdict.reason


KNOWN = Known(check="mine.slug", reason="issue 1234", link="https://example.org/1234")


@pytest.mark.parametrize("error", [DEVIATION, Ignored([WRONG]), ASSERTION])
def test_known(error: Exception) -> None:
    """A known deviation is known, with its reason and link, and keeps its findings."""
    verdict = judge(make_check(), raising(error), KNOWN)
    assert verdict.outcome is Outcome.KNOWN
    assert verdict.reason == "issue 1234 (https://example.org/1234)"
    assert verdict.findings == judge(make_check(), raising(error)).findings


@pytest.mark.parametrize("error", [Inconclusive("x"), Unsupported("x"), ValueError("x")])
def test_known_excuses_deviations_only(error: Exception) -> None:
    """What could not be judged is not known by being listed."""
    assert judge(make_check(), raising(error), KNOWN).outcome is not Outcome.KNOWN


def test_known_and_passed() -> None:
    """A check that passes is passed, listed or not."""
    assert judge(make_check(), lambda: None, KNOWN).outcome is Outcome.PASSED


FITS = [
    ("mine.slug", True),
    ("mine.*", True),
    ("*", True),
    ("mine.SLUG", False),
    ("mine", False),
    ("other.slug", False),
]


@pytest.mark.parametrize(("pattern", "fits"), FITS)
def test_find_known(pattern: str, fits: bool) -> None:
    """A known deviation names checks by id or glob, in their own case."""
    entry = Known(check=pattern, reason="x")
    assert find_known((entry,), "mine.slug") is (entry if fits else None)


def test_find_known_first() -> None:
    """The first entry that fits and is not past its date counts."""
    old = Known(check="mine.slug", reason="old", until=TODAY - timedelta(days=1))
    assert find_known((old, KNOWN), "mine.slug") is KNOWN


DATES = [(None, False), (TODAY, False), (TODAY - timedelta(days=1), True)]


@pytest.mark.parametrize(("until", "expired"), DATES)
def test_is_expired(until: date | None, expired: bool) -> None:
    """An entry holds up to and with its last day."""
    assert Known(check="x.y", reason="x", until=until).is_expired(date.today()) is expired


def test_source_of_statements() -> None:
    """Sources of the statements are cited with their ids, each source once."""
    source = load_statements()["http-02"].source
    assert source_of(make_check(statements=("http-02",))) == f"{source} [http-02]"
    grouped = source_of(make_check(statements=("http-01", "http-02", "http-01")))
    assert grouped.endswith(f"; {source} [http-02]")


def test_source_of_own_check() -> None:
    """A check that decides no statement cites its own source."""
    assert source_of(make_check(source="our wiki")) == "our wiki"


def test_source_is_cited_where_it_matters() -> None:
    """A verdict cites the source if the server does otherwise, and only then."""
    check = make_check(source="our wiki")
    assert judge(check, raising(DEVIATION)).source == "our wiki"
    assert judge(check, lambda: None).source == ""


def test_verdict_as_json() -> None:
    """A verdict survives the way through plain data."""
    verdict = judge(make_check(), raising(DEVIATION))
    assert Verdict.from_json(verdict.as_json()) == verdict
    assert verdict.as_json()["level"] == "must"
    (finding,) = verdict.as_json()["findings"]
    assert "steps" not in finding


def test_steps_as_json() -> None:
    """The steps of a fuzzed conversation survive it too."""
    wrong = dataclasses.replace(DEVIATION.wrongs[0], steps="say(text='Hi')\nleave(text='Hi')")
    verdict = judge(make_check(), raising(Deviation([wrong])))
    read = Verdict.from_json(verdict.as_json())
    assert read.findings[0].steps == wrong.steps


def test_findings_are_equal_by_place() -> None:
    """Findings are equal if check, exchange and place are, whatever their wording."""
    one = Finding(check="a.b", exchange="chat/plain", place="x", got="1")
    same = Finding(check="a.b", exchange="chat/plain", place="x", got="2")
    other = Finding(check="a.b", exchange="chat/plain", place="y", got="1")
    assert one == same
    assert hash(one) == hash(same)
    assert one != other


def test_no_effect_is_a_wrong_of_its_own() -> None:
    """A NoEffect differs from a Wrong with the same words."""
    members = {"place": "x", "expected": "1", "got": "2"}
    assert NoEffect(**members) != Wrong(**members)


ASKING = [
    (Ignored, "params/n-two", {"n"}),
    (Ignored, "params/n-zero", set()),
    (Deviation, "params/n-two", set()),
]


@pytest.mark.parametrize(("error", "contract", "ignored"), ASKING)
@pytest.mark.parametrize("known", [(), (Known(check="mine.slug", reason="x"),)])
def test_ignored_capability(
    error: type[Deviation], contract: str, ignored: set[str], known: tuple[Known, ...]
) -> None:
    """A capability whose probe had no effect is kept in mind, also where that is known."""
    judge = make_judge(*known)
    judge.judge(make_check(needs=("n",), asks=(contract,)), raising(error([WRONG])))
    assert judge.ignored == ignored
