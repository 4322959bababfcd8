"""`byom diff` and `byom accept`: lines to print and an exit code, from files."""

from __future__ import annotations

import datetime
import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_byom.client.errors import BYOMError, RegistryError, UsageError
from pytest_byom.conformance.finding import FINDS
from pytest_byom.gate.exit_codes import FAILED, GOOD, UNDECIDED
from pytest_byom.gate.gate_text import gate_lines
from pytest_byom.gate.gating import Mode, Pair, make_gate
from pytest_byom.gate.results import FILE as RESULTS
from pytest_byom.registry import GateSettings, load_registry
from pytest_byom.registry.accepting import add_deviations
from pytest_byom.registry.loading import FILE_NAMES
from pytest_byom.registry.validation import is_date
from pytest_byom.suite_gate import read_baseline

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from pytest_byom.gate.baseline import Baseline, Record
    from pytest_byom.gate.terminal import Styled


def diff(arguments: argparse.Namespace) -> tuple[list[Styled], int]:
    """Compare two baselines as a gate does."""
    before, after = read_baseline(arguments.before), read_baseline(arguments.after)
    try:
        mode = Mode.parse(arguments.gate or "")
    except ValueError as error:
        raise UsageError(f"--gate: {error}") from None
    pairs = (
        Pair(endpoint=name, before=old, after=new, settings=_settings(name))
        for name, old, new in _pairs(before, after)
    )
    gate = make_gate(pairs, baseline=before, mode=mode, suite=after.suite)
    code = FAILED if gate.fails else UNDECIDED if gate.undecided else GOOD
    return list(gate_lines(gate, _sentences())), code


def _pairs(before: Baseline, after: Baseline) -> Iterator[tuple[str, Record, Record]]:
    """Yield what is to be compared: the endpoints of both, or the only one of each."""
    common = sorted(set(before.endpoints) & set(after.endpoints))
    if len(before.endpoints) == len(after.endpoints) == 1 and not common:
        (old,), ((name, new),) = before.endpoints.values(), after.endpoints.items()
        yield name, old, new
        return
    if missing := sorted(set(before.endpoints) - set(after.endpoints)):
        there = ", ".join(map(repr, after.endpoints)) or "nothing"
        raise UsageError(f"{after.name} is of {there}, and has no {missing[0]!r} to compare")
    for name in common:
        yield name, before.endpoints[name], after.endpoints[name]


def _settings(name: str) -> GateSettings:
    try:
        return load_registry().endpoint(name).gate
    except BYOMError:  # a file from elsewhere: its endpoint need not be known here
        return GateSettings()


def _sentences() -> dict[str, str]:
    from pytest_byom.conformance.catalogue import all_checks

    return {id: check.sentence for id, check in all_checks().items()}


def accept(arguments: argparse.Namespace) -> tuple[list[Styled], int]:
    """Write the findings of a report into the registry file as known deviations."""
    report = _read_report(arguments.report)
    endpoint = _choose_endpoint(report, arguments.endpoint, arguments.report)
    file = _registry_file(arguments.registry)
    found = _findings(report, endpoint, arguments.check)
    if not found:
        wanted = f" that {', '.join(arguments.check)} names" if arguments.check else ""
        raise UsageError(f"{arguments.report} has no finding of {endpoint!r}{wanted} to accept")
    common = _members(arguments)
    text = file.read_bytes().decode("utf-8-sig") if file.exists() else ""
    there = _there(text, endpoint, str(file))
    added = [{"check": id} | common for id in found if id not in there]
    if added:
        _write(file, add_deviations(text, endpoint, added, shown=str(file)))
    lines: list[Styled] = [(f"{entry['check']}: added", {}) for entry in added]
    lines += [
        (f"{id}: {file} has an entry already, change that", {}) for id in found if id in there
    ]
    noun = "deviation" if len(added) == 1 else "deviations"
    lines.append((f"{len(added)} known {noun} of {endpoint} added to {file}", {"bold": True}))
    return lines, GOOD


def _read_report(path: Path) -> dict[str, Any]:
    file = path / RESULTS if path.is_dir() else path
    try:
        data = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise UsageError(f"there is no report {file}: --byom-report=DIR writes one") from None
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{file} is no report: --byom-report=DIR writes one") from None
    if not isinstance(data, dict) or not isinstance(data.get("checks"), list):
        raise UsageError(f"{file} is no report: --byom-report=DIR writes one")
    return data


def _choose_endpoint(report: Mapping[str, Any], wanted: str | None, path: Path) -> str:
    names = sorted({str(row.get("endpoint")) for row in report["checks"] if isinstance(row, dict)})
    if wanted is None and len(names) == 1:
        return names[0]
    if wanted not in names:
        there = ", ".join(names) or "nothing"
        said = f"has no endpoint {wanted!r}" if wanted else "has several endpoints: use --endpoint"
        raise UsageError(f"{path} {said}; it is about {there}")
    return str(wanted)


def _findings(report: Mapping[str, Any], endpoint: str, globs: list[str]) -> list[str]:
    rows = [row for row in report["checks"] if isinstance(row, dict)]
    return [
        str(row.get("id"))
        for row in rows
        if row.get("endpoint") == endpoint
        and row.get("outcome") in FINDS
        and (not globs or any(fnmatchcase(str(row.get("id")), glob) for glob in globs))
    ]


def _members(arguments: argparse.Namespace) -> dict[str, str]:
    if not arguments.reason.strip():
        raise UsageError("--reason is empty: say why the deviations are accepted")
    if arguments.until and not is_date(arguments.until):
        raise UsageError(f"--until must be a day as in 2027-01-31, not {arguments.until!r}")
    if arguments.until and arguments.until < datetime.date.today().isoformat():
        raise UsageError(f"--until is over: {arguments.until}")
    names = ("reason", "link", "owner", "versions", "until")
    given = ((name, getattr(arguments, name)) for name in names)
    return {name: value for name, value in given if value}


def _registry_file(given: Path | None) -> Path:
    if given is not None:
        return given
    found = load_registry().path
    return found or Path(FILE_NAMES[0])


def _there(text: str, endpoint: str, shown: str) -> set[str]:
    from pytest_byom.registry.document import parse_document

    data = parse_document(text, shown=shown).data or {}
    entry = (data.get("endpoints") or {}).get(endpoint) or {}
    return {str(item.get("check")) for item in entry.get("deviations") or []}


def _write(file: Path, text: str) -> None:
    draft = file.with_name(f"{file.name}.new")
    try:
        draft.write_bytes(text.encode())
        draft.replace(file)
    except OSError as error:
        raise RegistryError(f"{file} cannot be written: {error.strerror or error}") from None
