"""The pages of the known servers, and their rows in the README, are what their profiles say."""

from __future__ import annotations

import re

import pytest

from pytest_byom.registry.dialects import read_profile

from .servers import FOLDER, SERVERS, evidence, page, verified

README = FOLDER.parents[1] / "README.md"


@pytest.mark.parametrize("name", SERVERS)
def test_a_page_is_up_to_date(name: str) -> None:
    """The page of a server is that of its profile: `python -m docs.servers` writes it."""
    assert (FOLDER / f"{name}.md").read_text("utf-8") == page(name)


def test_there_is_no_other_page() -> None:
    """A server that is gone has no page left."""
    assert {file.stem for file in FOLDER.iterdir()} == set(SERVERS)


@pytest.mark.parametrize("name", SERVERS)
def test_its_row_in_the_readme(name: str) -> None:
    """The row of a server links to its page and says how it was verified, and when."""
    title = read_profile(name)["title"]
    rows = [line for line in README.read_text("utf-8").splitlines() if f"| `{name}` |" in line]
    assert len(rows) == 1
    assert rows[0].startswith(f"| [{title}](docs/servers/{name}.md) |")
    assert rows[0].endswith(f"| {verified(name)} |")


def test_what_is_verified_how() -> None:
    """What each server is known by, from a real run down to documentation alone."""
    kinds = {name: evidence(name)["kind"] for name in SERVERS}
    real = {name for name, kind in kinds.items() if kind == "real run"}
    assert real == {"llama-cpp-python", "llamacpp", "vllm"}
    assert {name for name, kind in kinds.items() if kind == "recorded run"} == {"ollama"}
    assert {name for name, kind in kinds.items() if kind == "documentation"} == {"localai"}


@pytest.mark.parametrize("name", SERVERS)
def test_a_page_is_whole(name: str) -> None:
    """Every table has as many cells in a row as in its head, and every deviation is there."""
    widths: list[int] = []
    for line in page(name).splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line))
        assert not (cells and widths and widths[-1]) or cells == widths[-1], line
        widths.append(cells)
    for entry in read_profile(name)["deviations"]:
        assert f"| `{entry['check']}` |" in page(name)
