"""One fuzz check: draw, ask, judge, and shrink what goes wrong to the smallest request."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.answers import wrong
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.fuzz.budget import Budget, Judgement, Tally, kind_of
from pytest_byom.conformance.fuzz.judging import (
    Rulebook,
    judge_broken,
    judge_refusal,
    judge_valid,
)
from pytest_byom.conformance.fuzz.making import make_body, make_broken, make_valid
from pytest_byom.conformance.fuzz.talking import Talks
from pytest_byom.conformance.transport import SILENT

if TYPE_CHECKING:
    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.contract import Contract

SHRINKS = 2
"""For each example, so many more requests may be spent on making a failure smaller."""

STEPS = 8
"""So many steps a conversation has at the most."""

GROUP = 8
"""So many requests are sent before it is seen whether the server hangs."""

LAST = {"messages": [{"role": "user", "content": "Say ok, please."}], "max_tokens": 16}
GONE = "went away"

KINDS = 3
"""So many different failures of one check are made smaller and shown."""

Send = Callable[[Iterable["Contract"]], list["Exchange"]]
Make = Callable[[Any], "Contract"]


@dataclass(frozen=True, kw_only=True)
class FuzzSettings:
    """How many requests a fuzz check draws, and from which seed; 0 is no fuzzing at all."""

    examples: int = 0
    seed: int = 0

    @property
    def most(self) -> int:
        """How many requests one check makes at the most."""
        return self.examples * (1 + SHRINKS)


class Fuzzer:
    """Fuzzes one server. `send` fetches exchanges, `forget` takes them out of the traffic.

    `know` is told of contracts that others are sent after, `has` says whether the server has a
    capability; `rules` are made when they are first needed.
    """

    def __init__(
        self,
        settings: FuzzSettings,
        *,
        send: Send,
        know: Callable[[Iterable[Contract]], None],
        forget: Callable[[Iterable[str]], None],
        has: Callable[[str], bool],
        rules: Callable[[], Rulebook],
    ) -> None:
        self.settings = settings
        self.has = has
        self.failures: set[str] = set()
        self._send = send
        self._know = know
        self._forget = forget
        self._make_rules = rules
        self._answered = False
        self._hung = ""
        self._number = 0

    @cached_property
    def _rules(self) -> Rulebook:
        return self._make_rules()

    def valid(self, name: str, *, also: Judgement = lambda exchange: ()) -> Iterator[Wrong]:
        """Yield what is wrong with the answers to valid requests of `drawing`.

        `also` judges those that were answered with 200 besides.
        """

        def judge(exchange: Exchange) -> Iterator[Wrong]:
            yield from judge_valid(exchange, self._rules, self)
            if exchange.status == 200 and not exchange.trouble:
                yield from also(exchange)

        return self._hunt(name, make_valid, judge)

    def broken(self, name: str, *, refused: bool = False) -> Iterator[Wrong]:
        """Yield what is wrong with the answers to broken requests.

        That one was accepted is wrong only where they all have to be `refused`.
        """

        def judge(exchange: Exchange) -> Iterator[Wrong]:
            yield from judge_broken(exchange, self._rules, self)
            if refused:
                yield from judge_refusal(exchange)

        return self._hunt(name, _make_broken, judge)

    def accepted(self, name: str) -> Iterator[Wrong]:
        """Yield each broken request that was accepted."""
        return self._hunt(name, _make_broken, judge_refusal)

    def talks(self) -> Iterator[Wrong]:
        """Yield what goes wrong in conversations with tools, with the steps that lead to it."""
        from pytest_byom.conformance.fuzz import searching
        from pytest_byom.conformance.fuzz.machine import Talk, shorten

        count, seed = self.settings.examples, self.settings.seed
        talks = Talks(self, self._ask_after, self._rules, examples=count, shrinks=SHRINKS)
        talks.allow(self.has)
        searching.run_machine(lambda: Talk(talks), count=count, steps=STEPS, seed=f"{seed}:talks")
        if not talks.failures:
            talks.tally.conclude(len(talks.budget.asked))
            return
        talks.allow_more()
        with contextlib.suppress(searching.Enough):
            shorten(talks)
        best = talks.smallest
        self._keep_only(best.exchange, [failure.exchange for failure in talks.failures])
        drawn = f"# drawn by --byom-fuzz={count} --byom-fuzz-seed={seed}"
        yield dataclasses.replace(best.wrong, steps=f"{drawn}\n{best.script}")

    def _ask_after(self, contract: Contract, before: Iterable[Contract]) -> Exchange:
        self._know(before)
        return self.ask(contract)

    def alive(self) -> Iterator[Wrong]:
        """Yield what is wrong unless the server answers after all that it was asked here."""
        if not self._answered:
            raise Inconclusive("no fuzzed request was answered")
        exchange = self.ask(make_valid(LAST))
        if exchange.status == 200:
            return
        slow = SILENT in exchange.trouble
        if exchange.not_asked and (slow or GONE not in exchange.trouble):
            raise Inconclusive(exchange.trouble)
        got = exchange.trouble or f"{exchange.status}: {exchange.error_message()}"
        yield wrong(exchange, "answer", expected="200", got=got)

    def ask(self, contract: Contract) -> Exchange:
        """Return the exchange of a contract."""
        if self._hung:
            raise Inconclusive(self._hung)
        (exchange,) = self._ask_all([contract])
        return exchange

    def ask_now(self, body: dict[str, Any]) -> Exchange:
        """Return the exchange of a request that was never asked before; see whether it hangs."""
        self._number += 1
        said = {"role": "user", "content": f"Say ok, number {self._number}."}
        exchange = self.ask(make_valid({**body, "messages": [*body["messages"][:-1], said]}))
        if exchange.status is None:
            self._hung = exchange.trouble
        return exchange

    def _ask_all(self, contracts: Iterable[Contract]) -> list[Exchange]:
        """Ask in groups: a server that hangs is noticed after the first, and left alone."""
        wanted = list(contracts)
        found: list[Exchange] = []
        for start in range(0, len(wanted), GROUP):
            if self._hung:
                break
            found += self._send(wanted[start : start + GROUP])
            silent = any(e.trouble.startswith(SILENT) for e in found[start:])
            if silent and len(wanted) > GROUP:
                self.ask_now(LAST)
        self._answered = self._answered or any(e.status is not None for e in found)
        return found

    def _hunt(self, name: str, make: Make, judge: Judgement) -> Iterator[Wrong]:
        from pytest_byom.conformance.fuzz import drawing, searching

        count = self.settings.examples
        strategy = getattr(drawing, name)(self.has)
        seed = f"{self.settings.seed}:{name}"
        drawn = searching.draw_values(strategy, count=count, seed=seed)
        contracts = {contract.id: contract for contract in map(make, drawn)}
        tally = Tally()
        for exchange in self._ask_all(contracts.values()):
            tally.add(exchange, judge)
        tally.stopped = tally.stopped or self._hung
        if not tally.wrongs:
            tally.conclude(len(contracts))
        budget = Budget(count * SHRINKS, asked=set(contracts))
        for key in list(dict.fromkeys(kind_of(w) for _, w in tally.wrongs))[:KINDS]:
            failing = [(e, w) for e, w in tally.wrongs if kind_of(w) == key]

            def fails(value: Any, key: str = key, failing: Any = failing) -> bool:
                return self._fails(make(value), judge, key, failing, budget)

            if all(exchange.status is not None for exchange, _ in failing):
                searching.search(strategy, fails, count=count, seed=seed)
            yield self.smallest(failing)

    def _fails(
        self,
        contract: Contract,
        judge: Judgement,
        key: str,
        failing: list[tuple[Exchange, Wrong]],
        budget: Budget,
    ) -> bool:
        """Whether a request fails in the same way; it is then one of `failing`."""
        budget.spend(contract.id)
        tally = Tally()
        tally.add(self.ask(contract), judge)
        found = [(e, w) for e, w in tally.wrongs if kind_of(w) == key]
        failing += found[:1]
        return bool(found)

    def smallest(self, failing: list[tuple[Exchange, Wrong]]) -> Wrong:
        """Return the finding of the smallest request; the others leave the traffic."""
        best, wrong = min(failing, key=lambda found: (len(found[0].sent.body), found[0].sent.body))
        self._keep_only(best, [exchange for exchange, _ in failing])
        return wrong

    def _keep_only(self, best: Exchange, failing: Iterable[Exchange]) -> None:
        self.failures.add(best.contract.id)
        self._forget({exchange.contract.id for exchange in failing} - self.failures)


def _make_broken(drawn: Any) -> Contract:
    if isinstance(drawn.body, bytes):
        return make_body(drawn.body, drawn.why, tolerated=drawn.tolerated)
    return make_broken(drawn.body, drawn.why)
