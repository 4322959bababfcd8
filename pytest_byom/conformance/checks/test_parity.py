"""Checks of a stream against the plain answer to the same request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.answers import completion_tokens, no_effect, wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.checks.test_params import repeatable
from pytest_byom.conformance.excerpts import parse_object
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.thoughts import thoughts
from pytest_byom.conformance.values import is_integer
from pytest_byom.conformance.views import ChunkStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask


@check(
    "parity.text",
    level="should",
    decides=["chunk-17"],
    needs=["stream"],
    asks=["params/temperature-zero", "params/temperature-zero-again", "stream/temperature-zero"],
    breaks="what the reader saw is not what the app stores",
)
def test_parity_text(byom_ask: Ask) -> Iterator[Wrong]:
    """The joined stream equals the plain text of the same request at temperature 0."""
    plain = repeatable(byom_ask)
    stream = ChunkStream.expect(byom_ask("stream/temperature-zero").accepted())
    text = stream.text()
    if text != plain and not stream.broke_off:
        start = next((n for n, (a, b) in enumerate(zip(text, plain, strict=False)) if a != b), 0)
        begin = max(0, start - 10)
        yield wrong(
            stream.exchange,
            f"character {start}",
            expected=repr(plain[begin : begin + 40]),
            got=repr(text[begin : begin + 40]),
        )


@check(
    "parity.finish",
    level="should",
    decides=["chunk-11", "choice-08"],
    needs=["stream"],
    asks=["params/temperature-zero", "params/temperature-zero-again", "stream/temperature-zero"],
    breaks="an app that streams acts otherwise than one that does not",
)
def test_parity_finish(byom_ask: Ask) -> Iterator[Wrong]:
    """A stream ends with the finish_reason of the plain answer."""
    plain = repeatable(byom_ask)
    stream = ChunkStream.expect(byom_ask("stream/temperature-zero").accepted())
    reasons = [reason for _, _, reason in stream.finishes.get(0, []) if reason]
    if stream.text() != plain or len(reasons) != 1:
        raise Inconclusive("the stream has another text, or not one finish_reason")
    expected = byom_ask("params/temperature-zero").finish_reason
    if reasons[0] != expected:
        got = repr(reasons[0])
        yield wrong(stream.exchange, "finish_reason", expected=repr(expected), got=got)


def _plain_text(byom_ask: Ask, id: str) -> str:
    return byom_ask(id).accepted().content


def whole_stream(byom_ask: Ask, id: str) -> ChunkStream:
    """Return a stream; Inconclusive unless it is whole. What breaks off has rules of its own."""
    stream = ChunkStream.expect(byom_ask(id).accepted())
    if stream.broke_off:
        raise Inconclusive(f"the answer to {id} broke off")
    return stream


def _reasons(stream: ChunkStream) -> list[object]:
    """Return the finish_reasons of all choices: that each has one is the matter of a rule."""
    return [reason for found in stream.finishes.values() for _, _, reason in found if reason]


def _counts(stream: ChunkStream) -> dict[str, Any]:
    """Return the usage of a stream; Inconclusive if there is none."""
    if not stream.usages:
        raise Inconclusive("the stream carries no usage")
    return stream.usages[-1][1]


@check(
    "parity.usage",
    level="should",
    decides=["usage-15"],
    needs=["stream", "usage_stream"],
    asks=["params/temperature-zero", "params/temperature-zero-again", "parity/usage"],
    breaks="what a chat costs depends on how it was shown",
)
def test_usage(byom_ask: Ask) -> Iterator[Wrong]:
    """The same text counts the same completion_tokens streamed and plain."""
    plain = repeatable(byom_ask)
    stream = whole_stream(byom_ask, "parity/usage")
    if stream.text() != plain:
        raise Inconclusive("the stream has another text")
    expected = completion_tokens(byom_ask("params/temperature-zero"))
    if is_integer(count := _counts(stream).get("completion_tokens")) and count != expected:
        said = f"{expected}, as without stream"
        yield wrong(stream.exchange, "usage.completion_tokens", expected=said, got=count)


@check(
    "parity.model",
    level="should",
    decides=["resp-06"],
    needs=["stream"],
    asks=["chat/plain", "chat/stream"],
    breaks="prices are looked up by the name that the answer gives",
)
def test_model(byom_ask: Ask) -> Iterator[Wrong]:
    """A stream names the model that the plain answer names, or a form of that name."""
    plain, asked = (
        byom_ask("chat/plain").completion.get("model"),
        byom_ask("chat/plain").request_json,
    )
    stream = whole_stream(byom_ask, "chat/stream")
    names = {chunk.data["model"] for chunk in stream.chunks if chunk.data.get("model")}
    if not isinstance(plain, str) or not plain or not names:
        raise Inconclusive("an answer names no model")
    if not _is_form_of(plain, asked["model"]):
        raise Inconclusive("the plain answer names another model than was asked for")
    for name in names - {plain}:
        if not _is_form_of(name, plain):
            yield wrong(stream.exchange, "model", expected=repr(plain), got=repr(name))


def _is_form_of(name: object, other: object) -> bool:
    """Whether one of two names is the other with a date or the like behind it, or before it."""
    short, long = sorted((str(name).casefold(), str(other).casefold()), key=len)
    return short.rpartition("/")[2] in long


@check(
    "parity.max-tokens",
    level="should",
    decides=["chunk-33"],
    needs=["stream", "usage_stream"],
    asks=["params/max-tokens", "parity/max-tokens"],
    breaks="a limit that holds in tests does not hold where the app streams",
)
def test_max_tokens(byom_ask: Ask) -> Iterator[Wrong]:
    """max_tokens cuts a stream where it cuts the plain answer, with the same finish_reason."""
    plain = byom_ask("params/max-tokens").accepted()
    if plain.finish_reason != "length" or plain.usage("completion_tokens") != 5:
        raise Inconclusive("the plain answer was not cut after 5 tokens")
    stream = whole_stream(byom_ask, "parity/max-tokens")
    count = _counts(stream).get("completion_tokens")
    if is_integer(count) and count > 5:
        place = "usage.completion_tokens"
        yield no_effect(stream.exchange, place, expected="5 at the most", got=count)
    if count == 5 and len(reasons := _reasons(stream)) == 1 and reasons != ["length"]:
        got = repr(reasons[0])
        yield wrong(stream.exchange, "finish_reason", expected='"length"', got=got)


@check(
    "parity.n",
    level="should",
    decides=["usage-17"],
    needs=["stream", "usage_stream", "n"],
    asks=["params/n-two", "parity/n"],
    breaks="half of the tokens that were generated are counted",
)
def test_n(byom_ask: Ask) -> Iterator[Wrong]:
    """With n=2 the usage of a stream covers both choices, as the plain one does."""
    plain = byom_ask("params/n-two").accepted()
    stream = whole_stream(byom_ask, "parity/n")
    whole = set(stream.deltas) == {0, 1} and set(_reasons(stream)) <= {"length"}
    if not whole or plain.usage("completion_tokens") != 16:
        raise Inconclusive("not both of two choices used up their 8 tokens")
    count = _counts(stream).get("completion_tokens")
    if is_integer(count) and count != 16:
        expected = "16, as without stream"
        yield wrong(stream.exchange, "usage.completion_tokens", expected=expected, got=count)


def _as_json(byom_ask: Ask, plain: str, streamed: str) -> Iterator[Wrong]:
    """Yield what is wrong if the plain answer is a JSON object, and the stream is none."""
    if parse_object(_plain_text(byom_ask, plain)) is None:
        raise Inconclusive("the plain answer is no JSON object")
    stream = whole_stream(byom_ask, streamed)
    if "length" in _reasons(stream):
        raise Inconclusive("the token limit cut the text")
    if parse_object(text := stream.text()) is None:
        expected = "a JSON object, as without stream"
        yield no_effect(stream.exchange, "delta.content", expected=expected, got=text[:80])


@check(
    "parity.json-schema",
    level="should",
    decides=["so-18"],
    needs=["stream", "json_schema"],
    asks=["structured/json-schema", "parity/json-schema"],
    breaks="a form that fills itself while the answer comes never fills",
)
def test_json_schema(byom_ask: Ask) -> Iterator[Wrong]:
    """What is JSON by a schema in a plain answer is so in a stream."""
    yield from _as_json(byom_ask, "structured/json-schema", "parity/json-schema")


@check(
    "parity.json-object",
    level="should",
    decides=["so-03"],
    needs=["stream", "json_object"],
    asks=["structured/json-object", "parity/json-object"],
    breaks="json.loads fails in every app that asked for JSON and streams",
)
def test_json_object(byom_ask: Ask) -> Iterator[Wrong]:
    """What is a JSON object in a plain answer is one in a stream."""
    yield from _as_json(byom_ask, "structured/json-object", "parity/json-object")


@check(
    "parity.reasoning",
    level="should",
    decides=["rea-11"],
    needs=["reasoning", "stream"],
    asks=["reasoning/answer", "reasoning/stream"],
    breaks="clients read one name: thoughts are shown in one mode only",
)
def test_reasoning(byom_ask: Ask) -> Iterator[Wrong]:
    """Streamed and plain answers carry reasoning in the same member."""
    plain = set(thoughts(byom_ask("reasoning/answer").accepted().message))
    stream = whole_stream(byom_ask, "reasoning/stream")
    streamed = {name for _, _, delta in stream.deltas.get(0, []) for name in thoughts(delta)}
    if not plain or not streamed:
        raise Inconclusive("an answer shows no reasoning")
    if not plain & streamed:
        expected, got = " and ".join(sorted(plain)), " and ".join(sorted(streamed))
        yield wrong(stream.exchange, "delta", expected=expected, got=got)
