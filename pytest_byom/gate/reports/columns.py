"""One endpoint in one run: a column of every report, with its counts and what it comes to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.finding import Outcome
from pytest_byom.gate.exit_codes import DECIDED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Results = dict[str, Any]
"""The data of one results.json."""

BAD = (Outcome.FAILED, Outcome.ERROR)
UNSURE = (Outcome.DEVIATES, Outcome.IGNORED)


@dataclass(frozen=True)
class Column:
    """One endpoint in one run. `label` tells it from all others of the report."""

    label: str
    endpoint: str
    run: Results

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the run knows of the endpoint."""
        facts: Mapping[str, Any] = self.run["endpoints"][self.endpoint]
        return facts

    @cached_property
    def checks(self) -> list[dict[str, Any]]:
        """Its rows, sorted by id."""
        return [row for row in self.run["checks"] if row["endpoint"] == self.endpoint]

    @cached_property
    def counts(self) -> dict[Outcome, int]:
        """How many checks had each outcome; those that none had are left out."""
        found = Counter(row["outcome"] for row in self.checks)
        return {outcome: found[outcome] for outcome in Outcome if found[outcome]}

    @property
    def planned(self) -> int:
        """How many checks the run had for it."""
        planned: int = self.facts.get("checks", 0)
        return max(planned, len(self.checks))

    @property
    def not_run(self) -> int:
        """How many of these were not judged."""
        return self.planned - len(self.checks)

    @property
    def trouble(self) -> str:
        """Why nothing, or not all, can be said of it; empty if there is no such thing."""
        if self.facts["trouble"]:
            return str(self.facts["trouble"])
        if self.facts.get("gone"):
            return f"{self.endpoint} went away during the run: {self.facts['gone']}"
        if self.planned and not any(outcome in DECIDED for outcome in self.counts):
            return f"{self.endpoint}: no check could decide anything"
        return ""

    @property
    def state(self) -> str:
        """What it comes to: `bad`, `unjudged`, `unsure` or `good`."""
        if any(outcome in BAD for outcome in self.counts):
            return "bad"
        if self.trouble or self.not_run:
            return "unjudged"
        return "unsure" if any(outcome in UNSURE for outcome in self.counts) else "good"

    @property
    def conclusion(self) -> str:
        """The counts in words; what was not judged is never left out."""
        said = [f"{count} {outcome}" for outcome, count in self.counts.items()]
        said += [f"{self.not_run} not run"] if self.not_run else []
        if not self.planned:
            return "not judged" if self.trouble else "no checks"
        return f"{', '.join(said)} of {self.planned} checks"


def make_columns(runs: Sequence[Results]) -> list[Column]:
    """Return the columns of some runs, in the order of the runs."""
    pairs = [(name, run) for run in runs for name in run["endpoints"]]
    labels = _label([(name, _minute(run["started"])) for name, run in pairs])
    return [Column(label, name, run) for label, (name, run) in zip(labels, pairs, strict=True)]


def _minute(time: str) -> str:
    return time[:16].replace("T", " ")


def _label(pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield a name for each: its own, with the time if others share it, and a number if need be."""
    names = Counter(name for name, _ in pairs)
    seen: Counter[str] = Counter()
    for name, minute in pairs:
        label = name if names[name] == 1 else f"{name}, {minute}"
        seen[label] += 1
        yield label if seen[label] == 1 else f"{label} ({seen[label]})"


def latest(columns: Sequence[Column]) -> list[Column]:
    """Return the last column of each endpoint: those before it are history."""
    return list({column.endpoint: column for column in columns}.values())


def count_words(columns: Sequence[Column]) -> str:
    """Return how many endpoints there are, and how often they were judged if more than once."""
    number, times = len(latest(columns)), len(columns)
    endpoints = f"{number} endpoint{'s' * (number != 1)}"
    return endpoints if number == times else f"{endpoints}, judged {times} times"


def remarks(columns: Sequence[Column]) -> list[str]:
    """Return what a reader has to know before the counts: what could not be judged, and why."""
    found = [column.trouble for column in columns if column.trouble]
    runs = {id(column.run): column.run for column in columns}.values()
    for run in runs:
        found += run.get("notes", [])
        if not run["complete"]:
            found.append(f"The run of {_minute(run['started'])} did not get to its end.")
    return list(dict.fromkeys(found))
