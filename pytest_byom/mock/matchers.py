"""What a request must be like: plain values, matchers, and how far a request is from them.

A mapping is a subset of what is there, at any depth; a list has the same length; a text, a number
and the rest are equal. A matcher stands in the place of any of them, and so does a function.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CUT = 80


class Matcher:
    """Says whether a value is right; its text says what is right. May be subclassed."""

    def matches(self, value: Any) -> bool:
        """Whether the value is right."""
        raise NotImplementedError


@dataclass(frozen=True)
class _Contains(Matcher):
    text: str
    ignore_case: bool

    def matches(self, value: Any) -> bool:
        if isinstance(value, list):
            return any(entry == self.text or self.matches(entry) for entry in value)
        if not isinstance(value, str):
            return False
        if self.ignore_case:
            return self.text.casefold() in value.casefold()
        return self.text in value

    def __str__(self) -> str:
        return f"a text that contains {show(self.text)}"

    def __repr__(self) -> str:
        return f"contains({self.text!r})"


@dataclass(frozen=True)
class _Matches(Matcher):
    pattern: re.Pattern[str]

    def matches(self, value: Any) -> bool:
        return isinstance(value, str) and self.pattern.search(value) is not None

    def __str__(self) -> str:
        return f"a text that matches {self.pattern.pattern!r}"

    def __repr__(self) -> str:
        return f"matches({self.pattern.pattern!r})"


@dataclass(frozen=True)
class _Anything(Matcher):
    def matches(self, value: Any) -> bool:
        return value is not None

    def __str__(self) -> str:
        return "anything"

    def __repr__(self) -> str:
        return "anything()"


def contains(text: str, *, ignore_case: bool = True) -> Matcher:
    """Match a text, or a list with a text, that has `text` in it; case counts only if asked to."""
    return _Contains(text, ignore_case)


def matches(pattern: str, flags: int = 0) -> Matcher:
    """Match a text in which the regular expression is found."""
    return _Matches(re.compile(pattern, flags))


def anything() -> Matcher:
    """Match whatever is there, but not what is absent."""
    return _Anything()


@dataclass(frozen=True)
class Difference:
    """Where a request is not what was asked for: the place, what was expected, what is there."""

    place: str
    expected: str
    found: str


def find_differences(pattern: Any, value: Any, place: str) -> Iterator[Difference]:
    """Yield where a value is not what the pattern asks for."""
    if isinstance(pattern, Matcher):
        if not pattern.matches(value):
            yield Difference(place, str(pattern), show(value))
    elif callable(pattern):
        yield from _ask_function(pattern, value, place)
    elif isinstance(pattern, dict):
        yield from _find_in_mapping(pattern, value, place)
    elif isinstance(pattern, list) and isinstance(value, list) and len(pattern) == len(value):
        for number, (wanted, found) in enumerate(zip(pattern, value, strict=True)):
            yield from find_differences(wanted, found, f"{place}[{number}]")
    elif pattern != value or isinstance(pattern, bool) is not isinstance(value, bool):
        yield Difference(place, show(pattern), show(value))


def _ask_function(function: Callable[[Any], Any], value: Any, place: str) -> Iterator[Difference]:
    """Ask a function; one that raises does not accept the value, and it is said why."""
    raised = ""
    try:
        accepted = bool(function(value))
    except Exception as error:
        accepted, raised = False, f", for which it raised {type(error).__name__}: {error}"
    if not accepted:
        yield Difference(place, f"what {name_of(function)} accepts", f"{show(value)}{raised}")


def _find_in_mapping(pattern: dict[str, Any], value: Any, place: str) -> Iterator[Difference]:
    if not isinstance(value, dict):
        yield Difference(place, "an object", show(value))
        return
    for key, wanted in pattern.items():
        yield from find_differences(wanted, value.get(key), f"{place}.{key}")


def name_of(function: Any) -> str:
    """Return how a function is called in a message."""
    return str(getattr(function, "__name__", type(function).__name__))


def show(value: Any) -> str:
    """Write a value on one line, cut to what a person reads."""
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= CUT else f"{text[: CUT - 2]} …"
