"""How long to wait for what."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from pytest_byom.client.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Limits in seconds; None waits forever.

    `connect` is for the connection, `first_byte` for the head of the answer, `idle` for each
    silence inside it, `whole` for all of it. A server that sends its headers at once and thinks
    afterwards thinks on `idle`. `whole` is looked at whenever something arrives, and no single
    silence may be longer than what was left of it when the answer began.
    """

    connect: float | None = 10.0
    first_byte: float | None = 300.0
    idle: float | None = 120.0
    whole: float | None = None

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if value is not None and not _is_duration(value):
                raise UsageError(
                    f"timeout {entry.name} must be more than 0 seconds or None, not {value!r}"
                )

    def silence(self, limit: float | None, *, left: float) -> float | None:
        """A limit for one wait, when this much is left of the whole."""
        shortest = min(math.inf if limit is None else limit, max(left, 0.001))
        return None if math.isinf(shortest) else shortest


def timeouts_from(value: Timeouts | float | None) -> Timeouts:
    """Take limits as people write them: Timeouts, seconds for each wait, or None for no limit."""
    if isinstance(value, Timeouts):
        return value
    if value is None:
        return Timeouts(connect=None, first_byte=None, idle=None)
    if _is_duration(value):
        return Timeouts(connect=min(10.0, value), first_byte=value, idle=value)
    raise UsageError(f"timeout must be seconds, Timeouts or None, not {value!r}")


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf
