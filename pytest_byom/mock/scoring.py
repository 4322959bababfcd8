"""Log probabilities of a scripted text: as given, else made up so that they always are the same."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pytest_byom.mock.embedded import tokens
from pytest_byom.mock.embedded.render import write_token

if TYPE_CHECKING:
    from collections.abc import Iterable

SURE = -0.125


def score_text(text: str) -> tuple[tuple[bytes, float], ...]:
    """Return the tokens of a text, each with a log probability."""
    return tuple((tokens.VOCABULARY[number], SURE) for number in tokens.encode(text))


def write_scores(scored: Iterable[tuple[bytes, float]], top: int) -> dict[str, Any]:
    """Return the log probabilities of tokens, with `top` candidates beside each."""
    content = [
        {**write_token(raw, score), "top_logprobs": _candidates(raw, score, top)}
        for raw, score in scored
    ]
    return {"content": content, "refusal": None}


def _candidates(raw: bytes, score: float, top: int) -> list[dict[str, Any]]:
    """Return the token itself and others that are less likely, together never above one."""
    if not top:
        return []
    rest = max(1e-6, 1 - math.exp(score))
    others = (word for word in tokens.VOCABULARY[tokens.BYTES :] if word != raw)
    listed = [write_token(raw, score)]
    for place, other in zip(range(1, top), others, strict=False):
        listed.append(write_token(other, math.log(rest / 2**place)))
    return listed
