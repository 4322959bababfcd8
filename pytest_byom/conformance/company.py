"""Requests that a contract sends with its own: before it on one connection, or at the same time."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pytest_byom.conformance.transport import Transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.contract import Contract

HALF_SENT_SECONDS = 5.0
"""How long to wait for half a body to go out: a server may answer before it has read it."""


class Send(Protocol):
    """Sends one request of a contract over a transport, and counts it."""

    async def __call__(
        self,
        contract: Contract,
        transport: Transport,
        *,
        number: int = 1,
        under_way: asyncio.Event | None = None,
    ) -> Exchange:
        """Return the exchange."""


@dataclass(frozen=True)
class Company:
    """A contract with what goes before and beside it, on connections of their own.

    `at_once` is how many requests may be under way at the same time.
    """

    contract: Contract
    load: Callable[[str], Contract]
    send: Send
    timeout: float
    at_once: int

    async def ask(self) -> Exchange:
        """Ask all of it and return the contract's first exchange, the others as its company."""
        beside = [self.load(id) for id in self.contract.beside]
        halves = [contract for contract in beside if contract.request.sending == "half"]
        others = [contract for contract in beside if contract not in halves]
        width = self.contract.times + len(others)
        if not self.contract.flood:
            width = max(1, min(self.at_once, width))
        async with Transport(timeout=self.timeout, connections=width + len(halves)) as transport:
            before = [await self.send(self.load(id), transport) for id in self.contract.before]
            async with self._held(halves, transport):
                first, *rest = await self._at_once(others, transport, width)
        first.company = (*before, *rest)
        return first

    async def _at_once(
        self, others: list[Contract], transport: Transport, width: int
    ) -> list[Exchange]:
        slots = asyncio.Semaphore(width)

        async def send(contract: Contract, number: int) -> Exchange:
            async with slots:
                return await self.send(contract, transport, number=number)

        own = ((self.contract, number) for number in range(1, self.contract.times + 1))
        mixed = itertools.zip_longest(own, ((other, 1) for other in others))
        return await asyncio.gather(*(send(*one) for pair in mixed for one in pair if one))

    @asynccontextmanager
    async def _held(self, halves: list[Contract], transport: Transport) -> AsyncIterator[None]:
        """Keep requests open of which half the body was sent."""
        tasks: list[asyncio.Task[object]] = []
        try:
            for half in halves:
                under_way = asyncio.Event()
                waiting = asyncio.ensure_future(under_way.wait())
                sending = asyncio.ensure_future(self.send(half, transport, under_way=under_way))
                tasks += [waiting, sending]
                await asyncio.wait(
                    {waiting, sending}, timeout=HALF_SENT_SECONDS, return_when="FIRST_COMPLETED"
                )
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
