"""One choice of a stream, put together from its deltas; see `assemble` for the rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_byom.client.assemble_text import TagSplitter, Text
from pytest_byom.client.assemble_tools import ToolParts
from pytest_byom.client.events import ContentStart, ContentStop, ThinkingDelta, content_delta
from pytest_byom.client.reading import REASONING_NAMES, part_text, reasoning_in, split_content

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_byom.client.events import Event
    from pytest_byom.client.reading import Flag

_HANDLED = frozenset({"role", "content", "refusal", "tool_calls", "function_call", "audio"})
_CHOICE_MEMBERS = frozenset({"index", "delta", "message", "finish_reason", "logprobs", "usage"})


class ChoiceParts:
    """Collects the deltas of one choice."""

    def __init__(
        self, index: int, *, flag: Flag, think_tags: tuple[str, str] | None = None
    ) -> None:
        self.index = index
        self.finish_reason: str | None = None
        self._flag = flag
        self._tags = TagSplitter(*think_tags) if think_tags else None
        self._role = ""
        self._content = Text(flag)
        self._refusal = Text(flag)
        self._reasoning = Text(flag)
        self._parts: list[dict[str, Any]] | None = None  # the content, once it came as a list
        self._tools = ToolParts(index, flag=flag)
        self._logprobs: dict[str, Any] | None = None
        self._objects: dict[str, dict[str, Any]] = {}  # audio and function_call
        self._named_reasoning: dict[str, Text] = {}
        self._extras: dict[str, Any] = {}
        self._beside: dict[str, Any] = {}
        self._content_open = False
        self._is_plain = not think_tags  # the content: neither parted nor in parts

    @property
    def content(self) -> str | None:
        """The text so far; None if none was ever sent."""
        return self._content.value

    @property
    def reasoning(self) -> str | None:
        """The reasoning so far; None if there is none."""
        return self._reasoning.value or None

    def feed(self, choice: Mapping[str, Any], events: list[Event]) -> None:
        """Take this choice's part of a chunk."""
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            delta = self._delta_of(choice)
        if delta:
            self._read_delta(delta, events)
        logprobs = choice.get("logprobs")
        if logprobs and isinstance(logprobs, dict):
            self._logprobs = _join_lists(self._logprobs or {}, logprobs)
        reason = choice.get("finish_reason")
        if reason:
            self.finish_reason = reason if isinstance(reason, str) else str(reason)
        if len(choice) > 3 + ("logprobs" in choice):
            self._beside.update(
                (key, value) for key, value in choice.items() if key not in _CHOICE_MEMBERS
            )

    def text_alone(self, choice: Mapping[str, Any]) -> str | None:
        """The text of a choice just taken, if the same again would only add that text."""
        delta = choice.get("delta")
        if not isinstance(delta, dict) or choice.get("logprobs"):
            return None
        text = delta.get("content")
        is_alone = all(
            value is None or name in ("content", "role") for name, value in delta.items()
        )
        is_running = self._content_open and self._is_plain and not self.finish_reason
        return text if is_alone and is_running and isinstance(text, str) else None

    def stop(self, events: list[Event]) -> None:
        """Close what is open."""
        if self._tags:
            self._part_text(self._tags.close(), events)
        for text in (self._content.close(), self._reasoning.close()):
            if text:
                self._flag("lone-surrogate", "a text ends in half a character")
        self._stop_content(events)
        self._tools.stop(events)

    def as_json(self) -> dict[str, Any]:
        """The choice in the shape of a plain answer."""
        message: dict[str, Any] = {"role": self._role or "assistant"}
        message["content"] = self._parts if self._parts is not None else self._content.value
        if self._refusal.value is not None:
            message["refusal"] = self._refusal.value
        message.update((name, text.value) for name, text in self._named_reasoning.items())
        message.update((name, _settled(value)) for name, value in self._extras.items())
        calls = self._tools.as_json()
        if calls:
            message["tool_calls"] = calls
        message.update(self._objects)
        return {
            **self._beside,
            "index": self.index,
            "message": message,
            "finish_reason": self.finish_reason,
            "logprobs": self._logprobs,
        }

    def _delta_of(self, choice: Mapping[str, Any]) -> Mapping[str, Any]:
        message = choice.get("message")
        if isinstance(message, dict):
            self._flag("message-for-delta", "a chunk carries message in place of delta")
            return message
        self._flag("delta-missing", "a choice has no delta")
        return {}

    def _read_delta(self, delta: Mapping[str, Any], events: list[Event]) -> None:
        content = delta.get("content")
        if len(delta) == 1 and isinstance(content, str):  # nearly always
            if self._content_open and self._is_plain and not self.finish_reason:
                self.add_text(content, events)
            else:
                self._read_content(content, events)
            return
        role = delta.get("role")
        if role and not self._role:
            self._role = str(role)
        self._read_reasoning(delta, events)
        if content is not None:
            self._read_content(content, events)
        if isinstance(delta.get("refusal"), str):
            self._refusal.add(delta["refusal"])
        calls = delta.get("tool_calls")
        if isinstance(calls, list) and calls:
            self._stop_content(events)
            self._tools.feed(calls, events)
        for name in ("audio", "function_call"):
            if isinstance(delta.get(name), dict):
                self._objects[name] = _join_texts(self._objects.get(name, {}), delta[name])
        for name, value in delta.items():
            if name not in _HANDLED and name not in self._named_reasoning and value is not None:
                self._keep(name, value)

    def _read_reasoning(self, delta: Mapping[str, Any], events: list[Event]) -> None:
        thought = reasoning_in(delta)
        if thought:
            self._think(thought, events)
        for name in REASONING_NAMES:
            if isinstance(delta.get(name), str):
                self._named_reasoning.setdefault(name, Text(self._flag)).add(delta[name])

    def _read_content(self, content: object, events: list[Event]) -> None:
        text: str | None
        if isinstance(content, str):
            text = content
        else:
            text, _ = split_content(content, flag=self._flag)
        if isinstance(content, list):
            self._keep_parts(content)
        elif self._parts is not None and text:
            self._keep_parts([text])
        if text is None:
            return
        if self.finish_reason and text:
            self._flag("content-after-finish", "text came after the finish_reason")
        if self._tags:
            self._part_text(self._tags.feed(text), events)
        else:
            self.add_text(text, events)

    def _part_text(self, pieces: list[tuple[bool, str]], events: list[Event]) -> None:
        for is_thought, piece in pieces:
            (self._think if is_thought else self.add_text)(piece, events)

    def add_text(self, piece: str, events: list[Event]) -> None:
        """Take more text, as it is."""
        text = self._content.add(piece)
        if text:
            if not self._content_open:
                self._content_open = True
                events.append(ContentStart(self.index))
            events.append(content_delta(text, self.index))

    def _think(self, thought: str, events: list[Event]) -> None:
        text = self._reasoning.add(thought)
        if text:
            events.append(ThinkingDelta(text, self.index))

    def _stop_content(self, events: list[Event]) -> None:
        if self._content_open:
            self._content_open = False
            events.append(ContentStop(self.index))

    def _keep_parts(self, content: list[Any]) -> None:
        """Keep a content of parts as parts: it goes back to the server as it came."""
        self._is_plain = False
        if self._parts is None:
            before = self._content.value
            self._parts = [{"type": "text", "text": before}] if before else []
        for item in content:
            part = {"type": "text", "text": item} if isinstance(item, str) else item
            if not isinstance(part, dict):
                continue
            last = self._parts[-1] if self._parts else {}
            kind = part.get("type")
            if kind == last.get("type") == "text":
                last["text"] = part_text(last) + part_text(part)
            elif kind == last.get("type") == "thinking":
                text = part_text(last) + part_text(part)
                last.update({**part, "thinking": [{"type": "text", "text": text}]})
            else:
                self._parts.append(dict(part))

    def _keep(self, name: str, value: Any) -> None:
        """Keep a member that the API does not know: lists join, of anything else the last holds."""
        if not isinstance(value, list):
            self._extras[name] = value
            return
        joined = self._extras.get(name)
        if not isinstance(joined, list):
            self._extras[name] = joined = []
        for item in value:
            _join_item(joined, item)


