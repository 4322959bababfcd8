"""Known deviations, held against what a run found."""

from __future__ import annotations

import datetime
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pytest_byom.conformance.finding import Outcome, Verdict
from pytest_byom.gate.versions import has_version

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pytest_byom.registry import Deviation

ALIKE = 0.8
"""How like the name of an area another has to be to be a slip of the pen: `strem` is."""


def find_stale(
    verdicts: Collection[Verdict],
    known: Mapping[str, Sequence[Deviation]],
    *,
    today: datetime.date | None = None,
    checks: Collection[str] = (),
    versions: Mapping[str, str] | None = None,
) -> list[str]:
    """Return a sentence for each known deviation of the registry that has to be looked at.

    That is one that is past its date, that is for other versions of the server, whose checks all
    pass, or that names none of `checks` though it names one of their areas, or nearly. `versions`
    are those of the servers that answered. Those that come with a dialect are not the user's to
    mend, and are left out.
    """
    stale = list_stale(verdicts, known, today=today, checks=checks, versions=versions)
    return [sentence for _, sentence in stale]


def list_stale(
    verdicts: Collection[Verdict],
    known: Mapping[str, Sequence[Deviation]],
    *,
    today: datetime.date | None = None,
    checks: Collection[str] = (),
    versions: Mapping[str, str] | None = None,
) -> list[tuple[str, str]]:
    """Return the sentences of `find_stale`, each with its endpoint."""
    day = today or datetime.date.today()
    found: list[tuple[str, str]] = []
    for endpoint, entries in known.items():
        judged = [verdict for verdict in verdicts if verdict.endpoint == endpoint]
        for entry in entries:
            if entry.origin != "registry":
                continue
            matching = [v for v in judged if fnmatchcase(v.check, entry.check)]
            owner = f" (owner: {entry.owner})" if entry.owner else ""
            where = f"{endpoint}: the known deviation {entry.check!r}{owner}"
            if not matching:
                if _names_nothing(entry.check, checks):
                    found.append((endpoint, f"{where} names no check: `byom checks` lists them"))
                continue
            if entry.is_expired(day):
                found.append((endpoint, f"{where} is past its date, {entry.until}"))
            elif not has_version(entry.versions, version := (versions or {}).get(endpoint, "")):
                said = f"is for versions {entry.versions}, and the server is {version}"
                found.append((endpoint, f"{where} {said}"))
            elif all(verdict.outcome is Outcome.PASSED for verdict in matching):
                found.append((endpoint, f"{where} no longer deviates: take it out of byom.yaml"))
    return found


def _names_nothing(pattern: str, checks: Collection[str]) -> bool:
    """Whether a pattern names no check of the area that it means; other areas are the user's."""
    areas = {check.partition(".")[0] for check in checks}
    meant = get_close_matches(pattern.partition(".")[0], areas, n=1, cutoff=ALIKE)
    return bool(meant) and not any(fnmatchcase(check, pattern) for check in checks)
