"""Whether to ask again, and after how long: a pure function of what came back.

Asked again is after 408, 409, 429 and every 5xx, and after a connection that failed before the
first byte of an answer. A server can say more: `x-should-retry: true` or `false` decides, and
`retry-after-ms` or `Retry-After` (seconds or a date) gives the time.
"""

from __future__ import annotations

import math
import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from pytest_byom.client.errors import ConnectFailed, ConnectionLost, TimedOut, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_byom.client.errors import NetworkError

RETRIED = frozenset({408, 409, 429})


@dataclass(frozen=True, kw_only=True)
class Retry:
    """How often and how patiently to ask again.

    `attempts` counts the first one too. The wait starts at `first_wait` seconds and doubles up
    to `longest_wait`; a random part of up to `jitter` of it is taken off, so that clients do not
    come back together. A server that asks for more than `longest_retry_after` seconds is not
    asked again: the error tells its time.
    """

    attempts: int = 3
    first_wait: float = 0.5
    longest_wait: float = 8.0
    longest_retry_after: float = 120.0
    jitter: float = 0.25

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise UsageError(f"attempts must be 1 or more, not {self.attempts}")
        for name in ("first_wait", "longest_wait", "longest_retry_after"):
            if not getattr(self, name) >= 0:
                raise UsageError(f"{name} must be 0 or more seconds, not {getattr(self, name)}")
        if not 0 <= self.jitter <= 1:
            raise UsageError(f"jitter must be between 0 and 1, not {self.jitter}")


def retry_from(value: Retry | int | None) -> Retry:
    """Take a policy as people write it: a Retry, a number of retries, or None for none."""
    if isinstance(value, Retry):
        return value
    if value is None:
        return Retry(attempts=1)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Retry(attempts=value + 1)
    raise UsageError(f"retry must be a Retry, a number of retries or None, not {value!r}")


def seconds_to_wait(
    policy: Retry,
    *,
    attempt: int,
    status: int | None = None,
    error: NetworkError | None = None,
    headers: Mapping[str, str] | None = None,
    now: float | None = None,
    chance: float | None = None,
) -> float | None:
    """How long to wait before asking again, or None for not at all.

    `attempt` is the number of the one that failed, from 1. `now` (Unix time) and `chance`
    (between 0 and 1) are the clock and the dice, for tests.
    """
    told = headers or {}
    if attempt >= policy.attempts or not _is_transient(status, error, told):
        return None
    asked = retry_after(told, now=now)
    if asked is not None:
        return asked if asked <= policy.longest_retry_after else None
    wait = float(min(policy.longest_wait, policy.first_wait * 2.0 ** min(attempt - 1, 60)))
    chance = random.random() if chance is None else chance
    return wait * (1 - policy.jitter * chance)


def retry_after(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """The seconds that a server asks to wait, or None; names of headers are in lower case."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None or not value:
        return seconds
    try:
        date = parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return None
    return max(0.0, date - (time.time() if now is None else now))


def _is_transient(
    status: int | None, error: NetworkError | None, headers: Mapping[str, str]
) -> bool:
    if error is not None:
        connecting = isinstance(error, TimedOut) and error.limit == "connect"
        return connecting or isinstance(error, ConnectFailed | ConnectionLost)
    said = headers.get("x-should-retry", "").strip().lower()
    if said in ("true", "false"):
        return said == "true"
    return status is not None and (status in RETRIED or status >= 500)


def _number(text: str | None) -> float | None:
    """A count of 0 or more; None for anything else."""
    try:
        number = float(text) if text else math.nan
    except ValueError:
        return None
    return number if 0 <= number < math.inf else None
