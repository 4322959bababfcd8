"""No key gets out: not to the terminal, not into a report, even if the server repeats it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from defects.planting import Defective, change_json, listing, set_header

from pytest_byom.mock.embedded import EmbeddedServer

from .servers import KEY, Echoing, serving

if TYPE_CHECKING:
    from .conftest import Run

HEADER = "headercanary9876543210"

REGISTRY = """
endpoints:
  mine:
    base_url: {url}
    api_key: ${{MINE_KEY}}
    extra_headers: {{X-Tenant-Token: "${{MINE_TOKEN}}"}}
"""


@pytest.fixture
def output(run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> str:
    """All that a run writes about a server that repeats the key in its errors."""
    monkeypatch.setenv("MINE_KEY", KEY)
    monkeypatch.setenv("MINE_TOKEN", HEADER)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with serving(Echoing()) as url:
        pytester.makefile(".yaml", byom=REGISTRY.format(url=url))
        result = run(
            "--byom-endpoint=mine",
            "--byom-level=should",
            "--byom-report=out",
            "--junitxml=junit.xml",
            "-vv",
            "-rA",
            "--showlocals",
        )
    files = [*(pytester.path / "out").iterdir(), pytester.path / "junit.xml"]
    return "\n".join(
        [result.stdout.str(), result.stderr.str(), *(file.read_text("utf-8") for file in files)]
    )


def test_key_is_hidden(output: str) -> None:
    """Neither the key nor the secret header is written, and the variable stands in its place."""
    assert KEY not in output
    assert HEADER not in output
    assert "refused: Bearer $MINE_KEY" in output
    assert '-H "authorization: Bearer $MINE_KEY"' in output


def test_wrong_key_is_no_secret(output: str) -> None:
    """The wrong key that the suite sends on purpose is shown as it is."""
    assert "Bearer byom-wrong-key-" in output


def test_key_in_the_name_of_a_server(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that names itself, or the owner of its models, after the key does not show it."""
    monkeypatch.setenv("BYOM_API_KEY", KEY)

    def own(data: dict[str, Any]) -> None:
        data["data"][0]["owned_by"] = KEY

    named = Defective(EmbeddedServer(), set_header("server", f"proxy/{KEY}"))
    with serving(Defective(named, change_json(own, when=listing))) as url:
        result = run(
            f"--byom-endpoint={url}",
            "--byom-only=models",
            "--byom-report=out",
            "--byom-save=before.json",
        )
    result.stdout.fnmatch_lines(["endpoint: *, server: proxy [*][*][*], model: *"])
    files = [pytester.path / "out" / "results.json", pytester.path / "before.json"]
    assert KEY not in "".join([result.stdout.str(), *(file.read_text("utf-8") for file in files)])


def test_refused_key(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that repeats the refused key does not get it onto the terminal."""
    refused = "refusedcanary0123456789"  # without a place to break the line
    monkeypatch.setenv("BYOM_API_KEY", refused)
    with serving(Echoing()) as url:
        result = run(f"--byom-endpoint={url}")
    assert result.ret == 10
    assert refused not in result.stdout.str() + result.stderr.str()


def test_own_test_with_option(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The repr of an endpoint in a failing test does not show the key."""
    monkeypatch.setenv("BYOM_API_KEY", KEY)
    pytester.makepyfile("def test_own(byom_endpoint, byom_client): assert not byom_endpoint")
    with serving(Echoing()) as url:
        result = run(f"--byom-endpoint={url}", "--showlocals", "test_own_test_with_option.py")
    result.assert_outcomes(failed=1)
    assert KEY not in result.stdout.str()
