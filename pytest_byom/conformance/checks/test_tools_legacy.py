"""Checks of functions, the older form of tools, which OpenAI calls deprecated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import below_500, no_effect, wrong
from pytest_byom.conformance.cells import Cell, make_checks
from pytest_byom.conformance.check import check
from pytest_byom.conformance.checks.test_tools import never_cut
from pytest_byom.conformance.exchange import dig
from pytest_byom.conformance.finding import Inconclusive
from pytest_byom.conformance.views import ChunkStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.finding import Wrong

NAMED = "tools/legacy-named"
STREAM = "tools/legacy-stream"
OLD = "apps from before tools, such as those on LangChain's create_openai_functions_agent, fail"

CELLS = (
    Cell(
        id="tools.legacy-auto",
        contract="tools/legacy-auto",
        sentence="functions with function_call auto is accepted or refused.",
        decides=("fn-01",),
        level="may",
        breaks=OLD,
    ),
    Cell(
        id="tools.legacy-history",
        contract="tools/legacy-history",
        sentence="A function message with name and content is accepted or refused.",
        decides=("fn-04",),
        level="may",
        breaks=OLD,
    ),
    Cell(
        id="tools.legacy-beside-tools",
        contract="tools/legacy-beside-tools",
        sentence="functions and tools in one request are accepted or refused.",
        decides=("fn-06",),
        breaks="openai-python and openai-node repeat a 5xx twice: an app half-way from one to the "
        "other triples the load",
    ),
)

globals().update(make_checks(__name__, CELLS, below_500))


@check(
    "tools.legacy-call",
    level="may",
    decides=["fn-02"],
    needs=["legacy_functions"],
    asks=[NAMED],
    breaks=OLD,
)
def test_legacy_call(byom_ask: Ask) -> Iterator[Wrong]:
    """A legacy call is message.function_call with a string name and string arguments."""
    exchange = byom_ask(NAMED).supported()
    call = exchange.message.get("function_call")
    if not isinstance(call, dict):
        never_cut(exchange)
        got = repr(call) if call else "nothing"
        yield no_effect(exchange, "message.function_call", expected="an object", got=got)
        return
    for name in ("name", "arguments"):
        if not isinstance(call.get(name), str):
            place = f"choices.0.message.function_call.{name}"
            yield wrong(exchange, place, expected="a string", got=repr(call.get(name)))


@check(
    "tools.legacy-finish",
    level="may",
    decides=["fn-03"],
    needs=["legacy_functions"],
    asks=[NAMED],
    breaks=OLD,
)
def test_legacy_finish(byom_ask: Ask) -> Iterator[Wrong]:
    """An answer with a legacy call ends with function_call, or with stop as it was forced."""
    exchange = byom_ask(NAMED).supported()
    if not exchange.message.get("function_call"):
        raise Inconclusive("the answer has no function_call")
    if exchange.finish_reason not in ("function_call", "stop", "length"):
        place, got = "choices.0.finish_reason", repr(exchange.finish_reason)
        yield wrong(exchange, place, expected='"function_call"', got=got)


@check(
    "tools.legacy-stream",
    level="may",
    decides=["fn-05"],
    needs=["stream"],
    asks=[STREAM],
    breaks=OLD,
)
def test_legacy_stream(byom_ask: Ask) -> Iterator[Wrong]:
    """A streamed legacy call has its name once, and its arguments in pieces of text."""
    stream = ChunkStream.expect(byom_ask(STREAM).supported())
    calls = [call for _, _, delta in stream.deltas.get(0, []) if (call := _call(delta))]
    exchange = stream.exchange
    if not calls:
        _never_cut(stream)
        yield no_effect(exchange, "delta.function_call", expected="a call", got="no call")
        return
    if (count := sum(bool(call.get("name")) for call in calls)) != 1:
        yield wrong(exchange, "delta.function_call.name", expected="one", got=count)
    for call in calls:
        if not isinstance(found := call.get("arguments"), str | None):
            place = "delta.function_call.arguments"
            yield wrong(exchange, place, expected="a string", got=repr(found))


def _call(delta: dict[str, object]) -> dict[str, object] | None:
    found = dig(delta, "function_call")
    return found if isinstance(found, dict) else None


def _never_cut(stream: ChunkStream) -> None:
    if any(reason == "length" for _, _, reason in stream.finishes.get(0, [])):
        raise Inconclusive("the token limit ended the stream before a call")
