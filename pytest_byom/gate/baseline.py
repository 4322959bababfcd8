"""A baseline: what one run found of its endpoints, as a file that is made to be read in git.

It is JSON with one line for each entry, sorted. The first line has what differs from one run to
the next (the time, the speed); all others are the same as long as the server is. A digest tells
whether anybody changed it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_byom.gate.counts import Count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_byom.gate.fingerprint import Fingerprint

FORMAT = 1
HEADER = "byom-baseline"
AGAIN = "save it again with --byom-save"


class BaselineError(ValueError):
    """A file cannot serve as a baseline; the message is one sentence for a person."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What became of one check; `count` where it was tried several times."""

    level: str
    outcome: str
    count: Count | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the entry as it stands in the file."""
        data: dict[str, Any] = {"level": self.level, "outcome": self.outcome}
        return data | (self.count._asdict() if self.count else {})

    def __str__(self) -> str:
        return f"{self.outcome} ({self.count})" if self.count else self.outcome


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is known of one endpoint: who answered, each check, the fingerprint, the speed."""

    server: Mapping[str, Any] = field(default_factory=dict)
    checks: Mapping[str, Entry] = field(default_factory=dict)
    exchanges: Fingerprint = field(default_factory=dict)
    speed: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The records of a run by endpoint; `name` is the file, as it was given."""

    endpoints: Mapping[str, Record]
    suite: str = ""
    saved: str = ""
    name: str = ""


def dump_baseline(baseline: Baseline) -> str:
    """Return the text of a baseline file."""
    endpoints = {name: _plain(record) for name, record in sorted(baseline.endpoints.items())}
    header: dict[str, Any] = {
        "format": FORMAT,
        "suite": baseline.suite,
        "saved": baseline.saved,
        "speed": {name: dict(r.speed) for name, r in sorted(baseline.endpoints.items()) if r.speed},
    }
    header["digest"] = _digest(header, endpoints)
    return "\n".join(_lines(header, endpoints)) + "\n"


def _plain(record: Record) -> dict[str, dict[str, Any]]:
    return {
        "server": dict(sorted(record.server.items())),
        "checks": {id: entry.as_json() for id, entry in sorted(record.checks.items())},
        "exchanges": {
            f"{exchange}: {place}": members
            for exchange, shape in sorted(record.exchanges.items())
            for place, members in sorted(shape.items())
        },
    }


def _digest(header: Mapping[str, Any], endpoints: Mapping[str, Any]) -> str:
    text = json.dumps([header, endpoints], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _lines(header: Mapping[str, Any], endpoints: Mapping[str, Any]) -> Iterator[str]:
    yield "{"
    yield f"{_text(HEADER)}: {_text(header)},"
    yield '"endpoints": {'
    for name, sections, comma in _with_commas(endpoints):
        yield f"{_text(name)}: {{"
        for section, entries, between in _with_commas(sections):
            yield f" {_text(section)}: {{"
            for key, value, after in _with_commas(entries):
                yield f"  {_text(key)}: {_text(value)}{after}"
            yield f" }}{between}"
        yield f"}}{comma}"
    yield "}"
    yield "}"


def _with_commas(data: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    for number, (key, value) in enumerate(data.items(), 1):
        yield key, value, "," * (number < len(data))


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, sort_keys=not isinstance(value, dict))


def parse_baseline(text: str, *, name: str) -> Baseline:
    """Return the baseline of a file's text; raises BaselineError if it is none that can be used."""
    data = _read(text, name)
    header = data.get(HEADER) if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(header, dict):
        raise BaselineError(f"{name} is no baseline: --byom-save=FILE writes one")
    if header.get("format") != FORMAT:
        raise BaselineError(_wrong_format(header, name))
    digest = header.pop("digest", None)
    if digest != _digest(header, data.get("endpoints") or {}):
        raise BaselineError(
            f"{name} was changed after it was saved: restore it or {AGAIN} "
            "(what is to be accepted goes into byom.yaml: byom accept)"
        )
    try:
        endpoints = {
            endpoint: _record(part, header.get("speed", {}).get(endpoint, {}))
            for endpoint, part in data["endpoints"].items()
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise BaselineError(f"{name} lacks a part of a baseline: {AGAIN}") from error
    suite, saved = str(header.get("suite", "")), str(header.get("saved", ""))
    return Baseline(endpoints=endpoints, suite=suite, saved=saved, name=name)


def _read(text: str, name: str) -> Any:
    if not text.strip():
        raise BaselineError(f"{name} is empty: {AGAIN}")
    try:
        return json.loads(text)
    except RecursionError:
        raise BaselineError(f"{name} is no baseline: --byom-save=FILE writes one") from None
    except ValueError as error:
        line = getattr(error, "lineno", 0)
        if HEADER not in text[:200]:
            raise BaselineError(f"{name} is no baseline: --byom-save=FILE writes one") from None
        if "<<<<<<<" in text:
            raise BaselineError(f"{name} has the marks of a merge conflict: {AGAIN}") from None
        if line >= len(text.splitlines()):
            raise BaselineError(f"{name} ends in the middle, at line {line}: {AGAIN}") from None
        raise BaselineError(f"{name} is broken at line {line}: restore it or {AGAIN}") from None


def _wrong_format(header: Mapping[str, Any], name: str) -> str:
    found, suite = header.get("format"), header.get("suite")
    if isinstance(found, int) and found > FORMAT:
        return (
            f"{name} was saved by pytest-byom {suite} in format {found}, and this version reads "
            f"format {FORMAT}: upgrade pytest-byom, or {AGAIN}"
        )
    return f"{name} has the format {found!r}, which no version writes: {AGAIN}"


def _record(part: Mapping[str, Any], speed: Mapping[str, float]) -> Record:
    exchanges: Fingerprint = {}
    for key, members in part["exchanges"].items():
        exchange, _, place = key.partition(": ")
        exchanges.setdefault(exchange, {})[place] = members
    checks = {id: _entry(data) for id, data in part["checks"].items()}
    return Record(server=part["server"], checks=checks, exchanges=exchanges, speed=speed)


def _entry(data: Mapping[str, Any]) -> Entry:
    count = Count(data["passed"], data["tried"]) if "tried" in data else None
    return Entry(level=data["level"], outcome=data["outcome"], count=count)
