"""Checks of a stream against the plain answer to the same request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.checks.test_params import repeatable
from pytest_byom.conformance.finding import Inconclusive, Wrong
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
