"""The shape of JSON: for each object its members with their types, without what they say.

A place is a path such as `choices[].message`; a member has one type or several (`null|string`).
`absent` stands among them where some objects at a place lack the member, and a `?` behind them
says that repeats differed. Left out are padding and whatever differs from answer to answer: texts,
ids, times, counts, costs. Kept are the few words that apps branch on, such as `finish_reason`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

Shape = dict[str, dict[str, str]]
"""From a place to its members, and from a member to its types."""

EVERY = "every "
"""How the name of what all answers of a kind have in common begins, in place of an exchange's."""

ABSENT = "absent"
VARIES = "?"
OTHER = "other names"
"""Stands for members whose names are data, such as ids."""

PADDING = frozenset({"obfuscation", "p", "padding"})
UNOPENED = frozenset(
    {"cost", "cost_details", "meta", "metrics", "performance", "stats", "time_info", "timings"}
)
"""Objects of times and costs: that they are there counts, not what they have."""

WORDS = frozenset({"code", "finish_reason", "object", "param", "role", "type"})
"""Members whose value is a word that apps branch on."""

WORD = re.compile(r"[\w.:/\[\]-]{1,48}", re.ASCII)
NAME = re.compile(r"[A-Za-z_$][\w$.-]{0,63}", re.ASCII)
WHOLE = re.compile(r"created|index|.*tokens", re.ASCII)
"""Members that are whole numbers. Others are numbers: some servers write 420.0 as 420."""

SOLID = ("arguments", "id", "name")
"""Members of which it counts whether their text is empty."""

MOST_LEVELS = 8
MOST_MEMBERS = 200


REASONING = ("reason", "think", "thought")
"""Parts of the names of members that carry reasoning."""


def carries_reasoning(name: str, value: Any) -> bool:
    """Whether a member of a message or delta, by its name, carries reasoning, and has some."""
    return bool(value) and any(part in name for part in REASONING)


class Word(str):
    """A text that stands for itself, whatever the member is called."""


class Shapes:
    """Collects the shapes of many objects; `result` merges those of one place."""

    def __init__(self) -> None:
        self._seen: dict[str, list[dict[str, str]]] = {}

    def add(self, place: str, members: dict[str, str]) -> None:
        """Take the members of one object at a place."""
        self._seen.setdefault(place, []).append(members)

    def open(
        self,
        value: Any,
        place: str,
        *,
        suffix: str = "",
        solid: Collection[str] = SOLID,
        levels: int = MOST_LEVELS,
        skip: Collection[str] = (),
    ) -> None:
        """Take an object, or each object of a list, and what is inside.

        `suffix` goes behind the name of each place, `solid` are the members of which it counts
        whether they are empty, `skip` those whose inside is somebody else's.
        """
        if isinstance(value, list):
            for entry in value:
                self.open(entry, f"{place}[]", suffix=suffix, solid=solid, levels=levels, skip=skip)
            return
        if not isinstance(value, dict):
            return
        self.add(place + suffix, members_of(value, solid))
        for name, inner in value.items():
            if levels > 1 and name not in (*PADDING, *UNOPENED, *skip) and NAME.fullmatch(name):
                inside = f"{place}.{name}" if place else name
                self.open(inner, inside, suffix=suffix, solid=solid, levels=levels - 1)

    def result(self) -> Shape:
        """Return what was collected, sorted."""
        return {place: _merged(self._seen[place]) for place in sorted(self._seen)}


def with_model(data: Mapping[str, Any], asked: str) -> dict[str, Any]:
    """Return an answer whose `model` is a word that says whether it is the name that was asked."""
    if not asked or not isinstance(data.get("model"), str):
        return dict(data)
    same = data["model"] == asked
    return {**data, "model": Word("as asked" if same else "another" if data["model"] else "empty")}


def with_ending(choice: Mapping[str, Any], *, called: bool) -> dict[str, Any]:
    """Return a choice in which a text ends with one word, whether it ended or a limit cut it."""
    if called or choice.get("finish_reason") not in ("stop", "length"):
        return dict(choice)
    return {**choice, "finish_reason": Word("stop/length")}


def members_of(data: Mapping[str, Any], solid: Collection[str] = SOLID) -> dict[str, str]:
    """Return the members of an object with the type of each."""
    found: dict[str, set[str]] = {}
    for name in list(data)[:MOST_MEMBERS]:
        if name not in PADDING:
            shown = name if NAME.fullmatch(name) else OTHER
            found.setdefault(shown, set()).add(type_of(name, data[name], solid))
    return {name: write_types(types) for name, types in found.items()}


def type_of(name: str, value: Any, solid: Collection[str] = SOLID) -> str:
    """Return the type of a member, or its value if that is a word that apps branch on."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        if name in WORDS:
            return str(value)
        return "integer" if isinstance(value, int) and WHOLE.fullmatch(name) else "number"
    if isinstance(value, str):
        return _type_of_text(name, value, solid)
    return "object" if isinstance(value, dict) else "array"


def _type_of_text(name: str, value: str, solid: Collection[str]) -> str:
    if isinstance(value, Word):
        return str(value)
    if not value and (name in solid or name in WORDS):
        return "empty"
    return value if name in WORDS and WORD.fullmatch(value) else "string"


def _merged(seen: list[dict[str, str]]) -> dict[str, str]:
    names = sorted({name for members in seen for name in members})
    return {name: _union(members.get(name, ABSENT) for members in seen) for name in names}


def _union(texts: Iterable[str]) -> str:
    return write_types({type for text in texts for type in read_types(text)[0]})


def write_types(types: Iterable[str], *, varies: bool = False) -> str:
    """Return types as one text."""
    return "|".join(sorted(types)) + VARIES * varies


def read_types(text: str) -> tuple[frozenset[str], bool]:
    """Return the types of a text, and whether they vary from one answer to the next."""
    return frozenset(text.removesuffix(VARIES).split("|")), text.endswith(VARIES)


def merge_repeats(shapes: list[Shape]) -> Shape:
    """Return one shape for several answers to the same request; what differs is marked with `?`.

    A place that only some of them have says nothing of the others: they did something else.
    """
    if len(shapes) == 1:
        return shapes[0]
    places = sorted({place for shape in shapes for place in shape})
    return {place: _varying([s[place] for s in shapes if place in s]) for place in places}


def _varying(seen: list[dict[str, str]]) -> dict[str, str]:
    found = {}
    for name in sorted({name for members in seen for name in members}):
        texts = {members.get(name, ABSENT) for members in seen}
        read = [read_types(text) for text in texts]
        types = frozenset[str]().union(*(types for types, _ in read))
        varies = len(texts) > 1 or any(varies for _, varies in read)
        found[name] = write_types(types, varies=varies)
    return found