class _Pieces(list[str]):
    """A text that grows, as its pieces: joining them one by one would copy it each time."""


_GROWING = ("text", "summary", "data")


def _join_item(items: list[Any], item: Any) -> None:
    """Append an item, or join it to the last one if it says that it belongs to it.

    OpenRouter streams `reasoning_details` as pieces with the same type and index, and wants them
    back whole.
    """
    last = items[-1] if items else None
    if (
        isinstance(item, dict)
        and isinstance(last, dict)
        and "index" in item
        and (item.get("type"), item["index"]) == (last.get("type"), last.get("index"))
    ):
        for key, value in item.items():
            before = last.get(key)
            if isinstance(before, _Pieces) and isinstance(value, str):
                before.append(value)
            elif value is not None:
                last[key] = value
    elif isinstance(item, dict):
        items.append(
            {
                key: _Pieces([value]) if key in _GROWING and isinstance(value, str) else value
                for key, value in item.items()
            }
        )
    else:
        items.append(item)


def _settled(value: Any) -> Any:
    """A kept member with its texts joined."""
    if not isinstance(value, list):
        return value
    return [
        {key: "".join(each) if isinstance(each, _Pieces) else each for key, each in item.items()}
        if isinstance(item, dict)
        else item
        for item in value
    ]


def _join_lists(before: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in more.items():
        if not isinstance(value, list):
            before.setdefault(key, value)
        elif isinstance(before.get(key), list):
            before[key] += value
        else:
            before[key] = list(value)
    return before


def _join_texts(before: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Join audio or a function call: its texts grow, of all else the last holds."""
    for key, value in more.items():
        known = before.get(key)
        if key in ("data", "transcript", "arguments") and value is not None:
            text = value if isinstance(value, str) else json.dumps(value)
            before[key] = (known or "") + text
        elif key == "name" and isinstance(value, str) and isinstance(known, str):
            before[key] = value if known == value else known + value
        elif value is not None and (key != "id" or not known):
            before[key] = value
    return before
