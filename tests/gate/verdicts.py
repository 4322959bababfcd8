"""Verdicts, facts and known deviations made by hand."""

from __future__ import annotations

from typing import Any

from pytest_byom.conformance.finding import Finding, Level, Outcome, Verdict

FACTS: dict[str, Any] = {
    "base_url": "http://127.0.0.1:8000/v1",
    "model": "m",
    "server": "uvicorn",
    "dialect": "",
    "checks": 1,
    "requests": 3,
    "tokens": 4000,
    "sent": 3,
    "gone": "",
    "trouble": "",
}


def make_verdict(outcome: Outcome = Outcome.PASSED, **members: Any) -> Verdict:
    """Return a verdict on `mine.slug` at `mine`."""
    usual = {
        "check": "mine.slug",
        "level": Level.MUST,
        "outcome": outcome,
        "endpoint": "mine",
        "sentence": "It answers in Dutch.",
    }
    return Verdict(**usual | members)


def make_finding(**members: Any) -> Finding:
    """Return a finding of `mine.slug`."""
    usual = {
        "check": "mine.slug",
        "exchange": "chat/plain",
        "place": "reply",
        "expected": "Dutch",
        "got": "ok",
        "asked": "POST /chat/completions {}",
        "answered": "200 application/json {}",
        "curl": "curl -sS -i http://127.0.0.1:8000/v1/chat/completions",
    }
    return Finding(**usual | members)
