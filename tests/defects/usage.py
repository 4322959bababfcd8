"""Defects of token counts."""

from __future__ import annotations

from typing import Any

from defects.leaving import TOKENS
from defects.planting import (
    Asked,
    Change,
    Defect,
    Stateful,
    change_asked_json,
    change_json,
    deviates,
    failed,
    ignored,
    refuse,
)
from defects.streaming import Chunk, change_chunks, each_chunk

Members = dict[str, Any]


def _usage(rewrite: Any) -> Change:
    """Change the usage of each completion."""
    return change_json(lambda data: rewrite(data["usage"]))


def _stream_usage(rewrite: Any) -> Change:
    """Change the usage of each stream that has one."""

    def change(chunk: Chunk) -> None:
        if chunk.get("usage"):
            rewrite(chunk["usage"])

    return each_chunk(change)


def _as_text(usage: Members) -> None:
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        usage[name] = str(usage[name])


def _as_decimals(usage: Members) -> None:
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        usage[name] = float(usage[name])


def _count(prompt: int, usage: Members) -> None:
    usage["prompt_tokens"] = prompt
    usage["total_tokens"] = prompt + usage["completion_tokens"]


def _nothing_generated(usage: Members) -> None:
    usage["completion_tokens"] = 0
    usage["total_tokens"] = usage["prompt_tokens"]


def _cheaper() -> Change:
    """Build a change that leaves out the tokens of a prompt that is cached by now."""
    seen: set[bytes] = set()

    def rewrite(asked: Asked, data: Members) -> None:
        if asked.request.body in seen:
            _count(1, data["usage"])
        seen.add(asked.request.body)

    return change_asked_json(rewrite)


def _at_most(limit: int) -> Any:
    return lambda usage: _count(min(usage["prompt_tokens"], limit), usage)


def _cached(usage: Members) -> None:
    usage["prompt_tokens_details"] = {"cached_tokens": usage["prompt_tokens"] + 64}


def _reasoned(usage: Members) -> None:
    usage["completion_tokens_details"] = {"reasoning_tokens": usage["completion_tokens"] + 1}


def _without_tools(asked: Asked, data: Members) -> None:
    if "tools" in asked.parameters:
        _count(8, data["usage"])


def _with_options(asked: Asked) -> bool:
    return "stream_options" in asked.parameters


def _no_usage(chunks: list[Chunk]) -> list[Chunk]:
    return [chunk for chunk in chunks if not chunk.get("usage")]


def _move(chunks: list[Chunk], rewrite: Any) -> None:
    """Take the usage chunk away and give its usage to what comes before."""
    if usage := chunks[-1].get("usage"):
        del chunks[-1]
        rewrite(chunks, usage)


def _to_finish(chunks: list[Chunk], usage: Members) -> None:
    chunks[-1]["usage"] = usage


def _into_choice(chunks: list[Chunk], usage: Members) -> None:
    chunks[-1]["choices"][0]["usage"] = usage
    del chunks[-1]["usage"]


def _with_choice(chunks: list[Chunk], usage: Members) -> None:
    chunks.append({**chunks[-1], "choices": [{"index": 0, "delta": {}}], "usage": usage})


def _first(chunks: list[Chunk], usage: Members) -> None:
    chunks.insert(-1, {**chunks[-1], "choices": [], "usage": usage})


def _twice(chunks: list[Chunk], usage: Members) -> None:
    for _ in range(2):
        chunks.append({**chunks[0], "choices": [], "usage": usage})


def _early(chunks: list[Chunk], usage: Members) -> None:
    chunks.append({**chunks[-1], "choices": [], "usage": None})
    chunks[-2]["usage"] = usage


def _moved(rewrite: Any) -> Change:
    return change_chunks(lambda chunks: _move(chunks, rewrite))


def _running(chunk: Chunk) -> None:
    if "usage" in chunk and not chunk["usage"]:
        chunk["usage"] = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


