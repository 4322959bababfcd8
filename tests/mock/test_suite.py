"""The mock passes the suite of the servers that it stands for.

Against each dialect the whole suite runs over a socket. What it finds is what stands in the
dialect's file under `deviates`: nothing more, and nothing less.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import pytest_byom.suite_hooks  # noqa: F401  # pytester drops what an inner run imports first
from pytest_byom.mock.dialect import list_dialects, load_dialect
from pytest_byom.mock.server import MockServer

if TYPE_CHECKING:
    from pathlib import Path


def find(folder: Path) -> dict[str, set[str]]:
    """Return the checks of a run by their outcome."""
    rows = json.loads((folder / "results.json").read_text("utf-8"))["checks"]
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["outcome"], set()).add(row["id"])
    return found


@pytest.mark.parametrize("name", list_dialects())
def test_dialect(
    name: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The suite finds in a dialect what its server is known for."""
    for variable in ("BYOM_REGISTRY", "BYOM_API_KEY", "CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    with MockServer(dialect=name, strict=False) as server:
        text = "The quick brown fox jumps over the lazy dog, and the dog sleeps on."
        server.reply(text, from_schema=True, times="any")
        pytester.runpytest_inprocess(
            "-p",
            "pytest_byom.plugin",
            f"--byom-endpoint={server.base_url}",
            f"--byom-report={tmp_path / 'report'}",
        )
        assert server.log.served
    found = find(tmp_path / "report")
    assert sorted(found.get("failed", set()) | found.get("deviates", set())) == list(
        load_dialect(name).deviates
    )
    assert "error" not in found
    assert len(found["passed"]) > 150
