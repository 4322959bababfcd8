"""Defects of the forms of messages: members, null, order, calls and results."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from defects.messages import said, spoken_messages
from defects.planting import (
    Asked,
    Defect,
    When,
    change_request,
    deviates,
    failed,
    ignored,
    refuse,
)

Members = dict[str, Any]


def fail(message: str, *, when: When) -> Any:
    """Answer such requests with 500."""
    return refuse(message, when=when, status=500, type="server_error")


def _any_message(test: Any) -> When:
    """Requests with a message that passes a test."""
    return lambda asked: asked.is_chat and any(map(test, spoken_messages(asked)))


def _null(*names: str) -> When:
    return _any_message(lambda m: any(m.get(name, "") is None for name in names))


def _calls(message: Members) -> list[Members]:
    return message.get("tool_calls") or []


def _content(message: Members) -> Any:
    return message.get("content", "")


def _parts_beside_user(message: Members) -> bool:
    return message.get("role") != "user" and isinstance(_content(message), list)


def _refuses(message: Members) -> bool:
    return "refusal" in str(_content(message))


def _twice(*roles: str) -> When:
    """Requests with two messages in a row by one of some roles."""
    return lambda asked: any(a == b and a in roles for a, b in pairwise(asked.roles))


def _begins(role: str) -> When:
    return lambda asked: asked.roles[:1] == [role]


def _ends(role: str) -> When:
    return lambda asked: asked.roles[-1:] == [role]


def _system_within(asked: Asked) -> bool:
    return "system" in asked.roles[1:]


def _reversed(asked: Asked) -> bool:
    calls = [call["id"] for message in spoken_messages(asked) for call in _calls(message)]
    results = [m.get("tool_call_id") for m in spoken_messages(asked) if m.get("role") == "tool"]
    return len(calls) > 1 and calls == results[::-1]


def _orphaned(asked: Asked) -> bool:
    return "tool" in asked.roles and "assistant" not in asked.roles


def _unanswered(asked: Asked) -> bool:
    return any(map(_calls, spoken_messages(asked))) and "tool" not in asked.roles


def _own_pair(asked: Asked) -> bool:
    """A history with two calls whose ids the server has made."""
    calls = [call for message in spoken_messages(asked) for call in _calls(message)]
    return len(calls) == 2 and all(len(call["id"]) > 20 for call in calls)


def _own_object(message: Members) -> bool:
    return message.get("role") == "assistant" and str(_content(message)).startswith("{")


def _short_results(data: Members) -> None:
    for message in data["messages"]:
        if message["role"] == "tool":
            message["content"] = _content(message)[:18]


def _first_part(data: Members) -> None:
    for message in data["messages"]:
        if isinstance(message.get("content"), list):
            del message["content"][1:]


def _has_parts(message: Members) -> bool:
    return isinstance(message.get("content"), list)


FORMS = "messages.call-forms"
PACKED = "messages.optional-members"
ORDER = "messages.any-order"
ODD = "messages.odd-members"

DEFECTS = [
    Defect(
        id="forms-parts-of-user-only",
        title="Parts are taken from the user only.",
        change=refuse("content must be a string", when=_any_message(_parts_beside_user)),
        turns=deviates("messages.parts", FORMS, "messages.system-parts")
        | deviates("messages.assistant-parts", "messages.tool-parts"),
        leaves=frozenset({"messages.parts-count", "messages.parts-are-text"}),
        row="L160",
        issues=("tmc/langchaingo#667",),
    ),
    Defect(
        id="forms-no-names",
        title="A message must not have a name.",
        change=refuse("name: extra field", when=_any_message(lambda m: m.get("name") and True)),
        turns=deviates(PACKED, "messages.names"),
    ),
    Defect(
        id="forms-null-audio",
        title="audio and function_call must not be null.",
        change=refuse("audio: none is not allowed", when=_null("audio", "function_call")),
        turns=deviates(PACKED, "messages.null-audio", "messages.null-function-call")
        | deviates("messages.own-call-dumped"),
        row="L081",
        issues=("symgraph/GhidrAssist#18",),
    ),
    Defect(
        id="forms-null-calls",
        title="tool_calls must not be null.",
        change=refuse("tool_calls: none is not allowed", when=_null("tool_calls")),
        turns=deviates(PACKED, "messages.null-tool-calls"),
    ),
    Defect(
        id="forms-null-refusal",
        title="refusal must not be null, and the server writes it so itself.",
        change=refuse("refusal: none is not allowed", when=_null("refusal")),
        turns=deviates(PACKED, "messages.null-refusal", "messages.own-call-dumped")
        | failed("messages.own-answer", "messages.own-call", "messages.own-parallel")
        | failed("messages.own-object"),
        leaves=frozenset({"response.created-order"}),
    ),
    Defect(
        id="forms-null-name",
        title="A name that is null makes the server fail.",
        change=fail("type must be string, but is null", when=_null("name")),
        turns=deviates("messages.null-name"),
    ),
    Defect(
        id="forms-content-wanted",
        title="A tool call in the history has to have a content member.",
        change=refuse(
            "content: field required",
            when=_any_message(lambda m: bool(_calls(m)) and "content" not in m),
        ),
        turns=failed("messages.call-without-content"),
    ),
    Defect(
        id="forms-empty-content",
        title="A message must not have an empty content.",
        change=refuse(
            "Assistant message must have either content or tool_calls, but not none",
            when=_any_message(lambda m: m.get("role") == "assistant" and m.get("content") == ""),
        ),
        turns=deviates(FORMS, "messages.call-empty-content"),
        row="C199",
        issues=("michelle-avery/openai-compatible-conversation#26",),
    ),
    Defect(
        id="forms-order-of-results",
        title="Results have to come in the order of the calls.",
        change=refuse("unexpected tool_call_id", when=_reversed),
        turns=deviates(FORMS, "messages.results-reversed"),
    ),
    Defect(
        id="forms-alternate",
        title="User and assistant have to take turns.",
        change=refuse("roles must alternate", when=_twice("user")),
        turns=deviates("messages.two-users"),
        row="L163",
        issues=("ggml-org/llama.cpp#11402",),
    ),
    Defect(
        id="forms-user-first",
        title="The template raises when the assistant speaks first.",
        change=fail("first message must be user", when=_begins("assistant")),
        turns=deviates(ORDER, "messages.assistant-first"),
    ),
    Defect(
        id="forms-user-last",
        title="The template raises when the assistant speaks last.",
        change=fail("Expected last role User or Tool", when=_ends("assistant")),
        turns=deviates(ORDER, "messages.assistant-last"),
    ),
    Defect(
        id="forms-system-first",
        title="The template raises at a system message that is not the first one.",
        change=fail("system message must be at the beginning", when=_system_within),
        turns=deviates(ORDER, "messages.system-between", "messages.two-systems"),
    ),
    Defect(
        id="forms-user-wanted",
        title="The template raises without a message of the user.",
        change=fail(
            "No user query found in messages", when=lambda asked: asked.roles == ["system"]
        ),
        turns=deviates("messages.system-only"),
        row="L082",
        issues=("lmstudio-ai/lmstudio-bug-tracker#1586",),
    ),
    Defect(
        id="forms-few-messages",
        title="More than 64 messages are refused.",
        change=refuse("too many messages", when=lambda asked: len(asked.roles) > 64),
        turns=deviates("messages.hundred"),
    ),
    Defect(
        id="forms-extra-member",
        title="An unknown member of a message makes the server fail.",
        change=fail("unexpected keyword argument", when=_any_message(lambda m: "byom" in m)),
        turns=deviates(ODD, "messages.extra-member"),
    ),
    Defect(
        id="forms-no-calls",
        title="The template takes an empty list of calls for a call.",
        change=fail(
            "list index out of range", when=_any_message(lambda m: m.get("tool_calls") == [])
        ),
        turns=deviates(ODD, "messages.no-calls"),
    ),
    Defect(
        id="forms-thoughts",
        title="Reasoning in the history makes the server fail.",
        change=fail(
            "unexpected keyword argument",
            when=_any_message(lambda m: "reasoning" in m or "reasoning_content" in m),
        ),
        turns=deviates(ODD, "messages.reasoning", "messages.reasoning-content"),
    ),
    Defect(
        id="forms-thoughts-refused",
        title="reasoning_content in the history is refused.",
        change=refuse(
            "property 'messages.2.assistant.reasoning_content' is unsupported",
            when=said("assistant", "reasoning_content"),
        ),
        lacks=frozenset({"messages.reasoning-content"}),
        row="C176",
        issues=("Alishahryar1/free-claude-code#1136", "egoist/chatwise-releases#1442"),
    ),
    Defect(
        id="forms-refusal-part",
        title="A refusal part in the history makes the server fail.",
        change=fail("unknown part", when=_any_message(_refuses)),
        turns=deviates(ODD, "messages.refusal-part"),
    ),
    Defect(
        id="forms-refusal-text",
        title="A refusal without content in the history makes the server fail.",
        change=fail("content is None", when=_any_message(lambda m: bool(m.get("refusal")))),
        turns=deviates("messages.refusal-text"),
    ),
    Defect(
        id="forms-result-without-id",
        title="A result without an id makes the server fail.",
        change=fail(
            "tool_call_id",
            when=_any_message(lambda m: m.get("role") == "tool" and "tool_call_id" not in m),
        ),
        turns=failed("messages.result-without-id"),
    ),
    Defect(
        id="forms-result-alone",
        title="A result without a call makes the server fail.",
        change=fail("no call before the result", when=_orphaned),
        turns=deviates("messages.result-alone"),
    ),
    Defect(
        id="forms-unanswered-call",
        title="A call without a result makes the server fail.",
        change=fail("no result for the call", when=_unanswered),
        turns=deviates("messages.unanswered-call"),
    ),
    Defect(
        id="forms-own-pair",
        title="The server's own parallel calls are refused in the history.",
        change=refuse("only one tool call at a time is supported", when=_own_pair),
        turns=failed("messages.own-parallel"),
    ),
    Defect(
        id="forms-reasoning-refused",
        title="reasoning in the history is refused.",
        change=refuse(
            "reasoning is not supported with this model", when=said("assistant", "reasoning")
        ),
        lacks=frozenset({"messages.reasoning"}),
        row="C179",
        issues=("vercel/ai#8057",),
    ),
    Defect(
        id="forms-own-object",
        title="JSON in the history is refused.",
        change=refuse("content must not be JSON", when=_any_message(_own_object)),
        turns=failed("messages.own-object"),
    ),
    Defect(
        id="forms-one-part",
        title="Of several parts only the first one is read.",
        change=change_request(_first_part, when=_any_message(_has_parts)),
        turns=ignored("messages.two-parts") | deviates("messages.unknown-part"),
    ),
    Defect(
        id="forms-short-results",
        title="Long results of tools are cut.",
        change=change_request(_short_results, when=said("tool")),
        turns=ignored("messages.result-counts"),
    ),
]
