"""The gate: what a run's differences from a baseline mean for its exit code."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_byom.gate.baseline import Baseline, Entry, Record
from pytest_byom.gate.comparison import Comparison, Difference, Kind, compare_records
from pytest_byom.gate.counts import Count
from pytest_byom.gate.speed import Pace, compare_speed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_byom.registry import GateSettings

STRICT, SPEED = "strict", "speed"
MODES = (STRICT, SPEED)

ALWAYS = frozenset({Kind.REGRESSED, Kind.VANISHED})
IDENTITY = ("kind", "version", "model")


@dataclass(frozen=True)
class Mode:
    """What fails a gate beside what always does."""

    strict: bool = False
    speed: bool = False

    @classmethod
    def parse(cls, text: str) -> Mode:
        """Return the mode of `strict`, `speed` or `strict,speed`; raises ValueError for others."""
        words = [word.strip() for word in text.split(",") if word.strip()]
        if wrong := [word for word in words if word not in MODES]:
            raise ValueError(f"{wrong[0]!r} is none of {', '.join(MODES)}")
        return cls(strict=STRICT in words, speed=SPEED in words)

    def fails_on(self, kind: Kind | None) -> bool:
        """Whether a difference of this kind fails the gate."""
        return kind in ALWAYS or (self.strict and kind is Kind.CHANGED)


@dataclass(frozen=True, kw_only=True)
class Gate:
    """All that was compared, by endpoint.

    `strangers` say of each endpoint whose server is of another kind than the baseline's who is who.
    A run that did not get to its end is not `finished`, and leaves the gate undecided.
    """

    baseline: Baseline
    mode: Mode
    comparisons: tuple[Comparison, ...] = ()
    paces: Mapping[str, list[Pace]] = field(default_factory=dict)
    strangers: tuple[str, ...] = ()
    finished: bool = True

    def of(self, *kinds: Kind) -> list[Difference]:
        """Return the differences of some kinds, at all endpoints."""
        return [difference for one in self.comparisons for difference in one.of(*kinds)]

    @property
    def slower(self) -> list[Pace]:
        """The figures that are worse by more than the tolerance."""
        return [pace for paces in self.paces.values() for pace in paces if pace.slower]

    @property
    def fails(self) -> bool:
        """Whether the run fails."""
        kinds = [difference.kind for difference in self.of(*Kind)]
        return any(map(self.mode.fails_on, kinds)) or bool(self.mode.speed and self.slower)

    @property
    def undecided(self) -> bool:
        """Whether there is something that could not be decided, or nothing that was compared."""
        nothing = any(map(_is_empty, self.comparisons))
        return not (self.finished and self.comparisons) or nothing or bool(self.of(Kind.UNDECIDED))

    def as_json(self) -> dict[str, Any]:
        """Return the gate as plain data."""
        return {
            "baseline": self.baseline.name,
            "saved": self.baseline.saved,
            "suite": self.baseline.suite,
            "strict": self.mode.strict,
            "speed": self.mode.speed,
            "failed": self.fails,
            "undecided": self.undecided,
            "finished": self.finished,
            "strangers": list(self.strangers),
            "differences": [difference.as_json() for difference in self.of(*Kind)],
            "compared": {
                one.endpoint: {
                    "checks": one.checks,
                    "exchanges": one.exchanges,
                    "left": list(one.left),
                }
                for one in self.comparisons
            },
            "paces": {
                endpoint: [
                    {
                        "figure": pace.measure.title,
                        "unit": pace.measure.unit,
                        "before": pace.before,
                        "after": pace.after,
                        "slower": pace.slower,
                    }
                    for pace in paces
                ]
                for endpoint, paces in self.paces.items()
            },
        }


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two records of one endpoint; `left_out` are checks that were not to run this time."""

    endpoint: str
    before: Record
    after: Record
    settings: GateSettings
    left_out: frozenset[str] = frozenset()


def make_gate(
    pairs: Iterable[Pair],
    *,
    baseline: Baseline,
    mode: Mode,
    suite: str,
    stale: Sequence[tuple[str, str]] = (),
    finished: bool = True,
) -> Gate:
    """Compare what a baseline has with what version `suite` found.

    `stale` are the sentences about known deviations, each with its endpoint.
    """
    comparisons, paces, strangers = [], {}, []
    for pair in pairs:
        name, before, after, settings = pair.endpoint, pair.before, pair.after, pair.settings
        compared = compare_records(
            name,
            before,
            after,
            left_out=pair.left_out,
            same_suite=baseline.suite == suite,
            significance=settings.significance,
        )
        found = [Difference(kind=Kind.STALE, endpoint=e, what=s) for e, s in stale if e == name]
        comparisons.append(replace(compared, differences=(*compared.differences, *found)))
        paces[name] = compare_speed(before.speed, after.speed, tolerance=settings.slower)
        strangers.append(find_stranger(name, before.server, after.server))
    return Gate(
        baseline=baseline,
        mode=mode,
        comparisons=tuple(comparisons),
        paces=paces,
        strangers=tuple(filter(None, strangers)),
        finished=finished,
    )


def _is_empty(compared: Comparison) -> bool:
    """Whether nothing was compared: no answer, or no check though one of the runs has some."""
    any_checks = bool(compared.left or compared.of(Kind.NEW, Kind.VANISHED))
    return not compared.checks and (any_checks or not compared.exchanges)


def find_stranger(endpoint: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return a sentence if the servers of two records are of different kinds, or other models."""
    if not before or not after:
        return ""
    if before.get("kind") != after.get("kind"):
        return (
            f"{endpoint} is another kind of server than the baseline's: "
            f"{describe_server(after)}, and it was {describe_server(before)}"
        )
    if before.get("model") != after.get("model"):
        return (
            f"{endpoint} was asked for another model than the baseline's: "
            f"{after.get('model')}, and it was {before.get('model')}"
        )
    return ""


def describe_server(server: Mapping[str, Any]) -> str:
    """Return who answered, in a few words."""
    name = str(server.get("kind") or "an unnamed server")
    return " ".join(filter(None, [name, str(server.get("version") or "")]))


def entry_of(data: Mapping[str, Any]) -> Entry:
    """Return what a verdict, as plain data, means for a baseline."""
    counts = data.get("counts")
    count = Count(*counts) if counts else None
    return Entry(level=str(data["level"]), outcome=str(data["outcome"]), count=count)
