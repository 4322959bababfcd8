"""summary.md: what a run came to, for a pull request.

Texts of a server stand between backticks only, so that no part of them is read as Markdown, as
HTML, or as the name of a person who is then told.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.finding import FINDS, Outcome
from pytest_byom.gate.reports.columns import count_words, make_columns, remarks
from pytest_byom.gate.reports.difference import by_class, entries_of, gate_sentences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_byom.gate.reports.columns import Column, Results

MOST_CHARACTERS = 60_000
"""A comment of GitHub takes 65,536."""

LONGEST_TEXT = 300
FEW = 3
MOST_ENTRIES = 20
"""Of one class of a difference."""

MARKS = {"bad": "✗", "unjudged": "?", "unsure": "!", "good": "✓"}
SHOWN = (*FINDS, Outcome.ERROR)


def make_summary(runs: Sequence[Results], difference: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return the summary as Markdown, cut at a length that a comment can have."""
    columns = make_columns(runs)
    entries = [*difference, *entries_of(runs)]
    blocks = [
        _head(columns),
        *map(prose, gate_sentences(runs)),
        *_difference(entries),
        *_remarks(columns),
        _table(columns),
    ]
    blocks += [block for column in columns for block in _findings(column)]
    return _join(blocks)


def _join(blocks: Sequence[str]) -> str:
    """Join blocks as far as there is room; what is left out is said."""
    text = ""
    for place, block in enumerate(blocks):
        if len(text) + len(block) > MOST_CHARACTERS:
            return f"{text}{len(blocks) - place} more entries stand in `index.html`.\n"
        text += f"{block}\n\n"
    return text.rstrip("\n") + "\n"


def _head(columns: Sequence[Column]) -> str:
    return f"## {headline(columns)}"


def headline(columns: Sequence[Column]) -> str:
    """Return one sentence about all endpoints."""
    if len(columns) == 1:
        (only,) = columns
        return f"{MARKS[only.state]} {code(only.label)}: {only.conclusion}"
    states = [column.state for column in columns]
    words = {
        "bad": "with failures",
        "unjudged": "not judged",
        "unsure": "deviating",
        "good": "good",
    }
    counted = [(state, states.count(state)) for state in words if state in states]
    said = ", ".join(f"{count} {words[state]}" for state, count in counted)
    mark = MARKS[counted[0][0]] if counted else MARKS["unjudged"]
    return f"{mark} {count_words(columns)}: {said}"


def _difference(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for name, rows in by_class(entries):
        lines = [f"**{prose(name)}** ({len(rows)})", ""]
        for row in rows[:MOST_ENTRIES]:
            where = f" at {code(row['endpoint'])}" if row.get("endpoint") else ""
            change = f"{code(row['before'])} → {code(row['after'])}"
            note = f" ({code(row['note'])})" if row.get("note") else ""
            lines.append(f"- {code(row['check'])}{where}: {change}{note}")
        if (more := len(rows) - MOST_ENTRIES) > 0:
            lines.append(f"- {more} more")
        yield "\n".join(lines)


def _remarks(columns: Sequence[Column]) -> Iterator[str]:
    if found := remarks(columns):
        yield "\n".join(f"> {code(text)}" for text in found)


def _table(columns: Sequence[Column]) -> str:
    outcomes = [o for o in Outcome if any(o in column.counts for column in columns)]
    head = ["endpoint", "model", *outcomes, "not run", "planned"]
    lines = [_row(head), _row(["---", "---", *["---:"] * (len(outcomes) + 2)])]
    for column in columns:
        counts = [str(column.counts.get(outcome, 0)) for outcome in outcomes]
        model = code(column.facts.get("model") or "none")
        label = f"{MARKS[column.state]} {code(column.label)}"
        lines.append(_row([label, model, *counts, str(column.not_run), str(column.planned)]))
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _findings(column: Column) -> Iterator[str]:
    found = [row for row in column.checks if row["outcome"] in SHOWN]
    if not found:
        return
    found.sort(key=lambda row: SHOWN.index(row["outcome"]))
    yield f"### {code(column.label)}"
    for row in found:
        yield "\n".join(_entry(row))


def _entry(row: Mapping[str, Any]) -> Iterator[str]:
    yield f"- **{row['outcome']}** {code(row['id'])} ({row['level']}): {prose(row['sentence'])}"
    for finding in row["findings"][:FEW]:
        expected, got = code(finding["expected"]), code(finding["got"])
        where = f"{code(finding['place'])} in {code(finding['exchange'])}"
        yield f"  - {where}: expected {expected}, got {got}"
    if (more := len(row["findings"]) - FEW) > 0:
        yield f"  - {more} more"
    if not row["findings"] and row["reason"]:
        yield f"  - {code(row['reason'].strip().rpartition(chr(10))[2])}"
    if row["breaks"]:
        yield f"  - breaks: {prose(row['breaks'])}"


def prose(text: str) -> str:
    """Return a sentence of a check so that none of its characters is read as Markdown or HTML."""
    if "@" in text or not text.isprintable():
        return code(text)
    return re.sub(r"([\\`*_\[\]<>#|~&!])", r"\\\1", text)


def code(value: object) -> str:
    """Return a value as a span of code on one line, cut, whatever characters it has."""
    text = str(value).encode("utf-8", "backslashreplace").decode()
    text = "".join(c if c.isprintable() or c.isspace() else repr(c)[1:-1] for c in text)
    text = " ".join(text.split())
    if len(text) > LONGEST_TEXT:
        text = f"{text[: LONGEST_TEXT * 3 // 4]} … {text[-LONGEST_TEXT // 4 :]}"
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest or not text else ""
    return f"{fence}{space}{text}{space}{fence}"
