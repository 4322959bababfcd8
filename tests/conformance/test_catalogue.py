"""The suite as a whole: ids, levels, statements, contracts, and what is really asked."""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_byom.conformance.capabilities import PROBES
from pytest_byom.conformance.catalogue import (
    all_checks,
    suite_files,
    suite_functions,
    suite_modules,
)
from pytest_byom.conformance.check import Check, find_check
from pytest_byom.conformance.finding import Outcome
from pytest_byom.conformance.run import run_suite
from pytest_byom.conformance.target import Target
from pytest_byom.contract import contract_ids, load_contract, load_statements
from pytest_byom.mock.embedded import EmbeddedServer
from pytest_byom.mock.http1 import BackgroundServer
from pytest_byom.registry import Endpoint, load_registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

CHECKS = [pytest.param(check, id=id) for id, check in sorted(all_checks().items())]
NAMED = [
    pytest.param(check, id=id)
    for id, check in sorted(all_checks().items())
    if check.on is None and not check.fuzzes
]
AREA_AND_SLUG = re.compile(r"[a-z]+\.[a-z0-9]+(-[a-z0-9]+)*")

SPLIT_OFF = {
    "arrivals": "stream",
    "choices": "response",
    "chunks": "stream",
    "comments": "stream",
    "connections": "http",
    "definitions": "tools",
    "deltas": "stream",
}
"""Modules that hold a part of an area, and are not named `test_AREA_PART`."""

OTHER_LEVELS = {
    "errors.alive": "a server that is down breaks every must that comes after",
    "fuzz.alive": "a server that is down breaks every must that comes after",
    "parity.finish": "its statements bind each of the two answers, none that they are equal",
    "reasoning.effect": "a model that does not reason may ignore it; that it did is still told",
    "response.service-tier": "vendors send tiers of their own, which no popular client minds",
    "stream.incremental": "every client joins the deltas, which its statement has only as equal",
    "stream.cache-control": "OpenAI itself sends no such header with most streams",
    "stream.chunk-created": "the schema requires an integer; that all are equal is the should",
    "stream.no-error": "its statement is about what fails before the first token",
    "stream.separators": "JSON allows them as they are, and in event streams they end no line",
}
"""Checks of another level than any of their statements, with the reason."""


