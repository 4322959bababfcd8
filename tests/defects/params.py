"""Defects of parameters: ignored, refused, accepted when they are broken."""

from __future__ import annotations

from typing import Any

from defects.leaving import needing
from defects.planting import (
    Asked,
    Defect,
    answer_with,
    asks,
    change_json,
    change_request,
    deviates,
    failed,
    has,
    plain,
    refuse,
)
from defects.requests import has_value, nulls

_SAY_OK = [{"role": "user", "content": "Say ok."}]


def _is_broken(asked: Asked) -> bool:
    return asked.is_chat and not asked.parameters


def _lacks_messages(asked: Asked) -> bool:
    return asked.is_chat and bool(asked.parameters) and "messages" not in asked.parameters


def _cool(data: dict[str, Any]) -> None:
    if not isinstance(data["temperature"], str):
        data["temperature"] = min(data["temperature"], 2)


def _without_words(data: dict[str, Any]) -> None:
    if isinstance(data["max_tokens"], str):
        del data["max_tokens"]


def _double(data: dict[str, Any]) -> None:
    data["choices"].append({**data["choices"][0], "index": 1})


def _ask_for_logprobs(data: dict[str, Any]) -> None:
    if "top_logprobs" not in data:
        data["logprobs"] = True


NEUTRAL = failed("params.neutral")
PROBLEM = {
    "type": "urn:inference-service:problem-details:bad-request",
    "title": "Validation",
    "status": 422,
    "detail": "Extra inputs are not permitted",
    "instance": "/v1/chat/completions",
}

BODIES = ("params.empty-body", "params.body-object", "params.body-text")

DEFECTS = [
    Defect(
        id="params-broken-json",
        title="A body that is no JSON is taken for an empty prompt.",
        change=change_request(
            lambda _: {"model": "byom-embedded", "messages": _SAY_OK}, when=_is_broken
        ),
        turns=failed("params.broken-json", *BODIES),
    ),
    Defect(
        id="params-broken-json-500",
        title="A body that is no JSON makes the server fail.",
        change=refuse("Internal server error", status=500, when=_is_broken),
        turns=failed("errors.client-fault") | deviates("auth.before-body"),
        leaves=frozenset({"params.broken-json", *BODIES}),
    ),
    Defect(
        id="params-no-messages",
        title="A request without messages is answered.",
        change=change_request(lambda data: data.update(messages=_SAY_OK), when=_lacks_messages),
        turns=failed("params.messages-required"),
        leaves=frozenset({"errors.stream-messages"}),
    ),
    Defect(
        id="params-empty-messages",
        title="An empty list of messages is answered.",
        change=change_request(
            lambda data: data.update(messages=_SAY_OK), when=has_value("messages", [])
        ),
        turns=deviates("params.messages-not-empty"),
    ),
    Defect(
        id="params-null-seed",
        title="seed: null is refused.",
        change=refuse("seed is not an integer", when=nulls("seed")),
        turns=failed("params.nulls", "params.null-seed"),
    ),
    Defect(
        id="params-null-500",
        title="logprobs: null makes the server fail.",
        change=refuse("NoneType is not iterable", status=500, when=nulls("logprobs")),
        turns=failed("params.nulls", "params.null-logprobs"),
    ),
    Defect(
        id="params-penalty-detail",
        title="A penalty of 0 is refused with 422, and the reason is JSON inside a text.",
        change=answer_with(
            422,
            {"object": "error", "message": '{"detail": []}', "type": "internal_error_proxy"},
            when=has_value("frequency_penalty", 0),
        ),
        turns=NEUTRAL | failed("errors.object") | deviates("params.neutral-frequency-penalty"),
        row="C272",
        issues=("mistralai/platform-docs-public#7",),
    ),
    Defect(
        id="params-penalty-problem",
        title="Penalties are refused with problem details, also at 0.",
        change=answer_with(422, PROBLEM, when=has_value("presence_penalty", 0)),
        turns=NEUTRAL | failed("errors.object") | deviates("params.neutral-presence-penalty"),
        row="C274",
        issues=("NVIDIA/garak#748", "BerriAI/litellm#4558"),
    ),
    Defect(
        id="params-penalty-text",
        title="Penalties are refused at 0, with a text in place of an error object.",
        change=answer_with(
            400,
            {"code": "Client specified an invalid argument", "error": "Argument not supported"},
            when=has_value("presence_penalty", 0),
        ),
        turns=NEUTRAL | failed("errors.object") | deviates("params.neutral-presence-penalty"),
        row="C275",
        issues=("yym68686/uni-api#105", "open-webui/open-webui#21266"),
    ),
    Defect(
        id="params-user-refused",
        title="user is refused with the list of a validator.",
        change=answer_with(
            400,
            [{"loc": ["body", "user"], "msg": "extra fields not permitted"}],
            when=has("user"),
        ),
        turns=NEUTRAL | failed("errors.object") | deviates("params.neutral-user"),
        row="C266",
        issues=("danny-avila/LibreChat#1336",),
    ),
    Defect(
        id="params-format-text-refused",
        title='response_format {"type": "text"} is refused.',
        change=refuse("Unknown type text", when=has_value("response_format", {"type": "text"})),
        turns=NEUTRAL | deviates("params.neutral-response-format"),
    ),
    Defect(
        id="params-temperature-one-only",
        title="Any temperature is refused, also the default.",
        change=refuse("invalid temperature: only 1 is allowed", when=has_value("temperature", 1)),
        turns=NEUTRAL | failed("params.neutral-temperature") | deviates("params.seed-accepted"),
        lacks=frozenset({"params.seed-repeats", "params.seed-differs"}),
    ),
    Defect(
        id="params-two-choices",
        title="Two choices come without being asked for.",
        change=change_json(_double, when=lambda asked: plain(asked) and not asks("n")(asked)),
        turns=deviates("params.defaults"),
    ),
    Defect(
        id="params-logprobs-unasked",
        title="Log probabilities come without being asked for.",
        change=change_request(_ask_for_logprobs, when=plain),
        turns=deviates("params.defaults", "params.neutral-logprobs", "params.type-logprobs"),
    ),
    Defect(
        id="params-temperature-clamped",
        title="A temperature above 2 is taken for 2.",
        change=change_request(_cool, when=asks("temperature")),
        turns=deviates("params.temperature-range"),
    ),
    Defect(
        id="params-temperature-zero",
        title="temperature 0 is refused: it has to be positive.",
        change=refuse("temperature must be strictly positive", when=has_value("temperature", 0)),
        turns=failed("params.temperature-zero"),
        leaves=frozenset(
            {"messages.own-call", "params.stop", "params.stop-finish", "tools.none"}
            | {"parity.text", "parity.finish", "params.greedy-repeats"}
        ),
        lacks=needing("logprobs", "json_object", "json_schema")
        | needing("tool_choice_required", "tool_choice_named")
        | {"params.seed-repeats-greedy"},
    ),
    Defect(
        id="params-words-for-numbers",
        title="A word in place of the token limit is taken for no limit.",
        change=change_request(_without_words, when=asks("max_tokens")),
        turns=deviates("params.wrong-type"),
        leaves=frozenset({"errors.stream-status", "errors.param-name"})
        | {"parity.error-parameter"},
    ),
    Defect(
        id="params-seed-negative",
        title="A negative seed makes the server fail.",
        change=refuse(
            "overflow", status=500, when=lambda asked: asked.parameters.get("seed") == -1
        ),
        turns=deviates("params.seed-negative"),
    ),
]
