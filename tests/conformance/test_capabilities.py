"""What a server may lack: said, or shown by its answer to a probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_byom.conformance.capabilities import PROBES, Capability, probe, said
from pytest_byom.conformance.finding import Inconclusive
from pytest_byom.contract import load_contract

from .making import make_exchange, make_silence

if TYPE_CHECKING:
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
    assert probed("tools", make_exchange(NO_TOOLS, status=500)).present


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
    assert probed("tools", make_silence()).present


def test_silence_shows_no_authentication() -> None:
    """Whether a server that gave no answer asks for a key is not known."""
    with pytest.raises(Inconclusive, match="got no answer: no connection: refused"):
        probed("auth", make_silence())


@pytest.mark.parametrize("name", sorted(set(PROBES) - {"auth"}))
def test_probe_is_valid(name: str) -> None:
    """A probe is a request that a server with the capability has to take."""
    assert load_contract(PROBES[name]).kind == "valid"
