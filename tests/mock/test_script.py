"""Which reply a request gets."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.client.errors import UsageError
from pytest_byom.mock.in_process import Mock
from pytest_byom.mock.matchers import anything, contains, matches
from pytest_byom.mock.replies import call

from .asking import HI, ask, completion, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_byom.mock.asked import AskedRequest


@pytest.fixture
def mock() -> Mock:
    return Mock()


def test_queue_in_order(mock: Mock) -> None:
    """Replies are used in the order in which they were written, each once."""
    mock.reply("one").reply("two")
    assert [said(ask(mock)), said(ask(mock))] == ["one", "two"]
    assert ask(mock).kind == "unmatched"


def test_times(mock: Mock) -> None:
    """A reply may be used several times."""
    mock.reply("again", times=2).reply("last")
    assert [said(ask(mock)) for _ in range(3)] == ["again", "again", "last"]


def test_any_number_of_times(mock: Mock) -> None:
    """A reply for any number of requests is never owed."""
    mock.reply("always", times="any")
    assert mock.report() == ""
    assert {said(ask(mock)) for _ in range(3)} == {"always"}


def test_rules_come_before_the_queue(mock: Mock) -> None:
    """A rule that fits is used before the queue."""
    mock.reply("from the queue")
    mock.when(last_user=contains("weather")).reply("Sunny")
    assert said(ask(mock, "What is the weather?")) == "Sunny"
    assert said(ask(mock, "Hi")) == "from the queue"


def test_the_first_rule_that_fits_wins(mock: Mock) -> None:
    """Of several rules, the one that was written first is used."""
    mock.when(model="small").reply("first")
    mock.when(last_user="Hi").reply("second")
    assert said(ask(mock)) == "first"


def test_a_rule_repeats_its_last_reply(mock: Mock) -> None:
    """The replies of a rule come in order, and the last one stays."""
    mock.when(last_user="Hi").reply("one").reply("two")
    assert [said(ask(mock)) for _ in range(4)] == ["one", "two", "two", "two"]


def test_a_rule_with_times_ends(mock: Mock) -> None:
    """A last reply with a number is used that often; then the next rule is asked."""
    mock.when(last_user="Hi").reply("one", times=2)
    mock.when(model="small").reply("after")
    assert [said(ask(mock)) for _ in range(3)] == ["one", "one", "after"]


CONVERSATION = [
    *HI,
    {"role": "assistant", "content": "Hello"},
    {"role": "user", "content": "And now?"},
]


def test_a_conversation_goes_by_its_turns(mock: Mock) -> None:
    """The answer is picked by the number of answers that the request holds."""
    mock.conversation(first_user="Hi").reply("Hello").reply("Bye")
    assert said(ask(mock, CONVERSATION)) == "Bye"
    assert said(ask(mock, HI)) == "Hello"
    assert said(ask(mock, CONVERSATION)) == "Bye"


def test_a_conversation_ends(mock: Mock) -> None:
    """Behind its last answer a conversation has nothing to say."""
    mock.conversation(first_user="Hi").reply("Hello")
    assert ask(mock, CONVERSATION).kind == "unmatched"


def test_a_function_makes_the_reply(mock: Mock) -> None:
    """A function gets the request and returns a text, pieces, calls or arguments."""
    mock.reply(lambda asked: f"You said {asked.last_user}")
    mock.reply(lambda asked: ["in ", "pieces"])
    mock.reply(lambda asked: call("look", word=asked.model))
    mock.reply(lambda asked: {"content": "x", "finish_reason": "length"})
    assert said(ask(mock)) == "You said Hi"
    assert said(ask(mock)) == "in pieces"
    message = completion(ask(mock))["choices"][0]["message"]
    assert message["tool_calls"][0]["function"] == {
        "name": "look",
        "arguments": '{"word": "small"}',
    }
    assert completion(ask(mock))["choices"][0]["finish_reason"] == "length"


TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}
CALLED: list[dict[str, Any]] = [
    *HI,
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "42 apples"},
]
SYSTEM = [{"role": "system", "content": "Be short."}, *HI]

FITS: list[tuple[dict[str, Any], Any, dict[str, Any]]] = [
    ({"last_user": "Hi"}, "Hi", {}),
    ({"last_user": contains("WEATHER")}, "the weather", {}),
    ({"last_user": matches(r"^\d+$")}, "42", {}),
    ({"last_user": anything()}, "x", {}),
    ({"last_user": lambda text: len(text) == 2}, "Hi", {}),
    ({"first_user": "Hi"}, CONVERSATION, {}),
    ({"model": "small"}, "Hi", {}),
    ({"system": "Be short."}, SYSTEM, {}),
    ({"tool": "look"}, "Hi", {"tools": [TOOL]}),
    ({"tool": contains("look")}, "Hi", {"tools": [TOOL]}),
    ({"tool_result": contains("42")}, CALLED, {}),
    ({"turn": 2}, CONVERSATION, {}),
    ({"stream": True}, "Hi", {"stream": True}),
    ({"json": {"temperature": 0.5}}, "Hi", {"temperature": 0.5, "n": 2}),
    ({"json": {"tools": [{"function": {"name": "look"}}]}}, "Hi", {"tools": [TOOL]}),
    ({"messages": [{"role": "user"}]}, "Hi", {}),
    ({"headers": {"Content-Type": contains("json")}}, "Hi", {}),
    ({"host": "llm.test"}, "Hi", {}),
    ({"path": "/v1/chat/completions"}, "Hi", {}),
]


@pytest.mark.parametrize(("conditions", "messages", "members"), FITS)
def test_fits(mock: Mock, conditions: Any, messages: Any, members: Any) -> None:
    """A condition takes the requests that it names."""
    mock.when(**conditions).reply("yes")
    assert ask(mock, messages, **members).kind == "reply"


FITS_NOT: list[tuple[dict[str, Any], Any, dict[str, Any]]] = [
    ({"last_user": "Hi"}, "Hi there", {}),
    ({"last_user": contains("Hi", ignore_case=False)}, "hi", {}),
    ({"last_user": matches(r"^\d+$")}, "x42", {}),
    ({"tool": "look"}, "Hi", {}),
    ({"tool_result": anything()}, "Hi", {}),
    ({"turn": 1}, CONVERSATION, {}),
    ({"stream": True}, "Hi", {}),
    ({"stream": 0}, "Hi", {}),
    ({"json": {"temperature": 0.5}}, "Hi", {}),
    ({"json": {"n": 1}}, "Hi", {"n": 2}),
    ({"json": {"messages": []}}, "Hi", {}),
    ({"json": {"metadata": {"a": "b"}}}, "Hi", {}),
    ({"headers": {"x-missing": anything()}}, "Hi", {}),
    ({"schema": anything()}, "Hi", {}),
]


@pytest.mark.parametrize(("conditions", "messages", "members"), FITS_NOT)
def test_fits_not(mock: Mock, conditions: Any, messages: Any, members: Any) -> None:
    """A condition leaves all other requests."""
    mock.when(**conditions).reply("yes")
    assert ask(mock, messages, **members).kind == "unmatched"


def test_a_function_of_the_request(mock: Mock) -> None:
    """What has no name is a function of the whole request."""

    def is_short(asked: AskedRequest) -> bool:
        return len(asked.last_user) < 5

    mock.when(is_short).reply("short")
    assert ask(mock, "Hi").kind == "reply"
    assert ask(mock, "Hello there").kind == "unmatched"


def test_threads(mock: Mock) -> None:
    """Requests of several threads get each reply once."""
    mock.reply("x", times=200)
    threads = [threading.Thread(target=lambda: [ask(mock) for _ in range(25)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mock.report() == ""
    assert sorted(one.number for one in mock.requests) == list(range(1, 201))


def test_requests(mock: Mock) -> None:
    """What was asked can be looked at."""
    mock.reply("x")
    ask(mock, SYSTEM, tools=[TOOL], user="me", stream=True)
    asked = mock.requests[-1]
    assert asked.messages == SYSTEM
    assert asked.tools == [TOOL["function"]]
    assert asked.json["user"] == "me"
    assert asked.headers["content-type"] == "application/json"
    assert (asked.system, asked.last_user, asked.model, asked.stream) == (
        "Be short.", "Hi", "small", True,
    )  # fmt: skip


MISTAKES: list[tuple[Callable[[Mock], Any], str]] = [
    (lambda mock: mock.reply(5), "a text or a list of its pieces, not int"),
    (lambda mock: mock.reply("x", tols=[]), "reply() has no argument tols="),
    (lambda mock: mock.reply("x", cut_aftr=1), "did you mean cut_after=?"),
    (lambda mock: mock.reply("x", cut_after=-1), "cut_after=-1: give a number of events"),
    (lambda mock: mock.reply("x", corrupt=0), "corrupt=0: give a number of events, 1 or more"),
    (lambda mock: mock.reply("x", stall="long"), "stall='long': give seconds, 0 or more"),
    (lambda mock: mock.reply("x", delay=float("inf"), real=True), "would wait for ever"),
    (lambda mock: mock.reply("x", split="words"), "split='words': give 'event'"),
    (lambda mock: mock.reply("x", parsed={}), "give the content or parsed="),
    (lambda mock: mock.reply("x", usage=5), "usage=5: give (input, output)"),
    (lambda mock: mock.reply("x", times=0), "times=0: give a number from 1 on, or 'any'"),
    (lambda mock: mock.reply(tool_calls=["look"]), "tool_calls is a list of call(...)"),
    (lambda mock: mock.reply(len, usage=(1, 2)), "a function gives the whole reply"),
    (lambda mock: mock.fail(), "give a status, such as 429, or timeout="),
    (lambda mock: mock.fail(429, timeout="read"), "one of them"),
    (lambda mock: mock.fail(timeout="slow"), "give one of 'connect', 'read', 'write', 'pool'"),
    (lambda mock: mock.fail(connection="gone"), "give one of 'refused', 'reset', 'closed'"),
    (lambda mock: mock.fail(99), "a status is a number from 200 to 599"),
    (lambda mock: mock.when(), "when() needs a condition"),
    (lambda mock: mock.when(lastuser="x"), "did you mean last_user=?"),
    (lambda mock: mock.when("Hi"), "is a function of the request"),
    (lambda mock: mock.dialect("grok"), "there is no dialect 'grok'"),
    (lambda mock: call("look", {"a": 1}, b=2), "by name, or as one value, not both"),
]


@pytest.mark.parametrize(("mistake", "message"), MISTAKES)
def test_mistakes_are_told_at_once(
    mock: Mock, mistake: Callable[[Mock], Any], message: str
) -> None:
    """A wrong argument is refused where it is written, with what is right."""
    with pytest.raises(UsageError) as caught:
        mistake(mock)
    assert message in str(caught.value)


def test_a_function_that_fails(mock: Mock) -> None:
    """A function that raises is reported with the place of the reply, not lost in the client."""

    def broken(asked: AskedRequest) -> str:
        raise KeyError("city")

    mock.reply(broken)
    served = ask(mock)
    assert served.answer.status == 400
    assert "reply(broken) (test_script.py:" in mock.report()
    assert "raised KeyError: 'city'" in mock.report()


def test_a_condition_that_fails(mock: Mock) -> None:
    """A condition that raises does not fit, and the report says what it raised."""

    def wants_paris(asked: AskedRequest) -> bool:
        return bool(asked.json["city"] == "Paris")

    mock.when(wants_paris).reply("x")
    assert ask(mock).kind == "unmatched"
    assert "    request should be what wants_paris accepts" in mock.report()
    assert ", for which it raised KeyError: 'city'" in mock.report()
    mock.reply("the queue goes on")
    assert said(ask(mock)) == "the queue goes on"


def test_reset(mock: Mock) -> None:
    """A reset forgets script and requests."""
    mock.reply("x")
    ask(mock)
    mock.reply("y").reset()
    assert mock.requests == []
    assert mock.report() == ""
