"""What the package says of itself."""

from __future__ import annotations

import ast
import importlib.metadata
import re
from pathlib import Path

import pytest

import pytest_byom


@pytest.mark.parametrize("name", pytest_byom.__all__)
def test_public_name(name: str) -> None:
    """Every public name can be imported, and is the thing itself."""
    assert getattr(pytest_byom, name).__name__ == name
    assert name in dir(pytest_byom)


def test_names_for_type_checkers() -> None:
    """A type checker sees the names that are loaded on first use, and no others."""
    tree = ast.parse(Path(pytest_byom.__file__).read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    declared = [
        alias.name
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert sorted(declared) == sorted(pytest_byom.__all__)


def test_unknown_name() -> None:
    """A name that is none is an AttributeError, as of any module."""
    with pytest.raises(AttributeError, match="module 'pytest_byom' has no attribute 'chekc'"):
        _ = pytest_byom.chekc


def test_typed() -> None:
    """The package says that it is typed."""
    assert Path(pytest_byom.__file__).with_name("py.typed").is_file()


def test_version() -> None:
    """The installed version is a release."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", importlib.metadata.version("pytest-byom"))


def test_entry_points() -> None:
    """pytest finds the plugin, and a shell the command."""
    found = importlib.metadata.distribution("pytest-byom").entry_points
    assert {(point.group, point.name, point.value) for point in found} == {
        ("pytest11", "byom", "pytest_byom.plugin"),
        ("console_scripts", "byom", "pytest_byom.cli:main"),
    }
