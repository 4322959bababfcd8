"""Rules about tool calls in plain answers, whoever chose to make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.check import rule
from pytest_byom.conformance.excerpts import cut, parse_object
from pytest_byom.conformance.exchange import dig
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.values import is_integer
from pytest_byom.conformance.views import Called, Chunk, ChunkStream

if TYPE_CHECKING:
    from collections.abc import Iterator


def _function_calls(answer: Called) -> list[tuple[str, dict[str, Any]]]:
    """Return the calls of functions; custom tools have members of their own."""
    return [(path, call) for path, call in answer.tool_calls if call.get("type") != "custom"]


def _given_names(request: dict[str, Any]) -> list[str]:
    """Return the names of the functions of a request, of those in the older form too."""
    tools = [tool["function"] for tool in request.get("tools") or () if "function" in tool]
    return [function["name"] for function in (*tools, *(request.get("functions") or ()))]


def _is_forced(request: dict[str, Any]) -> bool:
    """Whether a request says more of the call than that the model may choose."""
    choices = (request.get(name) for name in ("tool_choice", "function_call"))
    return any(choice not in (None, "auto") for choice in choices)


def _is_free(answer: Called) -> bool:
    """Whether the model chose to call: a server binds a call that is forced, with a grammar."""
    request = answer.exchange.request_json
    return bool(_given_names(request)) and not _is_forced(request)


def _may_be_written(answer: Called) -> bool:
    """Whether the model may have written the arguments: an empty text it has not."""
    calls = (answer.function(call) for _, call in _function_calls(answer))
    return _is_free(answer) and all(call.get("arguments") != "" for call in calls)


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
    free=_is_free,
)
def test_call_name(answer: Called) -> Iterator[Wrong]:
    """function.name is one of the names that were given."""
    given = _given_names(answer.exchange.request_json)
    for path, call in _function_calls(answer):
        if answer.function(call).get("name") not in given:
            expected = (
                f"one of {', '.join(given)}" if given else "no call, as no function was given"
            )
            yield answer.wrong(f"{path}.function.name", expected)


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
    free=_may_be_written,
)
def test_arguments_json(answer: Called) -> Iterator[Wrong]:
    """function.arguments is the JSON text of an object, unless the token limit cut it."""
    if dig(answer.data, "choices.0.finish_reason") == "length":
        raise Inconclusive("the token limit cut every call")
    for path, call in answer.tool_calls:
        arguments = answer.function(call).get("arguments")
        if isinstance(arguments, str) and parse_object(arguments) is None:
            yield answer.wrong(f"{path}.function.arguments", "the text of a JSON object")


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
    forced = _is_forced(answer.exchange.request_json)
    for path, choice in answer.choices:
        if not dig(choice, "message.tool_calls.0"):
            continue
        reason = choice.get("finish_reason")
        if reason == "stop" and not forced:
            yield answer.wrong(f"{path}.finish_reason", '"tool_calls"')


def _fragments(
    answer: ChunkStream,
) -> Iterator[tuple[Chunk, str, tuple[int, object], dict[str, Any]]]:
    """Yield each fragment of a call: its chunk, its path, whose call it is, and itself."""
    for choice, deltas in answer.deltas.items():
        for chunk, path, delta in deltas:
            calls = delta.get("tool_calls")
            for number, call in enumerate(calls if isinstance(calls, list) else []):
                if isinstance(call, dict):
                    yield chunk, f"{path}.tool_calls.{number}", (choice, call.get("index")), call


@rule(
    "tools.streamed-own-index",
    on=ChunkStream,
    level="must",
    decides=["stool-03"],
    needs=["tools", "stream"],
    breaks="openai-python and openai-node glue two calls under one index together",
)
def test_streamed_own_index(answer: ChunkStream) -> Iterator[Wrong]:
    """Different calls of a stream have different indexes."""
    ids: dict[tuple[int, object], str] = {}
    for chunk, path, whose, call in _fragments(answer):
        id = call.get("id")
        if is_integer(whose[1]) and isinstance(id, str) and id:
            if ids.setdefault(whose, id) != id:
                yield chunk.wrong(f"{path}.index", f"another index than that of {ids[whose]!r}")
            ids[whose] = id


@rule(
    "tools.streamed-first-arguments",
    on=ChunkStream,
    level="should",
    decides=["stool-11"],
    needs=["tools", "stream"],
    breaks="openai-python gives arguments None for a call whose arguments never arrive",
)
def test_streamed_first_arguments(answer: ChunkStream) -> Iterator[Wrong]:
    """The first fragment of a call has function.arguments, be it empty."""
    seen: set[tuple[int, object]] = set()
    for chunk, path, whose, call in _fragments(answer):
        given = isinstance(call.get("function"), dict)
        if whose not in seen and given and dig(call, "function.arguments") is None:
            yield chunk.wrong(f"{path}.function.arguments", "a string")
        seen.add(whose)


@rule(
    "tools.streamed-later-nulls",
    on=ChunkStream,
    level="should",
    decides=["stool-12"],
    needs=["tools", "stream"],
    breaks="openai-python's stream() raises AssertionError for type null in a later fragment",
)
def test_streamed_later_nulls(answer: ChunkStream) -> Iterator[Wrong]:
    """Later fragments leave out id, type and name instead of sending null."""
    seen: set[tuple[int, object]] = set()
    for chunk, path, whose, call in _fragments(answer):
        if whose in seen:
            function = call.get("function")
            parts = [("", call), ("function.", function if isinstance(function, dict) else {})]
            for place, part in parts:
                for name in ("id", "type", "name"):
                    if part.get(name, "") is None:
                        yield chunk.wrong(f"{path}.{place}{name}", "no such member")
        seen.add(whose)


@rule(
    "tools.streamed-no-empty-list",
    on=ChunkStream,
    level="should",
    decides=["stool-15"],
    needs=["stream"],
    breaks='code that tests for tool_calls with "is not None" takes text for a call',
)
def test_streamed_no_empty_list(answer: ChunkStream) -> Iterator[Wrong]:
    """Text deltas carry no tool_calls member, or null; not an empty list."""
    for deltas in answer.deltas.values():
        for chunk, path, delta in deltas:
            if delta.get("tool_calls") == []:
                yield chunk.wrong(f"{path}.tool_calls", "null, or no such member")
                break


@rule(
    "tools.streamed-null-content",
    on=ChunkStream,
    level="should",
    decides=["stool-17"],
    needs=["tools", "stream"],
    breaks="the reader sees the word null beside a call",
)
def test_streamed_null_content(answer: ChunkStream) -> Iterator[Wrong]:
    """delta.content beside a call is null or absent, not the text "null" or "None"."""
    called = {whose[0] for _, _, whose, _ in _fragments(answer)}
    for index in called:
        if answer.text(index) in ("null", "None"):
            chunk, path, _ = next(d for d in answer.deltas[index] if d[2].get("content"))
            yield chunk.wrong(f"{path}.content", "null")
