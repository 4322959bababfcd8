"""Where two fingerprints differ, the same difference of many exchanges said once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pytest_byom.gate.shapes import ABSENT, Shape, read_types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.gate.fingerprint import Fingerprint

ANSWER = "answer"
ASKED = "asked"
COMMENT = "comment"
FIRST_ASKED = ("status", "body", "end")
"""Where one of these differs, two answers have nothing else in common to compare."""


class Step(NamedTuple):
    """A difference at one place of one exchange."""

    what: str
    before: str
    after: str


ASKED_OTHERWISE = Step("asked otherwise by this version of the suite", "", "")


@dataclass(frozen=True, kw_only=True)
class Change:
    """A difference, and the exchanges that show it."""

    what: str
    before: str
    after: str
    where: tuple[str, ...]

    @property
    def asked_otherwise(self) -> bool:
        """Whether the requests differ, so that the answers say nothing."""
        return self.what == ASKED_OTHERWISE.what

    @property
    def sentence(self) -> str:
        """What is otherwise, for a person."""
        place, _, member = self.what.partition(": ")
        if self.asked_otherwise:
            return self.what
        if not member:
            return f"{place}: {_moved(self.before, self.after)}"
        if self.before == ABSENT:
            return f"{place}: {member} is new ({_said(self.after)})"
        if self.after == ABSENT:
            return f"{place}: {member} is gone (it was {_said(self.before)})"
        return f"{place}: {member} was {_said(self.before)}, and is {_said(self.after)}"


def _moved(gone: str, come: str) -> str:
    """Return which members are gone and new."""
    if gone and come and "," not in gone + come:
        return f"{come} stands where {gone} was"
    said = [
        f"{names} {'are' if ',' in names else 'is'} {word}"
        for names, word in ((gone, "gone"), (come, "new"))
        if names
    ]
    return "; ".join(said)


def _said(types: str) -> str:
    """Return types as a person writes them."""
    found, varies = read_types(types)
    some = " in some" * (ABSENT in found and len(found) > 1)
    shown = sorted(found - {ABSENT}) or [ABSENT]
    return " or ".join(shown) + some + ", now and then" * varies


def compare_fingerprints(before: Fingerprint, after: Fingerprint) -> list[Change]:
    """Return the differences between the exchanges that both runs have."""
    found: dict[Step, list[str]] = {}
    for exchange in sorted(set(before) & set(after)):
        for step in dict.fromkeys(_compare_shapes(before[exchange], after[exchange])):
            found.setdefault(step, []).append(exchange)
    return [
        Change(what=step.what, before=step.before, after=step.after, where=tuple(where))
        for step, where in found.items()
    ]


def _compare_shapes(before: Shape, after: Shape) -> Iterator[Step]:
    """Yield what differs; a place that only one has is one where the model did otherwise."""
    head, now = dict(before.get(ANSWER, {})), dict(after.get(ANSWER, {}))
    if head.pop(ASKED, "") != now.pop(ASKED, ""):
        yield ASKED_OTHERWISE
        return
    if heads := list(_compare_members(ANSWER, head, now)):
        yield from heads
        return
    for place in sorted(set(before) & set(after) - {ANSWER}):
        yield from _compare_members(place, before[place], after[place])


def _compare_members(place: str, before: dict[str, str], after: dict[str, str]) -> Iterator[Step]:
    """Yield what differs between two objects: what is gone and new in one step, types in others."""
    names = [
        name
        for name in sorted({*before, *after})
        if _differ(name, before.get(name, ABSENT), after.get(name, ABSENT))
    ]
    gone = [name for name in names if after.get(name, ABSENT) == ABSENT]
    come = [name for name in names if before.get(name, ABSENT) == ABSENT]
    if len(gone) + len(come) == 1:
        (name,) = gone or come
        yield Step(f"{place}: {name}", before.get(name, ABSENT), after.get(name, ABSENT))
    elif gone or come:
        yield Step(place, ", ".join(gone), ", ".join(come))
    for name in names:
        if name not in (*gone, *come):
            yield Step(f"{place}: {name}", before[name], after[name])


def _differ(name: str, before: str, after: str) -> bool:
    """Whether a member is another one now.

    Fewer types than before are none: where a member was null or a text, an app copes with a text.
    What repeats saw come and go may be there or not.
    """
    (old, came_and_went), (new, comes_and_goes) = read_types(before), read_types(after)
    if came_and_went or name == COMMENT:
        old |= {ABSENT}
    if comes_and_goes:
        return not (new >= old - {ABSENT} or old | {ABSENT} >= new)
    if new == {ABSENT}:
        return not (came_and_went or name == COMMENT or old == {ABSENT})
    return not new <= old
