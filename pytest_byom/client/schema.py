"""JSON Schema from Python types, and values back from JSON.

Understood are str, int, float, bool, None, Any, list, dict with text keys, Literal, Enum, unions,
dataclasses, TypedDicts, and Annotated with a description. What is made is in the strict form:
every object lists all its members as required and allows no other; what may be left out in Python
may be null.
"""

from __future__ import annotations

import dataclasses
import enum
import re
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin

from pytest_byom.client.errors import UsageError

_PLAIN: dict[object, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    None: {"type": "null"},
    type(None): {"type": "null"},
    Any: {},
    dict: {"type": "object"},
    list: {"type": "array", "items": {}},
}
_NAME = re.compile(r"[^A-Za-z0-9_-]")


@dataclasses.dataclass(frozen=True)
class OutputSchema:
    """What a structured answer must look like; `target` is the Python type to make, if any.

    `given` is a whole `response_format`, which is sent as it is.
    """

    name: str
    schema: Mapping[str, Any]
    target: Any = None
    given: Mapping[str, Any] | None = None

    def response_format(self) -> dict[str, Any]:
        """The request's `response_format`; `strict` is set if the schema has the strict form."""
        if self.given is not None:
            return dict(self.given)
        described = {
            "name": self.name,
            "schema": dict(self.schema),
            "strict": is_strict(self.schema),
        }
        return {"type": "json_schema", "json_schema": described}

    def read(self, value: Any) -> Any:
        """Validate a decoded answer and make the target of it.

        Raises ValueError with the place and the reason if it does not fit.
        """
        reason = why_invalid(value, self.schema)
        if reason:
            raise ValueError(reason)
        return value if self.target is None else read_value(self.target, value)


def output_schema(source: OutputSchema | Mapping[str, Any] | type) -> OutputSchema:
    """Take a schema as people write it: JSON Schema, a dataclass or a TypedDict."""
    if isinstance(source, OutputSchema):
        return source
    if isinstance(source, Mapping):
        given: Mapping[str, Any] = source
        whole = None
        if given.get("type") == "json_schema" and isinstance(given.get("json_schema"), Mapping):
            whole, given = given, given["json_schema"]
        schema = given["schema"] if isinstance(given.get("schema"), Mapping) else given
        name = str(given.get("name" if schema is not given else "title") or "output")
        return OutputSchema(_NAME.sub("_", name)[:64], schema, given=whole)
    if _is_class(source):
        return OutputSchema(_NAME.sub("_", source.__name__)[:64], type_schema(source), source)
    raise UsageError(f"a schema must be JSON Schema, a dataclass or a TypedDict, not {source!r}")


def type_schema(annotation: Any) -> dict[str, Any]:
    """The JSON Schema of a Python type; classes inside it stand in $defs."""
    maker = _Maker(annotation)
    schema = maker.class_schema(annotation) if _is_class(annotation) else maker.make(annotation)
    return {**schema, "$defs": maker.defs} if maker.defs else schema


def is_strict(schema: Any) -> bool:
    """Whether every object of a schema requires all its members and allows no other."""
    if isinstance(schema, list):
        return all(map(is_strict, schema))
    if not isinstance(schema, Mapping):
        return True
    if schema.get("type") == "object" or "properties" in schema:
        members = schema.get("properties")
        if schema.get("additionalProperties") is not False or not isinstance(members, Mapping):
            return False
        if sorted(schema.get("required", ())) != sorted(members):
            return False
        return all(map(is_strict, members.values()))
    nested = [schema.get(key) for key in ("items", "anyOf", "prefixItems", "oneOf", "allOf")]
    defs = schema.get("$defs") or {}
    return is_strict(nested) and is_strict(list(defs.values()))


def why_invalid(value: Any, schema: Mapping[str, Any]) -> str | None:
    """Why a value does not fit a schema, with its place; None if it does.

    Raises UsageError if the schema itself is broken.
    """
    import jsonschema  # costs 60 ms, and most runs never judge an output

    validator = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        validator.check_schema(dict(schema))
        found = jsonschema.exceptions.best_match(validator(schema).iter_errors(value))
    except jsonschema.SchemaError as error:
        raise UsageError(f"the schema is no valid JSON Schema: {error.message}") from None
    except RecursionError:
        return "it is nested too deeply"
    return None if found is None else f"{found.json_path}: {found.message[:300]}"


