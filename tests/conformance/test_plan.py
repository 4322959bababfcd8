"""Which exchanges checks need, and the most that they cost."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_byom.conformance.capabilities import PROBES
from pytest_byom.conformance.catalogue import all_checks
from pytest_byom.conformance.check import Check
from pytest_byom.conformance.finding import Level
from pytest_byom.conformance.plan import FIRST, make_plan
from pytest_byom.conformance.profiles import Profile, selector
from pytest_byom.contract import load_contract


def make_check(*asks: str, needs: tuple[str, ...] = ()) -> Check:
    """Return a check that asks for these contracts."""
    return Check(id="mine.slug", level=Level.MUST, sentence="", asks=asks, needs=needs)


def planned(*checks: Check, **capabilities: bool) -> tuple[str, ...]:
    """Return the contracts of a plan behind the first ones."""
    contracts = make_plan(checks, capabilities).contracts
    assert contracts[: len(FIRST)] == FIRST
    return contracts[len(FIRST) :]


def test_first() -> None:
    """A plan starts with the list of models and the minimal request, for no check even."""
    assert planned() == ()


def test_each_contract_stands_once() -> None:
    """What several checks ask for is planned once."""
    checks = [make_check("params/n-two", "chat/plain"), make_check("params/n-two")]
    assert planned(*checks) == ("params/n-two",)


def test_followed_contract() -> None:
    """A contract brings the one that it follows, before it."""
    followed = load_contract("tools/own-call").follows
    assert planned(make_check("tools/own-call")) == (followed, "tools/own-call")


def test_probe() -> None:
    """A capability that is not said brings its probe."""
    assert planned(make_check("chat/plain", needs=("tools",))) == (PROBES["tools"],)


def test_said_capability() -> None:
    """A capability that the registry says needs no probe."""
    assert planned(make_check("params/n-two", needs=("tools",)), tools=True) == ("params/n-two",)


def test_denied_capability() -> None:
    """A check that needs what the registry denies asks nothing, and counts."""
    plan = make_plan([make_check("params/n-two", needs=("tools", "n"))], {"tools": False})
    assert plan.contracts == FIRST
    assert plan.checks == 1


def test_counts() -> None:
    """A plan knows how many checks and requests it has."""
    plan = make_plan([make_check("params/n-two"), make_check("params/n-two")], {})
    assert (plan.checks, plan.requests) == (2, 3)


def ceiling(*asks: str) -> int:
    """Return the tokens of contracts on top of those of the first ones."""
    return make_plan([make_check(*asks)], {}).tokens - make_plan([], {}).tokens


CEILINGS: list[tuple[str, int, int]] = [
    ("params/max-tokens", 1, 100),
    ("params/broken-json", 0, 0),
    ("params/missing-messages", 0, 0),
    ("http/get-chat", 0, 0),
    ("usage/long-prompt", 40, 4000),
    ("params/huge-limit", 256, 400),
    ("params/max-tokens-negative", 256, 400),
    ("params/n-large", 512, 600),
]


@pytest.mark.parametrize(("id", "least", "most"), CEILINGS)
def test_ceiling(id: str, least: int, most: int) -> None:
    """What a contract may cost is guessed from its text and its limits; a broken one is free."""
    assert least <= ceiling(id) <= most


def test_ceiling_of_a_long_placeholder() -> None:
    """The ceiling counts the tokens that a placeholder will be filled with."""
    body: Any = load_contract("usage/long-prompt").request.body
    assert "${tokens:" in str(body)
    tokens = int(str(body).partition("${tokens:")[2].partition("}")[0])
    assert ceiling("usage/long-prompt") >= tokens


def test_ceiling_counts_choices() -> None:
    """Each choice that is asked for may take the whole limit."""
    body: Any = load_contract("params/n-two").request.body
    limit = body.get("max_tokens") or body.get("max_completion_tokens")
    assert ceiling("params/n-two") >= 2 * limit


def test_company_counts() -> None:
    """What a contract sends before and beside its own requests is counted and paid too."""
    plan = make_plan([make_check("concurrency/half-left")], {})
    assert plan.requests == 2 + load_contract("concurrency/half-left").requests
    assert ceiling("concurrency/half-left") > 4 * ceiling("structured/constant")


def test_suite_within_budget() -> None:
    """The standard profile is planned with at most 120 requests."""
    checks = filter(selector(Profile.STANDARD), all_checks().values())
    assert make_plan(checks, {}).requests <= 120
