"""Which requests a defect meets: conditions that the defects of several areas share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from defects.planting import Asked, When


def nulls(*names: str) -> When:
    """Requests with one of these parameters as null."""
    return lambda asked: any(asked.parameters.get(name, 0) is None for name in names)


def has_value(name: str, value: object) -> When:
    """Chat requests with a parameter at a value."""
    return lambda asked: asked.is_chat and asked.parameters.get(name) == value


def one_token(asked: Asked) -> bool:
    """Requests for a stream of one token."""
    return asked.streams and asked.parameters.get("max_tokens") == 1


def forced(asked: Asked) -> bool:
    """Requests with a tool choice that is not left to the model."""
    return asked.parameters.get("tool_choice") not in (None, "auto")


def all_of(first: When, second: When) -> When:
    """Requests that two conditions hold for."""
    return lambda asked: first(asked) and second(asked)
