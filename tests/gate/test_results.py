"""results.json: its shape, and that a file is replaced as a whole."""

from __future__ import annotations

import datetime
import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.conformance.finding import Outcome
from pytest_byom.gate.results import make_results, write_results

from .verdicts import FACTS, make_finding, make_verdict

if TYPE_CHECKING:
    from pathlib import Path

STARTED = datetime.datetime(2027, 1, 31, 12, 0, 0, 999, datetime.UTC)
FINISHED = datetime.datetime(2027, 1, 31, 12, 0, 8, 0, datetime.UTC)


def results(*verdicts: Any, **members: Any) -> dict[str, Any]:
    """Return the results of a run with these verdicts."""
    usual: dict[str, Any] = {
        "started": STARTED,
        "finished": FINISHED,
        "complete": True,
        "exit_code": 0,
    }
    return make_results(verdicts, {"mine": FACTS}, **usual | members)


def test_head() -> None:
    """The head says format, suite, times, and how the run ended."""
    notes = ["mine: a worker died"]
    assert results(complete=False, exit_code=2, level="should", notes=notes) == {
        "format": 1,
        "suite": {"name": "pytest-byom", "version": version("pytest-byom")},
        "started": "2027-01-31T12:00:00+00:00",
        "finished": "2027-01-31T12:00:08+00:00",
        "complete": False,
        "exit_code": 2,
        "level": "should",
        "notes": ["mine: a worker died"],
        "endpoints": {"mine": FACTS},
        "checks": [],
    }


def test_check() -> None:
    """A check stands there with all of its verdict, its id first."""
    verdict = make_verdict(Outcome.FAILED, findings=(make_finding(),), reason="r", breaks="b")
    (row,) = results(verdict)["checks"]
    assert row == {
        "id": "mine.slug",
        "level": "must",
        "outcome": "failed",
        "endpoint": "mine",
        "sentence": "It answers in Dutch.",
        "source": "",
        "breaks": "b",
        "reason": "r",
        "findings": (
            {
                "check": "mine.slug",
                "exchange": "chat/plain",
                "place": "reply",
                "expected": "Dutch",
                "got": "ok",
                "asked": "POST /chat/completions {}",
                "answered": "200 application/json {}",
                "curl": "curl -sS -i http://127.0.0.1:8000/v1/chat/completions",
            },
        ),
    }
    assert next(iter(row)) == "id"


def test_order() -> None:
    """Checks are sorted by endpoint and id, whatever order they ran in."""
    places = [("b", "x.y"), ("a", "x.z"), ("a", "x.y")]
    rows = results(*(make_verdict(endpoint=e, check=c) for e, c in places))["checks"]
    assert [(row["endpoint"], row["id"]) for row in rows] == sorted(places)


def test_write(tmp_path: Path) -> None:
    """The file is made with its directory, as JSON that people can read."""
    data = results() | {"checks": [{"sentence": "Fünf."}]}
    file = write_results(tmp_path / "deep" / "out", data)
    assert file == tmp_path / "deep" / "out" / "results.json"
    text = file.read_text("utf-8")
    assert json.loads(text) == data
    assert "Fünf." in text
    assert text.endswith("}\n")


def test_write_again(tmp_path: Path) -> None:
    """A file that was there is replaced, and nothing else is left behind."""
    write_results(tmp_path, {"long": "x" * 1000})
    file = write_results(tmp_path, {"short": 1})
    assert json.loads(file.read_text("utf-8")) == {"short": 1}
    assert list(tmp_path.iterdir()) == [file]


def test_half_a_character(tmp_path: Path) -> None:
    """Half a character, which a server may send as an escape, does not lose the report."""
    file = write_results(tmp_path, {"got": "\ud83d"})
    assert json.loads(file.read_text("utf-8")) == {"got": "\ud83d"}


def test_no_directory(tmp_path: Path) -> None:
    """Where no directory can be made, it is an OSError."""
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OSError, match="out"):
        write_results(tmp_path / "out", {})
