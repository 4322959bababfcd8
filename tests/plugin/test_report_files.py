"""Page, summary and badge of a run, GitHub's summary and annotations, and `byom report`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from gate.report_data import closed
from jsonschema import Draft202012Validator

from pytest_byom.cli import main
from pytest_byom.gate.exit_codes import NOTHING_JUDGED
from pytest_byom.gate.results import load_schema
from pytest_byom.mock.embedded import EmbeddedServer

from .servers import WithoutDone, free_url, serving

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Run

DONE = "stream.done-marker"


@pytest.fixture
def reported(run: Run, pytester: pytest.Pytester) -> Path:
    """The directory of a report of a failed run."""
    with serving(WithoutDone()) as url:
        pytester.makefile(".yaml", byom=f"endpoints: {{mine: {{base_url: '{url}'}}}}")
        run("--byom-endpoint=mine", "--byom-report=out", "-k", DONE)
    return pytester.path / "out"


def test_files(reported: Path) -> None:
    """A report is results, page, summary and badge, which say the same."""
    names = ["badge.svg", "index.html", "results.json", "summary.md"]
    assert sorted(path.name for path in reported.iterdir()) == names
    assert f"**failed** `{DONE}`" in (reported / "summary.md").read_text("utf-8")
    assert "0 of 1 passed, 1 failed" in (reported / "badge.svg").read_text("utf-8")
    assert f'"id":"{DONE}"' in (reported / "index.html").read_text("utf-8")


def test_unreachable(run: Run, pytester: pytest.Pytester) -> None:
    """A report of an endpoint that was not reached says so, and nothing is green."""
    result = run(f"--byom-endpoint={free_url()}", "--byom-report=out")
    assert result.ret == NOTHING_JUDGED
    assert "is not reachable" in pytester.path.joinpath("out/summary.md").read_text("utf-8")
    assert "not judged" in pytester.path.joinpath("out/badge.svg").read_text("utf-8")


def test_gate(run: Run, pytester: pytest.Pytester) -> None:
    """What a gate found stands in all of the report, as the schema says."""
    text = "endpoints: {{mine: {{base_url: '{}'}}}}"
    select = ("--byom-endpoint=mine", "-k", DONE)
    with serving(EmbeddedServer()) as url:
        pytester.makefile(".yaml", byom=text.format(url))
        run(*select, "--byom-save=before.json")
    with serving(WithoutDone()) as url:
        pytester.makefile(".yaml", byom=text.format(url))
        run(*select, "--byom-baseline=before.json", "--byom-report=out")
    results = json.loads(pytester.path.joinpath("out/results.json").read_text("utf-8"))
    problems = Draft202012Validator(closed(load_schema())).iter_errors(results)
    assert [error.message for error in problems] == []
    assert DONE in [found["what"] for found in results["gate"]["differences"]]
    summary = pytester.path.joinpath("out/summary.md").read_text("utf-8")
    assert "\nThe gate fails, held against before.json of " in summary
    assert f"\n- `{DONE}` at `mine`: `passed` → `failed`\n" in summary


def test_step_summary(run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """On GitHub the summary is added to what other steps wrote."""
    file = pytester.path / "step.md"
    file.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    run("--byom-endpoint=embedded", "--byom-report=out", "-k", DONE)
    summary = pytester.path.joinpath("out/summary.md").read_text("utf-8")
    assert file.read_text("utf-8") == f"before\n\n{summary}\n"


def test_step_summary_that_cannot_be_written(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That GitHub's summary cannot be written is said, and fails nothing."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path))
    result = run("--byom-endpoint=embedded", "--byom-report=out", "-k", DONE)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["GITHUB_STEP_SUMMARY: cannot write to *: Is a directory"])


@pytest.mark.parametrize(("value", "number"), [("true", 1), ("", 0)])
def test_annotations(run: Run, monkeypatch: pytest.MonkeyPatch, value: str, number: int) -> None:
    """On GitHub, and only there, a failure is a line that the pull request shows."""
    monkeypatch.setenv("GITHUB_ACTIONS", value)
    with serving(WithoutDone()) as url:
        result = run(f"--byom-endpoint={url}", "-k", DONE)
    lines = [line for line in result.outlines if line.startswith(f"::error title={DONE} at ")]
    assert len(lines) == number


def test_command(
    reported: Path, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`byom report` shows several runs together: files or directories, of one server or more."""
    run("--byom-endpoint=embedded", "--byom-report=other", "-k", DONE)
    capsys.readouterr()
    files = [str(reported), str(reported.parent / "other" / "results.json")]
    assert main(["report", *files, "--output", str(tmp_path / "all")]) == 0
    written = capsys.readouterr().out.splitlines()
    names = ["index.html", "summary.md", "badge.svg"]
    assert written == [str(tmp_path / "all" / name) for name in names]
    text = (tmp_path / "all" / "summary.md").read_text("utf-8")
    assert text.startswith("## ✗ 2 endpoints: 1 with failures, 1 good\n")


BAD = [
    ("nothing.json", None, "cannot read nothing.json: No such file or directory"),
    ("half.json", '{"format": 1, "ch', "half.json is not JSON, or only a part of it: "),
    ("newer.json", '{"format": 2}', "its format is 2, and this version reads 1"),
    ("other.json", '{"a": 1}', "other.json holds no results of a run: it has no 'format'"),
]


@pytest.mark.parametrize(("name", "text", "said"), BAD)
def test_bad_file(
    pytester: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
    name: str,
    text: str | None,
    said: str,
) -> None:
    """A file that holds no results is one sentence, and nothing is written."""
    if text is not None:
        pytester.path.joinpath(name).write_text(text)
    assert main(["report", name, "--output", "all"]) == 4
    error = capsys.readouterr().err
    assert error.startswith("byom: ")
    assert said in error
    assert not pytester.path.joinpath("all").exists()


def test_output_that_cannot_be_written(reported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A directory that cannot be made is one sentence."""
    file = reported / "results.json"
    assert main(["report", str(file), "--output", str(file)]) == 4
    assert f"--output: cannot write to {file}: File exists" in capsys.readouterr().err


def test_command_without_output(capsys: pytest.CaptureFixture[str]) -> None:
    """Where to write has to be said."""
    with pytest.raises(SystemExit, match="4"):
        main(["report", "results.json"])
    assert "--output" in capsys.readouterr().err


def test_results_are_read_back(reported: Path) -> None:
    """A report that `byom report` makes of one run is the report of that run."""
    page = (reported / "index.html").read_bytes()
    assert main(["report", str(reported), "--output", str(reported / "again")]) == 0
    assert (reported / "again" / "index.html").read_bytes() == page
    assert json.loads((reported / "results.json").read_bytes())["format"] == 1
