"""Changes to event streams: as chunks, as events, as bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from defects.planting import PLANTED, Asked, Change, Next, When, streams

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    from pytest_byom.mock.http1 import Reply, Request

Chunk = dict[str, Any]

DONE = "data: [DONE]\n\n"


def change_pieces(
    rewrite: Callable[[list[str]], Iterable[str | bytes]], *, when: When = streams
) -> Change:
    """Change a stream as the list of its events, each with its blank line; one write for each."""

    async def change(request: Request, server: Next) -> Reply:
        reply = await server(request)
        if not when(Asked(request)) or reply.status != 200 or isinstance(reply.body, bytes):
            return reply
        text = b"".join([piece async for piece in reply.body]).decode()
        pieces = rewrite([f"{event}\n\n" for event in text.split("\n\n")[:-1]])
        return replace(reply, body=write(pieces))

    return change


async def write(pieces: Iterable[str | bytes]) -> AsyncIterator[bytes]:
    """Write each piece on its own; an exception in their place breaks the connection."""
    for piece in pieces:
        yield piece if isinstance(piece, bytes) else piece.encode("utf-8", "surrogatepass")


def change_bytes_of(rewrite: Callable[[bytes], bytes], *, when: When = streams) -> Change:
    """Change a stream as bytes; they go out in one write."""
    return change_pieces(lambda events: [rewrite("".join(events).encode())], when=when)


def change_chunks(
    rewrite: Callable[[list[Chunk]], list[Chunk] | None], *, when: When = streams
) -> Change:
    """Change the chunks of a stream in place, or return others; the end mark stays."""

    def change(events: list[str]) -> Iterator[str]:
        chunks = [json.loads(event.removeprefix("data: ")) for event in events if event != DONE]
        new = rewrite(chunks)
        yield from map(render, chunks if new is None else new)
        yield DONE

    return change_pieces(change, when=when)


def render(data: Any) -> str:
    """Return an event with JSON data."""
    return f"data: {json.dumps(data)}\n\n"


def each_chunk(rewrite: Callable[[Chunk], Any], *, when: When = streams) -> Change:
    """Change each chunk of a stream in place."""

    def change(chunks: list[Chunk]) -> None:
        for chunk in chunks:
            rewrite(chunk)

    return change_chunks(change, when=when)


def each_choice(rewrite: Callable[[dict[str, Any]], Any], *, when: When = streams) -> Change:
    """Change each choice of each chunk in place."""

    def change(chunk: Chunk) -> None:
        for choice in chunk["choices"]:
            rewrite(choice)

    return each_chunk(change, when=when)


def each_delta(rewrite: Callable[[dict[str, Any]], Any], *, when: When = streams) -> Change:
    """Change each delta of a stream in place."""
    return each_choice(lambda choice: rewrite(choice["delta"]), when=when)


def each_fragment(rewrite: Callable[[dict[str, Any]], Any], *, when: When = streams) -> Change:
    """Change each tool call fragment of a stream in place."""

    def change(delta: dict[str, Any]) -> None:
        for fragment in delta.get("tool_calls") or ():
            rewrite(fragment)

    return each_delta(change, when=when)


def is_last(choice: dict[str, Any]) -> bool:
    """Whether this chunk choice carries the finish reason."""
    return choice["finish_reason"] is not None


def broken_after(events: int, *, when: When = streams) -> Change:
    """Break the connection after so many events."""

    def change(pieces: list[str]) -> Iterator[str]:
        yield from pieces[:events]
        raise ConnectionResetError(PLANTED)

    return change_pieces(change, when=when)
