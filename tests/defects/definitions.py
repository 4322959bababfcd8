"""Defects of how tools and schemas are read, and of odd calls in the history."""

from __future__ import annotations

import json
from typing import Any

from defects.members import stop
from defects.planting import (
    Asked,
    Defect,
    When,
    deviates,
    drop,
    failed,
    ignored,
    on_calls,
    on_choices,
    on_messages,
    refuse,
)
from defects.streaming import Chunk, change_chunks

Members = dict[str, Any]


def _tools(asked: Asked) -> list[Members]:
    found = asked.parameters.get("tools")
    return found if isinstance(found, list) else []


def _any_tool(test: Any) -> When:
    """Requests with a tool that passes a test."""
    return lambda asked: asked.is_chat and any(map(test, _tools(asked)))


def _function(tool: Members) -> Members:
    found = tool.get("function")
    return found if isinstance(found, dict) else {}


def _unexplained(tool: Members) -> bool:
    return "function" in tool and not {"description", "parameters"} & set(_function(tool))


def _long(tool: Members) -> bool:
    return len(_function(tool).get("name", "")) == 64


def _broken(tool: Members) -> bool:
    return bool(_function(tool).get("parameters", {}).get("type") == "banana")


def _incomplete(tool: Members) -> bool:
    return "type" not in tool or "function" not in tool


def _odd(tool: Members) -> bool:
    return " " in _function(tool).get("name", "")


def _shorten(call: Members) -> None:
    call["function"]["name"] = call["function"]["name"][:50]


def _without_tools(asked: Asked) -> bool:
    return asked.is_chat and "tool_choice" in asked.parameters and "tools" not in asked.parameters


def _has_content(text: str) -> When:
    """Requests with a result of a tool that is such a text."""

    def found(asked: Asked) -> bool:
        messages = asked.parameters.get("messages")
        told = messages if asked.is_chat and isinstance(messages, list) else []
        return any(m.get("role") == "tool" and m.get("content") == text for m in told)

    return found


def _empty_arguments(call: Members) -> None:
    if call["function"]["arguments"] == "{}":
        call["function"]["arguments"] = ""


def _schema(asked: Asked) -> Members:
    found = asked.parameters.get("response_format")
    found = found.get("json_schema") if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _by_schema(test: Any) -> When:
    """Requests with a schema that passes a test."""
    return lambda asked: asked.is_chat and bool(_schema(asked)) and test(_schema(asked))


def _says(word: str) -> When:
    return _by_schema(lambda schema: word in json.dumps(schema, ensure_ascii=False))


def _reversed(message: Members) -> None:
    members = json.loads(message["content"])
    text = json.dumps(dict(reversed(members.items())), ensure_ascii=False)
    message["content"] = text


def _ascii_names(message: Members) -> None:
    message["content"] = message["content"].replace("ö", "o").replace("ß", "ss")


def _garbled(chunks: list[Chunk]) -> None:
    for chunk in chunks:
        for choice in chunk["choices"]:
            if content := choice["delta"].get("content"):
                choice["delta"]["content"] = content.replace("🙂", "\ufffd\ufffd")


def _two(asked: Asked) -> bool:
    return asked.streams and asked.parameters.get("n") == 2


def _never_end_second(chunks: list[Chunk]) -> list[Chunk]:
    return [chunk for chunk in chunks if not any(map(_ends_second, chunk["choices"]))]


def _ends_second(choice: Members) -> bool:
    return choice["index"] == 1 and choice["finish_reason"] is not None


def _second_first(chunks: list[Chunk]) -> list[Chunk]:
    return sorted(chunks, key=lambda chunk: [-choice["index"] for choice in chunk["choices"]])


def _small_limit(asked: Asked) -> bool:
    return bool(_schema(asked)) and asked.parameters.get("max_tokens") == 3


