"""Checks of streams on named exchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import accepted, no_effect, wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.checks.test_params import repeatable
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.views import ChunkStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask


@check(
    "stream.accepted",
    level="must",
    decides=["sse-01"],
    needs=["stream"],
    asks=["chat/stream"],
    breaks="every chat UI streams",
)
def test_accepted(byom_ask: Ask) -> Iterator[Wrong]:
    """stream=true is accepted."""
    yield from accepted(byom_ask("chat/stream"))


@check(
    "stream.length",
    level="should",
    decides=["chunk-33"],
    needs=["stream"],
    asks=["stream/one-token", "params/max-tokens"],
    breaks="the app takes half an answer for a whole one",
)
def test_length(byom_ask: Ask) -> Iterator[Wrong]:
    """A stream cut after one token ends with finish_reason "length"."""
    if byom_ask("params/max-tokens").finish_reason != "length":
        raise Inconclusive("without stream the limit gives no length either")
    stream = ChunkStream.expect(byom_ask("stream/one-token").accepted())
    reasons = [reason for _, _, reason in stream.finishes.get(0, []) if reason]
    if len(reasons) == 1 and reasons[0] in ("stop", "eos", "end_turn"):
        yield wrong(stream.exchange, "finish_reason", expected='"length"', got=repr(reasons[0]))


@check(
    "stream.whole-characters",
    level="should",
    decides=["chunk-29"],
    needs=["stream", "json_schema"],
    asks=["structured/stream"],
    breaks="the reader sees replacement characters where an emoji was split between two chunks",
)
def test_whole_characters(byom_ask: Ask) -> Iterator[Wrong]:
    """A character whose bytes come in two tokens is held back until it is whole."""
    stream = ChunkStream.expect(byom_ask("structured/stream").accepted())
    if (text := stream.text()).count("\ufffd"):
        yield wrong(stream.exchange, "delta.content", expected="no U+FFFD", got=text[:80])


@check(
    "stream.n",
    level="must",
    decides=["chunk-25"],
    needs=["stream", "n"],
    asks=["stream/n-two"],
    breaks="two answers are glued together, or one never ends",
)
def test_n(byom_ask: Ask) -> Iterator[Wrong]:
    """With n=2 a stream has the choices 0 and 1, and both finish."""
    stream = ChunkStream.expect(byom_ask("stream/n-two").supported())
    found = [choice.get("index") for chunk in stream.chunks for _, choice in chunk.choices]
    if not set(found) <= {0, 1}:
        raise Inconclusive("a choice has no index, or one beyond 1, which a rule reports")
    if len(set(found)) < 2:
        yield no_effect(stream.exchange, "choices", expected="two choices", got=len(set(found)))
        return
    ended = {index for index, reasons in stream.finishes.items() if any(r for *_, r in reasons)}
    if not ended:
        raise Inconclusive("no choice has a finish_reason, which a rule reports")
    for index in sorted({0, 1} - ended):
        place = f"choice {index}"
        yield wrong(stream.exchange, place, expected="a finish_reason", got="none")


@check(
    "stream.n-order",
    level="should",
    decides=["chunk-26"],
    needs=["stream", "n"],
    asks=["stream/n-two"],
    breaks="openai-python's stream() raises IndexError when index 1 comes first",
)
def test_n_order(byom_ask: Ask) -> Iterator[Wrong]:
    """With n=2 the first chunk of choice 0 comes before any of choice 1."""
    stream = ChunkStream.expect(byom_ask("stream/n-two").supported())
    indexes = [choice.get("index") for chunk in stream.chunks for _, choice in chunk.choices]
    if 0 not in indexes or 1 not in indexes:
        raise Inconclusive("the stream has not both choices")
    if indexes.index(1) < indexes.index(0):
        yield wrong(stream.exchange, "choices.0.index", expected="0 first", got="1")


@check(
    "stream.stop",
    level="should",
    decides=["chunk-31"],
    needs=["stream", "stop"],
    asks=["stream/stop", "params/temperature-zero", "params/temperature-zero-again"],
    breaks="the reader sees the marker, or the half of it that had gone out already",
)
def test_stop(byom_ask: Ask) -> Iterator[Wrong]:
    """A stop sequence ends a stream, and never appears in it, not even partly."""
    whole = repeatable(byom_ask)
    stream = ChunkStream.expect(byom_ask("stream/stop").accepted())
    stop, text = stream.exchange.request_json["stop"], stream.text()
    before = whole.partition(stop)[0]
    if not text.startswith(before.rstrip()):
        raise Inconclusive("the streamed text is not that of the plain answer")
    if text == whole:
        expected = f"a text that ends before {stop!r}"
        yield no_effect(stream.exchange, "delta.content", expected=expected, got="the whole text")
    elif text.rstrip() != before.rstrip():
        got = f"{text[len(before) :][:40]!r} behind it"
        yield wrong(stream.exchange, "delta.content", expected=f"{before[-40:]!r}", got=got)
