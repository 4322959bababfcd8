"""Results made by hand for reports: of many endpoints and checks, and with hostile texts."""

from __future__ import annotations

import datetime
import json
from typing import Any

from pytest_byom.conformance.finding import Finding, Level, Outcome, Verdict
from pytest_byom.gate.results import make_results

from .verdicts import FACTS, make_finding, make_verdict

MOMENT = datetime.datetime(2027, 1, 31, 12, 0, 0, 0, datetime.UTC)

HOSTILE = (
    "</script><script>alert(1)</script>\"'`<!--\u2028\u2029\u202egnp.exe\x00\x1b[31m\ud83d&amp;"
    "<img src=x onerror=alert(2)>"
)
"""What a server might send to break out of a page, a file of Markdown, or a log."""

AREAS = ("auth", "errors", "http", "models", "params", "response", "stream", "tools", "usage")
"""The areas of checks that are made up."""


def closed(schema: Any) -> Any:
    """Return a JSON Schema so that no object may have members that it does not name."""
    if isinstance(schema, list):
        return [closed(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: closed(value) for key, value in schema.items()}
    if "properties" in strict and strict.get("type") == "object":
        strict.setdefault("additionalProperties", False)
    return strict


def make_run(
    *verdicts: Verdict, facts: dict[str, Any] | None = None, **members: Any
) -> dict[str, Any]:
    """Return the results of a run as they are read from a file, some members changed."""
    usual: dict[str, Any] = {"started": MOMENT, "finished": MOMENT, "complete": True}
    known = {"mine": FACTS} if facts is None else facts
    made = make_results(verdicts, known, **usual | {"exit_code": 0} | members)
    read: dict[str, Any] = json.loads(json.dumps(made))
    return read


def make_exchange(text: str = "", **response: Any) -> dict[str, Any]:
    """Return an exchange as a report shows it, with a text in each of its places."""
    url = f"http://127.0.0.1:8000/v1/chat/completions{text}"
    body = f'{{"model": "m", "messages": [{{"role": "user", "content": "Say ok.{text}"}}]}}'
    asked = {"method": "POST", "url": url, "headers": [["accept", f"*/*{text}"]], "body": body}
    came = {"status": 200, "headers": [["content-type", f"application/json{text}"]]}
    return {
        "request": asked | {"bytes": len(body), "curl": f"curl -sS -i {url}"},
        "response": came | {"body": f'{{"id": "1"}}{text}', "bytes": 9, "trouble": text} | response,
    }


def make_gate(*differences: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return what a gate says of a run, with these differences."""
    usual: dict[str, Any] = {
        "kind": "regressed",
        "endpoint": "mine",
        "what": "mine.slug",
        "before": "passed",
    }
    usual |= {"after": "failed", "note": "", "where": []}
    gate: dict[str, Any] = {
        "baseline": "before.json",
        "saved": "2027-01-30T08:00:00+00:00",
        "suite": "0.1.0",
    }
    gate |= {"failed": True, "undecided": False, "strangers": []}
    return gate | {"differences": [usual | one for one in differences]} | members


def make_large_run(endpoints: int = 8, checks: int = 450) -> dict[str, Any]:
    """Return a run of many endpoints, at each of which one check in nine did not pass."""
    names = [f"server-{number}" for number in range(endpoints)]
    facts = {name: FACTS | {"checks": checks, "exchanges": _exchanges()} for name in names}
    verdicts = [
        _verdict(name, place, number)
        for place, name in enumerate(names)
        for number in range(checks)
    ]
    return make_run(*verdicts, facts=facts, exit_code=1)


def _exchanges() -> dict[str, Any]:
    return {f"chat/n{number}": make_exchange() for number in range(40)}


def _verdict(endpoint: str, place: int, number: int) -> Verdict:
    outcome = _outcome(place, number)
    id = f"{AREAS[number % len(AREAS)]}.check-{number}"
    finds = outcome in (Outcome.FAILED, Outcome.DEVIATES, Outcome.IGNORED)
    return Verdict(
        check=id,
        level=list(Level)[number % 3],
        outcome=outcome,
        endpoint=endpoint,
        sentence=f"The answer to question {number} has every member that the reference names.",
        source="the reference [x-01]" if finds else "",
        breaks="openai-python raises, LangChain shows nothing",
        reason="" if outcome is Outcome.PASSED else "a reason in words",
        findings=(_finding(id, number),) if finds else (),
    )


def _outcome(place: int, number: int) -> Outcome:
    if (number // 9 + place) % 9:
        return Outcome.PASSED
    return list(Outcome)[1 + (number + place) % (len(Outcome) - 1)]


def _finding(id: str, number: int) -> Finding:
    return make_finding(check=id, exchange=f"chat/n{number % 40}", place="usage.total_tokens")


def hostile_run() -> dict[str, Any]:
    """Return a run in which every text that a server can send is hostile."""
    finding = make_finding(place=HOSTILE, expected=HOSTILE, got=HOSTILE, exchange="chat/plain")
    lost = make_finding(exchange="chat/lost", answered=HOSTILE, curl=HOSTILE)
    reason = {"reason": HOSTILE, "breaks": HOSTILE, "sentence": HOSTILE, "source": HOSTILE}
    facts = FACTS | {"model": HOSTILE, "server": HOSTILE, "gone": HOSTILE, "dialect": HOSTILE}
    facts |= {"identity": {HOSTILE: {HOSTILE: HOSTILE}}}
    facts |= {"capabilities": {"n": {"present": False, "known": "probed", "reason": HOSTILE}}}
    facts |= {"exchanges": {"chat/plain": make_exchange(HOSTILE)}}
    verdict = make_verdict(Outcome.FAILED, findings=(finding, lost), endpoint=HOSTILE, **reason)
    return make_run(verdict, facts={HOSTILE: facts}, notes=[HOSTILE])


DIFFERENCE = [{"class": HOSTILE, "check": HOSTILE, "before": HOSTILE, "after": HOSTILE}]
