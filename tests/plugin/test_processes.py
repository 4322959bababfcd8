"""Runs in processes of their own: as installed, in parallel, and interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from pytest_byom.gate.exit_codes import NOTHING_JUDGED

from .servers import Stalling, WithoutDone, free_url, serving

if TYPE_CHECKING:
    from pathlib import Path

DONE = "stream.done-marker"
PARALLEL = ("-p", "pytest_byom.plugin", "-p", "xdist", "-n", "2")


def test_as_installed(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, suite_size: int
) -> None:
    """The installed plugin is found by pytest, beside all others, without a warning."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    result = pytester.runpytest_subprocess("--byom-endpoint=embedded", "-W", "error", timeout=60)
    assert result.ret == pytest.ExitCode.OK
    assert result.parseoutcomes() == {"passed": suite_size - 1, "unsupported": 1}
    result.stderr.no_fnmatch_line("*")


@pytest.fixture
def parallel(pytester: pytest.Pytester) -> pytest.RunResult:
    """A run of two workers on two endpoints, one of them with a defect."""
    with serving(WithoutDone()) as url:
        pytester.makefile(".yaml", byom=f"endpoints: {{mine: {{base_url: '{url}'}}}}")
        return pytester.runpytest_subprocess(
            *PARALLEL,
            "--byom-endpoint=mine",
            "--byom-endpoint=embedded",
            "--byom-report=out",
            timeout=60,
        )


def test_parallel(parallel: pytest.RunResult, pytester: pytest.Pytester, suite_size: int) -> None:
    """-n judges each endpoint in one worker, and prints and writes the results of all."""
    assert parallel.ret == pytest.ExitCode.TESTS_FAILED
    parallel.stdout.re_match_lines(
        [
            rf"mine, model byom-embedded: .*1 failed.* of {suite_size} checks, \d+ requests",
            rf"embedded, model byom-embedded: .* of {suite_size} checks, \d+ requests",
        ]
    )
    results = json.loads(pytester.path.joinpath("out", "results.json").read_text("utf-8"))
    assert results["complete"]
    assert sorted(results["endpoints"]) == ["embedded", "mine"]
    assert len(results["checks"]) == 2 * suite_size
    asked = [facts["sent"] == facts["requests"] for facts in results["endpoints"].values()]
    assert asked == [True, True]


def test_parallel_nothing_judged(pytester: pytest.Pytester) -> None:
    """Under -n an endpoint that is not there ends the run as it does without."""
    result = pytester.runpytest_subprocess(
        *PARALLEL, f"--byom-endpoint={free_url()}", "-q", timeout=60
    )
    assert result.ret == NOTHING_JUDGED
    assert result.stdout.str().count("is not reachable") == 1
    assert "passed" not in result.parseoutcomes()


def test_parallel_worker_died(pytester: pytest.Pytester) -> None:
    """A worker that died is said to be missing, and the run is not green."""
    pytester.makepyfile(
        """
        import os
        import pytest_byom as byom

        @byom.check("mine.dies")
        def test_dies(byom_ask):
            os._exit(1)
        """
    )
    result = pytester.runpytest_subprocess(
        *PARALLEL,
        "--max-worker-restart=0",
        "--byom-endpoint=embedded",
        "test_parallel_worker_died.py",
        timeout=60,
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["a worker died: what it had judged is missing"])


@pytest.fixture
def interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> subprocess.CompletedProcess[str]:
    """A run that Ctrl-C ended while the server kept it waiting."""
    app = Stalling()
    with serving(app) as url:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "pytest",
                "-p",
                "pytest_byom.plugin",
                f"--byom-endpoint={url}",
                "--byom-report=out",
                "-v",
            ],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        lines = []
        assert process.stdout is not None
        assert app.reached.wait(timeout=30)
        for line in process.stdout:
            lines.append(line)
            if "PASSED" in line:
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    return subprocess.CompletedProcess(process.args, process.returncode, "".join(lines) + out, err)


def test_interrupt(interrupted: subprocess.CompletedProcess[str], tmp_path: Path) -> None:
    """Ctrl-C ends a run at once with pytest's exit code; what was judged so far is kept."""
    assert interrupted.returncode == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in interrupted.stdout
    assert "INTERNALERROR" not in interrupted.stdout
    assert interrupted.stderr == ""
    results = json.loads((tmp_path / "out" / "results.json").read_text("utf-8"))
    assert (results["complete"], results["exit_code"]) == (False, 2)
    assert "passed" in [row["outcome"] for row in results["checks"]]
    assert "not run of" in interrupted.stdout


def test_no_thread_is_left(pytester: pytest.Pytester) -> None:
    """After a run in this process, neither the asker nor the embedded server is left."""
    before = set(threading.enumerate())
    pytester.runpytest_inprocess("-p", "pytest_byom.plugin", "--byom-endpoint=embedded", "-k", DONE)
    assert set(threading.enumerate()) - before == set()


def test_no_thread_is_left_by_trouble(pytester: pytest.Pytester) -> None:
    """A run that could not judge anything leaves no thread either."""
    before = set(threading.enumerate())
    pytester.runpytest_inprocess("-p", "pytest_byom.plugin", f"--byom-endpoint={free_url()}")
    assert set(threading.enumerate()) - before == set()
