"""A real server is like itself: asked twice, with other seeds, and after a restart."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from .llamacpp import running_llamacpp
from .test_verdict import run

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None,
    reason="needs tests/servers/llamacpp.requirements.txt",
)


BY_CHANCE = {
    # Two slots are ready in one order or the other.
    "stream.n-order",
    # A text that begins with an emoji, whose first token is no whole character, has no role.
    "stream.role-first",
    "delta (first): role",
    "delta (first): content",
}
"""What llama.cpp does now and then, as its dialect says: all else has to be as before."""


def test_no_difference(tmp_path: Path) -> None:
    """A gate finds nothing but chance, though the model, which is not seeded, says other things."""
    gate = ("--byom-baseline=before.json", "--byom-report=.")
    with running_llamacpp() as base_url:
        code, output = run(base_url, tmp_path, "--byom-save=before.json")
        assert code == 0, output
        assert run(base_url, tmp_path, *gate)[0] == 0
        again = differences(tmp_path)
    with running_llamacpp() as base_url:
        code, output = run(base_url, tmp_path, *gate, "--byom-save=after.json")
        print(output)
        assert code == 0
        restarted = differences(tmp_path)
    assert again | restarted <= BY_CHANCE
    one, two = (entries(tmp_path / name) for name in ("before.json", "after.json"))
    common = set(one) & set(two)
    unlike = {key.strip().strip('"') for key in common if one[key] != two[key]}
    assert {key for key in unlike if "delta (first)" not in key} <= BY_CHANCE
    assert len(common) > 600


def differences(folder: Path) -> set[str]:
    """Return what the gate of the last run found to be otherwise."""
    gate = json.loads((folder / "results.json").read_text("utf-8"))["gate"]
    return {difference["what"] for difference in gate["differences"]}


def entries(file: Path) -> dict[str, str]:
    """Return the lines of a baseline's entries by their keys.

    A few may be in one file only: where a model may call a tool, it does so now and then.
    """
    lines = (line.partition(": {") for line in file.read_text("utf-8").splitlines()[2:])
    return {key: value for key, _, value in lines if value}
