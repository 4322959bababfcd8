"""Deterministic numbers: the same on every machine, in every process."""

from __future__ import annotations

from array import array
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MASK = (1 << 64) - 1


def mix(*values: int) -> int:
    """Stir whole numbers into one of 64 bits (the finisher of splitmix64)."""
    state = 0x9E3779B97F4A7C15
    for value in values:
        state = ((state ^ value) * 0xBF58476D1CE4E5B9) & _MASK
        state ^= state >> 29
        state = (state * 0x94D049BB133111EB) & _MASK
        state ^= state >> 32
    return state


def unit(value: int) -> float:
    """Turn 64 stirred bits into a number from 0 up to, and without, 1."""
    return (value >> 11) / (1 << 53)


def digest(numbers: Iterable[int]) -> int:
    """Condense a sequence of token ids."""
    return int.from_bytes(blake2b(array("Q", numbers).tobytes(), digest_size=8).digest(), "little")
