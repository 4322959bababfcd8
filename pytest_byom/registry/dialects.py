"""The servers that are known without a file: one YAML file each, in `pytest_byom/dialects/`."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from datetime import date
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pytest_byom.registry.document import parse_document
from pytest_byom.registry.endpoints import Deviation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """One server software: where it usually is, which variable holds its key, what is known.

    `sources` are the pages that say so, `limits` the pace that its documentation allows,
    `think_tags` the marks between which models served by it leave their reasoning in the text, if
    they do.
    """

    name: str
    title: str
    base_url: str
    key_variable: str
    hint: str
    deviations: tuple[Deviation, ...]
    sources: tuple[str, ...]
    limits: Mapping[str, Any] = field(default_factory=dict)
    think_tags: tuple[str, str] | None = None


@functools.cache
def list_dialects() -> tuple[str, ...]:
    """Return the names of the known servers, sorted."""
    files = (resources.files("pytest_byom") / "dialects").iterdir()
    return tuple(
        sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml"))
    )


@functools.cache
def load_dialect(name: str) -> Dialect:
    """Return what is known about a server of `list_dialects`."""
    data = read_profile(name)
    limits = dict(data.get("pace") or {})
    limits.pop("source", None)
    return Dialect(
        name=name,
        title=data["title"],
        base_url=data["base_url"],
        key_variable=data["key_variable"],
        hint=data["hint"],
        deviations=make_deviations(map(_without_source, data["deviations"]), origin="dialect"),
        sources=tuple(source["at"] for source in data["sources"].values()),
        limits=limits,
        think_tags=make_think_tags(data.get("think_tags") or []),
    )


@functools.cache
def dialects_by_title() -> Mapping[str, str]:
    """Return the name of each known server by what it calls itself, as in "LM Studio"."""
    return MappingProxyType({load_dialect(name).title: name for name in list_dialects()})


@functools.cache
def read_profile(name: str) -> Mapping[str, Any]:
    """Return the file of a server of `list_dialects` as it stands, for pages and tests."""
    file = resources.files("pytest_byom") / "dialects" / f"{name}.yaml"
    data: dict[str, Any] = parse_document(file.read_text("utf-8"), shown=file.name).data
    return data


def _without_source(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in ("source", "shown")}


def make_think_tags(marks: list[str]) -> tuple[str, str] | None:
    """Return the two marks of a list that the schema has found valid; None for an empty one."""
    return (marks[0], marks[1]) if marks else None


def make_deviations(entries: Iterable[Mapping[str, Any]], *, origin: str) -> tuple[Deviation, ...]:
    """Return the deviations of a list that the schema has found valid."""
    return tuple(Deviation(**(_with_date(entry)), origin=origin) for entry in entries)


def _with_date(entry: Mapping[str, Any]) -> dict[str, Any]:
    until = entry.get("until")
    return {**entry, "until": date.fromisoformat(until) if until else None}
