"""The one place that touches an HTTP library: httpx or httpx2, whichever the client is of.

Only what the two share is used, and exceptions are told apart by the names of their classes.
Neither is imported before a client is made. What is written twice here, with and without `await`,
is one step of a dialogue each, and nothing else.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pytest_byom.client.dialogue import Close, Drain, Head, Read, Send, Summarise, Wait
from pytest_byom.client.errors import (
    BadAnswer,
    ConnectFailed,
    ConnectionLost,
    NetworkError,
    TimedOut,
    UsageError,
)

if TYPE_CHECKING:
    from pytest_byom.client.dialogue import Step
    from pytest_byom.client.timeouts import Timeouts

_TIMEOUTS = ("ConnectTimeout", "PoolTimeout", "ReadTimeout", "WriteTimeout")
_OURS = ("UnsupportedProtocol", "InvalidURL", "LocalProtocolError", "CookieConflict")
_DRAIN_SECONDS = 1.0
_UNREADABLE = ("DecodingError", "TooManyRedirects")


def make_client(*, asynchronous: bool) -> Any:
    """A client with httpx's own settings; it costs 30 ms, so it is made when first needed."""
    import httpx

    return httpx.AsyncClient() if asynchronous else httpx.Client()


def check_client(client: Any, *, asynchronous: bool) -> Any:
    """Refuse at the door what is no client of the right kind."""
    names = {base.__name__ for base in type(client).__mro__}
    wanted, other = ("AsyncClient", "Client") if asynchronous else ("Client", "AsyncClient")
    if other in names and wanted not in names:
        raise UsageError(
            f"{'AsyncLLM' if asynchronous else 'LLM'} needs an http_client that is an httpx or "
            f"httpx2 {wanted}, not an {other}"
        )
    if not callable(getattr(client, "build_request", None)):
        raise UsageError(f"http_client must be a client of httpx or httpx2, not {client!r:.100}")
    return client


@lru_cache(maxsize=16)
def _parsed(kind: Any, url: str) -> Any:
    """A URL in the library's own form: parsing it takes as long as writing the request."""
    return kind(url)


class Wire:
    """What the sync and the async wire share: one answer being read, and its clock."""

    def __init__(self, client: Any, timeouts: Timeouts, endpoint: str) -> None:
        self._client = client
        self._url_class: Any = type(client.base_url)
        self._timeouts = timeouts
        self._endpoint = endpoint
        self._is_bounded = timeouts.whole is not None
        self._deadline = time.monotonic() + (timeouts.whole or float("inf"))
        self._response: Any = None
        self._request: Any = None
        self._chunks: Any = iter(())

    def _left(self) -> float:
        return self._deadline - time.monotonic()

    def _build(self, step: Send) -> Any:
        limits = self._timeouts
        left = self._left()
        connect = limits.silence(limits.connect, left=left)
        read = limits.silence(limits.first_byte, left=left)
        request = step.request
        self._request = self._client.build_request(
            request.method,
            _parsed(self._url_class, request.url),
            headers=dict(request.headers),
            content=request.content or None,
            timeout=(connect, read, read, connect),
        )
        return self._request

    def _open(self, response: Any) -> Head:
        self._response = response
        headers = {name.lower(): value for name, value in response.headers.items()}
        # The read timeout is taken from here when the body begins: from now on it is `idle`.
        limits = self._request.extensions.get("timeout")
        if isinstance(limits, dict):
            limits["read"] = self._timeouts.silence(self._timeouts.idle, left=self._left())
        if response.is_stream_consumed:  # a mock that came whole, and decoded
            headers.pop("content-encoding", None)
        return Head(response.status_code, headers)

    def _whole_is_over(self) -> NetworkError | None:
        whole = self._timeouts.whole
        if whole is None or self._left() > 0:
            return None
        return TimedOut(
            f"{self._endpoint} did not answer as a whole within {whole:g} s",
            limit="whole",
            endpoint=self._endpoint,
        )

    def _translate(self, error: Exception, *, reading: bool) -> NetworkError:
        """An exception of the library as a value; raises what is not the network's fault."""
        late = self._whole_is_over()
        names = [base.__name__ for base in type(error).__mro__]
        where = self._endpoint
        if late and "TimeoutException" in names:
            return late
        for name in _TIMEOUTS:
            if name in names:
                return self._timed_out(name, reading=reading)
        if "ConnectError" in names or "ProxyError" in names:
            return ConnectFailed(f"no connection to {where}: {_said(error)}", endpoint=where)
        if any(name in names for name in _OURS):
            raise UsageError(f"the request to {where} cannot be sent ({names[0]})") from None
        if any(name in names for name in _UNREADABLE):
            message = f"the answer of {where} cannot be decoded: {_said(error)}"
            raise BadAnswer(message, endpoint=where) from None
        if "TransportError" in names or "StreamError" in names or isinstance(error, OSError):
            what = "while the answer was read" if reading else "before an answer came"
            return ConnectionLost(
                f"the connection to {where} broke {what}: {_said(error)}", endpoint=where
            )
        if isinstance(error, RuntimeError) and "closed" in str(error):
            raise UsageError("the http_client is closed") from None
        raise error

    def _timed_out(self, name: str, *, reading: bool) -> TimedOut:
        where, limits = self._endpoint, self._timeouts
        if name in ("ConnectTimeout", "PoolTimeout"):
            limit, seconds, what = "connect", limits.connect, "no connection to {}"
        elif reading:
            limit, seconds, what = "idle", limits.idle, "{} sent nothing more"
        else:
            limit, seconds, what = "first_byte", limits.first_byte, "{} did not begin to answer"
        within = f" within {seconds:g} s" if seconds else ""
        return TimedOut(f"{what.format(where)}{within} ({limit})", limit=limit, endpoint=where)


