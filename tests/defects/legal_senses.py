"""Legal variants of reasoning, and of streams beside plain answers, which no client minds."""

from __future__ import annotations

from typing import Any

from defects.planting import Asked, Variant, asks, both, change_json, on_messages, plain
from defects.reasoning import NAME, SHOWN
from defects.streaming import Chunk, change_chunks, each_chunk, each_delta

Members = dict[str, Any]


def _renamed(holder: Members) -> None:
    if NAME in holder:
        holder["reasoning"] = holder.pop(NAME)


def _doubled(holder: Members) -> None:
    if NAME in holder:
        holder["reasoning"] = holder[NAME]


def _hidden(holder: Members) -> None:
    holder.pop(NAME, None)


def _detailed(holder: Members) -> None:
    if NAME in holder:
        text = holder.pop(NAME)
        holder["reasoning"] = text
        holder["reasoning_details"] = [{"type": "reasoning.text", "text": text, "index": 0}]


def _last_with_text(chunks: list[Chunk]) -> list[Chunk]:
    """Send the last thought and the first text in one delta."""
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    last = max((n for n, delta in enumerate(deltas) if NAME in delta), default=None)
    if last is None or "content" not in deltas[last + 1]:
        return chunks
    deltas[last]["content"] = deltas[last + 1]["content"]
    return [*chunks[: last + 1], *chunks[last + 2 :]]


def _null_beside(delta: Members) -> None:
    if NAME in delta:
        delta["content"] = None
    elif "content" in delta:
        delta[NAME] = None


def _bare(chunk: Chunk) -> None:
    for name in ("service_tier", "system_fingerprint"):
        chunk.pop(name, None)


def _beside(data: Members) -> None:
    data["citations"] = ["https://example.com/"]
    data["choices"][0]["message"]["annotations"] = []


def _thinks(asked: Asked) -> bool:
    return plain(asked) and asks("reasoning_effort")(asked)


VARIANTS = [
    Variant(
        id="reasoning-name",
        title="Reasoning is called reasoning, plain and streamed.",
        change=both(on_messages(_renamed), each_delta(_renamed)),
    ),
    Variant(
        id="reasoning-names",
        title="Reasoning stands under both names, with the same text.",
        change=both(on_messages(_doubled), each_delta(_doubled)),
    ),
    Variant(
        id="reasoning-details",
        title="Reasoning comes with its details.",
        change=both(on_messages(_detailed), each_delta(_detailed)),
    ),
    Variant(
        id="reasoning-hidden",
        title="Reasoning is counted, and never shown.",
        change=both(on_messages(_hidden), each_delta(_hidden)),
        leaves=SHOWN | {"reasoning.stream-content"},
    ),
    Variant(
        id="reasoning-before-text",
        title="The last thought and the first text come in one delta.",
        change=change_chunks(_last_with_text),
    ),
    Variant(
        id="reasoning-beside-null",
        title="The content beside a thought is null, and the thought beside a text.",
        change=each_delta(_null_beside),
    ),
    Variant(
        id="content-null-cut",
        title="The content of an answer that ended inside of its reasoning is null.",
        change=on_messages(
            lambda message: message.update(content=message["content"] or None), when=_thinks
        ),
    ),
    Variant(
        id="stream-dated-model",
        title="A stream names the model with its date, where a plain answer does not.",
        change=each_chunk(lambda chunk: chunk.update(model=f"{chunk['model']}-2026-11-24")),
    ),
    Variant(
        id="bare-chunks",
        title="Chunks have neither service_tier nor system_fingerprint.",
        change=each_chunk(_bare),
    ),
    Variant(
        id="search-beside",
        title="What a search found stands beside the choices, not in the message.",
        change=change_json(
            _beside,
            when=lambda asked: plain(asked) and "web_search_options" in asked.parameters,
        ),
    ),
]
