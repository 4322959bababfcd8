"""Which checks there are: every one of `checks/` and `rules/`, by id."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pytest_byom.client.errors import UsageError
from pytest_byom.conformance.check import Check, find_check

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FOLDERS = ("checks", "rules")
"""Rules come last: they wait for all traffic."""

LATE = (
    "test_arrivals",
    "test_concurrency",
    "test_connections",
    "test_disconnect",
    "test_errors",
    "test_fuzz",
)
"""Checks of what is asked when everything else is answered."""


def suite_files() -> list[Path]:
    """Return the modules of the suite, in the order in which they run."""
    here = Path(__file__).parent
    return [
        path
        for folder in FOLDERS
        for path in sorted(
            (here / folder).glob("test_*.py"), key=lambda path: (path.stem in LATE, path.stem)
        )
    ]


def suite_modules() -> list[str]:
    """Return the names of the modules of the suite, in the order in which they run."""
    return [f"pytest_byom.conformance.{path.parent.name}.{path.stem}" for path in suite_files()]


def suite_functions() -> list[tuple[Check, Callable[..., Any]]]:
    """Return every check with the pytest function that runs it, in the order of the suite."""
    found = []
    for module in map(importlib.import_module, suite_modules()):
        for function in vars(module).values():
            check = find_check(function)
            if check is not None and function.__module__ == module.__name__:
                found.append((check, function))
    return found


@functools.cache
def all_checks() -> Mapping[str, Check]:
    """Return every check of the suite by its id."""
    checks: dict[str, Check] = {}
    for check, function in suite_functions():
        if check.id in checks:
            raise UsageError(f"two checks are called {check.id!r}; one is in {function.__module__}")
        checks[check.id] = check
    return MappingProxyType(checks)
