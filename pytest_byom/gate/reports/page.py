"""index.html: one page, one file, that asks nothing of the network.

What a server sent travels as JSON in a data block and gets onto the page as text nodes only. The
page's policy allows just the style and the script that are in it, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from importlib import resources
from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.finding import Outcome
from pytest_byom.gate.reports.columns import count_words, make_columns, remarks
from pytest_byom.gate.reports.difference import by_class, entries_of, gate_sentences

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_byom.gate.reports.columns import Column, Results

CLIENTS = ("openai-python", "openai-node", "Vercel AI SDK", "LangChain")
"""The clients that texts about what breaks name most."""

IN_CHECK = ("id", "level", "sentence", "breaks", "source")
IN_FINDING = ("exchange", "place", "expected", "got", "answered", "curl", "steps")
IN_RUN = ("started", "finished", "complete", "exit_code", "suite")

UNSAFE = {ord(char): f"\\u{ord(char):04x}" for char in "<>&"}
"""What could end a data block, as JSON writes it too."""


def make_page(runs: Sequence[Results], difference: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return the page of some runs, with what their gates found, and a difference, on top."""
    columns = make_columns(runs)
    data = page_data(columns, [*difference, *entries_of(runs)], list(gate_sentences(runs)))
    style, script = _asset("page.css"), _asset("page.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "title": html.escape(_title(columns)),
        "style": style,
        "data": embed(data),
        "script": script,
    }
    # All at once: a text of a server that looks like a placeholder is none.
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _asset("template.html"))


def _asset(name: str) -> str:
    return (resources.files(__package__) / name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _title(columns: Sequence[Column]) -> str:
    names = list(dict.fromkeys(column.endpoint for column in columns))
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"Conformance of {_plain(shown)}" if names else "Conformance"


def _plain(text: str) -> str:
    text = text.encode("utf-8", "backslashreplace").decode()
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def embed(data: Any) -> str:
    """Return data as JSON that can stand in a script element, whatever texts it has."""
    return json.dumps(data, separators=(",", ":")).translate(UNSAFE)


def page_data(
    columns: Sequence[Column],
    difference: Sequence[Mapping[str, Any]] = (),
    gates: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what the page shows: each check once, and for each column a row for each check."""
    checks = _checks(columns)
    return {
        "outcomes": list(Outcome),
        "checks": list(checks.values()),
        "clients": [c for c in CLIENTS if any(c in check["breaks"] for check in checks.values())],
        "columns": [_column(column, list(checks)) for column in columns],
        "difference": [{"class": name, "rows": rows} for name, rows in by_class(difference)],
        "gates": list(gates),
        "remarks": remarks(columns),
        "size": count_words(columns),
    }


def _checks(columns: Sequence[Column]) -> dict[str, dict[str, Any]]:
    """Return what is said of each check, by its id; where runs differ, the last one's words."""
    found: dict[str, dict[str, Any]] = {}
    for column in columns:
        for row in column.checks:
            before = found.get(row["id"], {})
            check = {name: row[name] or before.get(name, "") for name in IN_CHECK}
            found[row["id"]] = check | {"area": row["id"].partition(".")[0]}
    return dict(sorted(found.items()))


def _column(column: Column, ids: Sequence[str]) -> dict[str, Any]:
    rows = {row["id"]: row for row in column.checks}
    facts = {name: value for name, value in column.facts.items() if name != "exchanges"}
    exchanges = column.facts.get("exchanges", {})
    return {
        "label": column.label,
        "endpoint": column.endpoint,
        "state": column.state,
        "conclusion": column.conclusion,
        "notRun": column.not_run,
        "run": {name: column.run[name] for name in IN_RUN},
        "facts": facts,
        "exchanges": exchanges,
        "results": [_result(rows.get(id), exchanges) for id in ids],
    }


def _result(row: Mapping[str, Any] | None, exchanges: Mapping[str, Any]) -> list[Any] | None:
    """Return outcome, reason and findings; a curl line that stands with its exchange only there."""
    if row is None:
        return None
    findings = [
        {name: finding[name] for name in IN_FINDING if name in finding}
        for finding in row["findings"]
    ]
    for finding in findings:
        if finding["exchange"] in exchanges:
            del finding["curl"]
    return [row["outcome"], row["reason"], findings]
