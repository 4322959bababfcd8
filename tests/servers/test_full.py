"""All that the suite has, fuzzing too, on a real llama.cpp: what it finds is what the profile says.

It takes some minutes, so `tox -e servers` runs it, and CI is content with the standard profile.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from pytest_byom.registry.dialects import read_profile

from .llamacpp import running_llamacpp
from .test_verdict import judge, outcomes

if TYPE_CHECKING:
    from pathlib import Path

NOT_ALWAYS = {
    # With a key only.
    "auth.challenge",
    "auth.code",
    "auth.scheme-case",
    # Two slots are ready in one order or the other.
    "stream.n-order",
    # It depends on what the model writes.
    "stream.role-first",
    "stream.usage-once",
    "tools.legacy-call",
    "tools.legacy-stream",
    "tools.no-markup",
    "tools.parallel-off",
}


@pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None,
    reason="needs tests/servers/llamacpp.requirements.txt",
)
def test_every_finding_is_known(tmp_path: Path) -> None:
    """Nothing is found but what the profile lists, and all of that is found but for chance."""
    with running_llamacpp() as base_url:
        code, output, results = judge(base_url, tmp_path, "--byom-profile=full", timeout=1800)

    print(output)
    found = set().union(*(outcomes(results, each) for each in ("failed", "deviates", "ignored")))
    assert found | outcomes(results, "error") == set()
    listed = {e["check"] for e in read_profile("llamacpp")["deviations"] if e["source"] == "run"}
    assert listed - NOT_ALWAYS <= outcomes(results, "known") <= listed
    assert len(outcomes(results, "passed")) > 400
    assert code == 0
