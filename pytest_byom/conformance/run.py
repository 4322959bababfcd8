"""The suite without pytest: one endpoint in, verdicts out."""

from __future__ import annotations

from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.catalogue import suite_functions
from pytest_byom.conformance.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pytest_byom.conformance.finding import Verdict
    from pytest_byom.conformance.fuzz.fuzzer import FuzzSettings
    from pytest_byom.registry import Endpoint


def run_suite(
    endpoint: Endpoint,
    *,
    model: str | None = None,
    only: Collection[str] | None = None,
    abuse: bool = False,
    fuzz: FuzzSettings | None = None,
) -> list[Verdict]:
    """Judge an endpoint by the suite, or by the checks with the ids `only`.

    What burdens a server is left out unless `abuse` allows it, fuzzing unless `fuzz` says how much.
    Raises NothingToJudge if there is no server, no model, or no way in.
    """
    functions = [
        (check, function)
        for check, function in suite_functions()
        if (only is None or check.id in only)
        and (abuse or not check.abuse)
        and (fuzz is not None or not check.fuzzes)
    ]
    target = Target(endpoint, model=model, fuzz=fuzz)
    try:
        target.open(check for check, _ in functions)
        return [
            target.judge(check, partial(_call, function, target)) for check, function in functions
        ]
    finally:
        target.close()


def _call(function: Callable[..., Any], target: Target) -> None:
    """Call a check with what the fixtures of its parameters would give."""
    given: dict[str, Callable[[], Any]] = {
        "byom_ask": lambda: target.ask,
        "byom_fuzz": lambda: target.fuzzer,
        "byom_endpoint": lambda: target.endpoint,
        "byom_traffic": target.traffic,
    }
    function(**{name: given[name]() for name in signature(function).parameters})
