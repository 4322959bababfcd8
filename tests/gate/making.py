"""Records, entries and answers made by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_byom.gate.baseline import Baseline, Entry, Record
from pytest_byom.gate.fingerprint import Answer, Fingerprint, take_fingerprint

if TYPE_CHECKING:
    from pytest_byom.gate.shapes import Shape

MODEL = "small"
JSON = (("content-type", "application/json"),)
STREAM = (("content-type", "text/event-stream"),)


def entry(outcome: str, *, level: str = "must", count: Any = None) -> Entry:
    """Return what became of a check."""
    return Entry(level=level, outcome=outcome, count=count)


def record(**members: Any) -> Record:
    """Return the record of a small server."""
    usual: dict[str, Any] = {
        "server": {"kind": "vLLM", "version": "0.19.0", "model": MODEL},
        "checks": {"stream.done-marker": entry("passed"), "usage.sum": entry("failed")},
        "exchanges": {"chat/plain": {"answer": {"status": "200", "body": "JSON object"}}},
        "speed": {"first_token": 40.5},
    }
    return Record(**usual | members)


def baseline(**members: Any) -> Baseline:
    """Return a baseline of one endpoint, `mine`."""
    usual: dict[str, Any] = {
        "endpoints": {"mine": record()},
        "suite": "0.1.0",
        "saved": "2027-01-31T12:00:00+00:00",
        "name": "before.json",
    }
    return Baseline(**usual | members)


def plain(data: Any, *, status: int = 200, kind: str = "plain", headers: Any = JSON) -> Answer:
    """Return a plain answer with this JSON, or these bytes."""
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return Answer(kind=kind, model=MODEL, status=status, headers=headers, body=body)


def streamed(*chunks: Any, before: str = "", done: bool = True) -> Answer:
    """Return a stream of these chunks."""
    texts = [chunk if isinstance(chunk, str) else json.dumps(chunk) for chunk in chunks]
    texts += ["[DONE]"] * done
    body = before + "".join(f"data: {text}\n\n" for text in texts)
    events = tuple(("message", text) for text in texts)
    return Answer(
        kind="stream",
        model=MODEL,
        status=200,
        headers=STREAM,
        body=body.encode(),
        events=events,
    )


def completion(message: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return a chat completion with one choice."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    reason = members.pop("finish_reason", "stop")
    return {"id": "c-1", "model": MODEL, "choices": [choice | {"finish_reason": reason}], **members}


def chunk(delta: dict[str, Any], finish: str | None = None, **members: Any) -> dict[str, Any]:
    """Return a chunk with one choice."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c-1", "model": MODEL, "choices": [choice], **members}


def shapes(answer: Answer) -> Shape:
    """Return the shape of one answer."""
    return prints(answer)["x"]


def prints(*answers: Answer) -> Fingerprint:
    """Return the fingerprint of several answers to one request."""
    return take_fingerprint({"x": answers})
