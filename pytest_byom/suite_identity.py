"""Who answers at an endpoint: the kind of server, its version, its models.

Most of it stands in answers that a run has anyway. What tells the version is asked with at most
two more GETs, of local and unknown servers only: a cloud has none, and may count them.
"""

from __future__ import annotations

import dataclasses
import re
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

PAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "/version": ("", ("version",)),
    "/props": ("llama.cpp", ("build_info",)),
    "/api/version": ("Ollama", ("version",)),
}
"""Paths below the root, the server whose own they are, and the members that tell the version."""

PAGES_OF = {
    "vLLM": "/version",
    "SGLang": "/version",
    "llama.cpp": "/props",
    "Ollama": "/api/version",
}
MOST_PAGES = 2
MOST_MODELS = 20
TIMEOUT = 5.0
SAFE = re.compile(r"[\w.+() -]{1,64}", re.ASCII)


def identify(target: Target) -> dict[str, Any]:
    """Return who answers at an open target, asking for the version where that may help."""
    models = _entries(target.ask("models/list"))
    owners = sorted({str(entry["owned_by"]) for entry in models if entry.get("owned_by")})
    header = target.server
    kind = next((OWNERS[owner] for owner in owners if owner in OWNERS), "")
    name, _, version = header.partition("/")
    if header and not PROXIES.match(header):
        kind = kind or name
    else:
        version = ""
    pages: list[str] = []
    if not version and _has_pages(target.endpoint.dialect) and kind != "byom-embedded":
        kind, version, pages = _ask_pages(target, kind)
    names = sorted(str(entry.get("id")) for entry in models)
    return {
        "kind": kind,
        "version": version if SAFE.fullmatch(version) else "",
        "header": header,
        "model": target.model,
        "models": names[:MOST_MODELS],
        "models_total": len(names),
        "owned_by": owners[:MOST_MODELS],
        "pages": pages,
    }


def _has_pages(dialect: str) -> bool:
    """Whether a page may tell the version: a cloud has none, the embedded server has a header."""
    return not dialect or not (dialect == EMBEDDED or load_dialect(dialect).key_variable)


def _entries(exchange: Exchange) -> list[dict[str, Any]]:
    try:
        found = dig(exchange.json, "data")
    except Inconclusive:
        return []
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _ask_pages(target: Target, kind: str) -> tuple[str, str, list[str]]:
    """Return kind and version after asking for the pages that may tell them."""
    paths = [PAGES_OF[kind]] if kind in PAGES_OF else list(PAGES)[:MOST_PAGES]
    contracts = {
        path: Contract(
            id=path, title="Who answers", request=RequestTemplate(method="GET", path=path)
        )
        for path in paths
    }
    limits = dataclasses.replace(
        target.endpoint.limits, timeout=min(TIMEOUT, target.endpoint.limits.timeout)
    )
    aim = dataclasses.replace(target.asker.aim, base_url=_root(target.endpoint.base_url))
    asker = Asker(aim, limits, load=contracts.__getitem__, spending=target.asker.spending)
    asked = []
    try:
        for path in paths:
            exchange = asker.ask(path)
            asked.append(f"GET {path} {exchange.status or 'no answer'}")
            if version := _version_in(exchange, path):
                return kind or PAGES[path][0], version, asked
    finally:
        asker.close()
    return kind, "", asked


def _version_in(exchange: Exchange, path: str) -> str:
    try:
        data = exchange.json if exchange.status == 200 else None
    except Inconclusive:
        return ""
    members = PAGES[path][1]
    found = (data.get(member) for member in members) if isinstance(data, dict) else ()
    return next((value for value in found if isinstance(value, str) and value), "")


def _root(base_url: str) -> str:
    """Return a base URL without its /v1: a server's own pages are beside it."""
    parts = urlsplit(base_url)
    return urlunsplit(parts._replace(path=parts.path.removesuffix("/v1"))).rstrip("/")