def read_value(annotation: Any, value: Any) -> Any:
    """Make a value of a Python type out of decoded JSON; raises ValueError if it does not fit."""
    annotation, _ = _bare(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return _read_union(arguments, value)
    if origin is list and isinstance(value, list):
        return [read_value(arguments[0], item) for item in value]
    if origin is dict and isinstance(value, dict):
        return {key: read_value(arguments[1], item) for key, item in value.items()}
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return annotation(value)
    if _is_class(annotation):
        return _read_class(annotation, value)
    if annotation is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _read_union(options: Sequence[Any], value: Any) -> Any:
    for option in options:
        if why_invalid(value, type_schema(option)) is None:
            return read_value(option, value)
    raise ValueError(f"{value!r:.100} fits none of {options}")


def _read_class(target: Any, value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{target.__name__} is made of an object, not of {value!r:.100}")
    hints = typing.get_type_hints(target, include_extras=True)
    optional = _optional_members(target, hints)
    members = {
        name: read_value(hints[name], item)
        for name, item in value.items()
        if name in hints and not (name in optional and item is None)
    }
    return target(**members)


class _Maker:
    """Makes the schema of one type; the root may refer to itself."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self.defs: dict[str, Any] = {}

    def make(self, annotation: Any) -> dict[str, Any]:
        bare, description = _bare(annotation)
        schema = self._make_bare(bare)
        return {**schema, "description": description} if description else schema

    def _make_bare(self, annotation: Any) -> dict[str, Any]:
        origin, arguments = get_origin(annotation), get_args(annotation)
        if origin is Literal:
            return _enum_schema(arguments)
        if origin in (Union, types.UnionType):
            return {"anyOf": [self.make(option) for option in arguments]}
        if origin is list:
            return {"type": "array", "items": self.make(arguments[0])}
        if origin is dict and arguments[0] is str:
            return {"type": "object", "additionalProperties": self.make(arguments[1])}
        if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
            return _enum_schema([member.value for member in annotation])
        if _is_class(annotation):
            return self._reference(annotation)
        try:
            return dict(_PLAIN[annotation])
        except (KeyError, TypeError):
            raise UsageError(
                f"no JSON Schema for {annotation!r}: use str, int, float, bool, None, list, dict, "
                "Literal, Enum, a union, a dataclass or a TypedDict"
            ) from None

    def _reference(self, target: Any) -> dict[str, Any]:
        if target is self._root:
            return {"$ref": "#"}
        if target.__name__ not in self.defs:
            self.defs[target.__name__] = {}  # it may refer to itself
            self.defs[target.__name__] = self.class_schema(target)
        return {"$ref": f"#/$defs/{target.__name__}"}

    def class_schema(self, target: Any) -> dict[str, Any]:
        try:
            hints = typing.get_type_hints(target, include_extras=True)
        except NameError as error:
            raise UsageError(f"a type of {target.__name__} cannot be found: {error}") from None
        optional = _optional_members(target, hints)
        typed = isinstance(target, type) and not dataclasses.is_dataclass(target)
        members = {
            name: _nullable(self.make(hint)) if typed and name in optional else self.make(hint)
            for name, hint in hints.items()
        }
        return {
            "type": "object",
            "properties": members,
            "required": list(members),
            "additionalProperties": False,
        }


def _is_class(annotation: Any) -> bool:
    return isinstance(annotation, type) and (
        dataclasses.is_dataclass(annotation) or typing.is_typeddict(annotation)
    )


def _optional_members(target: Any, hints: Mapping[str, Any]) -> frozenset[str]:
    """The members of a TypedDict that may be missing.

    It does not know them itself if its annotations are texts (`from __future__ ...`).
    """
    marks = {name: _mark(hint) for name, hint in hints.items()}
    optional = set(getattr(target, "__optional_keys__", ()))
    optional -= {name for name, mark in marks.items() if mark is Required}
    return frozenset(optional | {name for name, mark in marks.items() if mark is NotRequired})


def _mark(hint: Any) -> Any:
    while get_origin(hint) is typing.Annotated:
        hint = hint.__origin__
    return get_origin(hint)


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _bare(annotation: Any) -> tuple[Any, str]:
    """Take off Annotated, Required and NotRequired; give back a description if there is one."""
    description = ""
    while True:
        origin = get_origin(annotation)
        if origin is typing.Annotated:
            texts = [extra for extra in annotation.__metadata__ if isinstance(extra, str)]
            description = description or (texts[0] if texts else "")
            annotation = annotation.__origin__
        elif origin in (Required, NotRequired):
            annotation = get_args(annotation)[0]
        else:
            return annotation, description


def _enum_schema(values: Sequence[Any]) -> dict[str, Any]:
    names = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
    kinds = sorted({names.get(type(value), "") for value in values})
    if "" in kinds:
        raise UsageError(f"an enum of JSON Schema holds text, numbers and null, not {values!r}")
    return {"type": kinds[0] if len(kinds) == 1 else kinds, "enum": list(values)}
