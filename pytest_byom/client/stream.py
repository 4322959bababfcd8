"""A stream that is being read, sync or async."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pytest_byom.client.errors import BrokenStream, BYOMError
from pytest_byom.client.events import StreamComplete, StreamError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence

    from pytest_byom.client.dialogue import Step
    from pytest_byom.client.events import Event
    from pytest_byom.client.http import AsyncWire, SyncWire
    from pytest_byom.client.response import Response


class StreamCore:
    """What both streams share: the dialogue, the events that wait, and the end."""

    def __init__(self, dialogue: Generator[Step, Any, None]) -> None:
        self._dialogue = dialogue
        self._next: Any = None  # the step to perform
        self._over = False
        self._emitted: Sequence[Event] = ()
        self._waiting: Iterator[Event] = iter(())  # those of the emitted that nobody has read

    def _go_on(self, outcome: Any, *, error: BYOMError | None = None) -> bool:
        """Take the next step; True if it has events to be read before, or if there is none."""
        try:
            step = self._dialogue.throw(error) if error else self._dialogue.send(outcome)
        except StopIteration:
            self._over = True
            return True
        self._next = step
        events = step.events
        if not events:
            return False
        self._emitted = events
        self._waiting = iter(events)
        return True

    def _result(self) -> Response:
        """The response that the stream ended with; raises the error if it ended with one."""
        last = self._emitted[-1] if self._emitted else None
        if isinstance(last, StreamError):
            raise last.error
        if not isinstance(last, StreamComplete):
            raise BrokenStream("the stream was closed before its end")
        return last.response


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
        while not self._over:
            yield from self._waiting
            self._advance()

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
        stopped = self._next is None and self._go_on(None)
        while not stopped:
            try:
                outcome = self._wire.perform(self._next)
            except BYOMError as error:
                stopped = self._go_on(None, error=error)
            else:
                stopped = self._go_on(outcome)


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
        while not self._over:
            for event in self._waiting:
                yield event
            await self._advance()

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
        stopped = self._next is None and self._go_on(None)
        while not stopped:
            try:
                outcome = await self._wire.perform(self._next)
            except BYOMError as error:
                stopped = self._go_on(None, error=error)
            else:
                stopped = self._go_on(outcome)
