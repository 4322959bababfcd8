"""Chunks become events and one response."""

from __future__ import annotations

import copy
import json
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.client.assemble import Assembler
from pytest_byom.client.errors import AnsweredWithError
from pytest_byom.client.events import (
    ContentDelta,
    ContentStart,
    ContentStop,
    Event,
    EventType,
    StreamComplete,
    StreamError,
    StreamWarning,
    ThinkingDelta,
    ToolUseDelta,
    ToolUseStart,
    ToolUseStop,
    content_delta,
)
from pytest_byom.client.reading import read_completion
from pytest_byom.client.response import changed

if TYPE_CHECKING:
    from pytest_byom.client.response import Choice, Response

DATA = Path(__file__).parent.parent / "data"
VECTORS = json.loads((DATA / "accumulation-vectors.json").read_text(encoding="utf-8"))["vectors"]


def assemble(chunks: list[Any], **options: Any) -> tuple[list[Event], Response]:
    """Feed the chunks; the response is the partial one if the stream reported an error."""
    assembler = Assembler(**options)
    events = [event for chunk in chunks for event in assembler.feed(chunk)]
    events += assembler.end()
    return events, assembler.response_so_far()


def chunk(*, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def tool(**members: Any) -> dict[str, Any]:
    function = {key: members.pop(key) for key in ("name", "arguments") if key in members}
    return {**members, "function": function}


def choice_as_expected(choice: Choice, expected: dict[str, Any]) -> dict[str, Any]:
    calls = choice.tool_calls
    found = {
        "index": choice.index,
        "role": choice.role,
        "content": choice.content,
        "refusal": choice.refusal,
        "finish_reason": choice.finish_reason,
        "tool_calls": None
        if calls is None
        else [
            {"id": c.id, "type": c.type, "function": {"name": c.name, "arguments": c.arguments}}
            for c in calls
        ],
    }
    optional = ("reasoning", "logprobs", "audio", "function_call")
    return found | {name: getattr(choice, name) for name in optional if name in expected}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_vector(vector: dict[str, Any]) -> None:
    """Each vector gives its choices, its usage, its error, and exactly its flags."""
    expected = vector["expect"]
    events, response = assemble(vector["chunks"])
    wanted = expected["choices"]
    assert len(response.choices) == len(wanted)
    for choice, want in zip(response.choices, wanted, strict=True):
        assert choice_as_expected(choice, want) == want
    assert (response.usage and response.usage.raw) == expected["usage"]
    for name in ("id", "model", "created", "system_fingerprint", "service_tier"):
        if name in expected:
            assert getattr(response, name) == expected[name]
    assert not set(expected.get("absent", ())) & {*response.raw, *response.extras}
    assert sorted(repair.code for repair in response.warnings) == sorted(vector["flags"])
    last = events[-1]
    if "error" in expected:
        assert isinstance(last, StreamError)
        assert isinstance(last.error, AnsweredWithError)
        assert last.error.server_message == expected["error"]["message"]
        assert last.error.code == expected["error"].get("code")
    else:
        assert last == StreamComplete(response)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_events_tell_the_same_as_the_response(vector: dict[str, Any]) -> None:
    """The deltas of each choice join to its text, reasoning and arguments."""
    events, response = assemble(vector["chunks"])
    for choice in response.choices:
        own = [event for event in events if getattr(event, "index", None) == choice.index]
        assert "".join(e.text for e in own if isinstance(e, ContentDelta)) == (choice.content or "")
        thoughts = "".join(e.text for e in own if isinstance(e, ThinkingDelta))
        assert thoughts == (choice.reasoning or "")
        whole = [e.tool_call for e in own if isinstance(e, ToolUseStop)]
        if not any(isinstance(event, StreamError) for event in events):
            assert sorted(map(repr, whole)) == sorted(map(repr, choice.tool_calls or ()))
    told = [event.repair for event in events if isinstance(event, StreamWarning)]
    assert tuple(told) == response.warnings


def test_order_of_events() -> None:
    """Text stops before a tool call starts, and all stops come before the end."""
    events, response = assemble(
        [
            chunk(role="assistant", content=""),
            chunk(reasoning="hm"),
            chunk(content="Let me"),
            chunk(content=" look."),
            chunk(tool_calls=[tool(index=0, id="a", name="f", arguments="")]),
            chunk(tool_calls=[tool(index=0, arguments='{"x":')]),
            chunk(tool_calls=[tool(index=0, arguments="1}")]),
            chunk(finish="tool_calls"),
        ]
    )
    (call,) = response.tool_calls
    assert events == [
        ThinkingDelta("hm"),
        ContentStart(),
        ContentDelta("Let me"),
        ContentDelta(" look."),
        ContentStop(),
        ToolUseStart("a", "f"),
        ToolUseDelta('{"x":'),
        ToolUseDelta("1}"),
        ToolUseStop(call),
        StreamComplete(response),
    ]
    assert call.input == {"x": 1}


def test_events_match_by_class() -> None:
    """`match` on the class and `is` on the type tell the same."""
    events, _ = assemble([chunk(content="a", finish="stop")])
    match events[1]:
        case ContentDelta(text=text):
            assert text == "a"
        case _:
            pytest.fail("no text")
    assert [event.type for event in events] == [
        EventType.CONTENT_START,
        EventType.CONTENT_DELTA,
        EventType.CONTENT_STOP,
        EventType.COMPLETE,
    ]


@pytest.mark.parametrize(
    ("deltas", "reasoning", "content"),
    [
        ([{"reasoning": "a"}, {"reasoning": "b"}], "ab", None),
        ([{"reasoning_content": "a"}, {"content": "c"}], "a", "c"),
        ([{"reasoning": "a", "reasoning_details": [{"type": "reasoning.text", "text": "a"}]}],
         "a", None),
        ([{"reasoning_details": [{"type": "reasoning.text", "text": "a", "index": 0}]},
          {"reasoning_details": [{"type": "reasoning.text", "text": "b", "index": 0}]}],
         "ab", None),
        ([{"reasoning_details": [{"type": "reasoning.encrypted", "data": "x"}]}], None, None),
        ([{"reasoning": "", "reasoning_content": None, "content": "c"}], None, "c"),
        ([{"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "a"}]}]},
          {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "b"}]}]},
          {"content": "c"}, {"content": [{"type": "text", "text": "d"}]}], "ab", "cd"),
    ],
    ids=["reasoning", "reasoning_content", "both", "details", "encrypted", "empty", "parts"],
)  # fmt: skip
def test_reasoning_under_each_name(
    deltas: list[dict[str, Any]], reasoning: str | None, content: str | None
) -> None:
    """Reasoning is found under whatever name it comes, and never twice."""
    events, response = assemble([chunk(**delta) for delta in deltas] + [chunk(finish="stop")])
    assert response.choices[0].reasoning == reasoning
    assert response.choices[0].content == content
    told = "".join(event.text for event in events if isinstance(event, ThinkingDelta))
    assert told == (reasoning or "")


