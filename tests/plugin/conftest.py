"""Runs pytest on a small project, as a user would."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import pytest

import pytest_byom.conformance.fuzz.drawing
import pytest_byom.conformance.fuzz.searching
import pytest_byom.suite_hooks  # noqa: F401  # pytester drops what an inner run imports first
from pytest_byom.conformance.catalogue import all_checks
from pytest_byom.conformance.profiles import Profile, selector

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_byom.conformance.check import Check


class Run(Protocol):
    """Runs pytest with these arguments and returns what became of it."""

    def __call__(self, *arguments: str) -> pytest.RunResult: ...


@pytest.fixture(autouse=True)
def _usual_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BYOM_REGISTRY", "BYOM_API_KEY", "CI", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Run pytest with this plugin and no other, in this process, in a folder of its own."""
    return partial(pytester.runpytest_inprocess, "-p", "pytest_byom.plugin")


def read_results(folder: Path) -> Any:
    """Return what results.json in the report's folder says."""
    return json.loads((folder / "out" / "results.json").read_text("utf-8"))


def standard_checks() -> list[Check]:
    """Return the checks that are made if nothing more is asked for."""
    return list(filter(selector(Profile.STANDARD), all_checks().values()))


@pytest.fixture(scope="session")
def suite_size() -> int:
    """How many checks the suite makes if nothing more is asked for."""
    return len(standard_checks())
