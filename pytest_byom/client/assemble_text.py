"""Text that comes in pieces: halves of characters join, and thinking between tags is parted off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.client.reading import has_surrogate

if TYPE_CHECKING:
    from pytest_byom.client.reading import Flag


class Text:
    """A text that grows; JSON can cut a character in two, and Python keeps the halves apart."""

    def __init__(self, flag: Flag) -> None:
        self._flag = flag
        self._pieces: list[str] | None = None
        self._half = ""

    @property
    def value(self) -> str | None:
        """The text so far; None if nothing was ever added, which an empty text is not."""
        if self._pieces is None:
            return None
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return "".join(self._pieces) + self._half

    def add(self, piece: str) -> str:
        """Add a piece and give back what can be shown: never half a character."""
        if self._pieces is None:
            self._pieces = []
        if self._half or not piece.isascii():
            piece = self._join(piece)
        if piece:
            self._pieces.append(piece)
        return piece

    def close(self) -> str:
        """Give back the half character that was never completed."""
        return self._half

    def _join(self, piece: str) -> str:
        piece = self._half + piece
        self._half = ""
        if not has_surrogate(piece):
            return piece
        self._flag("lone-surrogate", "a character came in two halves")
        piece = piece.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        if "\ud800" <= piece[-1:] <= "\udbff":
            self._half = piece[-1]
            piece = piece[:-1]
        return piece


class TagSplitter:
    """Parts text from thinking that stands between two marks, wherever the pieces are cut."""

    def __init__(self, opening: str, closing: str) -> None:
        self._marks = (opening, closing)
        self._inside = False
        self._rest = ""

    def feed(self, piece: str) -> list[tuple[bool, str]]:
        """Give back what is decided, each piece with whether it is thinking."""
        text = self._rest + piece
        decided: list[tuple[bool, str]] = []
        while True:
            mark = self._marks[self._inside]
            before, found, after = text.partition(mark)
            if not found:
                break
            decided.append((self._inside, before))
            self._inside = not self._inside
            text = after
        keep = next((n for n in range(len(mark) - 1, 0, -1) if text.endswith(mark[:n])), 0)
        self._rest = text[len(text) - keep :]
        decided.append((self._inside, text[: len(text) - keep]))
        return [(inside, piece) for inside, piece in decided if piece]

    def close(self) -> list[tuple[bool, str]]:
        """Give back the beginning of a mark that never became one."""
        rest, self._rest = self._rest, ""
        return [(self._inside, rest)] if rest else []
