"""What a person reads when script and requests do not fit, word for word."""

from __future__ import annotations

import re

import pytest

from pytest_byom.mock.asked import AskedRequest, hide
from pytest_byom.mock.in_process import Mock
from pytest_byom.mock.matchers import contains, matches
from pytest_byom.mock.replies import call

from .asking import ask, completion, request

TAKE_IT_OUT = (
    "  next      take it out, or give it times='any', "
    "or allow it with @pytest.mark.byom(strict=False)"
)
TOOL = {"type": "function", "function": {"name": "get_weather"}}


def lines(text: str) -> list[str]:
    """Return the lines of a text without what differs from run to run: line numbers."""
    return re.sub(r"\.py:\d+", ".py:N", text).splitlines()


def test_nothing_is_wrong() -> None:
    """A script that was used up says nothing."""
    mock = Mock()
    mock.reply("x")
    ask(mock)
    assert mock.report() == ""
    mock.verify()


def test_a_request_beside_the_nearest_rule() -> None:
    """The rule with the fewest differences stands beside the request, with what differs."""
    mock = Mock()
    mock.when(model="large", stream=True).reply("far")
    mock.when(last_user=contains("whether"), model="small").reply("Sunny", times="any")
    ask(mock, [{"role": "system", "content": "Be short."},
               {"role": "user", "content": "What is the weather in Paris?"}],
        tools=[TOOL], stream=True)  # fmt: skip
    assert lines(mock.report()) == [
        "byom_mock: 1 request that no reply took",
        "  request 1 POST http://llm.test/v1/chat/completions, model small, streamed",
        '  system    "Be short."',
        '  user      "What is the weather in Paris?"',
        "  tools     get_weather",
        "  nearest   when(last_user=contains('whether'), model='small')",
        '    last_user should be a text that contains "whether"',
        '              but is "What is the weather in Paris?"',
        "byom_mock: 1 reply that no request used",
        "  when(model='large', stream=True).reply('far')  (test_wording.py:N)",
        "  next      add a reply for it, or allow it with @pytest.mark.byom(strict=False)",
    ]


def test_a_queue_that_is_used_up() -> None:
    """When the queue is used up, the last reply is named."""
    mock = Mock()
    mock.reply("Hi")
    ask(mock)
    ask(mock, "And now?")
    assert lines(mock.report()) == [
        "byom_mock: 1 request that no reply took",
        "  request 2 POST http://llm.test/v1/chat/completions, model small",
        '  user      "And now?"',
        "  nearest   each reply has been used: the last one was reply('Hi')  (test_wording.py:N)",
        "  next      add a reply for it, or allow it with @pytest.mark.byom(strict=False)",
    ]


def test_an_empty_script() -> None:
    """An empty script says that it is empty."""
    mock = Mock()
    ask(mock)
    assert "  nearest   nothing: the script is empty" in lines(mock.report())


def test_a_rule_that_is_used_up() -> None:
    """A rule that fits, and has no reply left, says so."""
    mock = Mock()
    mock.when(last_user="Hi").reply("x", times=2)
    for _ in range(3):
        ask(mock)
    assert lines(mock.report())[3:5] == [
        "  nearest   when(last_user='Hi')",
        "    it fits, but all of its replies are used",
    ]


def test_unused_replies() -> None:
    """Replies that no request used are named with their place, and how often they were used."""
    mock = Mock()
    mock.reply("twice", times=2).fail(429, retry_after=2)
    mock.reply(tool_calls=[call("look", city="Paris")])
    ask(mock)
    assert lines(mock.report()) == [
        "byom_mock: 3 replies that no request used",
        "  reply('twice', times=2)  (test_wording.py:N), used 1 of 2 times",
        "  fail(429, retry_after=2)  (test_wording.py:N)",
        "  reply(tool_calls=[call('look', city='Paris')])  (test_wording.py:N)",
        TAKE_IT_OUT,
    ]


def test_a_request_for_a_real_server() -> None:
    """A request that was blocked is named with its method and URL."""
    mock = Mock()
    mock.block(AskedRequest("POST", "https://api.openai.com/v1/embeddings?key=abc", hide({}), b""))
    assert lines(mock.report()) == [
        "byom_mock: 1 request for a real server, not let through",
        "  request 1 POST https://api.openai.com/v1/embeddings?key=***",
        "  next      aim the app at /chat/completions, or add a route: byom_mock.router",
    ]


def test_what_the_client_is_told() -> None:
    """The client gets the same in one line."""
    mock = Mock()
    mock.when(last_user=matches("^bye")).reply("x")
    assert completion(ask(mock))["error"]["message"] == (
        "byom: no reply takes this request; nearest when(last_user=matches('^bye')); "
        "last_user should be a text that matches '^bye'; but is \"Hi\""
    )


def test_verify_raises() -> None:
    """Outside of pytest, the end of the with block raises what is wrong."""
    with pytest.raises(AssertionError, match="1 reply that no request used"), Mock() as mock:
        mock.reply("x")


def test_an_error_of_the_test_comes_first() -> None:
    """An error inside of the with block is not replaced."""
    mock = Mock()
    mock.reply("x")
    with pytest.raises(ZeroDivisionError), mock:
        raise ZeroDivisionError


def test_secrets_are_taken_out_of_what_raised() -> None:
    """What a function raised may have the key in it; the report has not."""
    key = "canary-0123456789abcdef"

    def broken(asked: AskedRequest) -> str:
        raise ValueError(asked.headers["authorization"])

    mock = Mock()
    mock.reply(broken)
    mock.answer(request(key=key))
    mock.answer(request(key=key, reasoning_effort=key))
    assert "raised ValueError: ***" in mock.report()
    assert key not in mock.report()
