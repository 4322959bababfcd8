"""Checks of tool calls and errors: a stream against the plain answer to the same request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.answers import no_effect, not_5xx, wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.checks.test_parity import whole_stream
from pytest_byom.conformance.excerpts import parse_object
from pytest_byom.conformance.exchange import dig
from pytest_byom.conformance.finding import Inconclusive, Unsupported, Wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.conformance.views import ChunkStream

Call = tuple[str, object]
"""The name of a call, and its arguments as JSON; None where they are none."""


def _json(text: object) -> object:
    try:
        return json.loads(str(text))
    except (ValueError, RecursionError):
        return None


def _plain_calls(exchange: Exchange) -> list[Call]:
    """Return the calls of a plain answer; Inconclusive if none was made, or one was cut."""
    calls = [
        (str(dig(call, "function.name")), _json(dig(call, "function.arguments")))
        for call in exchange.accepted().tool_calls
    ]
    if any(arguments is None for _, arguments in calls):
        raise Inconclusive("the plain answer has a call that does not parse")
    return calls


def _fragments(stream: ChunkStream) -> list[object]:
    found = (delta.get("tool_calls") for _, _, delta in stream.deltas.get(0, []))
    return [call for calls in found if isinstance(calls, list) for call in calls]


def _indexes(stream: ChunkStream) -> set[str]:
    return {str(dig(fragment, "index")) for fragment in _fragments(stream)}


def _streamed_calls(stream: ChunkStream) -> list[Call]:
    """Return the calls of a stream, put together by their index; Inconclusive if one was cut."""
    names: dict[str, str] = {}
    texts: dict[str, str] = {}
    for fragment in _fragments(stream):
        index = str(dig(fragment, "index"))
        names[index] = names.get(index) or str(dig(fragment, "function.name") or "")
        more = dig(fragment, "function.arguments")
        texts[index] = texts.get(index, "") + (more if isinstance(more, str) else "")
    if "length" in _reasons(stream):
        raise Inconclusive("the token limit cut the stream")
    return [(name, _json(texts[index])) for index, name in names.items()]


def _reasons(stream: ChunkStream) -> list[object]:
    return [reason for _, _, reason in stream.finishes.get(0, [])]


@check(
    "parity.tools",
    level="should",
    decides=["stool-13"],
    needs=["tools", "stream", "tool_choice_required"],
    asks=["tools/required", "tools/required-stream"],
    breaks="an agent that streams acts otherwise than one that does not",
)
def test_tools(byom_ask: Ask) -> Iterator[Wrong]:
    """A streamed call has the name and the members of arguments of the plain one."""
    plain = _plain_calls(byom_ask("tools/required"))[0]
    stream = whole_stream(byom_ask, "tools/required-stream")
    calls = _streamed_calls(stream)
    if not calls or calls[0][1] is None:
        raise Inconclusive("the stream has no call, or one that does not parse")
    if _shape(calls[0]) != _shape(plain):
        yield wrong(
            stream.exchange, "delta.tool_calls.0", expected=_show(plain), got=_show(calls[0])
        )


def _show(call: Call) -> str:
    name, arguments = call
    return f"{name} {json.dumps(arguments)}"[:80]


def _shape(call: Call) -> tuple[str, object]:
    """Return what a model does not choose in a call: its name, and the names of its arguments."""
    name, arguments = call
    return name, sorted(arguments) if isinstance(arguments, dict) else type(arguments)


@check(
    "parity.tool-named",
    level="should",
    decides=["tool-19"],
    needs=["tools", "stream", "tool_choice_named"],
    asks=["tools/named", "parity/named"],
    breaks="LangChain's with_structured_output() forces a tool by its name, also in streams",
)
def test_tool_named(byom_ask: Ask) -> Iterator[Wrong]:
    """A function that is named is called in a stream as it is in a plain answer."""
    plain = _plain_calls(byom_ask("tools/named"))[0]
    stream = whole_stream(byom_ask, "parity/named")
    names = [name for name, _ in _streamed_calls(stream)]
    if plain[0] not in names:
        got = ", ".join(names) or "no call"
        yield no_effect(stream.exchange, "delta.tool_calls", expected=plain[0], got=got)


@check(
    "parity.tool-none",
    level="must",
    decides=["tool-16"],
    needs=["tools", "stream"],
    asks=["tools/none", "parity/none"],
    breaks="a last answer in words, which agents ask for with tool_choice none, never comes",
)
def test_tool_none(byom_ask: Ask) -> Iterator[Wrong]:
    """tool_choice none keeps calls out of a stream as it does out of a plain answer."""
    if byom_ask("tools/none").accepted().message.get("tool_calls"):
        raise Inconclusive("the plain answer has a call")
    stream = whole_stream(byom_ask, "parity/none")
    if any(delta.get("tool_calls") for _, _, delta in stream.deltas.get(0, [])):
        yield no_effect(stream.exchange, "delta.tool_calls", expected="no call", got="a call")


@check(
    "parity.tools-parallel",
    level="should",
    decides=["stool-13"],
    needs=["tools", "stream", "tool_choice_required", "parallel_tools"],
    asks=["parity/calls", "parity/calls-stream"],
    breaks="of several calls an agent that streams makes one, or takes two for one",
)
def test_tools_parallel(byom_ask: Ask) -> Iterator[Wrong]:
    """Several calls of a plain answer are as many in a stream, each under an index of its own."""
    plain = _plain_calls(byom_ask("parity/calls"))
    if len(plain) < 2:
        raise Inconclusive("the model made one call only")
    stream = whole_stream(byom_ask, "parity/calls-stream")
    calls = _streamed_calls(stream)
    if not calls or any(index == "None" for index in _indexes(stream)):
        raise Inconclusive("the stream has no call, or one without an index")
    if len(calls) != len(plain):
        expected = f"{len(plain)} calls, as without stream"
        yield wrong(stream.exchange, "delta.tool_calls", expected=expected, got=len(calls))


def _error(exchange: Exchange) -> dict[str, Any]:
    """Return the error object of a refusal, empty if it has none; a rule reports that."""
    if not not_5xx(exchange).is_refused:
        raise Inconclusive(f"{exchange.contract.id} was accepted")
    error = (parse_object(exchange.text) or {}).get("error")
    return error if isinstance(error, dict) else {}


def _same_error(byom_ask: Ask, plain: str, streamed: str) -> Iterator[Wrong]:
    """Yield what is wrong unless a stream is refused with the error of the plain request."""
    expected, exchange = _error(byom_ask(plain)), byom_ask(streamed)
    found = _error(exchange)
    for name in ("code", "type", "param"):
        if found.get(name) != expected.get(name):
            said, got = repr(expected.get(name)), repr(found.get(name))
            yield wrong(exchange, f"error.{name}", expected=f"{said}, as without stream", got=got)


@check(
    "parity.error-parameter",
    level="should",
    decides=["err-20"],
    needs=["stream"],
    asks=["params/wrong-type", "params/wrong-type-stream"],
    breaks="an app that tells errors apart by their code does so in one mode only",
)
def test_error_parameter(byom_ask: Ask) -> Iterator[Wrong]:
    """A bad parameter has the same error with and without stream."""
    yield from _same_error(byom_ask, "params/wrong-type", "params/wrong-type-stream")


@check(
    "parity.error-model",
    level="should",
    decides=["err-20", "models-11"],
    needs=["stream"],
    asks=["models/unknown", "models/unknown-stream"],
    breaks="LangChain tells an unknown model by its code, in one mode only",
)
def test_error_model(byom_ask: Ask) -> Iterator[Wrong]:
    """An unknown model has the same error with and without stream."""
    if byom_ask("models/unknown").answered().status == 200:
        raise Unsupported("the server serves its one model under any name")
    yield from _same_error(byom_ask, "models/unknown", "models/unknown-stream")


@check(
    "parity.error-key",
    level="should",
    decides=["auth-11"],
    needs=["stream", "auth"],
    asks=["auth/wrong-key", "auth/wrong-key-stream"],
    breaks="a dead key is not told from a bad request where the app streams",
)
def test_error_key(byom_ask: Ask) -> Iterator[Wrong]:
    """A wrong key has the same error with and without stream."""
    yield from _same_error(byom_ask, "auth/wrong-key", "auth/wrong-key-stream")
