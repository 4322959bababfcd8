"""results.json: what a run found, as data. The one source of every report."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pytest_byom.conformance.finding import Verdict

FILE = "results.json"
FORMAT = 1
COMPLETE = (0, 1, 5, 10, 11, 12)
"""The exit codes of a run that got to its end."""


def make_results(
    verdicts: Iterable[Verdict],
    facts: Mapping[str, Mapping[str, Any]],
    *,
    started: datetime.datetime,
    finished: datetime.datetime,
    complete: bool,
    exit_code: int,
) -> dict[str, Any]:
    """Return the results of a run as plain data, checks sorted by endpoint and id."""
    rows = [{"id": v.check, **v.as_json()} for v in verdicts]
    for row in rows:
        del row["check"]
    rows.sort(key=lambda row: (row["endpoint"], row["id"]))
    return {
        "format": FORMAT,
        "suite": {"name": "pytest-byom", "version": version("pytest-byom")},
        "started": started.isoformat(timespec="seconds"),
        "finished": finished.isoformat(timespec="seconds"),
        "complete": complete,
        "exit_code": exit_code,
        "endpoints": {name: dict(fact) for name, fact in sorted(facts.items())},
        "checks": rows,
    }


def prepare_directory(directory: Path) -> None:
    """Make a directory for results, and see that it can be written to.

    Raises OSError if it cannot.
    """
    directory.mkdir(parents=True, exist_ok=True)
    draft = directory / f"{FILE}.new"
    draft.touch()
    draft.unlink()


def write_results(directory: Path, data: Mapping[str, Any]) -> Path:
    """Write results to `results.json` in a directory, which is made, and return the file.

    Raises OSError if that cannot be written; a file that was there is replaced as a whole.
    """
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / FILE
    draft = file.with_suffix(".json.new")
    text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    draft.write_bytes(text.encode("utf-8", "backslashreplace"))  # half a character, as an escape
    draft.replace(file)
    return file
