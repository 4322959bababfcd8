"""What a check can say about an answer: plain data, and the signals that carry it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How binding a sentence is."""

    MUST = "must"
    """The API's schema requires it, or a popular client breaks."""
    SHOULD = "should"
    """Documented behaviour."""
    MAY = "may"
    """Optional: reported only."""


class Outcome(StrEnum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    DEVIATES = "deviates"
    KNOWN = "known"
    UNSUPPORTED = "unsupported"
    IGNORED = "ignored"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


FINDS = (Outcome.FAILED, Outcome.DEVIATES, Outcome.IGNORED)
"""The outcomes that say: the server does otherwise."""


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """One thing that is wrong with one answer, as a rule or a check sees it.

    `place` says where in the answer (`usage.total_tokens`, `event 3`, `header content-type`),
    `excerpt` is the smallest piece of the answer that proves it, `exchange` the contract id; a
    rule leaves it empty, since it sees one exchange only. `steps` are lines that tell how a
    fuzzed conversation came there.
    """

    place: str
    expected: str
    got: str
    excerpt: str = ""
    exchange: str = ""
    steps: str = ""


class NoEffect(Wrong):
    """A `Wrong` of its own kind: what was asked was accepted, and had no effect."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One deviation of one server: a value, with all that a report shows of it.

    Two findings are equal if check, exchange and place are equal, whatever their wording.
    """

    check: str
    exchange: str
    place: str
    expected: str = field(compare=False, default="")
    got: str = field(compare=False, default="")
    asked: str = field(compare=False, default="")
    answered: str = field(compare=False, default="")
    curl: str = field(compare=False, default="")
    steps: str = field(compare=False, default="")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The outcome of one check at one endpoint, with its reason and its findings.

    `counts` is how many tries passed, and how many there were, where it was tried several times.
    """

    check: str
    level: Level
    outcome: Outcome
    endpoint: str
    sentence: str = ""
    source: str = ""
    breaks: str = ""
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    counts: tuple[int, int] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as plain data: what travels between processes and into reports."""
        data = {**asdict(self), "level": self.level.value, "outcome": self.outcome.value}
        if self.counts is None:
            del data["counts"]
        for finding in data["findings"]:
            if not finding["steps"]:
                del finding["steps"]
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Verdict:
        """Return the verdict that `as_json` made the data from."""
        findings = tuple(Finding(**finding) for finding in data["findings"])
        level, outcome = Level(data["level"]), Outcome(data["outcome"])
        read = {"level": level, "outcome": outcome, "findings": findings}
        if counts := data.get("counts"):
            read["counts"] = (int(counts[0]), int(counts[1]))
        return cls(**{**data, **read})


class Deviation(AssertionError):
    """A check found the server doing otherwise."""

    def __init__(self, wrongs: list[Wrong]) -> None:
        super().__init__(
            "; ".join(f"{w.place}: expected {w.expected}, got {w.got}" for w in wrongs)
        )
        self.wrongs = wrongs


class Ignored(Deviation):
    """The server accepted what was asked, and it had no effect."""


class Inconclusive(Exception):
    """What had to be judged was not there: the model never did it, or no answer came."""


class Unsupported(Exception):
    """The server says that it cannot do what had to be judged."""
