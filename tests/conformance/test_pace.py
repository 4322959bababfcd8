"""With several requests at once a run takes little more than its answers do: nobody idles.

Time is virtual here: a transport answers whichever request ends first, and moves the clock on.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import threading
from typing import TYPE_CHECKING

import pytest

from pytest_byom.conformance import asking, company
from pytest_byom.conformance.asking import Asker
from pytest_byom.conformance.catalogue import all_checks
from pytest_byom.conformance.plan import FIRST, make_plan
from pytest_byom.conformance.profiles import Profile, selector
from pytest_byom.conformance.sending import Aim
from pytest_byom.registry import Limits

from .making import HELLO, make_exchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_byom.conformance.exchange import Exchange, Sent
    from pytest_byom.contract import Contract

CONCURRENCY = 4
LONGEST = 64
"""Tokens of an answer, whatever the limit."""
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
TEXT = "The old harbour town"
ANSWER = {
    **HELLO,
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": TEXT, "tool_calls": [CALL]},
            "finish_reason": "stop",
        }
    ],
}
"""An answer with everything that a request which follows it may take up."""


class VirtualTransport:
    """Answers requests in the order in which they would end, on a clock of its own."""

    def __init__(self, seconds: Callable[[Contract], float], planned: threading.Event) -> None:
        self.now = 0.0
        self.sum = 0.0
        self.most = 0
        self._seconds = seconds
        self._planned = planned
        self._users = 0
        self._running: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    async def __aenter__(self) -> VirtualTransport:
        self._users += 1
        if self._users == 1:
            self._ticking = asyncio.ensure_future(self._tick())
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._users -= 1
        if self._users == 0:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking

    async def send(
        self, contract: Contract, sent: Sent, *, under_way: asyncio.Event | None = None
    ) -> Exchange:
        """Answer a request when its time has come."""
        seconds = self._seconds(contract)
        self.sum += seconds
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._running, (self.now + seconds, next(self._numbers), done))
        self.most = max(self.most, len(self._running))
        await done
        return make_exchange(ANSWER, contract=contract, sent=sent)

    async def _tick(self) -> None:
        while True:
            for _ in range(30):  # whoever may send does so before time goes on
                await asyncio.sleep(0)
            if self._running and self._planned.is_set():
                self.now, _, done = heapq.heappop(self._running)
                done.set_result(None)
            else:
                await asyncio.sleep(0.001)


def one_second(contract: Contract) -> float:
    """Answer whatever is said in the same time."""
    return 1.0 if contract.is_chat else 0.05


def by_tokens(contract: Contract) -> float:
    """Answer a list at once, a refusal soon, and a text the later the longer it may be."""
    body = contract.request.body
    if not contract.is_chat or contract.kind == "broken" or not isinstance(body, dict):
        return 0.05
    said = contract.request.close_after_events or body.get("max_tokens") or 32
    said = said if isinstance(said, int) else 32  # "${number}", which each request fills in
    return 0.3 + 0.05 * min(said, LONGEST) * (body.get("n") or 1)


@pytest.mark.parametrize("profile", [Profile.STANDARD, Profile.FULL])
@pytest.mark.parametrize("seconds", [one_second, by_tokens])
def test_nobody_idles(
    seconds: Callable[[Contract], float], profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With four at once a run takes at most 1.2 times the sum of its answers' times over 4.

    That is with the first answers, which the others wait for, and with what is asked alone.
    """
    plan = make_plan(filter(selector(profile), all_checks().values()), {})
    planned = threading.Event()
    transport = VirtualTransport(seconds, planned)
    for module in (asking, company):
        monkeypatch.setattr(module, "Transport", lambda **options: transport)
    asker = Asker(Aim(base_url="http://a/v1", model="m"), Limits(concurrency=CONCURRENCY))
    try:
        planned.set()
        for id in FIRST:
            asker.ask(id)
        planned.clear()
        asker.plan(plan.contracts)
        planned.set()
        traffic = asker.traffic()
    finally:
        asker.close()
    asked = [e for e in traffic if not e.trouble.startswith("not asked")]
    assert {exchange.status for exchange in asked} == {200}
    assert len(asked) > 100
    assert len(traffic) == len(plan.contracts)
    assert transport.most >= CONCURRENCY
    assert transport.now <= 1.2 * transport.sum / CONCURRENCY
