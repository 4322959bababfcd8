"""Checks of structured output."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import accepted, below_500, no_effect, refused, wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.exchange import Exchange, dig
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.views import ChunkStream

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
    if not isinstance(parse_text(exchange), dict):
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
    exchange = byom_ask("structured/json-schema")
    yield from find_invalid(exchange, parse_text(exchange), exchange.content)


def find_invalid(exchange: Exchange, parsed: object, text: str) -> Iterator[Wrong]:
    """Yield what is wrong unless a text validates against the schema that was asked for."""
    import jsonschema

    schema = exchange.request_json["response_format"]["json_schema"]["schema"]
    try:
        jsonschema.validate(parsed, schema, format_checker=jsonschema.FormatChecker())
    except jsonschema.ValidationError as error:
        expected = f"a text by the schema ({error.message[:80]})"
        yield no_effect(exchange, "content", expected=expected, got=text[:80])


def parse_text(exchange: Exchange) -> object:
    """Return the text of an answer as JSON, or None; Inconclusive if the token limit cut it."""
    if dig(exchange.completion, "choices.0.finish_reason") == "length":
        raise Inconclusive("the token limit cut the text")
    return _json(exchange.content)


def _json(text: str) -> object:
    """Return a text as JSON, or None."""
    try:
        return json.loads(text)
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


@check(
    "structured.generated",
    level="should",
    decides=["so-07", "so-10", "so-22"],
    needs=["json_schema"],
    asks=["structured/generated"],
    breaks="openai-python's parse() and LangChain's with_structured_output() send such schemas",
)
def test_generated(byom_ask: Ask) -> Iterator[Wrong]:
    """A schema as generated from a class is accepted and obeyed, with names beyond ASCII."""
    yield from _obeyed(byom_ask("structured/generated"))


def _obeyed(exchange: Exchange) -> Iterator[Wrong]:
    """Yield what is wrong unless a schema is accepted, and the text validates against it."""
    yield from accepted(exchange)
    if exchange.status == 200:
        yield from find_invalid(exchange, parse_text(exchange), exchange.content)


@check(
    "structured.order",
    level="should",
    decides=["so-12"],
    needs=["json_schema"],
    asks=["structured/generated"],
    breaks="a model that has to reason first, and then answer, answers first",
)
def test_order(byom_ask: Ask) -> Iterator[Wrong]:
    """The members of an object come in the order of the schema."""
    exchange = byom_ask("structured/generated")
    schema = exchange.request_json["response_format"]["json_schema"]["schema"]
    parsed, names = parse_text(exchange), list(schema["properties"])
    if not isinstance(parsed, dict) or set(parsed) != set(names):
        raise Inconclusive("the text is not by the schema")
    if list(parsed) != names:
        got = ", ".join(parsed)
        yield wrong(exchange, "content", expected=", ".join(names), got=got)


@check(
    "structured.recursive",
    level="should",
    decides=["so-08"],
    needs=["json_schema"],
    asks=["structured/recursive"],
    breaks="classes that refer to themselves, such as trees, cannot be asked for",
)
def test_recursive(byom_ask: Ask) -> Iterator[Wrong]:
    """A schema with $defs that refers to itself is accepted and obeyed."""
    yield from _obeyed(byom_ask("structured/recursive"))


@check(
    "structured.streamed",
    level="should",
    decides=["so-18"],
    needs=["json_schema", "stream"],
    asks=["structured/stream"],
    breaks="openai-python's stream(response_format=...) raises at the end",
)
def test_streamed(byom_ask: Ask) -> Iterator[Wrong]:
    """json_schema works with stream too: the joined text validates."""
    stream = ChunkStream.expect(byom_ask("structured/stream").accepted())
    if any(reason == "length" for _, _, reason in stream.finishes.get(0, [])):
        raise Inconclusive("the token limit cut the text")
    yield from find_invalid(stream.exchange, _json(stream.text()), stream.text())


@check(
    "structured.cut",
    level="should",
    decides=["so-19"],
    needs=["json_schema"],
    asks=["structured/cut"],
    breaks="openai-python's parse() fails in the JSON, as it raises a clear error for length only",
)
def test_cut(byom_ask: Ask) -> Iterator[Wrong]:
    """An answer by a schema that the token limit cut ends with length."""
    exchange = byom_ask("structured/cut")
    if isinstance(_json(exchange.content), dict):
        raise Inconclusive("the whole object was in the limit")
    if exchange.finish_reason != "length":
        got = repr(exchange.finish_reason)
        yield wrong(exchange, "choices.0.finish_reason", expected='"length"', got=got)


@check(
    "structured.broken-schema",
    level="should",
    decides=["so-13"],
    needs=["json_schema"],
    asks=["structured/broken-schema"],
    breaks="a typing error in a schema gives free text where a format was asked for",
)
def test_broken_schema(byom_ask: Ask) -> Iterator[Wrong]:
    """An invalid schema is refused."""
    yield from refused(byom_ask("structured/broken-schema"))


@check(
    "structured.no-name",
    level="should",
    decides=["so-15"],
    needs=["json_schema"],
    asks=["structured/no-name"],
    breaks="openai-python and openai-node repeat a 5xx twice: a forgotten name triples the load",
)
def test_no_name(byom_ask: Ask) -> Iterator[Wrong]:
    """A schema without a name is accepted or refused; the server does not fail."""
    yield from below_500(byom_ask("structured/no-name"))
