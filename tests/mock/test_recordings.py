"""An app's exchanges are recorded once, and replayed: readable, strict, without secrets."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

import pytest

import pytest_byom.mock_hooks  # noqa: F401  # pytester drops what an inner run imports first
from pytest_byom.contract import load_folder
from pytest_byom.mock.recordings import read_recording
from pytest_byom.mock.server import MockServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "canary-0123456789abcdef"


class Run(Protocol):
    """Runs pytest with these arguments and returns what became of it."""

    def __call__(self, *arguments: str) -> pytest.RunResult: ...


@pytest.fixture
def server() -> Iterator[MockServer]:
    """What stands for a real server."""
    with MockServer(strict=False) as server:
        yield server


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, server: MockServer) -> Run:
    """Run pytest with this plugin and no other, in this process, in a folder of its own."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("SERVER", server.base_url)
    monkeypatch.setenv("TEXT", "Hi")
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = --strict-markers --strict-config")
    pytester.makepyfile(test_app=APP)
    return partial(pytester.runpytest_inprocess, "-p", "pytest_byom.plugin")


APP = f"""
import os

import httpx2
import pytest

HEADERS = {{"Authorization": "Bearer {KEY}", "OpenAI-Organization": "org-a1b2c3d4e5f6"}}


def body(**members):
    text = os.environ["TEXT"]
    return {{"model": "m", "messages": [{{"role": "user", "content": text}}], **members}}


@pytest.mark.byom_recording
def test_app():
    url = os.environ["SERVER"] + "/chat/completions"
    with httpx2.Client(headers=HEADERS) as client:
        answer = client.post(url, json=body(user="{KEY}")).json()
        assert answer["choices"][0]["message"]["content"] == "Hello"
        events = []
        with client.stream("POST", url, json=body(stream=True)) as stream:
            for part in stream.iter_raw():
                events += [part for part in part.split(b"\\n\\n") if part]
                if events[-1] == b"data: [DONE]":
                    break  # as SDKs do: the end of the body is never read
        assert len(events) == 5
        assert client.get(os.environ["SERVER"] + "/models").status_code == 200
"""
FILE = "recordings/test_app/test_app.yaml"


def script(server: MockServer) -> None:
    """Say what the app expects."""
    server.reply("Hello").reply("Hello there", headers={"x-request-id": "req-1", "set-cookie": KEY})


def test_record_and_replay(run: Run, pytester: pytest.Pytester, server: MockServer) -> None:
    """Recorded once, a test passes without the server."""
    script(server)
    run("--byom-record-mode=once").assert_outcomes(passed=1)
    assert len(server.log.served) == 3
    server.stop()
    run().assert_outcomes(passed=1)
    run("--byom-record-mode=once").assert_outcomes(passed=1)


def test_what_is_in_the_file(run: Run, pytester: pytest.Pytester, server: MockServer) -> None:
    """The file has contracts, one after another, with the events of a stream, and no secret."""
    script(server)
    run("--byom-record-mode=all").assert_outcomes(passed=1)
    file = pytester.path / FILE
    text = file.read_text("utf-8")
    plain, stream, models = read_recording(file)
    assert plain.title == "test_app, request 1"
    assert plain.request.path == "/chat/completions"
    assert plain.response is not None
    assert plain.response.body["choices"][0]["message"]["content"] == "Hello"
    assert stream.response is not None
    assert stream.response.sse is not None
    assert stream.response.sse.endswith("data: [DONE]\n\n")
    assert stream.response.headers["x-request-id"] == "req-1"
    assert models.request.method == "GET"
    assert KEY not in text
    assert "a1b2c3d4e5f6" not in text
    assert "set-cookie" not in text
    assert "uthorization" not in text
    assert "\n    data: {" in text


