"""Defects of the order and the lesser members of chunks, and of errors and calls in streams."""

from __future__ import annotations

import copy
from typing import Any

from defects.planting import Asked, Defect, deviates, failed
from defects.streaming import (
    Chunk,
    change_chunks,
    change_pieces,
    each_chunk,
    each_delta,
    each_fragment,
    render,
)

Members = dict[str, Any]


def _empty_after(chunks: list[Chunk]) -> list[Chunk]:
    return [each for chunk in chunks for each in _with_empty(chunk)]


def _with_empty(chunk: Chunk) -> list[Chunk]:
    """Return a chunk; if it ends a choice, with an empty one after it."""
    if not any(choice["finish_reason"] for choice in chunk["choices"]):
        return [chunk]
    return [chunk, _silent(chunk)]


def _silent(chunk: Chunk) -> Chunk:
    """Return a chunk that says nothing."""
    silent = copy.deepcopy(chunk)
    for choice in silent["choices"]:
        choice.update(delta={}, finish_reason=None, logprobs=None)
    return silent


def _padded(chunks: list[Chunk]) -> list[Chunk]:
    """Put three silent chunks after each with a text or a call."""
    new = []
    for chunk in chunks:
        delta = chunk["choices"][0]["delta"] if chunk["choices"] else {}
        new.append(chunk)
        if delta.get("content") or delta.get("tool_calls"):
            new += [_silent(chunk)] * 3
    return new


def _whole_text(chunks: list[Chunk]) -> list[Chunk]:
    """Put all of the text so far into each delta with a text."""
    texts: dict[int, str] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            if choice["delta"].get("content"):
                index = choice["index"]
                texts[index] = texts.get(index, "") + choice["delta"]["content"]
                choice["delta"]["content"] = texts[index]
    return chunks


def _named_error(events: list[str]) -> list[str]:
    return [*events[:-1], 'event: error\ndata: {"message": "out of memory"}\n\n', events[-1]]


def _text_error(events: list[str]) -> list[str]:
    return [*events[:-1], render({"error": "out of memory"}), events[-1]]


def _second_call(chunks: list[Chunk]) -> list[Chunk]:
    """Send a second call under the index of the first."""
    new = []
    for chunk in chunks:
        if any(choice["finish_reason"] == "tool_calls" for choice in chunk["choices"]):
            call = {"index": 0, "id": "call_second", "type": "function"}
            call |= {"function": {"name": "get_weather", "arguments": "{}"}}
            more = _silent(chunk)
            more["choices"][0]["delta"] = {"tool_calls": [call]}
            new.append(more)
        new.append(chunk)
    return new


def _no_first_arguments(fragment: Members) -> None:
    if "id" in fragment:
        del fragment["function"]["arguments"]


def _null_type(fragment: Members) -> None:
    if "id" not in fragment:
        fragment.update(id=None, type=None)


def _empty_list(delta: Members) -> None:
    if delta.get("content"):
        delta["tool_calls"] = []


def _null_text(delta: Members) -> None:
    if any("id" in fragment for fragment in delta.get("tool_calls") or ()):
        delta["content"] = "None"


def _minimal(asked: Asked) -> bool:
    """A request for a stream with one short message and nothing else."""
    return asked.streams and set(asked.parameters) == {"model", "messages", "max_tokens", "stream"}


DEFECTS = [
    Defect(
        id="deltas-whole-text",
        title="Each delta has all of the text so far.",
        change=change_chunks(_whole_text),
        turns=failed("stream.incremental"),
    ),
    Defect(
        id="deltas-after-finish",
        title="An empty chunk of the choice comes after its end.",
        change=change_chunks(_empty_after),
        turns=deviates("stream.finish-last"),
    ),
    Defect(
        id="deltas-silent",
        title="Three chunks of four say nothing.",
        change=change_chunks(_padded),
        turns=deviates("stream.few-empty"),
    ),
    Defect(
        id="deltas-fingerprint-number",
        title="system_fingerprint of chunks is a number.",
        change=each_chunk(lambda chunk: chunk.update(system_fingerprint=7)),
        turns=deviates("stream.chunk-tags"),
    ),
    Defect(
        id="deltas-error-bare",
        title="An error in a stream stands in no error member.",
        change=change_pieces(_named_error, when=_minimal),
        turns=deviates("stream.error-event", "stream.event-names") | failed("stream.chunk-object"),
    ),
    Defect(
        id="deltas-error-text",
        title="An error in a stream is a text.",
        change=change_pieces(_text_error, when=_minimal),
        turns=deviates("stream.error-event", "stream.no-error"),
        leaves=frozenset({"parity.model"}),
    ),
    Defect(
        id="tools-stream-one-index",
        title="Two calls come under one index.",
        change=change_chunks(_second_call),
        turns=failed("tools.streamed-own-index", "tools.streamed-once")
        | deviates("tools.bare-arguments"),
        leaves=frozenset({"parity.tools"}),
    ),
    Defect(
        id="tools-stream-no-first-arguments",
        title="The first fragment of a call has no arguments.",
        change=each_fragment(_no_first_arguments),
        turns=deviates("tools.streamed-first-arguments"),
    ),
    Defect(
        id="tools-stream-later-nulls",
        title="Later fragments have null for id and type.",
        change=each_fragment(_null_type),
        turns=deviates("tools.streamed-later-nulls"),
    ),
    Defect(
        id="tools-stream-empty-list",
        title="Text comes with an empty list of calls.",
        change=each_delta(_empty_list),
        turns=deviates("tools.streamed-no-empty-list"),
    ),
    Defect(
        id="tools-stream-null-text",
        title="The text beside a call is the word None.",
        change=each_delta(_null_text),
        turns=deviates("tools.streamed-null-content"),
    ),
]