READ_STREAM = frozenset(
    {"usage.stream-own-chunk", "usage.stream-last", "usage.stream-counts", "usage.stream-same"}
    | {"parity.usage", "parity.max-tokens", "parity.n"}
)

DEFECTS = [
    Defect(
        id="usage-texts",
        title="The token counts are texts.",
        change=_usage(_as_text),
        turns=failed("usage.counts"),
        leaves=TOKENS | {"logprobs.count"},
    ),
    Defect(
        id="usage-decimals",
        title="The token counts are decimals.",
        change=_usage(_as_decimals),
        turns=failed("usage.counts"),
        leaves=TOKENS | {"logprobs.count"},
    ),
    Defect(
        id="usage-no-total",
        title="usage has no total_tokens.",
        change=_usage(lambda usage: usage.pop("total_tokens") and None),
        turns=failed("usage.counts"),
    ),
    Defect(
        id="usage-wrong-total",
        title="total_tokens is not the sum.",
        change=_usage(lambda usage: usage.update(total_tokens=usage["total_tokens"] + 1)),
        turns=failed("usage.total"),
    ),
    Defect(
        id="usage-no-prompt",
        title="prompt_tokens is 0.",
        change=_usage(lambda usage: _count(0, usage)),
        turns=failed("usage.positive"),
        leaves=TOKENS
        - {"params.max-tokens", "params.max-completion-tokens", "params.length", "params.n-usage"}
        - {"reasoning.tokens", "reasoning.cut", "parity.usage", "parity.max-tokens", "parity.n"}
        - {"concurrency.limits"}
        | {
            "messages.template-text",
            "messages.two-parts",
            "messages.parts-count",
            "messages.parts-are-text",
            "messages.result-counts",
            "tools.most",
            "tools.each-counted",
        },
    ),
    Defect(
        id="usage-nothing-generated",
        title="completion_tokens is 0 beside a text.",
        change=_usage(_nothing_generated),
        turns=deviates("usage.of-text") | failed("usage.details-within"),
        leaves=frozenset(
            {"params.max-tokens", "params.max-completion-tokens", "params.length"}
            | {"params.n-usage"}
        )
        | {"logprobs.count", "concurrency.limits"},
    ),
    Defect(
        id="usage-cached-beyond",
        title="More tokens are cached than the prompt has.",
        change=_usage(_cached),
        turns=failed("usage.details-within"),
    ),
    Defect(
        id="usage-reasoning-beyond",
        title="More tokens are reasoning than were generated.",
        change=_usage(_reasoned),
        leaves=frozenset({"logprobs.count"}),
        turns=failed("usage.details-within"),
    ),
    Defect(
        id="usage-details-list",
        title="The details of the prompt are a list.",
        change=_usage(lambda usage: usage.update(prompt_tokens_details=[])),
        turns=failed("usage.details"),
    ),
    Defect(
        id="usage-cached-text",
        title="cached_tokens is a text.",
        change=_usage(lambda usage: usage["prompt_tokens_details"].update(cached_tokens="0")),
        turns=failed("usage.details"),
    ),
    Defect(
        id="usage-cached-left-out",
        title="Cached tokens are left out of prompt_tokens.",
        change=Stateful(_cheaper),
        turns=deviates("usage.same-prompt"),
    ),
    Defect(
        id="usage-prompt-cut",
        title="A long prompt is cut without a word.",
        change=_usage(_at_most(24)),
        turns=deviates("usage.grows", "concurrency.prompt-tokens")
        | ignored("messages.parts-count"),
    ),
    Defect(
        id="usage-tools-lost",
        title="Tools never reach the prompt.",
        change=change_asked_json(_without_tools),
        turns=ignored("tools.counted")
        | ignored("messages.result-counts", "tools.most", "tools.each-counted"),
    ),
    Defect(
        id="usage-options-refused",
        title="stream_options is an unknown parameter.",
        change=refuse(
            "Unknown parameter: 'stream_options'.", when=_with_options, code="unknown_parameter"
        ),
        turns=deviates("usage.stream-accepted"),
        lacks=frozenset({"usage.stream-include-usage", "stream.no-padding"}) | READ_STREAM,
        row="C105",
        issues=("openai/openai-python#1469", "Azure/azure-sdk-for-net#45557"),
    ),
    Defect(
        id="usage-stream-none",
        title="include_usage has no effect.",
        change=change_chunks(_no_usage),
        turns=failed("usage.stream-include-usage"),
        leaves=READ_STREAM,
        row="C104",
        issues=("xorbitsai/inference#5510",),
    ),
    Defect(
        id="usage-stream-in-choice",
        title="The usage of a stream stands inside its last choice.",
        change=_moved(_into_choice),
        turns=failed("usage.stream-include-usage"),
        leaves=READ_STREAM,
        row="C092",
        issues=("earendil-works/pi#2017",),
    ),
    Defect(
        id="usage-stream-with-choice",
        title="The usage chunk has a choice with an empty delta.",
        change=_moved(_with_choice),
        turns=failed("usage.stream-own-chunk"),
        row="C084",
        issues=("BerriAI/litellm#8450",),
    ),
    Defect(
        id="usage-stream-with-bare-choice",
        title="The last chunk has usage and a choice without finish_reason.",
        change=_moved(_with_choice),
        turns=failed("usage.stream-own-chunk"),
        row="C099",
        issues=("BerriAI/litellm#36168",),
    ),
    Defect(
        id="usage-stream-before-last",
        title="The usage comes with the finish_reason; an empty chunk without it follows.",
        change=_moved(_early),
        turns=failed("usage.stream-own-chunk", "usage.stream-last")
        | deviates("stream.empty-choices"),
        row="C103",
        issues=("BerriAI/litellm#17136",),
    ),
    Defect(
        id="usage-stream-with-finish",
        title="The usage comes with the finish_reason.",
        change=_moved(_to_finish),
        turns=failed("usage.stream-own-chunk"),
    ),
    Defect(
        id="usage-stream-early",
        title="The usage chunk comes before the last one.",
        change=_moved(_first),
        turns=failed("usage.stream-last"),
    ),
    Defect(
        id="usage-stream-twice",
        title="A gateway adds a usage chunk of its own.",
        change=_moved(_twice),
        turns=failed("stream.usage-once"),
        row="C095",
        issues=("Portkey-AI/gateway#1338",),
    ),
    Defect(
        id="usage-stream-zeros",
        title="Every chunk has a usage of zeros.",
        change=each_chunk(_running),
        turns=failed("stream.usage-once"),
        row="C090",
        issues=("mudler/LocalAI: core/schema/openai.go (OpenAIResponse)",),
    ),
    Defect(
        id="usage-stream-empty-objects",
        title="Every chunk has an empty usage object.",
        change=each_chunk(lambda chunk: chunk.update(usage=chunk.get("usage") or {})),
        turns=failed("stream.usage-once"),
        row="C026",
        issues=("BerriAI/litellm#3276",),
    ),
    Defect(
        id="usage-stream-no-choices",
        title="The usage chunk has no choices.",
        change=each_chunk(lambda chunk: chunk["choices"] or chunk.pop("choices")),
        turns=failed("stream.choices"),
        row="C096",
        issues=("ROCm/ATOM#1711",),
    ),
    Defect(
        id="usage-stream-texts",
        title="The token counts of a stream are texts.",
        change=_stream_usage(_as_text),
        turns=failed("usage.stream-counts"),
        leaves=frozenset({"usage.stream-same"}),
    ),
    Defect(
        id="usage-stream-no-total",
        title="The usage of a stream has no total.",
        change=_stream_usage(lambda usage: usage.pop("total_tokens") and None),
        turns=failed("usage.stream-counts"),
    ),
    Defect(
        id="usage-stream-other-prompt",
        title="A gateway counts the prompt of a stream with another tokenizer.",
        change=_stream_usage(lambda usage: _count(usage["prompt_tokens"] + 3, usage)),
        turns=deviates("usage.stream-same"),
        row="C085",
        issues=("BerriAI/litellm#36168",),
    ),
]