def test_one_exchange_is_a_contract(
    run: Run, pytester: pytest.Pytester, server: MockServer
) -> None:
    """The file of a test with one exchange is a contract as any."""
    pytester.makepyfile(
        test_app="""
        import os, httpx, pytest

        @pytest.mark.byom_recording
        def test_one():
            body = {"model": "m", "messages": [{"role": "user", "content": "${x} costs $5"}]}
            answer = httpx.post(os.environ["SERVER"] + "/chat/completions", json=body)
            assert answer.status_code == 429
        """
    )
    server.fail(429, retry_after=2)
    run("--byom-record-mode=once").assert_outcomes(passed=1)
    (contract,) = load_folder(pytester.path / "recordings/test_app")
    assert contract.response is not None
    assert (contract.response.status, contract.response.headers["retry-after"]) == (429, "2")
    server.stop()
    run().assert_outcomes(passed=1)


def test_no_recording(run: Run) -> None:
    """Without a recording the test fails, and says how to make one."""
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [f"there is no recording {FILE}: make it with --byom-record-mode=once"]
    )


def test_a_changed_request(run: Run, server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that changed is refused, and shown beside what was recorded."""
    script(server)
    run("--byom-record-mode=once").assert_outcomes(passed=1)
    monkeypatch.setenv("TEXT", "Good morning")
    result = run()
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            f"the app's requests are not those of {FILE}",
            "  POST /chat/completions is not what was recorded as 'test_app, request 1':",
            "    --- recorded",
            "    +++ asked",
            '    -        "content": "Hi",',
            '    +        "content": "Good morning",',
            "  next      record anew with --byom-record-mode=all, if the change is meant",
        ]
    )


def test_an_exchange_that_is_not_asked_for(
    run: Run, pytester: pytest.Pytester, server: MockServer
) -> None:
    """An exchange that the app no longer asks for is reported."""
    script(server)
    run("--byom-record-mode=once").assert_outcomes(passed=1)
    (pytester.path / "test_app.py").write_text(
        "import pytest\n\n@pytest.mark.byom_recording\ndef test_app(): pass\n", "utf-8"
    )
    result = run()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["  'test_app, request 2' was not asked for"])


def test_a_test_that_failed_is_not_recorded(run: Run, pytester: pytest.Pytester) -> None:
    """What a failing test saw is not kept."""
    run("--byom-record-mode=once").assert_outcomes(failed=1)
    assert not (pytester.path / FILE).exists()


def test_a_broken_file(run: Run, pytester: pytest.Pytester, server: MockServer) -> None:
    """A mistake in the file is told with its line."""
    script(server)
    run("--byom-record-mode=once")
    file: Path = pytester.path / FILE
    text = file.read_text("utf-8")
    line = text[: text.index("title: test_app, request 2")].count("\n") + 1
    file.write_text(text.replace("title: test_app, request 2", "titel: x"), "utf-8")
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*test_app.yaml:{line}: titel is no valid key, did you mean*"])


def test_a_wrong_mode(run: Run) -> None:
    """A mode that is none is refused with those that there are."""
    result = run("--byom-record-mode=always")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*invalid choice: 'always' (choose from*none*once*all*"])


ASYNC_APP = """
import asyncio
import os

import httpx
import pytest

BODY = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}


@pytest.mark.byom_recording
def test_app():
    async def ask():
        url = os.environ["SERVER"] + "/chat/completions"
        async with httpx.AsyncClient() as client, client.stream("POST", url, json=BODY) as answer:
            return [part async for part in answer.aiter_raw()]

    assert b"".join(asyncio.run(ask())).count(b"data: ") == 5
"""


def test_an_async_app(run: Run, pytester: pytest.Pytester, server: MockServer) -> None:
    """The stream of an async client is recorded and replayed too, event by event."""
    pytester.makepyfile(test_app=ASYNC_APP)
    server.reply("Hello there")
    run("--byom-record-mode=once").assert_outcomes(passed=1)
    server.stop()
    run().assert_outcomes(passed=1)


def test_real_servers_are_blocked_in_a_replay(
    run: Run, pytester: pytest.Pytester, server: MockServer
) -> None:
    """A replay lets nothing through that was not recorded, whatever the client."""
    script(server)
    run("--byom-record-mode=once").assert_outcomes(passed=1)
    file = pytester.path / "test_app.py"
    more = """
    with pytest.raises(OSError):
        socket.create_connection(("api.openai.com", 443))
"""
    file.write_text("import socket\n" + file.read_text("utf-8") + more, "utf-8")
    result = run()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["  api.openai.com was looked up, which nothing recorded"])
