"""Two records of one endpoint, compared: what got worse, what is gone, what is otherwise, better.

regressed    passed, now a finding                                  fails a gate
vanished     passed, now refused or not there                       fails a gate
undecided    passed, now nothing can be said                        a gate says so: exit code 12
changed      legal, but apps may break on it                        fails a strict gate
known-stale  a known deviation that has to be looked at             exit code 11
fixed        a finding, now passed
accepted     a finding that byom.yaml lists now
new          the baseline does not have it                          never fails
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pytest_byom.conformance.finding import FINDS, Outcome
from pytest_byom.gate.counts import Trend, judge_counts
from pytest_byom.gate.shape_changes import compare_fingerprints
from pytest_byom.gate.shapes import EVERY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from pytest_byom.gate.baseline import Entry, Record

SIGNIFICANCE = 0.05


class Kind(StrEnum):
    """What a difference is, in the order in which a report shows them."""

    CHANGED = "changed"
    NEW = "new"
    ACCEPTED = "accepted"
    FIXED = "fixed"
    STALE = "known-stale"
    UNDECIDED = "undecided"
    VANISHED = "vanished"
    REGRESSED = "regressed"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One difference between two records of an endpoint.

    `what` is the id of a check, or a place in the answers with what is otherwise there; `where`
    are the exchanges that show the latter.
    """

    kind: Kind
    endpoint: str
    what: str
    before: str = ""
    after: str = ""
    note: str = ""
    where: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return the difference as plain data."""
        return {
            "kind": self.kind.value,
            "endpoint": self.endpoint,
            "what": self.what,
            "before": self.before,
            "after": self.after,
            "note": self.note,
            "where": list(self.where),
        }


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All differences of one endpoint, and how much there was to compare.

    `left` are checks of the baseline that this run did not select or does not know.
    """

    endpoint: str
    differences: tuple[Difference, ...] = ()
    checks: int = 0
    exchanges: int = 0
    left: tuple[str, ...] = ()

    def of(self, *kinds: Kind) -> list[Difference]:
        """Return the differences of some kinds."""
        return [difference for difference in self.differences if difference.kind in kinds]


def compare_records(
    endpoint: str,
    before: Record,
    after: Record,
    *,
    left_out: Collection[str] = (),
    same_suite: bool = True,
    significance: float = SIGNIFICANCE,
) -> Comparison:
    """Compare two records of an endpoint.

    A check of the baseline that is not there now has vanished, unless it is one of `left_out` or
    another version of the suite (not `same_suite`) ran, which may have dropped it.
    """
    missing = sorted(set(before.checks) - set(after.checks))
    left = missing if not same_suite else [id for id in missing if id in left_out]
    both = set(before.exchanges) & set(after.exchanges)
    found = [
        *_compare_checks(endpoint, before.checks, after.checks, significance),
        *(_gone(endpoint, id, before.checks[id]) for id in missing if id not in left),
        *_compare_exchanges(endpoint, before, after),
    ]
    return Comparison(
        endpoint=endpoint,
        differences=tuple(sorted(found, key=_rank)),
        checks=len(set(before.checks) & set(after.checks)),
        exchanges=sum(not exchange.startswith(EVERY) for exchange in both),
        left=tuple(left),
    )


def _rank(difference: Difference) -> tuple[int, bool, str]:
    is_check = not difference.where
    return list(Kind).index(difference.kind), is_check, difference.what


def _compare_checks(
    endpoint: str, before: Mapping[str, Entry], after: Mapping[str, Entry], significance: float
) -> Iterator[Difference]:
    for id, now in sorted(after.items()):
        if id not in before:
            yield Difference(kind=Kind.NEW, endpoint=endpoint, what=id, after=str(now))
            continue
        kind, note = classify(before[id], now, significance=significance)
        if kind is not None:
            yield Difference(
                kind=kind,
                endpoint=endpoint,
                what=id,
                before=str(before[id]),
                after=str(now),
                note=note,
            )


def _gone(endpoint: str, id: str, entry: Entry) -> Difference:
    return Difference(
        kind=Kind.VANISHED, endpoint=endpoint, what=id, before=str(entry), after="not run"
    )


def classify(
    before: Entry, after: Entry, *, significance: float = SIGNIFICANCE
) -> tuple[Kind | None, str]:
    """Return what became of a check, None if nothing did, with a note for a person."""
    if before.count and after.count:
        return _classify_counts(before, after, significance)
    if before.outcome == after.outcome:
        return None, ""
    if after.outcome == Outcome.ERROR or (
        before.outcome == Outcome.PASSED and after.outcome == Outcome.INCONCLUSIVE
    ):
        return Kind.UNDECIDED, ""
    if after.outcome == Outcome.KNOWN:
        return Kind.ACCEPTED, ""
    if before.outcome == Outcome.PASSED:
        return _classify_loss(after)
    if after.outcome == Outcome.PASSED:
        return Kind.FIXED, ""
    if Outcome.INCONCLUSIVE in (before.outcome, after.outcome) and after.outcome not in FINDS:
        return None, ""
    return Kind.CHANGED, ""


def _classify_loss(after: Entry) -> tuple[Kind, str]:
    if after.level == "may":
        return Kind.CHANGED, "optional"
    return (Kind.REGRESSED if after.outcome in FINDS else Kind.VANISHED), ""


def _classify_counts(before: Entry, after: Entry, significance: float) -> tuple[Kind | None, str]:
    if before.count is None or after.count is None:
        return None, ""
    judged = judge_counts(before.count, after.count, significance=significance)
    chance = f"p = {judged.p:.2g}"
    if judged.trend is Trend.TOO_FEW:
        tries = "1 more try is" if judged.more == 1 else f"{judged.more} more tries are"
        needed = f"{tries} needed, or --byom-repeat={judged.each} in both runs"
        if not judged.more:
            needed = f"--byom-repeat={judged.each} is needed in both runs"
        return Kind.UNDECIDED, f"{chance}, too few tries: {needed}"
    if judged.trend is Trend.WORSE:
        kind = Kind.CHANGED if after.level == "may" else Kind.REGRESSED
        return (Kind.ACCEPTED if after.outcome == Outcome.KNOWN else kind), chance
    return (Kind.FIXED if judged.trend is Trend.BETTER else None), chance


def _compare_exchanges(endpoint: str, before: Record, after: Record) -> Iterator[Difference]:
    for change in compare_fingerprints(before.exchanges, after.exchanges):
        yield Difference(
            kind=Kind.NEW if change.asked_otherwise else Kind.CHANGED,
            endpoint=endpoint,
            what=change.what,
            before=change.before,
            after=change.after,
            note=change.sentence,
            where=change.where,
        )
