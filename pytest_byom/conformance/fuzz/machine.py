"""The state machine of the suite: conversations with one server, judged at each answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis.stateful import invariant

from pytest_byom.conformance.fuzz.making import make_broken, make_left, make_valid
from pytest_byom.conformance.fuzz.searching import Broken
from pytest_byom.strategies import ConversationMachine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_byom.conformance.fuzz.talking import Talks
    from pytest_byom.contract import Contract
    from pytest_byom.strategies.conversations import Step


class Talk(ConversationMachine):
    """One conversation; a stream that was left goes out with the request after it."""

    def __init__(self, talks: Talks) -> None:
        self.choices = talks.choices
        self.streams = talks.streams
        super().__init__()
        self._talks = talks
        self._left: list[Contract] = []
        self._is_broken = False

    @invariant()
    def nothing_is_wrong(self) -> None:
        """All rules hold for all answers, and the history as the server gave it was accepted."""
        if self._is_broken:
            raise Broken

    def send(self, body: dict[str, Any]) -> dict[str, Any] | None:
        """Send a valid request, and return what the server said, if it can go back to it."""
        contract = make_valid(body, before=self._left)
        exchange = self._talks.ask(contract, self._left)
        self._left = []
        self._is_broken = self._talks.judge_turn(exchange, self.steps, goes_on=bool(self.history))
        return None if self._is_broken else self._talks.message_of(exchange)

    def send_broken(self, body: dict[str, Any], why: str) -> None:
        """Send a broken request: what comes after it must go on as if it had not been."""
        exchange = self._talks.ask(make_broken(body, why))
        self._is_broken = self._talks.judge_mistake(exchange, self.steps)

    def send_and_leave(self, body: dict[str, Any]) -> None:
        """Keep a request for a stream that is left after its first event."""
        self._left.append(make_left(body))

    def goes_wrong(self, steps: Iterable[Step]) -> bool:
        """Make steps, and tell whether something goes wrong; no, if one of them is not possible."""
        for step in steps:
            if not self.can(step.name):
                return False
            getattr(self, step.name)(**step.values)
        return self._is_broken


def shorten(talks: Talks) -> None:
    """Leave out each step that the shortest failure does without."""
    steps = talks.smallest.steps
    for place in reversed(range(len(steps) - 1)):
        fewer = steps[:place] + steps[place + 1 :]
        if Talk(talks).goes_wrong(fewer):
            steps = fewer
