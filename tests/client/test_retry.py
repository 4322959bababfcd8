"""When to ask again, and what to wait for."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_byom.client.errors import (
    ConnectFailed,
    ConnectionLost,
    NetworkError,
    TimedOut,
    UsageError,
)
from pytest_byom.client.retry import Retry, retry_after, retry_from, seconds_to_wait
from pytest_byom.client.timeouts import Timeouts, timeouts_from

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize(
    ("status", "headers", "wait"),
    [
        (500, {}, 0.5),
        (408, {}, 0.5),
        (409, {}, 0.5),
        (429, {}, 0.5),
        (599, {}, 0.5),
        (400, {}, None),
        (401, {}, None),
        (404, {}, None),
        (400, {"x-should-retry": "true"}, 0.5),
        (500, {"x-should-retry": "false"}, None),
        (429, {"retry-after": "7"}, 7.0),
        (429, {"retry-after": "0"}, 0.0),
        (429, {"retry-after": "1.5"}, 1.5),
        (429, {"retry-after": "Tue, 14 Nov 2023 22:13:30 GMT"}, 10.0),
        (429, {"retry-after": "Tue, 14 Nov 2023 22:13:10 GMT"}, 0.0),
        (429, {"retry-after": "soon"}, 0.5),
        (429, {"retry-after": "-5"}, 0.5),
        (429, {"retry-after": "121"}, None),
        (429, {"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        (429, {"retry-after-ms": "nan", "retry-after": "7"}, 7.0),
    ],
)
def test_after_a_status(status: int, headers: dict[str, str], wait: float | None) -> None:
    """The status decides whether, and the server's headers when."""
    found = seconds_to_wait(Retry(), attempt=1, status=status, headers=headers, now=NOW, chance=0)
    assert found == wait


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (ConnectFailed("x"), True),
        (ConnectionLost("x"), True),
        (TimedOut("x", limit="connect"), True),
        (TimedOut("x", limit="first_byte"), False),
        (TimedOut("x", limit="whole"), False),
    ],
)
def test_after_an_error(error: NetworkError, again: bool) -> None:
    """A connection is made again; a server that took too long is not asked for more."""
    assert (seconds_to_wait(Retry(), attempt=1, error=error) is not None) is again


def test_waits_double_up_to_a_limit() -> None:
    """Each wait is twice the one before, up to the longest."""
    policy = Retry(attempts=1000, first_wait=1, longest_wait=5)
    waits = [
        seconds_to_wait(policy, attempt=attempt, status=500, chance=0)
        for attempt in (1, 2, 3, 4, 999)
    ]
    assert waits == [1, 2, 4, 5, 5]


def test_chance_takes_off_a_part() -> None:
    """The dice make a wait shorter, and never longer."""
    policy = Retry(first_wait=1, jitter=0.25)
    assert seconds_to_wait(policy, attempt=1, status=500, chance=1) == 0.75
    rolled = [seconds_to_wait(policy, attempt=1, status=500) for _ in range(50)]
    assert all(wait is not None and 0.75 <= wait <= 1 for wait in rolled)


def test_attempts_end() -> None:
    """The last attempt is not followed by another."""
    assert seconds_to_wait(Retry(attempts=2), attempt=1, status=500) is not None
    assert seconds_to_wait(Retry(attempts=2), attempt=2, status=500) is None


def test_retry_after_without_headers() -> None:
    """A server that says nothing gives no time."""
    assert retry_after({}) is None


@pytest.mark.parametrize(("value", "attempts"), [(0, 1), (2, 3), (None, 1), (Retry(attempts=7), 7)])
def test_retry_as_people_write_it(value: Any, attempts: int) -> None:
    """A number counts the retries, None means none."""
    assert retry_from(value).attempts == attempts


@pytest.mark.parametrize("value", [-1, "3", True, 1.5])
def test_no_retry_policy(value: Any) -> None:
    """What is no policy is refused."""
    with pytest.raises(UsageError, match="retry must be"):
        retry_from(value)


@pytest.mark.parametrize(
    "fields", [{"attempts": 0}, {"first_wait": -1}, {"longest_wait": float("nan")}, {"jitter": 2}]
)
def test_wrong_policies(fields: dict[str, Any]) -> None:
    """Values that cannot be meant are refused."""
    with pytest.raises(UsageError, match=next(iter(fields))):
        Retry(**fields)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, Timeouts(connect=5, first_byte=5, idle=5)),
        (60.5, Timeouts(connect=10, first_byte=60.5, idle=60.5)),
        (None, Timeouts(connect=None, first_byte=None, idle=None)),
        (Timeouts(whole=3), Timeouts(whole=3)),
    ],
)
def test_timeouts_as_people_write_them(value: Any, expected: Timeouts) -> None:
    """A number limits each wait, None limits nothing."""
    assert timeouts_from(value) == expected


@pytest.mark.parametrize("value", [0, -1, "5", True, float("nan"), float("inf")])
def test_no_timeouts(value: Any) -> None:
    """What is no time is refused."""
    with pytest.raises(UsageError, match="timeout"):
        timeouts_from(value)
    with pytest.raises(UsageError, match="timeout idle"):
        Timeouts(idle=value)


@pytest.mark.parametrize(
    ("limit", "left", "silence"),
    [(5, 9, 5), (5, 3, 3), (None, 3, 3), (None, float("inf"), None), (5, -1, 0.001)],
)
def test_a_wait_is_no_longer_than_what_is_left(
    limit: float | None, left: float, silence: float | None
) -> None:
    """No single wait outlasts the whole."""
    assert Timeouts().silence(limit, left=left) == silence
