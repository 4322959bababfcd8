"""Is this a JSON Schema, and does it keep to the subset that strict mode promises to obey?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")

# What follows a keyword, where the server relies on it.
_SHAPES: dict[str, tuple[type, ...]] = {
    "properties": (dict,),
    "$defs": (dict,),
    "definitions": (dict,),
    "required": (list,),
    "enum": (list,),
    "anyOf": (list,),
    "oneOf": (list,),
    "allOf": (list,),
    "prefixItems": (list,),
    "items": (dict, bool),
    "additionalProperties": (dict, bool),
    "$ref": (str,),
    "pattern": (str,),
    "format": (str,),
    "minLength": (int,),
    "maxLength": (int,),
    "minItems": (int,),
    "maxItems": (int,),
    "uniqueItems": (bool,),
    "minimum": (int, float),
    "maximum": (int, float),
    "exclusiveMinimum": (int, float),
    "exclusiveMaximum": (int, float),
    "multipleOf": (int, float),
}  # fmt: skip

# Keywords that strict mode refuses, as OpenAI does: none of them can be promised.
NOT_STRICT = frozenset(
    {
        "allOf", "not", "if", "then", "else", "oneOf", "dependentRequired", "dependentSchemas",
        "patternProperties", "unevaluatedProperties", "unevaluatedItems", "propertyNames",
        "contains", "minContains", "maxContains", "minProperties", "maxProperties", "prefixItems",
    }
)  # fmt: skip


def find_fault(schema: Any, *, strict: bool) -> str | None:
    """Say what is wrong with a schema, or return None."""
    fault = next(_faults(schema, ()), None)
    if fault is None and strict:
        fault = next(_strict_faults(schema, ()), None)
        if fault is None and (schema.get("type") != "object" or "anyOf" in schema):
            fault = "In context=(), the root must be of type 'object' and without 'anyOf'."
    return fault


def _at(path: tuple[str, ...]) -> str:
    return f"In context=({', '.join(map(repr, path))}),"


def _faults(schema: Any, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from _shape_faults(schema, path)
        yield from _value_faults(schema, path)
        for name, child in _children(schema):
            yield from _faults(child, (*path, *name))
    elif not (isinstance(schema, bool) and path):
        yield f"{_at(path)} a schema must be an object."


def _shape_faults(schema: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    for keyword, kinds in _SHAPES.items():
        value = schema.get(keyword)
        fits = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
        if keyword in schema and not fits:
            yield f"{_at(path)} '{keyword}' has a value of the wrong type."


def _value_faults(schema: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    kinds = schema.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if kind not in TYPES:
            yield f"{_at(path)} {str(kind)[:40]!r} is not valid under any of the given types."
    if kinds == [] and "type" in schema:
        yield f"{_at(path)} 'type' is empty."
    for keyword in ("enum", "anyOf", "oneOf", "allOf"):
        if schema.get(keyword) == []:
            yield f"{_at(path)} '{keyword}' is empty."
    if not all(isinstance(name, str) for name in schema.get("required", [])):
        yield f"{_at(path)} 'required' must be an array of strings."
    if schema.get("multipleOf", 1) <= 0:
        yield f"{_at(path)} 'multipleOf' must be above 0."


def _children(schema: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for keyword in ("properties", "$defs", "definitions"):
        for name, child in schema.get(keyword, {}).items():
            yield (keyword, name), child
    for keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for place, child in enumerate(schema.get(keyword, [])):
            yield (keyword, str(place)), child
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield (keyword,), schema[keyword]


def _strict_faults(schema: Any, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(schema, bool):
        yield f"{_at(path)} a schema must be an object."
    else:
        for keyword in sorted(NOT_STRICT & schema.keys()):
            yield f"{_at(path)} '{keyword}' is not permitted."
        if _is_object(schema):
            yield from _open_faults(schema, path)
        for name, child in _children(schema):
            yield from _strict_faults(child, (*path, *name))


def _open_faults(schema: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Find what leaves an object open: other members, or members that may be missing."""
    if schema.get("additionalProperties") is not False:
        yield f"{_at(path)} 'additionalProperties' is required to be supplied and to be false."
    names, required = schema.get("properties", {}), schema.get("required", [])
    absent = [name for name in names if name not in required]
    if absent:
        yield (
            f"{_at(path)} 'required' is required to be supplied and to be an array including "
            f"every key in properties. Missing '{absent[0]}'."
        )
    unknown = [name for name in required if name not in names]
    if unknown:
        yield f"{_at(path)} 'required' names '{unknown[0]}', which is no property."


def _is_object(schema: dict[str, Any]) -> bool:
    kinds = schema.get("type", [])
    return kinds == "object" or "object" in kinds or "properties" in schema
