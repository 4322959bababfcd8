"""`byom_mock` in a user's test: what passes, what fails, and what it says."""

from __future__ import annotations

from functools import partial
from typing import Protocol

import pytest

import pytest_byom.mock_hooks  # noqa: F401  # pytester drops what an inner run imports first


class Run(Protocol):
    """Runs pytest with these arguments and returns what became of it."""

    def __call__(self, *arguments: str) -> pytest.RunResult: ...


@pytest.fixture(autouse=True)
def _usual_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Run pytest with this plugin and no other, in this process, in a folder of its own."""
    pytester.makeini("[pytest]\nfilterwarnings = error\naddopts = --strict-markers --strict-config")
    pytester.makeconftest(
        """
        import httpx
        import pytest

        @pytest.fixture
        def ask():
            def send(text="Hi", **members):
                body = {"model": "m", "messages": [{"role": "user", "content": text}], **members}
                return httpx.post("http://llm.test/v1/chat/completions", json=body)
            return send
        """
    )
    return partial(pytester.runpytest_inprocess, "-p", "pytest_byom.plugin")


def test_a_test_with_a_script(run: Run, pytester: pytest.Pytester) -> None:
    """A test whose requests and replies fit passes."""
    pytester.makepyfile(
        """
        def test_app(byom_mock, ask):
            byom_mock.reply("Hello")
            assert ask().json()["choices"][0]["message"]["content"] == "Hello"
            assert byom_mock.requests[-1].last_user == "Hi"
        """
    )
    run().assert_outcomes(passed=1)


def test_a_request_that_the_app_swallowed(run: Run, pytester: pytest.Pytester) -> None:
    """A request that nothing took fails the test at its end, though the app said nothing."""
    pytester.makepyfile("def test_app(byom_mock, ask): ask('Where am I?')")
    result = run()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_app*",
            "byom_mock: 1 request that no reply took",
            "  request 1 POST http://llm.test/v1/chat/completions, model m",
            '  user      "Where am I?"',
            "  nearest   nothing: the script is empty",
        ]
    )
    assert "Traceback" not in result.stdout.str()


def test_an_unused_reply(run: Run, pytester: pytest.Pytester) -> None:
    """A reply that no request used fails the test at its end."""
    pytester.makepyfile("def test_app(byom_mock): byom_mock.reply('Hello')")
    result = run()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["byom_mock: 1 reply that no request used", "  reply('Hello')  (test_an_unused_reply.py:1)"]
    )


def test_a_test_that_failed_is_not_blamed_twice(run: Run, pytester: pytest.Pytester) -> None:
    """When a test fails, the replies that it did not get to are not reported."""
    pytester.makepyfile(
        """
        def test_app(byom_mock):
            byom_mock.reply("Hello")
            assert False, "for another reason"
        """
    )
    run().assert_outcomes(failed=1)


def test_a_test_that_failed_shows_its_requests(run: Run, pytester: pytest.Pytester) -> None:
    """When a test fails, requests that nothing took are shown: they may be the reason."""
    pytester.makepyfile(
        """
        def test_app(byom_mock, ask):
            byom_mock.reply("Hello", tool_calls=[])
            ask(); assert ask().status_code == 200
        """
    )
    result = run()
    result.assert_outcomes(failed=1, errors=1)
    result.stdout.fnmatch_lines(["byom_mock: 1 request that no reply took"])


@pytest.mark.parametrize("use", ["ask()", "byom_mock.reply('x')"])
def test_loosened(run: Run, pytester: pytest.Pytester, use: str) -> None:
    """With strict=False nothing fails at the end."""
    pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.byom(strict=False)
        def test_app(byom_mock, ask):
            {use}
        """
    )
    run().assert_outcomes(passed=1)


def test_not_validated(run: Run, pytester: pytest.Pytester) -> None:
    """With validate=False any request gets its reply."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.byom(validate=False)
        def test_app(byom_mock, ask):
            byom_mock.reply("x")
            assert ask(temperature="hot").status_code == 200
        """
    )
    run().assert_outcomes(passed=1)


def test_a_wrong_marker(run: Run, pytester: pytest.Pytester) -> None:
    """An argument that the marker has not got is told, with those that it has."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.byom(stict=False)
        def test_app(byom_mock): pass
        """
    )
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*has no argument stict=; there are dialect, strict, validate"])


def test_one_test_under_several_dialects(run: Run, pytester: pytest.Pytester) -> None:
    """A list of dialects runs the test once for each."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.byom(dialect=["openai", "groq"])
        def test_app(byom_mock, byom_dialect):
            assert byom_mock.dialect_name == byom_dialect
        """
    )
    result = run("-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*::test_app?openai? PASSED*", "*::test_app?groq? PASSED*"])


