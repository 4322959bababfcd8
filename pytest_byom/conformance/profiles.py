"""Which checks a run makes: by profile, and by area."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from pytest_byom.client.errors import UsageError
from pytest_byom.conformance.capabilities import PROBES
from pytest_byom.conformance.full import FULL

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from pytest_byom.conformance.check import Check


class Profile(StrEnum):
    """How much is asked."""

    QUICK = "quick"
    """A look at the essentials: 15 requests at the most."""
    STANDARD = "standard"
    """Everything that any model decides."""
    FULL = "full"
    """What needs a model that sees, hears or reasons as well, and each cell of the tables."""


QUICK = frozenset(
    {
        "auth/missing-key",
        "chat/plain",
        "chat/stream",
        "messages/history",
        "messages/own-answer",
        "models/list",
        "models/unknown",
        "params/max-tokens",
        "params/nulls",
        "params/wrong-type",
        "structured/json-schema",
        "tools/offered",
        "tools/required",
        "tools/required-stream",
        "usage/stream",
    }
)
"""What the quick profile asks: plain, streamed, a tool, a schema, a refusal of each kind."""

EXAMPLES = 20
"""Requests that each fuzz check draws in the full profile."""

SENSES = frozenset({"audio", "reasoning", "vision"})
"""Capabilities of a model, not of a server: what needs one is left to the full profile."""


def selector(
    profile: Profile, only: Collection[str] = (), *, abuse: bool = False, fuzz: bool = False
) -> Callable[[Check], bool]:
    """Return whether a check belongs to a profile and, if any are named, to one of some areas.

    What burdens a server is left out unless `abuse` allows it, and of the quick profile always;
    the fuzz checks are made if `fuzz` says so, in any profile.
    """

    def is_selected(check: Check) -> bool:
        allowed = not check.abuse or (abuse and profile is not Profile.QUICK)
        wanted = fuzz if check.fuzzes else _is_in(profile, check)
        return allowed and wanted and (not only or check.area in only)

    return is_selected


def _is_in(profile: Profile, check: Check) -> bool:
    if profile is Profile.QUICK:
        probes = {PROBES[need] for need in check.needs if need in PROBES}
        return QUICK.issuperset(probes.union(check.asks))
    return profile is Profile.FULL or (
        SENSES.isdisjoint(check.needs) and FULL.isdisjoint(check.asks)
    )


def fuzz_examples(profile: Profile, given: int | None) -> int:
    """Return how many requests a fuzz check draws: as given, else some in the full profile only.

    Raises UsageError for a number below 0.
    """
    if given is None:
        return EXAMPLES if profile is Profile.FULL else 0
    if given < 0:
        raise UsageError(f"--byom-fuzz has to be 0 or more, not {given}")
    return given


def parse_areas(given: Iterable[str], areas: Collection[str]) -> tuple[str, ...]:
    """Return the areas that are named, with or without commas between them.

    Raises UsageError for a name that is no area.
    """
    named = [name.strip() for text in given for name in text.split(",") if name.strip()]
    for name in named:
        if name not in areas:
            known = ", ".join(sorted(areas))
            raise UsageError(f"--byom-only={name}: there is no such area; there are {known}")
    return tuple(dict.fromkeys(named))
