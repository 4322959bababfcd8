"""The page about the gate is true: its commands run, its recipes are valid, its classes are all."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from defects.collection import DEFECTS
from defects.legal import VARIANTS
from defects.planting import Defective, both

from pytest_byom.gate.comparison import Kind
from pytest_byom.mock.embedded import EmbeddedServer
from pytest_byom.mock.http1 import Application, BackgroundServer
from pytest_byom.registry import load_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = (Path(__file__).parents[2] / "docs" / "gate.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.S)
UPGRADE, NIGHTLY, GITLAB = (
    next(code for _, code in BLOCKS if code.startswith(f"# {name}"))
    for name in (".github/workflows/upgrade.yml", ".github/workflows/nightly.yml", ".gitlab-ci.yml")
)
REGISTRY = next(code for _, code in BLOCKS if "${SERVER_URL}" in code)


def change_of(*ids: str) -> Any:
    """Return planted changes by their ids."""
    known = {defect.id: defect.change for defect in DEFECTS}
    known |= {variant.id: variant.change for variant in VARIANTS}
    return both(*(known[id] for id in ids))


NEW = Defective(EmbeddedServer(), change_of("stream-no-done", "thoughts"))
"""The server that shall replace the old one: with a defect, and with a new way."""


@pytest.fixture
def urls() -> Iterator[dict[str, str]]:
    """The base URLs of two versions of a server."""
    app: Application = EmbeddedServer()
    with BackgroundServer(app) as old, BackgroundServer(NEW) as new:
        yield {"old": f"{old.url}/v1", "new": f"{new.url}/v1"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with the registry of the page, and the commands of this project."""
    (tmp_path / "byom.yaml").write_text(REGISTRY)
    commands = {"pytest": "pytest -p no:cacheprovider", "byom": "pytest_byom.cli"}
    (tmp_path / "bin").mkdir()
    for name, module in commands.items():
        script = tmp_path / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m {module} "$@"\n')
        script.chmod(0o755)
    return tmp_path


