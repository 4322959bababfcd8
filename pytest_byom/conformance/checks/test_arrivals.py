"""Checks of streams on their way: when the pieces come, and what stands in them as bytes.

No check measures how fast a server or a machine is. What is compared are times of one answer, and
what is so short that nothing could have been generated in between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.views import ChunkStream, EventStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.exchange import Exchange

MANY = 64
"""Events that make a stream long."""

NO_TIME = 10.0
"""Milliseconds in which no server generates that many tokens: it is six times the fastest known."""

LONG = 1000.0
"""Milliseconds that a client notices, and that no busy machine loses on each of several streams."""

LIKELY = (2, 64)
"""How many times as long as the short stream a long one takes, whatever the first token costs."""

SEPARATORS = {"\u2028": "U+2028", "\u2029": "U+2029", "\u0085": "U+0085"}


@check(
    "stream.arrives",
    level="should",
    decides=["sse-18"],
    needs=["stream"],
    asks=["chat/stream", "stream/long"],
    breaks="a chat shows nothing for the whole time, and then all at once",
)
def test_arrives(byom_ask: Ask) -> Iterator[Wrong]:
    """Events arrive while the generation runs, not all at its end."""
    yield from _spread(byom_ask("stream/long"), short=byom_ask("chat/stream"))


@check(
    "stream.compressed-arrives",
    level="should",
    decides=["sse-25"],
    needs=["stream"],
    asks=["chat/stream", "stream/long-gzip"],
    breaks="openai-python, openai-node and browsers ask for gzip on streams too",
)
def test_compressed_arrives(byom_ask: Ask) -> Iterator[Wrong]:
    """Events arrive while the generation runs also for a client that takes gzip."""
    yield from _spread(byom_ask("stream/long-gzip"), short=byom_ask("chat/stream"))


def _spread(exchange: Exchange, *, short: Exchange) -> Iterator[Wrong]:
    """Yield what is wrong if a long stream took its time, and then came in no time.

    It says so only of a stream that took longer than one of eight times fewer tokens, as generation
    does: else the server, or the machine, may just have been busy with other things.
    """
    events = len(EventStream.expect(exchange.accepted()).events)
    if events < MANY:
        raise Inconclusive(f"the stream has {events} events, fewer than {MANY}")
    first, last = exchange.arrivals[0][0], exchange.arrivals[-1][0]
    if first > LONG and last - first < NO_TIME:
        times = first / max(short.answered().elapsed, 0.001)
        if not LIKELY[0] <= times <= LIKELY[1]:
            raise Inconclusive(f"a pause of {first / 1000:.1f} s may have another reason")
        yield wrong(
            exchange,
            "arrival of events",
            expected="one after another",
            got=f"nothing for {first / 1000:.1f} s, then {events} within {last - first:.0f} ms",
        )


@check(
    "stream.released",
    level="should",
    decides=["sse-24"],
    needs=["stream"],
    asks=["chat/stream", "stream/one-token", "usage/stream"],
    breaks="openai-python's async client reads to the end of the body before it returns",
)
def test_released(byom_ask: Ask) -> Iterator[Wrong]:
    """The body ends without delay after its last event, [DONE]."""
    asked = ("chat/stream", "stream/one-token", "usage/stream")
    streams = [view.exchange for one in map(byom_ask, asked) if (view := EventStream.of(one))]
    ended = [one for one in streams if not one.trouble]
    if len(ended) < 2:
        raise Inconclusive("no two streams came to their ends")
    delays = [one.elapsed - one.arrivals[-1][0] for one in ended]
    if min(delays) > LONG:
        got = f"{min(delays) / 1000:.1f} s later"
        yield wrong(ended[0], "end of body", expected="with the last event", got=got)


@check(
    "stream.separators",
    level="may",
    decides=["sse-16"],
    needs=["json_schema", "stream"],
    asks=["stream/separators"],
    breaks="httpx iter_lines and httpx-sse 0.4.0 end a line there: half a JSON text is left",
)
def test_separators(byom_ask: Ask) -> Iterator[Wrong]:
    """U+2028, U+2029 and U+0085 are escaped in the JSON of events."""
    exchange = byom_ask("stream/separators")
    stream = ChunkStream.expect(exchange.supported())
    raw = [name for character, name in SEPARATORS.items() if character in stream.text_body]
    if raw:
        yield wrong(exchange, "event", expected="an escape", got=f"{', '.join(raw)} as it is")
    elif not any(_holds(stream.text(), character) for character in SEPARATORS):
        raise Inconclusive("the model wrote none of them")


def _holds(text: str, character: str) -> bool:
    return character in text or f"\\u{ord(character):04x}" in text.lower()


@check(
    "stream.no-padding",
    level="may",
    decides=["chunk-28"],
    needs=["stream"],
    asks=["stream/no-obfuscation"],
    breaks="who trusts the network pays for bytes that mean nothing",
)
def test_no_padding(byom_ask: Ask) -> Iterator[Wrong]:
    """No chunk has obfuscation where include_obfuscation is false."""
    exchange = byom_ask("stream/no-obfuscation").supported()
    for chunk in ChunkStream.expect(exchange).chunks:
        if "obfuscation" in chunk.data:
            got = str(chunk.data["obfuscation"])
            yield wrong(exchange, f"{chunk.place}, obfuscation", expected="none", got=got)
            return
