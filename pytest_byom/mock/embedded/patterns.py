"""A string for a regular expression, for the part of the language that schemas use.

Literals, escapes, classes, groups, alternatives, repetitions, and anchors at the ends. What goes
beyond raises `Unsupported`; so does a pattern that the result does not match after all.
"""

from __future__ import annotations

import re

LENGTH_LIMIT = 500
_CLASSES = {"d": "0123456789", "w": "abcdefghijklmnopqrstuvwxyz0123456789_", "s": " "}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_PRINTABLE = "".join(map(chr, range(32, 127)))
_REPEAT = re.compile(r"\{(\d{1,4})(?:,(\d{0,4}))?\}")


class Unsupported(Exception):
    """A schema asks for something that cannot be written."""


def write_match(pattern: str) -> str:
    """Return a string that the pattern matches."""
    try:
        text = _Reader(pattern).alternatives(depth=0)
        if re.search(pattern, text):
            return text
    except (re.error, IndexError, RecursionError, OverflowError):
        pass
    raise Unsupported(f"the pattern {pattern[:60]!r}")


class _Reader:
    """Reads a pattern from left to right and writes the shortest sensible match."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self) -> str:
        self._at += 1
        return self._pattern[self._at - 1]

    def alternatives(self, *, depth: int) -> str:
        """Read up to the end of the group; the first alternative counts."""
        first = self._sequence(depth)
        while self._peek() == "|":
            self._take()
            self._sequence(depth)
        if depth == 0 and self._peek():
            raise Unsupported("a pattern with an odd bracket")
        return first

    def _sequence(self, depth: int) -> str:
        parts: list[str] = []
        while self._peek() not in ("", "|", ")"):
            piece = self._atom(depth)
            parts.append(piece * self._times())
            if sum(map(len, parts)) > LENGTH_LIMIT:
                raise Unsupported("a pattern of that length")
        return "".join(parts)

    def _atom(self, depth: int) -> str:
        sign = self._take()
        if sign == "(":
            return self._group(depth)
        if sign == "[":
            return self._class()
        if sign == "\\":
            return self._escape()[0]
        if sign in "^$":
            return self._anchor(sign)
        return "a" if sign == "." else sign

    def _anchor(self, sign: str) -> str:
        """Take an anchor at an end; elsewhere nothing matches, and finding that out takes ages."""
        before, after = self._pattern[: self._at - 1], self._pattern[self._at :]
        if before.strip("(?:^") if sign == "^" else after.strip(")"):
            raise Unsupported(f"a pattern with {sign} in the middle")
        return ""

    def _group(self, depth: int) -> str:
        if self._peek() == "?":
            self._take()
            if self._take() != ":":
                raise Unsupported("a pattern with a look around or a named group")
        inner = self.alternatives(depth=depth + 1)
        if self._take() != ")":
            raise Unsupported("a pattern with an odd bracket")
        return inner

    def _escape(self) -> str:
        """Return the characters that an escape stands for; a border stands for none."""
        sign = self._take()
        if sign in _CLASSES:
            return _CLASSES[sign]
        if sign in "DWS":
            return "-" if sign != "S" else "a"
        if sign in _CONTROLS:
            return _CONTROLS[sign]
        if sign.isalnum():
            raise Unsupported(f"a pattern with \\{sign}")
        return sign

    def _class(self) -> str:
        negative = self._peek() == "^"
        if negative:
            self._take()
        members = ""
        while self._peek() != "]" or not members:
            sign = self._take()
            chars = self._escape() if sign == "\\" else sign
            if self._peek() == "-" and self._pattern[self._at + 1] != "]" and len(chars) == 1:
                self._take()
                chars = self._range(chars)
            members += chars
        self._take()
        if not negative:
            return members[0]
        return next(char for char in "a1 -" + _PRINTABLE if char not in members)

    def _range(self, first: str) -> str:
        last = self._take()
        last = self._escape()[0] if last == "\\" else last
        return "".join(map(chr, range(ord(first), min(ord(last), ord(first) + 200) + 1)))

    def _times(self) -> int:
        sign = self._peek()
        if sign in ("*", "+", "?"):
            self._take()
            low = 1
        elif found := _REPEAT.match(self._pattern, self._at):
            self._at = found.end()
            low = int(found[1])
            low += low == 0 and found[2] != "0" and found[2] is not None
        else:
            return 1
        if self._peek() in ("?", "+") and self._peek():
            self._take()
        return low
