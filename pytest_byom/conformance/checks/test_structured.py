"""Checks of structured output."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import no_effect, refused
from pytest_byom.conformance.check import check
from pytest_byom.conformance.exchange import Exchange, dig
from pytest_byom.conformance.finding import Inconclusive, Wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask


@check(
    "structured.json-object",
    level="must",
    decides=["so-02", "so-03"],
    needs=["json_object"],
    asks=["structured/json-object"],
    breaks="json.loads fails in every app that asked for JSON",
)
def test_json_object(byom_ask: Ask) -> Iterator[Wrong]:
    """response_format json_object gives a text that is one JSON object."""
    exchange = byom_ask("structured/json-object")
    if not isinstance(_parsed(exchange), dict):
        got = exchange.content[:80]
        yield no_effect(exchange, "content", expected="a JSON object", got=got)


@check(
    "structured.json-schema",
    level="must",
    decides=["so-05", "so-06", "so-09", "so-21"],
    needs=["json_schema"],
    asks=["structured/json-schema"],
    breaks="openai-python's parse() and with_structured_output() raise",
)
def test_json_schema(byom_ask: Ask) -> Iterator[Wrong]:
    """response_format json_schema gives a text that validates against the schema, and no more."""
    import jsonschema

    exchange = byom_ask("structured/json-schema")
    parsed = _parsed(exchange)
    schema = exchange.request_json["response_format"]["json_schema"]["schema"]
    try:
        jsonschema.validate(parsed, schema)
    except jsonschema.ValidationError as error:
        expected = f"a text by the schema ({error.message})"
        yield no_effect(exchange, "content", expected=expected, got=exchange.content[:80])


def _parsed(exchange: Exchange) -> object:
    """Return the text of an answer as JSON, or None; Inconclusive if the token limit cut it."""
    if dig(exchange.completion, "choices.0.finish_reason") == "length":
        raise Inconclusive("the token limit cut the text")
    try:
        return json.loads(exchange.content)
    except (ValueError, RecursionError):
        return None


@check(
    "structured.unknown-type",
    level="should",
    decides=["so-16"],
    asks=["structured/unknown-type"],
    breaks="a typing error gives free text where a format was asked for",
)
def test_unknown_type(byom_ask: Ask) -> Iterator[Wrong]:
    """An unknown response_format type is refused."""
    yield from refused(byom_ask("structured/unknown-type"))
