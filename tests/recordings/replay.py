"""Plays recorded exchanges to the client: through respx, so over httpx, sync and async."""

from __future__ import annotations

import asyncio
import json
import os
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
import respx

from pytest_byom.client.errors import BYOMError
from pytest_byom.client.llm import LLM, AsyncLLM

from .asking import asking_of, is_asked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

HERE = Path(__file__).parents[1] / "data" / "recordings"
PIECE = 1000  # bytes of a network read, where the recording does not say
_NOT_REPLAYED = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers of the wire: the recorder kept the body decoded and whole."""


def recording_files() -> list[Path]:
    """The recordings of the project, and those of the folder that BYOM_RECORDINGS names."""
    more = os.environ.get("BYOM_RECORDINGS")
    folders = [HERE, Path(more)] if more else [HERE]
    return [path for folder in folders for path in sorted(folder.glob("*/*.json"))]


def load(path: Path) -> dict[str, Any]:
    """A recording."""
    recording: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return recording


def body_of(recording: dict[str, Any]) -> bytes:
    """The bytes of the answer, as far as the recorder kept them."""
    response = recording["response"]
    if "sse" in response:
        return str(response["sse"]).encode()
    body = response["body"]
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    padding = " " * int(response.get("body_leading_whitespace", 0))
    return (padding + text).encode()


def pieces_of(recording: dict[str, Any]) -> list[bytes]:
    """The answer in its network reads."""
    body = body_of(recording)
    sizes = recording["response"].get("sse_chunk_bytes") or [PIECE] * (len(body) // PIECE + 1)
    edges = [0, *accumulate(sizes), len(body)]
    return [body[start:end] for start, end in pairwise(edges) if body[start:end]]


class Player:
    """A client of each kind behind one router, which answers with the recording at hand."""

    def __init__(self) -> None:
        self._router = respx.mock(assert_all_called=False)
        self._recording: dict[str, Any] = {}
        self._runner = asyncio.Runner()
        self.sent: httpx.Request | None = None

    def __enter__(self) -> Self:
        self._router.start()
        self._router.route().mock(side_effect=self._answer)
        self._client = httpx.Client()
        self._async_client = httpx.AsyncClient()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._client.close()
        self._runner.run(self._async_client.aclose())
        self._runner.close()
        self._router.stop()

    def play(self, recording: dict[str, Any], way: str) -> tuple[Any, list[Any]]:
        """Ask as was asked; gives back the result or our error, and the events of a stream."""
        self._recording = recording
        self._asking = asking_of(recording)
        self.sent = None
        self._router.calls.reset()
        self._router.routes[0].calls.reset()
        options: dict[str, Any] = {
            **self._asking.options,
            "base_url": _base_url(recording),
            "api_key": "sk-of-a-test",
            "retry": None,
        }
        try:
            if way == "sync":
                return self._ask(LLM(http_client=self._client, **options))
            return self._runner.run(
                self._ask_async(AsyncLLM(http_client=self._async_client, **options))
            )
        except BYOMError as error:
            return error, []

    def _ask(self, llm: LLM) -> tuple[Any, list[Any]]:
        given = self._asking.messages, self._asking.tools
        schema = self._asking.schema
        if self._recording["endpoint"] == "models":
            return llm.models(), []
        if not self._streams():
            if schema:
                return llm.send_messages_with_structured_output(given[0], schema, given[1]), []
            return llm.send_messages(*given), []
        if schema:
            made = llm.stream_response_with_structured_output(given[0], schema, given[1])
        else:
            made = llm.stream_response(*given)
        with made as stream:
            events = list(stream)
        return _end_of(events), events

    async def _ask_async(self, llm: AsyncLLM) -> tuple[Any, list[Any]]:
        given = self._asking.messages, self._asking.tools
        schema = self._asking.schema
        if self._recording["endpoint"] == "models":
            return await llm.models(), []
        if not self._streams():
            if schema:
                asked = llm.send_messages_with_structured_output(given[0], schema, given[1])
            else:
                asked = llm.send_messages(*given)
            return await asked, []
        if schema:
            made = llm.stream_response_with_structured_output(given[0], schema, given[1])
        else:
            made = llm.stream_response(*given)
        async with made as stream:
            events = [event async for event in stream]
        return _end_of(events), events

    def _streams(self) -> bool:
        """Whether the answer was asked for as a stream."""
        is_stream = "sse" in self._recording["response"]
        if is_asked(self._recording):
            return is_stream or self._recording["request"]["body"].get("stream") is True
        return is_stream or bool(self._recording["flags"]["stream"])

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.sent = request
        response = self._recording["response"]
        headers = {
            name: value
            for name, value in response["headers"].items()
            if name.lower() not in _NOT_REPLAYED
        }
        stream = _Body(pieces_of(self._recording))
        return httpx.Response(response["status"], headers=headers, stream=stream)


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in pieces, for both kinds of clients."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


def _base_url(recording: dict[str, Any]) -> str:
    """The base URL that leads to the recorded URL; its query stays."""
    url = str(recording["request"]["url"]).partition("#")[0]
    for ending in ("/chat/completions", "/models"):
        if ending in url:
            before, _, after = url.rpartition(ending)
            return before + (after if after.startswith("?") else "")
    return "http://server.test/v1"


def _end_of(events: list[Any]) -> Any:
    last = events[-1]
    return last.error if hasattr(last, "error") else last.response
