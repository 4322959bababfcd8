"""The README is true: its code runs, its output is what comes, its tables are the registry's."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_byom.conformance.catalogue import all_checks
from pytest_byom.conformance.plan import make_plan
from pytest_byom.conformance.profiles import Profile, selector
from pytest_byom.contract import contract_ids, suite_ids
from pytest_byom.mock.embedded import EmbeddedServer
from pytest_byom.mock.http1 import BackgroundServer
from pytest_byom.registry import load_registry

README = Path(__file__).parents[2] / "README.md"
TEXT = README.read_text("utf-8")
BLOCK = re.compile(
    r"(?:<!-- output: (?P<command>.*?) -->\n)?```(?P<language>\w+)\n(?P<code>.*?)```", re.S
)
ANYTHING = "…"


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language."""
    return [match["code"] for match in BLOCK.finditer(TEXT) if match["language"] == language]


def run(folder: Path, *command: str) -> str:
    """Run a Python module in a folder and return what it prints."""
    ran = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_own_checks_run_as_shown(tmp_path: Path) -> None:
    """The example of a user's own check passes on the embedded server."""
    code = next(block for block in blocks("python") if "@byom.check" in block)
    (tmp_path / "test_mine.py").write_text(code, "utf-8")
    output = run(tmp_path, "pytest", "--byom-endpoint=embedded", "test_mine.py")
    assert "2 passed" in output


def test_the_mock_examples_run_as_shown(tmp_path: Path) -> None:
    """The examples of an app's tests pass, in one file as they stand."""
    code = [block for block in blocks("python") if "byom_mock" in block or "replies()" in block]
    (tmp_path / "test_app.py").write_text("\n".join(code), "utf-8")
    assert "2 passed" in run(tmp_path, "pytest", "test_app.py")


def test_the_state_machine_runs_as_shown(tmp_path: Path) -> None:
    """The example of a state machine is a test, and passes on the embedded server."""
    code = next(block for block in blocks("python") if "ConversationMachine" in block)
    with BackgroundServer(EmbeddedServer()) as server:
        url = f'BASE_URL = "{server.url}/v1"\n'
        (tmp_path / "test_talk.py").write_text(url + code, "utf-8")
        assert "1 passed" in run(tmp_path, "pytest", "test_talk.py")


def test_the_client_example_runs_as_shown() -> None:
    """The example of the client core prints a cost and a streamed text."""
    code = next(block for block in blocks("python") if "LLM(" in block)
    printed = io.StringIO()
    with BackgroundServer(EmbeddedServer()) as server, contextlib.redirect_stdout(printed):
        exec(compile(code, str(README), "exec"), {"BASE_URL": f"{server.url}/v1"})
    cost, _, text = printed.getvalue().partition("\n")
    assert "USD" in cost
    assert text


def test_the_registry_example_is_valid(tmp_path: Path) -> None:
    """The example of byom.yaml loads, and its deviation names a check that exists."""
    file = tmp_path / "byom.yaml"
    file.write_text(blocks("yaml")[0], "utf-8")
    registry = load_registry(file, environ={"STAGING_KEY": "a-key"})
    endpoint = registry.endpoint("staging")
    assert (endpoint.api_key, endpoint.limits.requests) == ("a-key", 400)
    assert {deviation.check for deviation in endpoint.deviations} <= {*all_checks(), *ALL_GLOBS}


ALL_GLOBS = {entry.check for entry in load_registry(environ={}).endpoint("vllm").deviations}


def test_the_contract_example_is_judged(tmp_path: Path) -> None:
    """The example of a user's own contract is a check, and passes on the embedded server."""
    (tmp_path / "mine").mkdir()
    code = next(block for block in blocks("yaml") if "expect:" in block)
    (tmp_path / "mine/greeting.yaml").write_text(code, "utf-8")
    (tmp_path / "pytest.ini").write_text(blocks("ini")[0], "utf-8")
    assert "1 passed" in run(tmp_path, "pytest", "--byom-endpoint=embedded", "-k", "contract")


@pytest.mark.parametrize(
    "match",
    [match for match in BLOCK.finditer(TEXT) if match["command"]],
    ids=lambda match: match["command"],
)
def test_output_is_as_shown(match: re.Match[str], tmp_path: Path) -> None:
    """What the README shows of a run is what the run prints."""
    printed = run(tmp_path, *shlex.split(match["command"])).splitlines()
    lines = [re.sub(r":\d{4,5}/", ":PORT/", line) for line in printed]
    shown = [line for line in match["code"].splitlines() if line != ANYTHING]
    positions = [lines.index(line) for line in shown if line]
    assert positions == sorted(positions)


def test_every_option_exists(tmp_path: Path) -> None:
    """No option stands in the README that pytest does not know."""
    known = set(re.findall(r"--byom-[a-z-]+", run(tmp_path, "pytest", "--help")))
    assert set(re.findall(r"--byom-[a-z-]+", TEXT)) <= known


def test_the_table_of_servers_is_the_registry() -> None:
    """Each known server has a row with its base URL and the variable of its key."""
    rows = re.findall(r"^\| [^|]+ \| `([\w-]+)` \| `([^`]+)` \| (?:`(\w+)`)? ?\|", TEXT, re.M)
    registry = load_registry(environ={})
    names = set(registry.endpoints) - {"embedded"}
    assert {name for name, _, _ in rows} == names
    for name, base_url, _ in rows:
        assert registry.endpoint(name).base_url == base_url


def test_ci_runs_the_test_command() -> None:
    """What CI runs is the command that the README gives for the tests."""
    command = next(block for block in blocks("console") if "tox" in block).removeprefix("$ ")
    script = README.parent / ".ci" / "run"
    assert command.strip() in script.read_text("utf-8").splitlines()


def test_figures_are_those_of_the_suite() -> None:
    """The numbers of checks and contracts in the text are those that there are."""
    text = TEXT.replace("\n", " ")
    dialects = {id.split("/")[1] for id in set(contract_ids()) - set(suite_ids())}
    ordinary = sum(not (check.abuse or check.fuzzes) for check in all_checks().values())
    fuzzing = sum(check.fuzzes for check in all_checks().values())
    standard = list(filter(selector(Profile.STANDARD), all_checks().values()))
    assert f"{make_plan(standard, {}).requests} short requests" in text
    assert f"every answer by {len(standard)} checks ({ordinary} in the full profile)" in text
    assert f"requests for each of {fuzzing} checks" in text
    assert f"The suite asks the {len(suite_ids())} in" in text
    assert f"{len(contract_ids()) - len(suite_ids())} in `contracts/dialects/`" in text
    assert f"of {len(dialects)} dialects" in text
