"""Checks of images in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import status_wrong
from pytest_byom.conformance.check import check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.finding import Wrong


@check(
    "vision.image",
    level="must",
    decides=["vis-10"],
    asks=["vision/image"],
    breaks="a chat with an image in its history fails, or is sent three times",
)
def test_image(byom_ask: Ask) -> Iterator[Wrong]:
    """An image is seen, ignored or refused with 4xx, whatever the model."""
    exchange = byom_ask("vision/image").answered()
    if exchange.status != 200 and not exchange.is_refused:
        yield status_wrong(exchange, "200 or 4xx")
