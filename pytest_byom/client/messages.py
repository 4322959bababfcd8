"""Makes the messages of a conversation; each is the plain object that goes over the wire.

The server's own answer needs no helper: put the Response itself into the list, and its message
goes back as it came, its reasoning too; `without_reasoning` leaves that away.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_byom.client.errors import UsageError
from pytest_byom.client.reading import REASONING_NAMES, is_thinking, thinking_between
from pytest_byom.client.response import Choice, Response, ToolCall

Message = Mapping[str, Any]
Conversation = str | Sequence[Message | Response | Choice]
"""What a client takes: one text, or messages and earlier responses."""

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
)
DETAILS = ("auto", "low", "high")
ATTACHMENTS = frozenset({"image_url", "input_audio", "file"})
"""The types of content parts that are no text."""


def system(content: str) -> dict[str, Any]:
    """A message of whoever runs the app."""
    return {"role": "system", "content": content}


def developer(content: str) -> dict[str, Any]:
    """A message of whoever wrote the app; the newer name of system."""
    return {"role": "developer", "content": content}


def user(*content: str | Mapping[str, Any]) -> dict[str, Any]:
    """A message of the user: a text, or several parts."""
    if not content:
        raise UsageError("a user's message needs content")
    if len(content) == 1 and isinstance(content[0], str):
        return {"role": "user", "content": content[0]}
    parts = [text(part) if isinstance(part, str) else dict(part) for part in content]
    return {"role": "user", "content": parts}


def assistant(content: str | None = None, *, tool_calls: Sequence[ToolCall] = ()) -> dict[str, Any]:
    """A message of the model, written by hand."""
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if tool_calls:
        message["tool_calls"] = [_call_as_json(call) for call in tool_calls]
    return message


def tool_result(call: ToolCall | str, content: object) -> dict[str, Any]:
    """The result of a tool call, given by the call or its id; what is no text becomes JSON."""
    identifier = call.id if isinstance(call, ToolCall) else call
    if identifier is None:
        raise UsageError("the tool call has no id: the server never sent one to answer to")
    if not isinstance(content, str):
        try:
            content = json.dumps(content, ensure_ascii=False)
        except (TypeError, ValueError) as error:
            raise UsageError(f"the result of a tool cannot be written as JSON: {error}") from None
    return {"role": "tool", "tool_call_id": identifier, "content": content}


def without_reasoning(
    answer: Response | Choice | Message, *, think_tags: tuple[str, str] | None = None
) -> dict[str, Any]:
    """The server's message without its reasoning, for servers that refuse it in a history.

    Taken away are the members that hold it, the parts of the content that do, and, where
    `think_tags` names two marks, what stands between them.
    """
    message = answer.message if isinstance(answer, Response | Choice) else answer
    kept = {name: value for name, value in message.items() if name not in REASONING_NAMES}
    content = kept.get("content")
    if isinstance(content, list):
        kept["content"] = [part for part in content if not is_thinking(part)]
    elif isinstance(content, str) and think_tags:
        kept["content"] = thinking_between(think_tags).sub("", content)
    return kept


def text(content: str) -> dict[str, Any]:
    """A part that is text."""
    return {"type": "text", "text": content}


def image(
    source: str | bytes, *, media_type: str | None = None, detail: str | None = None
) -> dict[str, Any]:
    """A part that is an image, by its URL or its bytes.

    Of bytes, PNG, JPEG, GIF and WebP are recognised; say the media type of any other.
    """
    if detail is not None and detail not in DETAILS:
        raise UsageError(f"detail must be one of {', '.join(DETAILS)}, not {detail!r}")
    if isinstance(source, bytes):
        kind = media_type or next((kind for magic, kind in _MAGIC if source.startswith(magic)), "")
        if not kind:
            raise UsageError("the bytes are no PNG, JPEG, GIF or WebP: say media_type")
        source = f"data:{kind};base64,{base64.b64encode(source).decode()}"
    elif not source.startswith(("http://", "https://", "data:")):
        raise UsageError(f"an image's URL starts with http, https or data, not {source[:40]!r}")
    reference = {"url": source} if detail is None else {"url": source, "detail": detail}
    return {"type": "image_url", "image_url": reference}


def as_messages(conversation: Conversation) -> list[dict[str, Any]]:
    """The messages as they go over the wire; raises UsageError for what is none."""
    if isinstance(conversation, str):
        return [user(conversation)]
    if isinstance(conversation, Mapping) or not isinstance(conversation, Sequence):
        raise UsageError(
            f"messages must be a text or a list of messages, not {type(conversation).__name__}"
        )
    if not conversation:
        raise UsageError("messages must not be empty")
    messages = []
    for place, entry in enumerate(conversation):
        message = entry.message if isinstance(entry, Response | Choice) else entry
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise UsageError(f"message {place} must be an object with a role, not {entry!r:.200}")
        messages.append(dict(message))
    return messages


def attachments_in(messages: Sequence[Message]) -> list[str]:
    """The types of all parts that are no text."""
    found = []
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            kind = part.get("type") if isinstance(part, Mapping) else None
            if kind in ATTACHMENTS:
                found.append(str(kind))
    return found


def _call_as_json(call: ToolCall) -> dict[str, Any]:
    if call.raw:
        return dict(call.raw)
    key = "input" if call.type == "custom" else "arguments"
    return {"id": call.id, "type": call.type, call.type: {"name": call.name, key: call.arguments}}