def test_ids_are_unique() -> None:
    """No id stands for two checks."""
    counts = Counter(check.id for check, _ in suite_functions())
    assert [id for id, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("check", CHECKS)
def test_id(check: Check) -> None:
    """An id is an area and one slug."""
    assert AREA_AND_SLUG.fullmatch(check.id)


@pytest.mark.parametrize("check", CHECKS)
def test_words(check: Check) -> None:
    """A check is one sentence, and says what breaks."""
    assert check.sentence.endswith(".")
    assert "\n" not in check.sentence
    assert check.breaks
    assert not check.breaks.endswith(".")


@pytest.mark.parametrize("check", CHECKS)
def test_statements(check: Check) -> None:
    """A check decides statements that exist, and is of the level of one of them."""
    assert check.statements
    statements = load_statements()
    levels = {statements[id].level.lower() for id in check.statements}
    assert check.level in levels or check.id in OTHER_LEVELS


def test_other_levels() -> None:
    """The list of other levels names checks that need it, and no others."""
    statements = load_statements()
    needed = [
        check.id
        for check in all_checks().values()
        if check.level not in {statements[id].level.lower() for id in check.statements}
    ]
    assert sorted(OTHER_LEVELS) == sorted(needed)


@pytest.mark.parametrize("check", CHECKS)
def test_needs(check: Check) -> None:
    """What a check needs can be probed."""
    assert set(check.needs) <= set(PROBES)


@pytest.mark.parametrize("check", CHECKS)
def test_asks(check: Check) -> None:
    """What a check asks for are contracts, each named once; only a rule asks for none."""
    assert set(check.asks) <= set(contract_ids())
    assert len(set(check.asks)) == len(check.asks)
    assert bool(check.asks) == (check.on is None)


def test_undecided_statements() -> None:
    """A statement that no check can decide says why in a sentence, and no check decides it."""
    decided = {id for check in all_checks().values() for id in check.statements}
    undecided = {id: s.undecided for id, s in load_statements().items() if s.undecided}
    assert sorted(set(undecided) & decided) == []
    assert [id for id, reason in undecided.items() if not reason.endswith(".")] == []


def test_every_contract_is_asked() -> None:
    """No bundled contract lies idle, but for recordings of what one dialect answered."""
    live = {id for id in contract_ids() if not id.startswith("dialects/")}
    asked = {id for check in all_checks().values() for id in check.asks} | set(PROBES.values())
    loaded = [load_contract(id) for id in asked]
    brought = {id for found in loaded for id in (found.follows, *found.before, *found.beside)}
    assert sorted(live - asked - brought) == []


def test_modules_hold_their_area() -> None:
    """A check stands in a module of its area, test_AREA or test_AREA_PART."""
    for check, function in suite_functions():
        folder, _, name = function.__module__.rpartition(".")
        assert folder.endswith(".rules" if check.on else ".checks")
        module = name.removeprefix("test_")
        assert SPLIT_OFF.get(module, module.partition("_")[0]) == check.area


def test_rules_come_last() -> None:
    """Rules wait for all traffic, so they stand behind the checks."""
    folders = [path.parent.name for path in suite_files()]
    assert folders == sorted(folders)
    assert set(folders) == {"checks", "rules"}


def test_modules_can_be_named() -> None:
    """Each file of the suite is a module that pytest is given by name."""
    assert suite_modules()[0].startswith("pytest_byom.conformance.checks.test_")
    assert len(suite_modules()) == len(suite_files())


@pytest.fixture(scope="module")
def spied() -> dict[str, set[str]]:
    """What each check asked for on the embedded server."""
    target = Target(load_registry().endpoint("embedded"))
    asked: dict[str, set[str]] = {}

    def spy(id: str, contract: str) -> object:
        asked[id].add(contract)
        return target.ask(contract)

    def call(check: Check, function: Callable[..., Any]) -> None:
        asked[check.id] = set()
        function(partial(spy, check.id))

    try:
        target.open(all_checks().values())
        for check, function in suite_functions():
            if check.on is None and not check.fuzzes:
                target.judge(check, partial(call, check, function))
    finally:
        target.close()
    return asked


LEFT_OUT = {"auth.any-key"}
"""Not run on a server that asks for a key."""


@pytest.mark.parametrize("check", NAMED)
def test_asks_what_it_says(check: Check, spied: dict[str, set[str]]) -> None:
    """A check asks for the contracts that it names (or that those follow), and for no other."""
    asked = spied[check.id]
    followed = {load_contract(id).follows for id in asked}
    assert asked <= set(check.asks)
    assert set(check.asks) - followed <= asked or check.id in LEFT_OUT


def test_run_suite() -> None:
    """The suite runs without pytest too, with one verdict a check, in the order of the suite."""
    verdicts = run_suite(load_registry().endpoint("embedded"))
    made = [check.id for check, _ in suite_functions() if not (check.abuse or check.fuzzes)]
    assert [verdict.check for verdict in verdicts] == made
    assert {v.check for v in verdicts if v.outcome is not Outcome.PASSED} == {"auth.any-key"}


def test_run_part_of_suite() -> None:
    """A part of the suite runs by its ids."""
    with BackgroundServer(EmbeddedServer()) as server:
        endpoint = Endpoint(name="mine", base_url=f"{server.url}/v1")
        (verdict,) = run_suite(endpoint, only={"stream.done-marker"})
    assert (verdict.check, verdict.endpoint) == ("stream.done-marker", "mine")


def test_open_server_passes() -> None:
    """Without a key the checks of authentication are unsupported, and the rest passes."""
    with BackgroundServer(EmbeddedServer()) as server:
        verdicts = run_suite(Endpoint(name="mine", base_url=f"{server.url}/v1"))
    left = {v.check: v.outcome for v in verdicts if v.outcome is not Outcome.PASSED}
    needing = {id for id, check in all_checks().items() if "auth" in check.needs}
    assert left == dict.fromkeys(needing, Outcome.UNSUPPORTED)


def test_functions_are_found_once() -> None:
    """A check that a module imports from another is not found twice."""
    assert len({function for _, function in suite_functions()}) == len(suite_functions())
    assert all(find_check(function) is check for check, function in suite_functions())
