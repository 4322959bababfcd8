"""`pytest --byom-endpoint=NAME` without paths judges an endpoint from any folder."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from .conftest import standard_checks
from .servers import Counting, WithoutAllow, WithoutDone, serving

if TYPE_CHECKING:
    from .conftest import Run

DONE = "stream.done-marker"
TOO_MANY = 121
"""Requests: the standard profile has a budget of 120."""


def test_embedded_is_green(run: Run, suite_size: int) -> None:
    """In an empty folder the embedded server passes, but for what needs a server without keys."""
    result = run("--byom-endpoint=embedded")
    assert result.ret == pytest.ExitCode.OK
    assert result.parseoutcomes() == {"passed": suite_size - 1, "unsupported": 1}
    result.stdout.re_match_lines(
        [
            r"endpoint: embedded \(http://127\.0\.0\.1:\d+/v1\), server: .+, model: byom-embedded",
            rf"plan: {suite_size} checks, \d+ requests, at most [\d,]+ tokens",
            r"byom/checks/auth [.u]+ +\[ *\d+%\]",
            r"byom/rules/errors \.+ +\[100%\]",
            r"=+ byom =+",
            r"embedded +passed +unsupported",
            r"auth +\d+ +1",
            rf"sum +{suite_size - 1} +1",
            r"unsupported: auth\.any-key: the server requires a key",
            (
                rf"embedded, model byom-embedded: {suite_size - 1} passed, 1 unsupported of "
                rf"{suite_size} checks, \d+ requests"
            ),
        ]
    )


@pytest.mark.parametrize("mode", ["prepend", "importlib"])
def test_the_ini_file_of_a_project(run: Run, pytester: pytest.Pytester, mode: str) -> None:
    """The suite is whole in a project that calls its own tests otherwise."""
    pytester.makeini(
        f"""
        [pytest]
        python_files = check_*.py
        python_functions = check_*
        python_classes = Check
        addopts = --strict-markers --strict-config --import-mode={mode} -W error
        """
    )
    result = run("--byom-endpoint=embedded", "-k", DONE)
    assert result.parseoutcomes()["passed"] == 1


def test_budget(run: Run) -> None:
    """The whole suite asks as many requests as planned, and at most 120."""
    output = run("--byom-endpoint=embedded").stdout.str()
    planned, sent = re.findall(r"\d+ checks, (\d+) requests", output)
    assert planned == sent
    assert int(sent) < TOO_MANY


def test_select_by_id(run: Run, suite_size: int) -> None:
    """-k with the id of a check selects it, and only what it needs is asked."""
    result = run("--byom-endpoint=embedded", "-k", DONE)
    assert result.parseoutcomes() == {"passed": 1, "deselected": suite_size - 1}
    result.stdout.re_match_lines([r"plan: 1 checks?, 3 requests, at most \d+ tokens"])


def test_select_by_level(run: Run, suite_size: int) -> None:
    """-m with a level selects the checks of that level."""
    must = sum(check.level == "must" for check in standard_checks())
    result = run("--byom-endpoint=embedded", "-m", "must")
    assert result.ret == pytest.ExitCode.OK
    assert result.parseoutcomes() == {
        "passed": must - 1,
        "unsupported": 1,
        "deselected": suite_size - must,
    }


def test_collect_only(run: Run, suite_size: int) -> None:
    """--collect-only lists the checks by area and id, asks nothing, and judges nothing."""
    app = Counting()
    with serving(app) as url:
        result = run(f"--byom-endpoint={url}", "--collect-only", "-q")
    assert result.ret == pytest.ExitCode.OK
    assert app.requests == []
    result.stdout.re_match_lines(
        [
            rf"byom/rules/stream::test_done_marker\[127\.0\.0\.1:\d+-{DONE}\]",
            f"{suite_size} tests .*",
        ]
    )
    result.stdout.no_re_match_line(r"=+ byom =+")


def test_each_contract_is_asked_once(run: Run) -> None:
    """A run of the suite sends as many requests as it says."""
    app = Counting()
    with serving(app) as url:
        result = run(f"--byom-endpoint={url}")
    result.stdout.fnmatch_lines([f"* checks, {len(app.requests)} requests"])


def test_failure_stops_run(run: Run) -> None:
    """-x stops at the first failure, and the summary tells how many checks did not run."""
    with serving(WithoutDone()) as url:
        result = run(f"--byom-endpoint={url}", "-x")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.re_match_lines([r".*: \d+ passed, 1 failed, .*\d+ not run of \d+ checks, .*"])
    result.stdout.fnmatch_lines(["*stopping after 1 failures*"])


def test_last_failed(run: Run, suite_size: int) -> None:
    """--lf runs what failed before, and nothing else."""
    with serving(WithoutDone()) as url:
        run(f"--byom-endpoint={url}", "-q")
        result = run(f"--byom-endpoint={url}", "--lf")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes()["failed"] == 1
    assert "passed" not in result.parseoutcomes()


def test_quiet(run: Run) -> None:
    """-q keeps the plan and the table."""
    result = run("--byom-endpoint=embedded", "-q", "-m", "must")
    result.stdout.re_match_lines(
        [r"plan: \d+ checks, .*", r"embedded +passed +unsupported", r"sum +\d+ +1"]
    )


def test_verbose_names_ids(run: Run) -> None:
    """-v shows each check with its id and its outcome in words."""
    result = run("--byom-endpoint=embedded", "-v", "-k", DONE)
    result.stdout.re_match_lines(
        [rf"byom/rules/stream::test_done_marker\[embedded-{DONE}\] PASSED .*"]
    )


def test_finding(run: Run, suite_size: int) -> None:
    """A failure shows its sentence, source, request, answer, a curl line, and what breaks."""
    with serving(WithoutDone()) as url:
        result = run(f"--byom-endpoint={url}", "-k", f"{DONE} or stream.media-type")
    name = url.removeprefix("http://").removesuffix("/v1")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1, failed=1, deselected=suite_size - 2)
    result.stdout.fnmatch_lines(
        [
            f"_* {DONE} at {name} _*",
            f"{DONE} (must, failed): The stream has an event whose data is exactly [[]DONE[]].",
            f"  endpoint  {name}",
            "  source    OpenAI API reference (stream): data-only events terminated by *",
            "  wrong     end of stream: expected data: [[]DONE[]], got data: *",
            '  asked     POST /chat/completions {"model": "byom-embedded", "messages": *',
            "  came      200 text/event-stream data: *",
            f"  again     curl -sS -i -N {url}/chat/completions -H *",
            "  breaks    *",
            "To accept a deviation, add its check id and a reason to the deviations of the *",
            f"FAILED byom/rules/stream::test_done_marker[[]{name}-{DONE}[]] - *",
        ]
    )


def test_pyargs_adds_suite(run: Run, pytester: pytest.Pytester, suite_size: int) -> None:
    """--pyargs pytest_byom.conformance adds the suite to a project's own tests."""
    pytester.makepyfile("def test_own(byom_endpoint): assert byom_endpoint.name == 'embedded'")
    result = run(
        "--byom-endpoint=embedded",
        "test_pyargs_adds_suite.py",
        "--pyargs",
        "pytest_byom.conformance",
    )
    assert result.ret == pytest.ExitCode.OK
    assert result.parseoutcomes() == {"passed": suite_size, "unsupported": 1}


def test_ini_paths_do_not_replace_suite(
    run: Run, pytester: pytest.Pytester, suite_size: int
) -> None:
    """Test paths of the ini file count as none: the suite runs."""
    pytester.makeini("[pytest]\ntestpaths = tests")
    pytester.mkpydir("tests").joinpath("test_own.py").write_text("def test_own(): assert False")
    result = run("--byom-endpoint=embedded")
    assert result.parseoutcomes() == {"passed": suite_size - 1, "unsupported": 1}


def test_strict_level(run: Run) -> None:
    """--byom-level=should fails the run for a deviation that only counts by default."""
    with serving(WithoutAllow()) as url:
        mild = run(f"--byom-endpoint={url}", "-k", "http.allow")
        strict = run(f"--byom-endpoint={url}", "-k", "http.allow", "--byom-level=should")
    assert (mild.ret, strict.ret) == (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    mild.stdout.re_match_lines(
        [
            r"=+ deviations that do not fail the run =+",
            r"http\.allow \(should, deviates\): A 405 answer carries an Allow header .*",
        ]
    )
    assert mild.parseoutcomes()["deviates"] == 1
    assert strict.parseoutcomes()["failed"] == 1
