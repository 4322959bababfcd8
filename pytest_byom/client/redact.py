"""Takes secrets out of whatever is shown."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_byom.client.errors import BYOMError

HIDDEN = "***"
SECRET_NAMES = re.compile(r"auth|key|token|secret|cookie|password|credential", re.IGNORECASE)
"""Headers and query parameters with such names hold secrets."""

PERSONAL_HEADERS = re.compile(r"organi[sz]ation|project|cookie|user|account|tenant|session", re.I)
PERSONAL_IDS = re.compile(
    r"\b(org|proj|project|user|acct|account)[-_](?=[A-Za-z]*\d)[A-Za-z0-9]{8,}\b"
)
HIDDEN_ID = r"\1-***"

_SHORTEST = 4
# What people write where a server wants no key: no secret, and often a word of every message.
_NO_SECRETS = frozenset({"none", "null", "empty", "ollama", "lm-studio", "vllm", "test", "dummy"})
_KEY_SHAPES = re.compile(
    r"\b(?:sk|gsk|xai|hf|pplx|nvapi|csk)[-_][A-Za-z0-9_-]{16,}|(?<=Bearer )[^\s\"'\\,;]{8,}"
)
_ATTRIBUTES = ("endpoint", "server_message", "code", "type", "param", "request_id")


class Redactor:
    """Knows the secrets of one endpoint, and whatever else looks like a key."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)

    def __repr__(self) -> str:
        return f"Redactor({len(self._forms)} forms)"

    def text(self, text: str) -> str:
        """The text without secrets."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return _KEY_SHAPES.sub(HIDDEN, text)

    def bytes(self, body: bytes) -> bytes:
        """The bytes without secrets; all else stays, whatever its encoding."""
        for form in self._forms:
            body = body.replace(form.encode("utf-8", "surrogatepass"), HIDDEN.encode())
        text = body.decode("latin-1")
        return _KEY_SHAPES.sub(HIDDEN, text).encode("latin-1")

    def error(self, error: BYOMError) -> BYOMError:
        """The same error, with the secrets taken out of its message and attributes."""
        error.args = tuple(self.text(arg) if isinstance(arg, str) else arg for arg in error.args)
        for name in _ATTRIBUTES:
            value = getattr(error, name, None)
            if isinstance(value, str):
                setattr(error, name, self.text(value))
        body = getattr(error, "body", b"")
        if body:
            error.body = self.bytes(body)  # type: ignore[attr-defined]  # it has one
        return error


class HiddenHeaders(dict[str, str]):
    """Headers whose secret values are sent but never shown."""

    def __repr__(self) -> str:
        return repr(
            {name: HIDDEN if SECRET_NAMES.search(name) else value for name, value in self.items()}
        )

    __str__ = __repr__


class HiddenText(str):
    """A text that is used but never shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(HIDDEN)


def secrets_of(api_key: str | None, headers: Mapping[str, Any], url: str) -> list[str]:
    """All secrets that a configuration holds: of the key, the headers and the URL."""
    found = [api_key or ""]
    for name, value in headers.items():
        if value and SECRET_NAMES.search(name):
            found += [str(value), str(value).rpartition(" ")[2]]
    parts = urlsplit(url)
    if parts.password:
        pair = f"{unquote(parts.username or '')}:{unquote(parts.password)}"
        found += [parts.password, unquote(parts.password)]
        found.append(base64.b64encode(pair.encode()).decode())
    for pair in parts.query.split("&"):
        name, _, value = pair.partition("=")
        if SECRET_NAMES.search(name):
            found.append(value)
    return found


def shown_url(url: str) -> str:
    """A URL without the secrets that people put into it."""
    parts = urlsplit(url)
    netloc = parts.netloc.rpartition("@")[2]
    query = "&".join(
        f"{name}={HIDDEN}" if SECRET_NAMES.search(name) and value else name + equals + value
        for name, equals, value in (pair.partition("=") for pair in parts.query.split("&"))
    )
    return urlunsplit((parts.scheme, netloc, parts.path, query, ""))


def _forms(secret: str) -> set[str]:
    """A secret as it is, and as URLs and JSON write it."""
    secret = secret.strip()
    if len(secret) < _SHORTEST or secret.lower() in _NO_SECRETS:
        return set()
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}
