"""The tools of a request and the choice among them, checked.

The deprecated `functions` and `function_call` are read into the same form; the answer then has a
`function_call` in place of `tool_calls`. Tools of type `custom` are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from pytest_byom.mock.embedded.errors import (
    ApiError,
    missing,
    shown,
    unsupported,
    wrong_type,
    wrong_value,
)
from pytest_byom.mock.embedded.rules import an_object, array, boolean, one_of, string
from pytest_byom.mock.embedded.schema_check import find_fault

_NAME = re.compile(r"[A-Za-z0-9_-]+")
NAME_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that may be called."""

    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The tools that may be called now: `mode` is none, auto, required or named."""

    tools: tuple[Tool, ...] = ()
    mode: str = "none"
    parallel: bool = True
    legacy: bool = False
    defined: tuple[Tool, ...] = field(default=())


def read_toolbox(body: dict[str, Any]) -> Toolbox:
    """Read tools and choice, in the new form or the old one."""
    if body.get("functions") is not None or body.get("function_call") is not None:
        return _read_legacy(body)
    defined = tuple(
        _read_tool(tool, f"tools[{place}]") for place, tool in enumerate(body.get("tools") or ())
    )
    parallel = body.get("parallel_tool_calls")
    tools, mode = _read_choice(body.get("tool_choice"), defined)
    return Toolbox(tools, mode, parallel is not False, False, defined)


def _read_tool(tool: Any, param: str) -> Tool:
    an_object(tool, param)
    if tool.get("type") is None:
        raise missing(f"{param}.type")
    one_of("function", "custom")(tool["type"], f"{param}.type")
    if tool["type"] == "custom":
        raise unsupported(f"{param}.type", "custom tools", code="unsupported_value")
    if tool.get("function") is None:
        raise missing(f"{param}.function")
    return _read_function(tool["function"], f"{param}.function")


def read_name(value: Any, param: str) -> str:
    """Check a name of letters, digits, underscores and dashes."""
    if value is None:
        raise missing(param)
    string(longest=NAME_LENGTH)(value, param)
    if not _NAME.fullmatch(value):
        raise ApiError(
            f"Invalid '{param}': string does not match pattern. Expected a string that matches "
            "the pattern '^[a-zA-Z0-9_-]+$'.",
            param=param,
            code="invalid_value",
        )
    return str(value)


def _read_function(function: Any, param: str) -> Tool:
    an_object(function, param)
    name = read_name(function.get("name"), f"{param}.name")
    description, strict = function.get("description"), function.get("strict")
    if description is not None:
        string()(description, f"{param}.description")
    if strict is not None:
        boolean(strict, f"{param}.strict")
    parameters = function.get("parameters")
    if parameters is not None:
        an_object(parameters, f"{param}.parameters")
        _check_parameters(parameters, name, param, strict=bool(strict))
    return Tool(name, description or "", parameters, bool(strict))


def _check_parameters(parameters: dict[str, Any], name: str, param: str, *, strict: bool) -> None:
    fault = find_fault(parameters, strict=strict and bool(parameters))
    if fault is None and parameters.get("type", "object") != "object":
        fault = f"schema must be of type 'object', got {shown(parameters['type'])}."
    if fault is not None:
        raise ApiError(
            f"Invalid schema for function '{name}': {fault}",
            param=f"{param}.parameters",
            code="invalid_function_parameters",
        )


def _read_choice(choice: Any, defined: tuple[Tool, ...]) -> tuple[tuple[Tool, ...], str]:
    if choice is None:
        return defined, "auto" if defined else "none"
    if not isinstance(choice, str | dict):
        raise wrong_type("tool_choice", "a string or an object", choice)
    kind = choice if isinstance(choice, str) else choice.get("type")
    if isinstance(choice, str):
        one_of("none", "auto", "required")(choice, "tool_choice")
    elif kind is None:
        raise missing("tool_choice.type")
    else:
        one_of("function", "allowed_tools", "custom")(kind, "tool_choice.type")
    if kind == "custom":
        raise unsupported("tool_choice", "custom tools", code="unsupported_value")
    if not defined and kind != "none":
        raise ApiError(
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are "
            "specified.",
            param="tool_choice",
            code="invalid_value",
        )
    if isinstance(choice, str):
        return (defined, choice) if choice != "none" else ((), "none")
    if kind == "function":
        return (_named(choice, defined, "tool_choice"),), "named"
    return _read_allowed(choice, defined)


def _named(choice: Any, defined: tuple[Tool, ...], param: str) -> Tool:
    an_object(choice, param)
    if choice.get("function") is None:
        raise missing(f"{param}.function")
    an_object(choice["function"], f"{param}.function")
    return _find(choice["function"].get("name"), defined, f"{param}.function.name")


def _find(name: Any, defined: tuple[Tool, ...], param: str) -> Tool:
    if name is None:
        raise missing(param)
    string()(name, param)
    found = next((tool for tool in defined if tool.name == name), None)
    if found is None:
        raise ApiError(
            f"Tool choice '{name[:80]}' not found in 'tools' parameter.",
            param=param.partition(".")[0],
            code="invalid_value",
        )
    return found


def _read_allowed(
    choice: dict[str, Any], defined: tuple[Tool, ...]
) -> tuple[tuple[Tool, ...], str]:
    allowed = choice.get("allowed_tools")
    param = "tool_choice.allowed_tools"
    if allowed is None:
        raise missing(param)
    an_object(allowed, param)
    if allowed.get("mode") is None:
        raise missing(f"{param}.mode")
    one_of("auto", "required")(allowed["mode"], f"{param}.mode")
    array(shortest=1)(allowed.get("tools"), f"{param}.tools")
    tools = tuple(
        _named(tool, defined, f"{param}.tools[{place}]")
        for place, tool in enumerate(allowed["tools"])
    )
    return tools, allowed["mode"]


def _read_legacy(body: dict[str, Any]) -> Toolbox:
    if body.get("tools") is not None or body.get("tool_choice") is not None:
        raise ApiError(
            "'functions' and 'function_call' are deprecated and cannot be used with 'tools'.",
            param="functions",
            code="invalid_value",
        )
    defined = tuple(
        _read_function(function, f"functions[{place}]")
        for place, function in enumerate(body.get("functions") or ())
    )
    if not defined:
        raise ApiError(
            "'function_call' is only allowed when 'functions' are specified.",
            param="function_call",
            code="invalid_value",
        )
    choice = body.get("function_call", "auto")
    if isinstance(choice, str):
        if choice not in ("none", "auto"):
            raise wrong_value("function_call", choice, ("none", "auto"))
        tools, mode = ((), "none") if choice == "none" else (defined, "auto")
        return Toolbox(tools, mode, False, True, defined)
    an_object(choice, "function_call")
    tool = _find(choice.get("name"), defined, "function_call.name")
    return Toolbox((tool,), "named", False, True, defined)
