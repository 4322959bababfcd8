"""Checks of requests drawn at random: valid ones are answered by the rules, broken ones refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.exchange import Exchange, dig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.finding import Wrong
    from pytest_byom.conformance.fuzz.fuzzer import Fuzzer

OPTIONAL = ("params/stop-list", "params/n-two", "logprobs/top-two")
"""What tells whether a server has the optional parameters that are drawn."""


@check(
    "fuzz.valid-requests",
    level="must",
    decides=["http-01"],
    asks=[*OPTIONAL, "tools/offered"],
    breaks="an app passes its tests, and fails on what a user types",
)
def test_valid_requests(byom_fuzz: Fuzzer) -> Iterator[Wrong]:
    """A valid request of any kind is answered with 200, and by every rule."""
    yield from byom_fuzz.valid("valid_requests")


@check(
    "fuzz.valid-streams",
    level="must",
    decides=["http-01"],
    needs=["stream"],
    asks=[*OPTIONAL, "tools/offered"],
    breaks="a stream that works for one text breaks off, or loses characters, for another",
)
def test_valid_streams(byom_fuzz: Fuzzer) -> Iterator[Wrong]:
    """A valid request for a stream is answered with 200, and by every rule."""
    yield from byom_fuzz.valid("valid_streams")


@check(
    "fuzz.messages",
    level="must",
    decides=["msg-01", "msg-02", "msg-04", "msg-05", "http-27"],
    asks=["chat/plain"],
    breaks="a conversation that a user has for days ends with an error at one message",
)
def test_messages(byom_fuzz: Fuzzer) -> Iterator[Wrong]:
    """Whatever is said in messages and text parts, a conversation is answered."""
    yield from byom_fuzz.valid("conversations")


@check(
    "fuzz.parameters",
    level="must",
    decides=["param-08"],
    asks=OPTIONAL,
    breaks="SDKs and frameworks send null and neutral values for what the user did not set",
)
def test_parameters(byom_fuzz: Fuzzer) -> Iterator[Wrong]:
    """Any combination of legal values of parameters is taken, explicit nulls among them."""
    yield from byom_fuzz.valid("parameters")


@check(
    "fuzz.tools",
    level="must",
    decides=["tool-01", "tool-03"],
    needs=["tools"],
    asks=["tools/offered"],
    breaks="one tool of an agent, with a nested schema, makes every request with it fail",
)
def test_tools(byom_fuzz: Fuzzer) -> Iterator[Wrong]:
    """Tools of any names, descriptions and schemas are taken."""
    yield from byom_fuzz.valid("tool_requests")


@check(
    "fuzz.schemas",
    level="must",
    decides=["so-05"],
    needs=["json_schema"],
    asks=["structured/json-schema"],
    breaks="parse() raises for one class of an app, and works for all others",
)
def test_schemas(byom_fuzz: Fuzzer) -> Iterator[Wrong]:
    """A schema of strict mode is taken, and a text that came to its end validates against it."""
    yield from byom_fuzz.valid("schema_requests", also=_by_schema)


def _by_schema(exchange: Exchange) -> Iterator[Wrong]:
    import jsonschema

    text = dig(exchange.completion, "choices.0.message.content")
    if exchange.finish_reason != "stop" or not isinstance(text, str):
        return
    try:
        jsonschema.validate(json.loads(text), _schema(exchange))
    except (ValueError, RecursionError):
        yield wrong(exchange, "content", expected="JSON by the schema", got=text[:80])
    except jsonschema.ValidationError as error:
        expected = f"a text by the schema ({error.message[:80]})"
        yield wrong(exchange, "content", expected=expected, got=text[:80])


def _schema(exchange: Exchange) -> dict[str, object]:
    found: dict[str, object] = exchange.request_json["response_format"]["json_schema"]["schema"]
    return found


@check(
    "fuzz.conversation",
    level="must",
    decides=["msg-16", "msg-19"],
    needs=["tools", "tool_choice_required"],
    asks=["tools/required"],
    breaks="an agent stops in the middle of its work: its own history is refused",
)
def test_conversation(byom_fuzz: Fuzzer) -> Iterator[Wrong]:
    """A conversation with tools goes on, whatever its turns: calls, results, a mistake between."""
    yield from byom_fuzz.talks()


@check(
    "fuzz.broken-requests",
    level="must",
    decides=["err-07"],
    asks=["chat/plain"],
    breaks="SDKs repeat a 5xx twice, so a typing error triples the load; a hang blocks the app",
)
def test_broken_requests(byom_fuzz: Fuzzer) -> Iterator[Wrong]:
    """A request with one thing wrong never gives a 5xx, silence, or an error without an object."""
    yield from byom_fuzz.broken("broken_requests")


MISTAKE = "a mistake goes unnoticed: the answer is not to what was asked"


@check(
    "fuzz.broken-types",
    level="should",
    decides=["err-09"],
    asks=["chat/plain"],
    breaks=MISTAKE,
)
def test_broken_types(byom_fuzz: Fuzzer) -> Iterator[Wrong]:
    """A request with a parameter of a wrong type is refused."""
    yield from byom_fuzz.accepted("broken_types")


@check(
    "fuzz.broken-ranges",
    level="should",
    decides=["err-09"],
    asks=["chat/plain"],
    breaks=MISTAKE,
)
def test_broken_ranges(byom_fuzz: Fuzzer) -> Iterator[Wrong]:
    """A request with a parameter out of its range is refused."""
    yield from byom_fuzz.accepted("broken_ranges")


@check(
    "fuzz.broken-forms",
    level="should",
    decides=["err-09"],
    asks=["chat/plain"],
    breaks=MISTAKE,
)
def test_broken_forms(byom_fuzz: Fuzzer) -> Iterator[Wrong]:
    """A request whose messages or response_format are of no known form is refused."""
    yield from byom_fuzz.accepted("broken_forms")


@check(
    "fuzz.broken-tools",
    level="should",
    decides=["err-09"],
    needs=["tools"],
    asks=["chat/plain", "tools/offered"],
    breaks="an agent whose tools are lost answers from memory, and nobody knows why",
)
def test_broken_tools(byom_fuzz: Fuzzer) -> Iterator[Wrong]:
    """A request with tools, calls or results of no known form is refused."""
    yield from byom_fuzz.accepted("broken_tools")


@check(
    "fuzz.broken-roles",
    level="should",
    decides=["msg-09"],
    asks=["chat/plain"],
    breaks="a message with a typing error in its role is lost, or read as another's",
)
def test_broken_roles(byom_fuzz: Fuzzer) -> Iterator[Wrong]:
    """A message without a known role is refused."""
    yield from byom_fuzz.accepted("broken_roles")


@check(
    "fuzz.broken-contents",
    level="should",
    decides=["msg-14", "msg-15"],
    asks=["chat/plain"],
    breaks="what a user said is lost, and the answer is to something else",
)
def test_broken_contents(byom_fuzz: Fuzzer) -> Iterator[Wrong]:
    """A message whose content or parts are of no known form is refused."""
    yield from byom_fuzz.accepted("broken_contents")


@check(
    "fuzz.broken-bodies",
    level="must",
    decides=["param-01"],
    asks=["chat/plain"],
    breaks="a proxy that cuts a body makes the server fail, or answer what nobody asked",
)
def test_broken_bodies(byom_fuzz: Fuzzer) -> Iterator[Wrong]:
    """A body that is no request is refused with a 4xx and an error object."""
    yield from byom_fuzz.broken("bodies", refused=True)


@check(
    "fuzz.alive",
    level="must",
    decides=["err-16"],
    asks=["chat/plain"],
    breaks="one client's mistake ends the service for all",
)
def test_alive(byom_fuzz: Fuzzer) -> Iterator[Wrong]:
    """After all that was fuzzed the server still answers a valid request."""
    yield from byom_fuzz.alive()
