"""Schemas: what is refused, and instances that fit."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pytest_byom.mock.embedded.hints import read_hints
from pytest_byom.mock.embedded.patterns import Unsupported, write_match
from pytest_byom.mock.embedded.schema_check import find_fault
from pytest_byom.mock.embedded.schema_writer import write_instance

NO_HINTS = read_hints("")


def closed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


bounds = st.integers(-50, 50)
scalars = st.one_of(
    st.sampled_from(
        [
            {"type": "string"},
            {"type": "boolean"},
            {"type": "null"},
            {"type": ["string", "null"]},
            {"type": "string", "format": "date"},
            {"enum": ["zörk", 5, None]},
            {"const": {"a": [1]}},
            {"type": "string", "pattern": "^[A-Z]{2}-\\d+$"},
            {},
        ]
    ),
    st.builds(
        lambda low, size: {"type": "string", "minLength": low, "maxLength": low + size},
        st.integers(0, 20),
        st.integers(0, 20),
    ),
    st.builds(
        lambda kind, low, size: {"type": kind, "minimum": low, "maximum": low + size},
        st.sampled_from(["integer", "number"]),
        bounds,
        st.integers(0, 20),
    ),
    st.builds(
        lambda step, low: {"type": "number", "multipleOf": step, "exclusiveMinimum": low},
        st.sampled_from([1, 3, 0.5, 0.25]),
        bounds,
    ),
    st.builds(lambda high: {"type": "integer", "exclusiveMaximum": high}, bounds),
)
schemas = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.dictionaries(st.text(max_size=5), inner, max_size=4).map(lambda p: closed(**p)),
        st.builds(
            lambda item, low: {"type": "array", "items": item, "minItems": low, "maxItems": 4},
            inner,
            st.integers(0, 4),
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options}),
    ),
    max_leaves=12,
)


@given(schemas, st.text(max_size=40), st.integers(0, 3))
def test_an_instance_fits_its_schema(schema: dict[str, Any], text: str, seed: int) -> None:
    """Whatever the message says, the instance validates."""
    root = closed(value=schema)
    assert find_fault(root, strict=False) is None
    instance = write_instance(root, read_hints(text), seed=seed)
    Draft202012Validator(root).validate(instance)


LINKED = {
    **closed(value={"type": "integer"}, next={"anyOf": [{"$ref": "#"}, {"type": "null"}]}),
}


@pytest.mark.parametrize(
    "schema",
    [
        LINKED,
        {**closed(a={"$ref": "#/$defs/x~1y"}), "$defs": {"x/y": {"type": "integer"}}},
        closed(a={"allOf": [closed(b={"type": "string"}), {"properties": {"b": {"const": "q"}}}]}),
        closed(a={"oneOf": [{"type": "integer"}, {"type": "string"}]}),
        closed(a={"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3,
                  "uniqueItems": True}),
        closed(a={"type": "array", "prefixItems": [{"const": 1}], "items": False}),
        closed(a={"type": "array", "items": {"type": "integer"}, "uniqueItems": True,
                  "minItems": 5}),
        {"type": "object", "required": ["free"], "properties": {"not_asked": {}}},
        {"type": "object", "properties": {"a": {"minimum": 3}, "b": {"items": {}}}},
        closed(a=True, b={"type": "integer", "minimum": 10**30}),
        closed(a={"type": "number", "minimum": 0.1, "maximum": 0.2}),
        closed(a={"type": "integer", "multipleOf": 0.5}),
        closed(a={"type": "integer", "multipleOf": 1.5, "minimum": 1}),
        closed(a={"anyOf": [False, {"type": "string"}]}),
        closed(a=closed(b=closed(c=closed(d=closed(e={"type": ["string", "null"]}))))),
        closed(a={"type": "array", "items": {"enum": [1, 1, 1, 2]}, "uniqueItems": True,
                  "minItems": 2}),
        closed(a={"type": "array", "items": {"enum": ["x"]}, "uniqueItems": True}),
        closed(a={"anyOf": [{"required": ["b"]}], "required": ["c"], "type": "object"}),
        closed(a={"anyOf": [{"type": "array"}, {"$ref": "#/$defs/s"}, {}]}) | {
            "$defs": {"s": {"type": "string"}}},
        closed(a={"type": ["null"]}, b={"$ref": "#/properties/a"}),
    ],
)  # fmt: skip
def test_schemas_of_all_kinds_are_filled(schema: dict[str, Any]) -> None:
    """References, recursion, alternatives and unusual types have instances."""
    instance = write_instance(schema, NO_HINTS)
    Draft202012Validator(schema).validate(instance)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (closed(a={"$ref": "#"}), "without an end"),
        (closed(a={"$ref": "#/$defs/none"}), "reference"),
        (closed(a={"$ref": "https://example.com/"}), "reference"),
        (closed(a={"type": "array", "minItems": 10**9}), "size"),
        (closed(a={"type": "string", "minLength": 10**9}), "size"),
        (closed(a={"type": "string", "minLength": 5, "maxLength": 4}), "minLength"),
        (closed(a={"type": "array", "minItems": 5, "maxItems": 4}), "minItems"),
        (closed(a={"type": "integer", "minimum": 5, "maximum": 4}), "between"),
        (closed(a={"type": "array", "items": {"const": 1}, "minItems": 2,
                   "uniqueItems": True}), "different"),
        (closed(a={"enum": ["x"], "type": "integer"}), "enum"),
        (closed(a={"type": "string", "pattern": "^a$", "minLength": 2}), "lengths"),
        (closed(a={"anyOf": [False]}), "alternative"),
        (closed(a={"anyOf": [{"enum": ["x"], "type": "integer"}]}), "alternative"),
        (closed(a=False), "nothing"),
        (closed(a={"type": "array", "items": False, "minItems": 1}), "nothing"),
        (closed(a={"not": {}}), "with this"),
        ({**closed(a={"type": "string"}), "dependentSchemas": {"a": {"$ref": "#/x"}}}, "with this"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_said(schema: dict[str, Any], reason: str) -> None:
    """A schema without an instance, or beyond reach, is refused and not passed over."""
    with pytest.raises(Unsupported, match=reason):
        write_instance(schema, NO_HINTS)


def test_arguments_come_from_the_message() -> None:
    """Names, numbers and mentioned values fill the schema in the order of the message."""
    schema = closed(
        city={"type": "string"}, days={"type": "integer"}, unit={"enum": ["celsius", "kelvin"]}
    )
    hints = read_hints("Please tell me how warm New York is for 3 days, in Kelvin.")
    assert write_instance(schema, hints) == {"city": "New York", "days": 3, "unit": "kelvin"}


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("What is the weather in Paris and New York?", ("Paris", "New York")),
        ("Paris or London? I like \"the old town\".", ("Paris", "London", "the old town")),
        ("Look up 'a b' for O'Neill", ("a b", "O'Neill")),
        ("The weather is nice. A dog barks.", ()),
    ],
)  # fmt: skip
def test_names_and_quotes_are_found(text: str, items: tuple[str, ...]) -> None:
    """Capitalised words are names unless they open a sentence and are everyday words."""
    assert read_hints(text).items == items


def test_the_seed_decides_what_the_schema_leaves_open() -> None:
    """Another seed gives another instance."""
    schema = closed(a={"type": "integer"}, b={"type": "string"})
    assert len({str(write_instance(schema, NO_HINTS, seed=seed)) for seed in range(5)}) > 1


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ([], "must be an object"),
        (True, "must be an object"),
        ({"properties": {"a": 5}}, "must be an object"),
        ({"type": "banana"}, "'banana'"),
        ({"type": []}, "empty"),
        ({"type": "object", "properties": []}, "'properties'"),
        ({"properties": {"a": {"enum": []}}}, "'properties', 'a'"),
        ({"minLength": True}, "'minLength'"),
        ({"required": [1]}, "strings"),
        ({"multipleOf": 0}, "above 0"),
        ({"items": {"anyOf": [{"type": 5}]}}, "'items', 'anyOf', '0'"),
    ],
)
def test_what_is_no_schema_is_found(schema: Any, fault: str) -> None:
    """A broken schema is refused, with the place of the fault."""
    assert fault in (find_fault(schema, strict=False) or "")


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({"type": "object", "properties": {}}, "additionalProperties"),
        ({**closed(a={}, b={}), "required": ["a"]}, "Missing 'b'"),
        ({**closed(a={}), "required": ["a", "c"]}, "'c'"),
        (closed(a={"allOf": [{}]}), "'allOf'"),
        (closed(a=True), "must be an object"),
        ({"type": "string"}, "root"),
        ({**closed(), "anyOf": [closed()]}, "root"),
    ],
)
def test_strict_mode_refuses_what_it_cannot_promise(schema: dict[str, Any], fault: str) -> None:
    """A schema outside of the subset of strict mode is refused."""
    assert find_fault(schema, strict=False) is None
    assert fault in (find_fault(schema, strict=True) or "")


@pytest.mark.parametrize(
    "pattern",
    [
        "^[A-Z]{3}-\\d{4}$", "a|b", "(?:ab)+c?", "[^abc]", "\\w+@\\w+\\.com", "^\\s*x{2,3}$", "",
        "[a-c\\d]{0,2}", "x{0}", "\\D\\W\\S", ".*", "[]a]", "\\t\\(", "(a(b|c)){2}", "[\\--a]",
        "x+?y{2,}", "[^-]",
    ],
)  # fmt: skip
def test_a_pattern_is_matched(pattern: str) -> None:
    """The string that is written for a pattern matches it."""
    assert re.search(pattern, write_match(pattern))


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=x)",
        "(",
        "a)",
        "[a",
        "\\bx",
        "a{2000}b",
        "x{9999}{9999}",
        "$x",
        "a^b",
        "(a$)b",
        "a(?P<n>b)",
    ],
)
def test_a_pattern_beyond_reach_is_refused(pattern: str) -> None:
    """What the writer does not know it does not guess."""
    with pytest.raises(Unsupported):
        write_match(pattern)
