"""Defects of messages: roles, parts, history, the server's own answer sent back."""

from __future__ import annotations

import json
from typing import Any

from defects.planting import (
    Asked,
    Defect,
    answer_with,
    both,
    change_request,
    deviates,
    failed,
    ignored,
    on_messages,
    refuse,
)

OWN = failed("messages.own-answer", "messages.own-call", "messages.own-parallel") | failed(
    "messages.own-object"
)
STEPS = (
    failed("messages.tool-history", "messages.own-call", "messages.own-parallel")
    | deviates("messages.own-call-dumped", "messages.tool-parts", "messages.results-reversed")
    | deviates("tools.odd-results")
)
BESIDE_TEXT = failed("messages.call-without-content") | deviates(
    "messages.call-forms", "messages.call-empty-content"
)
RESULTS = frozenset({"messages.parts-are-text", "messages.result-counts"})
PARTS = frozenset({"messages.parts-count", "messages.parts-are-text"})


def spoken_messages(asked: Asked) -> list[dict[str, Any]]:
    """Return the messages of a request that are objects."""
    found = asked.parameters.get("messages")
    return [m for m in found if isinstance(m, dict)] if isinstance(found, list) else []


def said(role: str, *members: str) -> Any:
    """Build the predicate for requests with a message of a role that has some members."""

    def says(asked: Asked) -> bool:
        spoken = [message for message in spoken_messages(asked) if message.get("role") == role]
        return any(set(members) <= set(message) for message in spoken)

    return says


def _calls(asked: Asked) -> list[dict[str, Any]]:
    return [call for message in spoken_messages(asked) for call in message.get("tool_calls") or ()]


def _has_parts(asked: Asked) -> bool:
    return any(isinstance(message.get("content"), list) for message in spoken_messages(asked))


def _has_null_content(asked: Asked) -> bool:
    return any("content" in m and m["content"] is None for m in spoken_messages(asked))


def _is_bare(asked: Asked) -> bool:
    spoken = [message for message in spoken_messages(asked) if message.get("role") == "assistant"]
    return any(m.get("content") and "refusal" not in m for m in spoken)


def _keeps(asked: Asked) -> bool:
    return len(asked.roles) > 1 and "tool" not in asked.roles


def _without_instructions(data: dict[str, Any]) -> None:
    data["messages"] = [m for m in data["messages"] if m["role"] not in ("system", "developer")]


def _without_history(data: dict[str, Any]) -> None:
    kept = [m for m in data["messages"] if m["role"] in ("system", "developer")]
    data["messages"] = [*kept, data["messages"][-1]]


def _print_parts(data: dict[str, Any]) -> None:
    for message in data["messages"]:
        if isinstance(message["content"], list):
            message["content"] = json.dumps(message["content"])


def _drop_parts(data: dict[str, Any]) -> None:
    for message in data["messages"]:
        if isinstance(message["content"], list):
            message["content"] = ""


def _as_user(data: dict[str, Any]) -> None:
    for message in data["messages"]:
        message["role"] = "user"


