"""A page for each known server, of its profile: `python -m docs.servers` writes docs/servers/.

What breaks in which client is what the check says of it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.catalogue import all_checks
from pytest_byom.mock.dialect import load_dialect as load_mock
from pytest_byom.registry.dialects import list_dialects, read_profile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FOLDER = Path(__file__).parents[2] / "docs" / "servers"
SERVERS = tuple(name for name in list_dialects() if name != "embedded")
STATES = ("supported", "ignored", "refused")
KINDS = ("real run", "recorded run", "recorded answers", "documentation", "issue")
"""Of evidence, the strongest first."""


def evidence(name: str) -> Mapping[str, Any]:
    """The strongest source of a profile."""
    sources: dict[str, Any] = read_profile(name)["sources"]
    return min(sources.values(), key=lambda source: KINDS.index(source["kind"]))


def verified(name: str) -> str:
    """What the README says of how the profile of a server was verified."""
    source = evidence(name)
    what = re.split("[;,] (?:asked|all|its)", source.get("of", ""))[0]
    if source["kind"] == "documentation":
        return f"documentation and source, read {source['date']}"
    return f"{source['kind']}: {what} ({source['date']})"


def page(name: str) -> str:
    """The page of a server."""
    return "\n".join(_lines(name, read_profile(name))) + "\n"


def _lines(name: str, profile: Mapping[str, Any]) -> Iterator[str]:
    yield f"# {profile['title']}"
    yield ""
    yield f"Of `pytest_byom/dialects/{name}.yaml`, written by `python -m docs.servers`."
    yield ""
    yield from _table(("", ""), _facts(name, profile))
    yield from _section("How this is known")
    yield "A real run says most, then a recorded one, recorded answers, and documentation."
    yield ""
    yield from _table(("source", "kind", "of", "date"), _sources(profile))
    yield from _section("Parameters")
    yield from _table(("parameters", "", "note", "source"), _parameters(profile))
    yield from _section("Where it does otherwise")
    yield from _deviations(profile)
    if past := profile.get("past"):
        yield from _section("What only older answers show")
        yield "A run does not expect these: what does so now is reported."
        yield ""
        yield from _table(("check", "what it did", "seen last", "source"), map(_past, past))


def _section(title: str) -> Iterator[str]:
    yield from ("", f"## {title}", "")


def _facts(name: str, profile: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    yield "judge it", f"`pytest --byom-endpoint={name}`"
    yield "base URL", f"`{profile['base_url']}`"
    yield "key", profile["key"]
    if profile["key_variable"]:
        yield "key from", f"`{profile['key_variable']}`"
    else:
        yield "not reachable", profile["hint"]
    if "pace" in profile:
        yield "pace", _pace(profile["pace"], profile["sources"])
    yield "mock", f'`@pytest.mark.byom(dialect="{name}")`, after {load_mock(name).basis}'


def _pace(pace: Mapping[str, Any], sources: Mapping[str, Any]) -> str:
    if "per_second" not in pace:
        return f"{pace['concurrency']} request at a time; source: {pace['source']}"
    return f"{pace['per_second']:g} requests a second; documented: {sources[pace['source']]['of']}"


def _sources(profile: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, source in profile["sources"].items():
        yield f"[{name}]({source['at']})", source["kind"], source.get("of", ""), source["date"]


def _parameters(profile: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for state in STATES:
        for entry in profile["parameters"].get(state, ()):
            names = ", ".join(f"`{name}`" for name in entry["names"])
            yield names, state, entry.get("note", ""), entry["source"]


def _deviations(profile: Mapping[str, Any]) -> Iterator[str]:
    if not profile["deviations"]:
        yield "Nothing is known."
        return
    checks = all_checks()
    head = ("check", "level", "what it does", "what breaks", "source")
    rows = (
        (
            f"`{entry['check']}`",
            checks[entry["check"]].level.value,
            entry["reason"] + (f" [More]({entry['link']})" if "link" in entry else ""),
            checks[entry["check"]].breaks,
            entry["source"] + (f", {entry['versions']}" if "versions" in entry else ""),
        )
        for entry in sorted(profile["deviations"], key=lambda entry: str(entry["check"]))
    )
    yield from _table(head, rows)


def _past(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return f"`{entry['check']}`", entry["reason"], entry["seen"], entry["source"]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _row(head)
    yield _row(("---",) * len(head))
    for row in rows:
        yield _row(cell.replace("|", "\\|").replace("\n", " ") for cell in row)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def main() -> None:
    """Write the pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in SERVERS:
        (FOLDER / f"{name}.md").write_text(page(name), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
