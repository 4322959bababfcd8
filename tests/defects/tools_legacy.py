"""Defects of functions, the older form of tools."""

from __future__ import annotations

import json
from typing import Any

from defects.messages_forms import fail
from defects.planting import Defect, deviates, drop, has, ignored, on_choices
from defects.streaming import each_delta

Members = dict[str, Any]

READ = frozenset({"tools.legacy-call", "tools.legacy-finish", "tools.legacy-stream"})


def _object(choice: Members) -> None:
    if call := choice["message"].get("function_call"):
        call["arguments"] = json.loads(call["arguments"])


def _new_reason(choice: Members) -> None:
    if choice["message"].get("function_call"):
        choice["finish_reason"] = "tool_calls"


def _name_again(delta: Members) -> None:
    if call := delta.get("function_call"):
        call["name"] = "get_weather"


DEFECTS = [
    Defect(
        id="legacy-fails",
        title="functions makes the server fail.",
        change=fail("functions is not supported", when=has("functions")),
        turns=deviates("tools.legacy-auto", "tools.legacy-history", "tools.legacy-beside-tools"),
        leaves=READ,
        row="L216",
        issues=("jekalmin/extended_openai_conversation#17",),
    ),
    Defect(
        id="legacy-ignored",
        title="functions is ignored.",
        change=drop("functions", "function_call"),
        turns=ignored("tools.legacy-call", "tools.legacy-stream"),
        leaves=frozenset({"tools.legacy-finish"}),
    ),
    Defect(
        id="legacy-object",
        title="The arguments of a legacy call are an object.",
        change=on_choices(_object),
        turns=deviates("tools.legacy-call"),
    ),
    Defect(
        id="legacy-new-reason",
        title="A legacy call ends with the reason of the newer form.",
        change=on_choices(_new_reason),
        turns=deviates("tools.legacy-finish"),
    ),
    Defect(
        id="legacy-name-again",
        title="Each piece of a legacy call repeats its name.",
        change=each_delta(_name_again),
        turns=deviates("tools.legacy-stream"),
    ),
]