DEFECTS = [
    Defect(
        id="messages-no-system",
        title="A system message makes the server fail.",
        change=refuse("System role not supported", status=500, when=said("system")),
        leaves=PARTS,
        turns=failed("messages.system")
        | deviates(
            "messages.system-heard",
            "messages.parts",
            "messages.optional-members",
            "messages.system-parts",
            "messages.names",
            "messages.any-order",
            "messages.system-between",
            "messages.two-systems",
            "messages.system-only",
        ),
        row="C187",
        issues=("BerriAI/litellm#4558",),
    ),
    Defect(
        id="messages-no-developer",
        title="A developer message is refused: the role is none of five.",
        change=refuse("developer is not one of ['system', 'user']", when=said("developer")),
        turns=deviates("messages.developer"),
        row="C177",
        issues=("OpenCoworkAI/open-codesign#183", "can1357/oh-my-pi#843"),
    ),
    Defect(
        id="messages-developer-unknown",
        title="A developer message is refused in the words for an invented role.",
        change=answer_with(
            400, {"error": {"message": "Unknown role: developer"}}, when=said("developer")
        ),
        turns=deviates("messages.developer", "errors.type"),
        row="C180",
        issues=("peonist-ai/halogen-server#3", "8monkey-ai/hebo-gateway#251"),
    ),
    Defect(
        id="messages-instructions-lost",
        title="Instructions never reach the model.",
        change=change_request(
            _without_instructions,
            when=lambda asked: {"system", "developer"} & set(asked.roles) != set(),
        ),
        turns=ignored("messages.instructions-count") | ignored("messages.system-heard"),
    ),
    Defect(
        id="messages-history-strict",
        title="An assistant message in the history has to have a member refusal.",
        change=refuse("refusal: field required", when=_is_bare),
        lacks=frozenset({"messages.reasoning", "messages.reasoning-content"}),
        turns=failed("messages.history")
        | deviates(
            "messages.parts",
            "messages.optional-members",
            "messages.assistant-parts",
            "messages.names",
            "messages.null-audio",
            "messages.null-function-call",
            "messages.null-tool-calls",
            "messages.hundred",
        ),
        leaves=frozenset({"messages.history-counts"}) | PARTS,
    ),
    Defect(
        id="messages-history-lost",
        title="Only the last message reaches the model.",
        change=change_request(_without_history, when=_keeps),
        turns=ignored("messages.history-counts"),
    ),
    Defect(
        id="messages-no-parts",
        title="Content has to be a text: parts are refused.",
        change=refuse("content must be a string", when=_has_parts),
        turns=failed("messages.text-part")
        | deviates(
            "messages.two-parts",
            "messages.parts",
            "messages.call-forms",
            "messages.system-parts",
            "messages.assistant-parts",
            "messages.tool-parts",
        ),
        leaves=frozenset({"messages.part-is-text"}) | PARTS,
    ),
    Defect(
        id="messages-parts-printed",
        title="The model reads content parts as JSON.",
        change=change_request(_print_parts, when=_has_parts),
        turns=deviates("messages.part-is-text")
        | deviates("messages.unknown-part", "messages.empty-parts", "messages.parts-are-text"),
    ),
    Defect(
        id="messages-parts-dropped",
        title="Content parts never reach the model.",
        change=change_request(_drop_parts, when=_has_parts),
        turns=deviates("messages.part-is-text")
        | deviates("messages.unknown-part", "messages.empty-parts", "messages.parts-are-text")
        | ignored("messages.two-parts", "messages.parts-count"),
    ),
    Defect(
        id="messages-any-role",
        title="A role that does not exist is taken for the user's.",
        change=change_request(_as_user, when=said("robot")),
        turns=deviates("messages.unknown-role"),
    ),
    Defect(
        id="messages-no-role",
        title="A message without a role is taken for the user's.",
        change=change_request(_as_user, when=lambda asked: asked.roles == [""]),
        turns=failed("messages.role-required"),
    ),
    Defect(
        id="messages-null-content",
        title="content: null beside a tool call is refused.",
        change=refuse("Bad input: content must be a string", when=_has_null_content),
        leaves=RESULTS,
        turns=STEPS,
        row="C194",
        issues=("we-promise/sure#467", "TencentCloud/TencentDB-Agent-Memory#1313"),
    ),
    Defect(
        id="messages-thoughts-wanted",
        title="A tool call in the history has to come with the reasoning before it.",
        change=refuse(
            "reasoning_content in the thinking mode must be passed back",
            when=said("assistant", "tool_calls"),
            code="invalid_request_error",
        ),
        leaves=RESULTS,
        turns=STEPS
        | BESIDE_TEXT
        | deviates("messages.optional-members", "messages.null-tool-calls"),
        row="C206",
        issues=("SaladDay/cc-switch-cli#170", "NousResearch/hermes-agent#15228"),
    ),
    Defect(
        id="messages-signature-wanted",
        title="A tool call in the history has to come with a signature of the vendor.",
        change=refuse(
            "Function call is missing a thought_signature", when=lambda asked: bool(_calls(asked))
        ),
        leaves=RESULTS,
        turns=STEPS | BESIDE_TEXT,
        row="C283",
        issues=("earendil-works/pi#6733", "crmne/ruby_llm#591"),
    ),
    Defect(
        id="messages-own-thoughts-refused",
        title="The reasoning that the server sends with its message is refused in the history.",
        change=both(
            on_messages(lambda message: message.update(reasoning_content="Hm.")),
            refuse("Extra inputs are not permitted", when=said("assistant", "reasoning_content")),
        ),
        lacks=frozenset({"messages.reasoning-content"}),
        leaves=frozenset({"response.created-order"}),
        turns=OWN,
        row="C192",
        issues=("gsd-build/gsd-2#4647",),
    ),
    Defect(
        id="messages-own-annotations-refused",
        title="The empty annotations of an answer are refused in the history of a plain chat.",
        change=refuse(
            "annotations: extra field",
            when=lambda asked: said("assistant", "annotations")(asked) and not _calls(asked),
        ),
        leaves=frozenset({"response.created-order"}),
        turns=failed("messages.own-answer") | failed("messages.own-object"),
    ),
    Defect(
        id="messages-own-ids-refused",
        title="The ids of calls that the server makes are too long for it.",
        change=refuse(
            "Invalid tool_call id",
            when=lambda asked: any(len(call["id"]) > 20 for call in _calls(asked)),
        ),
        turns=failed("messages.own-call")
        | failed("messages.own-parallel")
        | deviates("messages.own-call-dumped"),
    ),
]
