"""Defects of tool choices, cell by cell, and of tools that few servers know."""

from __future__ import annotations

from typing import Any

from defects.messages_forms import fail
from defects.planting import (
    Asked,
    Change,
    Defect,
    When,
    change_request,
    deviates,
    drop,
    failed,
    ignored,
    on_calls,
    on_choices,
    refuse,
)

Members = dict[str, Any]

CHOICES = ("absent", "null", "none", "auto", "required", "named")


def cells(tools: str, *choices: str) -> tuple[str, ...]:
    """Return the checks of some cells of a row."""
    return tuple(f"tools.table-{tools}-{choice}" for choice in choices)


def _tools(asked: Asked) -> list[Members]:
    return asked.parameters.get("tools") or []


def _asks(test: Any) -> When:
    return lambda asked: asked.is_chat and bool(test(asked, asked.parameters))


def _choice(value: object) -> When:
    return _asks(lambda _, body: body.get("tool_choice", ...) == value)


def _named(kind: str, name: str = "") -> When:
    """Requests with a choice of some type, and of some name."""

    def names(asked: Asked, body: Members) -> bool:
        choice = body.get("tool_choice")
        return isinstance(choice, dict) and choice["type"] == kind and name in str(choice)

    return _asks(names)


def _leave(choice: str, when: When) -> Change:
    return change_request(lambda data: data.update(tool_choice=choice), when=when)


def _offers(name: str) -> When:
    return lambda asked: any(name in str(tool) for tool in _tools(asked))


def _one(data: Members) -> None:
    del data["tools"][1:]


def _first_eight(data: Members) -> None:
    del data["tools"][8:]


def _invented(choice: Members) -> None:
    function = {"name": "get_weather", "arguments": "{}"}
    calls = [{"id": "call_0", "type": "function", "function": function}]
    choice["message"].update(content=None, tool_calls=calls)
    choice["finish_reason"] = "tool_calls"


def _unprompted(asked: Asked) -> bool:
    body = asked.parameters
    alone = asked.is_chat and not asked.streams and "tools" not in body
    return alone and "functions" not in body and "Call get_weather" in str(body.get("messages"))


DEFECTS = [
    Defect(
        id="table-null-choice",
        title="A tool_choice that is null makes the server fail.",
        change=fail("NoneType has no attribute", when=_choice(None)),
        turns=deviates(
            *(cell for tools in ("absent", "empty", "one", "many") for cell in cells(tools, "null"))
        ),
    ),
    Defect(
        id="table-invented-call",
        title="Without tools the model's text is read as a call.",
        change=on_choices(_invented, when=_unprompted),
        turns=ignored(*cells("absent", "absent", "null", "none")) | failed("tools.call-name"),
    ),
    Defect(
        id="table-auto-refused",
        title="tool_choice auto is refused, and nothing is taken for it.",
        change=refuse('"auto" tool choice requires a parser', when=_choice("auto")),
        turns=failed(*cells("one", "auto"), *cells("many", "auto")),
        leaves=frozenset({"tools.each-counted"}),
        row="C163",
        issues=("hidenobunagai/nvidia-nim-provider#2",),
    ),
    Defect(
        id="table-named-text",
        title="A named choice of get_weather gives a text.",
        change=_leave("none", _named("function", "get_weather")),
        turns=ignored(*cells("one", "named"), *cells("many", "named")),
    ),
    Defect(
        id="table-named-other",
        title="A named choice of the first of two tools calls the other.",
        change=on_calls(
            lambda call: call["function"].update(name="get_time"),
            when=lambda asked: len(_tools(asked)) == 2 and _named("function", "get_w")(asked),
        ),
        turns=ignored(*cells("many", "named")),
    ),
    Defect(
        id="table-one-of-two",
        title="Only the first tool reaches the model.",
        change=change_request(
            _one, when=lambda asked: _choice("auto")(asked) and len(_tools(asked)) == 2
        ),
        turns=ignored("tools.each-counted"),
    ),
    Defect(
        id="table-strict",
        title="The arguments of a strict tool are free.",
        change=on_calls(
            lambda call: call["function"].update(arguments='{"colour": "green"}'),
            when=_offers("set_colour"),
        ),
        turns=ignored("tools.strict"),
    ),
    Defect(
        id="table-strict-refused",
        title="A strict tool is refused.",
        change=refuse(
            "tools.0.function.strict: extra fields not permitted", when=_offers("set_colour")
        ),
        lacks=frozenset({"tools.strict"}),
        row="C149",
        issues=("epam/ai-dial-adapter-bedrock#302",),
    ),
    Defect(
        id="table-parallel-off",
        title="parallel_tool_calls false has no effect.",
        change=drop("parallel_tool_calls"),
        turns=ignored("tools.parallel-off"),
        row="L061",
        issues=("lmstudio-ai/lmstudio-bug-tracker#1756",),
    ),
    Defect(
        id="table-most",
        title="Many tools make the server fail.",
        change=fail("the grammar is too large", when=lambda asked: len(_tools(asked)) > 100),
        turns=deviates("tools.most"),
    ),
    Defect(
        id="table-most-cut",
        title="Tools behind the eighth never reach the model.",
        change=change_request(_first_eight, when=lambda asked: len(_tools(asked)) > 100),
        turns=ignored("tools.most"),
    ),
    Defect(
        id="table-allowed",
        title="allowed_tools is ignored.",
        change=_leave("auto", _named("allowed_tools")),
        turns=ignored("tools.allowed"),
    ),
    Defect(
        id="table-custom",
        title="A custom tool makes the server fail.",
        change=fail("Unsupported tool type", when=_named("custom")),
        turns=deviates("tools.custom"),
    ),
    Defect(
        id="table-custom-dropped",
        title="A custom tool is left out.",
        change=drop("tools", "tool_choice", when=_named("custom")),
        turns=ignored("tools.custom"),
    ),
]