def test_the_message_goes_back_as_it_came() -> None:
    """Reasoning keeps its name, parts stay parts, and unknown members are kept."""
    signature = {"google": {"thought_signature": "s"}}
    _, response = assemble(
        [
            chunk(role="assistant", reasoning="a", channel="analysis"),
            chunk(reasoning="b", reasoning_details=[{"type": "reasoning.text", "text": "ab"}]),
            chunk(tool_calls=[tool(index=0, id="a", name="f", extra_content=signature)]),
            chunk(finish="tool_calls"),
        ]
    )
    assert response.message == {
        "role": "assistant",
        "content": None,
        "reasoning": "ab",
        "channel": "analysis",
        "reasoning_details": [{"type": "reasoning.text", "text": "ab"}],
        "tool_calls": [
            {
                "id": "a",
                "type": "function",
                "function": {"name": "f", "arguments": ""},
                "extra_content": signature,
            }
        ],
    }


def test_parts_go_back_as_parts() -> None:
    """A content that came as a list of parts is a list in the message, with its pieces joined."""
    thinking = [{"type": "thinking", "thinking": [{"type": "text", "text": "a"}]}]
    _, response = assemble(
        [chunk(content=thinking), chunk(content=thinking), chunk(content="c"), chunk(content="d")]
    )
    assert response.message["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "aa"}]},
        {"type": "text", "text": "cd"},
    ]


