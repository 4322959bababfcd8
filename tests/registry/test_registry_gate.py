"""What the registry says of the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_byom.client.errors import RegistryError
from pytest_byom.registry import GateSettings, load_registry

if TYPE_CHECKING:
    from pathlib import Path


def settings(folder: Path, line: str) -> GateSettings:
    """Return the gate's settings of an endpoint."""
    file = folder / "byom.yaml"
    file.write_text(f"endpoints:\n  mine:\n    base_url: http://localhost/v1\n    {line}\n")
    return load_registry(file, environ={}).endpoint("mine").gate


GIVEN = [
    ("model: m", GateSettings(significance=0.05, slower=0.5)),
    ("gate: {}", GateSettings()),
    ("gate: null", GateSettings()),
    ("gate: {significance: 0.01}", GateSettings(significance=0.01)),
    ("gate: {slower: 2}", GateSettings(slower=2)),
]


@pytest.mark.parametrize(("line", "found"), GIVEN)
def test_given(tmp_path: Path, line: str, found: GateSettings) -> None:
    """What is not said has its usual value."""
    assert settings(tmp_path, line) == found


WRONG = [
    "gate: {significance: 0}",
    "gate: {significance: 0.9}",
    "gate: {significance: often}",
    "gate: {slower: 0}",
    "gate: {faster: 1}",
    "gate: strict",
]


@pytest.mark.parametrize("line", WRONG)
def test_wrong(tmp_path: Path, line: str) -> None:
    """What cannot be is refused with its line."""
    with pytest.raises(RegistryError, match=r"byom\.yaml:4: endpoints\.mine\.gate"):
        settings(tmp_path, line)