def shell(folder: Path, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script as CI does: it ends at the first command that fails."""
    import os

    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


def commands(recipe: str) -> list[str]:
    """Return the lines of a recipe that run the suite."""
    found = re.findall(r"^ *(?:- |run: )(.*pytest --byom.*)$", recipe, re.M)
    assert found
    return found


def aimed(lines: list[str], old: str, new: str) -> str:
    """Return a script whose servers are those of this test."""
    script = "\n".join(lines)
    for place, url in (("127.0.0.1:8081", old), ("old:8080", old)):
        script = script.replace(f"http://{place}/v1", url)
    for place, url in (("127.0.0.1:8082", new), ("new:8080", new)):
        script = script.replace(f"http://{place}/v1", url)
    return script


@pytest.mark.parametrize("recipe", [UPGRADE, GITLAB], ids=["github", "gitlab"])
def test_upgrade(recipe: str, folder: Path, urls: dict[str, str]) -> None:
    """The recipe lets the same server through, and stops one with a defect, with a report."""
    same = shell(folder, aimed(commands(recipe), urls["old"], urls["old"]))
    assert same.returncode == 0, same.stdout
    assert "gate passed: no difference" in same.stdout
    worse = shell(folder, aimed(commands(recipe), urls["old"], urls["new"]))
    assert worse.returncode == 1, worse.stdout
    assert "gate failed: 1 regressed" in worse.stdout
    results = json.loads((folder / "report" / "results.json").read_text("utf-8"))
    assert results["gate"]["failed"] is True


def test_a_failing_old_server(folder: Path, urls: dict[str, str]) -> None:
    """A server that fails a must today does not stop its own upgrade; one that is gone does."""
    back = shell(folder, aimed(commands(UPGRADE), urls["new"], urls["old"]))
    assert back.returncode == 0, back.stdout
    gone = shell(folder, aimed(commands(UPGRADE), "http://127.0.0.1:9/v1", urls["old"]))
    assert gone.returncode == 1
    assert "gate" not in gone.stdout


def test_nightly(folder: Path, urls: dict[str, str]) -> None:
    """The nightly recipe fails where anything changed, and keeps what it saw."""
    save = "pytest --byom-endpoint=server --byom-save=baseline.json"
    assert shell(folder, save, SERVER_URL=urls["old"]).returncode == 0
    (command,) = commands(NIGHTLY)
    assert shell(folder, command, SERVER_URL=urls["old"]).returncode == 0
    changed = shell(folder, command, SERVER_URL=urls["new"])
    assert changed.returncode == 1
    assert (folder / "today.json").exists()


def console() -> list[str]:
    """Return the commands that the page shows, without their comments."""
    lines = [
        line for language, code in BLOCKS if language == "console" for line in code.split("\n")
    ]
    return [line.removeprefix("$ ").partition(" #")[0].strip() for line in lines if line]


def test_console(folder: Path, urls: dict[str, str]) -> None:
    """Every command of the page runs, in order, and does what it says."""
    (folder / "byom.yaml").write_text("endpoints:\n  vllm:\n    base_url: ${SERVER_URL}\n")
    save, gate, diff, strict, report, accept = console()
    assert shell(folder, save, SERVER_URL=urls["old"]).returncode == 0
    gated = shell(folder, f"{gate} --byom-save=after.json", SERVER_URL=urls["new"])
    assert gated.returncode == 1
    assert shell(folder, diff).returncode == 1
    assert shell(folder, strict).returncode == 1
    assert shell(folder, report, SERVER_URL=urls["new"]).returncode == 1
    accepted = shell(folder, accept, SERVER_URL=urls["new"])
    assert accepted.returncode == 0, accepted.stderr
    again = shell(folder, gate, SERVER_URL=urls["new"])
    assert again.returncode == 0, again.stdout
    assert "accepted: a finding that byom.yaml lists now" in again.stdout


def test_output(folder: Path, urls: dict[str, str]) -> None:
    """What the page shows of a gate is what a gate prints."""
    lines = commands(UPGRADE)
    printed = shell(folder, aimed(lines, urls["old"], urls["new"])).stdout.splitlines()
    shown = next(code for language, code in BLOCKS if language == "text")
    assert [start(line) for line in shown.splitlines() if start(line)] == [
        start(line) for line in section(printed) if start(line)
    ]


def start(line: str) -> str:
    """Return a line without what grows with the suite; nothing of one that only goes on."""
    line = re.sub(r", \d+ slower", "", line)
    return "" if line.startswith("    ") else re.split(r" \(|; |\d{4}-", line)[0].rstrip()


def section(printed: list[str]) -> list[str]:
    """Return the lines of the gate, without its speeds."""
    begin = next(n for n, line in enumerate(printed) if " gate =" in line) + 1
    end = next(n for n in range(begin, len(printed)) if printed[n].startswith("gate ")) + 2
    return [line for line in printed[begin:end] if not line.startswith("server: ")]


def test_recipes_are_valid() -> None:
    """The recipes are YAML of the form that each CI takes, and each step does one thing."""
    for recipe in (UPGRADE, NIGHTLY):
        workflow = yaml.safe_load(recipe)
        assert {"name", True, "jobs"} <= set(workflow)  # YAML reads `on` as true
        for job in workflow["jobs"].values():
            assert {"runs-on", "steps", "timeout-minutes"} <= set(job)
            assert all(("run" in step) != ("uses" in step) for step in job["steps"])
    job = yaml.safe_load(GITLAB)["gate"]
    assert [service["alias"] for service in job["services"]] == ["old", "new"]
    assert all(isinstance(line, str) for line in (*job["before_script"], *job["script"]))


def test_shell_of_recipes() -> None:
    """What the recipes run is a shell script without a fault."""
    steps = [
        step["run"]
        for recipe in (UPGRADE, NIGHTLY)
        for step in yaml.safe_load(recipe)["jobs"]["gate"]["steps"]
        if "run" in step
    ]
    job = yaml.safe_load(GITLAB)["gate"]
    for script in (*steps, *job["before_script"], *job["script"]):
        text = re.sub(r"\$\{\{.*?\}\}", "image", script)
        assert subprocess.run(["bash", "-n", "-c", text], check=False).returncode == 0


def test_classes_and_options(folder: Path) -> None:
    """Every class has a row, and no option is named that pytest does not know."""
    assert set(re.findall(r"^\| ([a-z-]+) \| [^|]+ \| [^|]+ \|$", TEXT, re.M)) >= set(Kind)
    known = set(re.findall(r"--byom-[a-z-]+", shell(folder, "pytest --help").stdout))
    assert set(re.findall(r"--byom-[a-z-]+", TEXT)) <= known


def test_registry_examples(tmp_path: Path) -> None:
    """The examples of byom.yaml are valid."""
    examples = [code for language, code in BLOCKS if language == "yaml" if "endpoints:" in code]
    for number, code in enumerate(examples):
        file = tmp_path / f"{number}.yaml"
        file.write_text(code)
        name = "server" if "server:" in code else "vllm"
        assert load_registry(file, environ={"SERVER_URL": "http://x/v1"}).endpoint(name)
    assert len(examples) == 3
