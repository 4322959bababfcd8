"""What a person sees: lines of text, made from verdicts."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.finding import FINDS, Finding, Outcome, Verdict
from pytest_byom.gate.exit_codes import is_unjudged, known_versions
from pytest_byom.gate.known import find_stale

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pytest_byom.registry import Deviation

Styled = tuple[str, dict[str, bool]]

COLUMNS = tuple(Outcome)
SIGNS: dict[Outcome, tuple[str, dict[str, bool]]] = {
    Outcome.PASSED: (".", {"green": True}),
    Outcome.FAILED: ("F", {"red": True}),
    Outcome.DEVIATES: ("d", {"yellow": True}),
    Outcome.KNOWN: ("k", {"yellow": True}),
    Outcome.IGNORED: ("i", {"yellow": True}),
    Outcome.UNSUPPORTED: ("u", {"cyan": True}),
    Outcome.INCONCLUSIVE: ("?", {"cyan": True}),
    Outcome.ERROR: ("E", {"red": True}),
}
WIDTH = 96
CAPABILITIES = {
    "present": "capabilities",
    "ignored": "accepted, without effect",
    "fails": "it fails at",
    "absent": "it lacks",
}
"""What stands before the names of capabilities, by their state."""

LABEL = 10
FEW = 3
LET_THROUGH = "failing as before"
"""pytest's own word counts what fails the run."""


def test_status(data: Mapping[str, Any], *, failed: bool) -> tuple[str, str, Any]:
    """Return pytest's category, letter and word for the report of a check."""
    outcome = Outcome(data["outcome"])
    letter, style = SIGNS[outcome]
    if failed:
        return "failed", letter, (outcome.upper(), {"red": True})
    if outcome in (Outcome.FAILED, Outcome.ERROR):  # as before, or new: a gate lets it through
        return LET_THROUGH, letter, (outcome.upper(), {"yellow": True})
    return str(outcome), letter, (outcome.upper(), style)


