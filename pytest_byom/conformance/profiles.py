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

FULL = frozenset(
    {
        "audio/without",
        "capability/functions",
        "capability/logit-bias",
        "capability/prediction",
        "capability/seed",
        "capability/seed-again",
        "capability/web-search",
        "logprobs/stream",
        "logprobs/table-absent-null",
        "logprobs/table-absent-two",
        "logprobs/table-absent-zero",
        "logprobs/table-false-absent",
        "logprobs/table-false-null",
        "logprobs/table-false-two",
        "logprobs/table-false-zero",
        "logprobs/table-null-absent",
        "logprobs/table-null-null",
        "logprobs/table-null-two",
        "logprobs/table-null-zero",
        "logprobs/table-true-absent",
        "logprobs/table-true-negative",
        "logprobs/table-true-null",
        "logprobs/table-true-twenty",
        "logprobs/table-true-twenty-one",
        "logprobs/table-true-two",
        "logprobs/table-true-zero",
        "messages/assistant-first",
        "messages/assistant-last",
        "messages/assistant-parts",
        "messages/call-empty-content",
        "messages/content-number",
        "messages/content-object",
        "messages/content-true",
        "messages/control-characters",
        "messages/echo",
        "messages/empty-content",
        "messages/empty-parts",
        "messages/extra-member",
        "messages/hundred",
        "messages/lone-surrogate",
        "messages/long-result",
        "messages/names",
        "messages/no-calls",
        "messages/no-content",
        "messages/null-audio",
        "messages/null-content",
        "messages/null-function-call",
        "messages/null-name",
        "messages/null-refusal",
        "messages/null-tool-calls",
        "messages/own-call-dumped",
        "messages/own-object",
        "messages/own-parallel",
        "messages/reasoning",
        "messages/reasoning-content",
        "messages/refusal-part",
        "messages/refusal-text",
        "messages/result-alone",
        "messages/results-reversed",
        "messages/system-between",
        "messages/system-heard",
        "messages/system-only",
        "messages/system-parts",
        "messages/template-text",
        "messages/tool-parts",
        "messages/two-systems",
        "messages/unanswered-call",
        "parity/calls",
        "parity/calls-stream",
        "parity/json-object",
        "parity/json-schema",
        "parity/logprobs",
        "parity/max-tokens",
        "parity/n",
        "parity/named",
        "parity/none",
        "parity/stop",
        "parity/usage",
        "reasoning/answer",
        "stream/stop",
        "structured/array-bounds",
        "structured/deep",
        "structured/format",
        "structured/loose-strict",
        "structured/no-word",
        "structured/null",
        "structured/number-bounds",
        "structured/pattern",
        "structured/with-tools",
        "tools/allowed",
        "tools/custom",
        "tools/legacy-auto",
        "tools/legacy-beside-tools",
        "tools/legacy-history",
        "tools/legacy-named",
        "tools/legacy-stream",
        "tools/most",
        "tools/parallel",
        "tools/parallel-off",
        "tools/strict",
        "tools/table-absent-absent",
        "tools/table-absent-auto",
        "tools/table-absent-named",
        "tools/table-absent-none",
        "tools/table-absent-null",
        "tools/table-absent-required",
        "tools/table-empty-absent",
        "tools/table-empty-auto",
        "tools/table-empty-named",
        "tools/table-empty-none",
        "tools/table-empty-null",
        "tools/table-empty-required",
        "tools/table-many-absent",
        "tools/table-many-auto",
        "tools/table-many-named",
        "tools/table-many-none",
        "tools/table-many-null",
        "tools/table-many-required",
        "tools/table-one-absent",
        "tools/table-one-auto",
        "tools/table-one-named",
        "tools/table-one-none",
        "tools/table-one-null",
        "tools/table-one-required",
        "vision/file",
        "vision/without",
    }
)
"""What only the full profile asks: it tells which of the members that are asked together in the
standard profile a server does not take."""

SENSES = frozenset({"audio", "reasoning", "vision"})
"""Capabilities of a model, not of a server: what needs one is left to the full profile."""


def selector(profile: Profile, only: Collection[str] = ()) -> Callable[[Check], bool]:
    """Return whether a check belongs to a profile and, if any are named, to one of some areas."""

    def is_selected(check: Check) -> bool:
        return (not only or check.area in only) and _is_in(profile, check)

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
