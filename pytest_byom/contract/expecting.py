"""What is wrong with an `expect`, before anything is compared with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pytest_byom.contract.matching import NAMES, TYPES, is_matcher
from pytest_byom.documents.checking import suggest_name

if TYPE_CHECKING:
    from pytest_byom.documents.reading import KeyPath


def find_matcher_problems(expected: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Yield where a matcher is none, and why."""
    if is_matcher(expected):
        for name, argument in expected.items():
            yield from _find_in_matcher(name, argument, (*path, name))
    elif isinstance(expected, Mapping):
        for key, value in expected.items():
            yield from find_matcher_problems(value, (*path, key))
    elif isinstance(expected, list):
        for number, entry in enumerate(expected):
            yield from find_matcher_problems(entry, (*path, number))


def _find_in_matcher(name: str, argument: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if name not in NAMES:
        near = suggest_name(name, NAMES) if name.startswith("$") else " beside matchers."
        yield path, f"is no matcher{near} Valid are: {', '.join(NAMES)}"
    elif problem := _PROBLEMS[name](argument):
        yield path, problem
    elif name == "$any":
        for number, choice in enumerate(argument):
            yield from find_matcher_problems(choice, (*path, number))
    elif name == "$each":
        yield from find_matcher_problems(argument, path)


def _type_problem(argument: Any) -> str:
    names = argument if isinstance(argument, list) else [argument]
    known = all(isinstance(name, str) and name in TYPES for name in names)
    return "" if names and known else f"must be one or more of: {', '.join(TYPES)}"


def _regex_problem(argument: Any) -> str:
    if not isinstance(argument, str):
        return "must be text"
    try:
        re.compile(argument)
    except re.error as error:
        return f"is no regular expression: {error}"
    return ""


def _range_problem(argument: Any) -> str:
    is_pair = isinstance(argument, list) and len(argument) == 2
    if not is_pair or not all(_is_bound(bound) for bound in argument):
        return "must be two numbers, as in [0, 1]; null stands for no bound"
    low, high = argument
    if low is None or high is None or low <= high:
        return ""
    return "must have its lower number first"


def _is_bound(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _schema_problem(argument: Any) -> str:
    # Only a contract that has one needs the validator.
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(argument)
    except SchemaError as error:
        return f"is no JSON Schema: {error.message[:120]}"
    return ""


_PROBLEMS: dict[str, Callable[[Any], str]] = {
    "$type": _type_problem,
    "$regex": _regex_problem,
    "$range": _range_problem,
    "$any": lambda choices: "" if isinstance(choices, list) and choices else "must be a list",
    "$absent": lambda value: "" if isinstance(value, bool) else "must be true or false",
    "$schema": _schema_problem,
    "$each": lambda _: "",
}