@pytest.mark.parametrize("cut", range(1, 22))
def test_think_tags(cut: int) -> None:
    """Reasoning between tags is parted off wherever the text is cut."""
    text = "<think>a<b</think>c<d"
    _, response = assemble(
        [chunk(content=text[:cut]), chunk(content=text[cut:], finish="stop")],
        think_tags=("<think>", "</think>"),
    )
    assert (response.reasoning, response.content) == ("a<b", "c<d")


@pytest.mark.parametrize(
    "usage",
    [
        {"usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}},
        {"x_groq": {"id": "r", "usage": {"prompt_tokens": 5, "completion_tokens": 2}}},
        {"usage": {"prompt_tokens": 5, "completion_tokens": 2}, "choices": [{"index": 0}]},
        {"choices": [{"index": 0, "delta": {},
                      "usage": {"prompt_tokens": 5, "completion_tokens": 2}}]},
    ],
    ids=["own", "x_groq", "beside", "choice"],
)  # fmt: skip
def test_usage_in_each_place(usage: dict[str, Any]) -> None:
    """Usage is found wherever it stands, and the last one holds."""
    first = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}
    _, response = assemble([first, chunk(content="a", finish="stop"), usage, {"choices": []}])
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (5, 2)


@pytest.mark.parametrize(
    ("last", "message", "code"),
    [
        ({"error": {"message": "m", "code": 502}}, "m", 502),
        ({"error": "m", "code": "c"}, "m", "c"),
        ({"detail": "m"}, "m", None),
        ({"object": "error", "message": "m", "code": "1500"}, "m", "1500"),
        ({"choices": [{"index": 0, "delta": {}, "error": {"message": "m", "code": 1}}]}, "m", 1),
        ({"x_groq": {"error": "m"}, "choices": []}, "m", None),
    ],
    ids=["object", "string", "detail", "mistral", "choice", "x_groq"],
)
def test_error_inside_a_stream(last: dict[str, Any], message: str, code: str | int | None) -> None:
    """An error in any shape ends the stream, with what had come attached."""
    assembler = Assembler(endpoint="http://h/v1")
    assembler.feed(chunk(content="par"))
    events = assembler.feed(last)
    assert events[-1].type is EventType.ERROR
    assert assembler.feed(chunk(content="more")) == []
    assert assembler.end() == []
    with pytest.raises(AnsweredWithError, match="reported an error inside the stream") as caught:
        assembler.close()
    assert (caught.value.server_message, caught.value.code) == (message, code)
    assert caught.value.endpoint == "http://h/v1"
    assert caught.value.partial.content == "par"


def test_an_event_named_error_is_one() -> None:
    """An object without an error member is an error if the server named the event so."""
    assembler = Assembler()
    (_, last) = assembler.feed({"message": "boom", "status_code": 400}, event="error")
    assert isinstance(last, StreamError)
    assert isinstance(last.error, AnsweredWithError)
    assert (last.error.server_message, last.error.code) == ("boom", 400)


@pytest.mark.parametrize(
    ("fragments", "calls"),
    [
        # Mistral: two whole calls in one delta, neither index nor type
        ([[tool(id="a", name="f", arguments="{}"), tool(id="b", name="g", arguments="{}")]],
         [("a", "f", "{}"), ("b", "g", "{}")]),
        # Gemini: no index, an empty id, both in one delta
        ([[tool(id="", name="f", arguments="{}"), tool(id="", name="g", arguments="{}")]],
         [(None, "f", "{}"), (None, "g", "{}")]),
        # the same, one after the other
        ([[tool(id="", name="f", arguments="{}")], [tool(id="", name="f", arguments="{}")]],
         [(None, "f", "{}"), (None, "f", "{}")]),
        # vLLM: later fragments with null in all places
        ([[tool(index=0, id="a", name="f", arguments=None, type="function")],
          [tool(index=0, id=None, name=None, arguments="{}", type=None)]], [("a", "f", "{}")]),
        # OpenRouter: all under index 0
        ([[tool(index=0, id=str(n), name="f", arguments="{}")] for n in range(3)],
         [("0", "f", "{}"), ("1", "f", "{}"), ("2", "f", "{}")]),
        # a custom tool
        ([[{"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", "input": "x"}}],
          [{"index": 0, "custom": {"input": "y"}}]], [("a", "f", "xy")]),
        # nothing of a call but its place
        ([["junk", {"index": 0}]], [(None, None, "")]),
    ],
    ids=["mistral", "gemini", "gemini-two", "vllm", "openrouter", "custom", "junk"],
)  # fmt: skip
def test_tool_fragments(fragments: list[list[Any]], calls: list[tuple[str, str, str]]) -> None:
    """Fragments of each dialect become the calls that were meant."""
    _, response = assemble([chunk(tool_calls=part) for part in fragments])
    found = [(call.id, call.name, call.arguments) for call in response.tool_calls]
    assert found == calls


