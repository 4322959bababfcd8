"""Settings and a conversation become a request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_byom.client.errors import UsageError
from pytest_byom.client.messages import as_messages, user
from pytest_byom.client.models import CustomModel
from pytest_byom.client.request import (
    ChatRoute,
    Settings,
    base_headers,
    build_body,
    check_base_url,
    join_url,
)

HI = [user("Hi")]
TOOL = {"type": "function", "function": {"name": "f"}}
NAMED = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("base_url", "joined"),
    [
        ("http://h/v1", "http://h/v1/chat/completions"),
        ("http://h/v1/", "http://h/v1/chat/completions"),
        ("http://h", "http://h/chat/completions"),
        ("http://h:8000/a/b/", "http://h:8000/a/b/chat/completions"),
        ("https://h/v1?api-version=2", "https://h/v1/chat/completions?api-version=2"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1/chat/completions"),
    ],
)
def test_join_url(base_url: str, joined: str) -> None:
    """The path is joined to the base as it is given; a query stays a query."""
    assert join_url(check_base_url(base_url), "/chat/completions") == joined


@pytest.mark.parametrize(
    "base_url", ["", "localhost:8000", "ftp://h", "http://", "http://h:x", "http://h /v1", None]
)
def test_no_base_url(base_url: Any) -> None:
    """What is no base URL is refused, with an example."""
    with pytest.raises(UsageError, match=r"base_url must be"):
        check_base_url(base_url)


@pytest.mark.parametrize(
    ("settings", "sent"),
    [
        ({}, {}),
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_tokens": 5, "max_tokens_field": "max_completion_tokens"},
         {"max_completion_tokens": 5}),
        ({"temperature": 0, "top_p": 1, "top_k": 40, "seed": 0, "n": 2},
         {"temperature": 0, "top_p": 1, "top_k": 40, "seed": 0, "n": 2}),
        ({"stop": "x"}, {"stop": "x"}),
        ({"stop": ["x", "y"]}, {"stop": ["x", "y"]}),
        ({"top_logprobs": 0}, {"logprobs": True, "top_logprobs": 0}),
        ({"logit_bias": {"5": -100}}, {"logit_bias": {"5": -100}}),
        ({"frequency_penalty": -2, "presence_penalty": 2},
         {"frequency_penalty": -2, "presence_penalty": 2}),
        ({"reasoning_effort": "low"}, {"reasoning_effort": "low"}),
        ({"tool_choice": "required", "parallel_tool_calls": False}, {}),
        ({"extra_body": {"model": "other", "x": None}}, {"model": "other", "x": None}),
    ],
)  # fmt: skip
def test_settings_in_the_body(settings: dict[str, Any], sent: dict[str, Any]) -> None:
    """Only what was asked for is sent, and extra_body comes last."""
    body = build_body(Settings(**settings), model="m", messages=HI)
    assert body == {"model": "m", "messages": HI} | sent


@pytest.mark.parametrize(
    ("choice", "sent"),
    [("auto", "auto"), ("f", NAMED), (NAMED, NAMED)],
)
def test_tool_choice(choice: Any, sent: Any) -> None:
    """A tool choice goes with the tools; the name of a tool means that tool."""
    settings = Settings(tool_choice=choice, parallel_tool_calls=True)
    body = build_body(settings, model="m", messages=HI, tools=[TOOL])
    assert (body["tools"], body["tool_choice"]) == ([TOOL], sent)
    assert body["parallel_tool_calls"] is True


def test_an_unknown_tool_choice() -> None:
    """A choice that is no tool of the request is refused."""
    with pytest.raises(UsageError, match=r"tool_choice must be one of none, auto, required"):
        build_body(Settings(tool_choice="g"), model="m", messages=HI, tools=[TOOL])


def test_a_model_says_how_long_answers_are() -> None:
    """default_max_tokens is sent unless more is said, under the name that the server reads."""
    model = CustomModel(
        model_id="m", default_max_tokens=7, max_tokens_field="max_completion_tokens"
    )
    assert build_body(Settings(), model=model, messages=HI)["max_completion_tokens"] == 7
    body = build_body(Settings(max_tokens=3), model=model, messages=HI)
    assert (body["max_completion_tokens"], "max_tokens" in body) == (3, False)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 3}, "temperature must be a number between 0 and 2, not 3"),
        ({"temperature": "1"}, "temperature must be a number between 0 and 2, not '1'"),
        ({"temperature": float("nan")}, "temperature must be a number"),
        ({"top_p": -0.1}, "top_p must be a number between 0 and 1"),
        ({"max_tokens": 0}, "max_tokens must be a whole number of 1 or more, not 0"),
        ({"max_tokens": 1.5}, "max_tokens must be a whole number"),
        ({"n": True}, "n must be a whole number between 1 and 128, not True"),
        ({"top_logprobs": 21}, "top_logprobs must be a whole number between 0 and 20"),
        ({"seed": 2**63}, "seed must be a whole number"),
        ({"stop": []}, "stop must be a text or a list of texts, not []"),
        ({"stop": [5]}, "stop must be a text or a list of texts, not [5]"),
        ({"logit_bias": [1]}, "logit_bias must map token ids"),
        ({"parallel_tool_calls": "yes"}, "parallel_tool_calls must be True or False"),
        ({"max_tokens_field": "limit"}, "max_tokens_field must be one of"),
        ({"extra_body": [1]}, "extra_body must be an object"),
    ],
)
def test_wrong_settings(settings: dict[str, Any], message: str) -> None:
    """A setting that no server takes is refused at the door, with what is valid."""
    with pytest.raises(UsageError) as caught:
        Settings(**settings)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_extra_headers_replace_ours(name: str) -> None:
    """An extra header replaces ours in whatever case it is written."""
    headers = base_headers("sk-1", {name: "Token t"})
    found = [(key, value) for key, value in headers.items() if key.lower() == "authorization"]
    assert found == [(name, "Token t")]


def test_headers() -> None:
    """The key goes as a bearer token; without a key, or with None for it, nothing goes."""
    assert base_headers("k", {})["Authorization"] == "Bearer k"
    assert "Authorization" not in base_headers(None, {})
    assert "Authorization" not in base_headers("k", {"authorization": None})
    assert base_headers("k", {"X-Tenant": "t"})["X-Tenant"] == "t"


@pytest.mark.parametrize(
    ("key", "headers"),
    [("a\nb", {}), ("\u20ac", {}), (None, {"X-Key": "a\rb"}), (5, {}), (None, {"X": 5})],
)
def test_headers_that_cannot_be_sent(key: Any, headers: dict[str, Any]) -> None:
    """What no header can hold is refused, and its value is not shown."""
    with pytest.raises(UsageError) as caught:
        base_headers(key, headers)
    assert "a\nb" not in str(caught.value)
    assert "\u20ac" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"x": float("nan")}, "not JSON compliant"),
        ({"x": "\ud83d"}, "lone surrogate (U+D83D)"),
        ({"x": object()}, "not JSON serializable"),
    ],
)
def test_bodies_that_cannot_be_written(value: dict[str, Any], reason: str) -> None:
    """What JSON cannot hold is refused before anything is sent."""
    with pytest.raises(UsageError, match="cannot be written as JSON") as caught:
        ChatRoute("http://h", base_headers(None, {})).request(value)
    assert reason in str(caught.value)


def test_deep_and_circular_bodies() -> None:
    """Nesting without end is refused too."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    circle: dict[str, Any] = {}
    circle["x"] = circle
    for value in ({"x": deep}, circle):
        with pytest.raises(UsageError, match="cannot be written as JSON"):
            ChatRoute("http://h", base_headers(None, {})).request(value)


def test_bodies_are_utf_8() -> None:
    """Text goes as it is, not as escapes."""
    request = ChatRoute("http://h", base_headers(None, {})).request({"x": "é😀"})
    assert request.content == '{"x":"é😀"}'.encode()
    assert json.loads(request.content) == {"x": "é😀"}


@pytest.mark.parametrize(
    ("conversation", "message"),
    [
        ([], "must not be empty"),
        ({"role": "user"}, "must be a text or a list of messages, not dict"),
        (5, "must be a text or a list of messages, not int"),
        (["Hi"], "message 0 must be an object with a role"),
        ([{"content": "Hi"}], "message 0 must be an object with a role"),
    ],
)
def test_no_conversation(conversation: Any, message: str) -> None:
    """What is no conversation is refused."""
    with pytest.raises(UsageError) as caught:
        as_messages(conversation)
    assert message in str(caught.value)
