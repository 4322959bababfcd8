"""The tokenizer: a fixed vocabulary of words with their leading space, and bytes for the rest.

`decode(encode(text)) == text` holds for every text that can be written as UTF-8. The vocabulary:

    0 .. 255          the bytes; any text can be written with them
    256 .. SIZE - 1   words, word pieces, numbers, punctuation
    SIZE ..           marks that structure a prompt and end an answer; no text ever contains them
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase

from pytest_byom.mock.embedded import words

BYTES = 256


def _pieces() -> list[str]:
    """List the multi-byte tokens in the order of their ids."""
    plain = [
        *words.DETERMINERS, *words.ADJECTIVES, *words.NOUNS, *words.VERBS, *words.PREPOSITIONS,
        *words.ADVERBS, *words.CONJUNCTIONS, *words.OTHERS,
    ]  # fmt: skip
    pieces = [form for word in plain for form in (f" {word}", word)]
    pieces += [f"{gap}{word.capitalize()}" for word in plain for gap in ("", " ")]
    pieces += [f"{gap}{number}" for number in range(100) for gap in ("", " ")]
    pieces += [str(number) for number in range(100, 1000)]
    pieces += [f" {sign}" for sign in '"([{.,:;!?-+=*/#&<>@$%_|']
    pieces += [a + b for a in ascii_lowercase for b in ascii_lowercase]
    pieces += [a + b for a in ascii_uppercase for b in ascii_lowercase]
    pieces += [f" {a}" for a in ascii_lowercase + ascii_uppercase]
    pieces += [*words.ENDINGS, *words.JSON_PIECES, *words.TEXT_PIECES]
    pieces += words.SCHEMA_PIECES
    return [piece for piece in dict.fromkeys(pieces) if len(piece) > 1 or piece == "\n"]


_WORDS = [piece.encode() for piece in _pieces() if piece != "\n"]
VOCABULARY: tuple[bytes, ...] = (*(bytes([value]) for value in range(BYTES)), *_WORDS)
"""The bytes of each token, by id."""

IDS: dict[bytes, int] = {piece: number for number, piece in enumerate(VOCABULARY)}
SIZE = len(VOCABULARY)

END, SYSTEM, USER, ASSISTANT, TOOL, NAME, CALL, SCHEMA, IMAGE, SOUND = range(SIZE, SIZE + 10)
"""The marks."""

LONGEST = max(map(len, VOCABULARY))
FINGERPRINT = f"fp_{zlib.crc32(b' '.join(VOCABULARY)):010x}"

# A text is cut here first, so that no token ever crosses such a border and equal words cost the
# same wherever they stand.
_SCHEMA = "|".join(re.escape(piece) for piece in sorted(words.SCHEMA_PIECES, key=len, reverse=True))
_CUT = re.compile(_SCHEMA + r"| ?[A-Za-z]{1,32}|\d{1,3}| \d{1,2}|[^A-Za-z\d]{1,32}")


def encode(text: str) -> tuple[int, ...]:
    """Cut a text into tokens. Raises UnicodeEncodeError for an unpaired surrogate."""
    ids: list[int] = []
    for match in _CUT.finditer(text):
        ids += _encode_part(match[0])
    return tuple(ids)


@lru_cache(maxsize=20_000)
def _encode_part(part: str) -> tuple[int, ...]:
    """Take the longest token at each place."""
    raw = part.encode()
    whole = IDS.get(raw)
    if whole is not None:
        return (whole,)
    ids: list[int] = []
    start = 0
    while start < len(raw):
        end = min(len(raw), start + LONGEST)
        while raw[start:end] not in IDS:
            end -= 1
        ids.append(IDS[raw[start:end]])
        start = end
    return tuple(ids)


def decode(ids: tuple[int, ...]) -> str:
    """Join tokens to a text; what is not UTF-8 becomes U+FFFD."""
    return b"".join(VOCABULARY[number] for number in ids).decode("utf-8", "replace")


def at_least(text: str) -> int:
    """Return a lower bound for the number of tokens, without cutting the text."""
    return -(-len(text) // LONGEST)
