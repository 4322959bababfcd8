"""Checks of clients that leave early."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import alive
from pytest_byom.conformance.check import check
from pytest_byom.conformance.finding import Inconclusive, Wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask


@check(
    "disconnect.next-request",
    level="must",
    decides=["can-01"],
    needs=["stream"],
    asks=["chat/plain", "disconnect/leave", "disconnect/next"],
    breaks="every SDK closes the connection to cancel",
)
def test_next_request(byom_ask: Ask) -> Iterator[Wrong]:
    """After a client closes a stream early, the server answers the next request."""
    if not byom_ask("disconnect/leave").closed_early:
        raise Inconclusive("no stream came that could be left")
    yield from alive(byom_ask, "disconnect/next")
