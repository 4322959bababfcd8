"""Defects of streams on their way."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace
from typing import TYPE_CHECKING

from defects.planting import Asked, Change, Defect, Next, When, deviates, failed
from defects.streaming import Chunk, change_bytes_of, change_pieces, each_chunk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from pytest_byom.mock.http1 import Reply, Request

NOTICED = 1.2
"""Seconds that a client notices."""

A_TOKEN = 0.01
"""Seconds that it takes to generate one."""


def takes_gzip(asked: Asked) -> bool:
    """Whether this is a long stream to a client that takes gzip."""
    return is_long(asked) and asked.header("accept-encoding") == "gzip"


def is_long(asked: Asked) -> bool:
    """Whether this is a stream of many events."""
    return asked.streams and asked.parameters.get("max_tokens") == 128


async def _slowly(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for piece in pieces:
        await asyncio.sleep(A_TOKEN)
        yield piece


def _held_back(when: When, *, zipped: bool = False) -> Change:
    """Generate streams slowly, and keep some until they are complete."""

    async def change(request: Request, server: Next) -> Reply:
        reply = await server(request)
        if isinstance(reply.body, bytes):
            return reply
        if not when(Asked(request)):
            return replace(reply, body=_slowly(reply.body))
        body = b"".join([piece async for piece in _slowly(reply.body)])
        coding = (("content-encoding", "gzip"),) if zipped else ()
        return replace(
            reply, headers=(*reply.headers, *coding), body=gzip.compress(body) if zipped else body
        )

    return change


def _released_late(when: When) -> Change:
    """Keep the body open after the end mark."""

    async def change(request: Request, server: Next) -> Reply:
        reply = await server(request)
        if not when(Asked(request)) or isinstance(reply.body, bytes):
            return reply
        return replace(reply, body=_with_rest(reply.body))

    return change


async def _with_rest(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for piece in body:
        yield piece
    await asyncio.sleep(NOTICED)


def _is_short(asked: Asked) -> bool:
    return asked.streams and asked.parameters.get("max_tokens") in (1, 16)


def _with_ids(events: list[str]) -> Iterator[str]:
    for number, event in enumerate(events):
        yield f"id: {number}\n{event}"
        yield ": ping\n\n"


def _with_schema(asked: Asked) -> bool:
    return asked.streams and "response_format" in asked.parameters


def _raw_separators(body: bytes) -> bytes:
    for character in "\u2028\u2029\u0085":
        body = body.replace(f"\\u{ord(character):04x}".encode(), character.encode())
    return body


def _padded(chunk: Chunk) -> None:
    chunk["obfuscation"] = "x7Hq"


DEFECTS = [
    Defect(
        id="stream-held-back",
        title="A proxy keeps a long stream until it is complete.",
        change=_held_back(lambda asked: is_long(asked) and not takes_gzip(asked)),
        turns=deviates("stream.arrives"),
        row="C365",
        issues=("ggml-org/llama.cpp#20872", "lemonade-sdk/lemonade#1335"),
    ),
    Defect(
        id="stream-held-back-gzip",
        title="A stream that is compressed comes all at once, at its end.",
        change=_held_back(takes_gzip, zipped=True),
        turns=deviates("stream.compressed-arrives"),
    ),
    Defect(
        id="stream-released-late",
        title="The body of a stream stays open for a while after [DONE].",
        change=_released_late(_is_short),
        turns=deviates("stream.released"),
    ),
    Defect(
        id="stream-ids-and-comments",
        title="Events have ids, and comments stand between them.",
        change=change_pieces(_with_ids),
        turns=failed("stream.ids-alone"),
    ),
    Defect(
        id="stream-raw-separators",
        title="U+2028 and its like stand in the events as they are.",
        change=change_bytes_of(_raw_separators, when=_with_schema),
        turns=deviates("stream.separators"),
    ),
    Defect(
        id="stream-padding-unasked",
        title="Chunks are padded, whatever was asked for.",
        change=each_chunk(_padded),
        turns=deviates("stream.no-padding"),
    ),
]
