"""Defects of chunks: each alone, and all together."""

from __future__ import annotations

from typing import Any

from defects.planting import Change, Defect, both, deviates, failed
from defects.requests import one_token
from defects.streaming import (
    Chunk,
    change_chunks,
    each_choice,
    each_chunk,
    each_delta,
    is_last,
)

Members = dict[str, Any]


def _set(**members: Any) -> Change:
    """Set members of each chunk."""
    return each_chunk(lambda chunk: chunk.update(members))


def _drop(name: str) -> Change:
    """Take a member out of each chunk."""
    return each_chunk(lambda chunk: chunk.pop(name) and None)


def _numbered(name: str, first: Any) -> Change:
    """Give each chunk another value of a member."""

    def change(chunks: list[Chunk]) -> None:
        for number, chunk in enumerate(chunks):
            chunk[name] = first + number if isinstance(first, int) else f"{first}{number}"

    return change_chunks(change)


def _without_role(delta: Members) -> None:
    delta.pop("role", None)


def _leading(**members: Any) -> Change:
    return change_chunks(lambda chunks: [{**chunks[0], "choices": [], **members}, *chunks])


def _growing_index(chunks: list[Chunk]) -> None:
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    for number, choice in enumerate(choices):
        choice["index"] = number


def _bare(choice: Members) -> None:
    del choice["index"]
    if not is_last(choice):
        del choice["finish_reason"]


def _late_filter(chunks: list[Chunk]) -> list[Chunk]:
    choice = {"index": 0, "finish_reason": None, "content_filter_offsets": {"start_offset": 0}}
    late = {**chunks[0], "id": "", "model": "", "created": 0, "choices": [choice]}
    return [*chunks[:-1], late, chunks[-1]]


def _null_delta(choice: Members) -> None:
    if is_last(choice):
        choice["delta"] = None


def _no_delta(choice: Members) -> None:
    if is_last(choice):
        del choice["delta"]


def _as_message(choice: Members) -> None:
    choice["message"] = choice.pop("delta")


def _content_number(delta: Members) -> None:
    if delta.get("content") == "":
        delta["content"] = 0


def _content_list(delta: Members) -> None:
    if delta.get("content") == "":
        delta["content"] = []


def _halves(delta: Members) -> None:
    if delta.get("content"):
        delta["content"] = "\ud83d"


