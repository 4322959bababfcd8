"""Tells the shape of a recorded exchange: all that a client could stumble over, and no content."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .reading import error_in, events_of

if TYPE_CHECKING:
    from collections.abc import Iterator

Shape = frozenset[str]
MANY = 2  # more choices or calls than one are many


def shape_of(recording: dict[str, Any]) -> Shape:
    """The shape, as a set of short sentences; equal sets are equal shapes."""
    response = recording["response"]
    kind = "models" if recording["endpoint"] == "models" else "chat"
    found = {kind, recording["fidelity"], f"status {response['status']}"}
    content_type = {name.lower(): value for name, value in response["headers"].items()}
    found.add(f"type {content_type.get('content-type')}")
    if "sse" in response:
        found.update(stream_shape(response["sse"]))
    elif kind == "models":
        found.update(model_list_shape(response["body"]))
    else:
        found.update(body_shape(response["body"]))
        found.add(f"padded {bool(response.get('body_leading_whitespace'))}")
    return frozenset(found)


def stream_shape(text: str) -> Iterator[str]:
    """How a stream is framed, and the shape of its chunks."""
    lines = text.splitlines()
    yield f"comments {any(line.startswith(':') for line in lines)}"
    yield "lines end with CRLF" if "\r\n" in text else "lines end with LF"
    yield f"space after colon {not any(line.startswith('data:{') for line in lines)}"
    datas = [data for _, data in events_of(text)]
    yield f"done {'[DONE]' in datas}"
    yield f"events {sorted({name for name, _ in events_of(text)})}"
    chunks = [json.loads(data) for data in datas if data.strip() != "[DONE]"]
    finishes = 0
    for place, chunk in enumerate(chunks):
        first = "first " if not place else ""
        yield from (f"{first}{feature}" for feature in body_shape(chunk))
        finishes += any(choice.get("finish_reason") for choice in chunk.get("choices") or [])
    yield f"finish_reason in {min(finishes, MANY)} chunks"
    yield f"id changes {len({chunk.get('id') for chunk in chunks}) > 1}"


def body_shape(body: Any) -> Iterator[str]:
    """The shape of a plain answer, of a chunk, or of an error."""
    if not isinstance(body, dict):
        yield f"body {type(body).__name__}"
        return
    error = error_in(body)
    if error or "choices" not in body:
        yield f"error {types_in(error or body)} in {sorted(body)}"
        return
    choices = body["choices"] or []
    yield f"members {sorted(body)}"
    yield f"{min(len(choices), MANY)} choices"
    usage = body.get("usage")
    if usage:
        finish = any(choice.get("finish_reason") for choice in choices)
        yield f"usage {sorted(usage)} beside {len(choices)} choices, finish {finish}"
    for choice in choices:
        yield f"choice {sorted(choice)}"
        yield f"finish {choice.get('finish_reason', 'absent')}"
        yield from message_shape(choice.get("message", choice.get("delta")) or {})


def message_shape(message: dict[str, Any]) -> Iterator[str]:
    """The members of a message or delta, the form of its content, and its tool calls."""
    yield f"message {sorted(message)}"
    yield f"content {form(message, 'content')}"
    calls = message.get("tool_calls") or []
    yield f"{min(len(calls), MANY)} calls"
    for call in calls:
        inner = call.get("function") or {}
        forms = [form(call, name) for name in ("index", "id", "type")]
        forms += [form(inner, name) for name in ("name", "arguments")]
        yield f"call {sorted(call)} {forms}"


def model_list_shape(body: Any) -> Iterator[str]:
    """The members of a list of models and of its entries."""
    yield f"list {sorted(body)}"
    for entry in body.get("data") or []:
        yield f"entry {sorted(entry)}"


def form(members: dict[str, Any], name: str) -> str:
    """Whether a member is absent, null, empty, or of which type."""
    if name not in members:
        return "absent"
    value = members[name]
    return "empty" if value == "" else type(value).__name__


def types_in(error: Any) -> str:
    """The members of an error with their types."""
    if not isinstance(error, dict):
        return type(error).__name__
    return ", ".join(f"{name}: {type(value).__name__}" for name, value in sorted(error.items()))
