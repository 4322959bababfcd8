"""--byom-report=DIR writes what a run found to results.json, whatever became of the run."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from pytest_byom.gate.exit_codes import NOTHING_JUDGED

from .conftest import read_results
from .servers import Counting, Dying, WithoutDone, free_url, serving

if TYPE_CHECKING:
    from .conftest import Run

DONE = "stream.done-marker"
STREAM = {
    "present": True,
    "state": "present",
    "known": "probed",
    "reason": "the server answered 200",
}
CHECK_KEYS = {
    "id",
    "level",
    "outcome",
    "endpoint",
    "sentence",
    "source",
    "breaks",
    "reason",
    "findings",
}
FINDING_KEYS = {"check", "exchange", "place", "expected", "got", "asked", "answered", "curl"}


def test_head(run: Run, pytester: pytest.Pytester) -> None:
    """The head names format, suite, times, exit code, and whether the run got to its end."""
    run("--byom-endpoint=embedded", "--byom-report=out", "-k", DONE)
    results = read_results(pytester.path)
    assert (results["format"], results["suite"]["name"]) == (1, "pytest-byom")
    assert (results["complete"], results["exit_code"]) == (True, 0)
    assert datetime.fromisoformat(results["started"]) <= datetime.fromisoformat(results["finished"])


def test_place_is_printed(run: Run) -> None:
    """The end of the output says where the results are."""
    result = run("--byom-endpoint=embedded", "--byom-report=out", "-k", DONE)
    result.stdout.fnmatch_lines(["results: out/results.json", "report: out/index.html"])


def test_endpoint(run: Run, pytester: pytest.Pytester) -> None:
    """Of an endpoint stand address, model, server, plan and what was sent."""
    run("--byom-endpoint=embedded", "--byom-report=out", "-k", DONE)
    (name, facts), *more = read_results(pytester.path)["endpoints"].items()
    assert (name, more) == ("embedded", [])
    assert facts["base_url"].startswith("http://127.0.0.1:")
    assert facts.pop("identity")["kind"] == "byom-embedded"
    assert facts | {"base_url": "", "tokens": 0} == {
        "base_url": "",
        "model": "byom-embedded",
        "server": "byom-embedded",
        "dialect": "embedded",
        "checks": 1,
        "requests": 3,
        "fuzzed": 0,
        "tokens": 0,
        "sent": 3,
        "gone": "",
        "trouble": "",
        "capabilities": {"stream": STREAM},
        "exchanges": {},
    }


def test_finding(run: Run, pytester: pytest.Pytester) -> None:
    """A failed check stands there with its findings, one for each answer."""
    with serving(WithoutDone()) as url:
        run(f"--byom-endpoint={url}", "--byom-report=out", "-k", DONE)
    (row,) = read_results(pytester.path)["checks"]
    assert set(row) == CHECK_KEYS
    assert (row["id"], row["level"], row["outcome"]) == (DONE, "must", "failed")
    (finding,) = row["findings"]
    assert set(finding) == FINDING_KEYS
    assert (finding["check"], finding["exchange"]) == (DONE, "chat/stream")
    assert finding["curl"].startswith(f"curl -sS -i -N {url}/chat/completions ")


def test_every_check_is_there(run: Run, pytester: pytest.Pytester, suite_size: int) -> None:
    """Every check of the run stands there once, sorted by id."""
    run("--byom-endpoint=embedded", "--byom-report=out")
    ids = [row["id"] for row in read_results(pytester.path)["checks"]]
    assert len(set(ids)) == suite_size
    assert ids == sorted(ids)


def test_two_endpoints(run: Run, pytester: pytest.Pytester) -> None:
    """Several endpoints stand in one file."""
    with serving(WithoutDone()) as url:
        pytester.makefile(".yaml", byom=f"endpoints: {{mine: {{base_url: '{url}'}}}}")
        run("--byom-endpoint=mine", "--byom-endpoint=embedded", "--byom-report=out", "-k", DONE)
    rows = [(row["endpoint"], row["outcome"]) for row in read_results(pytester.path)["checks"]]
    assert rows == [("embedded", "passed"), ("mine", "failed")]


def test_all(run: Run, pytester: pytest.Pytester) -> None:
    """`all` judges the endpoints of byom.yaml, and not every server that is known by name."""
    with serving(WithoutDone()) as url:
        text = f"endpoints: {{mine: {{base_url: '{url}'}}, other: {{base_url: '{url}'}}}}"
        pytester.makefile(".yaml", byom=text)
        result = run("--byom-endpoint=all", "--byom-report=out", "-k", DONE)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert list(read_results(pytester.path)["endpoints"]) == ["mine", "other"]


def test_stopped_run(run: Run, pytester: pytest.Pytester) -> None:
    """A run that -x stopped is not complete, and what was judged so far is kept."""
    with serving(WithoutDone()) as url:
        run(f"--byom-endpoint={url}", "--byom-report=out", "-x")
    results = read_results(pytester.path)
    assert (results["complete"], results["exit_code"]) == (False, 1)
    assert [row["id"] for row in results["checks"] if row["outcome"] == "failed"] == [DONE]


def test_unreachable(run: Run, pytester: pytest.Pytester) -> None:
    """An endpoint that could not be reached stands there with the reason."""
    run(f"--byom-endpoint={free_url()}", "--byom-report=out")
    results = read_results(pytester.path)
    assert (results["complete"], results["exit_code"]) == (True, NOTHING_JUDGED)
    (facts,) = results["endpoints"].values()
    assert "is not reachable" in facts["trouble"]
    assert results["checks"] == []


def test_dying_server(run: Run, pytester: pytest.Pytester) -> None:
    """A server that went away stands there with the reason."""
    with Dying(after=12).serving() as url:
        run(f"--byom-endpoint={url}", "--byom-report=out")
    results = read_results(pytester.path)
    (facts,) = results["endpoints"].values()
    assert facts["gone"] == "no connection: All connection attempts failed"
    assert results["exit_code"] == NOTHING_JUDGED


def test_unwritable(run: Run, pytester: pytest.Pytester) -> None:
    """A directory that cannot be made is refused in one sentence before anything is asked."""
    pytester.path.joinpath("out").write_text("a file")
    app = Counting()
    with serving(app) as url:
        result = run(f"--byom-endpoint={url}", "--byom-report=out", "-k", DONE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert app.requests == []
    text = result.stdout.str() + result.stderr.str()
    assert "--byom-report: cannot write to out: File exists" in text
    assert "Traceback" not in text


def test_unwritable_at_the_end(run: Run, pytester: pytest.Pytester) -> None:
    """A directory that is lost during the run does not take what was judged with it."""
    pytester.makepyfile(
        """
        import pathlib
        import pytest_byom as byom

        @byom.check("mine.slug")
        def test_own(byom_ask):
            pathlib.Path("out").rmdir()
            pathlib.Path("out").touch()
        """
    )
    result = run("--byom-endpoint=embedded", "--byom-report=out", "test_unwritable_at_the_end.py")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.re_match_lines(
        [r"mine +1", r"sum +1", "--byom-report: cannot write to out: File exists"]
    )
    result.stdout.no_fnmatch_line("results: *")


def test_collect_only_writes_nothing(run: Run, pytester: pytest.Pytester) -> None:
    """--collect-only judges nothing and writes nothing."""
    run("--byom-endpoint=embedded", "--byom-report=out", "--collect-only", "-q")
    assert not pytester.path.joinpath("out").exists()


def test_old_results_are_replaced(run: Run, pytester: pytest.Pytester) -> None:
    """A second run replaces the results of the first as a whole."""
    run("--byom-endpoint=embedded", "--byom-report=out", "-k", DONE)
    run("--byom-endpoint=embedded", "--byom-report=out", "-k", "stream.media-type")
    assert [row["id"] for row in read_results(pytester.path)["checks"]] == ["stream.media-type"]
    names = sorted(path.name for path in pytester.path.joinpath("out").iterdir())
    assert names == ["badge.svg", "index.html", "results.json", "summary.md"]


def test_junit(run: Run, pytester: pytest.Pytester) -> None:
    """JUnit files have check id and outcome as properties, and the finding as text."""
    with serving(WithoutDone()) as url:
        run(f"--byom-endpoint={url}", "--junitxml=junit.xml", "-k", DONE)
    case = ElementTree.parse(pytester.path / "junit.xml").find(".//testcase")
    assert case is not None
    properties = {p.get("name"): p.get("value") for p in case.iter("property")}
    endpoint = url.removeprefix("http://").removesuffix("/v1")
    assert properties == {
        "byom_check": DONE,
        "byom_endpoint": endpoint,
        "byom_level": "must",
        "byom_outcome": "failed",
    }
    failure = case.find("failure")
    assert failure is not None
    assert f"{DONE} (must, failed): " in (failure.text or "")
