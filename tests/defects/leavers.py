"""Defects that show when clients leave, are slow, or send half of a request."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from defects.concurrency import right_after
from defects.connections import is_minimal
from defects.planting import (
    Asked,
    Change,
    Defect,
    Next,
    Stateful,
    When,
    answer_with,
    chat,
    deviates,
    failed,
    plain,
)
from defects.streaming import broken_after

if TYPE_CHECKING:
    from pytest_byom.mock.http1 import Reply, Request

_BUSY = {"error": {"message": "No slot is free", "type": "unavailable_error", "code": None}}
_busy = answer_with(503, _BUSY, when=chat)


def _story(tokens: int) -> When:
    """Build the predicate for a story of so many tokens."""
    return lambda asked: (
        asked.is_chat
        and "long story" in str(asked.parameters.get("messages"))
        and asked.parameters.get("max_tokens") == tokens
    )


def _is_left_plain(asked: Asked) -> bool:
    return plain(asked) and _story(64)(asked)


def _is_left_stream(asked: Asked) -> bool:
    return asked.streams and _story(64)(asked)


def _never_stops(when: When) -> Change:
    """Work off requests one after another; such a one takes its time, left or not."""

    def make() -> Change:
        free_at = 0.0

        async def changed(request: Request, server: Next) -> Reply:
            nonlocal free_at
            now = time.monotonic()
            wait = max(0.0, free_at - now)
            if when(Asked(request)):
                free_at = now + wait + 0.5
            await asyncio.sleep(wait)
            return await server(request)

        return changed

    return Stateful(make)


DEFECTS = [
    Defect(
        id="disconnect-plain-then-nothing",
        title="A client that leaves before its answer takes the slot with it.",
        change=right_after(_is_left_plain, _busy, when=is_minimal),
        turns=failed("disconnect.next-after-plain"),
    ),
    Defect(
        id="disconnect-slots-leak",
        title="Each stream that is left takes a slot for good.",
        change=right_after(_is_left_stream, _busy, when=chat, times=20),
        turns=deviates("disconnect.twenty"),
        abuse=True,
        row="C374",
        issues=("ggml-org/llama.cpp#24496",),
    ),
    Defect(
        id="disconnect-half-body-blocks",
        title="Clients that have not sent all take the slots of those that have.",
        change=answer_with(503, _BUSY, when=lambda asked: is_minimal(asked, max_tokens=6)),
        turns=deviates("disconnect.half-body"),
        abuse=True,
    ),
    Defect(
        id="disconnect-slow-reader-cut",
        title="A client that reads slowly is cut off.",
        change=broken_after(100, when=_story(250)),
        turns=deviates("disconnect.slow-reader") | failed("stream.clean-end"),
        abuse=True,
    ),
    Defect(
        id="disconnect-stream-goes-on",
        title="A stream that was left is generated to its end, and others wait for it.",
        change=_never_stops(lambda asked: asked.streams and _story(256)(asked)),
        turns=deviates("disconnect.stops"),
        abuse=True,
        row="L184",
        issues=(
            "ggml-org/llama.cpp#11720",
            "lmstudio-ai/lmstudio-bug-tracker#1994",
            "oobabooga/textgen#4521",
            "BerriAI/litellm#17364",
        ),
    ),
    Defect(
        id="disconnect-plain-goes-on",
        title="An answer that nobody waits for is generated to its end, and others wait for it.",
        change=_never_stops(lambda asked: plain(asked) and _story(256)(asked)),
        turns=deviates("disconnect.plain-stops"),
        abuse=True,
        row="L185",
        issues=("ggml-org/llama.cpp#24496",),
    ),
]
