"""Tools that a model may call: from plain functions, or from given schemas.

A function's type hints and docstring become the description that the model reads. The first
paragraph describes the tool; parameters are described by an "Args:" section, by ":param name:"
lines, or by Annotated.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_byom.client.errors import BadAnswer, UsageError
from pytest_byom.client.schema import is_strict, read_value, type_schema, why_invalid

if TYPE_CHECKING:
    from pytest_byom.client.response import ToolCall

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ARGUMENT = re.compile(r"^\s{2,}\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.+)$")
_PARAM = re.compile(r"^\s*:param\s+(?:[^:]*\s)?(\w+):\s*(.+)$")
_KINDS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A function as the model sees it; `function` is the one to run, if it is ours."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(
        default_factory=lambda: {"type": "object", "properties": {}}
    )
    strict: bool | None = None
    function: Callable[..., Any] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise UsageError(
                f"a tool's name has 1 to 64 letters, digits, _ and -, and is not {self.name!r}"
            )
        if self.strict and not is_strict(self.parameters):
            raise UsageError(
                f"strict was asked for the tool {self.name!r}, whose schema is not in the strict "
                "form: every object requires all its members and allows no other"
            )

    def as_json(self) -> dict[str, Any]:
        """The tool as it goes over the wire."""
        function: dict[str, Any] = {"name": self.name, "parameters": dict(self.parameters)}
        if self.description:
            function["description"] = self.description
        if self.strict is not None:
            function["strict"] = self.strict
        return {"type": "function", "function": function}

    def run(self, call: ToolCall) -> Any:
        """Run the function with the arguments of a call; of a coroutine function, await it.

        Raises BadAnswer if they do not fit the schema, and UsageError if the tool has no function.
        """
        if self.function is None:
            raise UsageError(
                f"the tool {self.name!r} was given as a schema: there is nothing to run"
            )
        arguments = call.input
        reason = why_invalid(arguments, self.parameters)
        if reason:
            raise BadAnswer(f"the arguments of the tool call {self.name!r} do not fit: {reason}")
        hints = typing.get_type_hints(self.function, include_extras=True)
        return self.function(
            **{name: read_value(hints.get(name, Any), value) for name, value in arguments.items()}
        )


ToolLike = Tool | Callable[..., Any] | Mapping[str, Any]


def tool_from(source: ToolLike) -> Tool | dict[str, Any]:
    """Take a tool as people write it: a Tool, a function, or an object.

    An object of the wire's own form goes over the wire as it is, whatever it holds; one with a
    name and parameters is wrapped.
    """
    if isinstance(source, Tool):
        return source
    if isinstance(source, Mapping):
        if "type" in source:
            return dict(source)
        try:
            return Tool(**source)
        except TypeError:
            valid = ["name", "description", "parameters", "strict"]
            raise UsageError(f"a tool has {valid}, not {sorted(map(str, source))}") from None
    if callable(source):
        return tool_from_function(source)
    raise UsageError(f"a tool must be a function, a Tool or an object, not {source!r}")


def tool_from_function(function: Callable[..., Any]) -> Tool:
    """Describe a function by its signature, type hints and docstring."""
    name = getattr(function, "__name__", type(function).__name__)
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise UsageError(f"a type of the tool {name!r} cannot be found: {error}") from None
    description, described = _read_docstring(inspect.getdoc(function) or "")
    members: dict[str, Any] = {}
    required: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in _KINDS:
            raise UsageError(
                f"the tool {name!r} takes {parameter}: a model can only give named arguments"
            )
        members[parameter.name] = _parameter_schema(name, parameter, hints, described)
        if parameter.default is inspect.Parameter.empty:
            required.append(parameter.name)
    definitions = {key: made for member in members.values() for key, made in _defs(member).items()}
    schema = {
        "type": "object",
        "properties": members,
        "required": required,
        "additionalProperties": False,
        **({"$defs": definitions} if definitions else {}),
    }
    return Tool(name=name, description=description, parameters=schema, function=function)


def tools_as_json(tools: Sequence[ToolLike]) -> list[dict[str, Any]]:
    """All tools as they go over the wire."""
    made = [tool_from(tool) for tool in tools]
    return [tool.as_json() if isinstance(tool, Tool) else tool for tool in made]


def run_tool(tools: Sequence[ToolLike], call: ToolCall) -> Any:
    """Run the tool that a call names; raises BadAnswer if there is none of that name."""
    made = [tool for tool in map(tool_from, tools) if isinstance(tool, Tool)]
    for tool in made:
        if tool.name == call.name:
            return tool.run(call)
    names = ", ".join(tool.name for tool in made) or "none"
    raise BadAnswer(f"the model called the tool {call.name!r}; known are: {names}")


def _parameter_schema(
    tool: str, parameter: inspect.Parameter, hints: Mapping[str, Any], described: Mapping[str, str]
) -> dict[str, Any]:
    if parameter.name not in hints:
        raise UsageError(f"the parameter {parameter.name!r} of the tool {tool!r} has no type")
    hint = hints[parameter.name]
    schema = type_schema(typing.Annotated[hint, ""])  # so that a class inside stands in $defs
    if "description" not in schema and parameter.name in described:
        schema["description"] = described[parameter.name]
    if isinstance(parameter.default, str | int | float | bool):
        schema["default"] = parameter.default
    return schema


def _defs(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema.pop("$defs", {})
    return found


def _read_docstring(doc: str) -> tuple[str, dict[str, str]]:
    description = " ".join(doc.partition("\n\n")[0].split())
    if description.startswith(":param"):
        description = ""
    lines = doc.splitlines()
    described = {found[1]: found[2].strip() for found in map(_PARAM.match, lines) if found}
    headings = [at for at, line in enumerate(lines) if line.strip() in ("Args:", "Arguments:")]
    for line in lines[headings[0] + 1 :] if headings else ():
        found = _ARGUMENT.match(line)
        if found:
            described.setdefault(found[1], found[2].strip())
        elif line and not line.startswith(" "):
            break
    return description, described
