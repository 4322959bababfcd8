"""What a server may lack without being wrong: said in the registry, or probed once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_byom.conformance.finding import Inconclusive
from pytest_byom.conformance.thoughts import shows_reasoning

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_byom.conformance.exchange import Exchange

PROBES: dict[str, str] = {
    "audio": "audio/input",
    "auth": "auth/missing-key",
    "json_object": "structured/json-object",
    "json_schema": "structured/json-schema",
    "legacy_functions": "tools/legacy-named",
    "logit_bias": "capability/logit-bias",
    "logprobs": "logprobs/top-two",
    "models": "models/list",
    "n": "params/n-two",
    "parallel_tools": "parity/calls",
    "prediction": "capability/prediction",
    "reasoning": "reasoning/answer",
    "seed": "params/seed-one",
    "stop": "params/stop-list",
    "stream": "chat/stream",
    "tool_choice_named": "tools/named",
    "tool_choice_required": "tools/required",
    "tools": "tools/offered",
    "usage_stream": "usage/stream",
    "vision": "vision/png",
    "web_search": "capability/web-search",
}
"""Which contract shows whether a server has a capability: it answers that with a 4xx if not."""

WITHOUT = {"audio": "audio/without", "vision": "vision/without"}
"""The same question without what is to be heard or seen: what costs no more was passed over."""


@dataclass(frozen=True)
class Capability:
    """Whether a server has a capability, and how that is known.

    One that `fails` counts as present, so that the checks report it.
    """

    name: str
    present: bool
    reason: str
    fails: bool = False


def said(name: str, present: bool) -> Capability:
    """Return what the registry says."""
    return Capability(name, present, f"the registry says {name}: {str(present).lower()}")


def probe(name: str, ask: Callable[[str], Exchange]) -> Capability:
    """Return what the server's answer to the capability's contract shows.

    What is answered neither with 200 nor with a 4xx fails.
    """
    exchange = ask(PROBES[name])
    if name == "auth":
        refused = exchange.answered().is_refused
        word = "refused" if refused else "accepted"
        return Capability(name, refused, f"a request without a key is {word}")
    if exchange.is_refused:
        message = exchange.error_message()
        return Capability(name, False, f"the server refused it with {exchange.status}: {message}")
    if exchange.status == 200 and _has_no_effect(name, exchange, ask):
        return Capability(name, False, "the server accepted it, and it had no effect")
    if exchange.status is None:
        return Capability(name, True, f"no answer came: {exchange.trouble}", fails=True)
    said = f"the server answered {exchange.status}"
    return Capability(name, True, said, fails=exchange.status != 200)


def _has_no_effect(name: str, exchange: Exchange, ask: Callable[[str], Exchange]) -> bool:
    """Whether a model has not got a sense: no image, no sound, no effort changes its answer."""
    if name == "reasoning":
        return _shows_none(exchange)
    if name not in WITHOUT:
        return False
    with_it, without = (_prompt_tokens(answer) for answer in (exchange, ask(WITHOUT[name])))
    return bool(with_it and without and with_it <= without)


def _shows_none(exchange: Exchange) -> bool:
    """Whether an answer that can be read shows no reasoning."""
    try:
        return not shows_reasoning(exchange)
    except Inconclusive:
        return False


def _prompt_tokens(exchange: Exchange) -> int:
    """Return the tokens of the prompt; 0 if they are not counted."""
    try:
        return exchange.usage("prompt_tokens")
    except Inconclusive:
        return 0
