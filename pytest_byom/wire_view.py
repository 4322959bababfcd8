"""An exchange as a report shows it: both messages in whole, but for secrets and the middle of long
bodies.

Taken out are the secrets of the endpoint, each replaced by the name of its variable, and in
answers what names a person or an account: cookies, and ids of organizations, projects and users.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_byom.client.redact import HIDDEN, HIDDEN_ID, PERSONAL_HEADERS, PERSONAL_IDS
from pytest_byom.conformance.finding import Inconclusive

if TYPE_CHECKING:
    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.conformance.showing import Shower

MOST_CHARACTERS = 6000
"""Of a body. Shown are the first three quarters and the last one: streams go wrong at the end."""


def wire_view(exchange: Exchange, shower: Shower) -> dict[str, Any]:
    """Return what was sent and what came, as plain data."""
    return {"request": _request(exchange, shower), "response": _response(exchange, shower)}


def _request(exchange: Exchange, shower: Shower) -> dict[str, Any]:
    sent = exchange.sent
    return {
        "method": sent.method,
        "url": shower.redact(sent.url),
        "headers": [[name, shower.redact(value)] for name, value in sent.headers],
        "body": _cut(shower.redact(sent.body.decode("utf-8", "replace"))),
        "bytes": len(sent.body),
        "curl": shower.curl(exchange) if sent.url else "",
    }


def _response(exchange: Exchange, shower: Shower) -> dict[str, Any]:
    text = PERSONAL_IDS.sub(HIDDEN_ID, shower.redact(_text(exchange)))
    return {
        "status": exchange.status,
        "headers": [
            [name, HIDDEN if PERSONAL_HEADERS.search(name) else shower.redact(value)]
            for name, value in exchange.headers
        ],
        "body": _cut(text),
        "bytes": len(exchange.raw),
        "trouble": shower.redact(exchange.trouble),
    }


def _text(exchange: Exchange) -> str:
    """Return the body as text; one whose content coding does not decode, as it came."""
    try:
        return exchange.text
    except Inconclusive:
        return exchange.raw.decode("utf-8", "replace")


def _cut(text: str) -> str:
    """Return a text without its middle; it was redacted before, so that no cut parts a secret."""
    left_out = len(text) - MOST_CHARACTERS
    if left_out <= 0:
        return text
    first = MOST_CHARACTERS * 3 // 4
    return f"{text[:first]}\n… {left_out} characters left out …\n{text[first + left_out :]}"
