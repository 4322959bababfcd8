"""A baseline that cannot serve is refused in one sentence, before anything is asked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from .servers import Counting, Stalling, serving

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Run

SAVE, GATE = "--byom-save=before.json", "--byom-baseline=before.json"
SOME = ("-k", "stream.done-marker")
AGAIN = "save it again with --byom-save"


def register(folder: Path, url: str, name: str = "mine") -> None:
    """Write a registry file with one endpoint."""
    folder.joinpath("byom.yaml").write_text(f"endpoints:\n  {name}:\n    base_url: {url}\n")


@pytest.fixture
def before(run: Run, pytester: pytest.Pytester) -> Path:
    """A good baseline of `mine`."""
    with serving(Counting()) as url:
        register(pytester.path, url)
        assert run("--byom-endpoint=mine", *SOME, SAVE).ret == 0
    return pytester.path / "before.json"


def refusal(run: Run, pytester: pytest.Pytester, *options: str, name: str = "mine") -> str:
    """Return the sentence with which a run is refused that asked nothing."""
    app = Counting()
    with serving(app) as url:
        register(pytester.path, url, name)
        result = run(f"--byom-endpoint={name}", *SOME, *(options or (GATE,)))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert app.requests == []
    text = result.stdout.str() + result.stderr.str()
    assert "Traceback" not in text
    assert "gate passed" not in text
    (line,) = [line for line in text.splitlines() if line.startswith("ERROR: ")]
    return line.removeprefix("ERROR: ")


def test_missing(run: Run, pytester: pytest.Pytester) -> None:
    """A baseline that is not there says how to save one."""
    said = "there is no baseline before.json: save one with --byom-save=before.json"
    assert refusal(run, pytester) == said


def test_of_another_endpoint(run: Run, pytester: pytest.Pytester, before: Path) -> None:
    """A baseline of another endpoint names both."""
    assert refusal(run, pytester, name="other") == (
        "before.json is a baseline of 'mine', and not of 'other': give the server the same name "
        "in byom.yaml, or save one of 'other'"
    )


def test_newer_format(run: Run, pytester: pytest.Pytester, before: Path) -> None:
    """A newer format names the version that wrote it."""
    data = json.loads(before.read_text("utf-8"))
    data["byom-baseline"] |= {"format": 2, "suite": "9.0.0"}
    before.write_text(json.dumps(data), "utf-8")
    assert refusal(run, pytester) == (
        "before.json was saved by pytest-byom 9.0.0 in format 2, and this version reads format 1: "
        f"upgrade pytest-byom, or {AGAIN}"
    )


def test_cut_in_half(run: Run, pytester: pytest.Pytester, before: Path) -> None:
    """A file that was cut in half says at which line it ends."""
    text = before.read_text("utf-8")
    half = text[: len(text) // 2]
    before.write_text(half, "utf-8")
    line = half.count("\n") + 1
    assert refusal(run, pytester) == f"before.json ends in the middle, at line {line}: {AGAIN}"


def test_edited(run: Run, pytester: pytest.Pytester, before: Path) -> None:
    """A file that was edited says so, and where what is accepted belongs."""
    text = before.read_text("utf-8")
    before.write_text(text.replace('"outcome": "passed"', '"outcome": "failed"'), "utf-8")
    assert refusal(run, pytester) == (
        f"before.json was changed after it was saved: restore it or {AGAIN} "
        "(what is to be accepted goes into byom.yaml: byom accept)"
    )


OTHERS: list[tuple[bytes, str]] = [
    (b"", f"before.json is empty: {AGAIN}"),
    (b"endpoints: {}\n", "before.json is no baseline: --byom-save=FILE writes one"),
    (b'{"format": 1, "checks": []}', "before.json is no baseline: --byom-save=FILE writes one"),
    (b"\x89PNG\xff\xfe", "before.json is no baseline: --byom-save=FILE writes one"),
]


@pytest.mark.parametrize(("content", "said"), OTHERS)
def test_another_file(run: Run, pytester: pytest.Pytester, content: bytes, said: str) -> None:
    """Any other file is no baseline."""
    pytester.path.joinpath("before.json").write_bytes(content)
    assert refusal(run, pytester) == said


def test_directory(run: Run, pytester: pytest.Pytester) -> None:
    """Nor is a directory, to read or to write."""
    pytester.mkdir("before.json")
    assert refusal(run, pytester) == "before.json cannot be read: Is a directory"
    said = "--byom-save: cannot write to before.json: it is a directory"
    assert refusal(run, pytester, SAVE) == said


def test_unwritable(run: Run, pytester: pytest.Pytester) -> None:
    """Where no file can be made, it is said before anything is asked."""
    pytester.path.joinpath("out").write_text("a file")
    said = "--byom-save: cannot write to out/before.json: File exists"
    assert refusal(run, pytester, "--byom-save=out/before.json") == said


def test_one_file_for_both(run: Run, pytester: pytest.Pytester, before: Path) -> None:
    """A gate does not replace what it is held against."""
    assert refusal(run, pytester, GATE, "--byom-save=./before.json") == (
        "--byom-save and --byom-baseline name one file: a gate must not replace what it is held "
        "against"
    )


def test_mode(run: Run, pytester: pytest.Pytester, before: Path) -> None:
    """A mode that is none is named with those that are, and needs a baseline."""
    assert refusal(run, pytester, GATE, "--byom-gate=strict,loose") == (
        "--byom-gate: 'loose' is none of strict, speed"
    )
    assert refusal(run, pytester, "--byom-gate=strict") == (
        "--byom-gate needs --byom-baseline: what should it be compared with?"
    )


@pytest.mark.parametrize("option", ["save", "baseline", "gate"])
def test_no_endpoint(run: Run, pytester: pytest.Pytester, option: str) -> None:
    """Each option needs an endpoint."""
    pytester.makepyfile("def test_nothing(): pass")
    result = run(f"--byom-{option}=strict")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = f"ERROR: --byom-{option} needs --byom-endpoint: whose is it?"
    assert said in result.stderr.str() + result.stdout.str()


def test_interrupted(pytester: pytest.Pytester) -> None:
    """An interrupted run saves nothing, says so, and leaves an older baseline as it is."""
    pytester.path.joinpath("before.json").write_text("older")
    app = Stalling()
    with serving(app) as url:
        register(pytester.path, url)
        command = [sys.executable, "-m", "pytest", "-p", "pytest_byom.plugin"]
        process = subprocess.Popen(
            [*command, "--byom-endpoint=mine", "-v", SAVE],
            cwd=pytester.path,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        assert app.reached.wait(timeout=30)
        assert any("PASSED" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == pytest.ExitCode.INTERRUPTED
    assert "baseline: not saved to before.json: the run did not get to its end" in output
    assert pytester.path.joinpath("before.json").read_text() == "older"
    assert list(pytester.path.glob("*.new")) == []


def test_interrupted_gate(run: Run, pytester: pytest.Pytester, before: Path) -> None:
    """A gate that was interrupted is no pass."""
    pytester.makepyfile(
        test_own="""
        import pytest_byom as byom

        @byom.check("mine.slug")
        def test_own(byom_ask):
            raise KeyboardInterrupt
        """
    )
    with serving(Counting()) as url:
        register(pytester.path, url)
        result: Any = pytester.runpytest_subprocess(
            "-p", "pytest_byom.plugin", "--byom-endpoint=mine", GATE, "test_own.py"
        )
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["gate undecided: *"])
    result.stdout.no_fnmatch_line("gate passed*")
