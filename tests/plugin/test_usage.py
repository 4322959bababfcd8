"""Wrong options and files end a run before it starts: exit code 4, and one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Run

NO_SERVER = "http://127.0.0.1:9/v1"


def assert_refused(result: pytest.RunResult, sentence: str) -> None:
    """The run ended as pytest ends for wrong usage, with this one sentence."""
    assert [line for line in result.stderr.lines if line] == [f"ERROR: {sentence}"]
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "Traceback" not in result.stdout.str()


def test_unknown_endpoint(run: Run) -> None:
    """An unknown name is answered with the known ones, the nearest first."""
    result = run("--byom-endpoint=olama")
    assert_refused(
        result,
        "no endpoint is named 'olama', did you mean 'ollama'? Known are: ollama, llamacpp, "
        "localai, vllm, llama-cpp-python, xai, groq, mistral, embedded, lmstudio, openrouter. Or "
        "name it in a byom.yaml, or give its URL.",
    )


def test_broken_registry(run: Run, pytester: pytest.Pytester) -> None:
    """A registry file with a wrong key is refused with file, line and the valid keys."""
    pytester.makefile(".yaml", byom=f"endpoints:\n  mine:\n    base_uri: {NO_SERVER}\n")
    result = run("--byom-endpoint=mine")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: byom.yaml:2: endpoints.mine needs a base_url",
            (
                "byom.yaml:3: endpoints.mine.base_uri is no valid key, did you mean 'base_url'? "
                "Valid keys: api_key, base_url, capabilities, *"
            ),
        ]
    )


def test_missing_registry(run: Run) -> None:
    """A registry file that is named and not there is an error."""
    result = run("--byom-endpoint=embedded", "--byom-registry=nowhere.yaml")
    assert_refused(result, "there is no registry file nowhere.yaml")


def test_registry_of_ini_file(run: Run, pytester: pytest.Pytester) -> None:
    """The ini file may name the registry file."""
    pytester.makeini("[pytest]\nbyom_registry = nowhere.yaml")
    assert_refused(run("--byom-endpoint=embedded"), "there is no registry file nowhere.yaml")


def test_missing_variable(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that is not set is named, with the line that needs it."""
    monkeypatch.delenv("MINE_KEY", raising=False)
    text = f"endpoints:\n  mine:\n    base_url: {NO_SERVER}\n    api_key: ${{MINE_KEY}}\n"
    pytester.makefile(".yaml", byom=text)
    assert_refused(
        run("--byom-endpoint=mine"),
        "byom.yaml:4: endpoints.mine.api_key needs the environment variable MINE_KEY, which is "
        "not set",
    )


def test_all_without_file(run: Run) -> None:
    """`all` without a registry file has nothing to stand for."""
    result = run("--byom-endpoint=all")
    assert_refused(
        result, "--byom-endpoint=all means those of byom.yaml, and there is no such file"
    )


@pytest.mark.parametrize("seconds", ["0", "-1"])
def test_timeout_is_positive(run: Run, seconds: str) -> None:
    """A timeout of no time is refused with the value that was given."""
    result = run("--byom-endpoint=embedded", f"--byom-timeout={seconds}")
    assert_refused(result, f"--byom-timeout has to be more than 0 seconds, not {seconds}")


def test_timeout_is_a_number(run: Run) -> None:
    """A timeout of `nan` is refused: it would never run out."""
    result = run("--byom-endpoint=embedded", "--byom-timeout=nan")
    assert_refused(result, "--byom-timeout has to be more than 0 seconds, not nan")


def test_report_needs_endpoint(run: Run) -> None:
    """A report of nothing is refused."""
    result = run("--byom-report=out")
    assert_refused(result, "--byom-report needs --byom-endpoint: what should be reported?")


def test_abuse_needs_endpoint(run: Run) -> None:
    """Leave to burden nobody is refused."""
    result = run("--byom-abuse")
    assert_refused(result, "--byom-abuse needs --byom-endpoint: which server may be burdened?")


def test_unknown_level(run: Run) -> None:
    """A level that is none is answered with the valid ones."""
    result = run("--byom-endpoint=embedded", "--byom-level=may")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--byom-level: invalid choice: 'may' (choose from *must*should*"])


def test_unused_plugin_reads_no_registry(run: Run, pytester: pytest.Pytester) -> None:
    """A broken registry file does not disturb a run that uses no endpoint."""
    pytester.makefile(".yaml", byom="endpoints: [")
    pytester.makepyfile("def test_own(): pass")
    result = run()
    assert result.ret == pytest.ExitCode.OK
    result.assert_outcomes(passed=1)


def test_fixture_with_broken_registry(run: Run, pytester: pytest.Pytester) -> None:
    """A fixture that needs a broken registry file fails its test with the one sentence."""
    pytester.makefile(".yaml", byom="endpoints: 7\n")
    pytester.makepyfile("def test_own(byom_endpoint): pass")
    result = run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*byom.yaml:1: *endpoints*"])
    assert "Traceback" not in result.stdout.str()
    assert "suite_run.py" not in result.stdout.str()
