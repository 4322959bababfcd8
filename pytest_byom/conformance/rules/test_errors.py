"""Rules about error answers: the object, its words, and the status."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_byom.conformance.check import rule
from pytest_byom.conformance.excerpts import cut
from pytest_byom.conformance.finding import Wrong
from pytest_byom.conformance.values import is_integer
from pytest_byom.conformance.views import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

TRACE = re.compile(
    r"Traceback \(most recent|File \"[^\"]+\", line \d+|/[\w.-]+/[\w./-]+\.(py|go|cpp|rs)\b"
)


@rule(
    "errors.client-fault",
    on=Refusal,
    level="must",
    decides=["err-07"],
    breaks="openai-python and openai-node repeat a 5xx twice: a wrong 500 triples the load",
)
def test_client_fault(answer: Refusal) -> Iterator[Wrong]:
    """A fault of the request answers 4xx, not 5xx."""
    exchange = answer.exchange
    if exchange.contract.kind == "broken" and (exchange.status or 0) >= 500:
        got = f"{exchange.status}: {exchange.error_message()}"
        yield Wrong(place="status", expected="a status from 400 to 499", got=got)


@rule(
    "errors.not-retried",
    on=Refusal,
    level="must",
    decides=["err-08"],
    breaks="openai-python and openai-node send the same broken request twice more",
)
def test_not_retried(answer: Refusal) -> Iterator[Wrong]:
    """A fault of the request does not answer 408, 409 or 429."""
    exchange = answer.exchange
    if exchange.contract.kind == "broken" and exchange.status in (408, 409, 429):
        yield Wrong(place="status", expected="400", got=str(exchange.status))


@rule(
    "errors.object",
    on=Refusal,
    level="must",
    decides=["err-01", "err-12", "err-13", "err-14"],
    breaks='openai-python shows "Error code: 400" without a text, the Vercel AI SDK only the HTTP '
    "reason phrase",
)
def test_object(answer: Refusal) -> Iterator[Wrong]:
    """Every error body is a JSON object with an object error."""
    if not isinstance(answer.data.get("error"), dict):
        yield Wrong(
            place="body",
            expected='{"error": {"message": …}}',
            got=cut(answer.exchange.text) or "an empty body",
        )


@rule(
    "errors.message",
    on=Refusal,
    level="must",
    decides=["err-02"],
    breaks="the Vercel AI SDK falls back to the HTTP reason phrase, others show no reason",
)
def test_message(answer: Refusal) -> Iterator[Wrong]:
    """error.message is a non-empty string."""
    message = answer.error.get("message")
    if answer.error and (not isinstance(message, str) or not message.strip()):
        yield answer.wrong("error.message", "a non-empty string")


@rule(
    "errors.type",
    on=Refusal,
    level="should",
    decides=["err-03"],
    breaks="code that tells errors apart by type finds None",
)
def test_type(answer: Refusal) -> Iterator[Wrong]:
    """error.type is a string."""
    if answer.error and not isinstance(answer.error.get("type"), str):
        yield answer.wrong("error.type", "a string")


@rule(
    "errors.code",
    on=Refusal,
    level="should",
    decides=["err-05"],
    breaks="typed clients reject an object; a number equal to the status is tolerated by all",
)
def test_code(answer: Refusal) -> Iterator[Wrong]:
    """error.code is a string or null; a number is tolerated, since every client converts it."""
    code = answer.error.get("code")
    if not (code is None or isinstance(code, str) or is_integer(code)):
        yield answer.wrong("error.code", "a string or null")


@rule(
    "errors.code-is-status",
    on=Refusal,
    level="should",
    decides=["err-17"],
    breaks="two numbers for one error: logs and retries disagree",
)
def test_code_is_status(answer: Refusal) -> Iterator[Wrong]:
    """Where error.code is a number, it is the HTTP status."""
    code = answer.error.get("code")
    if is_integer(code) and code != answer.exchange.status:
        yield answer.wrong("error.code", str(answer.exchange.status))


@rule(
    "errors.media-type",
    on=Refusal,
    level="must",
    decides=["err-06"],
    breaks="openai-node gives the error as text, without its message",
)
def test_media_type(answer: Refusal) -> Iterator[Wrong]:
    """Error answers with a JSON body have the media type application/json."""
    media_type = answer.exchange.media_type
    if answer.data and media_type not in ("application/json", "application/problem+json"):
        got = answer.exchange.header("content-type") or "nothing"
        yield Wrong(place="header content-type", expected="application/json", got=got)


@rule(
    "errors.no-trace",
    on=Refusal,
    level="should",
    decides=["err-15"],
    breaks="it tells a stranger what runs where",
)
def test_no_trace(answer: Refusal) -> Iterator[Wrong]:
    """Error messages contain no stack trace and no path of a source file."""
    if found := TRACE.search(answer.exchange.text):
        yield Wrong(place="body", expected="no trace", got=found[0])


@rule(
    "errors.param",
    on=Refusal,
    level="should",
    decides=["err-04"],
    breaks="typed clients reject a list or an object; without it they see None",
)
def test_param(answer: Refusal) -> Iterator[Wrong]:
    """error.param is a string or null; that it is absent is tolerated by all clients."""
    if not isinstance(answer.error.get("param"), str | None):
        yield answer.wrong("error.param", "a string or null")


@rule(
    "errors.request-type",
    on=Refusal,
    level="should",
    decides=["err-11"],
    breaks="code that tells a fault of the request from one of the server by type does not",
)
def test_request_type(answer: Refusal) -> Iterator[Wrong]:
    """error.type is "invalid_request_error" for faults of the request."""
    exchange, type = answer.exchange, answer.error.get("type")
    at_fault = exchange.contract.kind == "broken" and exchange.status in (400, 422)
    if at_fault and isinstance(type, str) and type != "invalid_request_error":
        yield answer.wrong("error.type", '"invalid_request_error"')


@rule(
    "errors.should-retry",
    on=Refusal,
    level="should",
    decides=["err-21"],
    breaks="openai-python and openai-node obey it before they look at the status",
)
def test_should_retry(answer: Refusal) -> Iterator[Wrong]:
    """x-should-retry, when sent, is true or false, and not true for a fault of the request."""
    exchange = answer.exchange
    value = exchange.header("x-should-retry")
    if value not in (None, "true", "false"):
        yield Wrong(place="header x-should-retry", expected="true or false", got=str(value))
    elif value == "true" and exchange.status in (400, 401, 403, 404, 405, 413, 415, 422):
        expected = f"false for {exchange.status}"
        yield Wrong(place="header x-should-retry", expected=expected, got=value)
