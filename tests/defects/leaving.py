"""Sets of checks that have nothing to judge when a server lacks something."""

from __future__ import annotations

from pytest_byom.conformance.catalogue import all_checks


def needing(*names: str) -> frozenset[str]:
    """Return the checks that need one of some capabilities."""
    return frozenset(id for id, check in all_checks().items() if set(names) & set(check.needs))


SEEING = needing("vision") | {"vision.counted"}
"""Checks of images that a server has to see; `vision.image` holds for any."""

REASONING = needing("reasoning") | {"reasoning.effect"}
"""Checks of models that reason; `reasoning.effort` holds for any."""

CALLED = frozenset(
    {"tools.call-id", "tools.call-ids-unique", "tools.call-type", "tools.call-name"}
    | {"tools.arguments-string", "tools.arguments-json", "tools.finish-reason"}
)
"""Rules about tool calls in plain answers."""

BOUNDED = frozenset(
    {"params.max-tokens", "params.max-completion-tokens"}
    | {"params.null-max-tokens", "params.null-max-completion-tokens"}
    | {"params.both-limits", "params.both-limits-older"}
)
"""Checks that hold the tokens of an answer against its limit."""

DICTATED = frozenset(
    {"concurrency.answers", "concurrency.streams", "concurrency.half-left", "concurrency.schemas"}
    | {"concurrency.schema-then-none", "stream.separators"}
)
"""Checks of a text that a schema dictates."""

TOKENS = frozenset(
    {"concurrency.limits", "concurrency.prompt-tokens"}
    | {"http.escapes", "messages.instructions-count", "messages.history-counts"}
    | {"messages.part-is-text", "params.max-tokens", "params.max-completion-tokens"}
    | {"params.length", "params.n-usage", "tools.counted"}
    | BOUNDED
    | {"usage.same-prompt", "usage.grows", "usage.stream-same"}
    | {"audio.counted", "vision.counted", "reasoning.tokens", "reasoning.cut"}
    | {"parity.usage", "parity.max-tokens", "parity.n"}
)
"""Checks that read the token counts of plain answers."""

READ_PLAIN = TOKENS | frozenset(
    {"concurrency.answers", "concurrency.half-left", "concurrency.schemas", "concurrency.tools"}
    | {"concurrency.schema-then-none", "concurrency.tools-then-none"}
    | {"logprobs.given", "logprobs.entries", "logprobs.not-positive", "logprobs.text"}
    | {"logprobs.count", "logprobs.refusal", "response.created-order", "tools.call-ids-new"}
    | {"logprobs.top", "messages.own-answer", "messages.own-call", "params.defaults", "params.n"}
    | {"params.stop", "params.stop-finish", "parity.text", "parity.finish"}
    | {"params.huge-limit", "params.greedy-repeats", "params.seed-repeats-greedy"}
    | {"params.seed-repeats", "params.seed-differs"}
    | {"stream.length", "response.fingerprint-stable"}
    | {"structured.generated", "structured.order", "structured.recursive", "structured.cut"}
    | {"tools.bare-arguments", "tools.long-name"}
    | {"structured.json-object", "structured.json-schema", "tools.required", "tools.named"}
    | {"tools.none", "tools.streamed-same", "reasoning.effect", "reasoning.separate"}
    | {"reasoning.not-in-content", "reasoning.tools", "parity.reasoning", "parity.model"}
    | {"parity.json-schema", "parity.json-object"}
    | {"parity.tools", "parity.tool-named", "parity.tool-none", "parity.tools-parallel"}
    | {"capability.logit-bias", "capability.web-search"}
)
"""Checks that read the JSON of a plain answer."""

WINDOW = frozenset({"limits.overlong", "limits.overlong-code", "limits.overlong-stream"})
"""Checks that need a list of models which tells the context window."""

REFUSED_PARAMS = frozenset(
    {
        "limits.overlong-code",
        "limits.overlong-stream",
        "params.body-object",
        "params.body-text",
        "params.empty-body",
        "params.frequency-penalty-high",
        "params.max-tokens-fraction",
        "params.max-tokens-zero",
        "params.messages-null",
        "params.messages-object",
        "params.messages-text",
        "params.n-negative",
        "params.n-zero",
        "params.presence-penalty-low",
        "params.temperature-negative",
        "params.top-p-high",
        "params.top-p-negative",
        "params.type-frequency-penalty",
        "params.type-logprobs",
        "params.type-max-completion-tokens",
        "params.type-n",
        "params.type-presence-penalty",
        "params.type-response-format",
        "params.type-seed",
        "params.type-stop",
        "params.type-stream",
        "params.type-stream-options",
        "params.type-temperature",
        "params.type-tool-choice",
        "params.type-tools",
        "params.type-top-logprobs",
        "params.type-top-p",
    }
)
"""Checks of limits and parameters that want a 4xx, and leave a 5xx to another check."""

SURVIVED_PARAMS = (
    "limits.overlong",
    "params.extra-moderation",
    "params.extra-web-search",
    "params.max-tokens-negative",
    "params.model-required",
    "params.repeated-member",
    "params.stop-five",
    "params.stream-options-alone",
    "params.stream-text",
    "params.temperature-text",
    "params.type-logit-bias",
    "params.type-metadata",
    "params.type-modalities",
    "params.type-model",
    "params.type-parallel-tool-calls",
    "params.type-reasoning-effort",
    "params.type-service-tier",
    "params.type-store",
    "params.type-user",
)
"""Checks of limits and parameters that the embedded server refuses, and that take no 5xx."""
