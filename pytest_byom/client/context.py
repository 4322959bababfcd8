"""Fits a conversation into a model's window.

A conversation is cut between units only: a tool call and its results are one unit, and system and
developer messages at the start always stay. The token counter is a guess unless you bring one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pytest_byom.client.dialogue import Summarise
from pytest_byom.client.errors import UsageError

Message = Mapping[str, Any]
Messages = list[dict[str, Any]]
TokenCounter = Callable[[Message], int]
Fitting = Generator[Summarise, str, Messages]

_PROMPT = (
    "Summarise the conversation so far for someone who will continue it. Keep names, numbers, "
    "decisions, open questions and the results of tools. Write plain text."
)
_IMAGE_TOKENS = 1000


def estimate_tokens(message: Message) -> int:
    """A cautious guess: a token for every 3 characters or every 2 bytes beyond ASCII.

    Real tokenisers give 3 to 5 characters of English to a token; an image is taken as 1000.
    """
    return 4 + _size(message.get("content")) + _size(message.get("tool_calls"))


class ContextStrategy(Protocol):
    """How to make a conversation fit."""

    @property
    def count(self) -> TokenCounter:
        """How many tokens a message takes."""
        ...

    def fitting(self, messages: Messages, *, budget: int) -> Fitting:
        """A dialogue that gives back messages of at most `budget` tokens."""
        ...


@dataclass(frozen=True, kw_only=True)
class TruncateOldest:
    """Leaves out the oldest units until the rest fits."""

    count: TokenCounter = field(default=estimate_tokens)

    def fitting(self, messages: Messages, *, budget: int) -> Fitting:
        """See ContextStrategy."""
        yield from ()
        return truncate(messages, budget=budget, count=self.count)


@dataclass(frozen=True)
class SlidingWindow:
    """Keeps the last messages, whole units of them, and fewer if those do not fit."""

    keep_last: int
    count: TokenCounter = field(default=estimate_tokens, kw_only=True)

    def __post_init__(self) -> None:
        _check_keep(self.keep_last)

    def fitting(self, messages: Messages, *, budget: int) -> Fitting:
        """See ContextStrategy."""
        yield from ()
        head, units = split_units(messages)
        _, late = _last_units(units, self.keep_last)
        return truncate([*head, *_flat(late)], budget=budget, count=self.count)


@dataclass(frozen=True)
class Summarize:
    """Lets a model write a summary of what no longer fits, and keeps the last messages."""

    llm: Any = field(repr=False)
    keep_last: int = field(default=4, kw_only=True)
    prompt: str = field(default=_PROMPT, kw_only=True)
    count: TokenCounter = field(default=estimate_tokens, kw_only=True)

    def __post_init__(self) -> None:
        _check_keep(self.keep_last)
        if not callable(getattr(self.llm, "send_messages", None)):
            raise UsageError("Summarize needs an LLM or AsyncLLM to ask")

    def fitting(self, messages: Messages, *, budget: int) -> Fitting:
        """See ContextStrategy."""
        if _total(messages, self.count) <= budget:
            return messages
        head, units = split_units(messages)
        early, late = _last_units(units, self.keep_last)
        if early:
            text = yield Summarise(
                self.llm, [*_flat(early), {"role": "user", "content": self.prompt}]
            )
            note = {"role": "user", "content": f"Summary of the conversation so far:\n{text}"}
            late = [[note], *late]
        return truncate([*head, *_flat(late)], budget=budget, count=self.count)


def truncate(messages: Messages, *, budget: int, count: TokenCounter) -> Messages:
    """Leave out the oldest units until the rest fits.

    Raises UsageError if the last one alone does not.
    """
    head, units = split_units(messages)
    total = _total(messages, count)
    while total > budget and len(units) > 1:
        total -= _total(units.pop(0), count)
    if total > budget:
        raise UsageError(
            f"the conversation does not fit: what has to stay counts {total} tokens, and the "
            f"context window leaves {budget}"
        )
    return [*head, *_flat(units)]


def split_units(messages: Messages) -> tuple[Messages, list[Messages]]:
    """Part a conversation into what always stays, and units that stay or go as a whole.

    A unit is one message, or an assistant's tool calls with all results that follow.
    """
    start = 0
    while start < len(messages) and messages[start].get("role") in ("system", "developer"):
        start += 1
    units: list[Messages] = []
    for message in messages[start:]:
        answers = message.get("role") in ("tool", "function")
        if units and answers and _calls(units[-1][0]):
            units[-1].append(message)
        else:
            units.append([message])
    return messages[:start], units


def _last_units(units: list[Messages], keep: int) -> tuple[list[Messages], list[Messages]]:
    """Part the units so that the later ones hold at least `keep` messages, if there are so many."""
    at, kept = len(units), 0
    while at > 0 and kept < keep:
        at -= 1
        kept += len(units[at])
    return units[:at], units[at:]


def _calls(message: Message) -> bool:
    return bool(message.get("tool_calls") or message.get("function_call"))


def _flat(units: Sequence[Messages]) -> Messages:
    return [message for unit in units for message in unit]


def _total(messages: Sequence[Message], count: TokenCounter) -> int:
    return sum(map(count, messages))


def _check_keep(keep: int) -> None:
    if not isinstance(keep, int) or isinstance(keep, bool) or keep < 1:
        raise UsageError(f"keep_last must be 1 or more messages, not {keep!r}")


def _size(value: object) -> int:
    if value is None:
        return 0
    if isinstance(value, str):
        return (
            len(value) // 3 + 1 if value.isascii() else len(value.encode("utf-8", "replace")) // 2
        )
    if isinstance(value, Mapping):
        if value.get("type") in ("image_url", "input_audio", "file"):
            return _IMAGE_TOKENS
        return sum(map(_size, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(_size, value))
    return 1
