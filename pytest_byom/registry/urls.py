"""Base URLs: what is wrong with one, and the name of an endpoint that is only a URL."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\]|[^\s\[\]<>\"'{}|\\^`%]+")


def normalise_url(url: str) -> str:
    """Return the URL without spaces around it and without a slash at the end."""
    return re.sub(r"(?<=[^:/])/+$", "", url.strip())


def find_url_problem(url: str) -> str:
    """Say what is wrong with a base URL, as the end of a sentence; "" if nothing is.

    The sentence never repeats the URL: a wrong one may hold a password.
    """
    scheme = _SCHEME.match(url)
    if scheme is None:
        return "must start with http:// or https://, as in http://localhost:8000/v1"
    if scheme[1].lower() not in ("http", "https"):
        return f"must start with http:// or https://, not {scheme[1]}://"
    return _find_problem_behind_scheme(url)


def _find_problem_behind_scheme(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "has a host or a port that is not valid"
    if "@" in parts.netloc:
        return "must not carry a user or a password"
    if not host or not _HOST.fullmatch(parts.netloc.rpartition(":")[0] or host):
        return "has no valid host"
    if re.search(r"[\s\x00-\x1f\x7f]", url):
        return "must not contain spaces"
    if parts.query or parts.fragment:
        return "must not have a query or a fragment (? or #)"
    if parts.path.rstrip("/").endswith("/chat/completions"):
        return "must end before /chat/completions, which is added to it"
    return ""


def name_of_url(url: str) -> str:
    """Return host and port of a URL, and its path unless that is /v1."""
    parts = urlsplit(url)
    path = "" if parts.path in ("", "/v1") else parts.path
    return f"{parts.netloc}{path}"


def same_host(one: str, other: str) -> bool:
    """True if two URLs lead to one server: scheme, host and port are equal."""
    return _origin(one) == _origin(other)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()
