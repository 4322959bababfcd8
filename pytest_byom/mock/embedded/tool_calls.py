"""Which tools the stand-in calls, and with which arguments.

With `auto`, a tool is called when the last message is the user's and shares a word with the tool's
name or description (everyday words aside; "prices" is "price"). Of several, the one that shares
most words is called. With `required` the same one is, or the first; a named one always.

One call is made, unless parallel calls are allowed, no tool is named, and the user's message has

* two or more names (capitalised words, quoted texts) and the tool has one text argument, or
* two or more numbers and the tool has one number argument and no text argument:

then one call for each of them, 16 at most. An argument comes from its schema, filled in the order
of the message: texts with its names, else its longest words, numbers with its numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_byom.mock.embedded.errors import ApiError
from pytest_byom.mock.embedded.hints import Hints, read_hints, topics
from pytest_byom.mock.embedded.patterns import Unsupported
from pytest_byom.mock.embedded.prompt import compact
from pytest_byom.mock.embedded.schema_writer import write_instance
from pytest_byom.mock.embedded.skills import last_user_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_byom.mock.embedded.messages import Turn
    from pytest_byom.mock.embedded.tools import Tool, Toolbox

CALL_LIMIT = 16


@dataclass(frozen=True, slots=True)
class Call:
    """A call to make: the tool's name and its arguments as JSON text."""

    name: str
    arguments: str


def plan_calls(toolbox: Toolbox, turns: Sequence[Turn], *, seed: int) -> tuple[Call, ...]:
    """Return the calls to make now; none for an answer in words."""
    text = last_user_text(tuple(turns))
    tool = _pick(toolbox, text, fresh=turns[-1].role == "user")
    if tool is None:
        return ()
    hints = read_hints(text)
    several = toolbox.parallel and toolbox.mode != "named"
    shares = _shares(tool, hints) if several else ()
    return tuple(_call(tool, share, seed) for share in shares or (hints,))


def _pick(toolbox: Toolbox, text: str, *, fresh: bool) -> Tool | None:
    if toolbox.mode == "none" or not toolbox.tools:
        return None
    asked = topics(text)
    scores = [
        len(asked & topics(f"{tool.name.replace('-', ' ').replace('_', ' ')} {tool.description}"))
        for tool in toolbox.tools
    ]
    best = max(scores)
    if toolbox.mode == "auto" and not (fresh and best):
        return None
    return toolbox.tools[scores.index(best)]


def _shares(tool: Tool, hints: Hints) -> tuple[Hints, ...]:
    """Deal out what the message names, one thing a call; nothing if one call is to have it all."""
    kinds = _required_kinds(tool)
    if len(hints.items) > 1 and kinds.count("string") == 1:
        return tuple(replace(hints, items=(item,)) for item in hints.items[:CALL_LIMIT])
    numbers = kinds.count("number") + kinds.count("integer")
    if len(hints.numbers) > 1 and numbers == 1 and "string" not in kinds:
        return tuple(replace(hints, numbers=(number,)) for number in hints.numbers[:CALL_LIMIT])
    return ()


def _required_kinds(tool: Tool) -> list[Any]:
    """List the types of the arguments that are filled freely."""
    schema = tool.parameters or {}
    properties = schema.get("properties", {})
    wanted = schema.get("required", list(properties))
    found = (properties[name] for name in wanted if name in properties)
    return [part.get("type") for part in found if isinstance(part, dict) and "enum" not in part]


def _call(tool: Tool, hints: Hints, seed: int) -> Call:
    schema = {"type": "object", **(tool.parameters or {"properties": {}})}
    try:
        arguments = write_instance(schema, hints, seed=seed)
    except Unsupported as error:
        raise ApiError(
            f"Invalid schema for function '{tool.name}': {error} is not supported.",
            param="tools",
            code="invalid_function_parameters",
        ) from None
    return Call(tool.name, compact(arguments))
