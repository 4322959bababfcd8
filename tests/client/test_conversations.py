"""Any conversation that the client's own types can express is one that a strict server takes."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_byom.client.llm import LLM
from pytest_byom.client.messages import (
    assistant,
    developer,
    image,
    system,
    text,
    tool_result,
    user,
)
from pytest_byom.client.response import Response, ToolCall
from pytest_byom.client.tools import Tool
from pytest_byom.mock.embedded import EmbeddedServer
from pytest_byom.mock.http1 import BackgroundServer

if TYPE_CHECKING:
    from collections.abc import Iterator

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
TEXTS = st.text(max_size=12)
WORDS = st.text(min_size=1, max_size=12)
NAMES = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
ARGUMENTS = st.dictionaries(TEXTS, VALUES, max_size=2).map(json.dumps) | TEXTS
CALLS = st.builds(ToolCall, id=WORDS, name=NAMES, arguments=ARGUMENTS)
DETAILS = st.sampled_from([None, "auto", "low", "high"])
IMAGES = st.builds(image, st.just(PNG), detail=DETAILS)
PARTS = st.lists(WORDS | WORDS.map(text) | IMAGES, min_size=1, max_size=3)
USERS = PARTS.map(lambda parts: [user(*parts)])
RULES = st.one_of(WORDS.map(system), WORDS.map(developer)).map(lambda message: [message])
ANSWERS = TEXTS.map(lambda content: [assistant(content)])


@st.composite
def tool_turns(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Calls of the model, each with its result, in any order."""
    calls = draw(st.lists(CALLS, min_size=1, max_size=3, unique_by=lambda call: call.id))
    asked = assistant(draw(st.none() | TEXTS), tool_calls=calls)
    results = [tool_result(call, draw(VALUES)) for call in draw(st.permutations(calls))]
    return [asked, *results]


CONVERSATIONS = WORDS | st.lists(
    st.one_of(USERS, RULES, ANSWERS, tool_turns()), min_size=1, max_size=5
).map(lambda turns: [message for turn in turns for message in turn])
SCHEMAS = st.dictionaries(
    NAMES,
    st.sampled_from([{"type": "string"}, {"type": "integer"}, {"type": "boolean"}]),
    max_size=3,
).map(lambda members: {"type": "object", "properties": members, "required": [*members]})
TOOLS = st.lists(
    st.builds(Tool, name=NAMES, description=TEXTS, parameters=SCHEMAS),
    max_size=3,
    unique_by=lambda tool: tool.name,
)
OPTIONS = st.fixed_dictionaries(
    {"max_tokens": st.integers(1, 12)},
    optional={
        "temperature": st.floats(0, 2),
        "top_p": st.floats(0.01, 1),
        "seed": st.integers(-(2**63), 2**63 - 1),
        "stop": WORDS | st.lists(WORDS, min_size=1, max_size=4),
        "frequency_penalty": st.floats(-2, 2),
        "presence_penalty": st.floats(-2, 2),
        "logit_bias": st.dictionaries(
            st.integers(0, 500).map(str), st.integers(-100, 100), max_size=3
        ),
        "top_logprobs": st.integers(0, 5),
        "n": st.integers(1, 3),
        "max_tokens_field": st.sampled_from(["max_tokens", "max_completion_tokens"]),
    },
)
TOOL_OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "tool_choice": st.sampled_from(["auto", "none", "required"]),
        "parallel_tool_calls": st.booleans(),
    },
)


@pytest.fixture(scope="module")
def server() -> Iterator[BackgroundServer]:
    """One embedded server, which must not fail on anything."""
    with BackgroundServer(EmbeddedServer()) as running:
        yield running
        assert running.errors == []


@pytest.fixture(scope="module")
def http(server: BackgroundServer) -> Iterator[Any]:
    """One HTTP client for all of its requests."""
    import httpx

    with httpx.Client(trust_env=False) as client:
        yield client


def make(server: BackgroundServer, http: Any, options: dict[str, Any]) -> LLM:
    """A client of the embedded server."""
    return LLM(
        base_url=f"{server.url}/v1", model="byom-embedded", http_client=http, retry=None, **options
    )


@given(conversation=CONVERSATIONS, options=OPTIONS, tools=TOOLS, more=TOOL_OPTIONS)
@settings(deadline=None, max_examples=120)
def test_any_conversation_is_answered(
    server: BackgroundServer,
    http: Any,
    conversation: Any,
    options: dict[str, Any],
    tools: list[Tool],
    more: dict[str, Any],
) -> None:
    """The server takes it, plain and streamed, with the same answer to both."""
    llm = make(server, http, options | (more if tools else {}))
    plain = llm.send_messages(conversation, tools)
    assert isinstance(plain, Response)
    with llm.stream_response(conversation, tools) as stream:
        streamed = stream.response()
    assert [(choice.content or "", choice.finish_reason) for choice in streamed.choices] == [
        (choice.content or "", choice.finish_reason) for choice in plain.choices
    ]
    told = {repair.code for repair in (*plain.warnings, *streamed.warnings)}
    assert told <= {"replacement-character"}  # max_tokens may cut a character


@given(conversation=CONVERSATIONS, tools=TOOLS.filter(bool))
@settings(deadline=None, max_examples=40)
def test_any_answer_goes_back(
    server: BackgroundServer, http: Any, conversation: Any, tools: list[Tool]
) -> None:
    """The server's own message is taken back, with the results of its calls."""
    llm = make(server, http, {"tool_choice": "required", "max_tokens": 60})
    before = [user(conversation)] if isinstance(conversation, str) else conversation
    answer = llm.send_messages(before, tools)
    results = [tool_result(call, "done") for call in answer.tool_calls]
    assert isinstance(llm.send_messages([*before, answer, *results], tools), Response)
