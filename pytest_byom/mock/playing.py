"""Plays an answer to a client in this process: as its own library's response, or its own error.

The two libraries, httpx and httpx2, have the same names; whatever is made here is made of the one
that the client uses, so that its `except` clauses catch it.
"""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

from pytest_byom.mock.answer import Answer, Cut, Pause, outlasts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from types import ModuleType

    from pytest_byom.mock.log import Served

ERRORS = {
    "connect timeout": ("ConnectTimeout", "timed out while connecting"),
    "read timeout": ("ReadTimeout", "timed out while waiting for the answer"),
    "write timeout": ("WriteTimeout", "timed out while sending the request"),
    "pool timeout": ("PoolTimeout", "timed out while waiting for a connection"),
    "refused": ("ConnectError", "[Errno 111] Connection refused"),
    "reset": ("ReadError", "[Errno 104] Connection reset by peer"),
    "closed": ("RemoteProtocolError", "Server disconnected without sending a response."),
}
CUT = (
    "RemoteProtocolError",
    "peer closed connection without sending complete message body (incomplete chunked read)",
)


class Player:
    """Plays one answer for one client, sync or async."""

    def __init__(self, library: ModuleType, request: Any, served: Served) -> None:
        self._library = library
        self._request = request
        self._served = served

    @property
    def _limit(self) -> float | None:
        """How long the client waits for a byte."""
        timeout: Mapping[str, float | None] = self._request.extensions.get("timeout") or {}
        return timeout.get("read")

    def _fail(self, name: str, message: str) -> Exception:
        made: Exception = getattr(self._library, name)(message, request=self._request)
        return made

    def _wait(self, pause: Pause) -> float:
        """Return the seconds to sleep. Raises what a client raises that does not wait so long."""
        if outlasts(pause, self._limit):
            if pause.real and self._limit is not None:
                return self._limit
            raise self._fail(*ERRORS["read timeout"])
        return pause.seconds if pause.real else 0.0

    def respond(self) -> Any:
        """Return the response to a sync client."""
        if (delay := self._begin()) is not None and (seconds := self._wait(delay)):
            time.sleep(seconds)
            self._give_up(delay)
        return self._response()

    async def respond_async(self) -> Any:
        """Return the response to an async client."""
        if (delay := self._begin()) is not None and (seconds := self._wait(delay)):
            await _sleep(seconds)
            self._give_up(delay)
        return self._response()

    def _begin(self) -> Pause | None:
        """Return the silence before the answer. Raises if there is to be none."""
        answer = self._served.answer
        if answer.trouble is not None:
            raise self._fail(*ERRORS[answer.trouble])
        return answer.delay

    def _give_up(self, pause: Pause) -> None:
        """Raise after a real pause that the client did not sit out."""
        if outlasts(pause, self._limit):
            raise self._fail(*ERRORS["read timeout"])

    def _response(self) -> Any:
        answer: Answer = self._served.answer
        if isinstance(answer.body, bytes):
            headers = [*answer.headers, ("content-length", str(len(answer.body)))]
            stream = self._library.ByteStream(answer.body)
            self._served.finished = True
        else:
            headers = [*answer.headers, ("transfer-encoding", "chunked")]
            stream = _stream_class(self._library)(self)
            self._served.finished = False
        return self._library.Response(
            answer.status,
            headers=headers,
            stream=stream,
            extensions={"http_version": b"HTTP/1.1"},
        )

    def plain_steps(self) -> tuple[bytes, ...]:
        """Return the bytes of a body, if it is sent to its end and nothing stands between them."""
        body = self._served.answer.body
        steps = body if isinstance(body, tuple) else (body,)
        plain = tuple([step for step in steps if type(step) is bytes])
        return plain if len(plain) == len(steps) else ()

    def finish(self) -> None:
        """Note that the client has read all."""
        self._served.finished = True

    def steps(self) -> Iterator[bytes | Pause]:
        """Yield bytes and real pauses. Raises where the connection ends before its time."""
        body = self._served.answer.body
        steps = body if isinstance(body, tuple) else (body,)
        for step in steps:
            match step:
                case bytes():
                    yield step
                case Pause():
                    seconds = self._wait(step)
                    if seconds:
                        yield Pause(seconds, real=True)
                        self._give_up(step)
                case Cut():
                    raise self._fail(*CUT)
        self._served.finished = True


@functools.cache
def _stream_class(library: ModuleType) -> Any:
    """Return the class of a body that is played, as a stream of this library."""

    class PlayedStream(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc,name-defined]  # one of two modules
        """The body of an answer, step by step."""

        def __init__(self, player: Player) -> None:
            self._player = player

        def __iter__(self) -> Iterator[bytes]:
            if plain := self._player.plain_steps():
                yield from plain
                self._player.finish()
                return
            for step in self._player.steps():
                if isinstance(step, bytes):
                    yield step
                else:
                    time.sleep(step.seconds)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for step in self._player.steps():
                if isinstance(step, bytes):
                    yield step
                else:
                    await _sleep(step.seconds)

        def close(self) -> None:
            """Nothing is open."""

        async def aclose(self) -> None:
            """Nothing is open."""

    return PlayedStream


async def _sleep(seconds: float) -> None:
    """Wait under asyncio or trio: whichever the client runs under."""
    import anyio

    await anyio.sleep(seconds)
