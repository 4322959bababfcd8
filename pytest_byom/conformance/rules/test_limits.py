"""Rules about rate limits and size limits, for the answers that tell of one."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from pytest_byom.conformance.check import rule
from pytest_byom.conformance.exchange import dig
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.views import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.exchange import Exchange

LONGEST_WAIT = 120
"""Seconds; openai-python does not wait any longer, but gives up."""

NO_WAIT = "insufficient_quota"
"""The code of a limit that no waiting ends."""

CODES = ("rate_limit_exceeded", NO_WAIT)
SECONDS = re.compile(r"[1-9][0-9]*")
COUNT = re.compile(r"[0-9]+")
DURATION = re.compile(r"[0-9]+(\.[0-9]+)?|([0-9]+(\.[0-9]+)?(d|h|ms|m|s))+")
"""1s, 6m0s, 2m59.56s, 20ms; bare seconds too, which Azure sends."""

KINDS = ("requests", "tokens")


def error_code(exchange: Exchange) -> object:
    """Return the code of an error object, or None."""
    try:
        return dig(exchange.json, "error.code")
    except Inconclusive:
        return None


@rule(
    "limits.retry-after",
    on=Answer,
    level="should",
    decides=["lim-04"],
    breaks="openai-python and openai-node guess how long to wait, and use up their two retries",
)
def test_retry_after(answer: Answer) -> Iterator[Wrong]:
    """A 429, if one came, says in Retry-After how long to wait, in seconds or as a date."""
    if answer.exchange.status != 429 or error_code(answer.exchange) == NO_WAIT:
        return
    value = answer.exchange.header("retry-after") or ""
    if not SECONDS.fullmatch(value) and not is_date(value):
        expected = "seconds, from 1, or a date"
        yield Wrong(place="header retry-after", expected=expected, got=value or "nothing")


def is_date(text: str) -> bool:
    """Whether a text is a date as HTTP writes it."""
    try:
        parsedate_to_datetime(text)
    except ValueError:
        return False
    return True


@rule(
    "limits.retry-soon",
    on=Answer,
    level="should",
    decides=["lim-05"],
    breaks="openai-python does not ask again at all where it should wait more than 120 seconds",
)
def test_retry_soon(answer: Answer) -> Iterator[Wrong]:
    """Retry-After, if it came, is at most 120 seconds."""
    value = answer.exchange.header("retry-after") or ""
    if COUNT.fullmatch(value) and int(value) > LONGEST_WAIT:
        expected = f"at most {LONGEST_WAIT}"
        yield Wrong(place="header retry-after", expected=expected, got=value)


@rule(
    "limits.rate-code",
    on=Answer,
    level="should",
    decides=["lim-06"],
    breaks="apps cannot tell a limit that passes from an account that is empty",
)
def test_rate_code(answer: Answer) -> Iterator[Wrong]:
    """A 429, if one came, has the code rate_limit_exceeded or insufficient_quota."""
    if answer.exchange.status == 429 and (code := error_code(answer.exchange)) not in CODES:
        yield Wrong(place="error.code", expected=" or ".join(CODES), got=repr(code))


@rule(
    "limits.rate-headers",
    on=Answer,
    level="may",
    decides=["lim-07"],
    breaks="clients that pace themselves by these headers read nonsense",
)
def test_rate_headers(answer: Answer) -> Iterator[Wrong]:
    """x-ratelimit headers, if they came, are counts and durations; no more is left than allowed."""
    for kind in KINDS:
        limit, left, reset = (
            answer.exchange.header(f"x-ratelimit-{part}-{kind}")
            for part in ("limit", "remaining", "reset")
        )
        for name, value in (("limit", limit), ("remaining", left)):
            if value is not None and not COUNT.fullmatch(value):
                place = f"header x-ratelimit-{name}-{kind}"
                yield Wrong(place=place, expected="a count", got=value)
        if reset is not None and not DURATION.fullmatch(reset):
            place = f"header x-ratelimit-reset-{kind}"
            yield Wrong(place=place, expected="a duration such as 6m0s", got=reset)
        if all(COUNT.fullmatch(text or "") for text in (limit, left)) and int(left or 0) > int(
            limit or 0
        ):
            place = f"header x-ratelimit-remaining-{kind}"
            yield Wrong(place=place, expected=f"at most {limit}", got=str(left))


@rule(
    "limits.too-large",
    on=Answer,
    level="should",
    decides=["lim-09"],
    breaks="apps show the page of a proxy in place of a sentence that says what was too large",
)
def test_too_large(answer: Answer) -> Iterator[Wrong]:
    """A 413, if one came, has an error object with a message."""
    if answer.exchange.status != 413:
        return
    try:
        message = dig(answer.exchange.json, "error.message")
    except Inconclusive:
        message = None
    if not isinstance(message, str) or not message:
        got = answer.exchange.text[:80] or "an empty body"
        yield Wrong(place="error.message", expected="a text", got=got)
