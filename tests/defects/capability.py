"""Defects of what is accepted and has no effect."""

from __future__ import annotations

from typing import Any

from defects.planting import (
    Defect,
    asks,
    deviates,
    drop,
    ignored,
    on_choices,
    refuse,
)


def _loose(choice: dict[str, Any]) -> None:
    if call := choice["message"].get("function_call"):
        call["arguments"] = {"city": "Paris"}
        choice["finish_reason"] = "tool_calls"


DEFECTS = [
    Defect(
        id="capability-bias",
        title="logit_bias is accepted and has no effect.",
        change=drop("logit_bias"),
        turns=ignored("capability.logit-bias"),
    ),
    Defect(
        id="capability-prediction-500",
        title="prediction makes the server fail.",
        change=refuse("unhashable type: 'dict'", status=500, when=asks("prediction")),
        turns=deviates("capability.prediction"),
    ),
    Defect(
        id="capability-search",
        title="Options for a search are accepted, and nothing is searched.",
        change=drop("web_search_options"),
        turns=ignored("capability.web-search"),
    ),
    Defect(
        id="capability-functions",
        title="functions are accepted, and the answer is in words.",
        change=drop("functions", "function_call"),
        turns=ignored("tools.legacy-call", "tools.legacy-stream"),
        leaves=frozenset({"tools.legacy-finish"}),
    ),
    Defect(
        id="capability-function-arguments",
        title="A call in the old form has an object as its arguments.",
        change=on_choices(_loose, when=asks("functions")),
        turns=deviates("tools.legacy-call", "tools.legacy-finish"),
    ),
]
