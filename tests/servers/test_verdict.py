"""The suite on a real server: what it finds is what the dialect of llama.cpp says, no more."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .llamacpp import running_llamacpp

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None,
    reason="needs tests/servers/llamacpp.requirements.txt",
)


def run(
    base_url: str,
    folder: Path,
    *options: str,
    endpoint: str = "llamacpp-ci",
    timeout: float = 600,
) -> tuple[int, str]:
    """Run the suite from a folder and return its exit code and output."""
    command = [sys.executable, "-m", "pytest", f"--byom-endpoint={endpoint}"]
    ran = subprocess.run(
        [*command, f"--byom-registry={HERE / 'byom.yaml'}", *options],
        cwd=folder,
        env={**os.environ, "BYOM_LLAMACPP_URL": base_url},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    return ran.returncode, ran.stdout


def judge(
    base_url: str,
    folder: Path,
    *options: str,
    endpoint: str = "llamacpp-ci",
    timeout: float = 600,
) -> tuple[int, str, dict[str, Any]]:
    """Run the suite from an empty folder and return its exit code, output and results."""
    code, output = run(
        base_url, folder, "--byom-report=.", *options, endpoint=endpoint, timeout=timeout
    )
    return code, output, json.loads((folder / "results.json").read_text("utf-8"))


def outcomes(results: dict[str, Any], outcome: str) -> set[str]:
    """Return the ids of the checks that came out like this."""
    return {row["id"] for row in results["checks"] if row["outcome"] == outcome}


def test_every_finding_is_known(tmp_path: Path) -> None:
    """Nothing is found on llama.cpp but what its dialect lists, and most checks are decided."""
    with running_llamacpp() as base_url:
        code, output, results = judge(base_url, tmp_path)

    print(output)
    assert outcomes(results, "failed") | outcomes(results, "deviates") == set()
    assert outcomes(results, "ignored") | outcomes(results, "error") == set()
    assert {"vision.image", "errors.client-fault", "tools.named"} <= outcomes(results, "known")
    assert len(outcomes(results, "passed")) > 140
    assert code == 0


def test_the_same_with_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A llama.cpp server with a key is judged on authentication too, and shows no key."""
    key = "sk-llamacpp-canary"
    with running_llamacpp(api_key=key) as base_url:
        registry = tmp_path / "byom.yaml"
        text = (HERE / "byom.yaml").read_text("utf-8")
        registry.write_text(text.replace("model:", "api_key: ${BYOM_KEY}\n    model:", 1), "utf-8")
        monkeypatch.setenv("BYOM_KEY", key)
        code, output, results = judge(base_url, tmp_path, f"--byom-registry={registry}")

    assert {"auth.missing-key", "auth.wrong-key"} <= outcomes(results, "passed")
    assert {"auth.code", "auth.challenge"} <= outcomes(results, "known")
    assert key not in output + json.dumps(results)
    assert code == 0
