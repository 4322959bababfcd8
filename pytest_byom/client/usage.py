"""Counts tokens and money, whatever a server calls them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_byom.client.models import CustomModel

# The names under which servers send each count, as paths; the first that holds a number wins.
NAMES: dict[str, tuple[str, ...]] = {
    "input_tokens": ("prompt_tokens", "input_tokens", "promptTokens", "prompt_eval_count"),
    "output_tokens": ("completion_tokens", "output_tokens", "completionTokens", "eval_count"),
    "total_tokens": ("total_tokens", "totalTokens"),
    "cached_tokens": (
        "prompt_tokens_details.cached_tokens",
        "input_tokens_details.cached_tokens",
        "prompt_cache_hit_tokens",  # DeepSeek
        "num_cached_tokens",  # Mistral
        "cached_tokens",
        "cache_read_input_tokens",
    ),
    "cached_output_tokens": ("completion_tokens_details.cached_tokens",),
    "reasoning_tokens": (
        "completion_tokens_details.reasoning_tokens",
        "output_tokens_details.reasoning_tokens",
        "reasoning_tokens",
    ),
}
_PATHS = {name: tuple(tuple(path.split(".")) for path in paths) for name, paths in NAMES.items()}
_MILLION = Decimal(1_000_000)


@dataclass(frozen=True)
class Usage:
    """How many tokens an answer took, in the server's own counting.

    A count that the server did not send is 0; `raw` is what it did send.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    cached_output_tokens: int = 0
    reasoning_tokens: int = 0
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def billed_output_tokens(self) -> int:
        """The output tokens with those of reasoning.

        xAI leaves them out of completion_tokens and counts them in total_tokens only.
        """
        apart = self.input_tokens + self.output_tokens + self.reasoning_tokens
        beside = self.reasoning_tokens and self.total_tokens == apart
        return self.output_tokens + (self.reasoning_tokens if beside else 0)


@dataclass(frozen=True)
class Cost:
    """An exact amount of money."""

    amount: Decimal
    currency: str = "USD"

    def __str__(self) -> str:
        return f"{self.amount.normalize():f} {self.currency}"


def read_usage(raw: object) -> Usage | None:
    """Read a usage object of any dialect; None if it is none."""
    if not isinstance(raw, dict):
        return None
    counts = {name: _first_number(raw, paths) for name, paths in _PATHS.items()}
    if not counts["total_tokens"]:
        counts["total_tokens"] = counts["input_tokens"] + counts["output_tokens"]
    return Usage(**counts, raw=raw)


def cost_of(usage: Usage | None, model: CustomModel | str) -> Cost | None:
    """What the tokens cost at the model's prices; None without usage or without prices known."""
    if usage is None or isinstance(model, str):
        return None
    cached_in = min(usage.cached_tokens, usage.input_tokens)
    cached_out = min(usage.cached_output_tokens, usage.billed_output_tokens)
    total = (
        (usage.input_tokens - cached_in) * model.price("in")
        + cached_in * model.price("in_cached")
        + (usage.billed_output_tokens - cached_out) * model.price("out")
        + cached_out * model.price("out_cached")
    )
    return Cost(total / _MILLION, model.currency)


def _first_number(raw: Mapping[str, Any], paths: tuple[tuple[str, ...], ...]) -> int:
    for path in paths:
        value: Any = raw
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        number = None if value is None else _whole(value)
        if number is not None:
            return number
    return 0


def _whole(value: object) -> int | None:
    """A count as an integer; servers send floats and digit strings too."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        return int(value)
    return None
