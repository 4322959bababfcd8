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

TOKENS = frozenset(
    {"concurrency.limits", "concurrency.prompt-tokens"}
    | {"http.escapes", "messages.instructions-count", "messages.history-counts"}
    | {"messages.part-is-text", "params.max-tokens", "params.max-completion-tokens"}
    | {"params.length", "params.n-usage", "tools.counted"}
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
    | {"stream.length", "response.fingerprint-stable"}
    | {"structured.generated", "structured.order", "structured.recursive", "structured.cut"}
    | {"tools.bare-arguments", "tools.long-name"}
    | {"structured.json-object", "structured.json-schema", "tools.required", "tools.named"}
    | {"tools.none", "tools.streamed-same", "reasoning.effect", "reasoning.separate"}
    | {"reasoning.not-in-content", "reasoning.tools", "parity.reasoning", "parity.model"}
    | {"parity.stop", "parity.logprobs", "parity.json-schema", "parity.json-object"}
    | {"parity.tools", "parity.tool-named", "parity.tool-none", "parity.tools-parallel"}
    | {"capability.seed", "capability.logit-bias", "capability.web-search"}
    | {"capability.legacy-functions"}
)
"""Checks that read the JSON of a plain answer."""

WINDOW = frozenset({"limits.overlong", "limits.overlong-code", "limits.overlong-stream"})
"""Checks that need a list of models which tells the context window."""
