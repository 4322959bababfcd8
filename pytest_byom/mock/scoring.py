"""Log probabilities of a scripted text: as given, else made up so that they always are the same."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pytest_byom.mock.embedded import tokens
from pytest_byom.mock.embedded.render import write_token

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_byom.mock.dialect import Scores

SURE = -0.125


def score_text(text: str) -> tuple[tuple[bytes, float], ...]:
    """Return the tokens of a text, each with a log probability."""
    return tuple((tokens.VOCABULARY[number], SURE) for number in tokens.encode(text))


def write_scores(
    scored: Iterable[tuple[bytes, float]], wanted: int | None, form: Scores
) -> dict[str, Any]:
    """Return the log probabilities of tokens, with as many candidates beside each as wanted."""
    top = form.unasked if wanted is None else wanted
    content = []
    for raw, score in scored:
        entry = _write(raw, score, form)
        if top is not None:
            entry["top_logprobs"] = _candidates(raw, score, top, form)
        content.append(entry)
    return {"content": content, **form.beside}


def _write(raw: bytes, score: float, form: Scores) -> dict[str, Any]:
    entry = write_token(raw, score)
    if not form.bytes:
        entry["bytes"] = None
    if not form.number:
        return entry
    return {"id": next(iter(tokens.encode(entry["token"])), 0), **entry}


def _candidates(raw: bytes, score: float, top: int, form: Scores) -> list[dict[str, Any]]:
    """Return the token itself and others that are less likely, together never above one."""
    if not top:
        return []
    rest = max(1e-6, 1 - math.exp(score))
    others = (word for word in tokens.VOCABULARY[tokens.BYTES :] if word != raw)
    listed = [_write(raw, score, form)]
    for place, other in zip(range(1, top), others, strict=False):
        listed.append(_write(other, math.log(rest / 2**place), form))
    return listed
