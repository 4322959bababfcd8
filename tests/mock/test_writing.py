"""What a reply becomes, whole and as a stream."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_byom.mock.in_process import Mock
from pytest_byom.mock.replies import call

from .asking import HI, ask, assembled, chunks, completion, deltas, events, said


@pytest.fixture
def mock() -> Mock:
    return Mock()


def test_a_whole_answer(mock: Mock) -> None:
    """A text becomes a completion of the model that was asked for."""
    mock.reply("Hello", usage=(12, 5))
    answer = completion(ask(mock))
    assert answer["id"].startswith("chatcmpl-")
    assert (answer["object"], answer["model"]) == ("chat.completion", "small")
    (choice,) = answer["choices"]
    assert choice["message"]["content"] == "Hello"
    assert choice["finish_reason"] == "stop"
    assert answer["usage"]["total_tokens"] == 17


def test_a_stream(mock: Mock) -> None:
    """The same reply is streamed if the app asks so: role, words, finish reason, end."""
    mock.reply("Hello there, you")
    served = ask(mock, stream=True)
    assert dict(served.answer.headers)["content-type"] == "text/event-stream; charset=utf-8"
    assert [delta.get("content") for delta in deltas(served)] == [
        "",
        "Hello",
        " there,",
        " you",
        None,
    ]
    assert deltas(served)[0]["role"] == "assistant"
    assert chunks(served)[-1]["choices"][0]["finish_reason"] == "stop"
    assert events(served)[-1] == "[DONE]"
    assert len({(chunk["id"], chunk["created"]) for chunk in chunks(served)}) == 1


def test_pieces_at_will(mock: Mock) -> None:
    """A list of texts is sent in these pieces, and whole if the app wants it so."""
    mock.reply(["Hel", "lo", ""], times=2)
    assert [delta.get("content") for delta in deltas(ask(mock, stream=True))][1:-1] == [
        "Hel",
        "lo",
        "",
    ]
    assert said(ask(mock)) == "Hello"


def test_usage_in_a_stream(mock: Mock) -> None:
    """Usage comes in a last chunk without a choice, only if it is asked for."""
    mock.reply("Hi", usage={"input": 9, "output": 4, "cached": 3, "reasoning": 2}, times=2)
    asked = chunks(ask(mock, stream=True, stream_options={"include_usage": True}))
    assert asked[-1]["choices"] == []
    assert asked[-1]["usage"]["prompt_tokens_details"]["cached_tokens"] == 3
    assert asked[-1]["usage"]["completion_tokens_details"]["reasoning_tokens"] == 2
    assert [chunk["usage"] for chunk in asked[:-1]] == [None] * (len(asked) - 1)
    assert "usage" not in chunks(ask(mock, stream=True))[-1]


def test_usage_is_counted(mock: Mock) -> None:
    """Usage that nobody gives is counted, the same for the same request."""
    mock.reply("Hello", times="any")
    first, second = completion(ask(mock))["usage"], completion(ask(mock))["usage"]
    longer = completion(ask(mock, "word " * 200))["usage"]
    assert first == second
    assert longer["prompt_tokens"] > first["prompt_tokens"] > 0


def test_calls(mock: Mock) -> None:
    """Calls stand in the message, with ids that differ and arguments as JSON text."""
    mock.reply(tool_calls=[call("look", city="Paris"), call("look", city="Rome")])
    (choice,) = completion(ask(mock))["choices"]
    calls = choice["message"]["tool_calls"]
    assert [json.loads(one["function"]["arguments"]) for one in calls] == [
        {"city": "Paris"},
        {"city": "Rome"},
    ]
    assert len({one["id"] for one in calls}) == 2
    assert (choice["message"]["content"], choice["finish_reason"]) == (None, "tool_calls")


def test_parallel_calls_in_fragments(mock: Mock) -> None:
    """A streamed call begins with id and name, then its arguments come in pieces, by index."""
    mock.reply(tool_calls=[call("look", city="Paris"), call("find", text="a b")])
    parts = [
        part for delta in deltas(ask(mock, stream=True)) for part in delta.get("tool_calls", ())
    ]
    starts = [part for part in parts if "id" in part]
    assert [(part["index"], part["function"]) for part in starts] == [
        (0, {"name": "look", "arguments": ""}),
        (1, {"name": "find", "arguments": ""}),
    ]
    for index, arguments in ((0, {"city": "Paris"}), (1, {"text": "a b"})):
        own = [part for part in parts if part["index"] == index and "id" not in part]
        assert len(own) > 1
        assert all(part.keys() == {"index", "function"} for part in own)
        assert json.loads("".join(part["function"]["arguments"] for part in own)) == arguments


def test_raw_arguments(mock: Mock) -> None:
    """Arguments that are a text are sent as they are, broken ones too."""
    mock.reply(tool_calls=[call("look", '{"city": ')])
    message = completion(ask(mock))["choices"][0]["message"]
    assert message["tool_calls"][0]["function"]["arguments"] == '{"city": '


def test_text_beside_calls(mock: Mock) -> None:
    """A reply may have a text and calls."""
    mock.reply("Let me see.", tool_calls=call("look"))
    message = completion(ask(mock))["choices"][0]["message"]
    assert message["content"] == "Let me see."
    assert len(message["tool_calls"]) == 1


def test_a_forced_call_ends_with_stop(mock: Mock) -> None:
    """A call that was demanded by name ends with stop, as at OpenAI."""
    tool = {"type": "function", "function": {"name": "look"}}
    mock.reply(tool_calls=[call("look")])
    served = ask(mock, tools=[tool], tool_choice=tool)
    assert completion(served)["choices"][0]["finish_reason"] == "stop"


def test_functions_of_old(mock: Mock) -> None:
    """A request with functions in place of tools gets a function_call."""
    mock.reply(tool_calls=[call("look", city="Paris")], times=2)
    functions = [{"name": "look", "parameters": {"type": "object", "properties": {}}}]
    (choice,) = completion(ask(mock, functions=functions))["choices"]
    assert choice["message"]["function_call"]["name"] == "look"
    assert choice["finish_reason"] == "function_call"
    parts = [
        delta["function_call"]
        for delta in deltas(ask(mock, functions=functions, stream=True))
        if "function_call" in delta
    ]
    assert json.loads("".join(part.get("arguments", "") for part in parts)) == {"city": "Paris"}


def test_reasoning_comes_before_the_text(mock: Mock) -> None:
    """Reasoning is streamed before the text."""
    mock.reply("Yes.", reasoning="Let me think", times=2)
    assert completion(ask(mock))["choices"][0]["message"]["reasoning_content"] == "Let me think"
    keys = [next(iter(delta), "") for delta in deltas(ask(mock, stream=True))]
    assert keys == [
        "role",
        "reasoning_content",
        "reasoning_content",
        "reasoning_content",
        "content",
        "",
    ]


def test_refusal(mock: Mock) -> None:
    """A refusal stands in the place of the text."""
    mock.reply(refusal="I will not.", times=2)
    message = completion(ask(mock))["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, "I will not.")
    assert [d["refusal"] for d in deltas(ask(mock, stream=True)) if d.get("refusal")] == [
        "I will not."
    ]


def test_parsed(mock: Mock) -> None:
    """A value becomes the JSON of a structured output."""
    mock.reply(parsed={"city": "Paris"})
    assert json.loads(said(ask(mock))) == {"city": "Paris"}


SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "trip", "schema": SCHEMA, "strict": True}}
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "plan_trip", "parameters": SCHEMA}}


def test_output_from_schema(mock: Mock) -> None:
    """The output is made from the schema of the request."""
    mock.reply(from_schema=True)
    made = json.loads(said(ask(mock, "3 days in Rome", response_format=FORMAT)))
    assert made == {"city": "Rome", "days": 3}


def test_an_agent_runs_and_stops(mock: Mock) -> None:
    """A tool on offer is called with arguments from its schema; after the result comes a text."""
    mock.reply(from_schema=True, times="any")
    (choice,) = completion(ask(mock, "hello", tools=[TOOL]))["choices"]
    message = choice["message"]
    (called,) = message["tool_calls"]
    assert json.loads(called["function"]["arguments"]).keys() == {"city", "days"}
    result = {"role": "tool", "tool_call_id": called["id"], "content": "ok"}
    history = [{"role": "user", "content": "hello"}, message, result]
    assert said(ask(mock, history, tools=[TOOL])) == "Done."


def test_several_choices(mock: Mock) -> None:
    """Each choice has its reply; the last one fills up what is asked for."""
    mock.reply(choices=["one", "two"], times=2)
    answer = completion(ask(mock, n=3))
    texts = [choice["message"]["content"] for choice in answer["choices"]]
    assert texts == ["one", "two", "two"]
    streamed = chunks(ask(mock, n=2, stream=True))
    ends = [c["choices"][0] for c in streamed if c["choices"][0]["finish_reason"]]
    assert sorted(choice["index"] for choice in ends) == [0, 1]
    said_second = [
        c["choices"][0]["delta"].get("content", "")
        for c in streamed
        if c["choices"][0]["index"] == 1
    ]
    assert "".join(said_second) == "two"


def test_log_probabilities(mock: Mock) -> None:
    """Asked for, each token has a log probability, with as many candidates as asked for."""
    mock.reply("two words", times=2)
    answer = completion(ask(mock, logprobs=True, top_logprobs=3))
    scored = answer["choices"][0]["logprobs"]["content"]
    assert len(scored) == answer["usage"]["completion_tokens"]
    assert "".join(entry["token"] for entry in scored) == "two words"
    assert [len(entry["top_logprobs"]) for entry in scored] == [3] * len(scored)
    streamed = chunks(ask(mock, logprobs=True, stream=True))
    pieces = [
        c["choices"][0]["logprobs"] for c in streamed if c["choices"][0]["delta"].get("content")
    ]
    assert "".join(entry["token"] for piece in pieces for entry in piece["content"]) == "two words"


def test_given_log_probabilities(mock: Mock) -> None:
    """Tokens may be given, each with its log probability; a stream has one chunk for each."""
    mock.reply("ha ha", logprobs=[("ha", -0.5), (" ", -0.1), ("ha", -2)], times=2)
    answer = completion(ask(mock, logprobs=True))
    scored = answer["choices"][0]["logprobs"]["content"]
    assert [entry["logprob"] for entry in scored] == [-0.5, -0.1, -2]
    assert answer["usage"]["completion_tokens"] == 3
    streamed = chunks(ask(mock, logprobs=True, stream=True))
    scores = [
        c["choices"][0]["logprobs"]["content"][0]["logprob"]
        for c in streamed
        if c["choices"][0]["delta"].get("content")
    ]
    assert scores == [-0.5, -0.1, -2]


def test_members_of_the_answer(mock: Mock) -> None:
    """Model, id, finish reason and headers may be given."""
    mock.reply("x", model="other", id="chatcmpl-7", finish_reason="length", headers={"X-Mine": "1"})
    served = ask(mock)
    answer = completion(served)
    assert (answer["model"], answer["id"]) == ("other", "chatcmpl-7")
    assert answer["choices"][0]["finish_reason"] == "length"
    assert dict(served.answer.headers)["x-mine"] == "1"


def test_models(mock: Mock) -> None:
    """The list of models has those that were named; others are refused."""
    from pytest_byom.mock.asked import AskedRequest, hide

    mock.models("small", "large")
    listed = mock.answer(AskedRequest("GET", "http://llm.test/v1/models", hide({}), b""))
    assert [entry["id"] for entry in completion(listed)["data"]] == ["small", "large"]
    one = mock.answer(AskedRequest("GET", "http://llm.test/v1/models/large", hide({}), b""))
    assert completion(one)["id"] == "large"
    none = mock.answer(AskedRequest("GET", "http://llm.test/v1/models/huge", hide({}), b""))
    assert none.answer.status == 404
    assert ask(mock, model="huge").answer.status == 404


@given(
    content=st.text(st.characters(codec="utf-8"), max_size=40),
    reasoning=st.text(st.characters(codec="utf-8"), max_size=20),
)
def test_stream_and_whole_answer_say_the_same(content: str, reasoning: str) -> None:
    """Whatever the text, the pieces of a stream make the whole answer."""
    mock = Mock()
    mock.reply(content, reasoning=reasoning, times=2)
    response = assembled(ask(mock, stream=True))
    message = completion(ask(mock))["choices"][0]["message"]
    assert response.content == message["content"] == content
    assert (response.reasoning or "") == message["reasoning_content"] == reasoning
    assert response.warnings == ()


@given(arguments=st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=3))
def test_fragments_make_the_arguments(arguments: dict[str, str]) -> None:
    """Whatever the arguments, their fragments make them up again."""
    mock = Mock()
    mock.reply(tool_calls=[call("look", arguments), call("find", arguments)])
    response = assembled(ask(mock, stream=True))
    assert [json.loads(one.arguments) for one in response.tool_calls] == [arguments, arguments]


def test_nothing_else_is_taken_for_hi() -> None:
    """The request of these tests is what they think it is."""
    mock = Mock()
    mock.reply("x")
    ask(mock)
    assert mock.requests[0].messages == HI
