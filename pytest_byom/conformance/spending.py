"""What a run has spent at an endpoint, held against the limits of the registry."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import TYPE_CHECKING

from pytest_byom.client.usage import Usage, cost_of, read_usage
from pytest_byom.conformance.exchange import Exchange, dig
from pytest_byom.conformance.finding import Inconclusive
from pytest_byom.conformance.views import ChunkStream

if TYPE_CHECKING:
    from pytest_byom.client.models import CustomModel
    from pytest_byom.registry import Limits


class Spending:
    """Counts requests, tokens and money; `model` has the prices, if they are known."""

    def __init__(self, limits: Limits, *, model: CustomModel | None = None) -> None:
        self.requests = 0
        self.tokens = 0
        self.cost = Decimal(0)
        self._limits = limits
        self._model = model
        self._lock = threading.Lock()

    def request(self) -> None:
        """Count a request that is sent."""
        self.requests += 1

    def answer(self, exchange: Exchange) -> None:
        """Count what an answer cost, as far as it says so."""
        usage = usage_of(exchange)
        if usage is None:
            return
        with self._lock:
            self.tokens += usage.total_tokens
            if self._model is not None and (cost := cost_of(usage, self._model)):
                self.cost += cost.amount

    def refusal(self, *, requests: int = 1) -> str:
        """Return which limit leaves no room for so many requests, in words, or an empty text."""
        limits = self._limits
        if limits.requests is not None and self.requests + requests > limits.requests:
            return f"the limit of {limits.requests} requests is used up"
        if limits.tokens is not None and self.tokens >= limits.tokens:
            return f"the limit of {limits.tokens} tokens is used up"
        if limits.cost is not None and self.cost >= Decimal(str(limits.cost)):
            return f"the limit of {limits.cost:g} in cost is used up"
        return ""


def usage_of(exchange: Exchange) -> Usage | None:
    """Return the usage of a plain or a streamed answer.

    A stream without any counts a token for each chunk, so that a limit holds all the same.
    """
    if exchange.status != 200 or not exchange.contract.is_chat:
        return None
    stream = ChunkStream.of(exchange)
    if stream is None:
        try:
            return read_usage(dig(exchange.json, "usage"))
        except Inconclusive:
            return None
    given = [read_usage(usage) for _, usage in stream.usages]
    return given[-1] if given else Usage(total_tokens=len(stream.chunks))
