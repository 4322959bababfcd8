"""Defects of the choices of plain answers, and of the lesser members around them."""

from __future__ import annotations

import itertools
from typing import Any

from defects.planting import (
    Change,
    Defect,
    Stateful,
    change_asked_json,
    change_json,
    deviates,
    failed,
    on_choices,
    on_messages,
    plain,
    reasons,
)

Members = dict[str, Any]


def _reversed(data: Members) -> None:
    data["choices"].reverse()


def _whole_as_length(choice: Members) -> None:
    choice["finish_reason"] = "length"


def _prefixed(message: Members) -> None:
    if message["content"]:
        message["content"] = f"Assistant: {message['content']}"


def _without_null(message: Members) -> None:
    if message["content"] is None:
        del message["content"]


def _other_model(data: Members) -> None:
    data["model"] = "gpt-2"


def _backwards() -> Change:
    """Give each answer a time a minute before that of the one before."""
    minutes = itertools.count()

    def change(_: Any, data: Members) -> None:
        data["created"] -= 60 * next(minutes)

    return change_asked_json(change)


def _cited(message: Members) -> None:
    message["annotations"] = [{"type": "url_citation", "url": "https://byom.test/"}]


DEFECTS = [
    Defect(
        id="choices-tier",
        title="service_tier has a value of the vendor's own.",
        change=change_json(lambda data: data.update(service_tier="on_demand"), when=plain),
        turns=deviates("response.service-tier"),
    ),
    Defect(
        id="choices-other-model",
        title="The answer names another model than was asked for.",
        change=change_json(_other_model),
        turns=deviates("response.model-asked"),
        leaves=frozenset({"parity.model"}),
    ),
    Defect(
        id="choices-reversed",
        title="The choices come in reversed order.",
        change=change_json(_reversed),
        turns=deviates("response.choices-in-order"),
    ),
    Defect(
        id="choices-whole-as-length",
        title="An answer ends with length, and was whole.",
        change=on_choices(_whole_as_length, when=reasons),
        turns=failed("response.finish-stop"),
    ),
    Defect(
        id="choices-no-null-content",
        title="A message with a call has no content member.",
        change=on_messages(_without_null),
        turns=deviates("response.content-present"),
    ),
    Defect(
        id="choices-refusal-false",
        title="refusal is false.",
        change=on_messages(lambda message: message.update(refusal=False), when=reasons),
        turns=deviates("response.refusal"),
    ),
    Defect(
        id="choices-empty-calls",
        title="A message without a call has an empty list of calls.",
        change=on_messages(lambda message: message.setdefault("tool_calls", []) and None),
        turns=deviates("response.no-empty-calls"),
    ),
    Defect(
        id="choices-role-prefix",
        title="The text begins with the role of the chat template.",
        change=on_messages(_prefixed, when=reasons),
        turns=deviates("response.no-role-prefix"),
    ),
    Defect(
        id="choices-bare-citation",
        title="The members of a citation stand beside its type.",
        change=on_messages(_cited),
        turns=deviates("response.annotations"),
    ),
    Defect(
        id="choices-time-backwards",
        title="The clock runs backwards from answer to answer.",
        change=Stateful(_backwards),
        turns=deviates("response.created-order"),
    ),
]
