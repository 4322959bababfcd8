"""Streams of chunks in all the legal ways in which servers write and networks cut them."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from hypothesis import strategies as st

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
LINE_ENDS = ("\n", "\r\n", "\r")
COMMENTS = (": keep-alive", ":", ": OPENROUTER PROCESSING")


class EventStream(NamedTuple):
    """The body of a streamed answer, the data of its events, and the text that they make."""

    body: bytes
    data: list[str]
    text: str

    def reads(self, size: int) -> list[bytes]:
        """Return the body in pieces of `size` bytes."""
        return [self.body[at : at + size] for at in range(0, len(self.body), size)]


def _chunk(delta: dict[str, Any], finish_reason: str | None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "byom-embedded",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    }


@st.composite
def sse_streams(draw: st.DrawFn) -> EventStream:
    """Give whole streamed answers, from the first delta to `[DONE]`.

    Line ends are LF, CRLF or CR; there may be a BOM, comments, `event: message`, and no space
    after `data:`; characters may be escaped or not. All of it is legal, and means the same.
    """
    pieces = draw(st.lists(TEXTS, max_size=5))
    chunks = [_chunk({"role": "assistant", "content": ""}, None)]
    chunks += [_chunk({"content": piece}, None) for piece in pieces]
    chunks.append(_chunk({}, draw(st.sampled_from(["stop", "length"]))))
    escaped = draw(st.booleans())
    data = [*(json.dumps(chunk, ensure_ascii=escaped) for chunk in chunks), "[DONE]"]
    end = draw(st.sampled_from(LINE_ENDS))
    field = draw(st.sampled_from(["data: ", "data:"]))
    name = draw(st.sampled_from(["", f"event: message{end}"]))
    text = draw(st.sampled_from(["", "\ufeff"]))
    for item in data:
        if draw(st.booleans()):
            text += draw(st.sampled_from(COMMENTS)) + end * draw(st.integers(1, 2))
        text += f"{name}{field}{item}{end}{end}"
    return EventStream(text.encode(), data, "".join(pieces))
