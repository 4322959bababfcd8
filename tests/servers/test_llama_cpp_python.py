"""The suite on a real llama-cpp-python: what it finds is what the profile says of that version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_byom.registry import load_registry
from pytest_byom.registry.dialects import read_profile

from .children import MODEL, find_python
from .llama_cpp_python import CONTEXT, FOLDER, VERSION, running_llama_cpp_python
from .test_verdict import HERE, judge, outcomes

if TYPE_CHECKING:
    from pathlib import Path

NAME = "llama-cpp-python"
ENDPOINT = "llama-cpp-python-ci"
KEY = "sk-llama-cpp-python-canary-0123"
PYTHON = find_python(FOLDER)

BY_CHANCE = frozenset({"logprobs.table-true-two", "tools.arguments-json"})
"""Found only where the token that was drawn is none of the two most likely ones, or a line end."""


def test_its_registry_entry_is_valid() -> None:
    """The endpoint has its URL and its key from the environment, and is asked one by one."""
    environ = {
        "BYOM_LLAMA_CPP_PYTHON_URL": "http://127.0.0.1:8000/v1",
        "BYOM_LLAMA_CPP_PYTHON_KEY": KEY,
    }
    registry = load_registry(HERE / "byom.yaml", environ=environ)
    endpoint = registry.endpoint(ENDPOINT)
    assert (endpoint.dialect, endpoint.api_key, endpoint.limits.concurrency) == (NAME, KEY, 1)
    model = registry.models[str(endpoint.model)]
    assert (model.api_model, model.context_window) == (MODEL, CONTEXT)


def test_the_profile_is_of_this_version() -> None:
    """What was seen in a real run was seen on the version that is pinned."""
    profile = read_profile(NAME)
    versions = {entry["versions"] for entry in profile["deviations"] if entry["source"] == "run"}
    assert versions == {VERSION}
    pinned = (HERE / "llama_cpp_python.requirements.txt").read_text("utf-8").splitlines()
    assert f"llama-cpp-python=={VERSION}" in pinned


@pytest.mark.skipif(
    PYTHON is None, reason=f"needs tests/servers/llama_cpp_python.py install, and {FOLDER}"
)
def test_every_finding_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found but what the profile lists, all of that is found, and no key is shown."""
    monkeypatch.setenv("BYOM_LLAMA_CPP_PYTHON_KEY", KEY)
    with running_llama_cpp_python(str(PYTHON), api_key=KEY) as base_url:
        monkeypatch.setenv("BYOM_LLAMA_CPP_PYTHON_URL", base_url)
        code, output, results = judge(
            base_url, tmp_path, "--byom-profile=full", endpoint=ENDPOINT, timeout=1800
        )

    print(output)
    found = set().union(*(outcomes(results, each) for each in ("failed", "deviates", "ignored")))
    assert found | outcomes(results, "error") == set()
    listed = {e["check"] for e in read_profile(NAME)["deviations"] if e["source"] == "run"}
    assert outcomes(results, "known") - BY_CHANCE == listed - BY_CHANCE
    assert len(outcomes(results, "passed")) > 300
    identity = results["endpoints"][ENDPOINT]["identity"]
    assert (identity["kind"], identity["version"]) == (NAME, VERSION)
    assert KEY not in output + str(results)
    assert code == 0
