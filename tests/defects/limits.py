"""Defects of what bounds an answer: token limits, n, stop sequences."""

from __future__ import annotations

from typing import Any

from defects.leaving import BOUNDED, REASONING, needing
from defects.members import stop_after_length
from defects.planting import (
    Asked,
    Defect,
    When,
    answer_with,
    asks,
    change_asked_json,
    change_json,
    change_request,
    deviates,
    drop,
    failed,
    has,
    ignored,
    on_choices,
    refuse,
)
from defects.requests import has_value


def _unlimited(data: dict[str, Any]) -> None:
    if isinstance(data["max_tokens"], int):
        del data["max_tokens"]


def _halve(asked: Asked, data: dict[str, Any]) -> None:
    spent = data["usage"]["completion_tokens"] // asked.parameters["n"]
    data["usage"]["completion_tokens"] = spent
    data["usage"]["total_tokens"] = spent + data["usage"]["prompt_tokens"]


def _keep_stop(asked: Asked, data: dict[str, Any]) -> None:
    choice = data["choices"][0]
    if isinstance(stop := asked.parameters["stop"], str) and choice["finish_reason"] == "stop":
        choice["message"]["content"] += stop


def _stop_is(kind: type) -> When:
    return lambda asked: isinstance(asked.parameters.get("stop"), kind)


def _nothing_counted(data: dict[str, Any]) -> None:
    data["usage"] = dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens"), 0)
    for choice in data["choices"]:
        stop_after_length(choice)


NULL_LIMITS = ("params.null-max-tokens", "params.null-max-completion-tokens")

