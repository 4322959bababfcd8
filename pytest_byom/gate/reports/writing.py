"""Writes the reports of some runs into a directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_byom.gate.reports.badge import make_badge
from pytest_byom.gate.reports.columns import make_columns
from pytest_byom.gate.reports.page import make_page
from pytest_byom.gate.reports.summary import make_summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_byom.gate.reports.columns import Results

PAGE, SUMMARY, BADGE = "index.html", "summary.md", "badge.svg"


def write_reports(
    directory: Path, runs: Sequence[Results], difference: Sequence[Mapping[str, Any]] = ()
) -> list[Path]:
    """Write page, summary and badge to a directory, which is made, and return the files.

    Raises OSError if they cannot be written; a file that was there is replaced as a whole.
    """
    directory.mkdir(parents=True, exist_ok=True)
    texts = {
        PAGE: make_page(runs, difference),
        SUMMARY: make_summary(runs, difference),
        BADGE: make_badge(make_columns(runs)),
    }
    return [_write(directory / name, text) for name, text in texts.items()]


def _write(file: Path, text: str) -> Path:
    draft = file.with_name(f"{file.name}.new")
    draft.write_bytes(text.encode("utf-8"))
    draft.replace(file)
    return file


def append_summary(file: Path, text: str) -> None:
    """Add a summary to a file that others write to as well, such as GITHUB_STEP_SUMMARY.

    Raises OSError if that cannot be written.
    """
    with file.open("ab") as stream:
        stream.write(f"\n{text}\n".encode())
