"""Replies of the strategy are legal, reach a client whole in every dialect, and find bugs."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from pytest_byom import LLM, Mock
from pytest_byom.client.errors import UsageError
from pytest_byom.client.events import StreamComplete
from pytest_byom.mock.dialect import list_dialects
from pytest_byom.mock.replies import Flow, Reply, join
from pytest_byom.strategies import replies

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_byom.mock.replies import ScriptedCall

QUICK = settings(deadline=None, max_examples=60)
TOOLS = {
    "get_weather": st.fixed_dictionaries({"city": st.sampled_from(["Paris", "Zürich"])}),
    "get_time": st.just({}),
}
URL = "http://llm.test/v1"
OFFERED = [{"type": "function", "function": {"name": name}} for name in TOOLS]
ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


@QUICK
@given(replies(tools=TOOLS), st.sampled_from(list_dialects()), st.booleans())
def test_each_arrives_whole(reply: Reply, dialect: str, stream: bool) -> None:
    """Our client reads of an answer what the reply says, plain and streamed, in each dialect."""
    with Mock(dialect=dialect, validate=False) as mock, LLM(base_url=URL, model="m") as client:
        mock.reply(reply)
        if stream:
            last = list(client.stream_response("Hi", tools=OFFERED))[-1]
            assert isinstance(last, StreamComplete)
            got = last.response
        else:
            got = client.send_messages("Hi", tools=OFFERED)
    choice = got.choices[0]
    assert (choice.content or "") == join(reply.content)
    assert (choice.reasoning or "") == join(reply.reasoning)
    assert choice.refusal == reply.refusal
    calls = [(one.name, one.arguments) for one in choice.tool_calls or ()]
    assert calls == [(one.name, one.arguments) for one in reply.tool_calls]


def reads(reply: Reply) -> str:
    """Be an app that takes every answer for a text."""
    with Mock() as mock:
        mock.reply(reply)
        answer = httpx.post(f"{URL}/chat/completions", json=ASKED).json()
    return str(answer["choices"][0]["message"]["content"].strip())


def test_a_bug_is_found() -> None:
    """An app that calls a method of the content fails on a refusal, in its simplest form."""

    def fails(reply: Reply) -> bool:
        try:
            reads(reply)
        except AttributeError:
            return True
        return False

    found = find(replies(), fails, settings=QUICK)
    assert found.content is None
    assert len(found.refusal or "") == 1
    assert found.reasoning is None


UNUSUAL: list[tuple[str, Callable[[Reply], bool]]] = [
    ("an empty text", lambda one: one.content == "" and not one.tool_calls),
    ("only reasoning", lambda one: bool(one.reasoning) and one.content == ""),
    ("several calls", lambda one: len(one.tool_calls) > 1),
    ("one tool twice", lambda one: len({c.name for c in one.tool_calls}) < len(one.tool_calls)),
    ("a text beside a call", lambda one: bool(one.tool_calls) and bool(one.content)),
    ("letters beyond the BMP", lambda one: any(ord(c) > 0xFFFF for c in join(one.content))),
    ("a line separator", lambda one: "\u2028" in join(one.content)),
    ("an empty piece", lambda one: isinstance(one.content, tuple) and "" in one.content[1:-1]),
    ("cut arguments", lambda one: bool(one.tool_calls) and not is_json(one.tool_calls[-1])),
    ("a limit", lambda one: one.finish_reason == "length" and not one.tool_calls),
    ("a filter", lambda one: one.finish_reason == "content_filter"),
    ("a refusal", lambda one: one.refusal is not None),
    ("reads of single bytes", lambda one: one.flow.split == "every byte"),
    ("huge usage", lambda one: one.usage is not None and one.usage.output > 2**31),
]


def is_json(made: ScriptedCall) -> bool:
    """Whether the arguments of a call are whole."""
    try:
        json.loads(made.arguments)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("wanted", [wanted for _, wanted in UNUSUAL], ids=[n for n, _ in UNUSUAL])
def test_what_is_unusual_comes(wanted: Callable[[Reply], bool]) -> None:
    """Each kind of unusual reply is among those that are drawn."""
    steady = settings(deadline=None, database=None, max_examples=1000)
    assert wanted(find(replies(tools=TOOLS), wanted, settings=steady, random=Random(0)))


@QUICK
@given(replies())
def test_no_call_unasked(reply: Reply) -> None:
    """An app without tools gets no call, and arguments are cut at a limit only."""
    assert reply.tool_calls == ()


@QUICK
@given(replies(tools=TOOLS))
def test_calls_are_legal(reply: Reply) -> None:
    """Arguments are JSON unless a limit cut them, and no id comes twice."""
    ids = [one.id for one in reply.tool_calls if one.id]
    assert len(ids) == len(set(ids))
    assert reply.finish_reason == "length" or all(map(is_json, reply.tool_calls))


@pytest.mark.parametrize("tools", [{"look": {"city": "Paris"}}, {1: st.just({})}])
def test_wrong_tools(tools: Any) -> None:
    """What is no strategy is refused at once, with its value."""
    with pytest.raises(UsageError, match=r"give a strategy for the arguments of each tool .*: "):
        replies(tools=tools)


def test_a_failing_reply_is_readable() -> None:
    """A reply shows what it says, and nothing that is as usual."""
    assert repr(Reply(content="x", flow=Flow(split="line"))) == (
        "Reply(content='x', flow=Flow(split='line'))"
    )


def test_a_reply_takes_no_more() -> None:
    """A reply that is made already is said as it is."""
    with pytest.raises(UsageError, match="says it all: leave out usage="):
        Mock().reply(Reply(content="x"), usage=(1, 2))
