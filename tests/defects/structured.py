"""Defects of structured output."""

from __future__ import annotations

import json
from typing import Any

from defects.leaving import DICTATED, needing
from defects.planting import (
    Asked,
    Change,
    Defect,
    When,
    answer_with,
    change_request,
    deviates,
    drop,
    failed,
    ignored,
    on_messages,
    refuse,
)

Members = dict[str, Any]


def _is(kind: str) -> When:
    def asks_for(asked: Asked) -> bool:
        found = asked.parameters.get("response_format")
        return isinstance(found, dict) and found.get("type") == kind

    return asks_for


def _text(rewrite: Any, kind: str) -> Change:
    """Change the text of answers in a format."""
    return on_messages(lambda m: m.update(content=rewrite(m["content"])), when=_is(kind))


def _with_more(text: str) -> str:
    try:
        return json.dumps({**json.loads(text), "note": "as asked"})
    except ValueError:  # cut by the token limit
        return text


OBJECT, SCHEMA = "structured.json-object", "structured.json-schema"

BOUNDS = ignored(
    *(f"structured.{name}" for name in ("pattern", "format", "number-bounds", "array-bounds"))
)

DEFECTS = [
    Defect(
        id="structured-object-ignored",
        title="json_object is ignored.",
        change=drop("response_format", when=_is("json_object")),
        turns=ignored(OBJECT) | ignored("structured.no-word"),
    ),
    Defect(
        id="structured-object-fenced",
        title="The JSON stands in a fence of Markdown.",
        change=_text(lambda text: f"```json\n{text}\n```", "json_object"),
        turns=ignored(OBJECT) | ignored("structured.no-word"),
    ),
    Defect(
        id="structured-object-array",
        title="json_object gives an array.",
        change=_text(lambda text: f"[{text}]", "json_object"),
        turns=ignored(OBJECT) | ignored("structured.no-word"),
    ),
    Defect(
        id="structured-object-refused",
        title="json_object is refused, with a text for an error.",
        change=answer_with(
            400,
            {"error": "'response_format.type' must be 'json_schema' or 'text'"},
            when=_is("json_object"),
        ),
        turns=failed("errors.object"),
        lacks=needing("json_object"),
        row="C215",
        issues=("t59688/arboris-novel#23",),
    ),
    Defect(
        id="structured-schema-ignored",
        title="json_schema is ignored.",
        change=drop("response_format", when=_is("json_schema")),
        leaves=frozenset({"structured.order"}) | {"parity.json-schema"},
        turns=ignored(SCHEMA)
        | deviates("structured.broken-schema")
        | ignored("structured.generated", "structured.recursive", "structured.streamed")
        | BOUNDS
        | ignored("structured.loose-strict")
        | deviates("messages.echo"),
    ),
    Defect(
        id="structured-schema-any-object",
        title="json_schema gives any object.",
        change=change_request(
            lambda data: data.update(response_format={"type": "json_object"}),
            when=_is("json_schema"),
        ),
        leaves=frozenset({"structured.order"}) | DICTATED,
        turns=ignored(SCHEMA)
        | deviates("structured.broken-schema")
        | ignored("structured.generated", "structured.recursive", "structured.streamed")
        | BOUNDS
        | ignored("structured.loose-strict")
        | deviates("messages.echo"),
    ),
    Defect(
        id="structured-schema-more",
        title="The object has a member that the schema forbids.",
        change=_text(_with_more, "json_schema"),
        leaves=frozenset({"structured.order"}),
        turns=ignored(SCHEMA) | ignored("structured.generated", "structured.recursive") | BOUNDS,
    ),
    Defect(
        id="structured-schema-talk",
        title="A sentence stands before the JSON.",
        change=_text(lambda text: f"Here it is: {text}", "json_schema"),
        leaves=frozenset({"structured.order"}),
        turns=ignored(SCHEMA)
        | ignored("structured.generated", "structured.recursive")
        | BOUNDS
        | deviates("messages.echo"),
    ),
    Defect(
        id="structured-schema-refused",
        title="json_schema is refused.",
        change=refuse("response_format json_schema is not supported", when=_is("json_schema")),
        lacks=needing("json_schema"),
        row="C216",
        issues=("MoonshotAI/Kimi-K2#96",),
    ),
    Defect(
        id="structured-unknown-type",
        title="An unknown response format is ignored.",
        change=drop("response_format", when=_is("yaml")),
        turns=deviates("structured.unknown-type"),
    ),
]
