"""A scripted server behind the transport of httpx and httpx2, sync and async."""

from __future__ import annotations

import asyncio
import importlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_byom.client.llm import LLM, AsyncLLM
from pytest_byom.client.response import Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from pytest_byom.client.events import Event

BASE_URL = "http://server.test/v1"
KINDS = ("httpx-sync", "httpx-async", "httpx2-sync", "httpx2-async")


@dataclass
class Answer:
    """What the server answers: bytes, chunks of bytes, or the name of an exception to raise."""

    body: bytes | list[bytes | str] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raises: str = ""


def completion(content: str | None = "Hello", **message: Any) -> dict[str, Any]:
    """A plain completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, **message},
                "finish_reason": "tool_calls" if "tool_calls" in message else "stop",
            }
        ],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    }


def answer_json(body: object, *, status: int = 200, **headers: str) -> Answer:
    """An answer that is JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kind = {"content-type": "application/json"}
    return Answer(json.dumps(body).encode(), status, kind | named)


def chunk(delta: dict[str, Any] | None = None, *, finish: str | None = None) -> dict[str, Any]:
    """A chunk of a stream."""
    return {"choices": [{"index": 0, "delta": delta or {}, "finish_reason": finish}]}


def answer_stream(*events: object, done: bool = True, **headers: str) -> Answer:
    """An answer that is an event stream, one network read an event."""
    lines: list[bytes | str] = [f"data: {json.dumps(event)}\n\n".encode() for event in events]
    lines += [b"data: [DONE]\n\n"] if done else []
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(lines, 200, {"content-type": "text/event-stream"} | named)


HELLO = [chunk({"role": "assistant", "content": ""}), chunk({"content": "Hel"})]
HELLO += [chunk({"content": "lo"}), chunk(finish="stop")]


class Harness:
    """Drives one kind of client against answers in their order; the last one repeats."""

    def __init__(self, kind: str) -> None:
        library, _, way = kind.partition("-")
        self.library = importlib.import_module(library)
        self.asynchronous = way == "async"
        self.requests: list[Any] = []
        self.closed = 0

    def plain(self, *answers: Answer, messages: Any = "Hi", **options: Any) -> Response:
        """Send messages; options named after a method's arguments go there."""
        tools, schema = options.pop("tools", None), options.pop("schema", None)

        def call(llm: Any) -> Any:
            if schema is None:
                return llm.send_messages(messages, tools)
            return llm.send_messages_with_structured_output(messages, schema, tools)

        result = self.run(call, answers, options)
        assert isinstance(result, Response)
        return result

    def stream(self, *answers: Answer, messages: Any = "Hi", **options: Any) -> list[Event]:
        """Stream a response and give back all its events."""
        schema = options.pop("schema", None)

        def open_stream(llm: Any) -> Any:
            if schema is None:
                return llm.stream_response(messages)
            return llm.stream_response_with_structured_output(messages, schema)

        def read(llm: Any) -> Any:
            with open_stream(llm) as stream:
                return list(stream)

        async def read_async(llm: Any) -> Any:
            async with open_stream(llm) as stream:
                return [event async for event in stream]

        events = self.run(read_async if self.asynchronous else read, answers, options)
        assert isinstance(events, list)
        return events

    def run(self, call: Any, answers: tuple[Answer, ...], options: dict[str, Any]) -> Any:
        """Call something with a client."""
        options = {"base_url": BASE_URL, "model": "m", "retry": None} | options
        if self.asynchronous:
            return asyncio.run(self._run_async(call, answers, options))
        transport = self.library.MockTransport(self._handler(answers))
        with self.library.Client(transport=transport) as client:
            return call(LLM(http_client=client, **options))

    async def _run_async(self, call: Any, answers: Any, options: dict[str, Any]) -> Any:
        handler = self._handler(answers)

        async def handle(request: Any) -> Any:
            return handler(request)

        transport = self.library.MockTransport(handle)
        async with self.library.AsyncClient(transport=transport) as client:
            return await call(AsyncLLM(http_client=client, **options))

    def _handler(self, answers: tuple[Answer, ...]) -> Any:
        rest = list(answers)

        def handle(request: Any) -> Any:
            self.requests.append(request)
            answer = rest.pop(0) if len(rest) > 1 else rest[0]
            if answer.raises:
                raise getattr(self.library, answer.raises)("it broke", request=request)
            body = answer.body
            if isinstance(body, bytes):
                return self.library.Response(answer.status, headers=answer.headers, content=body)
            stream = self._body(body)
            return self.library.Response(answer.status, headers=answer.headers, stream=stream)

        return handle

    def _body(self, body: list[bytes | str]) -> Any:
        """A body that comes in pieces; a text in it is the name of an exception."""
        harness, library = self, self.library

        def pieces(_: Any) -> Iterator[bytes]:
            for item in body:
                if isinstance(item, str):
                    raise getattr(library, item)("it broke")
                yield item

        async def pieces_async(stream: Any) -> AsyncIterator[bytes]:
            for item in pieces(stream):
                yield item

        def close(_: Any) -> None:
            harness.closed += 1

        async def close_async(stream: Any) -> None:
            close(stream)

        if self.asynchronous:
            members = {"__aiter__": pieces_async, "aclose": close_async}
            return type("Body", (library.AsyncByteStream,), members)()
        return type("Body", (library.SyncByteStream,), {"__iter__": pieces, "close": close})()