DEFECTS = [
    Defect(
        id="params-max-tokens",
        title="max_tokens is ignored.",
        change=change_request(_unlimited, when=asks("max_tokens")),
        turns=ignored("params.max-tokens", "params.null-max-completion-tokens"),
        leaves=frozenset({"params.length", "params.n-usage", "stream.length"}) | {"structured.cut"},
        row="C247",
        issues=("vllm-project/vllm-omni#445",),
    ),
    Defect(
        id="params-max-completion-tokens",
        title="max_completion_tokens is ignored: generation has no limit.",
        change=drop("max_completion_tokens"),
        turns=ignored("params.max-completion-tokens", "params.null-max-tokens")
        | deviates("params.type-max-completion-tokens"),
        row="C239",
        issues=("ikawrakow/ik_llama.cpp#2321",),
        leaves=frozenset({"reasoning.cut"}),
    ),
    Defect(
        id="params-max-completion-tokens-default",
        title="max_completion_tokens is ignored: the server's own limit holds.",
        change=change_request(
            lambda data: data.update(max_completion_tokens=16), when=has("max_completion_tokens")
        ),
        turns=ignored("params.max-completion-tokens", "params.null-max-tokens")
        | deviates("params.type-max-completion-tokens"),
        row="C240",
        issues=("abetlen/llama-cpp-python#1907",),
        leaves=frozenset({"reasoning.cut"}),
    ),
    Defect(
        id="params-max-completion-tokens-limit",
        title="max_completion_tokens is ignored, while max_tokens works.",
        change=change_request(
            lambda data: data.update(max_completion_tokens=100), when=has("max_completion_tokens")
        ),
        turns=ignored("params.max-completion-tokens", "params.null-max-tokens")
        | deviates("params.type-max-completion-tokens"),
        row="C243",
        issues=("ray-project/ray#53922",),
        leaves=frozenset({"reasoning.cut"}),
    ),
    Defect(
        id="params-max-completion-tokens-refused",
        title="max_completion_tokens is refused, and the body has no error object.",
        change=answer_with(
            400,
            {"object": "error", "message": "[{'type': 'extra_forbidden'}]", "code": 400},
            when=has("max_completion_tokens"),
        ),
        turns=failed("params.max-completion-tokens", "errors.object", *NULL_LIMITS),
        row="C238",
        issues=("voideditor/void#128",),
        lacks=REASONING,
    ),
    Defect(
        id="params-type-none",
        title="max_completion_tokens is refused, with the status as code and no type to speak of.",
        change=refuse(
            "max_completion_tokens is not supported",
            when=has("max_completion_tokens"),
            type="None",
            code="400",
        ),
        turns=failed("params.max-completion-tokens", *NULL_LIMITS)
        | deviates("errors.request-type"),
        row="C300",
        issues=("BerriAI/litellm#10910",),
        lacks=REASONING,
    ),
    Defect(
        id="params-always-stop",
        title="finish_reason is stop, also where the limit cut the answer, and nothing is counted.",
        change=change_json(_nothing_counted),
        turns=failed("usage.positive") | deviates("usage.of-text") | deviates("structured.cut"),
        leaves=frozenset(
            {"http.escapes", "messages.instructions-count", "messages.history-counts"}
            | {"messages.part-is-text", "params.length", "params.n-usage", "tools.counted"}
            | {"usage.same-prompt", "usage.grows", "usage.stream-same", "stream.length"}
            | BOUNDED
        )
        | {"logprobs.count"}
        | {
            "audio.counted",
            "vision.counted",
            "parity.usage",
            "parity.max-tokens",
            "parity.n",
            "reasoning.tokens",
            "reasoning.cut",
        },
        row="C091",
        issues=("sgl-project/mini-sglang#126",),
    ),
    Defect(
        id="params-stop-for-length",
        title="An answer that the limit cut ends with stop.",
        change=on_choices(stop_after_length),
        turns=failed("params.length") | deviates("structured.cut"),
        leaves=frozenset({"params.n-usage", "stream.length"})
        | {"parity.max-tokens", "reasoning.cut"},
    ),
    Defect(
        id="params-n-one",
        title="n is ignored.",
        change=drop("n"),
        turns=ignored("params.n", "stream.n")
        | deviates("params.n-zero", "params.n-negative", "params.type-n"),
        leaves=frozenset({"params.n-usage"}) | {"stream.n-order"},
        row="C254",
        issues=("theopenco/llmgateway#2433",),
    ),
    Defect(
        id="params-n-refused",
        title="n above 1 is refused.",
        change=refuse("'n' : number must be at most 1", when=has_value("n", 2)),
        lacks=needing("n"),
        row="C250",
        issues=("ogx-ai/ogx#3346",),
    ),
    Defect(
        id="params-n-counted-once",
        title="With n the tokens of one choice are counted.",
        change=change_asked_json(_halve, when=asks("n")),
        turns=deviates("params.n-usage"),
        leaves=frozenset({"parity.n"}),
    ),
    Defect(
        id="params-stop-text-only",
        title="stop is a text only: an array is refused.",
        change=refuse("stop must be a string", when=_stop_is(list)),
        turns=failed("params.stop-list"),
        lacks=needing("stop"),
    ),
    Defect(
        id="params-stop-array-only",
        title="stop is an array only: a text is refused.",
        change=refuse("stop must be an array", when=_stop_is(str)),
        turns=failed("params.stop"),
        leaves=frozenset({"params.stop-finish"}),
    ),
    Defect(
        id="params-stop-ignored",
        title="stop is ignored.",
        change=drop("stop"),
        turns=ignored("params.stop") | deviates("params.type-stop"),
        leaves=frozenset({"params.stop-finish"}),
        row="C231",
        issues=("Blaizzy/mlx-vlm#1044",),
    ),
    Defect(
        id="params-stop-until-limit",
        title="Only the end of the model's text ends a run, not the stop sequence.",
        change=drop("stop", when=asks("max_tokens")),
        turns=ignored("params.stop") | deviates("params.type-stop"),
        leaves=frozenset({"params.stop-finish"}),
        row="C232",
        issues=("jundot/omlx#1054",),
    ),
    Defect(
        id="params-stop-included",
        title="The stop sequence is part of the text.",
        change=change_asked_json(_keep_stop, when=asks("stop")),
        turns=failed("params.stop"),
        leaves=frozenset({"params.stop-finish"}),
    ),
    Defect(
        id="params-stop-finish",
        title="A text that a stop sequence ended ends with length.",
        change=on_choices(lambda c: c.update(finish_reason="length"), when=_stop_is(str)),
        turns=failed("params.stop-finish"),
    ),
]
