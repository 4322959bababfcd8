"""Rules about tool calls in plain answers, whoever chose to make them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.check import rule
from pytest_byom.conformance.excerpts import cut
from pytest_byom.conformance.exchange import dig
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.views import Called

if TYPE_CHECKING:
    from collections.abc import Iterator


def _function_calls(answer: Called) -> list[tuple[str, dict[str, Any]]]:
    """Return the calls of functions; custom tools have members of their own."""
    return [(path, call) for path, call in answer.tool_calls if call.get("type") != "custom"]


@rule(
    "tools.call-id",
    on=Called,
    level="must",
    decides=["tool-07"],
    needs=["tools"],
    breaks="an integer id breaks LangChain and the Vercel AI SDK; without one no result can refer "
    "to the call",
)
def test_call_id(answer: Called) -> Iterator[Wrong]:
    """A tool call has an id, a non-empty string."""
    for path, call in answer.tool_calls:
        if not isinstance(call.get("id"), str) or not call["id"]:
            yield answer.wrong(f"{path}.id", "a non-empty string")


@rule(
    "tools.call-ids-unique",
    on=Called,
    level="must",
    decides=["tool-08"],
    needs=["tools"],
    breaks="two results refer to one call",
)
def test_call_ids_unique(answer: Called) -> Iterator[Wrong]:
    """Tool call ids are unique within one message."""
    for path, message in answer.messages:
        calls = message.get("tool_calls")
        found = [dig(call, "id") for call in calls] if isinstance(calls, list) else []
        ids = [id for id in found if isinstance(id, str)]
        if len(set(ids)) < len(ids):
            yield Wrong(place=f"{path}.tool_calls", expected="an id for each call", got=cut(ids))


@rule(
    "tools.call-type",
    on=Called,
    level="should",
    decides=["tool-40", "tool-06"],
    needs=["tools"],
    breaks="openai-node's stream helper raises when the type never arrives",
)
def test_call_type(answer: Called) -> Iterator[Wrong]:
    """A tool call has the type "function"."""
    for path, call in answer.tool_calls:
        if call.get("type") not in ("function", "custom"):
            yield answer.wrong(f"{path}.type", '"function"')


@rule(
    "tools.call-name",
    on=Called,
    level="must",
    decides=["tool-13"],
    needs=["tools"],
    breaks="every agent looks the function up by this name",
)
def test_call_name(answer: Called) -> Iterator[Wrong]:
    """function.name is one of the names that were given."""
    tools = answer.exchange.request_json.get("tools", [])
    given = [tool["function"]["name"] for tool in tools if "function" in tool]
    for path, call in _function_calls(answer):
        if answer.function(call).get("name") not in given:
            yield answer.wrong(f"{path}.function.name", "one of " + ", ".join(given))


@rule(
    "tools.arguments-string",
    on=Called,
    level="must",
    decides=["tool-10"],
    needs=["tools"],
    breaks="an object breaks LangChain and the Vercel AI SDK, and json.loads in your code",
)
def test_arguments_string(answer: Called) -> Iterator[Wrong]:
    """function.arguments is a string, not an object."""
    for path, call in _function_calls(answer):
        if not isinstance(answer.function(call).get("arguments"), str):
            yield answer.wrong(f"{path}.function.arguments", "a string")


@rule(
    "tools.arguments-json",
    on=Called,
    level="must",
    decides=["tool-11"],
    needs=["tools"],
    breaks="LangChain puts the call under invalid_tool_calls; others fail in json.loads",
)
def test_arguments_json(answer: Called) -> Iterator[Wrong]:
    """function.arguments is the JSON text of an object, unless the token limit cut it."""
    if dig(answer.data, "choices.0.finish_reason") == "length":
        raise Inconclusive("the token limit cut every call")
    for path, call in answer.tool_calls:
        arguments = answer.function(call).get("arguments")
        if isinstance(arguments, str) and not _is_object(arguments):
            yield answer.wrong(f"{path}.function.arguments", "the text of a JSON object")


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


@rule(
    "tools.finish-reason",
    on=Called,
    level="must",
    decides=["tool-14", "tool-15"],
    needs=["tools"],
    breaks="agents that look for tool_calls stop before they run the tool",
)
def test_finish_reason(answer: Called) -> Iterator[Wrong]:
    """An answer with tool calls ends with tool_calls, or with stop where the call was forced."""
    forced = answer.exchange.request_json.get("tool_choice", "auto") != "auto"
    for path, choice in answer.choices:
        if not dig(choice, "message.tool_calls.0"):
            continue
        reason = choice.get("finish_reason")
        if reason == "stop" and not forced:
            yield answer.wrong(f"{path}.finish_reason", '"tool_calls"')
