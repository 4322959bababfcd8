"""An answer is held against what a contract expects of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_byom.contract import Answer, Contract, RequestTemplate, check_answer

COMPLETION = {
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": "ok"},
        }
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}
STREAM = """\
data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"o"}}]}

data: {"choices":[{"index":0,"delta":{"content":"k"},"finish_reason":"stop"}]}

data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}

data: [DONE]

"""
REFUSAL = {"error": {"message": "no such model", "code": "model_not_found"}}


def contract(expect: Any = None, *, kind: Any = "valid", stream: bool = False) -> Contract:
    """Return a contract that expects this."""
    body = {"model": "m", "messages": [], **({"stream": True} if stream else {})}
    request = RequestTemplate(body=body)
    return Contract(id="x", title="x", request=request, kind=kind, expect=expect)


def plain(body: Any = COMPLETION, *, status: int = 200) -> Answer:
    """Return a plain answer."""
    headers = {"Content-Type": "application/json"}
    return Answer.of(json.dumps(body).encode(), status=status, headers=headers)


RIGHT: list[Any] = [
    None,
    {},
    {"status": 200},
    {"status": "2xx"},
    {"status": {"$any": [200, "4xx"]}},
    {"status": {"$range": [200, 299]}},
    {"headers": {"Content-type": {"$regex": "^application/json"}, "x-none": {"$absent": True}}},
    {"body": {"choices": [{"finish_reason": "stop"}]}},
    {"text": "ok"},
    {"finish_reason": "stop"},
    {"tool_calls": []},
    {"usage": {"total_tokens": 4}},
]


@pytest.mark.parametrize("expect", RIGHT)
def test_right(expect: Any) -> None:
    """What is as expected has no difference."""
    assert check_answer(contract(expect), plain()) == []


WRONG = [
    ({"status": 201}, "status: expected 201, got 200"),
    ({"status": "4xx"}, "status: expected 4xx, got 200"),
    ({"status": {"$any": [201, "4xx"]}}, "status: expected 201 or 4xx, got 200"),
    ({"headers": {"X-Id": "1"}}, 'header x-id: expected "1", got nothing'),
    ({"body": {"choices": []}}, "body.choices: expected 0 entries, got 1 entry"),
    ({"text": "no"}, 'text: expected "no", got "ok"'),
    ({"finish_reason": "length"}, 'finish_reason: expected "length", got "stop"'),
    ({"tool_calls": [{}]}, "tool_calls: expected 1 entry, got 0 entries"),
    ({"usage": {"total_tokens": 5}}, "usage.total_tokens: expected 5, got 4"),
]


@pytest.mark.parametrize(("expect", "words"), WRONG)
def test_wrong(expect: Any, words: str) -> None:
    """What is not as expected is told with its place."""
    assert [str(found) for found in check_answer(contract(expect), plain())] == [words]


DEFAULTS = [
    ("valid", 200, []),
    ("valid", 404, ["status: expected 200, got 404: no such model"]),
    ("broken", 404, []),
    ("broken", 200, ["status: expected 4xx, got 200"]),
    ("open", 200, []),
    ("open", 404, []),
    ("open", 500, ["status: expected 2xx or 4xx, got 500: no such model"]),
]


@pytest.mark.parametrize(("kind", "status", "words"), DEFAULTS)
def test_default(kind: str, status: int, words: list[str]) -> None:
    """A contract that expects nothing expects the status of its kind."""
    answer = plain(REFUSAL if status != 200 else COMPLETION, status=status)
    assert [str(found) for found in check_answer(contract(kind=kind), answer)] == words


def test_wrong_status_is_all_that_is_told() -> None:
    """In an answer with another status nothing else is looked for."""
    expect = {"status": 200, "text": "ok", "body": {"choices": [{}]}}
    found = check_answer(contract(expect), plain(REFUSAL, status=404))
    assert [difference.path for difference in found] == ["status"]


def test_stream_is_assembled() -> None:
    """Of a stream, text, finish reason and usage are those of the whole."""
    answer = Answer.of(STREAM.encode(), headers={"content-type": "text/event-stream"})
    expect = {"text": "ok", "finish_reason": "stop", "usage": {"completion_tokens": 1}}
    assert check_answer(contract(expect, stream=True), answer) == []


def test_broken_stream() -> None:
    """A stream that breaks off has no text that could match."""
    answer = Answer.of(STREAM.partition("\n\n")[0].encode() + b"\n\n")
    (found,) = check_answer(contract({"text": "ok"}, stream=True), answer)
    assert found.path == "text"
    assert found.got.startswith("BrokenStream: ")


def test_text_body() -> None:
    """A body that is no JSON is compared as text."""
    answer = Answer.of(b"not found", status=404)
    assert check_answer(contract({"status": 404, "body": {"$regex": "found"}}), answer) == []


def test_usage_that_is_not_there() -> None:
    """Usage that is expected and missing is told."""
    answer = plain({**COMPLETION, "usage": None})
    (found,) = check_answer(contract({"usage": {"$type": "object"}}), answer)
    assert str(found) == "usage: expected an object, got nothing"
