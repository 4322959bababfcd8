"""What matches, what does not, and how a difference reads."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_byom.contract import match

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}

MATCHES = [
    (1, 1),
    (1, 1.0),
    ("a", "a"),
    (None, None),
    (True, True),
    (2**70, 2**70),
    ([], []),
    ([1, 2], [1, 2]),
    ({}, {"more": 1}),
    ({"a": 1}, {"a": 1, "b": 2}),
    ({"a": {"b": [1]}}, {"a": {"b": [1], "c": 0}}),
    ({"$type": "string"}, ""),
    ({"$type": "integer"}, 3),
    ({"$type": "integer"}, 3.0),
    ({"$type": "number"}, 3.5),
    ({"$type": "boolean"}, False),
    ({"$type": "array"}, [1]),
    ({"$type": "object"}, {}),
    ({"$type": "null"}, None),
    ({"$type": ["string", "null"]}, None),
    ({"$regex": "ll"}, "hello"),
    ({"$range": [0, 1]}, 0),
    ({"$range": [0, 1]}, 1),
    ({"$range": [None, 0]}, -3.5),
    ({"$range": [1, None]}, 10**30),
    ({"$any": ["stop", {"$type": "null"}]}, None),
    ({"$each": {"$type": "string"}}, ["a", "b"]),
    ({"$each": {"id": 1}}, []),
    ({"$schema": SCHEMA}, {"n": 1}),
    ({"a": {"$absent": True}}, {}),
    ({"a": {"$absent": False}}, {"a": None}),
    ({"$$ref": 1}, {"$ref": 1}),
    ({"$type": "string", "$regex": "^a"}, "ab"),
]


@pytest.mark.parametrize(("expected", "actual"), MATCHES)
def test_match(expected: Any, actual: Any) -> None:
    """What is as expected has no difference."""
    assert match(expected, actual) == []


DIFFERENCES = [
    (1, 2, "the value: expected 1, got 2"),
    (1, True, "the value: expected 1, got true"),
    (False, 0, "the value: expected false, got 0"),
    ("1", 1, 'the value: expected "1", got 1'),
    (None, 0, "the value: expected null, got 0"),
    ({"a": 1}, [], 'the value: expected {"a": 1}, got []'),
    ({"a": 1}, {}, "a: expected 1, got nothing"),
    ({"a": None}, {}, "a: expected null, got nothing"),
    ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, "a.0.b: expected 1, got 2"),
    ([1], [], "the value: expected 1 entry, got 0 entries"),
    ({"$type": "string"}, None, "the value: expected a string, got null"),
    ({"$type": "integer"}, True, "the value: expected an integer, got true"),
    ({"$type": "number"}, "1", 'the value: expected a number, got "1"'),
    ({"$type": ["array", "null"]}, {}, "the value: expected an array or null, got {}"),
    ({"a": {"$type": "string"}}, {}, "a: expected a string, got nothing"),
    ({"$regex": "^x"}, "ab", "the value: expected a text that matches '^x', got \"ab\""),
    ({"$regex": "1"}, 1, "the value: expected a text that matches '1', got 1"),
    ({"$range": [0, 1]}, 2, "the value: expected a number from 0 to 1, got 2"),
    ({"$range": [1, None]}, 0, "the value: expected at least 1, got 0"),
    ({"$range": [None, 1]}, 2, "the value: expected at most 1, got 2"),
    ({"$range": [0, 1]}, True, "the value: expected a number from 0 to 1, got true"),
    ({"$any": [1, {"$type": "null"}]}, 2, "the value: expected 1 or null, got 2"),
    ({"a": {"$absent": True}}, {"a": None}, "a: expected nothing, got null"),
    ({"a": {"$absent": False}}, {}, "a: expected anything, got nothing"),
    ({"$each": 1}, [1, 2], "1: expected 1, got 2"),
    ({"$each": {"$type": "null"}}, 1, "the value: expected a list of which each is null, got 1"),
    ({"a": {"$schema": SCHEMA}}, {}, "a: expected what the schema allows, got nothing"),
]


@pytest.mark.parametrize(("expected", "actual", "words"), DIFFERENCES)
def test_difference(expected: Any, actual: Any, words: str) -> None:
    """A difference tells the place, what was expected there, and what came."""
    assert [str(difference) for difference in match(expected, actual)] == [words]


def test_schema_names_the_place() -> None:
    """What a JSON Schema finds is placed inside of the value."""
    found = match({"out": {"$schema": SCHEMA}}, {"out": {"n": "x"}})
    assert [(difference.path, difference.got) for difference in found] == [("out.n", '"x"')]


def test_all_differences_are_told() -> None:
    """Every place that differs is told, not only the first."""
    found = match({"a": 1, "b": [1, 2], "c": {"$type": "null"}}, {"a": 2, "b": [0, 2], "c": None})
    assert [difference.path for difference in found] == ["a", "b.0"]


def test_every_key_of_a_matcher_has_to_hold() -> None:
    """Matchers beside each other all have to hold."""
    assert len(match({"$type": "string", "$regex": "^a"}, "b")) == 1


def test_long_values_are_cut() -> None:
    """A long value is shown with its beginning and its end."""
    got = match("a", "b" * 500)[0].got
    assert got.startswith('"bbb')
    assert " … " in got
    assert len(got) < 100
