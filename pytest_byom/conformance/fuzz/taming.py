"""The tame twin of a request: the same members, each with a value that everybody sends.

Where a server refuses a request and its twin, it lacks a feature, which is its right. Where it
takes the twin, it minds a value, and that is a finding.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = "Say ok."
USUAL: dict[str, Any] = {
    "temperature": 1,
    "top_p": 1,
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "seed": 1,
    "n": 1,
    "user": "user",
    "max_tokens": 16,
}
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


ODD = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")
"""Control characters, and noncharacters of the basic plane, which a server may refuse."""


def without_odd_characters(value: Any) -> Any:
    """Return JSON data in whose texts a letter stands for each odd character."""
    if isinstance(value, dict):
        return {name: without_odd_characters(member) for name, member in value.items()}
    if isinstance(value, list):
        return [without_odd_characters(entry) for entry in value]
    return ODD.sub("x", value) if isinstance(value, str) else value


def tame(body: dict[str, Any]) -> dict[str, Any]:
    """Return a request with the same members and everyday values; null stays null."""
    return {name: _tame(name, value) for name, value in body.items()}


def _tame(name: str, value: Any) -> Any:
    if value is None:
        return value
    return TAMERS[name](value) if name in TAMERS else USUAL.get(name, value)


def _messages(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_message(message) for message in messages]


def _message(message: dict[str, Any]) -> dict[str, Any]:
    made = dict(message)
    if isinstance(content := message.get("content"), list):
        made["content"] = [{**part, "text": TEXT} for part in content]
    elif content is not None:
        made["content"] = TEXT
    if "tool_calls" in message:
        made["tool_calls"] = [_call(call) for call in message["tool_calls"]]
    return made


def _call(call: dict[str, Any]) -> dict[str, Any]:
    return {**call, "function": {"name": "get_time_0", "arguments": '{"city": "Paris"}'}}


def _tools(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"type": "function", "function": {**_described(tool["function"]), "name": f"get_time_{n}"}}
        for n, tool in enumerate(tools)
    ]


def _described(function: dict[str, Any]) -> dict[str, Any]:
    usual = {"parameters": SCHEMA, "description": "Tell the time."}
    return {name: usual.get(name, value) for name, value in function.items()}


def _stop(stop: str | list[str]) -> str | list[str]:
    return "END" if isinstance(stop, str) else [f"END{number}" for number in range(len(stop))]


def _format(form: dict[str, Any]) -> dict[str, Any]:
    if "json_schema" not in form:
        return form
    usual = {"name": "city", "schema": SCHEMA, "description": "A city."}
    given = form["json_schema"]
    return {**form, "json_schema": {name: usual.get(name, value) for name, value in given.items()}}


TAMERS: dict[str, Callable[[Any], Any]] = {
    "messages": _messages,
    "tools": _tools,
    "stop": _stop,
    "response_format": _format,
}
