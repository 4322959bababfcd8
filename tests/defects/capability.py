"""Defects of what is accepted and has no effect."""

from __future__ import annotations

from itertools import count
from typing import Any

from defects.planting import (
    Asked,
    Change,
    Defect,
    Stateful,
    asks,
    change_request,
    deviates,
    drop,
    ignored,
    on_choices,
    refuse,
)


def _has_seed(asked: Asked) -> bool:
    return asked.is_chat and asked.parameters.get("seed") == 7


def _favours(asked: Asked) -> bool:
    return asked.is_chat and asked.parameters.get("logit_bias") == {"1000": 100}


def _any_seed() -> Change:
    """Draw with another seed each time, whatever was asked for."""
    numbers = count(1)
    return change_request(lambda data: data.update(seed=next(numbers)), when=_has_seed)


def _loose(choice: dict[str, Any]) -> None:
    if call := choice["message"].get("function_call"):
        call["arguments"] = {"city": "Paris"}
        choice["finish_reason"] = "tool_calls"


DEFECTS = [
    Defect(
        id="capability-seed",
        title="A seed is accepted, and the text is another each time.",
        change=Stateful(_any_seed),
        turns=ignored("capability.seed"),
        row="L035",
        issues=("ollama/ollama#5274",),
    ),
    Defect(
        id="capability-bias",
        title="logit_bias is accepted and has no effect.",
        change=drop("logit_bias"),
        turns=ignored("capability.logit-bias"),
    ),
    Defect(
        id="capability-bias-500",
        title="logit_bias makes the server fail.",
        change=refuse("KeyError: 'guidance_scale'", status=500, when=_favours),
        turns=deviates("capability.logit-bias"),
    ),
    Defect(
        id="capability-prediction-500",
        title="prediction makes the server fail.",
        change=refuse("unhashable type: 'dict'", status=500, when=asks("prediction")),
        turns=deviates("capability.prediction") | deviates("params.extra-prediction"),
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
        turns=ignored("capability.legacy-functions")
        | ignored("tools.legacy-call", "tools.legacy-stream"),
        leaves=frozenset({"tools.legacy-finish"}),
    ),
    Defect(
        id="capability-function-arguments",
        title="A call in the old form has an object as its arguments.",
        change=on_choices(_loose, when=asks("functions")),
        turns=deviates("capability.legacy-functions"),
    ),
]
