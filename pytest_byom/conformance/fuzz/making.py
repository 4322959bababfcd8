"""From what was drawn to a contract: a request that is asked once, and replays from its file."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Any

from pytest_byom.contract import Contract, RequestTemplate
from pytest_byom.contract.placeholders import escape_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_byom.contract.format import Kind

FOLDER = "fuzz/"
EXPECTED: dict[str, dict[str, Any]] = {"valid": {"status": 200}, "broken": {"status": "4xx"}}


def is_fuzzed(contract: Contract) -> bool:
    """Whether a contract was made here."""
    return contract.id.startswith(FOLDER)


def make_valid(body: dict[str, Any], *, before: Sequence[Contract] = ()) -> Contract:
    """Return the contract of a valid request, sent after some others."""
    names = tuple(contract.id for contract in before)
    return _make("A valid request, drawn at random", "valid", _template(body), before=names)


def make_left(body: dict[str, Any]) -> Contract:
    """Return the contract of a request for a stream that is left after its first event."""
    request = dataclasses.replace(_template(body), close_after_events=1)
    return _make("A stream that is left, drawn at random", "valid", request)


def make_broken(body: dict[str, Any], why: str) -> Contract:
    """Return the contract of a request that has to be refused; `why` says what is wrong."""
    return _make(f"A broken request: {_line(why)}", "broken", _template(body))


def make_body(body: bytes, why: str, *, tolerated: bool) -> Contract:
    """Return the contract of a body in bytes; one that is `tolerated` may be taken, too."""
    kind: Kind = "open" if tolerated else "broken"
    try:
        template = RequestTemplate(body_text=escape_value(body.decode()))
    except UnicodeDecodeError:
        template = RequestTemplate(body_base64=base64.b64encode(body).decode())
    return _make(f"A broken body: {_line(why)}", kind, template)


def _template(body: dict[str, Any]) -> RequestTemplate:
    return RequestTemplate(body={"model": "${model}"} | escape_value(_without_model(body)))


def _without_model(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "model"}


def _line(text: str) -> str:
    """Return a text on one short line, in ASCII."""
    return " ".join(ascii(text)[1:-1].split())[:80]


def _make(
    title: str, kind: Kind, request: RequestTemplate, *, before: tuple[str, ...] = ()
) -> Contract:
    parts = [request.body, request.body_text, request.body_base64]
    asked = json.dumps([*parts, *before, *filter(None, [request.close_after_events])])
    digest = hashlib.sha256(asked.encode()).hexdigest()[:10]
    return Contract(
        id=f"{FOLDER}{kind}-{digest}",
        title=title,
        kind=kind,
        request=request,
        before=before,
        expect=EXPECTED.get(kind),
    )
