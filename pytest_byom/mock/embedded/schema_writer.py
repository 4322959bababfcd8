"""An instance for a JSON Schema, filled with what a message offers.

Members stand in the order of the schema. Optional members of an object are left out where it says
what is required. Below a few levels the writer takes the way that ends: null, an empty array, the
first alternative that is no object. What it cannot write raises `Unsupported`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pytest_byom.mock.embedded import words
from pytest_byom.mock.embedded.mixing import mix
from pytest_byom.mock.embedded.patterns import Unsupported, write_match
from pytest_byom.mock.embedded.schema_check import NOT_STRICT

if TYPE_CHECKING:
    from pytest_byom.mock.embedded.hints import Hints

NODE_LIMIT = 5_000
STRING_LIMIT = 10_000
DEEP, DEEPEST = 4, 64

_FORMATS = {
    "date-time": "2025-06-15T12:30:00Z",
    "date": "2025-06-15",
    "time": "12:30:00Z",
    "duration": "P3D",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "3f2b8c1e-5d4a-4f6b-9c8d-7e6f5a4b3c2d",
    "uri": "https://example.com/",
}


class _Spent(Exception):
    """The instance grew beyond all measure."""


def write_instance(schema: dict[str, Any], hints: Hints, *, seed: int = 0) -> Any:
    """Return an instance; where the schema leaves a choice, `seed` makes it."""
    try:
        instance = _Writer(schema, hints, seed).write(schema, 0)
    except (_Spent, RecursionError, OverflowError):
        raise Unsupported("an instance of that size") from None
    if _goes_beyond(schema):
        _confirm(schema, instance)
    return instance


def _goes_beyond(schema: Any) -> bool:
    """Tell whether keywords are used that the writer does not follow itself."""
    if isinstance(schema, list):
        return any(map(_goes_beyond, schema))
    if not isinstance(schema, dict):
        return False
    return not NOT_STRICT.isdisjoint(schema) or any(map(_goes_beyond, schema.values()))


def _confirm(schema: dict[str, Any], instance: Any) -> None:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

    try:
        Draft202012Validator(schema).validate(instance)
    except ValidationError as error:
        raise Unsupported(f"a schema with this: {error.message[:120]}") from None
    except Exception as error:  # a reference out of reach, a broken keyword
        raise Unsupported(f"a schema with this: {type(error).__name__}") from None


class _Writer:
    def __init__(self, root: dict[str, Any], hints: Hints, seed: int) -> None:
        self._root = root
        self._hints = hints
        self._seed = seed
        self._nodes = 0
        self._used_items = 0
        self._used_numbers = 0

    def write(self, schema: Any, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > NODE_LIMIT:
            raise _Spent
        if depth > DEEPEST:
            raise Unsupported("a schema without an end")
        if schema is False:
            raise Unsupported("a schema that allows nothing")
        if not isinstance(schema, dict):
            return self._text({})
        if "$ref" in schema:
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            return self.write(_merge(rest, self._resolve(schema["$ref"])), depth + 1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._member(schema["enum"], schema)
        for keyword in ("allOf", "anyOf", "oneOf"):
            if keyword in schema:
                return self._combined(schema, keyword, depth)
        return self._typed(schema, depth)

    def _resolve(self, reference: str) -> dict[str, Any]:
        target: Any = self._root
        if not reference.startswith("#"):
            raise Unsupported(f"the reference {reference[:60]!r}")
        for step in reference[1:].split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(target, dict) or key not in target:
                raise Unsupported(f"the reference {reference[:60]!r}")
            target = target[key]
        return target if isinstance(target, dict) else {}

    def _choose(self, count: int) -> int:
        return mix(self._seed, self._nodes) % count

    def _member(self, values: list[Any], schema: dict[str, Any]) -> Any:
        """Take the value that the message names, or any."""
        fitting = [value for value in values if _has_type(value, schema.get("type"))]
        if not fitting:
            raise Unsupported("an enum without a value of its type")
        text = self._hints.text.casefold()
        named = [v for v in fitting if isinstance(v, str) and v and v.casefold() in text]
        return named[0] if named else fitting[self._choose(len(fitting))]

    def _combined(self, schema: dict[str, Any], keyword: str, depth: int) -> Any:
        options = schema[keyword]
        rest = {key: value for key, value in schema.items() if key != keyword}
        if keyword == "allOf":
            for option in options:
                rest = _merge(rest, self._inlined(option))
            return self.write(rest, depth + 1)
        ordered = sorted(options, key=_weight) if depth > DEEP else sorted(options, key=_is_null)
        for option in ordered:
            if option is False:
                continue
            try:
                return self.write(_merge(rest, self._inlined(option)), depth + 1)
            except Unsupported:
                continue
        raise Unsupported(f"any alternative of '{keyword}'")

    def _inlined(self, option: Any) -> dict[str, Any]:
        if isinstance(option, dict) and "$ref" in option and len(option) == 1:
            return self._resolve(option["$ref"])
        return option if isinstance(option, dict) else {}

    def _typed(self, schema: dict[str, Any], depth: int) -> Any:
        kind = _kind(schema, depth)
        match kind:
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "integer" | "number":
                return self._number(schema, whole=kind == "integer")
            case "boolean":
                return self._choose(2) == 0
            case "null":
                return None
        return self._text(schema)

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = schema.get("required")
        wanted = [
            name for name in properties if (name in required if required is not None else depth < 4)
        ]
        extra = schema.get("additionalProperties", {})
        wanted += [name for name in required or () if name not in properties]
        return {name: self.write(properties.get(name, extra), depth + 1) for name in wanted}

    def _array(self, schema: dict[str, Any], depth: int) -> list[Any]:
        low, high = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        if low > high:
            raise Unsupported("an array with minItems above maxItems")
        length = low if depth > DEEP else min(high, max(low, 2))
        first = schema.get("prefixItems", [])
        items = schema.get("items", {})
        if items is False:
            length = max(low, min(length, len(first)))
        values: list[Any] = []
        for place in range(int(length)):
            part = first[place] if place < len(first) else items
            try:
                values.append(self._next(part, values, depth, schema.get("uniqueItems", False)))
            except Unsupported:
                if place < low:
                    raise
                break
        return values

    def _next(self, schema: Any, before: list[Any], depth: int, unique: bool) -> Any:
        for _ in range(40 if unique else 1):
            value = self.write(schema, depth + 1)
            if not unique or value not in before:
                return value
        for value in schema.get("enum", ()) if isinstance(schema, dict) else ():
            if value not in before:
                return value
        raise Unsupported("an array of that many different items")

    def _number(self, schema: dict[str, Any], *, whole: bool) -> int | float:
        step = schema.get("multipleOf", 1 if whole else 0.5)
        if whole and step != int(step):
            step = int(step) + 1 if float(step * 2).is_integer() is False else 1
        fits = _Bounds(schema, whole=whole)
        offered = self._hints.numbers[self._used_numbers :]
        for used, text in enumerate(offered, start=self._used_numbers + 1):
            value = float(text) if "." in text else int(text)
            if fits(value):
                self._used_numbers = used
                return value
        for value in _steps(schema, step, self._choose(9) + 1):
            if fits(value):
                return value
        raise Unsupported("a number between these bounds")

    def _text(self, schema: dict[str, Any]) -> str:
        if "pattern" in schema:
            text = write_match(schema["pattern"])
            if not schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", math.inf):
                raise Unsupported("a pattern together with these lengths")
            return text
        if "format" in schema and schema["format"] in _FORMATS:
            return _FORMATS[schema["format"]]
        return _fit(self._phrase(), schema.get("minLength", 0), schema.get("maxLength"))

    def _phrase(self) -> str:
        """Take the next thing that the message names; then its words; then any word."""
        offered = self._hints.items or self._hints.words[:4]
        if self._used_items < len(offered):
            self._used_items += 1
            return offered[self._used_items - 1]
        return words.NOUNS[self._choose(len(words.NOUNS))]


class _Bounds:
    """Tells whether a number is what a schema allows."""

    def __init__(self, schema: dict[str, Any], *, whole: bool) -> None:
        self._schema = schema
        self._whole = whole

    def __call__(self, value: float) -> bool:
        get = self._schema.get
        if self._whole and not isinstance(value, int):
            return False
        return (
            get("minimum", -math.inf) <= value <= get("maximum", math.inf)
            and get("exclusiveMinimum", -math.inf) < value < get("exclusiveMaximum", math.inf)
            and _divides(get("multipleOf"), value)
        )


def _divides(step: int | float | None, value: int | float) -> bool:
    """Tell whether a value is a multiple, by the rule that validators follow."""
    if step is None:
        return True
    if isinstance(step, int) and isinstance(value, int):
        return value % step == 0
    quotient = value / step
    return math.isfinite(quotient) and int(quotient) == quotient


def _steps(schema: dict[str, Any], step: float, first: int) -> list[float]:
    """List numbers to try, from the lower bound on, or from the upper bound down."""
    low = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf))
    high = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf))
    if math.isfinite(low):
        start = math.ceil(low / step)
    elif math.isfinite(high):
        start = math.floor(high / step) - first - 1
    else:
        start = 0
    near = [start + first, *(start + more for more in range(60))]
    tried = [number * step for number in near]
    if math.isfinite(low) and math.isfinite(high):
        middle = (low + high) / 2
        tried += [middle, int(middle)]
    return [*tried, *(edge for edge in (low, high) if math.isfinite(edge))]


def _kind(schema: dict[str, Any], depth: int) -> str:
    kinds = schema.get("type")
    if isinstance(kinds, str):
        return kinds
    if kinds:
        if "null" in kinds and depth > DEEP:
            return "null"
        return str(next((kind for kind in kinds if kind != "null"), "null"))
    implied = {"properties": "object", "required": "object", "items": "array", "minItems": "array"}
    implied |= dict.fromkeys(("minimum", "maximum", "multipleOf"), "number")
    return next((kind for keyword, kind in implied.items() if keyword in schema), "string")


_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,),
    "object": (dict,), "array": (list,), "null": (type(None),),
}  # fmt: skip


def _has_type(value: Any, kinds: str | list[str] | None) -> bool:
    if kinds is None:
        return True
    names = [kinds] if isinstance(kinds, str) else kinds
    return any(
        isinstance(value, _KINDS[name]) and (name == "boolean" or not isinstance(value, bool))
        for name in names
    )


def _merge(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    """Join two schemas that both hold; where they differ, the right one counts."""
    merged = {**left, **right}
    if "properties" in left and "properties" in right:
        merged["properties"] = {**left["properties"], **right["properties"]}
    if "required" in left and "required" in right:
        merged["required"] = list(dict.fromkeys([*left["required"], *right["required"]]))
    return merged


def _is_null(option: Any) -> bool:
    return isinstance(option, dict) and option.get("type") == "null"


def _weight(option: Any) -> int:
    """Rank alternatives by how soon they end."""
    kind = option.get("type") if isinstance(option, dict) else None
    if isinstance(kind, str):
        return {"null": 0, "array": 2, "object": 3}.get(kind, 1)
    return 4


def _fit(text: str, shortest: int, longest: int | None) -> str:
    if shortest > STRING_LIMIT:
        raise _Spent
    if longest is not None and longest < shortest:
        raise Unsupported("a string with minLength above maxLength")
    while len(text) < shortest:
        text = f"{text} {text or 'x'}"
    if longest is not None or len(text) > max(shortest, 200):
        text = text[: max(shortest, 200) if longest is None else longest]
    return text