DEFECTS = [
    Defect(
        id="definitions-bare-refused",
        title="A function without parameters is refused.",
        change=refuse("tools.0.function.parameters: field required", when=_any_tool(_unexplained)),
        turns=failed("tools.bare"),
        leaves=frozenset({"tools.bare-arguments"}),
    ),
    Defect(
        id="definitions-empty-arguments",
        title="A call without arguments has an empty text in their place.",
        change=on_calls(_empty_arguments),
        turns=deviates("tools.bare-arguments") | failed("tools.arguments-json"),
    ),
    Defect(
        id="definitions-short-names",
        title="Names of tools are cut after 50 characters.",
        change=on_calls(_shorten),
        turns=failed("tools.long-name", "tools.call-name"),
    ),
    Defect(
        id="definitions-long-name-refused",
        title="A name of 64 characters is refused.",
        change=refuse("name: at most 63 characters", when=_any_tool(_long)),
        turns=failed("tools.long-name"),
    ),
    Defect(
        id="definitions-keywords-refused",
        title="A schema with a reference is refused.",
        change=refuse(
            "Unknown name $ref: cannot find field",
            when=_any_tool(lambda tool: "$ref" in json.dumps(tool)),
        ),
        turns=deviates("tools.keywords"),
    ),
    Defect(
        id="definitions-choice-alone",
        title="A tool choice without tools makes the server fail.",
        change=refuse("KeyError: 'tools'", status=500, when=_without_tools),
        turns=deviates("tools.choice-alone")
        | deviates(
            "tools.table-absent-null",
            "tools.table-absent-none",
            "tools.table-absent-auto",
            "tools.table-absent-required",
            "tools.table-absent-named",
        ),
    ),
    Defect(
        id="definitions-choice-unknown",
        title="An unknown tool choice is ignored.",
        change=drop("tool_choice", when=lambda a: a.parameters.get("tool_choice") == "maybe"),
        turns=deviates("tools.choice-unknown"),
    ),
    Defect(
        id="definitions-empty",
        title="An empty list of tools makes the server fail.",
        change=refuse(
            "list index out of range",
            status=500,
            when=lambda asked: asked.is_chat and asked.parameters.get("tools") == [],
        ),
        turns=deviates("tools.empty")
        | deviates(
            "tools.table-empty-absent",
            "tools.table-empty-null",
            "tools.table-empty-none",
            "tools.table-empty-auto",
            "tools.table-empty-required",
            "tools.table-empty-named",
        ),
        row="C167",
        issues=("vllm-project/vllm#39780", "BerriAI/litellm#31522"),
    ),
    Defect(
        id="definitions-incomplete",
        title="Tools without a type or a function are left out.",
        change=drop("tools", when=_any_tool(_incomplete)),
        turns=deviates("tools.incomplete"),
    ),
    Defect(
        id="definitions-bad-schema",
        title="Parameters that are no schema are left out.",
        change=drop("tools", when=_any_tool(_broken)),
        turns=deviates("tools.bad-schema"),
    ),
    Defect(
        id="definitions-odd-names",
        title="A name with a space makes the server fail.",
        change=refuse("invalid grammar", status=500, when=_any_tool(_odd)),
        turns=deviates("tools.odd-names"),
    ),
    Defect(
        id="definitions-empty-result",
        title="An empty result is refused.",
        change=refuse("content must not be empty", when=_has_content("")),
        turns=deviates("tools.odd-results"),
    ),
    Defect(
        id="definitions-broken-history",
        title="A call in the history that is no JSON makes the server fail.",
        change=refuse(
            "Failed to parse tool call arguments",
            status=500,
            when=_has_content("Invalid arguments."),
        ),
        turns=deviates("tools.broken-history"),
    ),
    Defect(
        id="schemas-null-refused",
        title="A schema with a list of types is refused.",
        change=refuse("type must be a string", when=_says('["integer", "null"]')),
        turns=deviates("structured.generated"),
        leaves=frozenset({"structured.order"}),
    ),
    Defect(
        id="schemas-ascii-names",
        title="Names of members lose their accents.",
        change=on_messages(_ascii_names, when=_says("größe")),
        turns=ignored("structured.generated"),
        leaves=frozenset({"structured.order"}),
    ),
    Defect(
        id="schemas-other-order",
        title="The members come in another order.",
        change=on_messages(_reversed, when=_says("größe")),
        turns=deviates("structured.order"),
    ),
    Defect(
        id="schemas-recursive-refused",
        title="A recursive schema is refused.",
        change=refuse("recursive references are not supported", when=_says("#/$defs/node")),
        turns=deviates("structured.recursive"),
    ),
    Defect(
        id="schemas-stream-ignored",
        title="A schema is ignored in a stream.",
        change=drop("response_format", when=lambda asked: asked.streams),
        turns=ignored("structured.streamed", "parity.json-schema", "parity.json-object"),
    ),
    Defect(
        id="schemas-cut-stop",
        title="An answer by a schema that was cut ends with stop.",
        change=on_choices(stop, when=_small_limit),
        turns=deviates("structured.cut"),
    ),
    Defect(
        id="schemas-broken-ignored",
        title="A schema that is none is ignored.",
        change=drop("response_format", when=_says("banana")),
        turns=deviates("structured.broken-schema"),
    ),
    Defect(
        id="schemas-no-name",
        title="A schema without a name makes the server fail.",
        change=refuse(
            "KeyError: 'name'",
            status=500,
            when=_by_schema(lambda schema: "name" not in schema),
        ),
        turns=deviates("structured.no-name"),
    ),
    Defect(
        id="stream-split-character",
        title="An emoji comes in two broken halves.",
        change=change_chunks(_garbled),
        turns=deviates("stream.whole-characters") | ignored("structured.streamed"),
    ),
    Defect(
        id="stream-n-one-end",
        title="The second of two choices never ends.",
        change=change_chunks(_never_end_second, when=_two),
        turns=failed("stream.n", "stream.one-finish"),
    ),
    Defect(
        id="stream-n-second-first",
        title="The second choice comes before the first.",
        change=change_chunks(_second_first, when=_two),
        turns=deviates("stream.n-order"),
    ),
]