def test_an_unknown_dialect(run: Run, pytester: pytest.Pytester) -> None:
    """A dialect that is none is told, with those that there are."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.byom(dialect="grok")
        def test_app(byom_mock): pass
        """
    )
    result = run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["there is no dialect 'grok'; there are *openai*"])


def test_async_tests(run: Run, pytester: pytest.Pytester) -> None:
    """Async tests of a plugin work as any."""
    pytester.makepyfile(
        """
        import httpx
        import pytest

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.anyio
        async def test_app(byom_mock):
            byom_mock.reply("Hello")
            async with httpx.AsyncClient() as client:
                body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
                answer = await client.post("http://llm.test/v1/chat/completions", json=body)
            assert answer.status_code == 200
        """
    )
    run("-p", "anyio").assert_outcomes(passed=1)


LATER = """
import httpx
import pytest


@pytest.fixture
def later(monkeypatch):
    # What pytest-httpx does: its own method in the place of the transport's.
    real = httpx.HTTPTransport.handle_request

    def answer(transport, request):
        if request.url.host == "llm.test":
            raise AssertionError("the LLM's request came here")
        return httpx.Response(200, text="theirs")

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", answer)


def check(ask, byom_mock):
    byom_mock.reply("Hello")
    assert ask().json()["choices"]
    assert httpx.get("http://other.test").text == "theirs"


def test_before(byom_mock, later, ask):
    check(ask, byom_mock)


def test_after(later, byom_mock, ask):
    check(ask, byom_mock)


def test_all_is_put_back(monkeypatch):
    assert "site-packages" in httpx.HTTPTransport.handle_request.__code__.co_filename


def test_undone_later(monkeypatch, byom_mock, later, ask):
    check(ask, byom_mock)


def test_all_is_as_good_as_put_back():
    with pytest.raises(httpx.ConnectError):
        httpx.get("http://127.0.0.1:1")
"""


def test_other_mocks_of_transports(run: Run, pytester: pytest.Pytester) -> None:
    """A fixture that replaces the same methods goes on working, set up before or after."""
    pytester.makepyfile(LATER)
    run().assert_outcomes(passed=5)


def test_alias(pytester: pytest.Pytester) -> None:
    """`httpx2.alias_httpx()` in a conftest works: nothing has imported httpx before."""
    pytester.makeconftest("import httpx2\nhttpx2.alias_httpx()")
    pytester.makepyfile(
        """
        import httpx
        import httpx2

        def test_app(byom_mock):
            assert httpx is httpx2
            byom_mock.router.get("http://other.test/").respond(text="routed")
            byom_mock.reply("Hello")
            body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
            answer = httpx.post("http://llm.test/v1/chat/completions", json=body)
            assert answer.json()["choices"][0]["message"]["content"] == "Hello"
            assert httpx.get("http://other.test/").text == "routed"
        """
    )
    result = pytester.runpytest_subprocess("-p", "pytest_byom.plugin", timeout=60)
    result.assert_outcomes(passed=1)


def test_respx_is_not_loaded_until_it_is_used(pytester: pytest.Pytester) -> None:
    """A test that uses no route of its own does not pay for respx, nor for an SDK."""
    pytester.makepyfile(
        """
        import sys

        def test_app(byom_mock):
            assert "respx" not in sys.modules
            assert "hypothesis" not in sys.modules
            assert byom_mock.router and "respx" in sys.modules
        """
    )
    result = pytester.runpytest_subprocess("-p", "pytest_byom.plugin", timeout=60)
    result.assert_outcomes(passed=1)


def test_a_server(run: Run, pytester: pytest.Pytester) -> None:
    """`byom_server` has a server with a script of its own for each test."""
    pytester.makepyfile(
        """
        import httpx
        import pytest

        BODY = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}

        @pytest.mark.parametrize("text", ["one", "two"])
        def test_app(byom_server, text):
            byom_server.reply(text)
            answer = httpx.post(f"{byom_server.base_url}/chat/completions", json=BODY).json()
            assert answer["choices"][0]["message"]["content"] == text

        def test_silent(byom_server):
            byom_server.reply("never asked for")
        """
    )
    result = run()
    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["byom_server: 1 reply that no request used"])


def test_both(run: Run, pytester: pytest.Pytester) -> None:
    """Both fixtures in one test do not mix: the mock leaves the server's requests alone."""
    pytester.makepyfile(
        """
        import httpx

        BODY = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}

        def test_app(byom_server, byom_mock, ask):
            byom_mock.hosts("llm.test").reply("in process")
            byom_server.reply("on a socket")
            answer = httpx.post(f"{byom_server.base_url}/chat/completions", json=BODY).json()
            assert answer["choices"][0]["message"]["content"] == "on a socket"
            assert ask().json()["choices"][0]["message"]["content"] == "in process"
        """
    )
    run().assert_outcomes(passed=1)
