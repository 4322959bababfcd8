"""Whether a server's version is among those that a known deviation is said to have."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

COMPARISON = re.compile(r"(<=|>=|<|>|=)\s*(.+)")
PIECE = re.compile(r"\d+")


def has_version(wanted: str, version: str) -> bool:
    """Whether a version fits `0.19.*`, `>=0.19, <0.20`, `b11549`, or one of `0.18.1 | 0.18.2`.

    Alternatives are parted by `|`, conditions that hold together by commas. A version that is not
    known fits everything: it cannot be said that it does not.
    """
    if not wanted.strip() or not version:
        return True
    return any(
        all(_fits(condition.strip(), version) for condition in alternative.split(","))
        for alternative in wanted.split("|")
    )


def _fits(condition: str, version: str) -> bool:
    match = COMPARISON.fullmatch(condition)
    if match is None:
        return fnmatchcase(version, condition) or version.partition("-")[0] == condition
    sign, other = match[1], match[2].strip()
    mine, theirs = _numbers(version), _numbers(other)
    width = max(len(mine), len(theirs))
    mine, theirs = (numbers + (0,) * (width - len(numbers)) for numbers in (mine, theirs))
    return {
        "<": mine < theirs,
        "<=": mine <= theirs,
        ">": mine > theirs,
        ">=": mine >= theirs,
        "=": mine == theirs,
    }[sign]


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version up to its first dash or plus: 0.19.1-rc2 is 0.19.1."""
    return tuple(map(int, PIECE.findall(re.split(r"[-+]", version)[0])))
