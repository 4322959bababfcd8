"""A provider is asked little, slowly, and not before it is agreed what that may cost."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from pytest_byom.gate.exit_codes import NOTHING_JUDGED
from pytest_byom.registry.dialects import load_dialect

from .servers import KEY, Counting, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Run

FAST = "    limits: {per_second: 1000, concurrency: 4%s}\n"
PRICE = """
models:
  byom-embedded: {cost_per_1m_out: 2}
"""


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counting]:
    """Groq, at home on this machine for once, with its key in the environment."""
    app = Counting(api_key=KEY)
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    with serving(app) as url:
        moved = dataclasses.replace(load_dialect("groq"), base_url=url, deviations=())
        monkeypatch.setattr(
            "pytest_byom.registry.entries.load_dialect",
            lambda name: moved if name == "groq" else load_dialect(name),
        )
        yield app


def write(pytester: pytest.Pytester, limits: str = "", more: str = "") -> None:
    """Write a registry whose groq may be asked fast."""
    text = f"endpoints:\n  groq:\n{FAST % limits}    model: byom-embedded\n{more}"
    (pytester.path / "byom.yaml").write_text(text, "utf-8")


def said(result: pytest.RunResult) -> str:
    """Return the output of a run as one line."""
    return " ".join(line.strip() for line in result.outlines)


def test_nothing_is_sent_unagreed(run: Run, pytester: pytest.Pytester, provider: Counting) -> None:
    """Without a word of the user, the most that it can take is said, and nothing is asked."""
    write(pytester)
    result = run("--byom-endpoint=groq")
    assert result.ret == NOTHING_JUDGED
    assert "was not asked: it may charge for what the run takes, 15 requests and" in said(result)
    assert "tokens at the most; the price of a token is not in byom.yaml." in said(result)
    assert "Say --byom-yes, or set limits.tokens for it in byom.yaml" in said(result)
    assert KEY not in said(result)
    assert provider.requests == []


def test_yes(run: Run, pytester: pytest.Pytester, provider: Counting) -> None:
    """With --byom-yes the quick profile runs, and the ceiling stands above the run."""
    write(pytester, more=PRICE)
    result = run("--byom-endpoint=groq", "--byom-yes")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["plan: * checks, 15 requests, *", "cost: 15 requests and * at the most, which is 0.* USD"]
    )
    assert len(provider.requests) <= 16


@pytest.mark.parametrize(
    ("limits", "more", "asked"),
    [
        (", tokens: 20000", "", True),
        (", cost: 0.5", PRICE, True),
        (", cost: 0.5", "", False),
        (", requests: 20", "", False),
    ],
    ids=["tokens", "cost", "cost-without-price", "requests"],
)
def test_the_registry_agrees(
    run: Run, pytester: pytest.Pytester, provider: Counting, limits: str, more: str, asked: bool
) -> None:
    """A limit of tokens or money in the file is a word, too, if it can be kept."""
    write(pytester, limits, more)
    result = run("--byom-endpoint=groq")
    assert bool(provider.requests) is asked
    assert result.ret == (0 if asked else NOTHING_JUDGED)


def test_who_wants_more_says_so(run: Run, pytester: pytest.Pytester, provider: Counting) -> None:
    """Another profile than quick is one option away, and shown with what it takes."""
    write(pytester)
    result = run("--byom-endpoint=groq", "--byom-profile=full")
    assert "15 requests" not in said(result)
    assert provider.requests == []


def test_own_tests_are_their_own_affair(
    run: Run, pytester: pytest.Pytester, provider: Counting
) -> None:
    """A user's own test at a provider asks what it asks: only the suite's plan is agreed to."""
    write(pytester)
    pytester.makepyfile("def test_own(byom_client): assert byom_client.send_messages('Hi').content")
    result = run("--byom-endpoint=groq", "test_own_tests_are_their_own_affair.py")
    result.assert_outcomes(passed=1)


def test_each_endpoint_has_its_profile(
    run: Run, pytester: pytest.Pytester, provider: Counting
) -> None:
    """Beside a server of one's own, which is judged as ever, a provider is judged quickly."""
    write(pytester)
    result = run("--byom-endpoint=groq", "--byom-endpoint=embedded", "--byom-yes")
    plans = [line for line in result.outlines if line.startswith("plan: ")]
    assert "15 requests" in plans[0]
    assert "15 requests" not in plans[1]
