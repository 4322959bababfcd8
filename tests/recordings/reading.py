"""What a recording says, read without the client: a second opinion on every exchange.

It knows recorded exchanges only, and shares no line with the package. Its rules:

- an event is what stands between two blank lines, its data the rest of its `data:` lines;
- the text of a choice is the join of its contents, its finish_reason the last that is not empty;
- a tool fragment with a name opens a call; one without belongs to the call of its index, or to
  the last one;
- the usage is the last that is not null, wherever it stands;
- an error is an `error` that is not empty, anywhere, or a status of 400 and more.

What the recorder did to an exchange decides what its recording proves (`fidelity`):

    wire, json-parsed   all of it
    normalised          not the ids, and of the headers only the Content-Type
    response-only       not the request, and no headers
    chunks-only         not how the stream was framed, nor whether it had a [DONE]
    sdk-object-dump     neither; and absent, null and empty are one
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

REASONING = ("reasoning_content", "reasoning", "reasoning_details")
USAGE_NAMES = (("prompt_tokens", "promptTokens"), ("completion_tokens", "completionTokens"))
FRAMED = frozenset({"wire", "json-parsed", "normalised", "response-only"})
IDENTIFIED = frozenset({"wire", "json-parsed", "response-only"})


@dataclass
class ChoiceReading:
    """One choice; a tool call is its name and its arguments."""

    content: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    calls: list[tuple[str, str]] = field(default_factory=list)
    call_ids: list[str] = field(default_factory=list)


@dataclass
class Reading:
    """What a client must make of an exchange.

    `ending` is "answer", "error", "models", "cut" (a stream without an end) or "other" (none of
    these). `words` are what an error says: each of them must reach whoever reads it.
    """

    ending: str
    choices: dict[int, ChoiceReading] = field(default_factory=dict)
    usage: tuple[int, int] | None = None
    id: str | None = None
    words: list[str] = field(default_factory=list)
    code: str | int | None = None
    models: list[str] = field(default_factory=list)
    done: bool | None = None


def read(recording: dict[str, Any]) -> Reading:
    """Read a recording."""
    response = recording["response"]
    if response["status"] >= 400:
        return read_error(response.get("body"))
    if "sse" in response:
        return read_stream(response["sse"], framed=recording["fidelity"] in FRAMED)
    if recording["endpoint"] == "models":
        return read_models(response["body"])
    return read_plain(response["body"])


def events_of(text: str) -> list[tuple[str, str]]:
    """The events of a stream, as pairs of name and data."""
    events = []
    for block in re.split(r"\r?\n\r?\n", text):
        fields = [line.partition(":") for line in block.splitlines()]
        data = [value.removeprefix(" ") for name, _, value in fields if name == "data"]
        names = [value.strip() for name, _, value in fields if name == "event"]
        if data:
            events.append((names[-1] if names else "message", "\n".join(data)))
    return events


def read_stream(text: str, *, framed: bool) -> Reading:
    """Read a stream event by event."""
    reading = Reading("answer")
    datas = [data for _, data in events_of(text)]
    reading.done = "[DONE]" in [data.strip() for data in datas] if framed else None
    for data in datas:
        if data.strip() == "[DONE]":
            break
        chunk = json.loads(data)
        add_top(reading, chunk)
        for position, choice in enumerate(chunk.get("choices") or []):
            place = choice.get("index", position)
            add_delta(reading.choices.setdefault(place, ChoiceReading()), choice)
        if error_in(chunk):
            return read_error(chunk)
    finished = all(choice.finish_reason for choice in reading.choices.values())
    if not reading.choices or not (finished or reading.done):
        reading.ending = "cut"
    return reading


def read_plain(body: Any) -> Reading:
    """Read a plain answer: each of its choices is one delta that holds all."""
    if error_in(body):
        return read_error(body)
    reading = Reading("answer" if body.get("choices") else "other")
    add_top(reading, body)
    for position, choice in enumerate(body.get("choices") or []):
        whole = {**choice, "delta": choice.get("message")}
        place = choice.get("index", position)
        add_delta(reading.choices.setdefault(place, ChoiceReading()), whole)
    return reading


def read_models(body: Any) -> Reading:
    """Read a list of models."""
    listed = body.get("data") if isinstance(body, dict) else body
    if not isinstance(listed, list):
        return Reading("other")
    return Reading("models", models=[model["id"] for model in listed])


def read_error(body: Any) -> Reading:
    """Read an error in whatever shape."""
    if isinstance(body, str):  # a page of some proxy
        return Reading("error", words=re.findall("<title>(.*?)</title>", body) or [body])
    error = error_in(body) or body
    code = error.get("code") if isinstance(error, dict) else body.get("code")
    return Reading("error", words=texts_in(error), code=code)


def error_in(body: Any) -> Any:
    """The error that a body or a chunk reports: its own, or that of a choice."""
    if not isinstance(body, dict):
        return None
    inner = [choice.get("error") for choice in body.get("choices") or []]
    return next(filter(None, [body.get("error"), *inner]), None)


def texts_in(error: Any) -> list[str]:
    """The sentences of an error: a text, a message, or a list of them."""
    if isinstance(error, str):
        return [error]
    if isinstance(error, list):
        return [text for item in error for text in texts_in(item)]
    for name in ("message", "msg", "detail", "error"):
        if error.get(name):
            return texts_in(error[name])
    return []


def add_top(reading: Reading, body: dict[str, Any]) -> None:
    """Take what stands beside the choices."""
    reading.id = reading.id or body.get("id") or None
    places = [body, *(body.get("choices") or []), body.get("x_groq") or {}]
    for place in places:
        if place.get("usage"):
            counts = [first_of(place["usage"], names) or 0 for names in USAGE_NAMES]
            reading.usage = (counts[0], counts[1])
            break


def first_of(members: dict[str, Any], names: tuple[str, ...]) -> Any:
    """The first of some members that is there and not null."""
    return next((members[name] for name in names if members.get(name) is not None), None)


def add_delta(choice: ChoiceReading, piece: dict[str, Any]) -> None:
    """Take one piece of a choice."""
    delta = piece.get("delta") or {}
    text, thought = split_content(delta.get("content"))
    choice.content += text
    named = [text_of(delta.get(name)) for name in REASONING]
    choice.reasoning += next(filter(None, named), thought)
    choice.finish_reason = piece.get("finish_reason") or choice.finish_reason
    for fragment in delta.get("tool_calls") or []:
        add_fragment(choice, fragment)


def add_fragment(choice: ChoiceReading, fragment: dict[str, Any]) -> None:
    """Take one tool fragment."""
    inner = fragment.get("function") or fragment.get("custom") or {}
    arguments = inner.get("arguments", inner.get("input")) or ""
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    if inner.get("name"):
        choice.calls.append((inner["name"], arguments))
        choice.call_ids.append(fragment.get("id") or "")
        return
    place = fragment.get("index")
    if place is None or place >= len(choice.calls):
        place = -1
    name, before = choice.calls[place]
    choice.calls[place] = (name, before + arguments)


def split_content(content: Any) -> tuple[str, str]:
    """The text and the thinking of a content: a string, a list of parts, or JSON of its own."""
    if not isinstance(content, list):
        return (content or "") if isinstance(content, str | None) else json.dumps(content), ""
    thoughts = [part for part in content if isinstance(part, dict) and part["type"] == "thinking"]
    texts = [part for part in content if part not in thoughts]
    return text_of(texts), text_of(thoughts)


def text_of(value: Any) -> str:
    """All text of a part, or of a list of parts."""
    if isinstance(value, list):
        return "".join(map(text_of, value))
    if isinstance(value, dict):
        return text_of(first_of(value, ("text", "thinking", "summary")))
    return value or ""
