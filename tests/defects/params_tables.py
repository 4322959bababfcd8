"""Defects that the tables of parameters tell apart: nulls, defaults, ranges, seeds, extras."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defects.planting import (
    Asked,
    Change,
    Defect,
    Stateful,
    When,
    change_request,
    deviates,
    drop,
    failed,
    has,
    ignored,
    refuse,
)
from defects.requests import nulls

if TYPE_CHECKING:
    from defects.planting import Next
    from pytest_byom.mock.http1 import Reply, Request

NEUTRAL = failed("params.neutral")
NULLS = failed("params.nulls")
SEEDED = frozenset({"params.seed-repeats", "params.seed-repeats-greedy", "params.seed-differs"})
ACCOUNT = ("store", "metadata", "service_tier", "prompt_cache_key", "safety_identifier")
VENDOR = ("top_k", "min_p", "repetition_penalty")


def _is(name: str, value: object) -> When:
    return lambda asked: _has_value(asked, name) and asked.parameters[name] == value


def _has_value(asked: Asked, name: str) -> bool:
    return asked.is_chat and asked.parameters.get(name) is not None


def _gives(*names: str) -> When:
    return lambda asked: any(_has_value(asked, name) for name in names)


def _number(asked: Asked, name: str) -> float:
    value = asked.parameters.get(name)
    return value if isinstance(value, int | float) else 0


def _above(limit: int, *names: str) -> When:
    return lambda asked: asked.is_chat and any(_number(asked, name) > limit for name in names)


def _stops(count: int) -> When:
    def has_so_many(asked: Asked) -> bool:
        stop = asked.parameters.get("stop")
        return asked.is_chat and isinstance(stop, list) and len(stop) == count

    return has_so_many


BOUNDS: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "n": (1, 128),
    "max_tokens": (1, 4096),
}


def _clamp(data: dict[str, Any]) -> None:
    for name, (low, high) in BOUNDS.items():
        value = data.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            data[name] = max(low, min(high, value))
    if isinstance(limit := data.get("max_tokens"), float):
        data["max_tokens"] = int(limit)


def _both_limits(asked: Asked) -> bool:
    return all(_has_value(asked, name) for name in ("max_tokens", "max_completion_tokens"))


def _seeded_at(temperature: float) -> When:
    return lambda asked: _has_value(asked, "seed") and _is("temperature", temperature)(asked)


def _greedy(asked: Asked) -> bool:
    return _is("temperature", 0)(asked) and not _has_value(asked, "seed")


def _freeze(data: dict[str, Any]) -> None:
    data.update(temperature=0)


def _unsettled(when: When) -> Change:
    """Draw with another seed each time."""

    def make() -> Change:
        count = 0

        async def change(request: Request, server: Next) -> Reply:
            nonlocal count
            count += 1
            rewrite = change_request(lambda data: data.update(temperature=1, seed=count), when=when)
            return await rewrite(request, server)

        return change

    return Stateful(make)


DEFECTS = [
    Defect(
        id="params-null-numbers",
        title="null is no number, and is refused.",
        change=refuse(
            "Input should be a valid number",
            when=nulls("temperature", "top_p", "n", "frequency_penalty", "presence_penalty"),
        ),
        turns=NULLS
        | failed("params.null-temperature", "params.null-top-p", "params.null-n")
        | failed("params.null-frequency-penalty", "params.null-presence-penalty"),
    ),
    Defect(
        id="params-null-stop",
        title="stop: null is refused.",
        change=refuse("stop must be a string or an array", when=nulls("stop")),
        turns=NULLS | failed("params.null-stop"),
    ),
    Defect(
        id="params-null-stream",
        title="stream: null makes the server fail.",
        change=refuse("'NoneType' object is not a bool", status=500, when=nulls("stream")),
        turns=NULLS | failed("params.null-stream"),
    ),
    Defect(
        id="params-null-streams",
        title="stream: null or false is taken for true, as the member is there.",
        change=change_request(lambda data: data.update(stream=True), when=has("stream")),
        turns=failed("params.null-stream", "params.neutral-stream")
        | failed("http.json-media-type", "http.json-body")
        | deviates("http.plain-despite-accept", "params.type-stream"),
    ),
    Defect(
        id="params-choice-500",
        title="tool_choice without tools makes the server fail.",
        change=refuse(
            "NoneType is not iterable",
            status=500,
            when=lambda asked: (
                _has_value(asked, "tool_choice") and not asked.parameters.get("tools")
            ),
        ),
        turns=deviates("params.neutral-tool-choice", "tools.choice-alone"),
    ),
    Defect(
        id="params-null-objects",
        title="null where an object may stand is refused.",
        change=refuse(
            "Input should be a valid dictionary",
            when=nulls("logit_bias", "stream_options", "top_logprobs"),
        ),
        turns=NULLS
        | failed("params.null-logit-bias", "params.null-stream-options")
        | failed("params.null-top-logprobs"),
    ),
    Defect(
        id="params-null-limit",
        title="max_tokens: null is refused.",
        change=refuse("max_tokens is not an integer", when=nulls("max_tokens")),
        turns=failed("params.null-max-tokens"),
    ),
    Defect(
        id="params-null-format",
        title="response_format: null makes the server fail.",
        change=refuse("Internal Server Error", status=500, when=nulls("response_format")),
        turns=deviates("params.null-response-format"),
        row="C262",
        issues=("sgl-project/sglang#4589",),
    ),
    Defect(
        id="params-null-tools",
        title="tools: null makes the server fail, and so does null for what belongs to an account.",
        change=refuse("NoneType is not iterable", status=500, when=nulls("tools", "metadata")),
        turns=deviates("params.null-tools", "params.null-extras"),
    ),
    Defect(
        id="params-stream-false",
        title="stream: false is refused: thinking is only for streams.",
        change=refuse(
            "parameter.enable_thinking must be set to false for non-streaming calls",
            when=_is("stream", False),
        ),
        turns=NEUTRAL | failed("params.neutral-stream"),
        row="C265",
        issues=(
            "langchain4j/langchain4j#3974",
            "QuantumNous/new-api#1109",
            "alibaba/spring-ai-alibaba#867",
            "browser-use/web-ui#659",
        ),
    ),
    Defect(
        id="params-top-p-one",
        title="top_p has to be below 1.",
        change=refuse("top_p must be in (0, 1)", when=_is("top_p", 1)),
        turns=NEUTRAL | failed("params.neutral-top-p"),
    ),
    Defect(
        id="params-n-unknown",
        title="n is refused, also where it is 1.",
        change=refuse("Unrecognized request argument supplied: n", when=_is("n", 1)),
        turns=NEUTRAL | failed("params.neutral-n"),
    ),
    Defect(
        id="params-empty-values",
        title="An empty bias and an empty list of stop sequences make the server fail.",
        change=refuse(
            "list index out of range",
            status=500,
            when=lambda asked: _is("logit_bias", {})(asked) or _is("stop", [])(asked),
        ),
        turns=deviates("params.neutral-logit-bias", "params.neutral-stop"),
    ),
    Defect(
        id="params-temperature-up-to-one",
        title="A temperature above 1 is refused.",
        change=refuse("temperature must be in [0, 1]", when=_above(1, "temperature")),
        turns=deviates("params.bounds", "params.temperature-two"),
    ),
    Defect(
        id="params-modalities-refused",
        title="modalities is refused, also with text alone.",
        change=refuse("Extra inputs are not permitted", when=has("modalities")),
        turns=deviates("params.bounds", "params.modalities-text"),
    ),
    Defect(
        id="params-three-stops",
        title="A fourth stop sequence is refused.",
        change=refuse("at most 3 stop sequences", when=_stops(4)),
        turns=deviates("params.stop-four"),
    ),
    Defect(
        id="params-fifth-stop-500",
        title="A fifth stop sequence makes the server fail.",
        change=refuse("index out of bounds", status=500, when=_stops(5)),
        turns=deviates("params.stop-five"),
    ),
    Defect(
        id="params-clamped",
        title="Values out of range are taken for the nearest one in it.",
        change=change_request(_clamp),
        turns=deviates("params.temperature-range", "params.temperature-negative")
        | deviates("params.top-p-high", "params.top-p-negative", "params.n-zero")
        | deviates("params.n-negative", "params.max-tokens-zero", "params.max-tokens-fraction")
        | deviates("params.frequency-penalty-high", "params.presence-penalty-low"),
    ),
    Defect(
        id="params-minus-one-500",
        title="max_tokens -1 makes the server fail.",
        change=refuse("negative dimension", status=500, when=_is("max_tokens", -1)),
        turns=deviates("params.max-tokens-negative"),
    ),
    Defect(
        id="params-minus-one-is-nothing",
        title="max_tokens -1 is taken for nothing at all.",
        change=change_request(
            lambda data: data.update(max_tokens=1, stop=[" ", "o", "O"], logit_bias={}),
            when=_is("max_tokens", -1),
        ),
        turns=deviates("params.max-tokens-negative"),
    ),
    Defect(
        id="params-overflow",
        title="Integers beyond 32 bits make the server fail.",
        change=refuse(
            "int too large to convert",
            status=500,
            when=_above(2**31 - 1, "max_tokens", "seed", "n"),
        ),
        turns=deviates("params.huge-limit", "params.seed-large", "params.n-large"),
        abuse=True,
    ),
    Defect(
        id="params-limit-wraps",
        title="Of a token limit beyond 32 bits the lower half counts.",
        change=change_request(
            lambda data: data.update(max_tokens=1), when=_above(2**31 - 1, "max_tokens")
        ),
        turns=deviates("params.huge-limit"),
    ),
    Defect(
        id="params-both-limits-larger",
        title="Of two token limits neither holds.",
        change=change_request(
            lambda data: data.update(max_tokens=40, max_completion_tokens=None), when=_both_limits
        ),
        turns=ignored("params.both-limits", "params.both-limits-older"),
    ),
    Defect(
        id="params-both-limits-500",
        title="Two token limits make the server fail.",
        change=refuse("conflict", status=500, when=_both_limits),
        turns=deviates("params.both-limits", "params.both-limits-older"),
    ),
    Defect(
        id="params-seed-refused",
        title="seed is refused: the parameter has another name here.",
        change=refuse("Extra inputs are not permitted", status=422, when=_gives("seed")),
        turns=deviates("params.bounds", "params.seed-accepted"),
        lacks=SEEDED,
    ),
    Defect(
        id="params-seed-ignored",
        title="Two answers to one seed differ.",
        change=_unsettled(_seeded_at(1)),
        turns=ignored("params.seed-repeats"),
    ),
    Defect(
        id="params-seed-zero-temperature",
        title="The same seed at temperature 0 gives another text each time.",
        change=_unsettled(_seeded_at(0)),
        turns=deviates("params.seed-repeats-greedy"),
        row="L035",
        issues=("ollama/ollama#5274",),
    ),
    Defect(
        id="params-greedy-unsettled",
        title="Temperature 0 gives another text each time.",
        change=_unsettled(_greedy),
        turns=deviates("params.greedy-repeats"),
        leaves=frozenset({"params.stop", "params.stop-finish", "parity.text", "parity.finish"}),
        row="C386",
        issues=("InternLM/lmdeploy#1719",),
    ),
    Defect(
        id="params-seed-freezes",
        title="Where a seed is given the temperature is 0.",
        change=change_request(_freeze, when=_seeded_at(1)),
        turns=ignored("params.seed-differs"),
        row="L036",
        issues=("ollama/ollama#5044",),
    ),
    Defect(
        id="params-account-500",
        title="What belongs to an account makes the server fail, as it has none.",
        change=refuse("KeyError", status=500, when=_gives(*ACCOUNT, "verbosity")),
        turns=deviates("params.extras", "params.extra-verbosity")
        | deviates(*(f"params.extra-{name.replace('_', '-')}" for name in ACCOUNT))
        | deviates("params.type-metadata", "params.type-store", "params.type-service-tier"),
    ),
    Defect(
        id="params-vendor-500",
        title="Parameters of other vendors make the server fail.",
        change=refuse("unexpected keyword argument", status=500, when=has(*VENDOR)),
        turns=deviates("params.unknown")
        | deviates(*(f"params.extra-{name.replace('_', '-')}" for name in VENDOR)),
    ),
    Defect(
        id="params-abilities-500",
        title="A prediction, a web search, a moderation or a bias makes the server fail.",
        change=refuse(
            "not implemented",
            status=500,
            when=_gives("prediction", "web_search_options", "moderation", "logit_bias"),
        ),
        turns=deviates("capability.prediction", "params.extra-web-search")
        | deviates("params.extra-moderation", "params.extra-logit-bias")
        | deviates("params.type-logit-bias", "params.neutral-logit-bias"),
    ),
    Defect(
        id="params-moderation-ignored",
        title="moderation is ignored.",
        change=drop("moderation"),
        turns=ignored("params.extra-moderation"),
    ),
    Defect(
        id="params-options-500",
        title="stream_options without a stream makes the server fail.",
        change=refuse(
            "stream is not defined",
            status=500,
            when=lambda asked: _has_value(asked, "stream_options") and not asked.streams,
        ),
        turns=deviates("params.stream-options-alone"),
    ),
    Defect(
        id="http-client-request-id",
        title="A request id that the client chose is refused.",
        change=refuse(
            "Invalid header", when=lambda asked: bool(asked.header("x-client-request-id"))
        ),
        turns=deviates("http.client-request-id"),
    ),
]
