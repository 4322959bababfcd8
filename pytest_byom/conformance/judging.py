"""From a check and what it found to a verdict."""

from __future__ import annotations

import dataclasses
import datetime
import traceback
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pytest_byom.conformance.capabilities import PROBES
from pytest_byom.conformance.finding import (
    FINDS,
    Deviation,
    Ignored,
    Inconclusive,
    Level,
    Outcome,
    Unsupported,
    Verdict,
)
from pytest_byom.contract import load_statements

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_byom.conformance.capabilities import Capability
    from pytest_byom.conformance.check import Check
    from pytest_byom.conformance.finding import Finding
    from pytest_byom.conformance.showing import Shower
    from pytest_byom.registry import Deviation as KnownDeviation


class Judge:
    """Runs checks on one endpoint and says what became of them."""

    def __init__(
        self,
        endpoint: str,
        *,
        capability: Callable[[str], Capability],
        known: tuple[KnownDeviation, ...],
        shower: Shower,
    ) -> None:
        self.endpoint = endpoint
        self._capability = capability
        self._known = known
        self._shower = shower
        self.ignored: set[str] = set()
        """The capabilities that were accepted and had no effect, by the checks of their probes."""

    def judge(self, check: Check, run: Callable[[], object]) -> Verdict:
        """Run a check and return its verdict; only KeyboardInterrupt and the like get through."""
        verdict = self._judge(check, run)
        known = find_known(self._known, check.id) if verdict.outcome in FINDS else None
        if known is None:
            return verdict
        reason = known.reason + (f" ({known.link})" if known.link else "")
        return dataclasses.replace(verdict, outcome=Outcome.KNOWN, reason=reason)

    def _judge(self, check: Check, run: Callable[[], object]) -> Verdict:
        try:
            for need in check.needs:
                capability = self._capability(need)
                if not capability.present:
                    return self._verdict(check, Outcome.UNSUPPORTED, capability.reason)
            run()
        except Ignored as found:
            self.ignored |= {need for need in check.needs if PROBES[need] in check.asks}
            return self._found(check, Outcome.IGNORED, found)
        except Deviation as found:
            failed = check.level is Level.MUST
            return self._found(check, Outcome.FAILED if failed else Outcome.DEVIATES, found)
        except Inconclusive as reason:
            return self._verdict(check, Outcome.INCONCLUSIVE, str(reason))
        except Unsupported as reason:
            return self._verdict(check, Outcome.UNSUPPORTED, str(reason))
        except AssertionError as error:
            failed = check.level is Level.MUST
            outcome = Outcome.FAILED if failed else Outcome.DEVIATES
            return self._verdict(check, outcome, str(error) or "the assertion failed")
        except Exception:
            return self._verdict(check, Outcome.ERROR, traceback.format_exc(limit=-4))
        return self._verdict(check, Outcome.PASSED)

    def _found(self, check: Check, outcome: Outcome, found: Deviation) -> Verdict:
        findings = tuple(self._shower.finding(check.id, wrong) for wrong in found.wrongs)
        return self._verdict(check, outcome, str(found), tuple(dict.fromkeys(findings)))

    def _verdict(
        self, check: Check, outcome: Outcome, reason: str = "", findings: tuple[Finding, ...] = ()
    ) -> Verdict:
        return Verdict(
            check=check.id,
            level=check.level,
            outcome=outcome,
            endpoint=self.endpoint,
            sentence=check.sentence,
            source=source_of(check) if outcome in FINDS else "",
            breaks=check.breaks,
            reason=self._shower.redact(reason),
            findings=findings,
        )


def source_of(check: Check) -> str:
    """Return where a check's sentence comes from: the sources of its statements, with their ids."""
    statements = load_statements() if check.statements else {}
    found: dict[str, list[str]] = {}
    for id in check.statements:
        found.setdefault(statements[id].source, []).append(id)
    cited = [f"{source} [{', '.join(ids)}]" for source, ids in found.items()]
    return "; ".join(cited) or check.source


def find_known(known: tuple[KnownDeviation, ...], check: str) -> KnownDeviation | None:
    """Return the first known deviation that names the check and is not past its date."""
    today = datetime.date.today()
    for entry in known:
        if fnmatchcase(check, entry.check) and not entry.is_expired(today):
            return entry
    return None
