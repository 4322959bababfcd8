"""results.json: what a run found, as data. The one source of every report.

Its form is published: `results.schema.json` beside this package's other schemas.
"""

from __future__ import annotations

import functools
import json
from importlib import resources
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from jsonschema import Draft202012Validator

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
    level: str = "must",
    notes: Iterable[str] = (),
    gate: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the results of a run as plain data, checks sorted by endpoint and id.

    `level` says deviations of which level fail the run, `notes` what else a person has to know,
    `gate` how the run compares with a baseline, if it was held against one.
    """
    compared = {} if gate is None else {"gate": dict(gate)}
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
        "level": level,
        "notes": list(notes),
        **compared,
        "endpoints": {name: dict(fact) for name, fact in sorted(facts.items())},
        "checks": rows,
    }


class NotResults(ValueError):
    """A file holds no results that this version reads; the message says why."""


def read_results(file: Path) -> dict[str, Any]:
    """Return the results in a file, or in the `results.json` of a directory.

    Raises NotResults, with one sentence that names the file.
    """
    file = file / FILE if file.is_dir() else file
    try:
        data = json.loads(file.read_bytes())
    except OSError as error:
        raise NotResults(f"cannot read {file}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise NotResults(f"{file} is not JSON, or only a part of it: {error}") from error
    if problem := find_problem(data):
        raise NotResults(f"{file} holds no results of a run: {problem}")
    found: dict[str, Any] = data
    return found


def find_problem(data: Any) -> str:
    """Return what keeps data from being results of this format, or an empty text."""
    if not isinstance(data, dict) or "format" not in data:
        return "it has no 'format'"
    if data["format"] != FORMAT:
        return f"its format is {data['format']!r}, and this version reads {FORMAT}"
    error = next(_validator().iter_errors(data), None)
    if error is not None:
        place = "".join(f"[{part!r}]" for part in error.absolute_path) or "at the top"
        return f"{place}: {_short(error.message)}"
    named = {check["endpoint"] for check in data["checks"]}
    if unknown := sorted(named - set(data["endpoints"])):
        return f"it has checks at {unknown[0]!r}, which is none of its endpoints"
    return ""


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:120]} … {text[-60:]}"


@functools.cache
def load_schema() -> dict[str, Any]:
    """Return the JSON Schema of results.json."""
    text = (resources.files("pytest_byom") / "results.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@functools.cache
def _validator() -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(load_schema())


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
