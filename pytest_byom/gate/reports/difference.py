"""The difference between two runs as the reports show it: plain data, made by whoever compares.

An entry has `class`, `check`, `before` and `after`, and may have `endpoint`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ORDER = ("regressed", "vanished", "changed", "known-stale", "fixed", "new")
"""The classes, what a reader has to act on first. Others come after them."""


def by_class(entries: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[dict[str, str]]]]:
    """Return the entries of each class, all values as text, in the order of reading."""
    groups: dict[str, list[dict[str, str]]] = {}
    for entry in entries:
        row = {name: _text(value) for name, value in entry.items()}
        groups.setdefault(row["class"], []).append(row)
    return sorted(groups.items(), key=lambda group: _place(group[0]))


def _text(value: object) -> str:
    return "nothing" if value is None else str(value)


def _place(name: str) -> tuple[int, str]:
    return (ORDER.index(name) if name in ORDER else len(ORDER)), name
