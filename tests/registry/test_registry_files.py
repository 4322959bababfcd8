"""Files that are no registry at all: endless, unreadable, missing."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import pytest

from pytest_byom.client.errors import RegistryError
from pytest_byom.registry import load_registry

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import LoadText

PAIRS = tuple(itertools.pairwise("abcdefghi"))

ALIASES = {
    "laughs": "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in PAIRS),
    "merges": "a: &a {k: v}\n"
    + "".join(f"{new}: &{new} {{<<: [{', '.join([f'*{old}'] * 9)}]}}\n" for old, new in PAIRS),
    "itself": "endpoints: &a\n  x: *a\n",
    "merged itself": "endpoints: &a\n  <<: *a\n",
    "brackets": "endpoints: " + "[" * 100_000,
}


@pytest.mark.parametrize("text", ALIASES.values(), ids=ALIASES)
def test_text_that_unfolds_without_end_is_refused(load_text: LoadText, text: str) -> None:
    """Aliases that repeat each other, or themselves, end in an error and not in a full memory."""
    with pytest.raises(RegistryError, match=r"^byom.yaml.*(too deeply|too much by aliases)$"):
        load_text(text)


def test_a_long_file_is_refused_unread(load_text: LoadText) -> None:
    """A file of more than a million characters is no registry."""
    with pytest.raises(RegistryError, match=r"^byom.yaml is too long for a registry file"):
        load_text("#" * 1_000_001)


def test_other_encodings_are_named(load_text: LoadText) -> None:
    """A file that is not UTF-8 is refused with the line of the first wrong byte."""
    with pytest.raises(RegistryError, match=r"^byom.yaml:2: the file is not UTF-8$"):
        load_text("endpoints:\n  # für uns\n".encode("latin-1"))


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    """A file that is named and missing is an error, not an empty registry."""
    path = tmp_path / "other.yaml"
    with pytest.raises(RegistryError, match=re.escape(f"there is no registry file {path}")):
        load_registry(path, environ={})


def test_a_variable_may_name_a_missing_file(tmp_path: Path) -> None:
    """A file that BYOM_REGISTRY names must be there, and the variable is blamed."""
    path = str(tmp_path / "other.yaml")
    message = f"there is no registry file {path}, which BYOM_REGISTRY names"
    with pytest.raises(RegistryError, match=re.escape(message)):
        load_registry(environ={"BYOM_REGISTRY": path})


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A folder in place of the file is refused in one sentence."""
    with pytest.raises(RegistryError, match=re.escape(f"{tmp_path} cannot be read: ")):
        load_registry(tmp_path, environ={})
