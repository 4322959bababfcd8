"""The tool calls of one choice, put together from their fragments.

Which call a fragment belongs to, in this order:

    index known, no other id               the call at that index
    index known, other id, with a name     a new call (Gemini through OpenRouter: all are index 0)
    index new                              a new call
    no index, id known                     the call with that id
    no index, new id                       a new call (Mistral, old Ollama)
    no index, no id                        the last call; a new one if it comes with a name and
                                           the last one is whole, or stands in the same chunk
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_byom.client.assemble_text import Text
from pytest_byom.client.events import ToolUseDelta, ToolUseStart, ToolUseStop
from pytest_byom.client.reading import arguments_text, read_tool_call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_byom.client.events import Event
    from pytest_byom.client.reading import Flag

_MEMBERS = frozenset({"index", "id", "type", "function", "custom"})


class ToolParts:
    """Collects the tool fragments of one choice."""

    def __init__(self, choice: int, *, flag: Flag) -> None:
        self._choice = choice
        self._flag = flag
        self._calls: list[_Call] = []  # in the order in which they began
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}
        self._highest = -1  # index

    def feed(self, fragments: list[Any], events: list[Event]) -> None:
        """Take the fragments of one delta."""
        touched: set[_Call] = set()
        for fragment in fragments:
            if not isinstance(fragment, dict):
                self._flag("tool-call-not-object", "a tool fragment is no object")
                continue
            call = self._call_of(fragment, touched)
            touched.add(call)
            self._add(call, fragment, events)

    def stop(self, events: list[Event]) -> None:
        """Close all calls, in the order in which they began."""
        for call in self._calls:
            self._start(call, events)
            whole = read_tool_call(call.as_json(), flag=self._flag)
            events.append(ToolUseStop(whole, call.position, self._choice))
        self._judge_order()

    def as_json(self) -> list[dict[str, Any]]:
        """The calls in the shape of a plain answer, ordered by index."""
        return [call.as_json() for call in sorted(self._calls, key=lambda call: call.index)]

    def _call_of(self, fragment: Mapping[str, Any], touched: set[_Call]) -> _Call:
        index, identifier, name = _index(fragment), _id(fragment), _inner(fragment).get("name")
        if index is None:
            self._flag("tool-index-missing", "a tool fragment has no index")
            return self._call_without_index(identifier, name, touched)
        call = self._by_index.get(index)
        if call is None:
            return self._open(index)
        if identifier and call.id and identifier != call.id and name:
            self._flag("tool-index-reused", f"two tool calls have the index {index}")
            return self._open(index)
        return call

    def _call_without_index(
        self, identifier: str | None, name: object, touched: set[_Call]
    ) -> _Call:
        if identifier and identifier in self._by_id:
            return self._by_id[identifier]
        last = self._calls[-1] if self._calls else None
        if last is None or (identifier and last.id):
            return self._open(self._highest + 1)
        if name and (last in touched or last.is_whole):
            return self._open(self._highest + 1)
        return last

    def _open(self, index: int) -> _Call:
        call = _Call(index, len(self._calls), self._flag)
        self._calls.append(call)
        self._by_index[index] = call
        self._highest = max(self._highest, index)
        return call

    def _add(self, call: _Call, fragment: Mapping[str, Any], events: list[Event]) -> None:
        text = call.add(fragment)
        if call.id:
            self._by_id[call.id] = call
        if call.name or text:
            self._start(call, events)
        if text:
            events.append(ToolUseDelta(text, call.position, self._choice))

    def _start(self, call: _Call, events: list[Event]) -> None:
        if not call.started:
            call.started = True
            events.append(ToolUseStart(call.id, call.name, call.position, self._choice))

    def _judge_order(self) -> None:
        indexes = [call.index for call in self._calls]
        if indexes != sorted(indexes):
            self._flag("tool-index-order", f"tool calls began in the order {indexes}")
        distinct = sorted(set(indexes))  # not compared with a range: an index may be 10**18
        if distinct and (distinct[0], distinct[-1]) != (0, len(distinct) - 1):
            self._flag("tool-index-gap", f"tool calls have the indexes {distinct}")


class _Call:
    """One call as far as it has come."""

    def __init__(self, index: int, position: int, flag: Flag) -> None:
        self.index = index
        self.position = position
        self.started = False
        self.id: str | None = None
        self.name: str | None = None
        self._flag = flag
        self._type: str | None = None
        self._kind = "function"
        self._text = Text(flag)
        self._extras: dict[str, Any] = {}  # of the call, such as Gemini's thought signature
        self._inner_extras: dict[str, Any] = {}

    @property
    def is_whole(self) -> bool:
        """Whether the arguments are a JSON object already."""
        text = self._text.value or ""
        if not text.rstrip().endswith("}"):
            return False
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return False
        return True

    def add(self, fragment: Mapping[str, Any]) -> str:
        """Take a fragment and give back the text that it adds to the arguments."""
        self.id = self.id or _id(fragment)
        kind = fragment.get("type")
        if kind and not self._type:
            self._type = str(kind)
        if isinstance(fragment.get("custom"), dict) and not fragment.get("function"):
            self._kind = "custom"
        inner = _inner(fragment)
        name = inner.get("name")
        if name and isinstance(name, str) and name != self.name:
            self.name = (self.name or "") + name
        key = "input" if self._kind == "custom" else "arguments"
        text = arguments_text(inner.get(key), flag=self._flag)
        self._extras.update(_unknown(fragment, _MEMBERS))
        self._inner_extras.update(_unknown(inner, {"name", key}))
        return self._text.add(text)

    def as_json(self) -> dict[str, Any]:
        """The call in the shape of a plain answer."""
        key = "input" if self._kind == "custom" else "arguments"
        inner = {**self._inner_extras, "name": self.name, key: self._text.value or ""}
        kind = self._type or self._kind
        return {**self._extras, "id": self.id, "type": kind, self._kind: inner}


def _index(fragment: Mapping[str, Any]) -> int | None:
    index = fragment.get("index")
    if isinstance(index, str) and index.isascii() and index.isdigit() and len(index) < 10:
        return int(index)
    return index if isinstance(index, int) and not isinstance(index, bool) else None


def _id(fragment: Mapping[str, Any]) -> str | None:
    identifier = fragment.get("id")
    return None if identifier in (None, "") else str(identifier)


def _inner(fragment: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in ("function", "custom"):
        inner = fragment.get(key)
        if isinstance(inner, dict) and inner:
            return inner
    return {}


def _unknown(members: Mapping[str, Any], known: frozenset[str] | set[str]) -> dict[str, Any]:
    return {key: value for key, value in members.items() if key not in known and value is not None}
