"""Defects of logprobs and top_logprobs, cell by cell, and of log probabilities streamed."""

from __future__ import annotations

from typing import Any

from defects.messages_forms import fail
from defects.planting import (
    Asked,
    Defect,
    When,
    change_request,
    chat,
    deviates,
    drop,
    failed,
    ignored,
    on_choices,
    refuse,
)
from defects.requests import all_of
from defects.streaming import each_choice

Members = dict[str, Any]


def _cells(*names: str) -> tuple[str, ...]:
    return tuple(f"logprobs.table-{name}" for name in names)


def _is(name: str, *values: object) -> When:
    return lambda asked: (
        chat(asked) and any(asked.parameters.get(name, ...) is value for value in values)
    )


def _off(asked: Asked) -> bool:
    return chat(asked) and not asked.parameters.get("logprobs")


def _more(choice: Members) -> None:
    for entry in choice["logprobs"]["content"]:
        entry["top_logprobs"] = [{"token": "x", "logprob": -99.0, "bytes": [120]}] * 21


def _left_out(choice: Members) -> None:
    choice["logprobs"] = None


def _shifted(choice: Members) -> None:
    for entry in (choice.get("logprobs") or {}).get("content") or ():
        entry["token"] = "x"


def _clamped(data: Members) -> None:
    data["top_logprobs"] = max(0, min(data["top_logprobs"], 20))


ON = ("absent", "null", "false")

DEFECTS = [
    Defect(
        id="logtable-null",
        title="logprobs must not be null.",
        change=refuse("logprobs: none is not allowed", when=_is("logprobs", None)),
        turns=deviates(*_cells("null-absent", "null-null")) | failed("params.nulls"),
    ),
    Defect(
        id="logtable-null-top",
        title="top_logprobs must not be null.",
        change=refuse("top_logprobs: none is not allowed", when=_is("top_logprobs", None)),
        turns=deviates(*_cells("absent-null", "null-null", "false-null", "true-null")),
    ),
    Defect(
        id="logtable-false",
        title="logprobs false gives log probabilities.",
        change=change_request(lambda data: data.update(logprobs=True), when=_is("logprobs", False)),
        turns=ignored(*_cells("false-absent", "false-null")) | deviates(*_cells("false-two")),
    ),
    Defect(
        id="logtable-zero-alone",
        title="top_logprobs 0 without logprobs makes the server fail.",
        change=fail("no logprobs", when=all_of(_off, _is("top_logprobs", 0))),
        turns=deviates(*_cells(*(f"{on}-zero" for on in ON))),
    ),
    Defect(
        id="logtable-clamped",
        title="top_logprobs out of range is taken to the nearest bound.",
        change=change_request(_clamped, when=_is("top_logprobs", 21, -1)),
        turns=deviates(*_cells("true-twenty-one", "true-negative")),
    ),
    Defect(
        id="logtable-without-top",
        title="logprobs without top_logprobs gives null.",
        change=drop("logprobs", when=all_of(_is("logprobs", True), _is("top_logprobs", ..., None))),
        turns=ignored(*_cells("true-absent", "true-null")),
        row="C223",
        issues=("InternLM/lmdeploy#2802",),
    ),
    Defect(
        id="logtable-zero",
        title="top_logprobs 0 turns log probabilities off.",
        change=drop("logprobs", "top_logprobs", when=_is("top_logprobs", 0)),
        turns=ignored(*_cells("true-zero")),
    ),
    Defect(
        id="logtable-legal-refused",
        title="Legal values of top_logprobs are refused.",
        change=refuse("top_logprobs must be from 1 to 19", when=_is("top_logprobs", 0, 20)),
        turns=deviates(*_cells("true-zero")),
        lacks=frozenset(_cells("true-twenty")),
        row="C224",
        issues=("InternLM/lmdeploy#4121",),
    ),
    Defect(
        id="logtable-twenty-one",
        title="top_logprobs 20 gives 21 alternatives.",
        change=on_choices(_more, when=_is("top_logprobs", 20)),
        turns=deviates(*_cells("true-twenty")),
    ),
    Defect(
        id="logtable-stream-none",
        title="A stream has no log probabilities.",
        change=each_choice(_left_out),
        turns=ignored("logprobs.streamed"),
    ),
    Defect(
        id="logtable-stream-tokens",
        title="A stream has other tokens than a plain answer.",
        change=each_choice(_shifted),
        turns=deviates("logprobs.streamed"),
    ),
]
