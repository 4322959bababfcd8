"""What the stand-in thinks before it answers: so many tokens, by the effort that is asked for.

The same prompt brings the same thoughts; a greater effort goes on where a smaller one ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.mock.embedded.mixing import mix
from pytest_byom.mock.embedded.model import FreeText
from pytest_byom.mock.embedded.sampling import Sampler, Sampling
from pytest_byom.mock.embedded.stops import Characters

if TYPE_CHECKING:
    from collections.abc import Iterator

EFFORTS = {
    "none": 0, "minimal": 4, "low": 8, "medium": 16, "high": 32, "xhigh": 64, "max": 128,
}  # fmt: skip
"""Tokens of thought. The last is below the length at which a free text may end."""

_THINKING = 0x7468696E6B


def think(effort: str, *, context: int, limit: int) -> Iterator[str]:
    """Produce the thoughts token by token, `limit` at the most."""
    text = FreeText(mix(context, _THINKING), long=True)
    sampler = Sampler(text, Sampling(temperature=0), context=context, choice=0, top=None)
    characters = Characters()
    for _ in range(min(limit, EFFORTS[effort])):
        chosen = sampler.next()
        piece = None if chosen is None else characters.feed(chosen)
        yield "" if piece is None else piece.text
