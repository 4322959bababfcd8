"""Fetches the exchanges of a plan in the background, each once for all checks."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from pytest_byom.conformance.company import Company
from pytest_byom.conformance.exchange import NOT_ASKED, Exchange, Sent
from pytest_byom.conformance.finding import Inconclusive
from pytest_byom.conformance.sending import Aim, build_request
from pytest_byom.conformance.spending import Spending
from pytest_byom.conformance.transport import REFUSED, SILENT, Transport
from pytest_byom.contract import Contract, load_contract

if TYPE_CHECKING:
    from pytest_byom.registry import Limits

TROUBLES_IN_A_ROW = 3
"""After so many exchanges in a row without an answer the server counts as gone."""


class Asker:
    """Asks one endpoint, on a thread of its own.

    `plan` starts to fetch contracts and returns at once; `ask` waits for one of them (and fetches
    it, if nobody planned it); `traffic` waits for all. Where the server went away or a limit is
    used up, an exchange comes without an answer, and its `trouble` says why.
    """

    def __init__(
        self,
        aim: Aim,
        limits: Limits,
        *,
        load: Callable[[str], Contract] = load_contract,
        spending: Spending | None = None,
    ) -> None:
        self.aim = aim
        self.gone = ""
        self.spending = spending or Spending(limits)
        self._limits = limits
        self._load_file = load
        self._made: dict[str, Contract] = {}
        self._fetches: dict[str, Future[Exchange]] = {}
        self._done: list[Exchange] = []
        self._troubles = 0
        self._next_slot = 0.0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="byom-asker", daemon=True)
        self._thread.start()
        self._ready.wait()

    def plan(self, ids: Iterable[str]) -> None:
        """Start to fetch the exchanges of these contracts, those that want to be alone last.

        Those of several requests go first: begun at the end, they would keep one slot alone busy.
        """
        found = sorted(map(self._load, ids), key=lambda one: (one.alone, -one.requests))
        for contract in found:
            self._fetch(contract.id)

    def keep(self, exchange: Exchange) -> None:
        """Take an exchange that was fetched before as the one of its contract."""
        fetch: Future[Exchange] = Future()
        fetch.set_result(exchange)
        self._fetches[exchange.contract.id] = fetch
        self._done.append(exchange)
        self.spending.request()

    def ask(self, id: str) -> Exchange:
        """Return the exchange of a contract, waiting for it."""
        return self._fetch(id).result()

    def send(self, contracts: Iterable[Contract]) -> list[Exchange]:
        """Return the exchanges of contracts that no file holds, each asked once by its id."""
        wanted = list(contracts)
        self.know(wanted)
        fetches = [self._fetch(id) for id in dict.fromkeys(contract.id for contract in wanted)]
        return [fetch.result() for fetch in fetches]

    def know(self, contracts: Iterable[Contract]) -> None:
        """Take contracts that no file holds, for others that are sent after them."""
        self._made |= {contract.id: contract for contract in contracts}

    def forget(self, ids: Iterable[str]) -> None:
        """Take the exchanges of these contracts out of the traffic."""
        left_out = set(ids)
        self._done = [exchange for exchange in self._done if exchange.contract.id not in left_out]

    def traffic(self) -> list[Exchange]:
        """Wait for all that is under way and return every exchange so far, in order of answer."""
        for fetch in list(self._fetches.values()):
            fetch.result()
        return list(self._done)

    def _load(self, id: str) -> Contract:
        return self._made[id] if id in self._made else self._load_file(id)

    def close(self) -> None:
        """Stop asking: what is under way is dropped."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(timeout=5)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        self._slots = asyncio.Semaphore(self._limits.concurrency)
        self._alone = asyncio.Lock()
        self._tasks: dict[str, asyncio.Task[Exchange]] = {}
        connections = self._limits.concurrency + 1
        async with Transport(timeout=self._limits.timeout, connections=connections) as transport:
            self._transport = transport
            self._ready.set()
            await self._stop.wait()
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _fetch(self, id: str) -> Future[Exchange]:
        if id not in self._fetches:
            contract = self._load(id)
            if contract.follows:
                self._fetch(contract.follows)
            self._fetches[id] = asyncio.run_coroutine_threadsafe(self._start(contract), self._loop)
        return self._fetches[id]

    async def _start(self, contract: Contract) -> Exchange:
        task = asyncio.ensure_future(self._exchange(contract))
        self._tasks[contract.id] = task
        exchange = await task
        self._done.append(exchange)
        return exchange

    async def _exchange(self, contract: Contract) -> Exchange:
        answer = None
        if contract.follows:
            answer = await asyncio.wrap_future(self._fetches[contract.follows])
        try:
            sent = build_request(contract, self.aim, answer=answer)
        except Inconclusive as reason:
            return Exchange(contract, Sent("", "", (), b""), trouble=f"{NOT_ASKED}{reason}")
        if not contract.alone:
            async with self._slots:
                return await self._confirmed(contract, sent)
        others = [task for id, task in self._tasks.items() if not self._load(id).alone]
        await asyncio.gather(*others, return_exceptions=True)
        async with self._alone:
            return await self._confirmed(contract, sent)

    async def _confirmed(self, contract: Contract, sent: Sent) -> Exchange:
        """Ask; ask again at once if no answer came, so that one lost packet is no finding."""
        if reason := self._refusal(contract.requests):
            return Exchange(contract, sent, trouble=f"{NOT_ASKED}{reason}")
        exchange = await self._ask(contract, sent)
        if any(_may_be_chance(one) for one in (exchange, *exchange.company)):
            exchange = await self._ask(contract, sent)
        self._note(exchange)
        for other in exchange.company:
            self.spending.answer(other)
        return exchange

    async def _ask(self, contract: Contract, sent: Sent) -> Exchange:
        if contract.requests == 1:
            return await self._send(contract, sent, self._transport)
        limits = self._limits
        company = Company(contract, self._load, self._send_new, limits.timeout, limits.concurrency)
        return await company.ask()

    async def _send_new(
        self,
        contract: Contract,
        transport: Transport,
        *,
        number: int = 1,
        under_way: asyncio.Event | None = None,
    ) -> Exchange:
        sent = build_request(contract, self.aim, number=number)
        return await self._send(contract, sent, transport, under_way)

    async def _send(
        self,
        contract: Contract,
        sent: Sent,
        transport: Transport,
        under_way: asyncio.Event | None = None,
    ) -> Exchange:
        if self._limits.per_second:
            now = time.monotonic()
            self._next_slot = max(self._next_slot, now) + 1 / self._limits.per_second
            await asyncio.sleep(self._next_slot - 1 / self._limits.per_second - now)
        self.spending.request()
        return await transport.send(contract, sent, under_way=under_way)

    def _refusal(self, requests: int) -> str:
        if self.gone:
            return f"the server went away ({self.gone})"
        return self.spending.refusal(requests=requests)

    def _note(self, exchange: Exchange) -> None:
        self.spending.answer(exchange)
        if exchange.contract.id in self._made and exchange.trouble.startswith(SILENT):
            return  # whoever made the request finds out whether it was the request
        self._troubles = self._troubles + 1 if exchange.status is None else 0
        refused = exchange.trouble.startswith(REFUSED)
        if refused or self._troubles >= TROUBLES_IN_A_ROW:
            self.gone = self.gone or exchange.trouble


def _may_be_chance(exchange: Exchange) -> bool:
    """Whether one lost packet explains what happened."""
    return bool(exchange.trouble) and not exchange.trouble.startswith(SILENT)


Ask = Callable[[str], Exchange]
"""What a check is given: from a contract id to its exchange."""
