"""What depends on the model is tried several times, and summed up."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.conformance.catalogue import all_checks
from pytest_byom.conformance.check import Check, check
from pytest_byom.conformance.finding import Finding, Inconclusive, Level, Outcome, Verdict
from pytest_byom.conformance.plan import make_plan
from pytest_byom.conformance.repeating import (
    again,
    first_of,
    is_repeat,
    needs_skill,
    repeatable,
    sum_up,
)
from pytest_byom.conformance.target import Target
from pytest_byom.mock.embedded import EmbeddedServer
from pytest_byom.mock.http1 import BackgroundServer, Reply, Request
from pytest_byom.registry import Endpoint

from .making import make_contract

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask

SKILL = Check(id="mine.calls", level=Level.MUST, sentence="", asks=("tools/offered",), skill=True)
PLAIN = Check(id="mine.says", level=Level.MUST, sentence="", asks=("chat/plain",))


def verdict(outcome: Outcome, *places: str) -> Verdict:
    """Make a verdict with findings at these places."""
    found = tuple(Finding(check="mine.x", exchange="chat/plain", place=place) for place in places)
    return Verdict(
        check="mine.x",
        level=Level.MUST,
        outcome=outcome,
        endpoint="mine",
        reason=outcome.value,
        findings=found,
    )


PASSED, FAILED = verdict(Outcome.PASSED), verdict(Outcome.FAILED, "a")
UNSURE, LACKING = verdict(Outcome.INCONCLUSIVE), verdict(Outcome.UNSUPPORTED)

SUMS = [
    ([PASSED, PASSED], Outcome.PASSED, (2, 2)),
    ([UNSURE, PASSED, UNSURE], Outcome.PASSED, (1, 3)),
    ([UNSURE, UNSURE], Outcome.INCONCLUSIVE, (0, 2)),
    ([PASSED, FAILED, UNSURE], Outcome.FAILED, (1, 3)),
    ([LACKING], Outcome.UNSUPPORTED, None),
    ([PASSED, verdict(Outcome.ERROR)], Outcome.ERROR, None),
    ([verdict(Outcome.KNOWN, "a"), PASSED], Outcome.KNOWN, (1, 2)),
]


@pytest.mark.parametrize(("tries", "outcome", "counts"), SUMS)
def test_sum_up(tries: list[Verdict], outcome: Outcome, counts: tuple[int, int] | None) -> None:
    """What was found once was found, what never came up is inconclusive; counts say the rest."""
    made = sum_up(tries)
    assert (made.outcome, made.counts, made.reason) == (outcome, counts, outcome.value)


def test_findings_of_all_tries() -> None:
    """The findings of every try are shown, each once."""
    other = verdict(Outcome.FAILED, "a", "b")
    assert [finding.place for finding in sum_up([FAILED, PASSED, other]).findings] == ["a", "b"]


def test_counts_travel() -> None:
    """Counts survive the way to another process."""
    made = sum_up([PASSED, UNSURE])
    assert Verdict.from_json(json.loads(json.dumps(made.as_json()))) == made
    assert Verdict.from_json(json.loads(json.dumps(PASSED.as_json()))) == PASSED


def test_ids() -> None:
    """The first try is the contract itself; every other has its number."""
    assert again("tools/none", 1) == "tools/none"
    assert again("tools/none", 3) == "tools/none#3"
    assert first_of("tools/none#3") == first_of("tools/none") == "tools/none"
    assert is_repeat("tools/none#3")
    assert not is_repeat("tools/none")


def test_a_try_is_the_request_again() -> None:
    """A repeated request is the same, but that its temperature is not 0, and follows its like."""
    body = {"model": "${model}", "messages": [], "temperature": 0, "max_tokens": 5}
    contract = make_contract("mine/call", body=body, follows="chat/plain")
    found = repeatable(lambda id: contract)("mine/call#2")
    assert (found.id, found.follows) == ("mine/call#2", "chat/plain#2")
    assert found.request.body == {"model": "${model}", "messages": [], "max_tokens": 5}
    assert repeatable(lambda id: contract)("mine/call") is contract


def test_what_needs_skill() -> None:
    """Calls and schemas depend on the model; a limit of tokens, a rule and an error do not."""
    skilled = {check.id for check in all_checks().values() if needs_skill(check)}
    assert {"tools.required", "structured.json-schema", "messages.own-call"} <= skilled
    assert skilled.isdisjoint({"params.max-tokens", "tools.call-id", "errors.object"})
    assert needs_skill(SKILL)
    assert not needs_skill(PLAIN)


def test_the_plan_has_the_tries() -> None:
    """What is asked again is part of the plan, and of nothing else."""
    once = make_plan([SKILL, PLAIN], {})
    plan = make_plan([SKILL, PLAIN], {}, repeat=3)
    assert set(plan.contracts) - set(once.contracts) == {"tools/offered#2", "tools/offered#3"}
    assert plan.tokens > once.tokens


def test_the_plan_to_learn() -> None:
    """To learn what comes and goes every valid request is repeated that others may be beside."""
    asks = ("chat/plain", "messages/own-answer", "params/wrong-type", "disconnect/next")
    one = Check(id="mine.x", level=Level.MUST, sentence="", asks=asks)
    plan = make_plan([one], {}, repeat=2, learn=True)
    repeated = {id for id in plan.contracts if is_repeat(id)}
    assert repeated == {"chat/plain#2", "models/list#2", "messages/own-answer#2"}


class Moody:
    """The embedded server, which answers every second request to call a tool with a text."""

    def __init__(self) -> None:
        self.asked = 0
        self._inner = EmbeddedServer()

    async def __call__(self, request: Request) -> Reply:
        if b'"tools"' in request.body:
            self.asked += 1
            if self.asked % 2 == 0:
                body = json.loads(request.body)
                plain = {"model": body["model"], "messages": body["messages"], "max_tokens": 4}
                request = dataclasses.replace(request, body=json.dumps(plain).encode())
        return await self._inner(request)


def judge(target: Target, made: Any) -> Verdict:
    """Judge a check with what the fixtures would give."""
    return target.judge(made.__byom_check__, lambda: made(target.ask))


def test_a_check_is_tried_anew() -> None:
    """Each try asks anew, and what the model did in some of them is counted."""
    asked = []

    @check("mine.calls", asks=["tools/required"], skill=True)
    def test_calls(byom_ask: Ask) -> Iterator[Any]:
        exchange = byom_ask("tools/required")
        asked.append(exchange.contract.id)
        if not exchange.message.get("tool_calls"):
            raise Inconclusive("the model made no call")
        yield from ()

    with BackgroundServer(Moody()) as server:
        endpoint = Endpoint(
            name="mine",
            base_url=f"{server.url}/v1",
            model="byom-embedded",
        )
        target = Target(endpoint, repeat=4)
        try:
            target.open([])
            verdict = judge(target, test_calls)
            again_verdict = judge(target, test_calls)
            first = target.ask("tools/required").contract.id
        finally:
            target.close()
    assert asked[:4] == ["tools/required"] + [f"tools/required#{n}" for n in (2, 3, 4)]
    assert (verdict.outcome, verdict.counts) == (Outcome.PASSED, (2, 4))
    assert again_verdict.counts == (2, 4)
    assert first == "tools/required"
