"""Where two fingerprints differ, the same difference of many exchanges said once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pytest_byom.gate.shapes import ABSENT, EVERY, Shape, read_types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.gate.fingerprint import Fingerprint

ANSWER = "answer"
ASKED = "asked"
COMMENT = "comment"
FEW = 3
MANY_PARTS = 3
FIRST_ASKED = ("status", "body", "end")
"""Where one of these differs, two answers have nothing else in common to compare."""


class Step(NamedTuple):
    """A difference at one place of one exchange; `part` says of which chunks or messages."""

    place: str
    part: str
    member: str
    before: str
    after: str


ASKED_OTHERWISE = Step("asked otherwise by this version of the suite", "", "", "", "")


@dataclass(frozen=True, kw_only=True)
class Change:
    """A difference, and the exchanges that show it.

    `before` has several types where different ones became the same. Without a `member` it names
    those that are gone, and `after` those that are new.
    """

    place: str
    member: str
    before: str
    after: str
    where: tuple[str, ...]

    @property
    def what(self) -> str:
        """The place, with the member that is otherwise."""
        return f"{self.place}: {self.member}" if self.member else self.place

    @property
    def asked_otherwise(self) -> bool:
        """Whether the requests differ, so that the answers say nothing."""
        return self.place == ASKED_OTHERWISE.place

    @property
    def sentence(self) -> str:
        """What is otherwise, for a person."""
        if self.asked_otherwise:
            return self.place
        if not self.member:
            return f"{self.place}: {_moved(self.before, self.after)}"
        if self.before == ABSENT:
            return f"{self.what} is new ({_said(self.after)})"
        if self.after == ABSENT:
            return f"{self.what} is gone (it was {_said(self.before)})"
        return f"{self.what} was {_said(self.before)}, and is {_said(self.after)}"


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
    several = types.split(", ")
    if len(several) > 1:
        listed = ", ".join(several[:FEW]) + f" and {len(several) - FEW} more" * (len(several) > FEW)
        return listed
    found, varies = read_types(types)
    some = " in some" * (ABSENT in found and len(found) > 1)
    shown = sorted(found - {ABSENT}) or [ABSENT]
    return " or ".join(shown) + some + ", now and then" * varies


def compare_fingerprints(before: Fingerprint, after: Fingerprint) -> list[Change]:
    """Return the differences between the exchanges that both runs have.

    What many exchanges show is one difference, and so is what several parts of them do, and what
    became the same though it was not the same before.
    """
    found: dict[tuple[str, ...], dict[Step, list[str]]] = {}
    for exchange in sorted(set(before) & set(after)):
        compare = _compare_common if exchange.startswith(EVERY) else _compare_shapes
        for step in compare(before[exchange], after[exchange]):
            moved = "" if step.member else step.before
            key = (step.place, step.member, step.after, moved)
            found.setdefault(key, {}).setdefault(step, []).append(exchange)
    return [_join(steps) for steps in found.values()]


def _join(steps: dict[Step, list[str]]) -> Change:
    first = next(iter(steps))
    parts = sorted({step.part for step in steps})
    befores = sorted({step.before for step in steps})
    return Change(
        place=first.place + (f" ({'; '.join(filter(None, parts))})" if _is_few(parts) else ""),
        member=first.member,
        before=first.before if len(befores) == 1 else ", ".join(befores),
        after=first.after,
        where=tuple(sorted({exchange for where in steps.values() for exchange in where})),
    )


def _is_few(parts: list[str]) -> bool:
    """Whether the parts are named: many are all, and so is one without a name beside others."""
    return parts != [""] and "" not in parts and len(parts) < MANY_PARTS


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


def _compare_common(before: Shape, after: Shape) -> Iterator[Step]:
    """Yield what differs between all answers of a kind.

    If the two were taken of other exchanges, as after an upgrade of the suite, only what has
    nothing in common is a difference: what holds for all of a few need not hold for all of many.
    """
    same = before.get(ANSWER) == after.get(ANSWER)
    for place in sorted(set(before) & set(after) - {ANSWER}):
        old, new = before[place], after[place]
        if not same:
            apart = {name for name in {*old, *new} if _are_apart(old, new, name)}
            old, new = ({k: v for k, v in side.items() if k in apart} for side in (old, new))
        yield from _compare_members(place, old, new)


def _are_apart(before: dict[str, str], after: dict[str, str], name: str) -> bool:
    old, new = (read_types(side.get(name, ABSENT))[0] for side in (before, after))
    return old.isdisjoint(new)


def _compare_members(place: str, before: dict[str, str], after: dict[str, str]) -> Iterator[Step]:
    """Yield what differs between two objects: what is gone and new in one step, types in others."""
    names = [
        name
        for name in sorted({*before, *after})
        if _differ(name, before.get(name, ABSENT), after.get(name, ABSENT))
    ]
    gone = [name for name in names if after.get(name, ABSENT) == ABSENT]
    come = [name for name in names if before.get(name, ABSENT) == ABSENT]
    base, _, part = place.removesuffix(")").partition(" (")
    if len(gone) + len(come) > 1:
        yield Step(base, part, "", ", ".join(gone), ", ".join(come))
        names = [name for name in names if name not in (*gone, *come)]
    for name in names:
        yield Step(base, part, name, before.get(name, ABSENT), after.get(name, ABSENT))


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
