"""Legal variants of event streams, which no client minds."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from defects.members import add_extra, leave_out, stop_after_calls
from defects.planting import (
    Asked,
    Change,
    Variant,
    asks,
    set_header,
    streams,
)
from defects.requests import forced
from defects.streaming import (
    Chunk,
    change_bytes_of,
    change_chunks,
    change_pieces,
    each_choice,
    each_chunk,
    each_delta,
    is_last,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


Members = dict[str, Any]


def _interleaved(piece: str) -> Change:
    """Write something before each event."""
    return change_pieces(lambda events: [piece + event for event in events])


def _is_short(asked: Asked) -> bool:
    return asked.streams and asked.parameters.get("max_tokens", 99) == 16


def _bytewise(events: list[str]) -> Iterator[bytes]:
    for byte in "".join(events).encode():
        yield bytes([byte])


def _thirds(events: list[str]) -> Iterator[bytes]:
    for event in map(str.encode, events):
        third = len(event) // 3
        yield from (event[:third], event[third : 2 * third], event[2 * third :])


def _usage_in_chunk(chunks: list[Chunk]) -> None:
    if chunks[-1]["choices"]:
        usage = {"prompt_tokens": 7, "completion_tokens": 1, "total_tokens": 8}
        chunks.append({**chunks[0], "choices": [], "usage": usage})


def _whole_calls(chunks: list[Chunk]) -> list[Chunk]:
    """Join the fragments of a call in its first."""
    firsts: dict[int, Members] = {}
    for fragment in (f for c in chunks for d in _deltas(c) for f in d.get("tool_calls") or ()):
        first = firsts.setdefault(fragment["index"], fragment)
        if first is not fragment:
            first["function"]["arguments"] += fragment["function"].get("arguments") or ""
    return [c for c in chunks if not any(_later(d, firsts) for d in _deltas(c))]


def _deltas(chunk: Chunk) -> list[Members]:
    return [choice["delta"] for choice in chunk["choices"]]


def _later(delta: Members, firsts: dict[int, Members]) -> bool:
    return any(call is not firsts[call["index"]] for call in delta.get("tool_calls") or ())


def _null_first(delta: Members) -> None:
    if "role" in delta:
        delta["content"] = None


def _no_reason_before_end(choice: Members) -> None:
    if not is_last(choice):
        del choice["finish_reason"]


def _no_null_usage(chunk: Chunk) -> None:
    if chunk.get("usage", 0) is None:
        del chunk["usage"]


def _one_id(chunks: list[Chunk]) -> None:
    name = uuid.uuid4().hex
    for chunk in chunks:
        chunk["id"] = name


def _preamble(chunks: list[Chunk]) -> list[Chunk]:
    first = {"id": "", "object": "", "created": 0, "model": "", "choices": []}
    return [{**first, "prompt_filter_results": [{"prompt_index": 0}]}, *chunks]


def _thoughts(chunks: list[Chunk]) -> list[Chunk]:
    choice = {"index": 0, "finish_reason": None, "delta": {"reasoning_content": "Hm."}}
    return [chunks[0], {**chunks[0], "choices": [choice]}, *chunks[1:]]


def _one_choice(asked: Asked) -> bool:
    return asked.streams and asked.parameters.get("n") in (None, 1)


def _text_with_finish(chunks: list[Chunk]) -> list[Chunk]:
    """Send the last text and the finish reason in one chunk."""
    at = next(n for n, c in enumerate(chunks) if any(map(is_last, c["choices"])))
    reason = chunks[at]["choices"][0]["finish_reason"]
    chunks[at - 1]["choices"][0]["finish_reason"] = reason
    return [*chunks[:at], *chunks[at + 1 :]]


def _role_with_text(chunks: list[Chunk]) -> list[Chunk]:
    """Send the role and the first text in one chunk."""
    first, second = chunks[0]["choices"][0]["delta"], chunks[1]["choices"][0]["delta"]
    if "content" not in second or chunks[1]["choices"][0]["logprobs"]:
        return chunks
    first["content"] = second["content"]
    chunks[0]["choices"][0]["logprobs"] = chunks[1]["choices"][0]["logprobs"]
    return [chunks[0], *chunks[2:]]


def _no_logprobs(asked: Asked) -> bool:
    return streams(asked) and not asks("logprobs")(asked)


def _may_be_padded(asked: Asked) -> bool:
    options = asked.parameters.get("stream_options")
    refused = isinstance(options, dict) and options.get("include_obfuscation") is False
    return asked.streams and not refused


VARIANTS = [
    Variant(
        id="crlf",
        title="Lines end with CRLF.",
        change=change_bytes_of(lambda body: body.replace(b"\n", b"\r\n")),
    ),
    Variant(
        id="comments",
        title="Comments stand between the events.",
        change=_interleaved(": OPENROUTER PROCESSING\n\n"),
        row="C012",
        issues=(
            "deepnoodle-ai/dive#206",
            "brainlid/langchain#569",
        ),
    ),
    Variant(
        id="comment-in-event",
        title="A comment stands inside of each event.",
        change=_interleaved(": ping - 2025-03-01 12:00:00\n"),
    ),
    Variant(
        id="bare-comments", title="A bare colon keeps the connection.", change=_interleaved(":\n\n")
    ),
    Variant(
        id="crlf-comments",
        title="Lines end with CRLF, and comments keep the connection.",
        change=change_bytes_of(lambda body: b": ping\r\n\r\n" + body.replace(b"\n", b"\r\n")),
        row="C008",
        issues=(
            "abetlen/llama-cpp-python#1188",
            "betalgo/openai#472",
        ),
    ),
    Variant(
        id="no-space",
        title="No space follows the colon.",
        change=change_bytes_of(lambda body: body.replace(b"data: ", b"data:")),
    ),
    Variant(
        id="event-message",
        title="Each event is a message.",
        change=_interleaved("event: message\n"),
    ),
    Variant(id="event-ids", title="Each event has an id.", change=_interleaved("id: 1\n")),
    Variant(
        id="event-retry",
        title="Each event says when to retry.",
        change=_interleaved("retry: 3000\n"),
    ),
    Variant(
        id="more-blank-lines",
        title="Two blank lines stand between events.",
        change=_interleaved("\n"),
    ),
    Variant(
        id="one-write",
        title="All events come in one write.",
        change=change_bytes_of(lambda body: body),
    ),
    Variant(
        id="byte-by-byte",
        title="Each byte comes alone.",
        change=change_pieces(_bytewise, when=_is_short),
    ),
    Variant(
        id="three-writes", title="Each event comes in three writes.", change=change_pieces(_thirds)
    ),
    Variant(
        id="stream-no-charset",
        title="The media type of a stream has no charset.",
        change=set_header("content-type", "text/event-stream", when=streams, status=200),
    ),
    Variant(
        id="stream-charset",
        title="The charset is written in capitals and quotes.",
        change=set_header(
            "content-type", 'Text/Event-Stream; charset="UTF-8"', when=streams, status=200
        ),
    ),
    Variant(
        id="stream-no-store",
        title="The stream must not be stored.",
        change=set_header("cache-control", "no-store, no-transform", when=streams),
    ),
    Variant(
        id="usage-unasked",
        title="The usage comes unasked.",
        change=change_chunks(_usage_in_chunk),
        row="C082",
        issues=("entrius/gittensor#1750",),
    ),
    Variant(
        id="usage-with-last",
        title="The member usage is absent where it would be null.",
        change=each_chunk(_no_null_usage),
    ),
    Variant(
        id="whole-call",
        title="A call comes in one delta.",
        change=change_chunks(_whole_calls),
    ),
    Variant(id="null-first", title="The first content is null.", change=each_delta(_null_first)),
    Variant(
        id="delta-without-refusal",
        title="Deltas have neither refusal nor an empty content.",
        change=each_delta(lambda delta: leave_out(delta, "refusal")),
    ),
    Variant(
        id="stream-no-logprobs",
        title="Choices of chunks have no logprobs.",
        change=each_choice(lambda choice: leave_out(choice, "logprobs"), when=_no_logprobs),
    ),
    Variant(
        id="no-finish-before-end",
        title="finish_reason is absent before the end.",
        change=each_choice(_no_reason_before_end),
    ),
    Variant(
        id="padding",
        title="Each chunk is padded, unless the request says no.",
        change=each_chunk(
            lambda chunk: chunk.update(p="abcdefgh", obfuscation="xyz"), when=_may_be_padded
        ),
    ),
    Variant(
        id="stream-extra-members",
        title="Unknown members stand at every level of a chunk.",
        change=change_chunks(lambda chunks: [add_extra(chunk) for chunk in chunks]),
    ),
    Variant(id="stream-id-form", title="The id is a UUID.", change=change_chunks(_one_id)),
    Variant(
        id="null-fingerprint",
        title="system_fingerprint of chunks is null.",
        change=each_chunk(lambda chunk: chunk.update(system_fingerprint=None)),
    ),
    Variant(
        id="preamble",
        title="A chunk without choices, id, model and object comes first.",
        change=change_chunks(_preamble),
        row="C338",
        issues=("vercel/modelfusion#185",),
    ),
    Variant(
        id="stream-thoughts",
        title="Reasoning comes before the text.",
        change=change_chunks(_thoughts),
    ),
    Variant(
        id="text-with-finish",
        title="The last text comes with the finish_reason.",
        change=change_chunks(_text_with_finish, when=_one_choice),
    ),
    Variant(
        id="role-with-text",
        title="The first text comes with the role.",
        change=change_chunks(_role_with_text, when=_one_choice),
    ),
    Variant(
        id="empty-deltas",
        title="An empty delta stands in the middle.",
        change=change_chunks(
            lambda c: [c[0], {**c[0], "choices": [{**c[0]["choices"][0], "delta": {}}]}, *c[1:]]
        ),
    ),
    Variant(
        id="null-tool-calls",
        title="Deltas have tool_calls null.",
        change=each_delta(lambda delta: delta.setdefault("tool_calls", None) and None),
    ),
    Variant(
        id="stream-forced-stop",
        title="A stream with a forced call ends with stop.",
        change=each_choice(stop_after_calls, when=lambda asked: asked.streams and forced(asked)),
    ),
    Variant(
        id="escaped",
        title="JSON escapes every slash and every letter that is not ASCII.",
        change=change_bytes_of(lambda body: body.replace(b"/", b"\\/")),
    ),
]