class SyncWire(Wire):
    """Performs the steps of one dialogue."""

    def perform(self, step: Step) -> Any:
        """Do what a step says and give back what became of it."""
        if isinstance(step, Read):
            try:
                late = self._whole_is_over() if self._is_bounded else None
                return late or next(self._chunks, b"")
            except Exception as error:
                return self._translate(error, reading=True)
        if isinstance(step, Send):
            try:
                response = self._client.send(self._build(step), stream=True)
            except Exception as error:
                return self._translate(error, reading=False)
            head = self._open(response)
            consumed = response.is_stream_consumed
            # Not iter_raw, which does for each chunk what nobody reads here: 5 % of a stream.
            self._chunks = iter([response.content]) if consumed else iter(response.stream)
            return head
        if isinstance(step, Drain):
            return _dropped(self.perform(Read()))
        if isinstance(step, Wait):
            return time.sleep(step.seconds)
        if isinstance(step, Summarise):
            return step.llm.send_messages(step.messages).content
        return self.close() if isinstance(step, Close) else None

    def close(self) -> None:
        """Close the answer; an answer that was read to its end leaves its connection open."""
        response, self._response = self._response, None
        self._chunks = iter(())
        if response is not None:
            response.close()


class AsyncWire(Wire):
    """Performs the steps of one dialogue, for asyncio."""

    async def perform(self, step: Step) -> Any:
        """Do what a step says and give back what became of it."""
        if isinstance(step, Read):
            try:
                late = self._whole_is_over() if self._is_bounded else None
                return late or await anext(self._chunks, b"")
            except Exception as error:
                return self._translate(error, reading=True)
        if isinstance(step, Send):
            try:
                response = await self._client.send(self._build(step), stream=True)
            except Exception as error:
                return self._translate(error, reading=False)
            head = self._open(response)
            consumed = response.is_stream_consumed
            self._chunks = _one(response.content) if consumed else aiter(response.stream)
            return head
        if isinstance(step, Drain):
            with suppress(TimeoutError):
                async with asyncio.timeout(_DRAIN_SECONDS):
                    return _dropped(await self.perform(Read()))
        if isinstance(step, Wait):
            return await asyncio.sleep(step.seconds)
        if isinstance(step, Summarise):
            answer = step.llm.send_messages(step.messages)
            return (await answer if inspect.isawaitable(answer) else answer).content
        return await self.close() if isinstance(step, Close) else None

    async def close(self) -> None:
        """Close the answer; an answer that was read to its end leaves its connection open."""
        response, self._response = self._response, None
        self._chunks = _one(b"")
        if response is not None:
            await response.aclose()


def _dropped(outcome: object) -> None:
    """The answer is complete and delivered: what comes after it is of no interest."""


async def _one(content: bytes) -> Any:
    if content:
        yield content


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
