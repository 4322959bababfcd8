"""The published form of results.json: it matches what is written, and bad files are refused."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from pytest_byom.conformance.finding import Level, Outcome
from pytest_byom.gate.comparison import Kind
from pytest_byom.gate.results import (
    FORMAT,
    NotResults,
    find_problem,
    load_schema,
    read_results,
    write_results,
)

from .report_data import closed, make_gate, make_run
from .verdicts import make_finding, make_verdict

if TYPE_CHECKING:
    from pathlib import Path


def results(**members: Any) -> dict[str, Any]:
    """Return good results, some members of the head changed."""
    return make_run(make_verdict(Outcome.FAILED, findings=(make_finding(),))) | members


def test_schema_is_one() -> None:
    """The schema is a valid JSON Schema of the format that is written."""
    Draft202012Validator.check_schema(load_schema())
    assert load_schema()["properties"]["format"] == {"const": FORMAT}


def test_every_outcome_and_level() -> None:
    """Outcomes and levels of the schema are those that there are."""
    members = load_schema()["$defs"]["check"]["properties"]
    assert members["outcome"]["enum"] == list(Outcome)
    assert members["level"]["enum"] == list(Level)


def test_every_kind_of_difference() -> None:
    """The kinds of a difference in the schema are those that there are."""
    members = load_schema()["$defs"]["difference"]["properties"]
    assert members["kind"]["enum"] == list(Kind)


def test_gate() -> None:
    """A run that was held against a baseline says how they compare; others say nothing of it."""
    data = make_run(make_verdict(), gate=make_gate({}))
    assert find_problem(data) == ""
    assert data["gate"]["differences"][0]["what"] == "mine.slug"
    assert "gate" not in results()
    assert find_problem(results(gate={})).startswith("['gate']: ")


def test_good() -> None:
    """What is written is what the schema says."""
    assert find_problem(results()) == ""


def test_members_of_later_versions() -> None:
    """Members that this version does not know are no problem."""
    data = results(later=1)
    data["endpoints"]["mine"]["identity"] = {"version": "0.9.1", "props": {"a": [1]}}
    data["checks"][0]["later"] = None
    assert find_problem(data) == ""


def test_missing_members() -> None:
    """Each member that the schema requires of the head is missed."""
    for name in load_schema()["required"]:
        data = results()
        del data[name]
        assert name in find_problem(data)


BAD: list[tuple[str, Any, str]] = [
    ("list", [], "it has no 'format'"),
    ("newer", results(format=2), "its format is 2, and this version reads 1"),
    ("text", results(format="1"), "its format is '1', and this version reads 1"),
    ("endpoints", results(endpoints=[]), "['endpoints']: [] is not of type 'object'"),
    ("time", results(started="yesterday"), "['started']: 'yesterday' does not match"),
    ("place", results(checks=[{"id": "a.b"}]), "['checks'][0]: 'level' is a required property"),
    (
        "nobody",
        results(endpoints={}),
        "it has checks at 'mine', which is none of its endpoints",
    ),
]


@pytest.mark.parametrize(("data", "problem"), [pytest.param(*row[1:], id=row[0]) for row in BAD])
def test_bad(data: Any, problem: str) -> None:
    """Each kind of bad file is one sentence with the place in it."""
    assert find_problem(data).startswith(problem)


def test_long_values_are_cut() -> None:
    """A sentence about a long value stays one sentence."""
    data = results(notes="x" * 5000)
    assert len(find_problem(data)) < 250


def test_read(tmp_path: Path) -> None:
    """Results are read from their file, or from the directory of the report."""
    file = write_results(tmp_path, results())
    assert read_results(file) == read_results(tmp_path) == results()


def test_read_half(tmp_path: Path) -> None:
    """A file that was cut is refused by its name."""
    file = write_results(tmp_path, results())
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(NotResults, match=r"results\.json is not JSON, or only a part of it: "):
        read_results(file)


def test_read_other_bytes(tmp_path: Path) -> None:
    """A file that is no text at all is refused as well."""
    file = tmp_path / "a.json"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(NotResults, match=r"a\.json is not JSON"):
        read_results(file)


def test_read_deep(tmp_path: Path) -> None:
    """A file that is nested without end is refused as well."""
    file = tmp_path / "a.json"
    file.write_text("[" * 100_000)
    with pytest.raises(NotResults, match=r"a\.json is not JSON"):
        read_results(file)


def test_read_nothing(tmp_path: Path) -> None:
    """A file that is not there, or a directory without results, is said so."""
    with pytest.raises(NotResults, match=r"cannot read .*a\.json: No such file or directory"):
        read_results(tmp_path / "a.json")
    with pytest.raises(NotResults, match=r"cannot read .*results\.json: No such file"):
        read_results(tmp_path)


def test_problem_names_file(tmp_path: Path) -> None:
    """What is wrong with the data is said with the file."""
    file = write_results(tmp_path, results(format=7))
    with pytest.raises(NotResults, match=r"results\.json holds no results of a run: its format is"):
        read_results(file)


def test_closed_schema_finds_members() -> None:
    """The strict form of the schema, which other tests use, does refuse unknown members."""
    validator = Draft202012Validator(closed(copy.deepcopy(load_schema())))
    assert validator.is_valid(results())
    assert not validator.is_valid(results(later=1))
