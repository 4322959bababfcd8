"""Defects of reasoning: in the text, under two names, not counted, in the way of a call."""

from __future__ import annotations

import json
from typing import Any

from defects.leaving import REASONING, needing
from defects.members import stop
from defects.planting import (
    Asked,
    Defect,
    asks,
    change_json,
    change_request,
    deviates,
    drop,
    failed,
    has,
    ignored,
    on_choices,
    on_messages,
    plain,
    refuse,
    streams,
)
from defects.requests import all_of
from defects.streaming import Chunk, change_chunks, each_delta

Members = dict[str, Any]

NAME = "reasoning_content"
thinks = asks("reasoning_effort")
SHOWN = frozenset(
    {"reasoning.stream-one-member", "reasoning.stream-order"}
    | {"reasoning.stream-strings", "parity.reasoning"}
)
"""Checks of a stream that shows its reasoning in a member."""


def _effort_null(asked: Asked) -> bool:
    return has("reasoning_effort")(asked) and not thinks(asked)


def _is_cut(asked: Asked) -> bool:
    return plain(asked) and asked.parameters.get("max_completion_tokens") == 5


def _known(data: Members) -> None:
    if data["reasoning_effort"] == "ultra":
        data["reasoning_effort"] = "high"


def _as_parts(message: Members) -> None:
    message[NAME] = [{"type": "text", "text": message[NAME]}]


def _inside(message: Members) -> None:
    text = f"<think>\n{message.pop(NAME)}\n</think>\n\n"
    if message["content"] is not None:
        message["content"] = text + message["content"]


def _uncounted(data: Members) -> None:
    del data["usage"]["completion_tokens_details"]


def _thoughts(chunks: list[Chunk]) -> list[Members]:
    """Return the deltas with reasoning."""
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    return [delta for delta in deltas if NAME in delta]


def _two_names(chunks: list[Chunk]) -> None:
    for delta in _thoughts(chunks)[4:]:
        delta["reasoning"] = delta.pop(NAME)


def _late(chunks: list[Chunk]) -> list[Chunk]:
    found = [c for c in chunks if any(NAME in choice["delta"] for choice in c["choices"])]
    kept = [chunk for chunk in chunks if chunk not in found[2:]]
    end = next(n for n, c in enumerate(kept) if c["choices"] and c["choices"][0]["finish_reason"])
    return [*kept[:end], *found[2:], *kept[end:]]


def _as_object(delta: Members) -> None:
    if NAME in delta:
        delta[NAME] = {"text": delta[NAME]}


def _marked(chunks: list[Chunk]) -> None:
    found = _thoughts(chunks)
    for delta in found:
        delta["content"] = delta.pop(NAME)
    for delta in found[:1]:
        delta["content"] = "<think>\n" + delta["content"]
    for delta in found[-1:]:
        delta["content"] += "\n</think>\n\n"


def _doubled(delta: Members) -> None:
    if NAME in delta:
        delta["content"] = delta[NAME]


def _call_in_thoughts(choice: Members) -> None:
    message = choice["message"]
    function = message.pop("tool_calls")[0]["function"]
    message[NAME] += f"<tool_call>{json.dumps(function)}</tool_call>"
    message["content"] = ""
    choice["finish_reason"] = "stop"


def _calls_in_thoughts(chunks: list[Chunk]) -> None:
    for chunk in chunks:
        for choice in chunk["choices"]:
            for call in choice["delta"].pop("tool_calls", ()):
                name = call["function"].get("name")
                text = f'{{"name": "{name}", "arguments": ' if name else ""
                choice["delta"][NAME] = text + call["function"]["arguments"]
            if choice["finish_reason"]:
                choice["finish_reason"] = "stop"


with_tools = all_of(thinks, has("tools"))

