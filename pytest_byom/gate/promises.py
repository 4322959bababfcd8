"""What a scripted reply promises to an app, held against what a server answers to the same request.

A reply promises what it has: each member with its type, and the words that apps branch on. A
server may have more. Where the model did otherwise, as with a text in place of a call, there is
nothing to compare.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_byom.gate.fingerprint import shape_of
from pytest_byom.gate.shape_changes import compare_fingerprints
from pytest_byom.gate.shapes import ABSENT, read_types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.gate.fingerprint import Answer
    from pytest_byom.gate.shape_changes import Change

ONE = "reply"
WHAT_THE_MODEL_DID = ("choices[]", "delta", "chunk")


@dataclass(frozen=True, kw_only=True)
class Held:
    """A reply beside a live answer: what the server does not do, and what could not be compared."""

    broken: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether the server does all that the reply promises."""
        return not self.broken and not self.unseen


def hold(promised: Answer, live: Answer) -> Held:
    """Hold a reply against the live answer to the same request."""
    said, seen = shape_of(promised), shape_of(live)
    changes = compare_fingerprints({ONE: said}, {ONE: seen})
    broken = tuple(sentence for change in changes for sentence in _sentences(change))
    if broken:
        return Held(broken=broken)
    missing = {_part(place) for place in said if place not in seen and _is_of_model(place)}
    return Held(unseen=tuple(sorted(missing)))


def _is_of_model(place: str) -> bool:
    return place.startswith(WHAT_THE_MODEL_DID)


def _part(place: str) -> str:
    """Return what a part of an answer does, such as `call`; its place, if it has no such name."""
    name, _, does = place.removesuffix(")").partition(" (")
    return does or name


def _sentences(change: Change) -> Iterator[str]:
    """Yield what a server breaks of a promise; what it has besides is none."""
    if not change.member:
        if change.before:
            yield f"{change.place}: the reply has {change.before}, the server has not"
        return
    if change.before == ABSENT:
        return
    after = "no such member" if change.after == ABSENT else _plain(change.after)
    yield f"{change.what}: the reply has {_plain(change.before)}, the server {after}"


def _plain(types: str) -> str:
    found = sorted(read_types(types)[0] - {ABSENT})
    return " or ".join(found) or ABSENT
