"""JSON Schemas as structured output and tools take them: closed objects, every member required."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pytest_byom.strategies.texts import NAMES, WORDS

Schema = dict[str, Any]

PLAIN: tuple[Schema, ...] = (
    {"type": "string"},
    {"type": "integer"},
    {"type": "number"},
    {"type": "boolean"},
    {"type": "string", "enum": ["celsius", "fahrenheit"]},
    {"type": "integer", "enum": [1, 2, 3]},
)


def closed_object(members: dict[str, Schema]) -> Schema:
    """Return the schema of an object with just these members."""
    return {
        "type": "object",
        "properties": members,
        "required": [*members],
        "additionalProperties": False,
    }


def schemas(*, max_depth: int = 2) -> st.SearchStrategy[Schema]:
    """Give schemas of objects: texts, numbers, enums, nulls, lists and objects inside of objects.

    They keep to what strict structured output allows. `max_depth` is how many objects and lists
    may stand inside of one another.
    """
    inner = st.sampled_from(PLAIN) | _described()
    for _ in range(max_depth - 1):
        inner = inner | _nested(inner)
    return st.dictionaries(NAMES, inner, max_size=3).map(closed_object)


def _described() -> st.SearchStrategy[Schema]:
    return WORDS.map(lambda text: {"type": "string", "description": text})


def _nested(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    lists = inner.map(lambda items: {"type": "array", "items": items})
    nullable = inner.map(lambda one: {"anyOf": [one, {"type": "null"}]})
    objects = st.dictionaries(NAMES, inner, min_size=1, max_size=2).map(closed_object)
    return lists | nullable | objects
