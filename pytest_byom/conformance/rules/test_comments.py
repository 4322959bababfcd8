"""Rules about what stands between the events of a stream."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_byom.conformance.check import rule
from pytest_byom.conformance.excerpts import cut
from pytest_byom.conformance.finding import Wrong
from pytest_byom.conformance.views import EventStream

if TYPE_CHECKING:
    from collections.abc import Iterator


@rule(
    "stream.ids-alone",
    on=EventStream,
    level="must",
    decides=["sse-10"],
    needs=["stream"],
    breaks="openai-python and httpx-sse make an empty event of a comment, or of a second blank "
    "line, once an id was seen, and openai-python raises JSONDecodeError",
)
def test_ids_alone(answer: EventStream) -> Iterator[Wrong]:
    """Where events have an id, no comment and no second blank line stands alone after the first."""
    text = re.sub(r"\r\n|\r(?!\n)", "\n", answer.text_body.removeprefix("\ufeff"))
    blocks = text.split("\n\n")
    first = next((n for n, block in enumerate(blocks) if re.search("^id:", block, re.M)), None)
    if first is None:
        return
    for block in blocks[first + 1 :]:
        lines = block.split("\n")
        if block.startswith("\n") or (block and all(line.startswith(":") for line in lines)):
            got = cut(block.strip()) or "a second blank line"
            yield Wrong(place="after an id", expected="events", got=got)
