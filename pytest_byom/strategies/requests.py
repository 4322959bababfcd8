"""Valid requests: conversations, tools, parameters, with explicit nulls and neutral values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from pytest_byom.client.errors import UsageError
from pytest_byom.strategies.schemas import schemas
from pytest_byom.strategies.texts import NAMES, TEXT_PARTS, WORDS

if TYPE_CHECKING:
    from collections.abc import Collection

Message = dict[str, Any]

PARAMETERS: dict[str, st.SearchStrategy[Any]] = {
    "temperature": st.none() | st.floats(0, 2),
    "top_p": st.none() | st.floats(0.01, 1),
    "frequency_penalty": st.none() | st.floats(-2, 2),
    "presence_penalty": st.none() | st.floats(-2, 2),
    "seed": st.none() | st.integers(-(2**63), 2**63 - 1),
    "stop": st.none() | WORDS | st.lists(WORDS, min_size=1, max_size=4),
    "n": st.none() | st.just(1),
    "logprobs": st.none() | st.just(False),
    "user": WORDS,
}
"""Parameters that any server takes, with the values that the schema allows. Both null and what
is the default anyway are among them."""


def tools(*, min_size: int = 1, max_size: int = 3) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Give lists of function tools, each of another name."""
    function = st.fixed_dictionaries(
        {"name": NAMES, "parameters": schemas()}, optional={"description": WORDS}
    )
    tool = st.fixed_dictionaries({"type": st.just("function"), "function": function})
    return st.lists(
        tool, min_size=min_size, max_size=max_size, unique_by=lambda tool: tool["function"]["name"]
    )


@st.composite
def _tool_turn(draw: st.DrawFn) -> list[Message]:
    """An answer that calls tools, and one result for each call, in any order."""
    numbers = range(draw(st.integers(1, 3)))
    calls = [
        {
            "id": f"call_{number}",
            "type": "function",
            "function": {
                "name": draw(NAMES),
                "arguments": json.dumps(draw(st.dictionaries(NAMES, WORDS, max_size=2))),
            },
        }
        for number in numbers
    ]
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": draw(WORDS)}
        for call in draw(st.permutations(calls))
    ]
    content = draw(st.none() | WORDS)
    return [{"role": "assistant", "content": content, "tool_calls": calls}, *results]


@st.composite
def messages(draw: st.DrawFn, *, max_turns: int = 3, tool_calls: bool = True) -> list[Message]:
    """Give conversations that end with the user: roles in a legal order, text and text parts.

    With `tool_calls` the assistant calls tools in some of them, and each call has its result.
    """
    found: list[Message] = []
    if draw(st.booleans()):
        found.append({"role": "system", "content": draw(WORDS | TEXT_PARTS)})
    for _ in range(draw(st.integers(0, max_turns - 1))):
        found.append({"role": "user", "content": draw(WORDS | TEXT_PARTS)})
        if tool_calls and draw(st.booleans()):
            found += draw(_tool_turn())
        found.append({"role": "assistant", "content": draw(WORDS)})
    return [*found, {"role": "user", "content": draw(WORDS | TEXT_PARTS)}]


def chat_requests(
    *,
    model: str = "byom-embedded",
    stream: bool | None = None,
    max_tokens: int = 16,
    tool_calls: bool = True,
    leave_out: Collection[str] = (),
) -> st.SearchStrategy[dict[str, Any]]:
    """Give bodies of POST /chat/completions that every server of the API has to answer.

    `stream` says whether they ask for a stream; None leaves it open. `max_tokens` is the highest
    limit of an answer. Without `tool_calls` there are neither tools nor calls of them; `leave_out`
    names parameters that are not sent either. Raises UsageError if `max_tokens` is not positive.
    """
    if max_tokens < 1:
        raise UsageError(f"max_tokens must be positive, not {max_tokens}")
    return _chat_requests(model, stream, max_tokens, tool_calls, frozenset(leave_out))


@st.composite
def _chat_requests(
    draw: st.DrawFn,
    model: str,
    stream: bool | None,
    max_tokens: int,
    tool_calls: bool,
    leave_out: frozenset[str],
) -> dict[str, Any]:
    body: dict[str, Any] = {"model": model, "messages": draw(messages(tool_calls=tool_calls))}
    body["max_tokens"] = draw(st.integers(1, max_tokens))
    sent = {name: values for name, values in PARAMETERS.items() if name not in leave_out}
    body |= draw(st.fixed_dictionaries({}, optional=sent))
    asked = draw(st.booleans()) if stream is None else stream
    if asked:
        body["stream"] = True
        if draw(st.booleans()):
            body["stream_options"] = {"include_usage": draw(st.booleans())}
    elif draw(st.booleans()):
        body["stream"] = draw(st.sampled_from([False, None]))
    called = any("tool_calls" in message for message in body["messages"])
    if tool_calls and (called or draw(st.booleans())):
        body["tools"] = draw(tools())
        body |= draw(
            st.fixed_dictionaries({}, optional={"tool_choice": st.sampled_from(["auto", "none"])})
        )
    return body
