"""Checks of reasoning parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import status_wrong
from pytest_byom.conformance.check import check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.finding import Wrong


@check(
    "reasoning.effort",
    level="should",
    decides=["rea-02"],
    asks=["reasoning/effort"],
    breaks="apps that set it for all models fail, or send the request three times",
)
def test_reasoning_effort(byom_ask: Ask) -> Iterator[Wrong]:
    """reasoning_effort is obeyed, ignored or refused with 400."""
    exchange = byom_ask("reasoning/effort").answered()
    if exchange.status not in (200, 400, 422):
        yield status_wrong(exchange, "200 or 400")
