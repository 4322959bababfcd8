"""An exchange for people: what was asked, what came back, and a curl line that asks again.

No secret gets through: each is replaced by the name of the variable that holds it.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_byom.conformance.finding import Finding, Wrong
from pytest_byom.conformance.sending import USER_AGENT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.registry import Endpoint

ANSWER_LIMIT = 240
BODY_LIMIT = 1200
"""A curl line with a longer body says how long it was instead."""

CUT = "…"
"""The mark of a cut, here and wherever a check shortens what it found."""

SHORTEST_PIECE = 4
"""Shorter pieces of a secret tell nothing."""

SPECIAL = re.compile(r"[\\\"`$]")
"""What a shell reads in double quotes."""

USUAL_HEADERS = {"accept-encoding": "identity", "user-agent": USER_AGENT}
"""What curl need not repeat."""


class Shower:
    """Makes findings of one endpoint, with its secrets taken out."""

    def __init__(self, endpoint: Endpoint, ask: Callable[[str], Exchange]) -> None:
        self._ask = ask
        self._names = secret_names(endpoint)

    def finding(self, check: str, wrong: Wrong) -> Finding:
        """Return what a check found, with the request and the answer that show it."""
        exchange = self._ask(wrong.exchange) if wrong.exchange else None
        return Finding(
            check=check,
            exchange=wrong.exchange,
            place=wrong.place,
            expected=self.redact(wrong.expected),
            got=self.redact(wrong.got),
            asked=self._asked(exchange) if exchange else "",
            answered=self._answered(exchange, wrong.excerpt) if exchange else "",
            curl=self.curl(exchange) if exchange else "",
            steps=self.redact(wrong.steps),
        )

    def curl(self, exchange: Exchange) -> str:
        """Return a line for a shell that sends the request again; `$NAME` stands for a secret."""
        sent = exchange.sent
        words = ["curl", "-sS", "-i"] + (["-N"] if exchange.contract.asks_stream else [])
        if sent.method == "HEAD":
            words.append("--head")
        elif sent.method not in ("POST", "POST" if sent.body else "GET"):
            words += ["-X", sent.method]
        words.append(self._quote(sent.url))
        for name, value in sent.headers:
            if USUAL_HEADERS.get(name) != value:
                words += ["-H", self._quote(f"{name}: {value}")]
        if len(sent.body) > BODY_LIMIT:
            words.append(f"--data-binary @-  # a body of {len(sent.body)} bytes")
        elif sent.body or sent.method == "POST":
            words += ["--data-binary", self._quote(sent.body.decode("utf-8", "replace"))]
        return " ".join(words)

    def redact(self, text: str) -> str:
        """Return the text with each secret replaced by the name of its variable.

        So is a piece of one that a cut left beside its mark. Half a character, which no terminal
        takes, is written as an escape.
        """
        for secret, name in self._names.items():
            text = text.replace(secret, f"${name}")
            if CUT in text:
                text = _without_pieces(text, secret, f"${name}")
        return text.encode("utf-8", "backslashreplace").decode()

    def _asked(self, exchange: Exchange) -> str:
        request, sent = exchange.contract.request, exchange.sent
        path = (
            sent.url[-len(request.path) :] if "$" not in request.path else urlsplit(sent.url).path
        )
        body = self._cut(sent.body.decode("utf-8", "replace"))
        return f"{sent.method} {self.redact(path)} {body}".strip()

    def _answered(self, exchange: Exchange, excerpt: str) -> str:
        if exchange.status is None:
            return self.redact(exchange.trouble)
        body = self.redact(excerpt) or self._cut(_spaced(exchange))
        return f"{exchange.status} {self.redact(exchange.media_type)} {body}".strip()

    def _cut(self, text: str) -> str:
        """Return a text without its middle; redacted first, so that no cut parts a secret."""
        text = self.redact(text)
        if len(text) <= ANSWER_LIMIT:
            return text
        return f"{text[: ANSWER_LIMIT * 3 // 4]} … {text[-ANSWER_LIMIT // 4 :]}"

    def _quote(self, text: str) -> str:
        """Quote for a shell: in single quotes, but in double ones where a variable has to work."""
        if self.redact(text) == text:
            return shlex.quote(text)
        pattern = "|".join(map(re.escape, self._names))
        parts = re.split(f"({pattern})", text)
        shown = [
            self._variable(part, before=after)
            if part in self._names
            else SPECIAL.sub(r"\\\g<0>", part)
            for part, after in zip(parts, [*parts[1:], ""], strict=True)
        ]
        return f'"{"".join(shown)}"'

    def _variable(self, secret: str, *, before: str) -> str:
        """Return the variable of a secret, in braces where a letter follows it."""
        name = self._names[secret]
        return f"${{{name}}}" if re.match(r"\w", before) else f"${name}"


def secret_names(endpoint: Endpoint) -> Mapping[str, str]:
    """Return the variable that stands for each secret of an endpoint, the longest secret first."""
    key_name = endpoint.key_variable or "BYOM_API_KEY"
    names = dict.fromkeys(endpoint.secrets, "BYOM_SECRET")
    for header, value in endpoint.extra_headers.items():
        for secret in names:
            if secret in value:
                names[secret] = header.upper().replace("-", "_")
    if endpoint.api_key in names:
        names[endpoint.api_key] = key_name
    return names


def _spaced(exchange: Exchange) -> str:
    """Return the body on one line; JSON with spaces, so that it can be wrapped."""
    text = exchange.raw.decode("utf-8", "replace")
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return " ".join(text.split())


def _without_pieces(text: str, secret: str, name: str) -> str:
    """Replace what is left of a secret before or after the mark of a cut."""
    for length in range(len(secret) - 1, SHORTEST_PIECE - 1, -1):
        for space in ("", " "):
            text = text.replace(f"{secret[:length]}{space}{CUT}", f"{name}{space}{CUT}")
            text = text.replace(f"{CUT}{space}{secret[-length:]}", f"{CUT}{space}{name}")
    return text
