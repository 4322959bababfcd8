"""Checks of error answers on named exchanges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import alive, not_5xx, status_wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.finding import Inconclusive, Wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask


@check(
    "errors.stream-status",
    level="should",
    decides=["err-20", "sse-26"],
    needs=["stream"],
    asks=["params/wrong-type", "params/wrong-type-stream"],
    breaks="SDKs raise their errors from the status code, before they read events",
)
def test_stream_status(byom_ask: Ask) -> Iterator[Wrong]:
    """The same bad request gives the same status with and without stream."""
    plain = not_5xx(byom_ask("params/wrong-type"))
    stream = not_5xx(byom_ask("params/wrong-type-stream"))
    if not plain.is_refused:
        raise Inconclusive("the bad request was accepted without stream")
    if stream.status != plain.status:
        yield status_wrong(stream, f"{plain.status}, as without stream")


@check(
    "errors.alive",
    level="must",
    decides=["err-16"],
    asks=["chat/plain", "errors/next"],
    breaks="one client's mistake ends the service for all",
)
def test_alive(byom_ask: Ask) -> Iterator[Wrong]:
    """After the broken requests the server still answers a valid one."""
    yield from alive(byom_ask, "errors/next")
