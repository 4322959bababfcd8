"""What a run that asks several times gives to the gate: counts of a check, repeats of an answer."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_byom.conformance.exchange import Exchange, Sent
from pytest_byom.conformance.finding import Level, Outcome, Verdict
from pytest_byom.contract import load_contract
from pytest_byom.gate.fingerprint import take_fingerprint
from pytest_byom.gate.gating import entry_of
from pytest_byom.suite_gate import verdict_data
from pytest_byom.suite_prints import plain_answers

from .making import entry


@dataclass(frozen=True, kw_only=True)
class Repeated(Verdict):
    """A verdict of a check that was tried several times."""

    counts: tuple[int, int]


def test_counts() -> None:
    """A verdict that has counts gives them to the baseline, and one that has none is as before."""
    members = {"check": "tools.auto", "endpoint": "mine", "outcome": Outcome.FAILED}
    repeated = Repeated(level=Level.MUST, counts=(18, 20), **members)  # type: ignore[arg-type]
    once = Verdict(level=Level.MUST, **members)  # type: ignore[arg-type]
    assert entry_of(verdict_data(repeated)) == entry("failed", count=(18, 20))
    assert entry_of(verdict_data(once)) == entry("failed")


def answered(body: bytes) -> Exchange:
    """Return an exchange of the plain contract with this body."""
    sent = Sent("POST", "http://x/v1/chat/completions", (), b"{}")
    headers = (("content-type", "application/json"),)
    return Exchange(load_contract("chat/plain"), sent, status=200, headers=headers, raw=body)


def test_repeats() -> None:
    """Several exchanges of one contract are repeats: what varies between them is marked."""
    traffic = [answered(b'{"usage": null}'), answered(b'{"usage": {"total_tokens": 3}}')]
    found = take_fingerprint(plain_answers(traffic, model="m"))
    assert found["chat/plain"]["body"] == {"usage": "null|object?"}


def test_not_asked() -> None:
    """What was not asked, for a limit or a server that went away, is no answer."""
    sent = Sent("", "", (), b"")
    lost = Exchange(load_contract("chat/plain"), sent, trouble="not asked: the limit is used up")
    assert plain_answers([lost], model="m") == {}


def test_coded() -> None:
    """A body is read without its content coding; one that does not decode is taken as it is."""
    for raw in (b"\x1f\x8b broken", b"{}"):
        exchange = answered(raw)
        exchange.headers = (*exchange.headers, ("content-encoding", "gzip"))
        (answer,) = plain_answers([exchange], model="m")["chat/plain"]
        assert answer.body == raw
