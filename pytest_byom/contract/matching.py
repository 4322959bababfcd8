"""Compares what came with what a contract expects.

A plain value is exact, a list is exact in length, a mapping is a subset: what it does not name may
be there. A mapping whose keys start with `$` is a matcher, and all of its keys have to hold:

    {$type: string}            the JSON type, or a list of them
    {$regex: "^call_"}         a text in which the pattern is found
    {$range: [0, 1]}           a number between the two, both included; null for no bound
    {$any: [stop, length]}     one of these, matchers among them
    {$absent: true}            the key is not there; false: it is, whatever its value
    {$schema: {...}}           what a JSON Schema allows
    {$each: {$type: string}}   a list of which each entry matches

A key that starts with `$$` stands for one that starts with `$`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

CUT = 80


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = _Absent()
"""What stands for a value that is not there."""


@dataclass(frozen=True)
class Difference:
    """One place where what came is not as expected; the root has an empty path."""

    path: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.path or 'the value'}: expected {self.expected}, got {self.got}"


def match(expected: Any, actual: Any, *, path: str = "") -> list[Difference]:
    """Return every place where `actual` is not as expected; none if it matches."""
    return list(_match(expected, actual, path))


def _match(expected: Any, actual: Any, path: str) -> Iterator[Difference]:
    if is_matcher(expected):
        for name, argument in expected.items():
            yield from _MATCHERS[name](argument, actual, path)
    elif isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for key, value in expected.items():
            name = _plain_key(key)
            yield from _match(value, actual.get(name, ABSENT), _join(path, name))
    elif isinstance(expected, list) and isinstance(actual, list):
        yield from _match_list(expected, actual, path)
    elif not _equal(expected, actual):
        yield Difference(path, describe(expected), show(actual))


def is_matcher(expected: Any) -> bool:
    """Whether this is a mapping of matchers."""
    return isinstance(expected, Mapping) and any(
        key.startswith("$") and not key.startswith("$$") for key in expected
    )


def _match_list(expected: list[Any], actual: list[Any], path: str) -> Iterator[Difference]:
    if len(expected) != len(actual):
        yield Difference(path, _entries(len(expected)), _entries(len(actual)))
    for number, (wanted, found) in enumerate(zip(expected, actual, strict=False)):
        yield from _match(wanted, found, _join(path, str(number)))


def _equal(expected: Any, actual: Any) -> bool:
    """Equality as JSON has it: true is not 1, 1 is 1.0."""
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    return bool(expected == actual)


def _match_type(argument: Any, actual: Any, path: str) -> Iterator[Difference]:
    names = [argument] if isinstance(argument, str) else argument
    if not any(_has_type(actual, name) for name in names):
        yield Difference(path, _type_words(names), show(actual))


def _has_type(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return isinstance(value, TYPES[name])


def _match_regex(argument: Any, actual: Any, path: str) -> Iterator[Difference]:
    if not isinstance(actual, str) or not re.search(argument, actual):
        yield Difference(path, describe({"$regex": argument}), show(actual))


def _match_range(argument: Any, actual: Any, path: str) -> Iterator[Difference]:
    low, high = argument
    is_number = isinstance(actual, int | float) and not isinstance(actual, bool)
    if not is_number or (low is not None and actual < low) or (high is not None and actual > high):
        yield Difference(path, describe({"$range": argument}), show(actual))


def _match_any(argument: Any, actual: Any, path: str) -> Iterator[Difference]:
    if all(match(choice, actual) for choice in argument):
        yield Difference(path, describe({"$any": argument}), show(actual))


def _match_absent(argument: Any, actual: Any, path: str) -> Iterator[Difference]:
    if (actual is ABSENT) is not argument:
        yield Difference(path, describe({"$absent": argument}), show(actual))


def _match_schema(argument: Any, actual: Any, path: str) -> Iterator[Difference]:
    if actual is ABSENT:
        yield Difference(path, describe({"$schema": argument}), show(actual))
        return
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(argument).iter_errors(actual):
        where = path
        for part in error.absolute_path:
            where = _join(where, str(part))
        yield Difference(
            where, f"what the schema allows ({error.message[:CUT]})", show(error.instance)
        )


def _match_each(argument: Any, actual: Any, path: str) -> Iterator[Difference]:
    if not isinstance(actual, list):
        yield Difference(path, describe({"$each": argument}), show(actual))
        return
    for number, entry in enumerate(actual):
        yield from _match(argument, entry, _join(path, str(number)))


_MATCHERS: dict[str, Callable[[Any, Any, str], Iterator[Difference]]] = {
    "$type": _match_type,
    "$regex": _match_regex,
    "$range": _match_range,
    "$any": _match_any,
    "$absent": _match_absent,
    "$schema": _match_schema,
    "$each": _match_each,
}
NAMES = tuple(_MATCHERS)

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def describe(expected: Any) -> str:
    """Return in words what is expected."""
    if is_matcher(expected):
        return " and ".join(_WORDS[name](argument) for name, argument in expected.items())
    return show(expected)


def _type_words(names: Any) -> str:
    words = {"integer": "an integer", "array": "an array", "object": "an object", "null": "null"}
    listed = [names] if isinstance(names, str) else names
    return " or ".join(words.get(name, f"a {name}") for name in listed)


def _range_words(bounds: Any) -> str:
    low, high = bounds
    if low is None or high is None:
        return f"at most {high}" if low is None else f"at least {low}"
    return f"a number from {low} to {high}"


_WORDS: dict[str, Callable[[Any], str]] = {
    "$type": _type_words,
    "$regex": lambda pattern: f"a text that matches {pattern!r}",
    "$range": _range_words,
    "$any": lambda choices: " or ".join(map(describe, choices)),
    "$absent": lambda absent: "nothing" if absent else "anything",
    "$schema": lambda _: "what the schema allows",
    "$each": lambda each: f"a list of which each is {describe(each)}",
}


def show(value: Any) -> str:
    """Return a value as JSON on one line, cut."""
    if value is ABSENT:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= CUT else f"{text[: CUT * 2 // 3]} … {text[-CUT // 3 :]}"


def _plain_key(key: str) -> str:
    return key[1:] if key.startswith("$$") else key


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _entries(number: int) -> str:
    return f"{number} {'entry' if number == 1 else 'entries'}"
