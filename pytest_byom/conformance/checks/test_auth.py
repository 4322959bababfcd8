"""Checks of authentication."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import accepted, status_wrong, wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.exchange import Exchange, dig
from pytest_byom.conformance.finding import Inconclusive, Unsupported, Wrong
from pytest_byom.conformance.sending import WRONG_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask


@check(
    "auth.missing-key",
    level="must",
    decides=["auth-01"],
    needs=["auth"],
    asks=["auth/missing-key"],
    breaks="SDKs raise AuthenticationError for 401 only",
)
def test_missing_key(byom_ask: Ask) -> Iterator[Wrong]:
    """Where a key is required, a request without one answers 401."""
    yield from _unauthorised(byom_ask("auth/missing-key"))


@check(
    "auth.wrong-key",
    level="must",
    decides=["auth-02"],
    needs=["auth"],
    asks=["auth/wrong-key"],
    breaks="SDKs raise AuthenticationError for 401 only; a 5xx is sent three times",
)
def test_wrong_key(byom_ask: Ask) -> Iterator[Wrong]:
    """Where a key is required, a wrong one answers 401: not 403, 400 or 500."""
    yield from _unauthorised(byom_ask("auth/wrong-key"))


@check(
    "auth.stream",
    level="should",
    decides=["auth-11"],
    needs=["auth", "stream"],
    asks=["auth/wrong-key-stream"],
    breaks="SDKs raise AuthenticationError only on a status code, never for an event",
)
def test_stream(byom_ask: Ask) -> Iterator[Wrong]:
    """A stream request with a wrong key answers 401 before any event."""
    yield from _unauthorised(byom_ask("auth/wrong-key-stream"))


def _unauthorised(exchange: Exchange) -> Iterator[Wrong]:
    if exchange.answered().status != 401:
        yield status_wrong(exchange, "401")


@check(
    "auth.code",
    level="should",
    decides=["auth-03"],
    needs=["auth"],
    asks=["auth/wrong-key"],
    breaks="apps that ask for the key again when they see invalid_api_key do not",
)
def test_code(byom_ask: Ask) -> Iterator[Wrong]:
    """The 401 for a wrong key has error.code "invalid_api_key"."""
    exchange = _error(byom_ask("auth/wrong-key"))
    code = dig(exchange.json, "error.code")
    if code != "invalid_api_key":
        yield wrong(exchange, "error.code", expected='"invalid_api_key"', got=repr(code))


@check(
    "auth.challenge",
    level="should",
    decides=["auth-04"],
    needs=["auth"],
    asks=["auth/missing-key"],
    breaks="RFC 9110 15.5.2 asks for it; browsers and proxies do not know the scheme",
)
def test_challenge(byom_ask: Ask) -> Iterator[Wrong]:
    """A 401 answer has a WWW-Authenticate header."""
    exchange = byom_ask("auth/missing-key").answered()
    if exchange.status != 401:
        raise Inconclusive(f"a missing key is answered with {exchange.status}")
    if not exchange.header("www-authenticate"):
        yield wrong(exchange, "header www-authenticate", expected="Bearer", got="nothing")


@check(
    "auth.key-hidden",
    level="should",
    decides=["auth-08"],
    needs=["auth"],
    asks=["auth/wrong-key", "auth/wrong-key-stream"],
    breaks="keys end up in logs and bug reports",
)
def test_key_hidden(byom_ask: Ask) -> Iterator[Wrong]:
    """An error body never repeats the whole key."""
    for id in ("auth/wrong-key", "auth/wrong-key-stream"):
        exchange = byom_ask(id).answered()
        if WRONG_KEY in exchange.text:
            yield wrong(exchange, "body", expected="the key masked", got="the whole key")


@check(
    "auth.any-key",
    level="must",
    decides=["auth-07"],
    asks=["auth/missing-key", "auth/wrong-key"],
    breaks="openai-python and openai-node do not start without a key, so clients send a dummy",
)
def test_any_key(byom_ask: Ask) -> Iterator[Wrong]:
    """A server without authentication accepts any Authorization header."""
    if byom_ask("auth/missing-key").answered().status != 200:
        raise Unsupported("the server requires a key")
    exchange = byom_ask("auth/wrong-key")
    if exchange.answered().status != 200:
        yield status_wrong(exchange, "200")


def _error(exchange: Exchange) -> Exchange:
    """Return an exchange with an error object; Inconclusive if it has none."""
    if not isinstance(dig(exchange.answered().json, "error"), dict):
        raise Inconclusive(f"{exchange.contract.id} has no error object")
    return exchange


@check(
    "auth.scheme-case",
    level="should",
    decides=["auth-06"],
    needs=["auth"],
    asks=["auth/lower-case-scheme"],
    breaks="scripts and proxies that write bearer in lower case are locked out",
)
def test_scheme_case(byom_ask: Ask) -> Iterator[Wrong]:
    """The right key is accepted with the scheme in lower case."""
    yield from accepted(byom_ask("auth/lower-case-scheme"))


@check(
    "auth.before-body",
    level="should",
    decides=["auth-09"],
    needs=["auth"],
    asks=["auth/wrong-key-no-body"],
    breaks="who has a wrong key looks for the fault in the request",
)
def test_before_body(byom_ask: Ask) -> Iterator[Wrong]:
    """A wrong key with a broken body answers 401: the key is looked at first."""
    yield from _unauthorised(byom_ask("auth/wrong-key-no-body"))


@check(
    "auth.models",
    level="should",
    decides=["auth-10"],
    needs=["auth", "models"],
    asks=["auth/models-missing-key"],
    breaks="apps that try a key on the list of models take every key for a right one",
)
def test_models(byom_ask: Ask) -> Iterator[Wrong]:
    """Where a key is required, the list of models requires it too."""
    yield from _unauthorised(byom_ask("auth/models-missing-key"))
