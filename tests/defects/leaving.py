"""Sets of checks that have nothing to judge when a server lacks something."""

from __future__ import annotations

from pytest_byom.conformance.catalogue import all_checks


def needing(*names: str) -> frozenset[str]:
    """Return the checks that need one of some capabilities."""
    return frozenset(id for id, check in all_checks().items() if set(names) & set(check.needs))


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
    | {"tools.none", "tools.streamed-same"}
)
"""Checks that read the JSON of a plain answer."""

DICTATED = frozenset(
    {"concurrency.answers", "concurrency.streams", "concurrency.half-left", "concurrency.schemas"}
    | {"concurrency.schema-then-none", "stream.separators"}
)
"""Checks of a text that a schema dictates."""