DEFECTS = [
    Defect(
        id="reasoning-effort-500",
        title="reasoning_effort makes a server without reasoning fail.",
        change=refuse("KeyError", status=500, when=thinks),
        turns=deviates("reasoning.effort")
        | failed("errors.client-fault")
        | deviates("params.type-reasoning-effort"),
        leaves=REASONING,
    ),
    Defect(
        id="reasoning-effort-429",
        full=True,
        title="reasoning_effort is refused with 429.",
        change=refuse("Not now", status=429, when=thinks),
        turns=deviates("reasoning.effort")
        | failed("errors.not-retried")
        | deviates("limits.retry-after", "limits.rate-code"),
        lacks=REASONING,
    ),
    Defect(
        id="reasoning-effort-null",
        title="reasoning_effort: null is refused.",
        change=refuse("reasoning_effort is not a string", when=_effort_null),
        turns=deviates("reasoning.effort-null"),
    ),
    Defect(
        id="reasoning-any-effort",
        title="An unknown reasoning_effort is taken for high.",
        change=change_request(_known, when=thinks),
        turns=deviates("reasoning.effort-unknown"),
    ),
    Defect(
        id="reasoning-ignored",
        title="reasoning_effort is accepted, and nothing is reasoned.",
        change=drop("reasoning_effort"),
        turns=ignored("reasoning.effect"),
        lacks=needing("reasoning"),
    ),
    Defect(
        id="reasoning-parts",
        title="Reasoning is a list of parts in place of a string.",
        change=on_messages(_as_parts, when=all_of(plain, thinks)),
        turns=deviates("reasoning.separate"),
        leaves=frozenset({"parity.reasoning"}),
    ),
    Defect(
        id="reasoning-in-content",
        title="Reasoning stands in the text, between <think> and </think>.",
        change=on_messages(_inside, when=all_of(plain, thinks)),
        turns=deviates("reasoning.not-in-content", "reasoning.cut"),
        leaves=frozenset({"parity.reasoning"}),
    ),
    Defect(
        id="reasoning-uncounted",
        title="Reasoning is not counted apart.",
        change=change_json(_uncounted, when=all_of(plain, thinks)),
        turns=deviates("reasoning.tokens"),
    ),
    Defect(
        id="reasoning-cut-stop",
        title="An answer that ended inside of its reasoning ends with stop.",
        change=on_choices(stop, when=_is_cut),
        turns=deviates("reasoning.cut"),
        row="C118",
        issues=("vllm-project/vllm#41467",),
    ),
    Defect(
        id="reasoning-two-names",
        title="A stream changes the name of its reasoning on the way.",
        change=change_chunks(_two_names, when=all_of(streams, thinks)),
        turns=deviates("reasoning.stream-one-member"),
    ),
    Defect(
        id="reasoning-late",
        title="Some reasoning comes after the text.",
        change=change_chunks(_late, when=all_of(streams, thinks)),
        turns=deviates("reasoning.stream-order"),
    ),
    Defect(
        id="reasoning-objects",
        title="Reasoning deltas are objects.",
        change=each_delta(_as_object, when=all_of(streams, thinks)),
        turns=deviates("reasoning.stream-strings"),
        leaves=frozenset({"parity.reasoning"}),
    ),
    Defect(
        id="reasoning-in-streamed-content",
        title="A stream has its reasoning in the text, where a plain answer has it apart.",
        change=change_chunks(_marked, when=all_of(streams, thinks)),
        turns=deviates("reasoning.stream-content"),
        leaves=SHOWN,
        row="L178",
        issues=("ggml-org/llama.cpp#13867",),
    ),
    Defect(
        id="reasoning-doubled",
        title="Each reasoning delta stands in the text too.",
        change=each_delta(_doubled, when=all_of(streams, thinks)),
        turns=deviates("reasoning.stream-content", "reasoning.stream-order"),
    ),
    Defect(
        id="reasoning-takes-call",
        title="A call stays in the reasoning.",
        change=on_choices(_call_in_thoughts, when=all_of(plain, with_tools)),
        turns=deviates("reasoning.tools"),
    ),
    Defect(
        id="reasoning-takes-streamed-call",
        title="A streamed call stays in the reasoning.",
        change=change_chunks(_calls_in_thoughts, when=all_of(streams, with_tools)),
        turns=deviates("reasoning.tools-stream"),
    ),
    Defect(
        id="reasoning-refuses-tools",
        title="reasoning_effort beside tools is refused.",
        change=refuse("tools are not supported with reasoning", when=with_tools),
        turns=deviates("reasoning.tools", "reasoning.tools-stream"),
    ),
    Defect(
        id="reasoning-other-name",
        title="A plain answer has its reasoning under another name than a stream.",
        change=on_messages(
            lambda message: message.update(reasoning=message.pop(NAME)),
            when=all_of(plain, thinks),
        ),
        turns=deviates("parity.reasoning"),
    ),
]
