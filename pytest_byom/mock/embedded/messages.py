"""The messages of a request, checked and put into one plain form.

Each role has one row in `ROLES`: which parts its content may have, and whether it may have none.
The parts of one content are joined with a line break. A tool message answers a call of the
assistant message before it; the order of the answers is free, but none may be missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_byom.mock.embedded.errors import (
    ApiError,
    missing,
    unsupported,
    wrong_type,
    wrong_value,
)
from pytest_byom.mock.embedded.images import Image, read_image
from pytest_byom.mock.embedded.rules import array, string
from pytest_byom.mock.embedded.sounds import Sound, read_sound

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class PastCall:
    """A call in the history."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Turn:
    """One message: `text` joins all that can be read in it."""

    role: str
    text: str
    name: str | None = None
    images: tuple[Image, ...] = ()
    sounds: tuple[Sound, ...] = ()
    calls: tuple[PastCall, ...] = ()
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """What a message of this role may hold."""

    parts: tuple[str, ...]
    needs_content: bool = True


ROLES = {
    "developer": Role(("text",)),
    "system": Role(("text",)),
    "user": Role(("text", "image_url", "input_audio", "file")),
    "assistant": Role(("text", "refusal"), needs_content=False),
    "tool": Role(("text",)),
    "function": Role(("text",), needs_content=False),
}


def read_messages(messages: Any) -> tuple[Turn, ...]:
    """Check all messages, and that calls and tool messages belong together."""
    if messages is None:
        raise missing("messages")
    array(shortest=1)(messages, "messages")
    turns = tuple(
        _read_message(message, f"messages[{place}]") for place, message in enumerate(messages)
    )
    _check_calls(turns)
    return turns


def _read_message(message: Any, param: str) -> Turn:
    if not isinstance(message, dict):
        raise wrong_type(param, "an object", message)
    role = message.get("role")
    if role is None:
        raise missing(f"{param}.role")
    string()(role, f"{param}.role")
    if role not in ROLES:
        raise wrong_value(f"{param}.role", role, tuple(ROLES))
    text, images, sounds = _read_content(message, param, ROLES[role])
    return Turn(
        role=role,
        text=text,
        name=_optional_string(message, "name", param),
        images=images,
        sounds=sounds,
        calls=_read_calls(message, param) if role == "assistant" else (),
        call_id=_read_call_id(message, param) if role == "tool" else None,
    )


def _optional_string(message: dict[str, Any], member: str, param: str) -> str | None:
    value = message.get(member)
    if value is None:
        return None
    string()(value, f"{param}.{member}")
    return str(value)


def _read_call_id(message: dict[str, Any], param: str) -> str:
    call_id = _optional_string(message, "tool_call_id", param)
    if call_id is None:
        raise missing(f"{param}.tool_call_id")
    return call_id


def _read_content(
    message: dict[str, Any], param: str, role: Role
) -> tuple[str, tuple[Image, ...], tuple[Sound, ...]]:
    content = message.get("content")
    place = f"{param}.content"
    refusal = _optional_string(message, "refusal", param) if not role.needs_content else None
    if content is None:
        told = refusal is not None or message.get("tool_calls") or message.get("function_call")
        told = told or message.get("audio") or message["role"] == "function"
        if role.needs_content or not told:
            raise missing(place)
        return refusal or "", (), ()
    if isinstance(content, str):
        return content if refusal is None else f"{content}\n{refusal}", (), ()
    if not isinstance(content, list):
        raise wrong_type(place, "a string or an array of content parts", content)
    array(shortest=1)(content, place)
    texts: list[str] = [] if refusal is None else [refusal]
    parts = [_read_part(part, f"{place}[{number}]", role) for number, part in enumerate(content)]
    texts += [part for part in parts if isinstance(part, str)]
    images = tuple(part for part in parts if isinstance(part, Image))
    return "\n".join(texts), images, tuple(part for part in parts if isinstance(part, Sound))


def _read_part(part: Any, param: str, role: Role) -> str | Image | Sound:
    if not isinstance(part, dict):
        raise wrong_type(param, "an object", part)
    if part.get("type") is None:
        raise missing(f"{param}.type")
    string()(part["type"], f"{param}.type")
    if part["type"] not in role.parts:
        raise wrong_value(f"{param}.type", part["type"], role.parts)
    return _PARTS[part["type"]](part, param)


def _read_text(part: dict[str, Any], param: str) -> str:
    member = str(part["type"])
    text = _optional_string(part, member, param)
    if text is None:
        raise missing(f"{param}.{member}")
    return text


def _refuse_file(part: dict[str, Any], param: str) -> str:
    raise unsupported(f"{param}.file", "file input", code="unsupported_value")


_PARTS: dict[str, Callable[[dict[str, Any], str], str | Image | Sound]] = {
    "text": _read_text,
    "refusal": _read_text,
    "image_url": read_image,
    "input_audio": read_sound,
    "file": _refuse_file,
}


def _read_calls(message: dict[str, Any], param: str) -> tuple[PastCall, ...]:
    calls = message.get("tool_calls")
    if calls is None:
        return ()
    array()(calls, f"{param}.tool_calls")
    return tuple(
        _read_call(call, f"{param}.tool_calls[{place}]") for place, call in enumerate(calls)
    )


def _read_call(call: Any, param: str) -> PastCall:
    if not isinstance(call, dict):
        raise wrong_type(param, "an object", call)
    kind = call.get("type", "function")
    if kind != "function":
        raise wrong_value(f"{param}.type", kind, ("function",))
    call_id = _optional_string(call, "id", param)
    if call_id is None:
        raise missing(f"{param}.id")
    function = call.get("function")
    if function is None:
        raise missing(f"{param}.function")
    if not isinstance(function, dict):
        raise wrong_type(f"{param}.function", "an object", function)
    name = _optional_string(function, "name", f"{param}.function")
    arguments = _optional_string(function, "arguments", f"{param}.function")
    if name is None or arguments is None:
        raise missing(f"{param}.function.{'name' if name is None else 'arguments'}")
    return PastCall(call_id, name, arguments)


def _check_calls(turns: tuple[Turn, ...]) -> None:
    """Refuse a result without its call, and a call without its result."""
    open_calls: list[str] = []
    asked = 0
    for place, turn in enumerate(turns):
        if turn.role == "tool":
            if turn.call_id not in open_calls:
                raise _orphan(place)
            open_calls.remove(turn.call_id)
            continue
        if open_calls:
            raise _unanswered(asked, open_calls)
        open_calls = [call.id for call in turn.calls]
        asked = place
    if open_calls:
        raise _unanswered(asked, open_calls)


def _orphan(place: int) -> ApiError:
    return ApiError(
        "Invalid parameter: messages with role 'tool' must be a response to a preceding message "
        "with 'tool_calls'.",
        param=f"messages[{place}].role",
    )


def _unanswered(place: int, open_calls: list[str]) -> ApiError:
    ids = ", ".join(open_calls)
    return ApiError(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        f"each 'tool_call_id'. The following tool_call_ids did not have response messages: {ids}",
        param=f"messages[{place}]",
    )
