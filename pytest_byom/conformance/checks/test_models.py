"""Checks of models: the list, one entry, and unknown ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import accepted, not_5xx, status_wrong, wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.exchange import dig
from pytest_byom.conformance.finding import Inconclusive, Unsupported, Wrong
from pytest_byom.conformance.reach import listed_models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask


@check(
    "models.contains",
    level="should",
    decides=["models-03"],
    needs=["models"],
    asks=["models/list", "chat/plain"],
    breaks="pickers of models do not offer it",
)
def test_contains(byom_ask: Ask) -> Iterator[Wrong]:
    """A model that is served is in the list."""
    exchange = byom_ask("models/list")
    asked = byom_ask("chat/plain").accepted().request_json["model"]
    listed = listed_models(exchange)
    if not listed and dig(exchange.accepted().json, "data") != []:
        raise Inconclusive("no list of models came")
    if not any(_same(asked, name) for name in listed):
        yield wrong(exchange, "data", expected=repr(asked), got=", ".join(listed[:5]) or "[]")


def _same(asked: str, listed: str) -> bool:
    """Whether two ids name one model: tags such as `:latest` and owners may be left out."""
    return asked in (listed, listed.partition(":")[0], listed.rpartition("/")[2])


@check(
    "models.retrieve",
    level="should",
    decides=["models-04"],
    needs=["models"],
    asks=["models/retrieve", "models/list", "chat/plain"],
    breaks="client.models.retrieve() raises NotFoundError for a model that is there",
)
def test_retrieve(byom_ask: Ask) -> Iterator[Wrong]:
    """GET {base}/models/{id} answers the entry of a listed model."""
    exchange = not_5xx(byom_ask("models/retrieve"))
    asked = byom_ask("chat/plain").request_json["model"]
    if asked not in listed_models(byom_ask("models/list")):
        raise Inconclusive(f"{asked!r} is not in the list of models")
    if exchange.status != 200:
        yield status_wrong(exchange, "200")
    elif dig(exchange.json, "id") != asked:
        got = dig(exchange.json, "id")
        yield wrong(exchange, "id", expected=repr(asked), got=repr(got))


@check(
    "models.unknown-served",
    level="must",
    decides=["models-09"],
    asks=["models/unknown"],
    breaks="openai-python and openai-node repeat a 5xx twice: a typing error triples the load",
)
def test_unknown_served(byom_ask: Ask) -> Iterator[Wrong]:
    """An unknown model is refused with 4xx, or served by the one model there is; never 5xx."""
    exchange = byom_ask("models/unknown").answered()
    if exchange.status != 200 and not exchange.is_refused:
        yield status_wrong(exchange, "404")


@check(
    "models.unknown",
    level="should",
    decides=["models-10"],
    asks=["models/unknown"],
    breaks="SDKs map 404 to NotFoundError; with a 200 nobody notices a typing error in the name",
)
def test_unknown(byom_ask: Ask) -> Iterator[Wrong]:
    """An unknown model answers 404; a server with one fixed model may serve it all the same."""
    exchange = not_5xx(byom_ask("models/unknown"))
    if exchange.status == 200:
        raise Unsupported("the server serves its one model under any name")
    if exchange.status != 404:
        yield status_wrong(exchange, "404")


@check(
    "models.unknown-code",
    level="should",
    decides=["models-10"],
    asks=["models/unknown"],
    breaks="LangChain tells an unknown model from an unknown path by this code",
)
def test_unknown_code(byom_ask: Ask) -> Iterator[Wrong]:
    """The error for an unknown model has the code "model_not_found"."""
    exchange = not_5xx(byom_ask("models/unknown"))
    if exchange.status == 200:
        raise Unsupported("the server serves its one model under any name")
    error = dig(exchange.json, "error")
    if not isinstance(error, dict):
        raise Inconclusive("the answer has no error object")
    if error.get("code") != "model_not_found":
        yield wrong(
            exchange, "error.code", expected='"model_not_found"', got=repr(error.get("code"))
        )


@check(
    "models.unknown-stream",
    level="should",
    decides=["models-11", "err-20", "sse-26"],
    needs=["stream"],
    asks=["models/unknown", "models/unknown-stream"],
    breaks="SDKs decide on the status code before they read events",
)
def test_unknown_stream(byom_ask: Ask) -> Iterator[Wrong]:
    """An unknown model answers the same status with stream=true, not an event stream."""
    plain = not_5xx(byom_ask("models/unknown"))
    stream = not_5xx(byom_ask("models/unknown-stream"))
    if stream.status != plain.status:
        yield status_wrong(stream, f"{plain.status}, as without stream")


@check(
    "models.retrieve-unknown",
    level="should",
    decides=["models-05"],
    needs=["models"],
    asks=["models/retrieve-unknown"],
    breaks="apps that look whether a model exists find every model",
)
def test_retrieve_unknown(byom_ask: Ask) -> Iterator[Wrong]:
    """The entry of an unknown model is answered with 404."""
    exchange = not_5xx(byom_ask("models/retrieve-unknown"))
    if exchange.status != 404:
        yield status_wrong(exchange, "404")


@check(
    "models.encoded-id",
    level="should",
    decides=["models-08"],
    needs=["models"],
    asks=["models/retrieve", "models/retrieve-encoded"],
    breaks="openai-python encodes the slash of an id such as meta-llama/Llama-3: it is not found",
)
def test_encoded_id(byom_ask: Ask) -> Iterator[Wrong]:
    """The entry of a model is found by its percent-encoded id."""
    if byom_ask("models/retrieve").answered().status != 200:
        raise Inconclusive("the entry of the model is not found as it is either")
    yield from accepted(byom_ask("models/retrieve-encoded"))