def header_lines(name: str, facts: Mapping[str, Any]) -> list[str]:
    """Return what is known of an endpoint before it is judged."""
    if facts.get("trouble"):
        return []
    who = facts.get("identity") or {}
    server = facts["server"] or "no name in its headers"
    if who.get("version"):
        server = f"{who['kind'] or server} {who['version']}"
    checks, requests = count_of(facts["checks"], "check"), count_of(facts["requests"], "request")
    if facts.get("fuzzed"):
        requests += f" and at most {facts['fuzzed']:,} fuzzed ones"
    return [
        f"endpoint: {name} ({facts['base_url']}), server: {server}, model: {facts['model']}",
        f"plan: {checks}, {requests}, at most {facts['tokens']:,} tokens",
        *([f"cost: {facts['ceiling']}"] if facts.get("ceiling") else []),
    ]


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it has to be."""
    return f"{number} {noun}" + "s" * (number != 1)


def list_few(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    return ", ".join(names[:FEW]) + f" and {len(names) - FEW} more" * (len(names) > FEW)


def verdict_text(verdict: Verdict, *, before: str = "") -> list[str]:
    """Return a verdict with its findings, for a person who never saw the check before.

    `before` is what the baseline says of the check.
    """
    lines = [f"{verdict.check} ({verdict.level}, {verdict.outcome}): {verdict.sentence}"]
    lines += _labelled("endpoint", verdict.endpoint)
    lines += _labelled("before", before)
    lines += _labelled("source", verdict.source)
    if verdict.counts:
        lines += _labelled("tries", f"{verdict.counts[0]} of {verdict.counts[1]} passed")
    if verdict.findings:
        groups = _grouped(verdict.findings)
        for group in groups[:FEW]:
            lines += _finding_lines(group)
        if (more := len(groups) - FEW) > 0:
            places = "place" if more == 1 else "places"
            lines += _labelled("more", f"{more} other {places}: --byom-report=DIR writes them all")
    else:
        lines += _labelled("wrong", verdict.reason)
    lines += _labelled("breaks", verdict.breaks)
    return lines


def _grouped(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Return findings about the same place in several answers, or events of them, together."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.place.rpartition(", ")[2], []).append(finding)
    return list(groups.values())


def wrap(text: str, width: int = WIDTH, *, first: str = "", then: str = "") -> list[str]:
    """Return the lines of a text, none of which a CI system takes for a command of its own.

    What a server says may begin a line with "::error" or contain "##[", which GitHub would obey.
    """
    lines = textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=then, break_on_hyphens=False
    )
    return [re.sub(r"^(\s*):(?=:)", r"\1: ", line).replace("##[", "## [") for line in lines]


def _finding_lines(group: Sequence[Finding]) -> list[str]:
    first = group[0]
    lines = _labelled("wrong", f"{first.place}: expected {first.expected}, got {first.got}")
    lines += _labelled("steps", first.steps, whole=True)
    lines += _labelled("asked", first.asked)
    lines += _labelled("came", first.answered)
    lines += _labelled("again", first.curl, whole=True)
    others = list(dict.fromkeys(f.exchange for f in group if f.exchange != first.exchange))
    if others:
        shown = ", ".join(others[:FEW]) + (", …" if len(others) > FEW else "")
        answers = "answer" if len(others) == 1 else "answers"
        lines += _labelled("also", f"in {len(others)} other {answers}: {shown}")
    return lines


def _labelled(label: str, text: str, *, whole: bool = False) -> list[str]:
    """Return a text behind its label; lines that are to be copied are not wrapped."""
    if not text:
        return []
    lines = text.split("\n") if whole else wrap(text, WIDTH - LABEL - 2)
    margin = " " * (LABEL + 2)
    return [f"  {label:<{LABEL}}{lines[0]}", *(margin + line for line in lines[1:])]


def summary_lines(
    verdicts: Sequence[Verdict],
    facts: Mapping[str, Mapping[str, Any]],
    *,
    known: Mapping[str, Sequence[Deviation]],
    lost: str = "",
    checks: Collection[str] = (),
) -> Iterator[Styled]:
    """Yield the last section of a run: a table for each endpoint, and what is to be done."""
    for name, fact in facts.items():
        judged = [verdict for verdict in verdicts if verdict.endpoint == name]
        if fact.get("trouble"):
            yield f"{name} could not be judged.", {"red": True}
            yield from _paragraph(fact["trouble"])
            continue
        if judged:
            yield from _table(name, judged)
            yield from _capabilities(fact.get("capabilities", {}))
            yield from _reasons(judged, gone=fact.get("gone", ""))
            yield from _conclusion(name, judged, fact)
    if any(verdict.outcome in FINDS for verdict in verdicts):
        yield from _paragraph(
            "To accept a deviation, add its check id and a reason to the deviations of the "
            "endpoint in byom.yaml."
        )
    for sentence in find_stale(verdicts, known, checks=checks, versions=known_versions(facts)):
        yield sentence, {"red": True}
    if lost:
        yield lost, {"red": True}


def _table(name: str, verdicts: Sequence[Verdict]) -> Iterator[Styled]:
    columns = [c for c in COLUMNS if any(v.outcome is c for v in verdicts)]
    areas = list(dict.fromkeys(v.check.partition(".")[0] for v in verdicts))
    width = max(len(name), *map(len, areas)) + 2
    yield f"{name:<{width}}" + "".join(f"{c:>{len(c) + 2}}" for c in columns), {"bold": True}
    for area in sorted(areas):
        rows = [v for v in verdicts if v.check.partition(".")[0] == area]
        yield f"{area:<{width}}" + _counts(rows, columns), {}
    yield f"{'sum':<{width}}" + _counts(verdicts, columns), {"bold": True}


def _counts(verdicts: Sequence[Verdict], columns: Sequence[Outcome]) -> str:
    counts = [sum(v.outcome is column for v in verdicts) for column in columns]
    cells = zip(columns, counts, strict=True)
    return "".join(f"{count or '·':>{len(column) + 2}}" for column, count in cells)


def _capabilities(known: Mapping[str, Mapping[str, Any]]) -> Iterator[Styled]:
    """Yield what the server can do and what it cannot; the reasons stand with the checks."""
    for state, words in CAPABILITIES.items():
        if names := [name for name, found in known.items() if found["state"] == state]:
            yield from _paragraph(f"{words}: {', '.join(names)}")


def _reasons(verdicts: Sequence[Verdict], *, gone: str) -> Iterator[Styled]:
    """Yield why checks were accepted or not decided, those with one reason together.

    That the server went away is said once, elsewhere.
    """
    for outcome in (Outcome.KNOWN, Outcome.UNSUPPORTED, Outcome.INCONCLUSIVE):
        reasons: dict[str, list[str]] = {}
        for verdict in verdicts:
            if verdict.outcome is outcome and not (gone and gone in verdict.reason):
                reasons.setdefault(verdict.reason, []).append(verdict.check)
        for reason, checks in reasons.items():
            yield from _paragraph(f"{outcome}: {list_few(checks)}: {reason}", SIGNS[outcome][1])


def _conclusion(
    name: str, verdicts: Sequence[Verdict], fact: Mapping[str, Any]
) -> Iterator[Styled]:
    counts = {c: sum(v.outcome is c for v in verdicts) for c in COLUMNS}
    said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    total = max(fact["checks"], len(verdicts))
    missing = total - len(verdicts)
    said += f", {missing} not run" * bool(missing)
    line = f"{name}, model {fact['model']}: {said} of {total} checks, {fact['sent']} requests"
    bad = counts[Outcome.FAILED] or counts[Outcome.ERROR]
    unsure = counts[Outcome.DEVIATES] or counts[Outcome.IGNORED] or is_unjudged(verdicts, fact)
    yield line, {"bold": True, "red" if bad else "yellow" if unsure else "green": True}
    if fact.get("gone"):
        yield from _paragraph(f"{name} went away during the run: {fact['gone']}", {"red": True})
    elif is_unjudged(verdicts, fact):
        yield f"{name}: no check could decide anything", {"red": True}


def _paragraph(text: str, style: dict[str, bool] | None = None) -> Iterator[Styled]:
    for line in wrap(text, then="  ") or [""]:
        yield line, style or {}
