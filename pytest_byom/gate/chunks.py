"""The shapes of a stream's chunks, each by what the chunk does.

first      the first delta of a choice
text       a later delta with content; reasoning, call, empty: with that, with nothing
finish     with a finish_reason; after a call it is a place of its own
usage      no choice, and the usage
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_byom.gate.shapes import (
    SOLID,
    Shapes,
    carries_reasoning,
    members_of,
    with_ending,
    with_model,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def add_chunks(shapes: Shapes, events: Sequence[tuple[str, str]], model: str) -> None:
    """Take the events of a stream."""
    chunks: list[dict[str, Any]] = []
    done = "missing"
    others: set[str] = set()
    for name, text in events:
        if text.strip() == "[DONE]":
            done = "present"
            continue
        data = _read(text)
        if data is None:
            others.add("no JSON object")
        elif data.get("error") and "choices" not in data:
            shapes.open(data, "error event")
            others.add("error")
        elif "choices" not in data:
            shapes.open(data, f"{name} event", levels=2)
            others.add("no chunk")
        else:
            chunks.append(with_model(data, model))
    members = {"[DONE]": done, "usage": _usage_of(chunks)}
    if bare := [number for number, chunk in enumerate(chunks) if _is_bare(chunk)]:
        members["chunk without a choice"] = "first" if bare == [0] else "later"
    shapes.add("stream", members | ({"other events": "|".join(sorted(others))} if others else {}))
    _Places(shapes).add(chunks)


def _read(text: str) -> dict[str, Any] | None:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _is_bare(chunk: dict[str, Any]) -> bool:
    """Whether a chunk has neither a choice nor the usage."""
    return not chunk["choices"] and not isinstance(chunk.get("usage"), dict)


def _usage_of(chunks: list[dict[str, Any]]) -> str:
    """Return where the usage of a stream stands."""
    having = [chunk for chunk in chunks if isinstance(chunk.get("usage"), dict)]
    if not having:
        return "none"
    if len(having) == len(chunks) > 1:
        return "in each chunk"
    if len(having) > 1:
        return "in several chunks"
    return "with a choice" if having[0].get("choices") else "in a chunk of its own"


class _Places:
    """Knows of each choice how far it is."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes
        self._begun: set[Any] = set()
        self._called: set[Any] = set()
        self._calls: set[tuple[Any, Any]] = set()

    def add(self, chunks: list[dict[str, Any]]) -> None:
        for chunk in chunks:
            does = "no choice"
            if not chunk["choices"] and not _is_bare(chunk):
                does = "usage"
            for choice in _objects(chunk.get("choices")):
                does = self._add_choice(choice)
            self._shapes.add(f"chunk ({does})", members_of(chunk))
            for name in ("usage", "x_groq"):
                self._shapes.open(chunk.get(name), f"chunk.{name}", suffix=f" ({does})")

    def _add_choice(self, choice: dict[str, Any]) -> str:
        """Take a choice of a chunk, and return what it does."""
        found = choice.get("delta")
        delta: dict[str, Any] = found if isinstance(found, dict) else {}
        index = str(choice.get("index"))
        does = self._what_it_does(index, choice, delta)
        ended = with_ending(choice, called=index in self._called)
        self._shapes.add(f"choices[] ({does})", members_of(ended))
        if does.startswith("finish") or choice.get("logprobs"):
            self._shapes.open(choice.get("logprobs"), "choices[].logprobs")
        if isinstance(found, dict):
            solid = ("content",) if does.startswith(("first", "finish", "call")) else SOLID
            self._shapes.add(f"delta ({does})", members_of(delta, solid))
            self._add_calls(index, delta)
            self._shapes.open(delta.get("content"), "delta.content")
        self._begun.add(index)
        return does

    def _what_it_does(self, index: str, choice: dict[str, Any], delta: dict[str, Any]) -> str:
        calls = bool(delta.get("tool_calls"))
        if calls:
            self._called.add(index)
        if choice.get("finish_reason"):
            cut = ", cut" if choice["finish_reason"] == "length" else ""
            return f"finish, call{cut}" if index in self._called else "finish"
        if index not in self._begun:
            return "first, call" if calls else "first"
        if calls:
            return "call"
        if delta.get("content"):
            return "text"
        reasons = any(carries_reasoning(name, value) for name, value in delta.items())
        return "reasoning" if reasons else "empty"

    def _add_calls(self, index: str, delta: dict[str, Any]) -> None:
        for call in _objects(delta.get("tool_calls")):
            key = (index, str(call.get("index", call.get("id"))))
            # A later fragment may be empty now and then; in a first one it is the server's way.
            part, solid = (" (later)", SOLID[1:]) if key in self._calls else (" (first)", SOLID)
            self._calls.add(key)
            self._shapes.open(call, "delta.tool_calls[]", suffix=part, solid=solid)


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    for entry in value if isinstance(value, list) else []:
        if isinstance(entry, dict):
            yield entry
