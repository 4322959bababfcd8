"""docs/reports.md is true: what it names is there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_byom.cli import main
from pytest_byom.conformance.finding import Outcome
from pytest_byom.gate.results import load_schema

if TYPE_CHECKING:
    import pytest

TEXT = (Path(__file__).parents[2] / "docs" / "reports.md").read_text("utf-8")
COMMANDS = [line.strip() for line in re.findall(r"^    (.+)$", TEXT, re.M)]


def test_every_member_is_told() -> None:
    """Each member of results.json is explained."""
    named = set(re.findall(r"`(\w+)`", TEXT))
    assert set(load_schema()["properties"]) <= named


def test_every_outcome_is_told() -> None:
    """Each outcome has its sign explained."""
    assert [outcome for outcome in Outcome if f" {outcome}" not in TEXT] == []


def test_commands(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands run as they stand, with the server of this package in place of ollama."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    judge, together, schema = (shlex.split(command) for command in COMMANDS)
    assert (judge[0], together[:2], schema[:2]) == ("pytest", ["byom", "report"], ["python", "-c"])
    for day in together[2:-2]:
        options = [word.replace("=ollama", "=embedded") for word in judge[1:-1]]
        report = judge[-1].replace("=report", f"={day}")
        command = [sys.executable, "-m", "pytest", *options, report, "-k", "stream.done-marker"]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert main(together[1:]) == 0
    printed = subprocess.run(
        [sys.executable, *schema[1:]], check=True, capture_output=True, text=True, timeout=60
    ).stdout
    assert Path(printed.strip()).is_file()
    names = ["badge.svg", "index.html", "results.json", "summary.md"]
    assert sorted(path.name for path in Path("monday").iterdir()) == names
    assert [name for name in names if f"`{name}`" not in TEXT] == []
