"""Checks of error answers on named exchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import alive, not_5xx, status_wrong, wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.exchange import dig
from pytest_byom.conformance.finding import Inconclusive, Unsupported, Wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask


@check(
    "errors.stream-status",
    level="should",
    decides=["err-20", "sse-26"],
    needs=["stream"],
    asks=["params/wrong-type", "params/wrong-type-stream"],
    breaks="SDKs raise their errors from the status code, before they read events",
)
def test_stream_status(byom_ask: Ask) -> Iterator[Wrong]:
    """The same bad request gives the same status with and without stream."""
    yield from _same_status(byom_ask, "params/wrong-type", "params/wrong-type-stream")


@check(
    "errors.stream-model",
    level="should",
    decides=["err-20", "sse-26"],
    needs=["stream"],
    asks=["models/unknown", "models/unknown-stream"],
    breaks="openai-python raises NotFoundError from the status code, before it reads events",
)
def test_stream_model(byom_ask: Ask) -> Iterator[Wrong]:
    """An unknown model is refused with the same status with and without stream."""
    if byom_ask("models/unknown").answered().status == 200:
        raise Unsupported("the server serves its one model under any name")
    yield from _same_status(byom_ask, "models/unknown", "models/unknown-stream")


@check(
    "errors.stream-key",
    level="should",
    decides=["err-20", "sse-26"],
    needs=["auth", "stream"],
    asks=["auth/wrong-key", "auth/wrong-key-stream"],
    breaks="SDKs raise AuthenticationError from the status code, before they read events",
)
def test_stream_key(byom_ask: Ask) -> Iterator[Wrong]:
    """A wrong key is refused with the same status with and without stream."""
    yield from _same_status(byom_ask, "auth/wrong-key", "auth/wrong-key-stream")


@check(
    "errors.stream-json",
    level="should",
    decides=["err-20", "sse-26"],
    needs=["stream"],
    asks=["params/broken-json", "params/broken-json-stream"],
    breaks="SDKs raise their errors from the status code, before they read events",
)
def test_stream_json(byom_ask: Ask) -> Iterator[Wrong]:
    """A body that is no JSON is refused with the same status where it asks for a stream."""
    yield from _same_status(byom_ask, "params/broken-json", "params/broken-json-stream")


@check(
    "errors.stream-messages",
    level="should",
    decides=["err-20", "sse-26"],
    needs=["stream"],
    asks=["params/missing-messages", "params/missing-messages-stream"],
    breaks="SDKs raise their errors from the status code, before they read events",
)
def test_stream_messages(byom_ask: Ask) -> Iterator[Wrong]:
    """A request without messages is refused with the same status with and without stream."""
    yield from _same_status(byom_ask, "params/missing-messages", "params/missing-messages-stream")


def _same_status(byom_ask: Ask, plain_id: str, stream_id: str) -> Iterator[Wrong]:
    """Yield what is wrong unless a request is refused alike with and without stream."""
    plain = not_5xx(byom_ask(plain_id))
    stream = not_5xx(byom_ask(stream_id))
    if not plain.is_refused:
        raise Inconclusive("the bad request was accepted without stream")
    if stream.status != plain.status:
        yield status_wrong(stream, f"{plain.status}, as without stream")
    elif stream.media_type == "text/event-stream":
        expected = "application/json, as without stream"
        yield wrong(stream, "header content-type", expected=expected, got=stream.media_type)


@check(
    "errors.alive",
    level="must",
    decides=["err-16"],
    asks=["chat/plain", "errors/next"],
    breaks="one client's mistake ends the service for all",
)
def test_alive(byom_ask: Ask) -> Iterator[Wrong]:
    """After the broken requests the server still answers a valid one."""
    yield from alive(byom_ask, "errors/next")


@check(
    "errors.bad-parameter",
    level="should",
    decides=["err-09"],
    asks=["params/wrong-type", "params/temperature-too-high", "messages/unknown-role"],
    breaks="SDKs raise BadRequestError for 400 only, and other errors for the rest",
)
def test_bad_parameter(byom_ask: Ask) -> Iterator[Wrong]:
    """A bad parameter is refused with 400; 422 is tolerated."""
    asked = ("params/wrong-type", "params/temperature-too-high", "messages/unknown-role")
    refused = [exchange for exchange in map(byom_ask, asked) if exchange.answered().is_refused]
    if not refused:
        raise Inconclusive("no bad parameter was refused")
    for exchange in refused:
        if exchange.status not in (400, 422, 408, 409, 429):  # those have a rule of their own
            yield status_wrong(exchange, "400")


@check(
    "errors.param-name",
    level="should",
    decides=["err-10"],
    asks=["params/wrong-type"],
    breaks="apps that leave out the parameter that was refused leave out another",
)
def test_param_name(byom_ask: Ask) -> Iterator[Wrong]:
    """error.param, where errors have it, names the bad parameter."""
    exchange = not_5xx(byom_ask("params/wrong-type"))
    if not exchange.is_refused:
        raise Inconclusive("the bad request was accepted")
    if not isinstance(dig(exchange.json, "error"), dict):
        raise Inconclusive("the answer has no error object")
    if (param := dig(exchange.json, "error.param")) is None:
        raise Unsupported("errors name no parameter")
    if param != "max_tokens":
        yield wrong(exchange, "error.param", expected='"max_tokens"', got=repr(param))
