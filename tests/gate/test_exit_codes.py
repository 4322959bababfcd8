"""The exit code of a run that judged endpoints."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_byom.conformance.finding import Outcome, Verdict
from pytest_byom.gate.exit_codes import choose_exit_code, is_unjudged
from pytest_byom.registry import Deviation

from .verdicts import FACTS, make_verdict

PASSED, FAILED = make_verdict(Outcome.PASSED), make_verdict(Outcome.FAILED)
UNSURE, LACKING = make_verdict(Outcome.INCONCLUSIVE), make_verdict(Outcome.UNSUPPORTED)
BROKEN = make_verdict(Outcome.ERROR)
KNOWN = make_verdict(Outcome.KNOWN)
ELSEWHERE = make_verdict(Outcome.PASSED, endpoint="other")
FINE = {"mine": FACTS}
GONE = {"mine": FACTS | {"gone": "no connection"}}
TROUBLE = {"mine": {"base_url": "http://x", "trouble": "mine is not reachable"}}
OWN_TESTS = {"mine": FACTS | {"checks": 0}}
BOTH = FINE | {"other": FACTS}
STALE = {"mine": (Deviation(check="mine.slug", reason="x"),)}

# pytest's status, verdicts, facts, known, failed, lost -> exit code
CODES: list[tuple[str, int, list[Verdict], dict[str, Any], Any, bool, str, int]] = [
    ("good", 0, [PASSED], FINE, {}, False, "", 0),
    ("failed", 1, [FAILED], FINE, {}, True, "", 1),
    ("known", 0, [KNOWN], FINE, STALE, False, "", 0),
    ("stale", 0, [PASSED], FINE, STALE, False, "", 11),
    ("failed-and-stale", 1, [PASSED], FINE, STALE, True, "", 1),
    ("unsure", 0, [UNSURE], FINE, {}, False, "", 10),
    ("lacking", 0, [LACKING], FINE, {}, False, "", 10),
    ("unsure-beside-passed", 0, [UNSURE, PASSED], FINE, {}, False, "", 0),
    ("unsure-beside-other-endpoint", 0, [UNSURE, ELSEWHERE], BOTH, {}, False, "", 10),
    ("no-verdict", 0, [], FINE, {}, False, "", 10),
    ("gone", 0, [PASSED], GONE, {}, False, "", 10),
    ("gone-and-stale", 0, [PASSED], GONE, STALE, False, "", 10),
    ("gone-and-failed", 1, [FAILED], GONE, {}, True, "", 1),
    ("trouble", 5, [], TROUBLE, {}, False, "", 10),
    ("trouble-beside-passed", 0, [PASSED], FINE | {"other": TROUBLE["mine"]}, {}, False, "", 10),
    ("own-tests", 0, [], OWN_TESTS, {}, False, "", 0),
    ("own-tests-failed", 1, [], OWN_TESTS, {}, True, "", 1),
    ("nothing-selected", 5, [], {}, {}, False, "", 5),
    ("lost", 0, [PASSED], FINE, {}, False, "a worker died", 10),
    ("lost-and-failed", 1, [FAILED], FINE, {}, True, "a worker died", 1),
    ("skips-only", 1, [PASSED], FINE, {}, False, "", 1),
    ("interrupted", 2, [FAILED], FINE, STALE, True, "", 2),
    ("internal-error", 3, [PASSED], FINE, {}, False, "", 3),
    ("usage", 4, [], TROUBLE, {}, False, "", 4),
]


@pytest.mark.parametrize(
    ("status", "verdicts", "facts", "known", "failed", "lost", "code"),
    [pytest.param(*row[1:], id=row[0]) for row in CODES],
)
def test_exit_code(
    status: int,
    verdicts: list[Verdict],
    facts: dict[str, Any],
    known: Any,
    failed: bool,
    lost: str,
    code: int,
) -> None:
    """Interruption and usage win, then failures, then what was not judged, then what is stale."""
    chosen = choose_exit_code(status, verdicts, facts, known=known, failed=failed, lost=lost)
    assert chosen == code


GATED = [
    ("undecided", 0, [PASSED], {}, False, 12),
    ("undecided-and-failed", 1, [FAILED], {}, True, 1),
    ("undecided-and-stale", 0, [PASSED], STALE, False, 11),
    ("undecided-and-nothing", 0, [UNSURE], {}, False, 10),
    ("undecided-and-interrupted", 2, [PASSED], {}, False, 2),
]


@pytest.mark.parametrize(
    ("status", "verdicts", "known", "failed", "code"),
    [pytest.param(*row[1:], id=row[0]) for row in GATED],
)
def test_undecided(
    status: int, verdicts: list[Verdict], known: Any, failed: bool, code: int
) -> None:
    """A gate that could not decide gives way to whatever is worse."""
    chosen = choose_exit_code(status, verdicts, FINE, known=known, failed=failed, undecided=True)
    assert chosen == code


DECIDED = [
    (Outcome.PASSED, False),
    (Outcome.FAILED, False),
    (Outcome.DEVIATES, False),
    (Outcome.IGNORED, False),
    (Outcome.KNOWN, False),
    (Outcome.UNSUPPORTED, True),
    (Outcome.INCONCLUSIVE, True),
    (Outcome.ERROR, True),
]


@pytest.mark.parametrize(("outcome", "unjudged"), DECIDED)
def test_is_unjudged(outcome: Outcome, unjudged: bool) -> None:
    """An endpoint of which no check decided anything was not judged."""
    assert is_unjudged([make_verdict(outcome)], FACTS) is unjudged
