"""Checks of the chat completion object over several answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.values import is_integer
from pytest_byom.conformance.views import ChunkStream, Completion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask


@check(
    "response.unique-id",
    level="should",
    decides=["resp-02", "con-02"],
    asks=["chat/plain", "http/charset", "params/neutral", "chat/stream"],
    breaks="logs and traces that are kept by id mix answers up",
)
def test_unique_id(byom_ask: Ask) -> Iterator[Wrong]:
    """Two requests have two ids."""
    views = _completions(byom_ask, "chat/plain", "http/charset", "params/neutral")
    ids = [(view.exchange, view.data.get("id")) for view in views]
    if stream := ChunkStream.of(byom_ask("chat/stream")):
        ids += [(stream.exchange, chunk.data.get("id")) for chunk in stream.chunks[-1:]]
    known = [(exchange, id) for exchange, id in ids if isinstance(id, str) and id]
    if len(known) < 2:
        raise Inconclusive("fewer than two answers have an id")
    seen: set[str] = set()
    for exchange, id in known:
        if id in seen:
            yield wrong(exchange, "id", expected="an id of its own", got=f"{id!r} again")
        seen.add(id)


def _completions(byom_ask: Ask, *ids: str) -> list[Completion]:
    """Return the completions of some exchanges; what is none is left out."""
    return [view for id in ids if (view := Completion.of(byom_ask(id)))]


@check(
    "response.fingerprint-stable",
    level="should",
    decides=["det-05"],
    asks=["chat/plain", "http/charset", "http/sdk-headers"],
    breaks="apps that watch it for a change of the model see one with each request",
)
def test_fingerprint_stable(byom_ask: Ask) -> Iterator[Wrong]:
    """system_fingerprint is the same for requests against an unchanged server."""
    views = _completions(byom_ask, "chat/plain", "http/charset", "http/sdk-headers")
    if len(views) < 2:
        raise Inconclusive("fewer than two answers came")
    seen = {view.data.get("system_fingerprint") for view in views}
    values = sorted(value for value in seen if isinstance(value, str))
    if len(values) > 1:
        got = ", ".join(values)
        yield wrong(views[-1].exchange, "system_fingerprint", expected="one value", got=got)


@check(
    "response.created-order",
    level="should",
    decides=["resp-17"],
    asks=["chat/plain", "messages/own-answer"],
    breaks="logs that are sorted by it show an answer before its question",
)
def test_created_order(byom_ask: Ask) -> Iterator[Wrong]:
    """Created of an answer is not before that of an earlier one."""
    ids = ("chat/plain", "messages/own-answer")  # the second is asked after the first
    views = _completions(byom_ask, *ids)
    times = [time for view in views if is_integer(time := view.data.get("created"))]
    if len(times) < 2:
        raise Inconclusive("fewer than two answers have a time")
    if times[1] < times[0]:
        expected = f"{times[0]} or later"
        yield wrong(views[1].exchange, "created", expected=expected, got=times[1])
