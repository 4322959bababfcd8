"""The exit code of a run that judged endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.finding import Outcome, Verdict
from pytest_byom.gate.known import find_stale

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pytest_byom.registry import Deviation

GOOD = 0
FAILED = 1
NO_TESTS = 5
NOTHING_JUDGED = 10
"""No endpoint, or one of several, could be judged: never green for nothing."""
STALE = 11
"""A known deviation of the registry no longer deviates, or is past its date."""

UNDECIDED = 12
"""The gate could not decide: what passed before can neither be said to pass nor to fail now."""

DECIDED = (Outcome.PASSED, Outcome.FAILED, Outcome.DEVIATES, Outcome.IGNORED, Outcome.KNOWN)


def choose_exit_code(
    status: int,
    verdicts: Collection[Verdict],
    facts: Mapping[str, Mapping[str, Any]],
    *,
    known: Mapping[str, Sequence[Deviation]],
    failed: bool,
    lost: str = "",
    checks: Collection[str] = (),
    undecided: bool = False,
) -> int:
    """Return the exit code, given pytest's own status and all that is known of the run.

    `failed` and `undecided` are also the gate's.

    What pytest says of a run that did not get so far (interrupted, usage) stays as it is.
    """
    if status not in (GOOD, FAILED, NO_TESTS):
        return status
    if failed:
        return FAILED
    if lost or any(map(is_unjudged, _by_endpoint(verdicts, facts), facts.values())):
        return NOTHING_JUDGED
    if find_stale(verdicts, known, checks=checks, versions=known_versions(facts)):
        return STALE
    return UNDECIDED if undecided else status


def known_versions(facts: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the version of each server that tells it."""
    identities = ((name, fact.get("identity") or {}) for name, fact in facts.items())
    return {name: who["version"] for name, who in identities if who.get("version")}


def _by_endpoint(
    verdicts: Collection[Verdict], facts: Mapping[str, Mapping[str, Any]]
) -> list[list[Verdict]]:
    return [[v for v in verdicts if v.endpoint == name] for name in facts]


def is_unjudged(verdicts: Collection[Verdict], facts: Mapping[str, Any]) -> bool:
    """Whether an endpoint was not judged: not reached, gone on the way, or nothing was decided."""
    if facts.get("trouble") or facts.get("gone"):
        return True
    return bool(facts.get("checks")) and not any(v.outcome in DECIDED for v in verdicts)
