"""The stand-in language model: for each context, one distribution over the whole vocabulary.

It has no weights. What comes next follows from a number stirred out of the prompt and the tokens
so far, from a small grammar, and, where the answer is known in advance (a skill, a schema, a tool
call), from that answer, which then is all but certain.

Logits, in the order of their weight:

    FORCED     the next token of an answer that is known
    12 and less   words that the grammar allows here
    WORD       every other word of the vocabulary
    BYTE       single bytes: they are no words, and a lone one is no text
    END        only where an answer may end
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_byom.mock.embedded import tokens, words
from pytest_byom.mock.embedded.mixing import mix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FORCED = 30.0
WORD = -4.0
BYTE = -60.0
CANDIDATES = 24
SHORTEST, LONGEST, LONG = 8, 40, 200
"""Tokens of a free answer: from, up to, and up to when something long was asked for."""


def _ids(names: Sequence[str], *, capital: bool = False, gap: str = " ") -> tuple[int, ...]:
    forms = (gap + (name.capitalize() if capital else name) for name in names)
    return tuple(tokens.IDS[form.encode()] for form in forms)


_STOP, _COMMA = tokens.IDS[b"."], tokens.IDS[b","]
_FIRST = _ids(words.DETERMINERS, capital=True, gap="")
_OPENING = _ids(words.DETERMINERS, capital=True)
_DETERMINERS = _ids(words.DETERMINERS)
_ADJECTIVES = _ids(words.ADJECTIVES)
_NOUNS = _ids(words.NOUNS)
_VERBS = _ids(words.VERBS)
_PREPOSITIONS = _ids(words.PREPOSITIONS[:17])
_ADVERBS = _ids(words.ADVERBS[:18])
_CONJUNCTIONS = _ids(words.CONJUNCTIONS[:4])

# What may follow what; a class that stands twice is twice as likely.
_FOLLOW: tuple[tuple[tuple[int, ...], tuple[tuple[int, ...], ...]], ...] = (
    ((_STOP,), (_OPENING,)),
    ((_COMMA,), (_CONJUNCTIONS,)),
    (_CONJUNCTIONS, (_DETERMINERS,)),
    (_PREPOSITIONS, (_DETERMINERS,)),
    (_VERBS, (_DETERMINERS, _DETERMINERS, _PREPOSITIONS, _ADVERBS)),
    (_ADVERBS, (_PREPOSITIONS, (_STOP,))),
    (_NOUNS, (_VERBS, _VERBS, _PREPOSITIONS, (_STOP,), (_COMMA,))),
    (_ADJECTIVES, (_NOUNS,)),
    (_DETERMINERS, (_NOUNS, _ADJECTIVES)),
    (_OPENING + _FIRST, (_NOUNS, _ADJECTIVES)),
)
_AFTER = {number: follow for group, follow in _FOLLOW for number in group}
_AFTER_ANYTHING = _AFTER[_NOUNS[0]]


@dataclass(frozen=True, slots=True)
class Logits:
    """One step: the tokens with a logit of their own; `words` for other words, `bytes` for bytes.

    `sole` says that nothing else can come: no bias and no penalty changes it.
    """

    own: Mapping[int, float]
    words: float | None = WORD
    bytes: float | None = BYTE
    sole: bool = False


class FreeText:
    """An answer that nobody planned: sentences of the small grammar, until the end is drawn."""

    def __init__(self, context: int, *, long: bool) -> None:
        self._state = context
        self._last = -1
        self._step = 0
        self._since_stop = 0
        self._long = long

    def logits(self) -> Logits:
        """Return what may come next."""
        own = self._candidates()
        if self._last == _STOP:
            self._weigh_end(own)
        elif self._step and self._since_stop > 7 and _STOP in own:
            own[_STOP] = max(own[_STOP], 8.0 + self._since_stop / 2)
        if self._step >= (LONG if self._long else LONGEST):
            own[tokens.END] = FORCED
        return Logits(own)

    def _candidates(self) -> dict[int, float]:
        follow = (_FIRST,) if self._last < 0 else _AFTER.get(self._last, _AFTER_ANYTHING)
        if self._since_stop < 4:  # no sentence is as short as that
            follow = tuple(group for group in follow if group != (_STOP,))
        own: dict[int, float] = {}
        stirred = self._state
        for rank in range(CANDIDATES):
            if rank % 4 == 0:
                stirred = mix(stirred, rank)
            group = follow[(stirred >> 8) % len(follow)]
            number = group[(stirred >> 20) % len(group)]
            own.setdefault(number, 12.0 - 0.35 * rank - (stirred & 255) / 1024)
            stirred = (stirred >> 13) | (stirred << 51) & 0xFFFFFFFFFFFFFFFF
        return own

    def _weigh_end(self, own: dict[int, float]) -> None:
        first, last = (LONG - 20, LONG - 14) if self._long else (SHORTEST, LONGEST - 14)
        if self._step >= last:
            own[tokens.END] = FORCED
        elif self._step >= first:
            own[tokens.END] = 10.0 + (self._step - first) / 4

    def accept(self, number: int) -> None:
        """Go on behind the token that was chosen."""
        self._state = mix(self._state, number)
        self._last = number
        self._step += 1
        self._since_stop = 0 if number == _STOP else self._since_stop + 1


class PlannedText:
    """An answer that is known: each of its tokens is all but certain, then the end is.

    Inside a character nothing else can come, so that the bytes always make text. A token that
    takes the place of a planned one (by a bias, or in the heat) takes that of its character.
    """

    def __init__(self, plan: Sequence[int], context: int) -> None:
        self._plan = plan
        self._at = 0
        self._free = FreeText(context, long=True)
        self._borders = _character_borders(plan)

    def logits(self) -> Logits:
        """Return what may come next."""
        if self._at >= len(self._plan):
            return Logits({**self._free.logits().own, tokens.END: FORCED})
        planned = self._plan[self._at]
        if self._at not in self._borders:
            return Logits({planned: 0.0}, words=None, bytes=None, sole=True)
        return Logits({**self._free.logits().own, planned: FORCED})

    def accept(self, number: int) -> None:
        """Go on behind the token that was chosen."""
        self._free.accept(number)
        if self._at < len(self._plan) and number == self._plan[self._at]:
            self._at += 1
        else:
            self._at = next((b for b in self._borders if b > self._at), len(self._plan))


class ForcedText:
    """An answer that a grammar dictates: nothing else can come, whatever was asked for."""

    def __init__(self, plan: Sequence[int]) -> None:
        self._plan = plan
        self._at = 0

    def logits(self) -> Logits:
        """Return what must come next."""
        number = self._plan[self._at] if self._at < len(self._plan) else tokens.END
        return Logits({number: 0.0}, words=None, bytes=None, sole=True)

    def accept(self, number: int) -> None:
        """Go on behind the token that was chosen."""
        self._at += 1


Text = FreeText | PlannedText | ForcedText


def _character_borders(plan: Sequence[int]) -> dict[int, None]:
    """Return, in order, the positions in a plan at which a character begins."""
    return {
        at: None for at, number in enumerate(plan) if tokens.VOCABULARY[number][0] & 0xC0 != 0x80
    }