DEFECTS = [
    Defect(
        id="chunks-object-plain",
        title="A chunk has the object of a plain answer.",
        change=_set(object="chat.completion"),
        turns=failed("stream.chunk-object"),
    ),
    Defect(
        id="chunks-no-object",
        title="A chunk has no object.",
        change=_drop("object"),
        turns=failed("stream.chunk-object"),
    ),
    Defect(
        id="chunks-no-id",
        title="A chunk has no id.",
        change=_drop("id"),
        turns=failed("stream.chunk-id"),
    ),
    Defect(
        id="chunks-id-number",
        title="The id of a chunk is a number.",
        change=_set(id=17),
        turns=failed("stream.chunk-id"),
    ),
    Defect(
        id="chunks-id-changes",
        title="The id changes within a stream, and neither a role nor a last delta comes.",
        change=both(_numbered("id", "chatcmpl-"), each_delta(_without_role)),
        turns=failed("stream.one-id", "stream.role-first"),
        leaves=frozenset({"concurrency.ids"}),
        row="C029",
        issues=("nath1295/MLX-Textgen#9",),
    ),
    Defect(
        id="chunks-id-each",
        title="Each chunk has a new id, and the first delta has no role.",
        change=both(each_delta(_without_role), _numbered("id", "webui-")),
        turns=failed("stream.one-id", "stream.role-first"),
        leaves=frozenset({"concurrency.ids"}),
        row="C032",
        issues=("open-webui/open-webui#23917",),
    ),
    Defect(
        id="chunks-created-drifts",
        title="created is the time of the chunk.",
        change=_numbered("created", 1_750_000_000),
        turns=deviates("stream.one-created"),
    ),
    Defect(
        id="chunks-created-milliseconds",
        title="created of chunks is in milliseconds.",
        change=_set(created=1_750_000_000_000),
        turns=failed("stream.chunk-created"),
        row="C280",
        issues=("EricLBuehler/mistral.rs#1805",),
    ),
    Defect(
        id="chunks-created-text",
        title="created of chunks is a text.",
        change=_set(created="2025-03-01"),
        turns=failed("stream.chunk-created"),
    ),
    Defect(
        id="chunks-no-created",
        title="Chunks have no created.",
        change=_drop("created"),
        turns=failed("stream.chunk-created"),
    ),
    Defect(
        id="chunks-no-model",
        title="Chunks have no model.",
        change=_drop("model"),
        turns=failed("stream.chunk-model"),
        leaves=frozenset({"parity.model"}),
    ),
    Defect(
        id="chunks-choices-null",
        title="The usage chunk has choices null.",
        change=each_chunk(lambda chunk: chunk.update(choices=chunk["choices"] or None)),
        turns=failed("stream.choices"),
    ),
    Defect(
        id="chunks-leading-empty",
        title="The first chunk has no choices.",
        change=_leading(),
        turns=deviates("stream.empty-choices"),
        row="C017",
        issues=("seratch/ChatGPT-in-Slack#49", "microsoft/semantic-kernel#3650"),
    ),
    Defect(
        id="chunks-no-index",
        title="A chunk's choice has no index, and finish_reason only at the end.",
        change=each_choice(_bare),
        leaves=frozenset({"stream.n", "stream.n-order", "parity.n"}),
        turns=failed("stream.choice-index", "stream.one-finish") | deviates("stream.role-once"),
    ),
    Defect(
        id="chunks-bare-choices",
        title="A chunk's choice has a delta and nothing else.",
        change=each_choice(lambda c: [c.pop(name) for name in ("index", "finish_reason")] and None),
        turns=failed("stream.choice-index", "stream.one-finish") | deviates("stream.role-once"),
        leaves=frozenset({"parity.finish", "parity.n"}) | {"stream.n", "stream.n-order"},
        row="C019",
        issues=("vercel/ai#4031",),
    ),
    Defect(
        id="chunks-index-grows",
        title="The index grows with each chunk.",
        change=change_chunks(_growing_index),
        turns=failed("stream.choice-index", "stream.one-finish"),
        leaves=frozenset({"stream.n"}),
        row="C024",
        issues=("BerriAI/litellm#376",),
    ),
    Defect(
        id="chunks-late-filter",
        title="A late chunk has the offsets of a filter, no delta, id and model empty, created 0.",
        change=change_chunks(_late_filter),
        turns=failed("stream.delta", "stream.one-id") | deviates("stream.one-created"),
        row="C339",
        issues=("langchain-ai/langchain#18977", "microsoft/autogen#6465"),
    ),
    Defect(
        id="chunks-null-delta",
        title="The last delta is null.",
        change=each_choice(_null_delta),
        turns=failed("stream.delta"),
    ),
    Defect(
        id="chunks-no-delta",
        title="The last choice has no delta.",
        change=each_choice(_no_delta),
        turns=failed("stream.delta"),
    ),
    Defect(
        id="chunks-message",
        title="The text of a stream of one token stands in message, not in delta.",
        change=each_choice(_as_message, when=one_token),
        turns=deviates("stream.no-message"),
    ),
    Defect(
        id="chunks-null-error",
        title="Each chunk has error: null.",
        change=_set(error=None),
        turns=failed("stream.no-null-error"),
    ),
    Defect(
        id="chunks-content-number",
        title="An empty text is sent as a number.",
        change=each_delta(_content_number),
        turns=failed("stream.content"),
    ),
    Defect(
        id="chunks-content-list",
        title="An empty text is sent as a list.",
        change=each_delta(_content_list),
        turns=failed("stream.content"),
    ),
    Defect(
        id="chunks-half-character",
        title="A delta ends in the middle of a character.",
        change=each_delta(_halves, when=one_token),
        turns=deviates("stream.surrogates"),
    ),
]
