"""What a stream tells while it runs.

    content_start content_delta* content_stop     text of the answer
    tool_use_start tool_use_delta* tool_use_stop  one tool call, whole at its stop
    thinking_delta                                text of the reasoning
    warning                                       the server broke a rule, and it was repaired
    complete                                      the last event of a good stream: the Response
    error                                         the last event of a bad one: the exception

Each class has its `type`, so `event.type is EventType.CONTENT_DELTA` and `match event` work
alike. `index` is the choice, always 0 unless `n` was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from pytest_byom.client.errors import BYOMError
    from pytest_byom.client.response import Repair, Response, ToolCall


class EventType(StrEnum):
    """The names of the events."""

    CONTENT_START = "content_start"
    CONTENT_DELTA = "content_delta"
    CONTENT_STOP = "content_stop"
    TOOL_USE_START = "tool_use_start"
    TOOL_USE_DELTA = "tool_use_delta"
    TOOL_USE_STOP = "tool_use_stop"
    THINKING_DELTA = "thinking_delta"
    WARNING = "warning"
    COMPLETE = "complete"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class ContentStart:
    """Text of the answer begins."""

    type: ClassVar[EventType] = EventType.CONTENT_START
    index: int = 0


@dataclass(frozen=True, slots=True)
class ContentDelta:
    """More text of the answer; never half a character."""

    type: ClassVar[EventType] = EventType.CONTENT_DELTA
    text: str
    index: int = 0


class _Unfrozen:
    """The slots of a ContentDelta, before it is one."""

    __slots__ = ("index", "text")


def content_delta(text: str, index: int) -> ContentDelta:
    """A ContentDelta, made in half the time: nearly all events are one, and freezing is slow."""
    event: Any = _Unfrozen()
    event.text = text
    event.index = index
    event.__class__ = ContentDelta
    made: ContentDelta = event
    return made


@dataclass(frozen=True, slots=True)
class ContentStop:
    """The text of the answer ends, or a tool call comes between."""

    type: ClassVar[EventType] = EventType.CONTENT_STOP
    index: int = 0


@dataclass(frozen=True, slots=True)
class ToolUseStart:
    """A tool call begins; `position` counts the calls of this choice as they begin."""

    type: ClassVar[EventType] = EventType.TOOL_USE_START
    id: str | None
    name: str | None
    position: int = 0
    index: int = 0


@dataclass(frozen=True, slots=True)
class ToolUseDelta:
    """More of a tool call's arguments, a piece of JSON text."""

    type: ClassVar[EventType] = EventType.TOOL_USE_DELTA
    text: str
    position: int = 0
    index: int = 0


@dataclass(frozen=True, slots=True)
class ToolUseStop:
    """A tool call is whole."""

    type: ClassVar[EventType] = EventType.TOOL_USE_STOP
    tool_call: ToolCall
    position: int = 0
    index: int = 0


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """More text of the reasoning, under whatever name the server sent it."""

    type: ClassVar[EventType] = EventType.THINKING_DELTA
    text: str
    index: int = 0


@dataclass(frozen=True, slots=True)
class StreamWarning:
    """The server broke a rule of the API for the first time in this stream."""

    type: ClassVar[EventType] = EventType.WARNING
    repair: Repair


@dataclass(frozen=True, slots=True)
class StreamComplete:
    """The stream ended well."""

    type: ClassVar[EventType] = EventType.COMPLETE
    response: Response


@dataclass(frozen=True, slots=True)
class StreamError:
    """The stream ended with an error."""

    type: ClassVar[EventType] = EventType.ERROR
    error: BYOMError


Event = (
    ContentStart
    | ContentDelta
    | ContentStop
    | ToolUseStart
    | ToolUseDelta
    | ToolUseStop
    | ThinkingDelta
    | StreamWarning
    | StreamComplete
    | StreamError
)
