"""The table of tools and tool_choice, a check for each cell.

Where OpenAI itself refuses, or its reference is silent (a choice without tools, an empty list of
tools, a choice that is null), a server may do either: it must not fail, nor call what it was not
given. Everywhere else the choice has to be obeyed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import accepted, below_500, no_effect, prompt_tokens
from pytest_byom.conformance.cells import Cell, make_checks
from pytest_byom.conformance.check import check
from pytest_byom.conformance.checks.test_tools import called_names, never_cut
from pytest_byom.conformance.exchange import dig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.conformance.finding import Wrong

PLACE = "message.tool_calls"
TWICE = "openai-python and openai-node repeat a 5xx twice: "

TOOLS = {
    "absent": "No tools",
    "empty": "An empty list of tools",
    "one": "One tool",
    "many": "Two tools",
}
CHOICES = {
    "absent": ("no tool_choice", ("tool-01",), "no agent works"),
    "null": ("tool_choice null", ("tool-22",), TWICE + "apps dump an unset choice as null"),
    "none": (
        'tool_choice "none"',
        ("tool-16",),
        "an agent that wants its final text gets another call, and loops",
    ),
    "auto": ('tool_choice "auto"', ("tool-17",), "LangChain and the Vercel AI SDK send it"),
    "required": (
        'tool_choice "required"',
        ("tool-18",),
        "LangChain's bind_tools(tool_choice='any') waits for a call",
    ),
    "named": (
        "a tool_choice that names a tool",
        ("tool-19",),
        "LangChain's with_structured_output(method='function_calling') names its function",
    ),
}
"""For each choice: its words, the statement about it where there are tools, and what breaks."""

FORCED = ("required", "named")


def _cell(tools: str, choice: str) -> Cell:
    said, decides, breaks = CHOICES[choice]
    offered = tools in ("one", "many")
    if not offered:
        decides = ("tool-23",) if tools == "empty" else ("tool-21",)
        breaks = TWICE + "an agent that has run out of tools triples the load"
    effect = "are taken or refused" if _is_open(tools, choice) else EFFECTS[choice]
    must = offered and choice in ("absent", "none", "auto")
    needs = ("tools", *((f"tool_choice_{choice}",) if choice in FORCED else ()))
    return Cell(
        id=f"tools.table-{tools}-{choice}",
        contract=f"tools/table-{tools}-{choice}",
        sentence=f"{TOOLS[tools]} and {said} {effect}.",
        decides=decides,
        level="must" if must else "should",
        needs=needs if offered else (),
        breaks=breaks,
    )


EFFECTS = {
    "absent": "are accepted",
    "none": "give no call",
    "auto": "are accepted",
    "required": "give a call",
    "named": "give a call of that tool",
}


def _is_open(tools: str, choice: str) -> bool:
    return tools in ("absent", "empty") or choice == "null"


def _obeyed(exchange: Exchange) -> Iterator[Wrong]:
    """Yield what is wrong with the status of one cell, and with its calls."""
    body = exchange.request_json
    is_open = exchange.contract.kind == "open"
    yield from below_500(exchange) if is_open else accepted(exchange)
    if exchange.status != 200:
        return
    names, choice = called_names(exchange), body.get("tool_choice")
    if choice == "none" or not body.get("tools"):
        if names:
            yield no_effect(exchange, PLACE, expected="no call", got=_listed(names))
        return
    forced = choice == "required" or isinstance(choice, dict)
    if forced and not names:
        never_cut(exchange)
        yield no_effect(exchange, PLACE, expected="a call", got="no call")
    wanted = dig(choice, "function.name")
    if wanted and (others := [name for name in names if name != wanted]):
        yield no_effect(exchange, PLACE, expected=f"a call of {wanted}", got=_listed(others))


def _listed(names: list[object]) -> str:
    return ", ".join(map(str, names))


CELLS = [_cell(tools, choice) for tools in TOOLS for choice in CHOICES]

globals().update(make_checks(__name__, CELLS, _obeyed))


@check(
    "tools.each-counted",
    level="should",
    decides=["tool-34"],
    needs=["tools"],
    asks=["tools/table-one-auto", "tools/table-many-auto"],
    breaks="a tool that does not reach the prompt is never called",
)
def test_each_counted(byom_ask: Ask) -> Iterator[Wrong]:
    """A second tool raises usage.prompt_tokens."""
    one = prompt_tokens(byom_ask("tools/table-one-auto"))
    exchange = byom_ask("tools/table-many-auto")
    if (count := prompt_tokens(exchange)) <= one:
        place, expected = "usage.prompt_tokens", f"more than {one}, as for the first tool alone"
        yield no_effect(exchange, place, expected=expected, got=count)
