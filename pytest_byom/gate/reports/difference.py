"""The difference from a baseline as the reports show it: plain data, made by whoever compares.

An entry has `class`, `check`, `before` and `after`, and may have `endpoint` and `note`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_byom.gate.reports.columns import Results

ORDER = (
    "regressed",
    "vanished",
    "undecided",
    "changed",
    "known-stale",
    "fixed",
    "accepted",
    "new",
)
"""The classes, what a reader has to act on first. Others come after them."""

FEW = 3


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


def entries_of(runs: Sequence[Results]) -> list[dict[str, Any]]:
    """Return what the gates of some runs found, as entries."""
    return [
        {
            "class": found["kind"],
            "check": found["what"],
            "endpoint": found["endpoint"],
            "before": found["before"] or None,
            "after": found["after"] or None,
            "note": _note(found),
        }
        for run in runs
        for found in run.get("gate", {}).get("differences", ())
    ]


def _note(found: Mapping[str, Any]) -> str:
    """Return where a change of answers was seen; its own note repeats before and after."""
    where = found["where"]
    if not where:
        return str(found["note"])
    more = f" and {len(where) - FEW} more" if len(where) > FEW else ""
    return f"in {', '.join(where[:FEW])}{more}"


def gate_sentences(runs: Sequence[Results]) -> Iterator[str]:
    """Yield what the gate of each run came to, and what it was held against."""
    for run in runs:
        if gate := run.get("gate"):
            saved = f" of {gate['saved'][:10]}" if gate["saved"] else ""
            against = f"held against {gate['baseline']}{saved}"
            if gate["failed"]:
                yield f"The gate fails, {against}."
            elif gate["undecided"]:
                yield f"The gate could not decide, {against}."
            else:
                yield f"The gate lets it pass, {against}."
            yield from gate["strangers"]
