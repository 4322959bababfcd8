"""The shapes that break a client which has only ever met one server.

Each is a test of a recording; between them they are why the client reads as it does. The names
in brackets are where each was first seen.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .reading import error_in, events_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Recording = dict[str, Any]
MANY_CALLS = 10


def stream_of(recording: Recording) -> str:
    """The text of a stream, empty if it is none."""
    return str(recording["response"].get("sse", ""))


def chunks_of(recording: Recording) -> list[Any]:
    """The chunks of a stream."""
    datas = [data for _, data in events_of(stream_of(recording))]
    return [json.loads(data) for data in datas if data.strip() != "[DONE]"]


def choices_of(recording: Recording) -> list[Any]:
    """All choices of all chunks, or those of a plain answer."""
    body = recording["response"].get("body")
    bodies = [body] if isinstance(body, dict) else chunks_of(recording)
    return [choice for each in bodies for choice in each.get("choices") or []]


def deltas_of(recording: Recording) -> list[Any]:
    """All deltas of a stream."""
    return [choice.get("delta") or {} for choice in choices_of(recording)]


def fragments_of(recording: Recording) -> list[Any]:
    """All tool fragments of a stream."""
    return [call for delta in deltas_of(recording) for call in delta.get("tool_calls") or []]


def finishes_of(recording: Recording) -> list[str]:
    """Every finish_reason of a stream that is not empty."""
    reasons = [choice.get("finish_reason") for choice in choices_of(recording)]
    return [reason for reason in reasons if reason]


def later_fragments(recording: Recording) -> Iterator[Any]:
    """The tool fragments that open no call."""
    calls = fragments_of(recording)
    return (call for call in calls if not (call.get("function") or {}).get("name"))


def only_an_error(recording: Recording) -> bool:
    chunks = chunks_of(recording)
    return recording["response"]["status"] == 200 and len(chunks) == 1 and bool(error_in(chunks[0]))


def comments_around_events(recording: Recording) -> bool:
    text = stream_of(recording)
    return text.startswith(":") and "\n:" in text[text.find("data:") :]


def usage_with_a_second_finish(recording: Recording) -> bool:
    last = (chunks_of(recording) or [{}])[-1]
    return len(finishes_of(recording)) > 1 and bool(last.get("usage") and last.get("choices"))


def error_in_a_choice(recording: Recording) -> bool:
    body = recording["response"].get("body")
    return any(choice.get("error") for choice in choices_of(recording)) and "error" not in body


def many_calls_under_one_index(recording: Recording) -> bool:
    calls = fragments_of(recording)
    ids, indexes = {call.get("id") for call in calls}, {call.get("index") for call in calls}
    failed = any(map(error_in, chunks_of(recording)))
    return len(ids) > MANY_CALLS and indexes == {0} and failed


def empty_first_chunk(recording: Recording) -> bool:
    first = (chunks_of(recording) or [{}])[0]
    return bool(first.get("choices") == [] and first.get("id") == first.get("object") == "")


def content_of_two_forms(recording: Recording) -> bool:
    forms = {type(delta.get("content")) for delta in deltas_of(recording)}
    return {list, str} <= forms


def calls_in_the_finish_chunk_without_index(recording: Recording) -> bool:
    return any(
        len(calls := (choice.get("delta") or {}).get("tool_calls") or []) > 1
        and not any("index" in call for call in calls)
        and bool(choice.get("finish_reason"))
        for choice in choices_of(recording)
    )


def call_without_index(recording: Recording, *, empty_id: bool) -> bool:
    calls = fragments_of(recording)
    odd = any("index" not in call and (call.get("id") == "") is empty_id for call in calls)
    return odd and finishes_of(recording)[-1:] == ["stop"]


def message_beside_delta(recording: Recording) -> bool:
    text = stream_of(recording)
    both = any({"message", "delta"} <= set(choice) for choice in choices_of(recording))
    return both and "\r\n" in text and "[DONE]" not in text


def clean_end_without_done(recording: Recording) -> bool:
    text = stream_of(recording)
    framed = bool(text) and recording["fidelity"] == "wire"
    return framed and bool(finishes_of(recording)) and "[DONE]" not in text


def no_finish_at_all(recording: Recording) -> bool:
    chunks = chunks_of(recording)
    return "[DONE]" in stream_of(recording) and bool(chunks) and not finishes_of(recording)


def empty_arguments_in_total(recording: Recording) -> bool:
    calls = fragments_of(recording)
    return bool(calls) and not any((call.get("function") or {}).get("arguments") for call in calls)


def call_after_the_finish(recording: Recording) -> bool:
    finished = False
    for choice in choices_of(recording):
        if finished and "sse" in recording["response"] and choice["delta"].get("tool_calls"):
            return len(finishes_of(recording)) > 1
        finished = finished or bool(choice.get("finish_reason"))
    return False


def nulls_in_later_fragments(recording: Recording) -> bool:
    wanted = {"id": None, "type": None}
    return any(wanted.items() <= dict(call).items() for call in later_fragments(recording))


def message_at_the_top(recording: Recording) -> bool:
    body = recording["response"].get("body")
    return isinstance(body, dict) and body.get("object") == "error" and "error" not in body


def html_page(recording: Recording) -> bool:
    body = recording["response"].get("body")
    return recording["response"]["status"] == 401 and str(body).startswith("<html")


def cut_arguments(recording: Recording) -> bool:
    arguments = [(call.get("function") or {}).get("arguments") for call in fragments_of(recording)]
    text = "".join(filter(None, arguments))
    return finishes_of(recording)[-1:] == ["length"] and bool(text) and not text.endswith("}")


SHAPES: dict[str, Callable[[Recording], bool]] = {
    "a stream that is one error (Groq)": only_an_error,
    "comments before and between events (OpenRouter)": comments_around_events,
    "white space before the JSON (OpenRouter)": lambda recording: bool(
        recording["response"].get("body_leading_whitespace")
    ),
    "usage beside a second finish_reason (OpenRouter)": usage_with_a_second_finish,
    "an error inside a choice (OpenRouter)": lambda recording: (
        "body" in recording["response"] and error_in_a_choice(recording)
    ),
    "15 calls under one index, then an error (OpenRouter)": many_calls_under_one_index,
    "an empty first chunk (Azure)": empty_first_chunk,
    "a choice without message (Azure)": lambda recording: (
        "body" in recording["response"]
        and any("message" not in choice for choice in choices_of(recording))
    ),
    "a choice without delta (Azure)": lambda recording: (
        "sse" in recording["response"]
        and any("delta" not in choice for choice in choices_of(recording))
    ),
    "content as string and as list in one stream (Mistral)": content_of_two_forms,
    "two calls without index in the finish chunk (Mistral)": (
        calls_in_the_finish_chunk_without_index
    ),
    "a call without index, its id empty (Gemini)": lambda recording: call_without_index(
        recording, empty_id=True
    ),
    "a call without index, finish stop (Ollama)": lambda recording: call_without_index(
        recording, empty_id=False
    ),
    "message beside delta, CRLF, no [DONE] (Perplexity)": message_beside_delta,
    "a clean end without [DONE] (Cerebras)": clean_end_without_done,
    "content that is an object (Cloudflare)": lambda recording: any(
        isinstance((choice.get("message") or {}).get("content"), dict)
        for choice in choices_of(recording)
    ),
    "no finish_reason at all (Snowflake)": no_finish_at_all,
    "arguments that are empty in total (Databricks)": empty_arguments_in_total,
    "a call after the finish_reason (Together)": call_after_the_finish,
    "nulls in later tool fragments (vLLM)": nulls_in_later_fragments,
    "an empty id in later tool fragments (DashScope)": lambda recording: any(
        call.get("id") == "" for call in later_fragments(recording)
    ),
    "an error that is a string (xAI)": lambda recording: (
        isinstance(recording["response"].get("body"), dict)
        and isinstance(recording["response"]["body"].get("error"), str)
    ),
    "an error without error (Mistral)": message_at_the_top,
    "a page of HTML (Perplexity)": html_page,
    "arguments that are cut (llama.cpp)": cut_arguments,
}
