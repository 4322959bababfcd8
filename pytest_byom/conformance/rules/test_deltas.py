"""Rules about the order and the lesser members of the chunks of a stream, and its errors."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.check import rule
from pytest_byom.conformance.excerpts import cut, parse_object
from pytest_byom.conformance.finding import Wrong
from pytest_byom.conformance.views import Chunk, ChunkStream, EventStream

if TYPE_CHECKING:
    from collections.abc import Iterator

FEW = 4
"""Streams of so many chunks or fewer are too short for a share of them."""


@rule(
    "stream.finish-last",
    on=ChunkStream,
    level="should",
    decides=["chunk-23"],
    needs=["stream"],
    breaks="clients that end an answer at its finish_reason open it again",
)
def test_finish_last(answer: ChunkStream) -> Iterator[Wrong]:
    """No empty chunk of a choice follows its finish_reason.

    A text, a call or the usage behind it is the matter of other rules, and what a filter found
    comes late at some servers.
    """
    finished: set[object] = set()
    for chunk in answer.chunks:
        for path, choice in chunk.choices:
            index = choice.get("index")
            if index in finished and not _tells(chunk, choice):
                yield chunk.wrong(path, "no chunk of this choice after its finish_reason")
                finished.discard(index)
            elif choice.get("finish_reason"):
                finished.add(index)


@rule(
    "stream.few-empty",
    on=ChunkStream,
    level="should",
    decides=["chunk-24"],
    needs=["stream"],
    breaks="slow lines carry more frame than text",
)
def test_few_empty(answer: ChunkStream) -> Iterator[Wrong]:
    """At most half of the chunks say nothing."""
    empty = [chunk for chunk in answer.chunks if _says_nothing(chunk)]
    if len(answer.chunks) > FEW and 2 * len(empty) > len(answer.chunks):
        got = f"{len(empty)} of {len(answer.chunks)}, such as {empty[0].place}"
        yield Wrong(place="chunks", expected="at most half of them empty", got=got)


@rule(
    "stream.incremental",
    on=ChunkStream,
    level="must",
    decides=["chunk-17"],
    needs=["stream"],
    breaks="every client shows the text again and again, as it joins the deltas",
)
def test_incremental(answer: ChunkStream) -> Iterator[Wrong]:
    """A delta holds what is new, not all of the text so far."""
    texts: dict[object, list[tuple[str, str]]] = {}
    for chunk in answer.chunks:
        for path, choice in chunk.choices:
            delta = choice.get("delta")
            content = delta.get("content") if isinstance(delta, dict) else None
            if isinstance(content, str) and content:
                place = f"{chunk.place}, {path}.delta.content"
                texts.setdefault(choice.get("index"), []).append((place, content))
    for found in texts.values():
        grows = all(
            len(new) > len(old) and new.startswith(old) for (_, old), (_, new) in pairwise(found)
        )
        if grows and len(found) >= FEW:
            place, content = found[-1]
            yield Wrong(place=place, expected="what is new in the text", got=repr(content[:60]))


def _tells(chunk: Chunk, choice: dict[str, Any]) -> bool:
    """Whether a choice of a chunk has a reason to be there, right or wrong."""
    delta = choice.get("delta")
    said = isinstance(delta, dict) and any(delta[name] for name in delta if name != "role")
    others = (choice[name] for name in choice if name not in ("index", "delta"))
    return bool(chunk.data.get("usage") or said or any(others))


def _says_nothing(chunk: Chunk) -> bool:
    """Whether a chunk has choices, and neither usage nor a value in any of them."""
    if chunk.data.get("usage") or not chunk.choices:
        return False
    deltas = [choice.get("delta") for _, choice in chunk.choices]
    values = [value for delta in deltas if isinstance(delta, dict) for value in delta.values()]
    return not any(values) and not any(choice.get("finish_reason") for _, choice in chunk.choices)


@rule(
    "stream.chunk-tags",
    on=ChunkStream,
    level="should",
    decides=["chunk-27"],
    needs=["stream"],
    breaks="typed clients reject another type",
)
def test_chunk_tags(answer: ChunkStream) -> Iterator[Wrong]:
    """system_fingerprint and service_tier of chunks are a string or null."""
    for name in ("system_fingerprint", "service_tier"):
        for chunk in answer.chunks:
            if not isinstance(chunk.data.get(name), str | None):
                yield chunk.wrong(name, "a string or null")
                break


@rule(
    "stream.error-event",
    on=EventStream,
    level="should",
    decides=["chunk-19", "chunk-20"],
    needs=["stream"],
    breaks="openai-python raises for an error member only, and ends any other without a word",
)
def test_error_event(answer: EventStream) -> Iterator[Wrong]:
    """An error in a stream is an object inside the error member, with a message."""
    for place, event in answer.data_events:
        data = parse_object(event.data) or {}
        error = data.get("error")
        told = bool(error) or (event.event == "error" and "choices" not in data)
        told = told or data.get("object") == "error" or bool(data.get("detail"))
        if told and not (isinstance(error, dict) and isinstance(error.get("message"), str)):
            expected = 'an event like {"error": {"message": ...}}'
            yield Wrong(place=place, expected=expected, got=cut(event.data))
