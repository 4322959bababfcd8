"""Defects of how a stream begins and ends: roles and finish reasons."""

from __future__ import annotations

from typing import Any

from defects.planting import Defect, deviates, drop, failed, ignored, streams
from defects.requests import one_token
from defects.streaming import (
    Chunk,
    change_chunks,
    each_choice,
    each_delta,
    is_last,
)

Members = dict[str, Any]


def _without_role(delta: Members) -> None:
    delta.pop("role", None)


def _always_role(delta: Members) -> None:
    delta["role"] = "assistant"


def _other_role(delta: Members) -> None:
    if "role" in delta:
        delta["role"] = "model"


def _late_role(chunks: list[Chunk]) -> None:
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    deltas[-1]["role"] = deltas[0].pop("role")


def _empty_reason(choice: Members) -> None:
    if not is_last(choice):
        choice["finish_reason"] = ""


def _no_reason(choice: Members) -> None:
    choice["finish_reason"] = None


def _own_reason(choice: Members) -> None:
    choice["finishReason"] = choice["finish_reason"]
    choice["finish_reason"] = None


def _only_length(choice: Members) -> None:
    if choice["finish_reason"] in ("stop", "tool_calls"):
        choice["finish_reason"] = None


def _reason_twice(chunks: list[Chunk]) -> list[Chunk]:
    last = next(c for c in chunks if any(map(is_last, c["choices"])))
    return [*chunks[: chunks.index(last)], last, *chunks[chunks.index(last) :]]


def _reason_early(choice: Members) -> None:
    if "role" in choice["delta"]:
        choice["finish_reason"] = "stop"


def _eos(choice: Members) -> None:
    if choice["finish_reason"] == "stop":
        choice["finish_reason"] = "eos"


def _reason_before_text(chunks: list[Chunk]) -> None:
    """Swap the last chunk of a text with the one before it."""
    at = next(n for n, c in enumerate(chunks) if any(map(is_last, c["choices"])))
    chunks[at - 1], chunks[at] = chunks[at], chunks[at - 1]


def _stops(choice: Members) -> None:
    if is_last(choice):
        choice["finish_reason"] = "stop"


DEFECTS = [
    Defect(
        id="chunks-empty-finish",
        title="finish_reason is an empty text before the end.",
        change=each_choice(_empty_reason),
        turns=failed("stream.no-empty-finish"),
        row="C068",
        issues=("sgl-project/sglang#3912",),
    ),
    Defect(
        id="chunks-no-finish",
        title="finish_reason is null to the end.",
        change=each_choice(_no_reason),
        turns=failed("stream.one-finish"),
        leaves=frozenset({"parity.finish", "stream.n"}),
        row="C069",
        issues=("sgl-project/sglang#4550",),
    ),
    Defect(
        id="chunks-own-finish",
        title="The reason stands in finishReason, and finish_reason is null to the end.",
        change=each_choice(_own_reason),
        turns=failed("stream.one-finish"),
        leaves=frozenset({"parity.finish", "stream.n"}),
        row="C054",
        issues=("jakobdylanc/llmcord#84",),
    ),
    Defect(
        id="chunks-only-length",
        title="A natural end has no finish_reason; a limit has.",
        change=each_choice(_only_length),
        turns=failed("stream.one-finish"),
        leaves=frozenset({"parity.finish", "stream.n"}),
        row="C078",
        issues=("waybarrios/vllm-mlx#628",),
    ),
    Defect(
        id="chunks-finish-twice",
        title="Two chunks have a finish_reason.",
        change=change_chunks(_reason_twice),
        turns=failed("stream.one-finish"),
        leaves=frozenset({"parity.finish"}),
        row="C070",
        issues=("sgl-project/sglang#8417",),
    ),
    Defect(
        id="chunks-finish-early",
        title='The first chunks have the finish_reason "stop".',
        change=each_choice(_reason_early),
        turns=failed("stream.one-finish", "stream.nothing-after-finish"),
        leaves=frozenset({"parity.finish", "parity.n"}),
        row="C062",
        issues=("open-webui/open-webui#16377",),
    ),
    Defect(
        id="chunks-eos",
        title='A stream that ends by itself has the finish_reason "eos".',
        change=each_choice(_eos),
        turns=failed("stream.finish-reason-known") | deviates("parity.finish"),
    ),
    Defect(
        id="chunks-late-text",
        title="The last text comes after the finish_reason.",
        change=change_chunks(_reason_before_text),
        turns=failed("stream.nothing-after-finish"),
    ),
    Defect(
        id="chunks-no-role",
        title="No chunk has a role.",
        change=each_delta(_without_role),
        turns=failed("stream.role-first"),
        row="C050",
        issues=("tensorzero/tensorzero#1265",),
    ),
    Defect(
        id="chunks-null-role",
        title="role is null in each delta.",
        change=each_delta(lambda delta: delta.update(role=None)),
        turns=failed("stream.role-first"),
        row="C049",
        issues=("sgl-project/sglang#18335", "sgl-project/sglang#9657"),
    ),
    Defect(
        id="chunks-late-role",
        title="The role comes with the last delta.",
        change=change_chunks(_late_role),
        turns=failed("stream.role-first") | deviates("stream.role-once"),
    ),
    Defect(
        id="chunks-role-each",
        title="Each delta has the role.",
        change=each_delta(_always_role),
        turns=deviates("stream.role-once"),
        row="C048",
        issues=("InternLM/lmdeploy#2802",),
    ),
    Defect(
        id="chunks-role-model",
        title='The role of a stream is "model".',
        change=each_delta(_other_role),
        turns=failed("stream.role-assistant"),
    ),
    Defect(
        id="chunks-stop-for-length",
        title="A stream that the limit cut ends with stop.",
        change=each_choice(_stops, when=one_token),
        turns=deviates("stream.length"),
    ),
    Defect(
        id="ends-no-stop",
        title="A stream goes on behind a stop sequence.",
        change=drop("stop", when=streams),
        turns=ignored("stream.stop"),
    ),
]
