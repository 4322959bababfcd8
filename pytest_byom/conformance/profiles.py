"""Which checks a run makes: by profile, and by area."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from pytest_byom.client.errors import UsageError
from pytest_byom.conformance.capabilities import PROBES

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

FULL: frozenset[str] = frozenset(
    {
        "http/client-request-id",
        "limits/overlong",
        "limits/overlong-stream",
        "params/both-limits-older",
        "params/extra-logit-bias",
        "params/extra-metadata",
        "params/extra-min-p",
        "params/extra-moderation",
        "params/extra-prediction",
        "params/extra-prompt-cache-key",
        "params/extra-repetition-penalty",
        "params/extra-safety-identifier",
        "params/extra-service-tier",
        "params/extra-store",
        "params/extra-top-k",
        "params/extra-verbosity",
        "params/extra-web-search",
        "params/frequency-penalty-high",
        "params/max-tokens-fraction",
        "params/max-tokens-negative",
        "params/messages-null",
        "params/messages-object",
        "params/missing-model",
        "params/modalities-text",
        "params/n-negative",
        "params/n-zero",
        "params/neutral-frequency-penalty",
        "params/neutral-logit-bias",
        "params/neutral-logprobs",
        "params/neutral-n",
        "params/neutral-presence-penalty",
        "params/neutral-response-format",
        "params/neutral-stop",
        "params/neutral-stream",
        "params/neutral-temperature",
        "params/neutral-tool-choice",
        "params/neutral-top-p",
        "params/neutral-user",
        "params/null-extras",
        "params/null-frequency-penalty",
        "params/null-logit-bias",
        "params/null-logprobs",
        "params/null-max-completion-tokens",
        "params/null-max-tokens",
        "params/null-n",
        "params/null-presence-penalty",
        "params/null-response-format",
        "params/null-seed",
        "params/null-stop",
        "params/null-stream",
        "params/null-stream-options",
        "params/null-temperature",
        "params/null-tools",
        "params/null-top-logprobs",
        "params/null-top-p",
        "params/presence-penalty-low",
        "params/repeated-member",
        "params/seed-greedy",
        "params/seed-greedy-again",
        "params/seed-greedy-third",
        "params/seed-one",
        "params/seed-one-again",
        "params/seed-one-third",
        "params/seed-three",
        "params/seed-two",
        "params/stop-five",
        "params/stop-four",
        "params/temperature-text",
        "params/temperature-two",
        "params/text-body",
        "params/top-p-high",
        "params/top-p-negative",
        "params/type-frequency-penalty",
        "params/type-logit-bias",
        "params/type-logprobs",
        "params/type-max-completion-tokens",
        "params/type-metadata",
        "params/type-modalities",
        "params/type-model",
        "params/type-n",
        "params/type-parallel-tool-calls",
        "params/type-presence-penalty",
        "params/type-reasoning-effort",
        "params/type-response-format",
        "params/type-seed",
        "params/type-service-tier",
        "params/type-stop",
        "params/type-store",
        "params/type-stream",
        "params/type-stream-options",
        "params/type-temperature",
        "params/type-tool-choice",
        "params/type-tools",
        "params/type-top-logprobs",
        "params/type-top-p",
        "params/type-user",
    }
)
"""What only the full profile asks: it tells which of the members that are asked together in the
standard profile a server does not take."""

SENSES = frozenset({"audio", "reasoning", "vision"})
"""Capabilities of a model, not of a server: what needs one is left to the full profile."""


def selector(
    profile: Profile, only: Collection[str] = (), *, abuse: bool = False
) -> Callable[[Check], bool]:
    """Return whether a check belongs to a profile and, if any are named, to one of some areas.

    What burdens a server is left out unless `abuse` allows it, and of the quick profile always.
    """

    def is_selected(check: Check) -> bool:
        allowed = not check.abuse or (abuse and profile is not Profile.QUICK)
        return allowed and (not only or check.area in only) and _is_in(profile, check)

    return is_selected


def _is_in(profile: Profile, check: Check) -> bool:
    if profile is Profile.QUICK:
        probes = {PROBES[need] for need in check.needs if need in PROBES}
        return QUICK.issuperset(probes.union(check.asks))
    return profile is Profile.FULL or (
        SENSES.isdisjoint(check.needs) and FULL.isdisjoint(check.asks)
    )


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
