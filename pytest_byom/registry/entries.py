"""Makes an endpoint or a model of its entry in the file and of what is known anyway."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_byom.client.errors import RegistryError, UsageError
from pytest_byom.registry.dialects import (
    Dialect,
    list_dialects,
    load_dialect,
    make_deviations,
    make_think_tags,
)
from pytest_byom.registry.endpoints import Endpoint, GateSettings, Limits
from pytest_byom.registry.urls import find_url_problem, normalise_url, same_host
from pytest_byom.registry.variables import Resolved, name_only_variable, resolve_variables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_byom.client.models import CustomModel
    from pytest_byom.registry.document import Document, KeyPath

_UNSENDABLE = re.compile(r"[^\t\x20-\x7e]")
"""What a header cannot carry. Keys with a line break come out of files."""


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """One entry of the file, or an empty one, with its variables replaced.

    `given` is the entry as it was written.
    """

    path: KeyPath
    given: Mapping[str, Any]
    resolved: Resolved
    document: Document

    def get(self, key: str) -> Any:
        return self.resolved.data.get(key)

    def refuse(self, path: KeyPath, problem: str) -> NoReturn:
        used = sorted(self.resolved.used.get(path, {}))
        names = f" (it comes from {', '.join(used)})" if used else ""
        raise RegistryError(f"{self.document.describe(path)} {problem}{names}")


def _read_entry(section: str, name: str, document: Document, environ: Mapping[str, str]) -> _Entry:
    path: KeyPath = (section, name)
    given = ((document.data or {}).get(section) or {}).get(name) or {}
    resolved = resolve_variables(given, path, document, environ)
    return _Entry(path=path, given=given, resolved=resolved, document=document)


def make_endpoint(name: str, document: Document, environ: Mapping[str, str]) -> Endpoint:
    """Return the endpoint of a name that stands in the file or is known anyway.

    Raises RegistryError if a variable is missing, or has a value that cannot be used.
    """
    entry = _read_entry("endpoints", name, document, environ)
    known = load_dialect(name) if name in list_dialects() else None
    base_url = _take_base_url(entry, known)
    # The usual key goes to the usual server only, never to a proxy under its name.
    home = known if known and same_host(base_url, known.base_url) else None
    api_key, key_variable = _take_key(entry, home, environ)
    dialect = entry.get("dialect") or (name if known else "")
    return Endpoint(
        name=name,
        base_url=base_url,
        model=entry.get("model") or None,
        api_key=api_key,
        key_variable=key_variable,
        extra_headers=_take_headers(entry),
        dialect=dialect,
        think_tags=_take_think_tags(entry, dialect),
        limits=_take_limits(entry, home),
        capabilities=dict(entry.get("capabilities") or {}),
        deviations=(
            *make_deviations(entry.get("deviations") or [], origin="registry"),
            *(load_dialect(dialect).deviations if dialect else ()),
        ),
        gate=GateSettings(**_make_whole(entry.get("gate") or {})),
        hint=_take_hint(known, home),
        is_provider=bool(home and home.key_variable),
        hidden=_find_hidden(entry),
    )


def make_model(name: str, document: Document, environ: Mapping[str, str]) -> CustomModel:
    """Return the model of an id that stands in the file.

    Raises RegistryError if a variable is missing.
    """
    from pytest_byom.client.models import CustomModel

    entry = _read_entry("models", name, document, environ)
    try:
        return CustomModel(model_id=name, **_make_whole(entry.resolved.data))
    except UsageError as error:
        entry.refuse(entry.path, f"is no valid model: {error}")


def _take_base_url(entry: _Entry, known: Dialect | None) -> str:
    if "base_url" not in entry.given:
        return known.base_url if known else ""
    base_url = normalise_url(entry.get("base_url"))
    if problem := find_url_problem(base_url):
        entry.refuse((*entry.path, "base_url"), problem)
    return base_url


def _take_key(
    entry: _Entry, home: Dialect | None, environ: Mapping[str, str]
) -> tuple[str | None, str]:
    """Return the key and the variable that it is in."""
    if "api_key" not in entry.given:
        variable = home.key_variable if home else ""
        key = environ.get(variable, "").strip()
        return (key, variable) if key else (None, "")
    path = (*entry.path, "api_key")
    key = (entry.get("api_key") or "").strip()
    if _UNSENDABLE.search(key):
        entry.refuse(path, "has a character that cannot stand in a header")
    variable = name_only_variable(entry.given["api_key"] or "")
    return key or None, variable if variable in entry.resolved.used.get(path, {}) else ""


def _take_headers(entry: _Entry) -> dict[str, str]:
    headers = {}
    for name, value in (entry.get("extra_headers") or {}).items():
        headers[name] = value.strip()
        if _UNSENDABLE.search(headers[name]):
            path = (*entry.path, "extra_headers", name)
            entry.refuse(path, "has a character that cannot stand in a header")
    return headers


def _take_limits(entry: _Entry, home: Dialect | None) -> Limits:
    """Return the limits of the file on top of the pace that the provider documents."""
    pace = home.limits if home else {}
    return Limits(**{**pace, **_make_whole(entry.get("limits") or {})})


def _make_whole(data: Mapping[str, Any]) -> dict[str, Any]:
    """Write whole numbers as such: for JSON Schema, and in YAML's 1.0e+6, a float may be one."""
    return {
        key: int(value) if isinstance(value, float) and value.is_integer() else value
        for key, value in data.items()
    }


def _take_think_tags(entry: _Entry, dialect: str) -> tuple[str, str] | None:
    if "think_tags" in entry.given:
        return make_think_tags(entry.get("think_tags"))
    return load_dialect(dialect).think_tags if dialect else None


def _take_hint(known: Dialect | None, home: Dialect | None) -> str:
    """A cloud's hint is about its key; a local server is started alike wherever it listens."""
    if known is None or (known.key_variable and home is None):
        return ""
    return known.hint


def _find_hidden(entry: _Entry) -> tuple[str, ...]:
    """Return what came from the environment into the key and the headers, alone and in place."""
    hidden: set[str] = set()
    for path, variables in entry.resolved.used.items():
        if path[2] == "api_key":
            hidden.update(variables.values())
        elif path[2] == "extra_headers":
            hidden.update((*variables.values(), entry.get("extra_headers")[path[3]]))
    return tuple(sorted(value.strip() for value in hidden))
