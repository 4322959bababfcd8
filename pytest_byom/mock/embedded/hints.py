"""What a message offers to fill arguments with: names, quoted texts, numbers, words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_byom.mock.embedded import tokens
from pytest_byom.mock.embedded.words import listed

_QUOTED = r'"([^"\n]{1,200})"|“([^”\n]{1,200})”|(?<!\w)\'([^\'\n]{1,200})\'(?!\w)'
_NAME = r"(?:[A-Z]\w*(?:[-'][A-Z]\w+)*)(?: (?:[A-Z]\w*))*"
_ITEM = re.compile(f"{_QUOTED}|({_NAME})")
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,15}(?:\.\d{1,9})?(?![\w])")
_WORD = re.compile(r"\w{3,}")
_SENTENCE_START = re.compile(r"(?:^|[.!?:\n])\s*[\"'“]?\s*$")

TOO_COMMON = frozenset(
    listed(
        """the and for with this that what which please from into about your you are can could would
    will have has tell give get use using show make let some any one all not now how when where
    who why does did its then than them they there here return returns given value data function
    tool call string text number word words name"""
    )
)


@dataclass(frozen=True, slots=True)
class Hints:
    """What a message names, in the order in which it does, each once."""

    items: tuple[str, ...]
    numbers: tuple[str, ...]
    words: tuple[str, ...]
    text: str


def read_hints(text: str) -> Hints:
    """Collect what a message names.

    A capitalised word is a name unless it opens a sentence and is an everyday word.
    """
    text = text[:20_000]
    items = [item for match in _ITEM.finditer(text) if (item := _item(match, text))]
    words = sorted(
        {word for word in _WORD.findall(text) if word.lower() not in TOO_COMMON},
        key=lambda word: (-len(word), word),
    )
    return Hints(
        items=tuple(dict.fromkeys(items)),
        numbers=tuple(dict.fromkeys(_NUMBER.findall(text))),
        words=tuple(words),
        text=text,
    )


def _item(match: re.Match[str], text: str) -> str | None:
    """Return what a match names: the quoted text, or the name without an opening word."""
    quoted = match[1] or match[2] or match[3]
    if quoted:
        return quoted
    parts = match[4].split(" ")
    if _SENTENCE_START.search(text, max(0, match.start() - 4), match.start()):
        parts = parts[_is_everyday(parts[0]) :]
    parts = [part for part in parts if part not in ("I", "A", "JSON", "API")]
    return " ".join(parts) or None


def _is_everyday(word: str) -> bool:
    if len(word) < 2:
        return True
    return word.lower().encode() in tokens.IDS and f" {word.lower()}".encode() in tokens.IDS


def topics(text: str) -> frozenset[str]:
    """Return the words that a text is about, in lower case and in the singular."""
    found = re.findall(r"[^\W_]{3,}", re.sub(r"([a-z])([A-Z])", r"\1 \2", text[:20_000]))
    singular = (word.lower().removesuffix("s") for word in found if word.lower() not in TOO_COMMON)
    return frozenset(singular)
