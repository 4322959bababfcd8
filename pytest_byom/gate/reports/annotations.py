"""Lines that GitHub Actions shows beside a pull request: `::error title=…::…`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.finding import Outcome
from pytest_byom.gate.reports.columns import make_columns, remarks
from pytest_byom.gate.reports.difference import entries_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_byom.gate.reports.columns import Results

MOST = 10
"""GitHub shows no more of each kind in a step."""

KINDS = {
    Outcome.FAILED: "error",
    Outcome.ERROR: "error",
    Outcome.DEVIATES: "warning",
    Outcome.IGNORED: "warning",
}

CHANGES = {"regressed": "error", "vanished": "error", "undecided": "warning", "changed": "warning"}
Annotation = tuple[str, str, str]
"""Kind, title and text."""


def annotation_lines(run: Results) -> list[str]:
    """Return an annotation for each remark and each finding, at most ten of a kind.

    Where the run was held against a baseline, it is one for each difference instead.
    """
    columns = make_columns([run])
    troubles = [column.trouble for column in columns if column.trouble]
    found = [
        ("error" if text in troubles else "warning", "pytest-byom", text)
        for text in remarks(columns)
    ]
    found += _changes(run) if "gate" in run else _findings(run)
    return [line for kind in ("error", "warning") for line in _lines(kind, found)]


def _findings(run: Results) -> list[Annotation]:
    return [
        (KINDS[row["outcome"]], f"{row['id']} at {row['endpoint']}", _message(row))
        for row in run["checks"]
        if row["outcome"] in KINDS
    ]


def _changes(run: Results) -> list[Annotation]:
    """Return what a gate found: findings that the baseline has too are no news."""
    rows = {(row["id"], row["endpoint"]): row for row in run["checks"]}
    found = []
    for entry in entries_of([run]):
        if entry["class"] in CHANGES:
            title = f"{entry['class']}: {entry['check']} at {entry['endpoint']}"
            said = f"{entry['before'] or 'nothing'}, now {entry['after'] or 'nothing'}"
            row = rows.get((entry["check"], entry["endpoint"]))
            text = "\n".join(filter(None, [said, entry["note"], _message(row) if row else ""]))
            found.append((CHANGES[entry["class"]], title, text))
    return found


def _lines(kind: str, found: Sequence[Annotation]) -> Iterator[str]:
    rows = [row for row in found if row[0] == kind]
    shown = rows if len(rows) <= MOST else rows[: MOST - 1]
    for _, title, text in shown:
        yield f"::{kind} title={escape_property(title)}::{escape_text(text)}"
    if more := len(rows) - len(shown):
        title = escape_property("pytest-byom")
        yield f"::{kind} title={title}::{more} more: the summary and the report name them"


def _message(row: dict[str, Any]) -> str:
    said = [row["sentence"]]
    if row["findings"]:
        first = row["findings"][0]
        said.append(f"{first['place']}: expected {first['expected']}, got {first['got']}")
    elif row["reason"]:
        said.append(row["reason"].strip().rpartition("\n")[2])
    if row["breaks"]:
        said.append(f"Breaks: {row['breaks']}")
    return "\n".join(said)


def escape_text(text: str) -> str:
    """Return a text as the message of a command takes it."""
    return _plain(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """Return a text as a property of a command takes it."""
    return escape_text(text).replace(":", "%3A").replace(",", "%2C")


def _plain(text: str) -> str:
    """Return a text without half characters, and without what moves a terminal's cursor."""
    text = text.encode("utf-8", "backslashreplace").decode()
    return "".join(
        char if char.isprintable() or char in "\r\n" else repr(char)[1:-1] for char in text
    )
