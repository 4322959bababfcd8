"""Checks a document against a JSON Schema and says what is wrong, where, one sentence each.

The schema is the one source of what is valid. Sentences are made from where the validator
stopped; the schema's own words for a pattern (`patternErrorMessage`, which editors show too) are
used as they are. Text out of the file is never repeated, save keys and what `shown` names: any
value may be a secret.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from jsonschema import Draft202012Validator

    from pytest_byom.documents.reading import Document, KeyPath

MOST_SHOWN = 5
"""How many problems one message lists: enough for one pass of mending."""

_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "nothing",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}


@dataclass(frozen=True, kw_only=True)
class Violation:
    """Where a value broke a keyword of the schema; `is_name` if it is a key that did.

    `shows` says that the text may be repeated in a message.
    """

    path: KeyPath
    keyword: str
    wanted: Any
    found: Any
    schema: dict[str, Any]
    is_name: bool
    shows: bool


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong with a file."""

    line: int
    text: str


def find_problems(
    document: Document,
    validator: Draft202012Validator,
    *,
    shown: Collection[str] = (),
    formats: Callable[[Violation], str] | None = None,
) -> list[Problem]:
    """Return what is wrong with a document, in the order of its lines.

    `shown` are the keys whose text may be repeated, `formats` makes the sentence of a broken
    `format`.
    """
    found = {
        Problem(document.find_line(path), f"{document.describe(path)} {sentence}")
        for violation in _find_violations(document.data, validator, shown)
        for path, sentence in _explain(violation, formats)
    }
    return sorted(found)


def join_problems(problems: Iterable[Problem]) -> str:
    """Return the first problems, a line each."""
    lines = [problem.text for problem in problems]
    more = [f"and {len(lines) - MOST_SHOWN} more"] if len(lines) > MOST_SHOWN else []
    return "\n".join([*lines[:MOST_SHOWN], *more])


def _find_violations(
    data: Any, validator: Draft202012Validator, shown: Collection[str]
) -> Iterator[Violation]:
    for error in validator.iter_errors(data):
        # The stubs know members that are not set yet; those of a reported error are.
        reported: Any = error
        path = tuple(reported.absolute_path)
        yield Violation(
            path=path,
            keyword=reported.validator,
            wanted=reported.validator_value,
            found=reported.instance,
            schema=reported.schema,
            is_name="propertyNames" in reported.absolute_schema_path,
            shows=bool(path) and path[-1] in shown,
        )


def rank_names(wanted: str, names: Iterable[str]) -> list[str]:
    """Return the names with the most similar one first, equal ones in alphabetical order."""

    def distance(name: str) -> float:
        return -difflib.SequenceMatcher(None, wanted.lower(), name.lower()).ratio()

    return sorted(sorted(names), key=distance)


def suggest_name(wanted: str, names: Iterable[str]) -> str:
    """Return ", did you mean 'NAME'?" for a name that is close, else a full stop."""
    near = difflib.get_close_matches(wanted, list(names), n=1, cutoff=0.6)
    return f", did you mean '{near[0]}'?" if near else "."


def _explain(
    violation: Violation, formats: Callable[[Violation], str] | None
) -> Iterator[tuple[KeyPath, str]]:
    """Yield what is wrong and where: one violation may be of several keys."""
    path, found = violation.path, violation.found
    if violation.is_name:
        message = violation.schema["patternErrorMessage"]
        yield (*path, found), f"is no valid name; it {message}"
    elif violation.keyword == "additionalProperties":
        valid = sorted(violation.schema["properties"])
        for key in found.keys() - set(valid):
            yield (*path, key), _describe_unknown_key(key, valid)
    elif violation.keyword == "required":
        for key in set(violation.wanted) - found.keys():
            yield path, f"needs a {key}"
    elif violation.keyword == "format" and formats is not None:
        yield path, formats(violation)
    else:
        yield path, _SENTENCES[violation.keyword](violation)


def _describe_unknown_key(key: str, valid: list[str]) -> str:
    return f"is no valid key{suggest_name(key, valid)} Valid keys: {', '.join(valid)}"


def _describe_type(violation: Violation) -> str:
    wanted = violation.wanted
    names = [wanted] if isinstance(wanted, str) else [name for name in wanted if name != "null"]
    expected = " or ".join(_TYPES[name] for name in names)
    is_number = isinstance(violation.found, int | float)
    quotes = "; put it in quotes" if names == ["string"] and is_number else ""
    return f"must be {expected}, not {describe_found(violation)}{quotes}"


def _describe_enum(violation: Violation) -> str:
    valid = [value for value in violation.wanted if value is not None]
    near = suggest_name(violation.found, valid) if isinstance(violation.found, str) else "."
    return f"is {describe_found(violation)}{near} Valid are: {', '.join(valid)}"


def _describe_bound(words: str) -> Callable[[Violation], str]:
    return lambda violation: f"must be {words} {violation.wanted}, not {describe_found(violation)}"


def describe_found(violation: Violation) -> str:
    """Describe a wrong value; text is repeated only where it cannot be a secret."""
    found = violation.found
    if isinstance(found, str):
        return repr(found[:60]) if violation.shows else "text"
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, int | float):
        # A number where text belongs may be a key that is all digits.
        return "a number" if violation.keyword == "type" else f"{found:g}"
    if isinstance(found, dict):
        return "a mapping"
    return "a list" if isinstance(found, list) else "nothing"


_SENTENCES: dict[str, Callable[[Violation], str]] = {
    "type": _describe_type,
    "enum": _describe_enum,
    "pattern": lambda violation: (
        f"{violation.schema['patternErrorMessage']}, not {describe_found(violation)}"
    ),
    "const": lambda violation: f"must be {violation.wanted!r}",
    "maxItems": lambda violation: f"must have at most {violation.wanted} entries",
    "minItems": lambda violation: f"must have at least {violation.wanted} entries",
    "minLength": lambda _: "must not be empty",
    "minimum": _describe_bound("at least"),
    "maximum": _describe_bound("at most"),
    "exclusiveMinimum": _describe_bound("more than"),
}
