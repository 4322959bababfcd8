"""Who answers at an endpoint: the kind of server, its version, its models.

Most of it stands in answers that a run has anyway. What tells the version is asked with at most
two more GETs, of local and unknown servers only: a cloud has none, and may count them.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from pytest_byom.conformance.asking import Asker
from pytest_byom.conformance.exchange import dig
from pytest_byom.conformance.finding import Inconclusive
from pytest_byom.contract import Contract
from pytest_byom.contract.format import RequestTemplate
from pytest_byom.registry.dialects import load_dialect
from pytest_byom.registry.endpoints import EMBEDDED

if TYPE_CHECKING:
    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.conformance.target import Target

OWNERS = {
    "vllm": "vLLM",
    "sglang": "SGLang",
    "llamacpp": "llama.cpp",
    "library": "Ollama",
    "organization_owner": "LM Studio",
    "byom": "byom-embedded",
}
"""What servers write as the owner of their models."""

PROXIES = re.compile(
    r"uvicorn|gunicorn|hypercorn|granian|nginx|openresty|caddy|cloudflare|envoy|istio-envoy|"
    r"apache|traefik|kestrel|gws|google frontend|awselb|cowboy|werkzeug|haproxy",
    re.IGNORECASE,
)
"""What stands in front of a server, or inside many of them: no name of its own."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page that tells a version: the server whose own it is, where the version stands.

    A page that many servers have is one's own if this text is in its title.
    """

    kind: str = ""
    version: str = "version"
    title: str = ""


PAGES = {
    "/version": Page(),
    "/props": Page(kind="llama.cpp", version="build_info"),
    "/api/version": Page(kind="Ollama"),
    "/openapi.json": Page(
        kind="llama-cpp-python", version="info.version", title="llama.cpp Python API"
    ),
}
"""Paths below the root, and what stands there."""

PAGES_OF = {
    "vLLM": "/version",
    "SGLang": "/version",
    "llama.cpp": "/props",
    "Ollama": "/api/version",
    "llama-cpp-python": "/openapi.json",
}

HINTS = {"me": "/openapi.json"}
"""Owners of models that anybody may write, and the page that tells whether one server did."""

SAY_WHO = frozenset({"llama-cpp-python"})
"""Servers that say who they are even to whoever has no key: who does not is none of them."""

MOST_PAGES = 2
MOST_MODELS = 20
TIMEOUT = 5.0
SAFE = re.compile(r"[\w.+() -]{1,64}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a list of models and the name in a header tell of a server."""

    kind: str
    version: str
    header: str
    owners: tuple[str, ...]
    models: tuple[str, ...]

    def pages(self, dialect: str) -> list[str]:
        """Return the paths below the root that may tell the version; most often none."""
        if self.version or self.kind == "byom-embedded" or not _has_pages(dialect):
            return []
        if self.kind in PAGES_OF:
            return [PAGES_OF[self.kind]]
        usual = PAGES_OF.get(load_dialect(dialect).title) if dialect else None
        hinted = (HINTS.get(owner) for owner in self.owners)
        return list(dict.fromkeys(filter(None, [*hinted, usual, *PAGES])))[:MOST_PAGES]


def look(models: Exchange, header: str) -> Seen:
    """Return what the answer to GET /models and a server's name in a header tell."""
    entries = _entries(models)
    owners = tuple(sorted({str(entry["owned_by"]) for entry in entries if entry.get("owned_by")}))
    kind = next((OWNERS[owner] for owner in owners if owner in OWNERS), "")
    name, _, version = header.partition("/")
    if header and not PROXIES.match(header):
        kind = kind or name
    else:
        version = ""
    names = tuple(sorted(str(entry.get("id")) for entry in entries))
    return Seen(kind=kind, version=safe(version), header=header, owners=owners, models=names)


def safe(version: str) -> str:
    """Return a version that can be shown, else an empty text."""
    return version if SAFE.fullmatch(version) else ""


def identify(target: Target) -> dict[str, Any]:
    """Return who answers at an open target, asking for the version where that may help."""
    seen = look(target.ask("models/list"), target.server)
    kind, version, pages = seen.kind, seen.version, list[str]()
    if paths := seen.pages(target.endpoint.dialect):
        kind, version, pages = _ask_pages(target, kind, paths)
    return {
        "kind": kind,
        "version": safe(version),
        "header": seen.header,
        "model": target.model,
        "models": list(seen.models[:MOST_MODELS]),
        "models_total": len(seen.models),
        "owned_by": list(seen.owners[:MOST_MODELS]),
        "pages": pages,
    }


def _has_pages(dialect: str) -> bool:
    """Whether a page may tell the version: a cloud has none, the embedded server has a header."""
    return not dialect or not (dialect == EMBEDDED or load_dialect(dialect).key_variable)


def page_contract(path: str) -> Contract:
    """Return the request for a page below the root of a server."""
    request = RequestTemplate(method="GET", path=path)
    return Contract(id=path, title="Who answers", request=request)


def _entries(exchange: Exchange) -> list[dict[str, Any]]:
    try:
        found = dig(exchange.json, "data")
    except Inconclusive:
        return []
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _ask_pages(target: Target, kind: str, paths: list[str]) -> tuple[str, str, list[str]]:
    """Return kind and version after asking for the pages that may tell them."""
    contracts = {path: page_contract(path) for path in paths}
    limits = dataclasses.replace(
        target.endpoint.limits, timeout=min(TIMEOUT, target.endpoint.limits.timeout)
    )
    aim = dataclasses.replace(target.asker.aim, base_url=root_of(target.endpoint.base_url))
    asker = Asker(aim, limits, load=contracts.__getitem__, spending=target.asker.spending)
    asked = []
    try:
        for path in paths:
            exchange = asker.ask(path)
            asked.append(f"GET {path} {exchange.status or 'no answer'}")
            if version := version_in(exchange, path):
                return kind or PAGES[path].kind, version, asked
    finally:
        asker.close()
    return kind, "", asked


def version_in(exchange: Exchange, path: str) -> str:
    """Return the version that a page tells, or an empty text."""
    try:
        data = exchange.json if exchange.status == 200 else None
    except Inconclusive:
        return ""
    page = PAGES[path]
    if page.title not in str(dig(data, "info.title")):
        return ""
    found = dig(data, page.version)
    return found if isinstance(found, str) else ""


def root_of(base_url: str) -> str:
    """Return a base URL without its /v1: a server's own pages are beside it."""
    parts = urlsplit(base_url)
    return urlunsplit(parts._replace(path=parts.path.removesuffix("/v1"))).rstrip("/")
