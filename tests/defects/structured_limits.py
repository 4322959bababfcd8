"""Defects of structured output beyond the plain: bounds, size, strictness, tools beside it."""

from __future__ import annotations

from typing import Any

from defects.messages_forms import fail
from defects.planting import (
    Asked,
    Defect,
    When,
    change_json,
    change_request,
    deviates,
    drop,
    ignored,
    refuse,
)

Members = dict[str, Any]

BOUNDS = frozenset(
    {"pattern", "format", "minimum", "maximum", "multipleOf", "minItems", "maxItems"}
)


def _format(asked: Asked) -> str:
    return str(asked.parameters.get("response_format"))


def _has(word: str) -> When:
    return lambda asked: asked.is_chat and word in _format(asked)


def _loose(asked: Asked) -> bool:
    return "'strict': True" in _format(asked) and "additionalProperties" not in _format(asked)


def _wordless(asked: Asked) -> bool:
    said = str(asked.parameters.get("messages")).lower()
    return "json_object" in _format(asked) and "json" not in said


def _without_bounds(data: Members) -> None:
    data["response_format"] = _pruned(data["response_format"])


def _pruned(value: Any) -> Any:
    if isinstance(value, list):
        return [_pruned(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _pruned(entry) for key, entry in value.items() if key not in BOUNDS}
    return value


def _blank(data: Members) -> None:
    usage, (choice,) = data["usage"], data["choices"]
    usage.update(completion_tokens=128, total_tokens=usage["prompt_tokens"] + 128)
    choice["message"]["content"] = " \n" * 60
    choice["finish_reason"] = "length"


def _null(asked: Asked) -> bool:
    return asked.parameters.get("response_format", ...) is None


def _both(asked: Asked) -> bool:
    return "json_schema" in _format(asked) and "tools" in asked.parameters


DEFECTS = [
    Defect(
        id="limits-of-schemas",
        title="Bounds in a schema are accepted, and not kept.",
        change=change_request(
            _without_bounds, when=lambda asked: any(_has(word)(asked) for word in BOUNDS)
        ),
        turns=ignored("structured.pattern", "structured.format")
        | ignored("structured.number-bounds", "structured.array-bounds"),
        row="L172",
        issues=("ggml-org/llama.cpp#19051",),
    ),
    Defect(
        id="limits-loose-strict",
        title="A strict schema that allows more members is dropped.",
        change=drop("response_format", when=_loose),
        turns=ignored("structured.loose-strict"),
    ),
    Defect(
        id="limits-white-space",
        title="Without the word JSON the model writes white space without end.",
        change=change_json(_blank, when=_wordless),
        turns=ignored("structured.no-word"),
    ),
    Defect(
        id="limits-null-format",
        title="response_format null is refused.",
        change=refuse("response_format: none is not allowed", when=_null),
        turns=deviates("structured.null"),
    ),
    Defect(
        id="limits-with-tools",
        title="A schema beside a tool makes the server fail.",
        change=fail("two grammars", when=_both),
        turns=deviates("structured.with-tools"),
    ),
    Defect(
        id="limits-deep",
        title="A deep schema makes the server fail.",
        change=fail("recursion limit", when=_has("level_9")),
        turns=deviates("structured.deep"),
    ),
]
