"""Defects of messages: roles, parts, history, the server's own answer sent back."""

from __future__ import annotations

import json
from typing import Any

from defects.leaving import SEEING, needing
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

OWN = failed("messages.own-answer", "messages.own-call")
STEPS = failed("messages.tool-history", "messages.own-call")


def _messages(asked: Asked) -> list[dict[str, Any]]:
    found = asked.parameters.get("messages")
    return [m for m in found if isinstance(m, dict)] if isinstance(found, list) else []


def _said(role: str, *members: str) -> Any:
    """Build the predicate for a message of a role with some members."""

    def says(asked: Asked) -> bool:
        spoken = [message for message in _messages(asked) if message.get("role") == role]
        return any(set(members) <= set(message) for message in spoken)

    return says


def _calls(asked: Asked) -> list[dict[str, Any]]:
    return [call for message in _messages(asked) for call in message.get("tool_calls") or ()]


def _has_parts(asked: Asked) -> bool:
    return any(isinstance(message.get("content"), list) for message in _messages(asked))


def _has_null_content(asked: Asked) -> bool:
    return any("content" in m and m["content"] is None for m in _messages(asked))


def _is_bare(asked: Asked) -> bool:
    spoken = [message for message in _messages(asked) if message.get("role") == "assistant"]
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
        change=refuse("System role not supported", status=500, when=_said("system")),
        turns=failed("messages.system"),
        row="C187",
        issues=("BerriAI/litellm#4558",),
    ),
    Defect(
        id="messages-no-developer",
        title="A developer message is refused: the role is none of five.",
        change=refuse("developer is not one of ['system', 'user']", when=_said("developer")),
        turns=deviates("messages.developer"),
        row="C177",
        issues=("OpenCoworkAI/open-codesign#183", "can1357/oh-my-pi#843"),
    ),
    Defect(
        id="messages-developer-unknown",
        title="A developer message is refused in the words for an invented role.",
        change=answer_with(
            400, {"error": {"message": "Unknown role: developer"}}, when=_said("developer")
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
        turns=ignored("messages.instructions-count"),
    ),
    Defect(
        id="messages-history-strict",
        title="An assistant message in the history has to have a member refusal.",
        change=refuse("refusal: field required", when=_is_bare),
        turns=failed("messages.history"),
        leaves=frozenset({"messages.history-counts"}),
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
        turns=failed("messages.text-part"),
        leaves=frozenset({"messages.part-is-text"}),
        lacks=SEEING | needing("audio") | {"audio.counted"},
    ),
    Defect(
        id="messages-parts-printed",
        title="The model reads content parts as JSON.",
        change=change_request(_print_parts, when=_has_parts),
        turns=deviates("messages.part-is-text")
        | deviates("vision.detail-unknown", "vision.unreachable")
        | failed("vision.bad-base64", "vision.not-an-image"),
        lacks=needing("audio") | {"audio.counted"},
    ),
    Defect(
        id="messages-parts-dropped",
        title="Content parts never reach the model.",
        change=change_request(_drop_parts, when=_has_parts),
        turns=deviates("messages.part-is-text") | ignored("audio.counted", "vision.counted"),
        lacks=needing("vision", "audio"),
    ),
    Defect(
        id="messages-any-role",
        title="A role that does not exist is taken for the user's.",
        change=change_request(_as_user, when=_said("robot")),
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
        turns=STEPS | deviates("tools.odd-results"),
        row="C194",
        issues=("we-promise/sure#467", "TencentCloud/TencentDB-Agent-Memory#1313"),
    ),
    Defect(
        id="messages-thoughts-wanted",
        title="A tool call in the history has to come with the reasoning before it.",
        change=refuse(
            "reasoning_content in the thinking mode must be passed back",
            when=_said("assistant", "tool_calls"),
            code="invalid_request_error",
        ),
        turns=STEPS | deviates("tools.odd-results"),
        row="C206",
        issues=("SaladDay/cc-switch-cli#170", "NousResearch/hermes-agent#15228"),
    ),
    Defect(
        id="messages-signature-wanted",
        title="A tool call in the history has to come with a signature of the vendor.",
        change=refuse(
            "Function call is missing a thought_signature", when=lambda asked: bool(_calls(asked))
        ),
        turns=STEPS | deviates("tools.odd-results"),
        row="C283",
        issues=("earendil-works/pi#6733", "crmne/ruby_llm#591"),
    ),
    Defect(
        id="messages-own-thoughts-refused",
        title="The reasoning that the server sends with its message is refused in the history.",
        change=both(
            on_messages(lambda message: message.update(reasoning_content="Hm.")),
            refuse("Extra inputs are not permitted", when=_said("assistant", "reasoning_content")),
        ),
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
            when=lambda asked: _said("assistant", "annotations")(asked) and not _calls(asked),
        ),
        leaves=frozenset({"response.created-order"}),
        turns=failed("messages.own-answer"),
    ),
    Defect(
        id="messages-own-ids-refused",
        title="The ids of calls that the server makes are too long for it.",
        change=refuse(
            "Invalid tool_call id",
            when=lambda asked: any(len(call["id"]) > 20 for call in _calls(asked)),
        ),
        turns=failed("messages.own-call"),
    ),
]
