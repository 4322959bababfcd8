"""From the bytes of a request to one JSON object, or a refusal that says what is wrong."""

from __future__ import annotations

import json
import math
from typing import Any

from pytest_byom.mock.embedded.errors import ApiError

DEPTH_LIMIT = 200
"""Nested values: a schema of ten levels takes some fifty, and deeper walks must not overflow."""

_BROKEN = "We could not parse the JSON body of your request: "


def check_media_type(content_type: str | None) -> None:
    """Refuse what is said to be no JSON; a body without a media type is taken for JSON."""
    if content_type is None or content_type == "application/json":
        return
    media_type = (content_type or "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ApiError(
            f"Unsupported content type: '{media_type[:80]}'. Send 'application/json'.", status=415
        )


def read_object(body: bytes) -> dict[str, Any]:
    """Parse a request body: one JSON object in UTF-8, no member twice, no NaN, not too deep."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ApiError(f"{_BROKEN}it is not UTF-8 at byte {error.start}.") from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=_members,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except RecursionError:
        raise ApiError(f"{_BROKEN}it is nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise ApiError(f"{_BROKEN}{error}.") from None
    except ValueError as error:  # a whole number of thousands of digits
        raise ApiError(f"{_BROKEN}{str(error).partition(';')[0]}.") from None
    if not isinstance(value, dict):
        raise ApiError(f"{_BROKEN}it is not an object.")
    _refuse_depth(value)
    if b"\\u" in body:
        _refuse_surrogates(value)
    return value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ApiError(f"{_BROKEN}the member {json.dumps(twice[:80])} is there more than once.")
    return members


def _refuse_constant(name: str) -> float:
    raise ApiError(f"{_BROKEN}{name} is not a JSON value.")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ApiError(f"{_BROKEN}the number {text[:40]} is too large.")
    return value


def _refuse_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ApiError(f"{_BROKEN}it has an unpaired surrogate.") from None


def _refuse_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEPTH_LIMIT):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise ApiError(f"{_BROKEN}it is nested more than {DEPTH_LIMIT} levels deep.")
