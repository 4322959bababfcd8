"""--byom-check-mocks tells which replies of an app's tests a live server does not agree with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pytest_byom.gate.exit_codes import NOTHING_JUDGED
from pytest_byom.mock.embedded import EmbeddedServer
from pytest_byom.mock.http1 import Reply, Request
from pytest_byom.mock.server import MockServer

from .servers import KEY, free_url, serving

if TYPE_CHECKING:
    from .conftest import Run

APP = """
import httpx
import pytest
from pytest_byom import call

LOOK = {"type": "function", "function": {"name": "look"}}

def ask(text="Hi", **members):
    body = {"model": "small", "messages": [{"role": "user", "content": text}], **members}
    return httpx.post("http://llm.test/v1/chat/completions", json=body)
"""
TWO = """
def test_plain(byom_mock):
    byom_mock.reply("Hello")
    ask()

def test_stream(byom_mock):
    byom_mock.when(last_user="Hi").reply("Hello there", times="any")
    ask(stream=True)
"""


@pytest.fixture(autouse=True)
def _app(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_app=APP + TWO)


class Renaming:
    """The embedded server after an upgrade: `content` of a message is a list of parts."""

    def __init__(self) -> None:
        self._inner = EmbeddedServer()

    async def __call__(self, request: Request) -> Reply:
        reply = await self._inner(request)
        if not isinstance(reply.body, bytes) or b'"chat.completion"' not in reply.body:
            return reply
        answer = json.loads(reply.body)
        for choice in answer["choices"]:
            message = choice["message"]
            message["content"] = [{"type": "text", "text": message["content"]}]
            del message["refusal"]
        return Reply(reply.status, reply.headers, json.dumps(answer).encode())


def check(run: Run, url: str, *more: str) -> pytest.RunResult:
    return run(f"--byom-endpoint={url}", "--byom-check-mocks", *more)


def test_all_agree(run: Run) -> None:
    """Replies that the server gives alike are counted, and the tests run in place of the suite."""
    result = check(run, "embedded")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["embedded: 2 replies agree with the server, 0 not, 0 could not be compared"]
    )
    assert result.ret == 0


def test_a_difference(run: Run) -> None:
    """A reply that the server does not agree with is shown with what is otherwise, and fails."""
    with serving(Renaming()) as url:
        result = check(run, url)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "*: 1 reply agrees with the server, 1 not, 0 could not be compared",
            "  reply('Hello') (test_app.py:12), in test_app.py::test_plain",
            "    choices[[]].message: content: the reply has string, the server array",
            "    choices[[]].message: refusal: the reply has null, the server no such member",
            "    next      change the reply",
        ],
        consecutive=True,
    )
    assert result.ret == 1


def test_the_dialect_of_the_server(run: Run, pytester: pytest.Pytester) -> None:
    """Where the endpoint is of a known kind, speaking like it is the next step, and it helps."""
    marked = '@pytest.mark.byom(dialect="ollama")\n'
    with MockServer(dialect="ollama", strict=False) as server:
        server.reply("Hello from the server", times="any")
        pytester.makefile(
            ".yaml",
            byom=f"endpoints: {{box: {{base_url: '{server.base_url}', dialect: ollama}}}}",
        )
        result = check(run, "box")
        result.stdout.fnmatch_lines(
            [
                "*the reply has *, the server has not",
                "    next      change the reply, or speak as this server does: *(dialect=*ollama*)",
            ]
        )
        assert result.ret == 1
        pytester.makepyfile(test_app=APP + TWO.replace("def test", f"{marked}def test"))
        assert check(run, "box").ret == 0


def test_from_contract(run: Run, pytester: pytest.Pytester) -> None:
    """What a contract says is held against the server too."""
    own = """
def test_contract(byom_mock):
    byom_mock.from_contract("chat/plain")
    ask()
"""
    pytester.makepyfile(test_app=APP + own)
    result = check(run, "embedded")
    result.stdout.fnmatch_lines(
        [
            "  from_contract('chat/plain') (test_app.py:*), in test_app.py::test_contract",
            "    body: the reply has timings, the server has not",
        ]
    )
    assert result.ret == 1


def test_the_model_did_otherwise(run: Run, pytester: pytest.Pytester) -> None:
    """A call that the server's model does not make cannot be compared; nothing is judged then."""
    own = """
def test_call(byom_mock):
    byom_mock.reply(tool_calls=call("look"))
    ask("Say ok.", tools=[LOOK])
"""
    pytester.makepyfile(test_app=APP + own)
    result = check(run, "embedded")
    result.stdout.fnmatch_lines(
        [
            "embedded: 0 replies agree with the server, 0 not, 1 could not be compared",
            "  reply(tool_calls=call('look')) (test_app.py:*), in test_app.py::test_call",
            "    the model did otherwise: its answer has no such part (call)",
        ]
    )
    assert result.ret == NOTHING_JUDGED


