"""Streams of the embedded server: framing, chunks, and that they say what the plain answer says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_byom.mock.embedded import tokens
from pytest_byom.mock.embedded.sampling import Chosen
from pytest_byom.mock.embedded.stops import Characters, Entry, Piece, StopFilter

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_byom.mock.http1 import BackgroundServer

    Ask = Callable[..., httpx.Response]

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


def chunks(answer: httpx.Response) -> list[dict[str, Any]]:
    """Return the chunks of a stream, whose framing is exactly as promised."""
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    *events, done, end = answer.content.decode().split("\n\n")
    assert (done, end) == ("data: [DONE]", "")
    assert all(event.startswith("data: {") and "\n" not in event for event in events)
    return [json.loads(event.removeprefix("data: ")) for event in events]


def joined(parts: list[dict[str, Any]], index: int = 0) -> dict[str, Any]:
    """Fold the chunks of one choice to what the plain answer has."""
    choices = [c for part in parts for c in part["choices"] if c["index"] == index]
    reasons = [choice["finish_reason"] for choice in choices]
    assert reasons[:-1] == [None] * (len(reasons) - 1)
    message: dict[str, Any] = {"content": None, "tool_calls": []}
    logprobs: list[Any] = []
    for place, choice in enumerate(choices):
        delta = choice["delta"]
        assert ("role" in delta) == (place == 0)
        if delta.get("content") is not None:
            message["content"] = (message["content"] or "") + delta["content"]
        for call in delta.get("tool_calls", ()):
            fold_call(message["tool_calls"], call)
        logprobs += (choice["logprobs"] or {}).get("content") or ()
    return {**message, "finish_reason": reasons[-1], "logprobs": logprobs}


def fold_call(calls: list[dict[str, Any]], call: dict[str, Any]) -> None:
    function = call["function"]
    if "id" in call:
        assert call["type"] == "function"
        assert call["index"] == len(calls)
        calls.append({"name": function["name"], "arguments": function["arguments"]})
    else:
        assert set(call) == {"index", "function"}
        calls[call["index"]]["arguments"] += function["arguments"]


def plain(answer: httpx.Response, index: int = 0) -> dict[str, Any]:
    """Bring a choice of a plain answer to the form of `joined`."""
    choice = answer.json()["choices"][index]
    calls = choice["message"].get("tool_calls", [])
    return {
        "content": choice["message"]["content"],
        "tool_calls": [call["function"] for call in calls],
        "finish_reason": choice["finish_reason"],
        "logprobs": (choice["logprobs"] or {}).get("content") or [],
    }


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"seed": 5, "temperature": 0},
        {"temperature": 2},
        {"logprobs": True, "top_logprobs": 2},
        {"n": 3, "logprobs": True},
        {"max_tokens": 1},
        {"max_tokens": 3, "stop": "e"},
        {"stop": ["a", "river"]},
        {"tools": [TOOL]},
        {"tools": [TOOL], "max_tokens": 6},
        {"tools": [TOOL], "max_tokens": 1},
        {"tools": [TOOL], "max_tokens": 9},
        {"tools": [TOOL], "n": 2},
        {"response_format": {"type": "json_object"}},
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("text", ["What is the weather in Paris and São Paulo?", "Repeat: a 🙂 b"])
def test_a_stream_says_what_the_plain_answer_says(
    ask: Ask, text: str, members: dict[str, Any]
) -> None:
    """Joined, a stream is the plain answer: text, calls, reason, log probabilities, usage."""
    parts = chunks(ask(text, **members, stream=True, stream_options={"include_usage": True}))
    answer = ask(text, **members)
    for index in range(members.get("n", 1)):
        assert joined(parts, index) == plain(answer, index)
    assert parts[-1]["usage"] == answer.json()["usage"]


def test_all_chunks_have_the_same_heading(ask: Ask) -> None:
    """Id, time and model are the same in every chunk; nothing is there that should not be."""
    parts = chunks(ask("Hello", stream=True))
    assert len({(part["id"], part["created"], part["model"]) for part in parts}) == 1
    assert {part["object"] for part in parts} == {"chat.completion.chunk"}
    assert all(not {"usage", "error", "obfuscation", "message"} & part.keys() for part in parts)


def test_usage_comes_last_and_alone(ask: Ask) -> None:
    """With include_usage, one last chunk without choices has it, and the others have null."""
    *others, last = chunks(ask("Hello", stream=True, stream_options={"include_usage": True}))
    assert [part["usage"] for part in others] == [None] * len(others)
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] > 0


def test_obfuscation_comes_when_asked_for(ask: Ask) -> None:
    """With include_obfuscation each chunk is padded."""
    parts = chunks(ask("Hello", stream=True, stream_options={"include_obfuscation": True}))
    assert all(isinstance(part["obfuscation"], str) for part in parts)


def test_choices_take_turns(ask: Ask) -> None:
    """Choices are streamed side by side, the first one first."""
    parts = chunks(ask("Hello", n=2, max_tokens=4, stream=True))
    order = [part["choices"][0]["index"] for part in parts]
    assert order == [0, 1] * 6


def test_a_stream_is_not_to_be_held_up(ask: Ask) -> None:
    """Caches and proxies are told to let a stream through."""
    headers = ask("Hello", stream=True).headers
    assert headers["cache-control"] == "no-cache"
    assert headers["x-accel-buffering"] == "no"


def test_line_ends_within_text_are_escaped(ask: Ask) -> None:
    """No event has a character that some reader takes for the end of a line."""
    answer = ask("Repeat: a\u2028b\u2029c\u0085d\re", stream=True)
    assert joined(chunks(answer))["content"] == "a\u2028b\u2029c\u0085d\re"
    assert not set("\u2028\u2029\u0085\r") & set(answer.content.decode())


def test_the_connection_goes_on_after_a_stream(embedded: BackgroundServer) -> None:
    """A stream that is given up leaves the server as it was."""
    body = {
        "model": "byom-embedded",
        "messages": [{"role": "user", "content": "Write a long story"}],
        "stream": True,
    }
    for _ in range(20):
        with httpx.stream("POST", f"{embedded.url}/v1/chat/completions", json=body) as answer:
            next(answer.iter_raw())
    assert httpx.get(f"{embedded.url}/v1/models").status_code == 200


def test_a_stream_without_content_is_whole(ask: Ask) -> None:
    """A stream stopped at once still has its role, its reason and its end."""
    parts = chunks(ask("Count to 5", stop="1", stream=True))
    assert joined(parts) == {
        "content": "", "tool_calls": [], "finish_reason": "stop", "logprobs": [],
    }  # fmt: skip


letters = st.text("ab🙂", max_size=12)


@given(st.lists(letters.filter(bool)), st.lists(letters.filter(bool), max_size=4))
def test_nothing_of_a_stop_sequence_gets_through(texts: list[str], stops: list[str]) -> None:
    """However a text is cut, what is let through ends in front of the first stop sequence."""
    stop_filter, shown = StopFilter(tuple(stops)), ""
    for text in texts:
        shown += "".join(p.text for p in stop_filter.feed(Piece(text, ())))
        if stop_filter.hit:
            break
    if not stop_filter.hit:
        shown += "".join(p.text for p in stop_filter.close())
    whole = "".join(texts)
    assert whole.startswith(shown)
    assert stop_filter.hit == any(stop in whole for stop in stops)
    assert not any(stop in shown for stop in stops)


def test_a_piece_of_several_tokens_is_cut() -> None:
    """The tokens behind the cut go, the one that is cut keeps its beginning."""
    entries = tuple(Entry(Chosen(0), raw) for raw in (b"ab", b"cd", b"ef"))
    stop_filter = StopFilter(("def",))
    assert stop_filter.feed(Piece("abcdef", entries)) == [
        Piece("abc", (entries[0], Entry(Chosen(0), b"c")))
    ]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(1, 30))
def test_tokens_are_joined_to_characters(text: str, length: int) -> None:
    """Pieces are whole characters, and their bytes are those of their tokens."""
    characters, shown = Characters(), ""
    for token in tokens.encode(text)[:length]:
        piece = characters.feed(Chosen(token))
        if piece is not None:
            assert b"".join(entry.raw for entry in piece.entries) == piece.text.encode()
            shown += piece.text
    assert text.startswith(shown)
