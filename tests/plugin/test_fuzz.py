"""`--byom-fuzz` in a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from plugin.servers import serving
from pytest_byom.contract import load_folder
from pytest_byom.mock.embedded import EmbeddedServer
from pytest_byom.mock.http1 import Reply, Request, error_reply

from .test_usage import assert_refused

if TYPE_CHECKING:
    from plugin.conftest import Run


class MindsFractions:
    """The embedded server, which crashes on a temperature that is no whole number."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._inner = EmbeddedServer()

    async def __call__(self, request: Request) -> Reply:
        self.requests.append(request)
        reply = await self._inner(request)
        body = json.loads(request.body) if reply.status == 200 and request.body else {}
        if (body.get("temperature") or 0) % 1:
            return error_reply(500, "no fractions")
        return reply


def test_fuzzing_is_an_option(run: Run) -> None:
    """With the option the fuzz checks are made, and the plan says what they may ask."""
    result = run("--byom-endpoint=embedded", "--byom-profile=quick", "--byom-only=fuzz")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result = run("--byom-endpoint=embedded", "--byom-only=fuzz", "--byom-fuzz=2")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["plan: 16 checks, * requests and at most 96 fuzzed ones, at most * tokens"]
    )
    assert result.parseoutcomes()["passed"] == 16


def test_a_failure_is_shown_and_replays(run: Run, pytester: pytest.Pytester) -> None:
    """A failure is shown as the smallest request, and is written as a contract that finds it."""
    pytester.makeini("[pytest]\nbyom_contracts =\n")
    with serving(MindsFractions()) as url:
        result = run(
            f"--byom-endpoint={url}",
            "--byom-only=fuzz",
            "--byom-fuzz=30",
            "--byom-record=failures",
            "-k",
            "parameters",
        )
        assert result.ret == 1
        result.stdout.fnmatch_lines(
            [
                "fuzz.parameters (must, failed): *",
                "  wrong     status: expected 200, got 500: no fractions",
                '  asked     POST /chat/completions {"model": "byom-embedded", "messages":*',
                "  again     curl *",
            ]
        )
        (contract,) = load_folder(pytester.path / "failures" / "fuzz")
        assert contract.request.body["temperature"] % 1
        assert set(contract.request.body) == {"model", "messages", "max_tokens", "temperature"}
        pytester.makeini("[pytest]\nbyom_contracts = failures/fuzz\n")
        again = run(f"--byom-endpoint={url}", "--byom-only=models", "-v")
    assert again.ret == 1
    again.stdout.fnmatch_lines([f"*contract.{contract.id}*FAILED*"])


class ForgetsCalls:
    """The embedded server, which refuses every history with a call in it."""

    def __init__(self) -> None:
        self._inner = EmbeddedServer()

    async def __call__(self, request: Request) -> Reply:
        if b'"role": "tool"' in request.body and b'"tool_choice": "required"' in request.body:
            return error_reply(400, "who called?")
        return await self._inner(request)


def test_a_conversation_is_shown_and_replays(run: Run, pytester: pytest.Pytester) -> None:
    """Steps lead to what is wrong in a conversation; its last request is a contract, too."""
    pytester.makeini("[pytest]\nbyom_contracts =\n")
    options = ("--byom-only=fuzz", "--byom-fuzz=60", "--byom-fuzz-seed=2", "-k", "conversation")
    with serving(ForgetsCalls()) as url:
        first = run(f"--byom-endpoint={url}", *options, "--byom-report=r", "--byom-record=failures")
        assert first.ret == 1
        first.stdout.fnmatch_lines(
            [
                "fuzz.conversation (must, failed): *",
                "  wrong     status: expected 200, as for the same request without a history*",
                "            called?",
                "  steps     # drawn by --byom-fuzz=60 --byom-fuzz-seed=2",
                "            say(text='*', choice='*', stream=*)",
                "            answer*choice='required', stream=*)",
                "  asked     POST /chat/completions {*",
            ]
        )
        results = json.loads((pytester.path / "r" / "results.json").read_text("utf-8"))
        (row,) = results["checks"]
        (finding,) = row["findings"]
        assert finding["steps"].count("\n") == 2
        page = (pytester.path / "r" / "index.html").read_text("utf-8")
        assert json.dumps(finding["steps"])[1:-1] in page
        assert [contract.kind for contract in load_folder(pytester.path / "failures" / "fuzz")] == [
            "valid"
        ]
        pytester.makeini("[pytest]\nbyom_contracts = failures/fuzz\n")
        again = run(f"--byom-endpoint={url}", "--byom-only=models", "-v")
    assert again.ret == 1
    again.stdout.fnmatch_lines(["*contract.valid-*FAILED*"])


def test_a_seed_decides(run: Run) -> None:
    """The same seed draws the same requests in another run, another seed does not."""
    bodies = []
    for seed in (0, 0, 1):
        app = MindsFractions()
        with serving(app) as url:
            run(
                f"--byom-endpoint={url}",
                "--byom-only=fuzz",
                "--byom-fuzz=6",
                f"--byom-fuzz-seed={seed}",
                "-k",
                "messages",
            )
        bodies.append(sorted(request.body for request in app.requests))
    assert bodies[0] == bodies[1] != bodies[2]


def test_fewer_than_none(run: Run) -> None:
    """A number below 0 is refused."""
    result = run("--byom-endpoint=embedded", "--byom-fuzz=-1")
    assert_refused(result, "--byom-fuzz has to be 0 or more, not -1")


def test_fuzz_needs_endpoint(run: Run) -> None:
    """Fuzzing nobody is refused."""
    result = run("--byom-fuzz=5")
    assert_refused(result, "--byom-fuzz needs --byom-endpoint: which server should be fuzzed?")


def test_hypothesis_is_left_alone(pytester: pytest.Pytester) -> None:
    """A run that does not fuzz never imports hypothesis."""
    pytester.makeconftest(
        """
        import sys

        def pytest_sessionfinish(session):
            assert "hypothesis" not in sys.modules
        """
    )
    result = pytester.runpytest_subprocess(
        "-p", "pytest_byom.plugin", "--byom-endpoint=embedded", "--byom-profile=quick", timeout=120
    )
    assert result.ret == 0
