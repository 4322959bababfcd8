"""Checks of streams on named exchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import accepted, wrong
from pytest_byom.conformance.check import check
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
