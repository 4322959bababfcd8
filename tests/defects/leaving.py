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

BOUNDED = frozenset(
    {"params.max-tokens", "params.max-completion-tokens"}
    | {"params.null-max-tokens", "params.null-max-completion-tokens"}
    | {"params.both-limits", "params.both-limits-older"}
)
"""Checks that hold the tokens of an answer against its limit."""

TOKENS = frozenset(
    {"http.escapes", "messages.instructions-count", "messages.history-counts"}
    | {"messages.part-is-text"}
    | {"params.length", "params.n-usage", "tools.counted"}
    | BOUNDED
    | {"usage.same-prompt", "usage.grows", "usage.stream-same"}
)
"""Checks that read the token counts of plain answers."""

READ_PLAIN = TOKENS | frozenset(
    {"logprobs.given", "logprobs.entries", "logprobs.not-positive", "logprobs.text"}
    | {"logprobs.count", "logprobs.refusal", "response.created-order", "tools.call-ids-new"}
    | {"logprobs.top", "messages.own-answer", "messages.own-call", "params.defaults", "params.n"}
    | {"params.stop", "params.stop-finish", "parity.text", "parity.finish"}
    | {"params.huge-limit", "params.greedy-repeats", "params.seed-repeats-greedy"}
    | {"params.seed-repeats", "params.seed-differs"}
    | {"stream.length", "response.fingerprint-stable"}
    | {"structured.generated", "structured.order", "structured.recursive", "structured.cut"}
    | {"tools.bare-arguments", "tools.long-name"}
    | {"structured.json-object", "structured.json-schema", "tools.required", "tools.named"}
    | {"tools.none", "tools.streamed-same"}
)
"""Checks that read the JSON of a plain answer."""

WINDOW = frozenset({"limits.overlong", "limits.overlong-code", "limits.overlong-stream"})
"""Checks that need a list of models which tells the context window."""
