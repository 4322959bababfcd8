"""Tools: when the stand-in calls one, which, how often, and with what."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    Ask = Callable[..., httpx.Response]


def tool(name: str, *, description: str = "", **properties: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


TEXT, WHOLE = {"type": "string"}, {"type": "integer"}
WEATHER = tool("get_weather", description="Tells how warm a city is", city=TEXT)
SQUARE = tool("square", description="Multiplies numbers", number=WHOLE)
ADD = tool("add", description="Adds two numbers", a=WHOLE, b=WHOLE)
BARE = {"type": "function", "function": {"name": "get-time_" + "x" * 55}}
NAMED = {"type": "function", "function": {"name": "square"}}


def allowed(mode: str, name: str) -> dict[str, Any]:
    tools = [{"type": "function", "function": {"name": name}}]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


def calls(answer: httpx.Response) -> list[tuple[str, Any]]:
    """Return names and arguments of the calls of an answer."""
    assert answer.status_code == 200, answer.text
    message = answer.json()["choices"][0]["message"]
    made = [call["function"] for call in message.get("tool_calls", [])]
    assert (message["content"] is None) == bool(made)
    return [(function["name"], json.loads(function["arguments"])) for function in made]


@pytest.mark.parametrize(
    ("text", "members", "expected"),
    [
        ("What is the weather in Paris?", {}, [("get_weather", {"city": "Paris"})]),
        ("How warm is it in New York?", {}, [("get_weather", {"city": "New York"})]),
        ("Weather in Paris and Rome", {},
         [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})]),
        ("Weather in Paris and Rome", {"parallel_tool_calls": False},
         [("get_weather", {"city": "Paris"})]),
        ("The square of 3 and 4", {}, [("square", {"number": 3}), ("square", {"number": 4})]),
        ("Please add 3 and 4", {}, [("add", {"a": 3, "b": 4})]),
        ("Hello", {}, []),
        ("Weather in Paris", {"tool_choice": "none"}, []),
        ("Weather in Paris", {"tool_choice": "auto"}, [("get_weather", {"city": "Paris"})]),
        ("Hello Ada", {"tool_choice": "required"}, [("get_weather", {"city": "Ada"})]),
        ("Weather in Paris and 7", {"tool_choice": NAMED}, [("square", {"number": 7})]),
        ("Weather and 7", {"tool_choice": allowed("required", "square")},
         [("square", {"number": 7})]),
        ("Weather and 7", {"tool_choice": allowed("auto", "square")}, []),
    ],
)  # fmt: skip
def test_the_right_tool_is_called(
    ask: Ask, text: str, members: dict[str, Any], expected: list[Any]
) -> None:
    """A tool is called when the message is about it, or when the choice demands it."""
    assert calls(ask(text, tools=[WEATHER, SQUARE, ADD], **members)) == expected


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({}, "tool_calls"),
        ({"tool_choice": "required"}, "tool_calls"),
        ({"tool_choice": NAMED}, "stop"),
        ({"tool_choice": "none"}, "stop"),
        ({"max_tokens": 4}, "length"),
        ({"max_tokens": 1}, "length"),
    ],
)
def test_the_reason_says_what_happened(ask: Ask, members: dict[str, Any], reason: str) -> None:
    """A call ends with tool_calls, one demanded by name with stop, one that was cut with length."""
    answer = ask("The square of 3?", tools=[SQUARE], **members)
    assert answer.json()["choices"][0]["finish_reason"] == reason


def test_a_call_has_every_member(ask: Ask) -> None:
    """A call has an id that no other has, its type, and its arguments as text."""
    answers = [ask("Weather in Paris and Rome", tools=[WEATHER]) for _ in range(2)]
    made = [call for a in answers for call in a.json()["choices"][0]["message"]["tool_calls"]]
    assert len({call["id"] for call in made}) == 4
    assert {call["type"] for call in made} == {"function"}
    assert made[0]["function"]["arguments"] == '{"city":"Paris"}'


def test_a_tool_without_parameters_gets_an_empty_object(ask: Ask) -> None:
    """A name of 64 characters comes back unchanged, and no parameters are {}."""
    name = BARE["function"]["name"]  # type: ignore[index]  # a plain dict
    assert calls(ask("Hi", tools=[BARE], tool_choice="required")) == [(name, {})]


def test_optional_arguments_are_left_out(ask: Ask) -> None:
    """What is not required is not made up."""
    parameters = {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": ["b"]}
    function = {"name": "f", "strict": False, "parameters": parameters}
    made = calls(ask("Ada", tools=[{"type": "function", "function": function}],
                     tool_choice="required"))  # fmt: skip
    assert made == [("f", {"b": "Ada"})]


def test_many_tools_are_accepted(ask: Ask) -> None:
    """128 tools fit."""
    tools = [tool(f"tool_{number}", x=TEXT) for number in range(128)]
    assert ask("Hi", tools=tools).status_code == 200


def test_the_round_trip_ends_in_words(ask: Ask) -> None:
    """Its own call and the results, in any order, lead to a text with the results."""
    question = {"role": "user", "content": "Weather in Paris and Rome"}
    message = ask([question], tools=[WEATHER]).json()["choices"][0]["message"]
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": content}
        for call, content in zip(
            reversed(message["tool_calls"]),
            ("", [{"type": "text", "text": 'sunny, "22"\n°C'}]),
            strict=True,
        )
    ]
    answer = ask([question, message, *results], tools=[WEATHER]).json()["choices"][0]
    assert answer["message"]["content"] == 'The tool says: (nothing)\nsunny, "22"\n°C'
    assert answer["finish_reason"] == "stop"


@pytest.mark.parametrize("arguments", ["", "{x:", "null"])
def test_calls_of_the_past_may_be_broken(ask: Ask, arguments: str) -> None:
    """The arguments of a call in the history are not read."""
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": arguments}}
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "42"},
    ]
    assert ask(messages).json()["choices"][0]["message"]["content"] == "The tool says: 42"


def test_a_schema_may_wait_for_the_tools(ask: Ask) -> None:
    """With tools and a JSON format, a call comes first, then JSON."""
    members = {"tools": [WEATHER], "response_format": {"type": "json_object"}}
    assert calls(ask("Weather in Paris", **members))
    answer = ask("Hello Ada", **members).json()["choices"][0]["message"]
    assert json.loads(answer["content"])["answer"] == "Ada"


FUNCTIONS = [{"name": "f", "parameters": {"type": "object", "properties": {"a": TEXT}}}]


@pytest.mark.parametrize(
    ("choice", "reason"), [({"name": "f"}, "stop"), ("auto", "function_call"), ("none", "stop")]
)
def test_functions_are_answered_in_the_old_form(ask: Ask, choice: Any, reason: str) -> None:
    """The deprecated form gets a function_call, and no tool_calls."""
    functions = [{**FUNCTIONS[0], "description": "Says hello"}]
    answer = ask("Hello Ada", functions=functions, function_call=choice).json()["choices"][0]
    call = answer["message"].get("function_call")
    assert call == (None if choice == "none" else {"name": "f", "arguments": '{"a":"Ada"}'})
    assert answer["finish_reason"] == reason
    assert "tool_calls" not in answer["message"]


def test_functions_are_streamed_in_the_old_form(ask: Ask) -> None:
    """The name comes once, then the arguments in parts."""
    answer = ask("Ada", functions=FUNCTIONS, function_call={"name": "f"}, stream=True)
    events = [json.loads(line[6:]) for line in answer.text.split("\n\n") if '{"id"' in line]
    deltas = [event["choices"][0]["delta"].get("function_call") for event in events]
    parts = [delta for delta in deltas if delta]
    assert [part["name"] for part in parts if "name" in part] == ["f"]
    assert "".join(part["arguments"] for part in parts) == '{"a":"Ada"}'
