"""The state machine that talks with a server, as a user writes one."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, ClassVar

import httpx
import pytest
from hypothesis import seed, settings
from hypothesis.stateful import run_state_machine_as_test

from pytest_byom.mock.embedded import EmbeddedServer
from pytest_byom.mock.http1 import BackgroundServer
from pytest_byom.strategies import ConversationMachine
from pytest_byom.strategies.conversations import MISTAKES, Message

if TYPE_CHECKING:
    from collections.abc import Iterator

STEADY = settings(max_examples=25, stateful_step_count=12, derandomize=True, database=None)
STEPS = (
    "say", "answer", "answer_in_another_order", "answer_with_an_error", "ask_again", "take_back",
    "offer", "withdraw", "make_a_mistake", "talk_over_calls", "leave",
)  # fmt: skip


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of an embedded server, which must not fail on anything."""
    with BackgroundServer(EmbeddedServer()) as running:
        yield f"{running.url}/v1/chat/completions"
        assert running.errors == []


class Plain(ConversationMachine):
    """Talks without streams, and is sure that all is taken that should be, and no more."""

    streams = False
    url: ClassVar[str]
    http: ClassVar[httpx.Client]
    made: ClassVar[Counter[str]]
    refused: ClassVar[set[str]]

    def send(self, body: dict[str, Any]) -> Message:
        """Send a request that has to be taken."""
        answer = self.http.post(self.url, json=body)
        assert answer.status_code == 200, answer.text
        message: Message = answer.json()["choices"][0]["message"]
        return message

    def send_broken(self, body: dict[str, Any], why: str) -> None:
        """Send a request that has to be refused."""
        answer = self.http.post(self.url, json=body)
        assert answer.status_code == 400, f"{why}: {answer.text}"
        self.refused.add(why)

    def teardown(self) -> None:
        """Count the steps."""
        self.made.update(step.name for step in self.steps)


@pytest.fixture
def plain(url: str) -> Iterator[type[Plain]]:
    """Give the machine, aimed at the server."""
    Plain.url, Plain.made, Plain.refused = url, Counter(), set()
    with httpx.Client(trust_env=False) as Plain.http:
        yield Plain


def test_the_embedded_server_takes_all_of_it(plain: type[Plain]) -> None:
    """Whatever is said, the embedded server goes on; every step is made, every mistake refused."""
    run_state_machine_as_test(seed(0)(plain), settings=STEADY)
    assert set(plain.made) == set(STEPS) - {"leave"}
    assert plain.refused == {*MISTAKES, "calls without results"}


class Forgetful(ConversationMachine):
    """Talks with a server that calls a tool and cannot take its result."""

    kept: ClassVar[list[list[str]]]

    def send(self, body: dict[str, Any]) -> Message:
        """Answer without a server."""
        if body["messages"][-1]["role"] == "tool":
            self.kept.append([*map(str, self.steps)])
            raise AssertionError("who called?")
        if body["tool_choice"] == "none":
            return {"role": "assistant", "content": "Ok"}
        function = {"name": "get_time", "arguments": '{"city": "Paris"}'}
        call = {"id": "call_1", "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}


SHORTEST = [
    "say(text='Say ok.', choice='required', stream=False)",
    "answer(result='{\"time\": \"12:00\"}', choice='none', stream=False)",
]


def test_a_failure_is_made_short() -> None:
    """A server that refuses its own history is found, with few and simple steps.

    Versions of hypothesis differ in whether a step that does no harm is left before them.
    """
    Forgetful.kept = []
    with pytest.raises(AssertionError, match="who called"):
        run_state_machine_as_test(Forgetful, settings=STEADY)
    shortest = min(Forgetful.kept, key=len)
    assert set(SHORTEST) <= set(shortest)
    assert len(shortest) <= len(SHORTEST) + 1


def test_steps_are_python() -> None:
    """The text of a step makes it again."""
    Forgetful.kept = []
    talk = Forgetful()
    with pytest.raises(AssertionError, match="who called"):
        eval("[talk.{}, talk.{}]".format(*SHORTEST), {"talk": talk})
    assert [str(step) for step in talk.steps] == SHORTEST


class Silent(ConversationMachine):
    """Talks with nobody, and keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, Any]] = []

    def send(self, body: dict[str, Any]) -> None:
        """Keep a request."""
        self.sent.append(body)


def test_an_answer_that_cannot_go_back() -> None:
    """Without a message the history stays as it was."""
    talk = Silent()
    talk.say(text="Hi", choice="named", stream=True)
    assert talk.history == []
    assert talk.sent[0]["messages"] == [{"role": "user", "content": "Hi"}]
    assert talk.sent[0]["tool_choice"] == {"type": "function", "function": {"name": "get_time"}}
    assert talk.sent[0]["stream"] is True


def test_a_history_is_taken_back() -> None:
    """The user's last turn goes, with all that came of it; the tools change for what follows."""
    talk = Silent()
    turn = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    talk.history = [*turn, *turn]
    talk.take_back()
    assert talk.history == turn
    assert (talk.can("offer"), talk.can("withdraw")) == (True, False)
    talk.offer()
    assert (talk.can("offer"), talk.can("withdraw")) == (False, False)
    talk.ask_again(choice="auto", stream=False)
    talk.withdraw()
    talk.ask_again(choice="auto", stream=False)
    assert [len(body["tools"]) for body in talk.sent] == [2, 1]
    assert talk.sent[0]["messages"] == turn[:1]
    assert json.dumps(talk.sent[1]["tools"]).count("get_time") == 0


def test_each_tool_is_taken(plain: type[Plain]) -> None:
    """The server takes the schema of each tool, and calls it."""
    for tool in plain.tools:
        talk = plain()
        talk.offered = [tool]
        talk.say(text="Say ok.", choice="named", stream=False)
        (call,) = talk.pending
        assert call["function"]["name"] == tool["function"]["name"]


def test_send_has_to_be_written() -> None:
    """A machine without a way to send says so."""
    with pytest.raises(NotImplementedError, match="ConversationMachine has to say how"):
        ConversationMachine().say(text="Hi", choice="none", stream=False)
