"""Conversations with tools, as a state machine: what may come next depends on what was answered.

start ──say──> text ──say──> text …
          └──> calls ──answer──> text …

`ask_again` and `take_back` change the end of the history, `offer` and `withdraw` the tools;
`make_a_mistake`, `talk_over_calls` and `leave` change nothing: what follows goes on as before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

if TYPE_CHECKING:
    from collections.abc import Mapping

Message = dict[str, Any]
Tool = dict[str, Any]


def _tool(name: str, description: str, **members: list[str] | None) -> Tool:
    """Return a tool whose members are texts, some of them one of a few."""
    properties = {
        member: {"type": "string"} | ({"enum": values} if values else {})
        for member, values in members.items()
    }
    parameters: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": [*members],
        "additionalProperties": False,
    }
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


TEXTS = ("Say ok.", "What is the time in Paris and in Rome?", "¿Qué hora es? 🙂")
RESULTS = ('{"time": "12:00"}', "12:00", "zwölf Uhr 🕛")
ERRORS = ("error: no such city", '{"error": {"code": 500, "message": "Timeout"}}')

NARRATOR = {"role": "narrator", "content": "Say ok."}
STRAY = {"role": "tool", "tool_call_id": "call_of_nobody", "content": "12:00"}
NUMBER = {"role": "user", "content": 7}
MISTAKES: dict[str, Message] = {
    "an unknown role": NARRATOR,
    "a result of no call": STRAY,
    "a content that is a number": NUMBER,
}
"""What is wrong with a message, and the message."""

SAID = st.sampled_from(TEXTS)
CHOICE: st.SearchStrategy[str] = st.runner().flatmap(lambda talk: st.sampled_from(talk.choices))
AFTER_CALLS = st.just("none") | CHOICE
STREAM: st.SearchStrategy[bool] = st.runner().flatmap(
    lambda talk: st.booleans() if talk.streams else st.just(False)
)


class Step(NamedTuple):
    """A call of a rule; as text it is Python that makes the call again."""

    name: str
    values: Mapping[str, object]

    def __str__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        return f"{self.name}({values})"


class ConversationMachine(RuleBasedStateMachine):
    """A state machine of hypothesis that talks with a server, calls of tools included.

    Its rules are what a user and an app may do; each sends the whole history, with the server's
    own messages as they came. Write `send`, which judges the answer; `send_broken` and
    `send_and_leave` do nothing unless they are written too. `TestCase` of the class is the test.
    `steps` are those so far: made again, as methods of another machine, they do the same.
    """

    model: str = "byom-embedded"
    """The name of the model that is asked."""

    tools: ClassVar[tuple[Tool, ...]] = (
        _tool("get_time", "Tell the time in a city.", city=None),
        _tool("get_weather", "Tell the weather.", city=None, unit=["celsius", "fahrenheit"]),
        _tool("find", "Find a word in a text.", text=None, word=None),
    )
    """What may be offered; the first one is at the start."""

    max_tokens: int = 96
    """The limit of each answer: enough for two calls."""

    streams: bool = True
    """Whether streams are asked for, too."""

    choices: tuple[str, ...] = ("required", "auto", "none", "named")
    """What is sent as `tool_choice`; `named` names the first tool that is offered."""

    def __init__(self) -> None:
        super().__init__()
        self.history: list[Message] = []
        self.offered: list[Tool] = [self.tools[0]]
        self.steps: list[Step] = []
        self._is_ready = True
        self._has_left = False

    def send(self, body: dict[str, Any]) -> Message | None:
        """Send a request that has to be answered, and return the message of its answer.

        None says that the message cannot be sent back: the history then stays as it was.
        """
        raise NotImplementedError(f"{type(self).__name__} has to say how a request is sent")

    def send_broken(self, body: dict[str, Any], why: str) -> None:
        """Send a request that has to be refused; `why` says what is wrong with it."""

    def send_and_leave(self, body: dict[str, Any]) -> None:
        """Send a request for a stream, and leave before its end."""

    @property
    def pending(self) -> list[Message]:
        """The calls that wait for their results."""
        last = self.history[-1] if self.history else {}
        return list(last.get("tool_calls") or ())

    def can(self, step: str) -> bool:
        """Whether a step makes sense now."""
        waits, goes_on = bool(self.pending), bool(self.history)
        table = {
            "say": not waits,
            "answer": waits,
            "answer_in_another_order": len(self.pending) > 1,
            "answer_with_an_error": waits,
            "ask_again": goes_on,
            "take_back": goes_on,
            "offer": self._is_ready and len(self.offered) < len(self.tools),
            "withdraw": self._is_ready and len(self.offered) > 1,
            "make_a_mistake": goes_on,
            "talk_over_calls": waits,
            "leave": self.streams and goes_on and not waits and not self._has_left,
        }
        return table[step]

    @precondition(lambda self: self.can("say"))
    @rule(text=SAID, choice=CHOICE, stream=STREAM)
    def say(self, text: str, choice: str, stream: bool) -> None:
        """Say something as the user, and ask for an answer."""
        self._note("say", text=text, choice=choice, stream=stream)
        self._ask([*self.history, {"role": "user", "content": text}], choice, stream)

    @precondition(lambda self: self.can("answer"))
    @rule(result=st.sampled_from(RESULTS), choice=AFTER_CALLS, stream=STREAM)
    def answer(self, result: str, choice: str, stream: bool) -> None:
        """Answer each call with a result."""
        self._note("answer", result=result, choice=choice, stream=stream)
        self._answer(self.pending, result, choice, stream)

    @precondition(lambda self: self.can("answer_in_another_order"))
    @rule(result=st.sampled_from(RESULTS), choice=AFTER_CALLS, stream=STREAM)
    def answer_in_another_order(self, result: str, choice: str, stream: bool) -> None:
        """Answer the last call first."""
        self._note("answer_in_another_order", result=result, choice=choice, stream=stream)
        self._answer(self.pending[::-1], result, choice, stream)

    @precondition(lambda self: self.can("answer_with_an_error"))
    @rule(error=st.sampled_from(ERRORS), choice=AFTER_CALLS, stream=STREAM)
    def answer_with_an_error(self, error: str, choice: str, stream: bool) -> None:
        """Answer each call with an error, which is a text like any other."""
        self._note("answer_with_an_error", error=error, choice=choice, stream=stream)
        self._answer(self.pending, error, choice, stream)

    @precondition(lambda self: self.can("ask_again"))
    @rule(choice=CHOICE, stream=STREAM)
    def ask_again(self, choice: str, stream: bool) -> None:
        """Ask for another answer in place of the last one."""
        self._note("ask_again", choice=choice, stream=stream)
        self._ask(self.history[:-1], choice, stream)

    @precondition(lambda self: self.can("take_back"))
    @rule()
    def take_back(self) -> None:
        """Take back what the user said last, and all that came after it."""
        self._note("take_back")
        said = [place for place, one in enumerate(self.history) if one["role"] == "user"]
        del self.history[said[-1] :]

    @precondition(lambda self: self.can("offer"))
    @rule()
    def offer(self) -> None:
        """Offer one more tool."""
        self._note("offer")
        self._is_ready = False
        self.offered.append(next(tool for tool in self.tools if tool not in self.offered))

    @precondition(lambda self: self.can("withdraw"))
    @rule()
    def withdraw(self) -> None:
        """Offer the first tool no longer, even if it was called."""
        self._note("withdraw")
        self._is_ready = False
        del self.offered[0]

    @precondition(lambda self: self.can("make_a_mistake"))
    @rule(why=st.sampled_from(sorted(MISTAKES)))
    def make_a_mistake(self, why: str) -> None:
        """Send a broken message in the middle of the conversation."""
        self._note("make_a_mistake", why=why)
        self.send_broken(self._body([*self.history, MISTAKES[why]], "none"), why)

    @precondition(lambda self: self.can("talk_over_calls"))
    @rule(text=SAID)
    def talk_over_calls(self, text: str) -> None:
        """Say something in place of the results, which the API does not allow."""
        self._note("talk_over_calls", text=text)
        said: Message = {"role": "user", "content": text}
        self.send_broken(self._body([*self.history, said], "none"), "calls without results")

    @precondition(lambda self: self.can("leave"))
    @rule(text=SAID)
    def leave(self, text: str) -> None:
        """Ask for a stream, and leave before its end."""
        self._note("leave", text=text)
        self._has_left = True
        said: Message = {"role": "user", "content": text}
        self.send_and_leave(self._body([*self.history, said], "none") | {"stream": True})

    def _answer(self, calls: list[Message], text: str, choice: str, stream: bool) -> None:
        results: list[Message] = [
            {"role": "tool", "tool_call_id": call["id"], "content": text} for call in calls
        ]
        self._ask([*self.history, *results], choice, stream)

    def _ask(self, messages: list[Message], choice: str, stream: bool) -> None:
        self._is_ready, self._has_left = True, False
        body = self._body(messages, choice) | ({"stream": True} if stream else {})
        if (message := self.send(body)) is not None:
            self.history = [*messages, message]

    def _body(self, messages: list[Message], choice: str) -> dict[str, Any]:
        name = self.offered[0]["function"]["name"]
        named = {"type": "function", "function": {"name": name}}
        return {
            "model": self.model,
            "messages": messages,
            "tools": list(self.offered),
            "tool_choice": named if choice == "named" else choice,
            "max_tokens": self.max_tokens,
        }

    def _note(self, step: str, **values: object) -> None:
        self.steps.append(Step(step, values))