def test_an_answer_of_another_status(run: Run, pytester: pytest.Pytester) -> None:
    """A request that the server refuses, and the mock did not, is a difference."""
    own = """
@pytest.mark.byom(validate=False)
def test_bad(byom_mock):
    byom_mock.reply("Hello")
    ask(temperature="hot")
"""
    pytester.makepyfile(test_app=APP + own)
    result = check(run, "embedded")
    result.stdout.fnmatch_lines(["    answer: status: the reply has 200, the server 400"])
    assert result.ret == 1


def test_what_is_left_out(run: Run, pytester: pytest.Pytester) -> None:
    """Failures, planned faults and refusals have no live counterpart."""
    own = """
def test_faults(byom_mock):
    byom_mock.fail(500).reply("Hello", cut_after=1).reply("Hello", split="every byte")
    for _ in range(2):
        ask()
    httpx.post("http://llm.test/v1/chat/completions", json={"model": "small", "messages": []})
    ask(stream=True)

def test_none():
    pass
"""
    pytester.makepyfile(test_app=APP + own.replace("cut_after=1", "pace=0.1"))
    result = check(run, "embedded")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["no test got a reply from a mock: there is nothing to compare"])
    assert result.ret == NOTHING_JUDGED


def test_a_failing_test_fails(run: Run, pytester: pytest.Pytester) -> None:
    """A test that fails fails the run, whatever the server says."""
    pytester.makepyfile(test_more="def test_no(): assert False")
    result = check(run, "embedded")
    result.stdout.fnmatch_lines(["embedded: 2 replies agree *"])
    assert result.ret == 1


def test_one_reply_in_many_tests(run: Run, pytester: pytest.Pytester) -> None:
    """A reply of a shared script is shown once."""
    own = """
@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.byom(dialect="groq")
def test_plain(byom_mock, number):
    byom_mock.reply("Hello")
    ask()
"""
    pytester.makepyfile(test_app=APP + own)
    result = check(run, "embedded")
    result.stdout.fnmatch_lines(
        ["  reply('Hello') (test_app.py:*), in test_app.py::test_plain[[]1] and 2 more"]
    )
    assert result.stdout.str().count("reply('Hello')") == 1


def test_nobody_there(run: Run) -> None:
    """A server that cannot be reached is said, and the run is not green."""
    result = check(run, free_url())
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["127.0.0.1:*: *"])
    assert result.ret == NOTHING_JUDGED


def test_in_several_processes(run: Run) -> None:
    """Under xdist the workers keep the replies, and the controller compares them."""
    result = check(run, "embedded", "-p", "xdist", "-n", "2")
    result.stdout.fnmatch_lines(["embedded: 2 replies agree with the server, 0 not, *"])
    assert result.ret == 0


def test_the_key_is_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key goes to the endpoint, and into no line."""
    monkeypatch.setenv("BYOM_API_KEY", KEY)
    with serving(EmbeddedServer(api_key=KEY)) as url:
        result = check(run, url)
    assert result.ret == 0
    assert KEY not in result.stdout.str() + result.stderr.str()


LONELY = [
    (
        ["--byom-check-mocks"],
        "--byom-check-mocks needs --byom-endpoint: which server should the mocks agree with?",
    ),
    (
        ["--byom-check-mocks", "--byom-endpoint=embedded", "--byom-save=x.json"],
        "--byom-save is about a server, --byom-check-mocks about your mocks: make two runs",
    ),
    (["--byom-check-mocks", "--byom-endpoint=nowhere"], "nowhere"),
]


@pytest.mark.parametrize(("arguments", "message"), LONELY)
def test_wrong_use(run: Run, arguments: list[str], message: str) -> None:
    """What does not go together is refused before a test runs."""
    result = run(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()


def test_collect_only(run: Run) -> None:
    """Nothing is asked where nothing runs."""
    result = check(run, free_url(), "--collect-only")
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*mocks*====*")
