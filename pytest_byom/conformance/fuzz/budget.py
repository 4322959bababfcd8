"""What became of fuzzed requests, and how many more may be sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_byom.conformance.finding import Inconclusive, Unsupported, Wrong

if TYPE_CHECKING:
    from pytest_byom.conformance.exchange import Exchange

Judgement = Callable[["Exchange"], Iterable[Wrong]]


@dataclass
class Tally:
    """What became of the requests of one check."""

    wrongs: list[tuple[Exchange, Wrong]] = field(default_factory=list)
    passed: int = 0
    refusals: list[Unsupported] = field(default_factory=list)
    doubts: list[Inconclusive] = field(default_factory=list)
    stopped: str = ""

    def add(self, exchange: Exchange, judge: Judgement) -> None:
        """Judge one answer."""
        if exchange.not_asked:
            self.stopped = self.stopped or exchange.not_asked
            return
        try:
            found = list(judge(exchange))
        except Unsupported as refusal:
            self.refusals.append(refusal)
        except Inconclusive as doubt:
            self.doubts.append(doubt)
        else:
            self.wrongs += [(exchange, wrong) for wrong in found]
            self.passed += not found

    def conclude(self, count: int) -> None:
        """Raise what there is to say where nothing went wrong."""
        if self.stopped:
            raise Inconclusive(
                f"{self.passed} of {count} fuzzed requests were answered, none of them wrongly: "
                f"{self.stopped}"
            )
        if not self.passed and (reasons := [*self.refusals, *self.doubts]):
            raise reasons[0]


class Budget:
    """How many requests are left."""

    def __init__(self, left: int, *, asked: set[str]) -> None:
        self.asked = asked
        self._left = left

    def more(self, requests: int) -> None:
        """Allow more requests."""
        self._left += requests

    def spend(self, id: str, *, requests: int = 1) -> None:
        """Count the requests of a contract, unless it was asked before.

        Raises Enough if fewer are left.
        """
        from pytest_byom.conformance.fuzz.searching import Enough

        if id in self.asked:
            return
        if self._left < requests:
            raise Enough
        self.asked.add(id)
        self._left -= requests


def kind_of(wrong: Wrong) -> str:
    """Return what two failures of one kind share: their place, whatever the numbers in it."""
    return re.sub(r"\d+", "#", wrong.place)
