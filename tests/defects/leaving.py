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
    {"http.escapes", "messages.instructions-count", "messages.history-counts"}
    | {"messages.part-is-text", "params.max-tokens", "params.max-completion-tokens"}
    | {"params.length", "params.n-usage", "tools.counted"}
    | {"usage.same-prompt", "usage.grows", "usage.stream-same"}
    | {"messages.template-text", "messages.two-parts", "messages.parts-count"}
    | {"messages.parts-are-text", "messages.result-counts", "tools.most", "tools.each-counted"}
)
"""Checks that read the token counts of plain answers."""

FREE = ("absent", "null", "none")
BOUND = ("auto", "required", "named")

TABLES = frozenset(
    {f"logprobs.table-{on}-{top}" for on in ("null", "false", "true") for top in ("absent", "null")}
    | {f"logprobs.table-{cell}" for cell in ("absent-null", "true-zero", "true-two", "true-twenty")}
    | {f"tools.table-{tools}-{choice}" for tools in ("absent", "empty") for choice in FREE}
    | {f"tools.table-{tools}-{choice}" for tools in ("one", "many") for choice in (*FREE, *BOUND)}
)
"""Checks that read the plain answers of tables."""

READ_PLAIN = (TOKENS | TABLES) | frozenset(
    {"logprobs.given", "logprobs.entries", "logprobs.not-positive", "logprobs.text"}
    | {"logprobs.count", "logprobs.refusal", "response.created-order", "tools.call-ids-new"}
    | {"logprobs.top", "messages.own-answer", "messages.own-call", "params.defaults", "params.n"}
    | {"params.stop", "params.stop-finish", "parity.text", "parity.finish"}
    | {"stream.length", "response.fingerprint-stable"}
    | {"structured.generated", "structured.order", "structured.recursive", "structured.cut"}
    | {"tools.bare-arguments", "tools.long-name"}
    | {"structured.json-object", "structured.json-schema", "tools.required", "tools.named"}
    | {"tools.none", "tools.streamed-same", "logprobs.streamed", "stream.stop"}
    | {"messages.echo", "messages.own-call-dumped", "messages.own-parallel"}
    | {"messages.own-object", "messages.system-heard", "structured.pattern", "structured.format"}
    | {"structured.number-bounds", "structured.array-bounds", "structured.no-word"}
    | {"tools.strict", "tools.parallel-off", "tools.allowed"}
    | {"tools.legacy-call", "tools.legacy-finish"}
)
"""Checks that read the JSON of a plain answer."""