def test_deprecated_function_call_and_audio_join() -> None:
    """The members that OpenAI itself streams in pieces are joined."""
    _, response = assemble(
        [
            chunk(
                function_call={"name": "f", "arguments": '{"a"'}, audio={"id": "x", "data": "AA"}
            ),
            chunk(function_call={"arguments": ":1}"}, audio={"data": "BB", "expires_at": 5}),
        ]
    )
    assert response.choices[0].function_call == {"name": "f", "arguments": '{"a":1}'}
    assert response.choices[0].audio == {"id": "x", "data": "AABB", "expires_at": 5}


@pytest.mark.parametrize(
    ("junk", "code"),
    [
        (5, "chunk-not-object"),
        ({"choices": 5}, "choices-not-list"),
        ({"choices": [5]}, "choice-not-object"),
        ({"choices": [{"index": 0, "delta": {"content": {"a": 1}}}]}, "content-not-string"),
        ({"choices": [{"index": 0, "message": {"content": "a"}}]}, "message-for-delta"),
        ({"choices": [{"index": 0, "delta": {"tool_calls": [tool(index=1, id="a")]}}]},
         "tool-index-gap"),
        ({"choices": [{"index": 0, "delta": {"tool_calls": [tool(index=10**18, id="a")]}}]},
         "tool-index-gap"),
    ],
)  # fmt: skip
def test_what_is_repaired_is_listed(junk: Any, code: str) -> None:
    """What is no valid chunk is flagged, and the rest of the stream is read."""
    _, response = assemble([chunk(content="a"), junk, chunk(content="b", finish="stop")])
    assert code in [repair.code for repair in response.warnings]
    assert response.content.startswith("a")
    assert response.content.endswith("b")


def test_a_half_character_is_not_shown() -> None:
    """A delta never ends within a character."""
    events, _ = assemble([chunk(content="a\ud83d"), chunk(content="\ude00b", finish="stop")])
    assert [e.text for e in events if isinstance(e, ContentDelta)] == ["a", "\U0001f600b"]


def test_finished_and_started() -> None:
    """An assembler knows whether an answer has begun and whether it has ended."""
    assembler = Assembler()
    seen = [(assembler.started, assembler.finished)]
    for part in (chunk(content="a"), chunk(finish="stop")):
        assembler.feed(part)
        seen.append((assembler.started, assembler.finished))
    assert seen == [(False, False), (True, False), (True, True)]


def test_arguments_under_the_name_of_parameters() -> None:
    """TGI 1.4 names the arguments of a call `parameters`, and sends them as an object."""
    call = {"id": 0, "type": "function", "function": {"name": "f", "parameters": {"x": 1}}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    response = read_completion({"choices": [{"index": 0, "message": message}]})
    assert [(call.id, call.arguments) for call in response.tool_calls] == [("0", '{"x": 1}')]
    assert "tool-arguments-not-string" in {repair.code for repair in response.warnings}


def test_a_content_delta_is_frozen_however_it_was_made() -> None:
    """The quick way to make one gives the same value of the same class."""
    event = content_delta("Hi", 1)
    assert event == ContentDelta("Hi", 1)
    assert hash(event) == hash(ContentDelta("Hi", 1))
    assert copy.deepcopy(event) == event
    with pytest.raises(FrozenInstanceError):
        event.text = "Ho"  # type: ignore[misc]  # the one way to try


def test_a_changed_response_is_another_one() -> None:
    """What is not changed stays, and so does the response that it came from."""
    first = read_completion({"id": "a", "choices": []})
    second = changed(first, request_id="r")
    assert (first.id, first.request_id) == ("a", None)
    assert (second.id, second.request_id) == ("a", "r")
    assert second == replace(first, request_id="r")
