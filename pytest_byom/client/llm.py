"""The two clients: `LLM` and `AsyncLLM`, thin shells that perform the same dialogues.

llm = LLM(base_url="http://localhost:11434/v1", model="llama3.2")
response = llm.send_messages("Hello")
with llm.stream_response("Hello") as stream:
    for event in stream: ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from pytest_byom.client.core import Core
from pytest_byom.client.errors import BYOMError
from pytest_byom.client.http import AsyncWire, SyncWire
from pytest_byom.client.stream import AsyncStream, Stream

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from pytest_byom.client.dialogue import Step
    from pytest_byom.client.messages import Conversation
    from pytest_byom.client.modellist import ModelInfo
    from pytest_byom.client.response import Response
    from pytest_byom.client.schema import OutputSchema
    from pytest_byom.client.tools import ToolLike

    Schema = OutputSchema | Mapping[str, Any] | type
    Tools = Sequence[ToolLike] | None

T = TypeVar("T")


class LLM(Core):
    """A client of one endpoint and one model, for threads; see Core for the arguments."""

    def send_messages(self, messages: Conversation, tools: Tools = None) -> Response:
        """Ask, and wait for the whole answer."""
        return self._drive(self._plain(messages, tools))

    def send_messages_with_structured_output(
        self, messages: Conversation, schema: Schema, tools: Tools = None
    ) -> Response:
        """Ask for an answer that fits a schema; `structured_output` holds its value.

        Raises BadAnswer if the answer does not fit.
        """
        return self._drive(self._plain(messages, tools, schema))

    def stream_response(self, messages: Conversation, tools: Tools = None) -> Stream:
        """Ask, and read the answer as it comes; nothing is sent before the first event is read."""
        return Stream(self._stream(messages, tools), self._wire)

    def stream_response_with_structured_output(
        self, messages: Conversation, schema: Schema, tools: Tools = None
    ) -> Stream:
        """Stream an answer that fits a schema; the response at its end holds the value."""
        return Stream(self._stream(messages, tools, schema), self._wire)

    def models(self) -> tuple[ModelInfo, ...]:
        """The models that the server offers."""
        return self._drive(self._models())

    def close(self) -> None:
        """Close the HTTP client, if it is ours; a request after that makes a new one."""
        client, self._own_client = self._own_client, None
        if client is not None:
            client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _wire(self) -> SyncWire:
        return SyncWire(self._client(), self._timeouts, self._endpoint)

    def _drive(self, dialogue: Generator[Step, Any, T]) -> T:
        wire = self._wire()
        move, value = dialogue.send, None
        try:
            while True:
                try:
                    step = move(value)
                except StopIteration as stop:
                    result: T = stop.value
                    return result
                try:
                    move, value = dialogue.send, wire.perform(step)
                except BYOMError as error:
                    move, value = dialogue.throw, error
        finally:
            wire.close()


class AsyncLLM(Core):
    """A client of one endpoint and one model, for asyncio; see Core for the arguments."""

    _asynchronous = True

    async def send_messages(self, messages: Conversation, tools: Tools = None) -> Response:
        """Ask, and wait for the whole answer."""
        return await self._drive(self._plain(messages, tools))

    async def send_messages_with_structured_output(
        self, messages: Conversation, schema: Schema, tools: Tools = None
    ) -> Response:
        """Ask for an answer that fits a schema; see LLM."""
        return await self._drive(self._plain(messages, tools, schema))

    def stream_response(self, messages: Conversation, tools: Tools = None) -> AsyncStream:
        """Ask, and read the answer as it comes; nothing is sent before the first event is read."""
        return AsyncStream(self._stream(messages, tools), self._wire)

    def stream_response_with_structured_output(
        self, messages: Conversation, schema: Schema, tools: Tools = None
    ) -> AsyncStream:
        """Stream an answer that fits a schema; the response at its end holds the value."""
        return AsyncStream(self._stream(messages, tools, schema), self._wire)

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models that the server offers."""
        return await self._drive(self._models())

    async def close(self) -> None:
        """Close the HTTP client, if it is ours; a request after that makes a new one."""
        client, self._own_client = self._own_client, None
        if client is not None:
            await client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    def _wire(self) -> AsyncWire:
        return AsyncWire(self._client(), self._timeouts, self._endpoint)

    async def _drive(self, dialogue: Generator[Step, Any, T]) -> T:
        wire = self._wire()
        move, value = dialogue.send, None
        try:
            while True:
                try:
                    step = move(value)
                except StopIteration as stop:
                    result: T = stop.value
                    return result
                try:
                    move, value = dialogue.send, await wire.perform(step)
                except BYOMError as error:
                    move, value = dialogue.throw, error
        finally:
            await wire.close()
