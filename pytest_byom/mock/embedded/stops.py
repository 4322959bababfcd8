"""Stop sequences: nothing of one is ever let through, not even its beginning.

A piece of text is held back as long as what is held could still become a stop sequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pytest_byom.mock.embedded import tokens

if TYPE_CHECKING:
    from pytest_byom.mock.embedded.sampling import Chosen


class Entry(NamedTuple):
    """A chosen token with the bytes that are left of it."""

    chosen: Chosen
    raw: bytes


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text, whole characters only, and the tokens that make it."""

    text: str
    entries: tuple[Entry, ...]


class StopFilter:
    """Takes pieces, gives back those that can be shown; `hit` once a stop sequence was met."""

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = stops
        self._held: list[Piece] = []
        self.hit = False

    def feed(self, piece: Piece) -> list[Piece]:
        """Add a piece; return what is certain."""
        if not self._stops:
            return [piece]
        self._held.append(piece)
        text = "".join(held.text for held in self._held)
        places = [place for stop in self._stops if (place := text.find(stop)) >= 0]
        if places:
            self.hit = True
            return self._release(min(places), cut=True)
        return self._release(len(text) - self._doubtful(text), cut=False)

    def close(self) -> list[Piece]:
        """Return what is still held at the end of the text."""
        held, self._held = self._held, []
        return held

    def _doubtful(self, text: str) -> int:
        """Return the length of the longest end of the text with which a stop sequence begins."""
        longest = min(len(text), max(map(len, self._stops)) - 1)
        return next((size for size in range(longest, 0, -1) if self._starts_stop(text[-size:])), 0)

    def _starts_stop(self, end: str) -> bool:
        return any(stop.startswith(end) for stop in self._stops)

    def _release(self, length: int, *, cut: bool) -> list[Piece]:
        """Let go of the pieces within a length; with `cut`, of the part of the next one too."""
        released: list[Piece] = []
        while self._held and len(self._held[0].text) <= length:
            length -= len(self._held[0].text)
            released.append(self._held.pop(0))
        if cut and self._held and length:
            released.append(_head(self._held[0], length))
        return released


def _head(piece: Piece, length: int) -> Piece:
    """Return the beginning of a piece; its last token is cut where the text is."""
    text = piece.text[:length]
    left = len(text.encode())
    entries: list[Entry] = []
    for entry in piece.entries:
        if left <= 0:
            break
        entries.append(Entry(entry.chosen, entry.raw[:left]))
        left -= len(entry.raw)
    return Piece(text, tuple(entries))


class Characters:
    """Joins tokens to pieces of whole characters."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def feed(self, chosen: Chosen) -> Piece | None:
        """Add a token; return a piece if it ends a character."""
        self._entries.append(Entry(chosen, tokens.VOCABULARY[chosen.token]))
        raw = b"".join(entry.raw for entry in self._entries)
        if _is_incomplete(raw):
            return None
        piece = Piece(raw.decode("utf-8", "replace"), tuple(self._entries))
        self._entries = []
        return piece


def _is_incomplete(raw: bytes) -> bool:
    """Tell whether bytes end inside a character that may still become one."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return False
