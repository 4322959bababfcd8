"""Checks of limits: the context window, the size of a body and of headers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import (
    answered,
    not_5xx,
    prompt_tokens,
    status_wrong,
    wrong,
)
from pytest_byom.conformance.check import check
from pytest_byom.conformance.exchange import dig
from pytest_byom.conformance.finding import Inconclusive, Unsupported
from pytest_byom.conformance.values import is_integer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.conformance.finding import Wrong

OVERLONG_CODE = "context_length_exceeded"
LEAST_SHARE = 8
"""Characters of plain prose that no tokenizer takes for one token."""


@check(
    "limits.overlong",
    level="should",
    decides=["lim-02"],
    asks=["limits/overlong"],
    breaks="silent truncation loses the system message, and nobody is told",
)
def test_overlong(byom_ask: Ask) -> Iterator[Wrong]:
    """A prompt of twice the context window is refused, not cut silently."""
    exchange = byom_ask("limits/overlong").answered()
    if exchange.status == 200 and prompt_tokens(exchange) * LEAST_SHARE < asked_length(exchange):
        got = f"200 with prompt_tokens {prompt_tokens(exchange)}"
        yield wrong(exchange, "usage.prompt_tokens", expected="4xx, or the whole prompt", got=got)
    elif exchange.status != 200 and not exchange.is_refused:
        yield status_wrong(exchange, "a status from 400 to 499")


def asked_length(exchange: Exchange) -> int:
    """Return how many characters the first message has."""
    return len(dig(exchange.request_json, "messages.0.content"))


@check(
    "limits.overlong-code",
    level="should",
    decides=["lim-01"],
    asks=["limits/overlong"],
    breaks="LangChain maps this code to OpenAIContextOverflowError, on which agents cut their "
    "history",
)
def test_overlong_code(byom_ask: Ask) -> Iterator[Wrong]:
    """A prompt longer than the context window has the code context_length_exceeded."""
    exchange = not_5xx(byom_ask("limits/overlong"))
    if not exchange.is_refused:
        raise Inconclusive("the prompt was not refused")
    if not isinstance(dig(exchange.json, "error"), dict):
        raise Inconclusive("the answer has no error object")
    if is_integer(code := dig(exchange.json, "error.code")):
        raise Unsupported("errors have the status as their code")
    if code != OVERLONG_CODE:
        yield wrong(exchange, "error.code", expected=f'"{OVERLONG_CODE}"', got=repr(code))


@check(
    "limits.overlong-stream",
    level="should",
    decides=["lim-03"],
    needs=["stream"],
    asks=["limits/overlong", "limits/overlong-stream"],
    breaks="SDKs raise by the status; an error inside a stream comes when the app has begun to "
    "show text",
)
def test_overlong_stream(byom_ask: Ask) -> Iterator[Wrong]:
    """A prompt longer than the context window has the same status when streamed."""
    plain = not_5xx(byom_ask("limits/overlong"))
    if not plain.is_refused:
        raise Inconclusive("the prompt was not refused without a stream")
    streamed = byom_ask("limits/overlong-stream").answered()
    if streamed.status != plain.status:
        yield status_wrong(streamed, str(plain.status))


@check(
    "limits.long-header",
    level="should",
    decides=["lim-10"],
    asks=["limits/long-header"],
    abuse=True,
    breaks="a proxy's cookies and tokens make a request that is never answered",
)
def test_long_header(byom_ask: Ask) -> Iterator[Wrong]:
    """Headers of 12 KiB are accepted, or refused with 4xx."""
    yield from answered(byom_ask("limits/long-header"))


@check(
    "limits.megabyte",
    level="should",
    decides=["lim-08"],
    asks=["limits/megabyte"],
    abuse=True,
    breaks="a long conversation ends in a connection error, which SDKs ask for three times",
)
def test_megabyte(byom_ask: Ask) -> Iterator[Wrong]:
    """A body of a mebibyte gets an answer, 200 or 4xx, and the connection is not reset."""
    yield from answered(byom_ask("limits/megabyte"))
