"""Checks of token counts over several answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import accepted, prompt_tokens, wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.values import is_integer
from pytest_byom.conformance.views import ChunkStream, Completion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask

PROMPT = "usage.prompt_tokens"
STREAM = "usage/stream"


@check(
    "usage.same-prompt",
    level="should",
    decides=["usage-05"],
    asks=["chat/plain", "http/charset", "http/sdk-headers"],
    breaks="cost cannot be told beforehand",
)
def test_same_prompt(byom_ask: Ask) -> Iterator[Wrong]:
    """prompt_tokens is the same for the same prompt."""
    first = prompt_tokens(byom_ask("chat/plain"))
    again = [byom_ask(id) for id in ("http/charset", "http/sdk-headers")]
    counted = [exchange for exchange in again if Completion.of(exchange)]
    if not counted:
        raise Inconclusive("the same prompt was not answered a second time")
    for exchange in counted:
        if (count := prompt_tokens(exchange)) != first:
            expected = f"{first}, as for the same prompt before"
            yield wrong(exchange, PROMPT, expected=expected, got=count)


@check(
    "usage.grows",
    level="should",
    decides=["usage-06"],
    asks=["chat/plain", "usage/long-prompt"],
    breaks="long prompts cost nothing, by this account, or were cut",
)
def test_grows(byom_ask: Ask) -> Iterator[Wrong]:
    """prompt_tokens grows with the length of the prompt."""
    short = prompt_tokens(byom_ask("chat/plain"))
    exchange = byom_ask("usage/long-prompt")
    if (count := prompt_tokens(exchange)) <= short + 20:
        expected = f"far more than {short}, for a prompt with 100 words more"
        yield wrong(exchange, PROMPT, expected=expected, got=count)


@check(
    "usage.stream-accepted",
    level="should",
    decides=["usage-09"],
    needs=["stream"],
    asks=[STREAM],
    breaks="LangChain and the Vercel AI SDK send stream_options: every stream fails",
)
def test_stream_accepted(byom_ask: Ask) -> Iterator[Wrong]:
    """stream_options include_usage is accepted."""
    yield from accepted(byom_ask(STREAM))


@check(
    "usage.stream-include-usage",
    level="must",
    decides=["usage-10"],
    needs=["stream", "usage_stream"],
    asks=[STREAM],
    breaks="LangChain's usage_metadata and the Vercel AI SDK's usage are empty: no cost is known",
)
def test_stream_include_usage(byom_ask: Ask) -> Iterator[Wrong]:
    """With include_usage the stream carries the usage."""
    stream = ChunkStream.expect(byom_ask(STREAM).accepted())
    if not stream.usages:
        inside = any(choice.get("usage") for c in stream.chunks for _, choice in c.choices)
        got = "usage inside a choice" if inside else "nothing"
        yield wrong(stream.exchange, "usage", expected="an object in one chunk", got=got)


def _with_usage(byom_ask: Ask) -> ChunkStream:
    """Return the stream that was asked for usage; Inconclusive if it has none."""
    stream = ChunkStream.expect(byom_ask(STREAM).accepted())
    if not stream.usages:
        raise Inconclusive("the stream carries no usage")
    return stream


@check(
    "usage.stream-own-chunk",
    level="must",
    decides=["usage-10"],
    needs=["stream", "usage_stream"],
    asks=[STREAM],
    breaks="strict clients, and openai-python's own example, look for the usage in a chunk without "
    "choices",
)
def test_stream_own_chunk(byom_ask: Ask) -> Iterator[Wrong]:
    """With include_usage the usage comes in a chunk of its own, with empty choices."""
    stream = _with_usage(byom_ask)
    own = [chunk for chunk, _ in stream.usages if not chunk.data.get("choices")]
    if not own:
        chunk, _ = stream.usages[-1]
        got = f"{len(chunk.choices)} choice beside the usage"
        yield wrong(stream.exchange, f"{chunk.place}, choices", expected="[]", got=got)


@check(
    "usage.stream-last",
    level="must",
    decides=["usage-14"],
    needs=["stream", "usage_stream"],
    asks=[STREAM],
    breaks="openai-python's stream() copies the usage from the last chunk and loses it otherwise",
)
def test_stream_last(byom_ask: Ask) -> Iterator[Wrong]:
    """No chunk follows the usage chunk."""
    stream = _with_usage(byom_ask)
    if stream.usages[-1][0].place != stream.chunks[-1].place:
        place = stream.chunks[-1].place
        got = "a chunk after the usage"
        yield wrong(stream.exchange, place, expected="the usage in the last chunk", got=got)


@check(
    "usage.stream-counts",
    level="must",
    decides=["usage-01"],
    needs=["stream", "usage_stream"],
    asks=[STREAM],
    breaks="strings make the Vercel AI SDK reject the chunk; null breaks sums",
)
def test_stream_counts(byom_ask: Ask) -> Iterator[Wrong]:
    """Streamed usage has integer prompt_tokens, completion_tokens and total_tokens."""
    stream = _with_usage(byom_ask)
    for chunk, usage in stream.usages[-1:]:
        for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
            if not is_integer(usage.get(name)):
                place = f"{chunk.place}, usage.{name}"
                got = repr(usage.get(name))
                yield wrong(stream.exchange, place, expected="an integer", got=got)


@check(
    "usage.stream-same",
    level="should",
    decides=["usage-15"],
    needs=["stream", "usage_stream"],
    asks=[STREAM, "chat/plain"],
    breaks="the same prompt costs something else when it is streamed",
)
def test_stream_same(byom_ask: Ask) -> Iterator[Wrong]:
    """Streamed and plain usage agree about the prompt."""
    stream = _with_usage(byom_ask)
    plain = prompt_tokens(byom_ask("chat/plain"))
    chunk, usage = stream.usages[-1]
    if not is_integer(count := usage.get("prompt_tokens")):
        raise Inconclusive("the stream's usage has no prompt_tokens")
    if count != plain:
        place = f"{chunk.place}, {PROMPT}"
        yield wrong(stream.exchange, place, expected=f"{plain}, as without stream", got=count)
