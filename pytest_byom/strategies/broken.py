"""Broken requests: a valid one with one thing wrong, for which the API owes a 4xx."""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st

from pytest_byom.strategies.requests import chat_requests


class BrokenRequest(NamedTuple):
    """A body that a server has to refuse, and what is wrong with it."""

    body: dict[str, Any]
    why: str


ABSENT = object()

WRONG: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("messages", (ABSENT, None, [], "Say ok.", {"role": "user"}, ["Say ok."], [None])),
    ("temperature", ("hot", -1, 2.1, [1])),
    ("top_p", ("all", -0.1, 1.1)),
    ("max_tokens", ("many", -1, 1.5, [16])),
    ("frequency_penalty", ("none", 2.5, -2.5)),
    ("presence_penalty", ("none", 2.5, -2.5)),
    ("n", ("one", 0, -1, 1.5)),
    ("seed", ("fixed", 1.5, [1])),
    ("stop", (7, {"a": "b"}, [7])),
    ("stream", ("yes", [True])),
    ("logprobs", ("all", [True])),
    ("tools", ("get_time", [7], [{"type": "function"}], [{"type": "function", "function": {}}])),
    ("response_format", ("json", {"type": "poem"}, {"type": "json_schema"})),
    ("logit_bias", ("none", {"0": "high"}, {"0": 101}, {"0": -101})),
)
"""Values that the schema of a parameter excludes."""

MESSAGES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("a message without a role", {"content": "Say ok."}),
    ("an unknown role", {"role": "narrator", "content": "Say ok."}),
    ("a role that is no text", {"role": 7, "content": "Say ok."}),
    ("a content that is a number", {"role": "user", "content": 7}),
    ("a content that is an object", {"role": "user", "content": {"text": "Say ok."}}),
    ("a part without a type", {"role": "user", "content": [{"text": "Say ok."}]}),
    ("a part of an unknown type", {"role": "user", "content": [{"type": "smell", "smell": "x"}]}),
    ("a text part without text", {"role": "user", "content": [{"type": "text"}]}),
    ("a user message without content", {"role": "user"}),
    ("tool_calls that are no list", {"role": "assistant", "tool_calls": "get_time"}),
    ("a tool message without tool_call_id", {"role": "tool", "content": "ok"}),
)
"""Messages that the schema excludes."""


@st.composite
def broken_chat_requests(draw: st.DrawFn, *, model: str = "byom-embedded") -> BrokenRequest:
    """Give bodies of POST /chat/completions with one thing in them that the schema excludes.

    `why` says what it is: a parameter of a wrong type or out of its range, or a message that is
    none.
    """
    body = draw(chat_requests(model=model, tool_calls=False))
    if draw(st.booleans()):
        why, message = draw(st.sampled_from(MESSAGES))
        place = draw(st.integers(0, len(body["messages"])))
        body["messages"] = [*body["messages"][:place], message, *body["messages"][place:]]
        return BrokenRequest(body, why)
    name, values = draw(st.sampled_from(WRONG))
    value = draw(st.sampled_from(values))
    if value is ABSENT:
        del body[name]
        return BrokenRequest(body, f"{name} is missing")
    body[name] = value
    return BrokenRequest(body, f"{name} is {value!r}")
