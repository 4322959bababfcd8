"""Known deviations of byom.yaml: accepted while they deviate, reported when they no longer do."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from pytest_byom.gate.exit_codes import STALE
from pytest_byom.mock.embedded import EmbeddedServer

from .servers import WithoutDone, serving

if TYPE_CHECKING:
    from .conftest import Run

DONE = "stream.done-marker"
TODAY = date.today()
YESTERDAY = TODAY - timedelta(days=1)


def registry(url: str, check: str, **entry: object) -> str:
    """Return a registry file with one endpoint, `mine`, and one known deviation."""
    lines = [
        "endpoints:",
        "  mine:",
        f"    base_url: {url}",
        "    deviations:",
        f"      - check: {check}",
        "        reason: the proxy cuts it off",
        *(f"        {key}: {value}" for key, value in entry.items()),
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("check", [DONE, "stream.*"])
def test_known(run: Run, pytester: pytest.Pytester, check: str) -> None:
    """A known deviation, named by id or glob, is shown with its reason and fails nothing."""
    with serving(WithoutDone()) as url:
        pytester.makefile(".yaml", byom=registry(url, check, link="https://example.org/1234"))
        result = run("--byom-endpoint=mine", "-k", f"{DONE} or stream.media-type")
    assert result.ret == pytest.ExitCode.OK
    assert result.parseoutcomes()["known"] == 1
    result.stdout.fnmatch_lines(
        [
            "byom/rules/stream .k *",
            "mine      passed  known",
            "stream         1      1",
            "sum            1      1",
            f"known: {DONE}: the proxy cuts it off (https://example.org/1234)",
            "mine, model byom-embedded: 1 passed, 1 known of 2 checks, 3 requests",
        ]
    )


def test_known_elsewhere(run: Run, pytester: pytest.Pytester) -> None:
    """What is known of one check does not excuse another."""
    with serving(WithoutDone()) as url:
        pytester.makefile(".yaml", byom=registry(url, "stream.media-type"))
        result = run("--byom-endpoint=mine", "-k", DONE)
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_stale(run: Run, pytester: pytest.Pytester) -> None:
    """A known deviation that no longer deviates ends the run with exit code 11."""
    with serving(EmbeddedServer()) as url:
        pytester.makefile(".yaml", byom=registry(url, DONE))
        result = run("--byom-endpoint=mine", "-k", "stream")
    assert result.ret == STALE
    result.stdout.fnmatch_lines(
        [f"mine: the known deviation '{DONE}' no longer deviates: take it out of byom.yaml"]
    )


def test_unjudged_is_not_stale(run: Run, pytester: pytest.Pytester) -> None:
    """A known deviation whose check did not run is not stale."""
    with serving(EmbeddedServer()) as url:
        pytester.makefile(".yaml", byom=registry(url, DONE))
        result = run("--byom-endpoint=mine", "-k", "stream.media-type")
    assert result.ret == pytest.ExitCode.OK


def test_until_today(run: Run, pytester: pytest.Pytester) -> None:
    """A deviation is accepted up to and with its last day."""
    with serving(WithoutDone()) as url:
        pytester.makefile(".yaml", byom=registry(url, DONE, until=TODAY))
        result = run("--byom-endpoint=mine", "-k", DONE)
    assert result.ret == pytest.ExitCode.OK


def test_past_its_date(run: Run, pytester: pytest.Pytester) -> None:
    """A deviation past its date fails again, and the date is shown."""
    with serving(WithoutDone()) as url:
        pytester.makefile(".yaml", byom=registry(url, DONE, until=YESTERDAY))
        result = run("--byom-endpoint=mine", "-k", DONE)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            f"{DONE} (must, failed): *",
            f"mine: the known deviation '{DONE}' is past its date, {YESTERDAY}",
        ]
    )


def test_past_its_date_and_mended(run: Run, pytester: pytest.Pytester) -> None:
    """A deviation past its date whose check passes ends the run with exit code 11."""
    with serving(EmbeddedServer()) as url:
        pytester.makefile(".yaml", byom=registry(url, DONE, until=YESTERDAY))
        result = run("--byom-endpoint=mine", "-k", DONE)
    assert result.ret == STALE


def test_unknown_check(run: Run, pytester: pytest.Pytester) -> None:
    """A known deviation that names no check of the suite is reported in a run of the suite."""
    with serving(EmbeddedServer()) as url:
        pytester.makefile(".yaml", byom=registry(url, "stream.done-mark"))
        result = run("--byom-endpoint=mine")
    assert result.ret == STALE
    result.stdout.fnmatch_lines(
        ["mine: the known deviation 'stream.done-mark' names no check: `byom checks` lists them"]
    )
