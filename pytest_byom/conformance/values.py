"""What a JSON value is, where Python is too generous about it."""

from __future__ import annotations

from typing import TypeGuard

BEYOND_WINDOWS = 100_000_000
"""Tokens: a limit of as many bounds nothing, as no context window is as large."""


def is_integer(value: object) -> TypeGuard[int]:
    """Whether a JSON value is an integer; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[float]:
    """Whether a JSON value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def has_surrogate(text: str) -> bool:
    """Whether a text holds half a character, which no encoding takes."""
    return any("\ud800" <= character <= "\udfff" for character in text)
