"""The guide to the mocks and the migration pages are true: each example passes as a test."""

from __future__ import annotations

import importlib.util
import re
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

import pytest_byom.mock_hooks  # noqa: F401  # pytester drops what an inner run imports first
from pytest_byom.mock.dialect import DEFAULT, list_dialects
from pytest_byom.mock.in_process import Mock
from pytest_byom.mock.script import FIELDS
from pytest_byom.mock.script_file import load_script
from pytest_byom.mock.server import MockServer

from .app import CONFTEST

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"(?:<!-- (?P<note>.*?) -->\n)?```(?P<language>\w+)\n(?P<code>.*?)```", re.S)
PAGES = ["mock", "migrate-openai-responses", "migrate-respx", "migrate-vcr"]


class Run(Protocol):
    """Runs pytest with these arguments and returns what became of it."""

    def __call__(self, *arguments: str) -> pytest.RunResult: ...


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a page in a language, without those that show the old way."""
    text = (DOCS / f"{page}.md").read_text("utf-8")
    found = [match for match in BLOCK.finditer(text) if match["language"] == language]
    return [match["code"] for match in found if match["note"] != "before"]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest with this plugin and no other, in a folder with the guide's app."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("COLUMNS", "100")
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = --strict-markers --strict-config")
    pytester.makeconftest(CONFTEST)
    return partial(pytester.runpytest_inprocess, "-p", "pytest_byom.plugin")


EXAMPLES = [
    pytest.param(page, number, id=f"{page}-{number}")
    for page in PAGES
    if page != "migrate-vcr"
    for number in range(len(blocks(page, "python")))
]


@pytest.mark.parametrize(("page", "number"), EXAMPLES)
def test_example(run: Run, pytester: pytest.Pytester, page: str, number: int) -> None:
    """An example passes as it stands."""
    code = blocks(page, "python")[number]
    if "import openai" in code and importlib.util.find_spec("openai") is None:
        pytest.skip("openai is not installed")
    name = re.search(r"<!-- (test_\w+)\.py -->", code)
    pytester.makepyfile(**{name[1] if name else "test_example": code})
    result = run("-p", "no:cacheprovider")
    outcomes = result.parseoutcomes()
    assert outcomes.keys() == {"passed"}, result.stdout.str()


def test_the_recording_example(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example of a recording is recorded with a server, and replayed without it."""
    (code,) = blocks("migrate-vcr", "python")
    pytester.makepyfile(test_app=code)
    monkeypatch.setenv("LLM_KEY", "canary-0123456789abcdef")
    with MockServer() as server:
        server.reply("Hello")
        monkeypatch.setenv("LLM_URL", server.base_url)
        run("--byom-record-mode=once").assert_outcomes(passed=1)
    run().assert_outcomes(passed=1)
    text = (pytester.path / "recordings/test_app/test_app.yaml").read_text("utf-8")
    assert "canary" not in text


SILENT = """
from pytest_byom import contains


def test_app(byom_mock, ask):
    byom_mock.when(last_user=contains("weather")).reply("Sunny")
    try:
        ask("How is the wether?")
    except Exception:
        pass  # as apps do
"""


def test_the_report_is_as_shown(run: Run, pytester: pytest.Pytester) -> None:
    """What the guide shows of a report is what the report says."""
    pytester.makepyfile(test_silent=SILENT)
    (shown,) = blocks("mock", "text")
    result = run()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines([re.sub(r"[\[\]]", "?", line) for line in shown.splitlines()])


def test_the_script_is_valid(tmp_path: Path) -> None:
    """The example of a script in YAML loads."""
    (code,) = blocks("mock", "yaml")
    (tmp_path / "script.yaml").write_text(code, "utf-8")
    script = load_script(tmp_path / "script.yaml")
    mock = Mock(**script.options)
    script.write_into(mock)
    assert len(mock.script.entries) == 4


def test_names_are_complete() -> None:
    """Every condition and every dialect is named in the guide."""
    text = (DOCS / "mock.md").read_text("utf-8")
    for name in (*FIELDS, *list_dialects()):
        assert f"`{name}`" in text or name == DEFAULT, name


@pytest.mark.parametrize("page", PAGES)
def test_options_exist(run: Run, page: str) -> None:
    """No option stands on a page that pytest does not know."""
    known = set(re.findall(r"--byom-[a-z-]+", run("--help").stdout.str()))
    assert set(re.findall(r"--byom-[a-z-]+", (DOCS / f"{page}.md").read_text("utf-8"))) <= known
