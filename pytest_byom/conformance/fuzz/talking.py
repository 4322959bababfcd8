"""Conversations with one server: what is asked in them, what goes wrong, and what does so soonest.

Every request is asked once: the same steps give the same answers again, and cost nothing. So a
failure is made smaller by what is left of the budget, whatever a model would say the next time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_byom.client.assemble import Assembler
from pytest_byom.conformance.answers import status_wrong
from pytest_byom.conformance.excerpts import parse_object
from pytest_byom.conformance.exchange import dig
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.fuzz.budget import Budget, Tally, kind_of
from pytest_byom.conformance.fuzz.judging import BUSY, KEYS, judge_broken, judge_valid
from pytest_byom.conformance.fuzz.making import make_valid
from pytest_byom.conformance.views import ChunkStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.conformance.fuzz.judging import Asks, Rulebook
    from pytest_byom.contract import Contract
    from pytest_byom.strategies.conversations import Step

Message = dict[str, Any]
Ask = Callable[["Contract", "Sequence[Contract]"], "Exchange"]

FRESH = {"role": "user", "content": "Say ok."}
"""How a conversation begins that has no history."""

CHOICES = {"none": "tools", "auto": "tools", "named": "tool_choice_named"}
"""The values of `tool_choice` beside "required", with the capability that says so."""


class Failure(NamedTuple):
    """What went wrong, and the steps that led to it."""

    exchange: Exchange
    wrong: Wrong
    steps: tuple[Step, ...]

    @property
    def script(self) -> str:
        """The steps, one a line."""
        return "\n".join(map(str, self.steps))

    @property
    def size(self) -> tuple[int, int, str]:
        """What tells the smaller of two, whatever ids a server made up for its calls."""
        return len(self.steps), len(self.script), self.script


class Talks:
    """The conversations of one check; `ask` sends a contract, with those that come before it.

    The first failure says of which kind the others have to be to count.
    """

    def __init__(
        self, server: Asks, ask: Ask, rules: Rulebook, *, examples: int, shrinks: int
    ) -> None:
        self.choices: tuple[str, ...] = ("required",)
        self.streams = False
        self.tally = Tally()
        self.budget = Budget(examples, asked=set())
        self.failures: list[Failure] = []
        self._server = server
        self._send = ask
        self._rules = rules
        self._half = examples * shrinks // 2
        self._kind = ""

    def allow(self, has: Callable[[str], bool]) -> None:
        """Talk as the capabilities of the server allow."""
        self.streams = has("stream")
        wanted = [choice for choice, capability in CHOICES.items() if has(capability)]
        self.choices = (*wanted, "required")

    def allow_more(self) -> None:
        """Allow half of the requests that may be spent on making a failure smaller."""
        self.budget.more(self._half)

    def ask(self, contract: Contract, before: Sequence[Contract] = ()) -> Exchange:
        """Return the exchange of a contract; raises Enough where the budget is used up."""
        self.budget.spend(contract.id, requests=contract.requests)
        return self._send(contract, before)

    def judge_turn(self, exchange: Exchange, steps: Sequence[Step], *, goes_on: bool) -> bool:
        """Whether something is wrong with the answer to a turn that has to be taken."""
        return self._note(exchange, steps, lambda exchange: self._judge_turn(exchange, goes_on))

    def judge_mistake(self, exchange: Exchange, steps: Sequence[Step]) -> bool:
        """Whether something is wrong with the answer to a broken request."""
        return self._note(
            exchange, steps, lambda exchange: judge_broken(exchange, self._rules, self._server)
        )

    def message_of(self, exchange: Exchange) -> Message | None:
        """Return the message of an answer as a client sends it back; None if it cannot."""
        if exchange.status != 200:
            return None
        try:
            return message_of(exchange)
        except Inconclusive as doubt:
            self.tally.doubts.append(doubt)
            return None

    def _judge_turn(self, exchange: Exchange, goes_on: bool) -> Iterable[Wrong]:
        if goes_on and exchange.is_refused and exchange.status not in (*BUSY, *KEYS):
            fresh = make_valid(exchange.request_json | {"messages": [FRESH]})
            if self._server.ask(fresh).status == 200:
                return [status_wrong(exchange, "200, as for the same request without a history")]
        return judge_valid(exchange, self._rules, self._server)

    def _note(
        self,
        exchange: Exchange,
        steps: Sequence[Step],
        judge: Callable[[Exchange], Iterable[Wrong]],
    ) -> bool:
        from pytest_byom.conformance.fuzz.searching import Enough

        so_far = len(self.tally.wrongs)
        self.tally.add(exchange, judge)
        if exchange.not_asked:
            raise Enough
        for _, wrong in self.tally.wrongs[so_far:]:
            if not self._kind:
                self._kind = kind_of(wrong)
                self.allow_more()
            if kind_of(wrong) == self._kind:
                self.failures.append(Failure(exchange, wrong, tuple(steps)))
                if exchange.status is None:  # to make it smaller would take forever
                    raise Enough
                return True
        return False

    @property
    def smallest(self) -> Failure:
        """The failure with the fewest steps."""
        return min(self.failures, key=lambda failure: failure.size)


def message_of(exchange: Exchange) -> Message:
    """Return the message of an answer as a client sends it back; Inconclusive if it cannot.

    That of a stream is put together from its deltas.
    """
    if not exchange.contract.asks_stream:
        message = dict(exchange.message)
    else:
        assembler = Assembler()
        for chunk in ChunkStream.expect(exchange).chunks:
            assembler.feed(chunk.data)
        choices = assembler.close().choices
        message = dict(choices[0].message) if choices else {}
    calls = message.get("tool_calls") or []
    if not message.get("content") and not calls:
        raise Inconclusive(f"the answer to {exchange.contract.id} says nothing that can go back")
    if not all(isinstance(c, dict) and isinstance(c.get("id"), str) for c in calls):
        raise Inconclusive(f"a call of {exchange.contract.id} has no id to be answered by")
    if not all(_is_whole(call) for call in calls):
        raise Inconclusive(f"the token limit cut a call of {exchange.contract.id}")
    return message


def _is_whole(call: dict[str, Any]) -> bool:
    arguments = dig(call, "function.arguments")
    return isinstance(arguments, str) and parse_object(arguments) is not None
