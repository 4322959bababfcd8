"""A stream that is being read, sync or async."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Self

from pytest_byom.client.dialogue import Emit
from pytest_byom.client.errors import BrokenStream, BYOMError
from pytest_byom.client.events import StreamComplete, StreamError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator

    from pytest_byom.client.dialogue import Step
    from pytest_byom.client.events import Event
    from pytest_byom.client.http import AsyncWire, SyncWire
    from pytest_byom.client.response import Response


_ENDS = (StreamComplete, StreamError)


class StreamCore:
    """What both streams share: the dialogue, the events that wait, and the end."""

    def __init__(self, dialogue: Generator[Step, Any, None]) -> None:
        self._dialogue = dialogue
        self._waiting: deque[Event] = deque()
        self._last: StreamComplete | StreamError | None = None

    def _step(self, outcome: Any, *, error: BYOMError | None = None) -> Step | None:
        """The next step to perform; None if there are events to read, or at the end."""
        try:
            step = self._dialogue.throw(error) if error else self._dialogue.send(outcome)
        except StopIteration:
            return None
        if not isinstance(step, Emit):
            return step
        self._waiting += step.events
        last = step.events[-1]
        if isinstance(last, _ENDS):
            self._last = last
        return None

    def _result(self) -> Response:
        """The response that the stream ended with; raises the error if it ended with one."""
        if isinstance(self._last, StreamError):
            raise self._last.error
        if self._last is None:
            raise BrokenStream("the stream was closed before its end")
        return self._last.response


class Stream(StreamCore):
    """The events of one answer, as they come.

    Use it in a `with` block: leaving the block closes the connection. Each event is given once.
    """

    def __init__(
        self, dialogue: Generator[Step, Any, None], open_wire: Callable[[], SyncWire]
    ) -> None:
        super().__init__(dialogue)
        self._open_wire = open_wire
        self._wire: SyncWire | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            self._advance()
            if not self._waiting:
                return

    def text(self) -> str:
        """Read to the end and give back the whole text; raises the error if there is one."""
        return self.response().content

    def response(self) -> Response:
        """Read to the end and give back the response; raises the error if there is one."""
        for _ in self:
            pass
        return self._result()

    def close(self) -> None:
        """Close the connection; whatever has not been read is dropped."""
        self._dialogue.close()
        if self._wire is not None:
            self._wire.close()

    def _advance(self) -> None:
        if self._wire is None:
            self._wire = self._open_wire()
        step = self._step(None)
        while step is not None:
            try:
                outcome = self._wire.perform(step)
            except BYOMError as error:
                step = self._step(None, error=error)
            else:
                step = self._step(outcome)


class AsyncStream(StreamCore):
    """The events of one answer, as they come; see Stream."""

    def __init__(
        self, dialogue: Generator[Step, Any, None], open_wire: Callable[[], AsyncWire]
    ) -> None:
        super().__init__(dialogue)
        self._open_wire = open_wire
        self._wire: AsyncWire | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            await self._advance()
            if not self._waiting:
                return

    async def text(self) -> str:
        """Read to the end and give back the whole text; raises the error if there is one."""
        return (await self.response()).content

    async def response(self) -> Response:
        """Read to the end and give back the response; raises the error if there is one."""
        async for _ in self:
            pass
        return self._result()

    async def close(self) -> None:
        """Close the connection; whatever has not been read is dropped."""
        self._dialogue.close()
        if self._wire is not None:
            await self._wire.close()

    async def _advance(self) -> None:
        if self._wire is None:
            self._wire = self._open_wire()
        step = self._step(None)
        while step is not None:
            try:
                outcome = await self._wire.perform(step)
            except BYOMError as error:
                step = self._step(None, error=error)
            else:
                step = self._step(outcome)
