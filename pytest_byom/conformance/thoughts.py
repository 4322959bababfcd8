"""Where an answer carries its reasoning: beside the text, inside of it, or in the count only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.exchange import dig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_byom.conformance.exchange import Exchange

NAMES = ("reasoning_content", "reasoning")
"""The members that clients read, in the order in which they look for them."""

MARKS = ("<think>", "</think>", "<|channel|>", "<|begin_of_thought|>", "[THINK]")
"""What a model writes around its reasoning, and a server takes out of the text."""

COUNT = "completion_tokens_details.reasoning_tokens"


def thoughts(message: Mapping[str, Any]) -> dict[str, str]:
    """Return the reasoning in a message or a delta, by the names of its members."""
    found = {name: message.get(name) for name in NAMES}
    return {name: text for name, text in found.items() if isinstance(text, str) and text}


def shows_reasoning(exchange: Exchange) -> bool:
    """Whether a plain answer shows that the model reasoned, wherever it says so.

    Raises Inconclusive if the answer has no message.
    """
    message, content = exchange.message, exchange.message.get("content")
    if thoughts(message) or message.get("reasoning_details"):
        return True
    if dig(exchange.completion, f"usage.{COUNT}"):
        return True
    if isinstance(content, list):  # one server sends its reasoning as a part of the text
        return any(dig(part, "type") in ("thinking", "reasoning") for part in content)
    return any(mark in str(content) for mark in MARKS)
