"""What depends on the model is tried several times, and judged by counts: --byom-repeat.

A try asks the contracts of a check anew. `tools/none#2` is the second exchange of `tools/none`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from pytest_byom.conformance.finding import FINDS, Outcome
from pytest_byom.contract import load_statements

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_byom.conformance.check import Check
    from pytest_byom.conformance.finding import Verdict
    from pytest_byom.contract import Contract

MARK = "#"
AREAS = frozenset({"messages", "structured", "tools"})
"""What a model has to understand; other areas only need that it says something."""

OPEN = (Outcome.UNSUPPORTED, Outcome.ERROR)
"""Outcomes that another try does not change."""


def needs_skill(check: Check) -> bool:
    """Whether a check depends on what the model is able to do."""
    if check.skill or check.on is not None or check.area not in AREAS:
        return check.skill
    statements = load_statements()
    return any(statements[id].model_independent == "no" for id in check.statements)


def again(id: str, number: int) -> str:
    """Return the id of a try of a contract; the first is the contract's own."""
    return id if number == 1 else f"{id}{MARK}{number}"


def first_of(id: str) -> str:
    """Return the id of the contract that was tried."""
    return id.partition(MARK)[0]


def is_repeat(id: str) -> bool:
    """Whether this is the id of another try than the first."""
    return MARK in id


def repeatable(load: Callable[[str], Contract]) -> Callable[[str], Contract]:
    """Return what loads contracts, and tries of them too.

    A repeated request leaves the temperature to the server where it was 0: the same text again
    would tell nothing.
    """

    def load_try(id: str) -> Contract:
        if not is_repeat(id):
            return load(id)
        contract = load(first_of(id))
        number = int(id.partition(MARK)[2])
        body = contract.request.body
        if isinstance(body, dict) and body.get("temperature") == 0:
            body = {name: value for name, value in body.items() if name != "temperature"}
        return dataclasses.replace(
            contract,
            id=id,
            follows=again(contract.follows, number) if contract.follows else "",
            request=dataclasses.replace(contract.request, body=body),
        )

    return load_try


def sum_up(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict of several tries of one check, with its counts.

    What was found once was found. A check that passed in some tries, while the model did not do
    what had to be judged in the others, has passed; the counts say how often.
    """
    for verdict in verdicts:
        if verdict.outcome in OPEN:
            return verdict
    counts = (sum(v.outcome is Outcome.PASSED for v in verdicts), len(verdicts))
    order = (*FINDS, Outcome.KNOWN, Outcome.PASSED, Outcome.INCONCLUSIVE)
    shown = min(verdicts, key=lambda verdict: order.index(verdict.outcome))
    found = dict.fromkeys(finding for verdict in verdicts for finding in verdict.findings)
    return dataclasses.replace(shown, counts=counts, findings=tuple(found))
