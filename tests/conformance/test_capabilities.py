"""What a server may lack: said, or shown by its answer to a probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_byom.conformance.capabilities import PROBES, WITHOUT, Capability, probe, said
from pytest_byom.conformance.catalogue import all_checks
from pytest_byom.conformance.finding import Inconclusive
from pytest_byom.contract import load_contract

from .making import make_exchange, make_silence

if TYPE_CHECKING:
    from typing import Any

    from pytest_byom.conformance.exchange import Exchange

NO_TOOLS = {"error": {"message": "tools are not supported"}}


def probed(name: str, exchange: Exchange) -> Capability:
    """Return the capability that an answer to its probe shows."""
    asked: list[str] = []

    def ask(id: str) -> Exchange:
        asked.append(id)
        return exchange

    found = probe(name, ask)
    assert asked == [PROBES[name]]
    return found


@pytest.mark.parametrize("present", [True, False])
def test_said(present: bool) -> None:
    """What the registry says is taken as said."""
    word = str(present).lower()
    assert said("tools", present) == Capability(
        "tools", present, f"the registry says tools: {word}"
    )


def test_accepted() -> None:
    """A server that takes the probe has the capability."""
    assert probed("tools", make_exchange()) == Capability("tools", True, "the server answered 200")


@pytest.mark.parametrize("status", [400, 404, 422, 499])
def test_refused(status: int) -> None:
    """A server that refuses the probe with a 4xx lacks it, in its own words."""
    found = probed("tools", make_exchange(NO_TOOLS, status=status))
    reason = f"the server refused it with {status}: tools are not supported"
    assert found == Capability("tools", False, reason)


def test_server_error() -> None:
    """A 5xx is no lack: the checks run and report it."""
    found = probed("tools", make_exchange(NO_TOOLS, status=500))
    assert (found.present, found.fails) == (True, True)


AUTH = [
    (401, True, "a request without a key is refused"),
    (403, True, "a request without a key is refused"),
    (200, False, "a request without a key is accepted"),
]


@pytest.mark.parametrize(("status", "present", "reason"), AUTH)
def test_auth(status: int, present: bool, reason: str) -> None:
    """A server that refuses a request without a key has authentication."""
    assert probed("auth", make_exchange(status=status)) == Capability("auth", present, reason)


def test_silence() -> None:
    """A probe that got no answer is no lack: the checks run and report it."""
    found = probed("tools", make_silence())
    assert (found.present, found.fails) == (True, True)


def test_silence_shows_no_authentication() -> None:
    """Whether a server that gave no answer asks for a key is not known."""
    with pytest.raises(Inconclusive, match="got no answer: no connection: refused"):
        probed("auth", make_silence())


@pytest.mark.parametrize("name", sorted(set(PROBES) - {"auth"}))
def test_probe_is_valid(name: str) -> None:
    """A probe is a request that a server with the capability has to take."""
    assert load_contract(PROBES[name]).kind == "valid"


IGNORED = "the server accepted it, and it had no effect"


def answered(*, prompt_tokens: object = None, **message: Any) -> Exchange:
    """Return a plain answer with a message and a count."""
    choices = [{"index": 0, "message": {"role": "assistant", "content": "408", **message}}]
    return make_exchange({"choices": choices, "usage": {"prompt_tokens": prompt_tokens}})


@pytest.mark.parametrize("name", sorted(WITHOUT))
@pytest.mark.parametrize(
    ("with_it", "without", "present"),
    [(30, 20, True), (20, 20, False), (19, 20, False), (None, 20, True), (20, None, True)],
)
def test_passed_over(name: str, with_it: object, without: object, present: bool) -> None:
    """What costs no token was not seen or heard; what is not counted may have been."""
    answers = {PROBES[name]: with_it, WITHOUT[name]: without}
    found = probe(name, lambda id: answered(prompt_tokens=answers[id]))
    assert found.present == present
    assert present or found.reason == IGNORED


REASONED = [
    ({"reasoning_content": "17 times 24"}, True),
    ({"reasoning": "17 times 24"}, True),
    ({"reasoning_details": [{"type": "reasoning.text"}]}, True),
    ({"content": "<think>17 times 24</think>408"}, True),
    ({"content": [{"type": "thinking", "thinking": []}]}, True),
    ({"content": [{"type": "text", "text": "408"}]}, False),
    ({"reasoning_content": None}, False),
    ({"reasoning_content": ""}, False),
    ({}, False),
]


@pytest.mark.parametrize(("message", "present"), REASONED)
def test_reasoned(message: dict[str, Any], present: bool) -> None:
    """A model that shows no reasoning has none, wherever others carry it."""
    assert probed("reasoning", answered(**message)).present == present


def test_reasoned_in_secret() -> None:
    """Reasoning that is only counted is reasoning."""
    details = {"completion_tokens_details": {"reasoning_tokens": 64}}
    message = {"role": "assistant", "content": "408"}
    exchange = make_exchange({"choices": [{"message": message}], "usage": details})
    assert probed("reasoning", exchange).present


def test_no_message_is_no_lack() -> None:
    """An answer that cannot be read is no lack: the checks run and report it."""
    assert probed("reasoning", make_exchange({"choices": []})).present


OPTIONAL = {
    "audio", "json_schema", "legacy_functions", "logit_bias", "logprobs", "n", "parallel_tools",
    "prediction", "reasoning", "seed", "vision", "web_search",
}  # fmt: skip


def test_optional_is_probed() -> None:
    """What a server may lack is needed by a check, so that it is said or probed."""
    assert {need for check in all_checks().values() for need in check.needs} >= OPTIONAL
