"""Checks of reasoning: how it is asked for, counted, and kept apart from the text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.answers import (
    accepted,
    completion_tokens,
    no_effect,
    refused,
    status_wrong,
    wrong,
)
from pytest_byom.conformance.check import check
from pytest_byom.conformance.exchange import dig
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.thoughts import COUNT, MARKS, NAMES, shows_reasoning, thoughts
from pytest_byom.conformance.values import is_integer
from pytest_byom.conformance.views import ChunkStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.exchange import Exchange

ANSWER, STREAM = "reasoning/answer", "reasoning/stream"

CALL = re.compile(r"<tool_call>|\{\s*\"name\"\s*:\s*\"get_weather\"")
"""A call as a model writes it, before the server has read it."""


@check(
    "reasoning.effort",
    level="should",
    decides=["rea-02"],
    asks=["reasoning/effort"],
    breaks="apps that set it for all models fail, or send the request three times",
)
def test_reasoning_effort(byom_ask: Ask) -> Iterator[Wrong]:
    """reasoning_effort is obeyed, ignored or refused with 400."""
    exchange = byom_ask("reasoning/effort").answered()
    if exchange.status not in (200, 400, 422):
        yield status_wrong(exchange, "200 or 400")


@check(
    "reasoning.effort-null",
    level="should",
    decides=["rea-04"],
    asks=["reasoning/effort-null"],
    breaks="openai-python sends null for each parameter that is passed as None",
)
def test_effort_null(byom_ask: Ask) -> Iterator[Wrong]:
    """reasoning_effort null is the same as absent."""
    yield from accepted(byom_ask("reasoning/effort-null"))


@check(
    "reasoning.effort-unknown",
    level="should",
    decides=["rea-03"],
    needs=["reasoning"],
    asks=["reasoning/effort-unknown"],
    breaks="a typing error gives an effort that nobody asked for",
)
def test_effort_unknown(byom_ask: Ask) -> Iterator[Wrong]:
    """An unknown reasoning_effort is refused."""
    yield from refused(byom_ask("reasoning/effort-unknown"))


@check(
    "reasoning.effect",
    level="may",
    decides=["rea-02"],
    asks=[ANSWER],
    breaks="an app pays for thought that never took place",
)
def test_effect(byom_ask: Ask) -> Iterator[Wrong]:
    """A reasoning_effort that is accepted brings reasoning, shown or counted."""
    exchange = byom_ask(ANSWER).supported()
    if not shows_reasoning(exchange):
        expected = "reasoning beside the text, or a count of it"
        yield no_effect(exchange, "choices.0.message", expected=expected, got="neither")


def _message(byom_ask: Ask, id: str = ANSWER) -> dict[str, Any]:
    """Return the message of a plain answer of a model that reasons."""
    return byom_ask(id).accepted().message


@check(
    "reasoning.separate",
    level="should",
    decides=["rea-05"],
    needs=["reasoning"],
    asks=[ANSWER],
    breaks="the Vercel AI SDK reads reasoning_content or reasoning as a string, and rejects the "
    "answer otherwise",
)
def test_separate(byom_ask: Ask) -> Iterator[Wrong]:
    """Reasoning stands in reasoning_content or reasoning, as a string, or is hidden."""
    message, exchange = _message(byom_ask), byom_ask(ANSWER)
    for name, value in _no_strings([message]):
        place = f"choices.0.message.{name}"
        yield wrong(exchange, place, expected="a string or null", got=type(value).__name__)
    if isinstance(message.get("content"), list):
        place = "choices.0.message.content"
        yield wrong(exchange, place, expected="a string beside the reasoning", got="a list")


def _no_strings(messages: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, object]]:
    for message in messages:
        for name in NAMES:
            if not isinstance(value := message.get(name), str | None):
                yield name, value


@check(
    "reasoning.not-in-content",
    level="should",
    decides=["rea-06"],
    needs=["reasoning"],
    asks=[ANSWER],
    breaks="users read the model's thoughts as its answer; JSON in the text does not parse",
)
def test_not_in_content(byom_ask: Ask) -> Iterator[Wrong]:
    """The text has no mark of reasoning, such as <think>."""
    content = _message(byom_ask).get("content")
    if not isinstance(content, str) or not content:
        raise Inconclusive("the answer has no text")
    yield from _marked(byom_ask(ANSWER), "choices.0.message.content", content)


def _marked(exchange: Exchange, place: str, text: str) -> Iterator[Wrong]:
    if found := [mark for mark in MARKS if mark in text]:
        yield wrong(exchange, place, expected="no mark of reasoning", got=", ".join(found))


@check(
    "reasoning.tokens",
    level="should",
    decides=["rea-07"],
    needs=["reasoning"],
    asks=[ANSWER],
    breaks="what is paid for reasoning cannot be told",
)
def test_tokens(byom_ask: Ask) -> Iterator[Wrong]:
    """reasoning_tokens says how much of completion_tokens was reasoning."""
    exchange = byom_ask(ANSWER).accepted()
    counted, whole = dig(exchange.completion, f"usage.{COUNT}"), completion_tokens(exchange)
    if not is_integer(counted) or counted <= 0:
        got = "nothing" if counted is None else repr(counted)
        expected = f"a count above 0, of the {whole} completion_tokens"
        yield wrong(exchange, f"usage.{COUNT}", expected=expected, got=got)


@check(
    "reasoning.cut",
    level="should",
    decides=["rea-08"],
    needs=["reasoning"],
    asks=["params/max-tokens", "reasoning/cut"],
    breaks="an app takes an empty answer for the model's last word",
)
def test_cut(byom_ask: Ask) -> Iterator[Wrong]:
    """A limit that is used up by reasoning gives finish_reason "length" and no text."""
    if byom_ask("params/max-tokens").finish_reason != "length":
        raise Inconclusive("without reasoning the limit gives no length either")
    exchange = byom_ask("reasoning/cut").supported()
    if completion_tokens(exchange) != 5 or not shows_reasoning(exchange):
        raise Inconclusive("the reasoning did not use up the 5 tokens")
    if exchange.finish_reason != "length":
        place = "choices.0.finish_reason"
        yield wrong(exchange, place, expected='"length"', got=repr(exchange.finish_reason))
    if (dig(exchange.completion, f"usage.{COUNT}") or 0) >= 5 and exchange.message.get("content"):
        got = repr(exchange.message["content"])[:80]
        yield wrong(exchange, "choices.0.message.content", expected="null or empty", got=got)


def _thinking(byom_ask: Ask) -> tuple[ChunkStream, list[dict[str, Any]]]:
    """Return the stream with its deltas; Inconclusive if it shows no reasoning."""
    stream = ChunkStream.expect(byom_ask(STREAM).accepted())
    deltas = [delta for _, _, delta in stream.deltas.get(0, [])]
    if not any(delta.get(name) for delta in deltas for name in NAMES):
        raise Inconclusive("the stream shows no reasoning")
    return stream, deltas


@check(
    "reasoning.stream-one-member",
    level="should",
    decides=["rea-09"],
    needs=["reasoning", "stream"],
    asks=[STREAM],
    breaks="the Vercel AI SDK prefers reasoning_content and loses the rest; a client that joins "
    "both doubles the text",
)
def test_stream_one_member(byom_ask: Ask) -> Iterator[Wrong]:
    """Streamed reasoning has one member name throughout, or the same text under both."""
    stream, deltas = _thinking(byom_ask)
    joined = {name: "".join(thoughts(d).get(name, "") for d in deltas) for name in NAMES}
    if all(joined.values()) and len(set(joined.values())) > 1:
        expected = "one name throughout"
        yield wrong(stream.exchange, "delta", expected=expected, got=" and ".join(NAMES))


@check(
    "reasoning.stream-order",
    level="should",
    decides=["rea-09"],
    needs=["reasoning", "stream"],
    asks=[STREAM],
    breaks="a reader's view jumps between thoughts and answer",
)
def test_stream_order(byom_ask: Ask) -> Iterator[Wrong]:
    """Streamed reasoning comes before the text."""
    stream, deltas = _thinking(byom_ask)
    text = next((n for n, delta in enumerate(deltas) if delta.get("content")), len(deltas))
    late = sum(1 for delta in deltas[text + 1 :] if thoughts(delta))
    if late:
        got = f"{late} reasoning deltas after the first text"
        yield wrong(stream.exchange, "delta", expected="reasoning, then text", got=got)


@check(
    "reasoning.stream-strings",
    level="should",
    decides=["rea-10"],
    needs=["reasoning", "stream"],
    asks=[STREAM],
    breaks="the Vercel AI SDK rejects the chunk, and the stream with it",
)
def test_stream_strings(byom_ask: Ask) -> Iterator[Wrong]:
    """Streamed reasoning deltas are strings."""
    stream, deltas = _thinking(byom_ask)
    for name, value in _no_strings(deltas):
        place = f"delta.{name}"
        yield wrong(stream.exchange, place, expected="a string or null", got=type(value).__name__)
        return


@check(
    "reasoning.stream-content",
    level="should",
    decides=["rea-14", "rea-06"],
    needs=["reasoning", "stream"],
    asks=[STREAM],
    breaks="clients show content to the user: the thoughts are read as the answer",
)
def test_stream_content(byom_ask: Ask) -> Iterator[Wrong]:
    """No reasoning stands in delta.content, neither twice nor between marks."""
    stream = ChunkStream.expect(byom_ask(STREAM).accepted())
    yield from _marked(stream.exchange, "delta.content", stream.text())
    if any(mark in stream.text() for mark in MARKS):
        return
    stream, deltas = _thinking(byom_ask)
    doubled = [d for d in deltas if d.get("content") in thoughts(d).values()]
    # Where a token ends the one and begins the other, a delta may have both.
    mixed = [d for d in deltas if thoughts(d) and d.get("content")]
    if doubled or len(mixed) > 1:
        got = repr((doubled or mixed)[0]["content"])[:80]
        expected = 'null, absent or "" beside reasoning'
        yield wrong(stream.exchange, "delta.content", expected=expected, got=got)


@check(
    "reasoning.tools",
    level="should",
    decides=["rea-12"],
    needs=["reasoning", "tools", "tool_choice_required"],
    asks=[ANSWER, "reasoning/tools"],
    breaks="an agent with a model that reasons never calls a tool",
)
def test_tools(byom_ask: Ask) -> Iterator[Wrong]:
    """A model that reasons makes its calls in tool_calls, not inside of its reasoning."""
    byom_ask(ANSWER).accepted()
    exchange = byom_ask("reasoning/tools")
    yield from accepted(exchange)
    if exchange.status == 200:
        message = exchange.message
        said = " ".join([*thoughts(message).values(), str(message.get("content"))])
        yield from _called(exchange, bool(message.get("tool_calls")), said)


def _called(exchange: Exchange, called: bool, said: str) -> Iterator[Wrong]:
    """Yield what is wrong if a call stands in a text; Inconclusive if there is none at all."""
    if not called and CALL.search(said):
        yield wrong(exchange, "tool_calls", expected="a call", got="a call in the text")
    elif not called:
        raise Inconclusive("the model made no call")


@check(
    "reasoning.tools-stream",
    level="should",
    decides=["rea-12"],
    needs=["reasoning", "stream", "tools", "tool_choice_required"],
    asks=[STREAM, "reasoning/tools-stream"],
    breaks="an agent that streams never calls a tool with a model that reasons",
)
def test_tools_stream(byom_ask: Ask) -> Iterator[Wrong]:
    """Streamed too, a model that reasons makes its calls in tool_calls."""
    byom_ask(STREAM).accepted()
    exchange = byom_ask("reasoning/tools-stream")
    yield from accepted(exchange)
    if exchange.status == 200:
        stream = ChunkStream.expect(exchange.accepted())
        deltas = [delta for _, _, delta in stream.deltas.get(0, [])]
        said = "".join(text for delta in deltas for text in thoughts(delta).values())
        called = any(delta.get("tool_calls") for delta in deltas)
        yield from _called(exchange, called, said + stream.text())
