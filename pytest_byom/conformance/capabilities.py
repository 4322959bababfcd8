"""What a server may lack without being wrong: said in the registry, or probed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_byom.conformance.exchange import Exchange

PROBES: dict[str, str] = {
    "auth": "auth/missing-key",
    "json_object": "structured/json-object",
    "json_schema": "structured/json-schema",
    "logprobs": "logprobs/top-two",
    "models": "models/list",
    "n": "params/n-two",
    "stop": "params/stop-list",
    "stream": "chat/stream",
    "tool_choice_named": "tools/named",
    "tool_choice_required": "tools/required",
    "tools": "tools/offered",
    "usage_stream": "usage/stream",
}
"""Which contract shows whether a server has a capability: it answers that with a 4xx if not."""


@dataclass(frozen=True)
class Capability:
    """Whether a server has a capability, and how that is known."""

    name: str
    present: bool
    reason: str


def said(name: str, present: bool) -> Capability:
    """Return what the registry says."""
    return Capability(name, present, f"the registry says {name}: {str(present).lower()}")


def probe(name: str, ask: Callable[[str], Exchange]) -> Capability:
    """Return what the server's answer to the capability's contract shows.

    An answer that is neither a 200 nor a 4xx counts as present, so that the checks report it.
    """
    exchange = ask(PROBES[name])
    if name == "auth":
        refused = exchange.answered().is_refused
        word = "refused" if refused else "accepted"
        return Capability(name, refused, f"a request without a key is {word}")
    if exchange.is_refused:
        message = exchange.error_message()
        return Capability(name, False, f"the server refused it with {exchange.status}: {message}")
    return Capability(name, True, f"the server answered {exchange.status}")
