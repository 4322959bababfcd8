"""Pieces of an answer: read out of it, and cut to the smallest that proves something."""

from __future__ import annotations

import json
from typing import Any

from pytest_byom.conformance.exchange import dig

EXCERPT = 240


def parse_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object that the text is, or None."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def parent(data: Any, path: str) -> Any:
    """Return what holds the value at a dotted path."""
    above = path.rpartition(".")[0]
    return dig(data, above) if above else data


def show(data: Any, path: str) -> str:
    """Return the value at a path as a reader wants to see it: `nothing` if it is absent."""
    holder = parent(data, path)
    if isinstance(holder, dict) and path.rpartition(".")[2] not in holder:
        return "nothing"
    return cut(dig(data, path), 80)


def cut(data: Any, limit: int = EXCERPT) -> str:
    """Return data as JSON on one line, cut in the middle."""
    text = (
        data if isinstance(data, str) and limit == EXCERPT else json.dumps(data, ensure_ascii=False)
    )
    if len(text) <= limit:
        return text
    return f"{text[: limit * 2 // 3]} … {text[-limit // 3 :]}"
