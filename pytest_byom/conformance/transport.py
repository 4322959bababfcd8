"""The suite's one way to the network: a request out, raw bytes with arrival times back."""

from __future__ import annotations

import asyncio
import functools
import time
from typing import TYPE_CHECKING

import httpx

from pytest_byom.client.sse import SSEDecoder
from pytest_byom.conformance.exchange import Exchange, Sent

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from pytest_byom.contract import Contract

SIZE_LIMIT = 16 * 1024 * 1024
"""More than any chat completion needs; protects the run from an endless answer."""

CONNECT_TIMEOUT = 5.0
REFUSED = "no connection"
SILENT = "no answer"


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Return what servers are verified with: it takes longer to read than many a request."""
    return httpx.create_ssl_context(trust_env=False)


class _Left(Exception):
    """The client leaves before an answer came."""


class Transport:
    """Sends requests over one pool of connections; an asynchronous context manager.

    `timeout` is how many seconds without a byte are borne.
    """

    def __init__(self, *, timeout: float, connections: int) -> None:
        self.timeout = timeout
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(timeout, connect=CONNECT_TIMEOUT),
            limits=limits,
            trust_env=False,
            verify=_certificates(),
        )

    async def __aenter__(self) -> Transport:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._client.aclose()

    async def send(
        self, contract: Contract, sent: Sent, *, under_way: asyncio.Event | None = None
    ) -> Exchange:
        """Send a request and return the exchange; a transport error is part of it.

        `under_way` is set once the first half of a body is sent that is sent in pieces.
        """
        exchange = Exchange(contract, sent)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(max(60.0, 4 * self.timeout)):
                await self._receive(exchange, started, under_way or asyncio.Event())
        except _Left:
            exchange.closed_early = True
        except TimeoutError:
            exchange.trouble = f"{SILENT}: it did not end within {max(60.0, 4 * self.timeout):g} s"
        except httpx.ReadTimeout:
            exchange.trouble = f"{SILENT}: not a byte for {self.timeout:g} s"
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            exchange.trouble = f"{REFUSED}: {error or 'time ran out'}"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            exchange.trouble = f"{type(error).__name__}: {error}"
        exchange.elapsed = (time.perf_counter() - started) * 1000
        return exchange

    def _request(self, exchange: Exchange, under_way: asyncio.Event) -> httpx.Request:
        sent, how = exchange.sent, exchange.contract.request
        headers = list(sent.headers)
        content: bytes | AsyncIterator[bytes] | None = sent.body or None
        if how.sending != "whole":
            content = _in_halves(sent.body, under_way, whole=how.sending == "chunked")
        if how.sending == "half":
            headers.append(("content-length", str(len(sent.body))))
        request = httpx.Request(sent.method, sent.url, headers=headers, content=content)
        request.extensions["timeout"] = self._client.timeout.as_dict()

        async def trace(event: str, _: object) -> None:
            if event == "connection.connect_tcp.started":
                exchange.connected = True
            elif event == "http11.send_request_body.complete" and how.close_after_events == 0:
                raise _Left

        request.extensions["trace"] = trace
        return request

    async def _receive(self, exchange: Exchange, started: float, under_way: asyncio.Event) -> None:
        response = await self._client.send(self._request(exchange, under_way), stream=True)
        exchange.status = response.status_code
        exchange.version = response.http_version
        exchange.headers = tuple((name.lower(), value) for name, value in response.headers.items())
        pieces: list[bytes] = []
        arrivals: list[tuple[float, int]] = []
        size = 0
        events_left = exchange.contract.request.close_after_events
        decoder = SSEDecoder()
        try:
            async for piece in response.aiter_raw():
                pieces.append(piece)
                arrivals.append(((time.perf_counter() - started) * 1000, len(piece)))
                size += len(piece)
                if len(pieces) == 1:
                    await asyncio.sleep(exchange.contract.request.pause)
                if size > SIZE_LIMIT:
                    exchange.trouble = f"the answer is longer than {SIZE_LIMIT} bytes"
                    break
                if events_left is not None:
                    coded = response.headers.get("content-encoding", "identity") != "identity"
                    events_left -= events_left if coded else len(decoder.feed(piece))
                    if events_left <= 0:
                        exchange.closed_early = True
                        break
        finally:
            exchange.raw = b"".join(pieces)
            exchange.arrivals = tuple(arrivals)
            await response.aclose()


async def _in_halves(body: bytes, under_way: asyncio.Event, *, whole: bool) -> AsyncIterator[bytes]:
    """Yield a body in two pieces; without `whole` the second one never comes."""
    middle = len(body) // 2
    yield body[:middle]
    under_way.set()
    if not whole:
        await asyncio.get_running_loop().create_future()
    yield body[middle:]
