"""From logits to one token: bias, penalties, temperature, nucleus, draw; and its log probability.

Every token of the vocabulary has a probability, and they sum to 1. Most tokens share one of two
values (a word that the model did not think of, a byte), so a distribution holds those values
once, with the number of tokens that share them.

The log probabilities reported are those of the distribution that is drawn from: after bias,
penalties, temperature and top_p. At temperature 0 nothing is drawn; reported then is the
distribution at temperature 1. A token that cannot come has -9999.0.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_byom.mock.embedded import tokens
from pytest_byom.mock.embedded.mixing import mix, unit
from pytest_byom.mock.embedded.model import Logits, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

NEVER = -9999.0
_OUT_OF_REACH = -1000.0
_WORDS = tokens.SIZE - tokens.BYTES


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to draw; the names and meanings are those of the API."""

    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0


@dataclass(frozen=True, slots=True)
class Chosen:
    """A token that was chosen, with the log probabilities that were asked for."""

    token: int
    logprob: float = 0.0
    top: tuple[tuple[int, float], ...] = ()


class Distribution:
    """Probabilities over the vocabulary and the end mark.

    `own` are the tokens with a probability of their own, `word` and `byte` the probability of
    each of the others.
    """

    def __init__(self, logits: Logits, *, temperature: float = 1.0, top_p: float = 1.0) -> None:
        highest = max(
            (*logits.own.values(), *(v for v in (logits.words, logits.bytes) if v is not None))
        )
        weights = {
            token: math.exp((value - highest) / temperature) for token, value in logits.own.items()
        }
        word, byte = (
            0.0 if value is None else math.exp((value - highest) / temperature)
            for value in (logits.words, logits.bytes)
        )
        own_bytes = sum(1 for token in weights if token < tokens.BYTES)
        own_words = sum(1 for token in weights if tokens.BYTES <= token < tokens.SIZE)
        self._words, self._bytes = _WORDS - own_words, tokens.BYTES - own_bytes
        if top_p < 1.0:
            weights, word, byte = self._nucleus(weights, word, byte, top_p)
        total = sum(weights.values()) + word * self._words + byte * self._bytes
        self.own = {token: weight / total for token, weight in weights.items()}
        self.word, self.byte = word / total, byte / total

    def _nucleus(
        self, weights: dict[int, float], word: float, byte: float, top_p: float
    ) -> tuple[dict[int, float], float, float]:
        """Keep the likeliest tokens that together reach top_p; equal ones stay together."""
        masses = [(weight, weight, token) for token, weight in weights.items()]
        masses += [(word, word * self._words, -1), (byte, byte * self._bytes, -2)]
        masses.sort(key=lambda entry: (-entry[0], entry[2]))
        wanted = top_p * sum(mass for _, mass, _ in masses)
        kept: set[int] = set()
        for _, mass, name in masses:
            kept.add(name)
            wanted -= mass
            if wanted <= 0:
                break
        left = {token: weight if token in kept else 0.0 for token, weight in weights.items()}
        return left, word if -1 in kept else 0.0, byte if -2 in kept else 0.0

    def probability(self, token: int) -> float:
        """Return the probability of a token, or of the end mark."""
        if token in self.own:
            return self.own[token]
        if token < tokens.BYTES:
            return self.byte
        return self.word if token < tokens.SIZE else 0.0

    def logprob(self, token: int) -> float:
        """Return the log probability of a token; -9999.0 if it cannot come."""
        probability = self.probability(token)
        return max(math.log(probability), NEVER) if probability > 0 else NEVER

    def likeliest(self, count: int) -> list[int]:
        """Return the likeliest tokens, the likeliest first, the lower id first among equals."""
        ranked = sorted(
            (token for token in self.own if token < tokens.SIZE),
            key=lambda token: (-self.own[token], token),
        )
        if count == 0:
            return []
        if len(ranked) < count or self.word > self.own[ranked[count - 1]]:
            others = (t for t in range(tokens.BYTES, tokens.SIZE) if t not in self.own)
            ranked += [token for token, _ in zip(others, range(count), strict=False)]
            ranked.sort(key=lambda token: (-self.probability(token), token))
        return ranked[:count]

    def greedy(self) -> int:
        """Return the likeliest token, the end mark included."""
        best = max(self.own, key=lambda token: (self.own[token], -token))
        if self.word > self.own[best]:
            return next(t for t in range(tokens.BYTES, tokens.SIZE) if t not in self.own)
        return best

    def draw(self, point: float) -> int:
        """Return the token at a point from 0 to 1 of the summed probabilities."""
        last = -1
        for token, probability in self.own.items():
            if probability > 0.0:
                last = token
                point -= probability
                if point < 0:
                    return token
        for first, end, each in (
            (tokens.BYTES, tokens.SIZE, self.word),
            (0, tokens.BYTES, self.byte),
        ):
            if each > 0.0:
                others = [token for token in range(first, end) if token not in self.own]
                if point < each * len(others):
                    return others[min(int(point / each), len(others) - 1)]
                point -= each * len(others)
        return last  # rounding: the sum stayed below the point


class Sampler:
    """Draws one answer from a text, token by token, until its end."""

    def __init__(
        self, text: Text, sampling: Sampling, *, context: int, choice: int, top: int | None
    ) -> None:
        self._text = text
        self._sampling = sampling
        self._counts: Counter[int] = Counter()
        self._stream = mix(context, sampling.seed & ((1 << 64) - 1), choice)
        self._top = top
        self._step = 0

    def next(self) -> Chosen | None:
        """Return the next token, or None at the end."""
        logits = self._adjust(self._text.logits())
        settings = self._sampling
        if logits.sole and self._top is None:
            token = next(iter(logits.own))
            chosen = Chosen(token)
        else:
            chosen = self._choose(logits, settings)
            token = chosen.token
        if token == tokens.END:
            return None
        self._text.accept(token)
        self._counts[token] += 1
        self._step += 1
        return chosen

    def _choose(self, logits: Logits, settings: Sampling) -> Chosen:
        if settings.temperature == 0:
            distribution = Distribution(logits)
            token = distribution.greedy()
        else:
            distribution = Distribution(
                logits, temperature=max(settings.temperature, 1e-3), top_p=settings.top_p
            )
            token = distribution.draw(unit(mix(self._stream, self._step)))
        if self._top is None:
            return Chosen(token)
        ranked = distribution.likeliest(self._top)
        top = tuple((number, distribution.logprob(number)) for number in ranked)
        return Chosen(token, distribution.logprob(token), top)

    def _adjust(self, logits: Logits) -> Logits:
        """Apply bias and penalties, where the model leaves a choice."""
        settings = self._sampling
        penalised = settings.frequency_penalty or settings.presence_penalty
        if logits.sole or not (settings.logit_bias or (penalised and self._counts)):
            return logits
        own = dict(logits.own)
        if penalised:
            for token, count in self._counts.items():
                change = settings.frequency_penalty * count + settings.presence_penalty
                own[token] = _logit(own, logits, token) - change
        for token, bias in settings.logit_bias.items():
            own[token] = _logit(own, logits, token) + bias
        return Logits(own, words=logits.words, bytes=logits.bytes)


def _logit(own: Mapping[int, float], logits: Logits, token: int) -> float:
    given = own.get(token)
    if given is not None:
        return given
    rest = logits.bytes if token < tokens.BYTES else logits.words
    return _OUT_OF_REACH if rest is None else rest
