"""Broken requests: a valid one with one thing wrong, for which the API owes a 4xx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from hypothesis import strategies as st

from pytest_byom.client.errors import UsageError
from pytest_byom.strategies.requests import chat_requests

if TYPE_CHECKING:
    from collections.abc import Collection


class BrokenRequest(NamedTuple):
    """A body that a server has to refuse, and what is wrong with it."""

    body: dict[str, Any]
    why: str


ABSENT = object()

Faults = Literal["types", "ranges", "forms", "tools", "roles", "contents"]

WRONG: dict[Faults, tuple[tuple[str, tuple[Any, ...]], ...]] = {
    "types": (
        ("temperature", ("hot", [1])),
        ("top_p", ("all",)),
        ("max_tokens", ("many", 1.5, [16])),
        ("frequency_penalty", ("none",)),
        ("presence_penalty", ("none",)),
        ("n", ("one", 1.5)),
        ("seed", ("fixed", 1.5, [1])),
        ("stop", (7, {"a": "b"}, [7])),
        ("stream", ("yes", [True])),
        ("logprobs", ("all", [True])),
        ("logit_bias", ("none", {"0": "high"})),
    ),
    "ranges": (
        ("temperature", (-1, 2.1)),
        ("top_p", (-0.1, 1.1)),
        ("max_tokens", (-1,)),
        ("frequency_penalty", (2.5, -2.5)),
        ("presence_penalty", (2.5, -2.5)),
        ("n", (0, -1)),
        ("logit_bias", ({"0": 101}, {"0": -101})),
    ),
    "forms": (
        ("messages", (ABSENT, None, [], "Say ok.", {"role": "user"}, ["Say ok."], [None])),
        ("response_format", ("json", {"type": "poem"}, {"type": "json_schema"})),
    ),
    "tools": (
        (
            "tools",
            ("get_time", [7], [{"type": "function"}], [{"type": "function", "function": {}}]),
        ),
    ),
}
"""Values that the schema of a parameter excludes, by what is wrong with them."""

MESSAGES: dict[Faults, tuple[tuple[str, dict[str, Any]], ...]] = {
    "roles": (
        ("a message without a role", {"content": "Say ok."}),
        ("an unknown role", {"role": "narrator", "content": "Say ok."}),
        ("a role that is no text", {"role": 7, "content": "Say ok."}),
    ),
    "contents": (
        ("a content that is a number", {"role": "user", "content": 7}),
        ("a content that is an object", {"role": "user", "content": {"text": "Say ok."}}),
        ("a part without a type", {"role": "user", "content": [{"text": "Say ok."}]}),
        (
            "a part of an unknown type",
            {"role": "user", "content": [{"type": "smell", "smell": "x"}]},
        ),
        ("a text part without text", {"role": "user", "content": [{"type": "text"}]}),
        ("a user message without content", {"role": "user"}),
    ),
    "tools": (
        ("tool_calls that are no list", {"role": "assistant", "tool_calls": "get_time"}),
        ("a tool message without tool_call_id", {"role": "tool", "content": "ok"}),
    ),
}
"""Messages that the schema excludes, by what is wrong with them."""

FAULTS: tuple[Faults, ...] = ("types", "ranges", "forms", "tools", "roles", "contents")


def broken_chat_requests(
    *, model: str = "byom-embedded", faults: Collection[Faults] = FAULTS
) -> st.SearchStrategy[BrokenRequest]:
    """Give bodies of POST /chat/completions with one thing in them that the schema excludes.

    `why` says what it is. `faults` are the kinds: parameters of wrong types or out of their ranges,
    the forms of messages and response_format, tools, roles and contents of messages. Raises
    UsageError if there is none of them, or another.
    """
    if not faults or not set(faults) <= set(FAULTS):
        raise UsageError(f"faults must be some of {', '.join(FAULTS)}, not {faults!r}")
    rows = [row for fault in FAULTS if fault in faults for row in WRONG.get(fault, ())]
    added = [row for fault in FAULTS if fault in faults for row in MESSAGES.get(fault, ())]
    if not added:
        return _with_a_wrong_value(model, rows)
    with_message = _with_a_wrong_message(model, added)
    return with_message | _with_a_wrong_value(model, rows) if rows else with_message


@st.composite
def _with_a_wrong_message(
    draw: st.DrawFn, model: str, rows: list[tuple[str, dict[str, Any]]]
) -> BrokenRequest:
    body = draw(chat_requests(model=model, tool_calls=False))
    why, message = draw(st.sampled_from(rows))
    place = draw(st.integers(0, len(body["messages"])))
    body["messages"] = [*body["messages"][:place], message, *body["messages"][place:]]
    return BrokenRequest(body, why)


@st.composite
def _with_a_wrong_value(
    draw: st.DrawFn, model: str, rows: list[tuple[str, tuple[Any, ...]]]
) -> BrokenRequest:
    body = draw(chat_requests(model=model, tool_calls=False))
    name, values = draw(st.sampled_from(rows))
    value = draw(st.sampled_from(values))
    if value is ABSENT:
        del body[name]
        return BrokenRequest(body, f"{name} is missing")
    body[name] = value
    return BrokenRequest(body, f"{name} is {value!r}")
