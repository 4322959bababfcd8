"""Checks of tools that few servers know: strict, allowed, custom; of many, and of one call only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import below_500, no_effect, prompt_tokens, wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.checks.test_tools import called_names, never_cut
from pytest_byom.conformance.exchange import dig
from pytest_byom.conformance.finding import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.finding import Wrong

PLACE = "message.tool_calls"


@check(
    "tools.strict",
    level="should",
    decides=["tool-12"],
    needs=["tools", "tool_choice_named"],
    asks=["tools/strict"],
    breaks="openai-python's pydantic_function_tool() promises arguments that its class takes",
)
def test_strict(byom_ask: Ask) -> Iterator[Wrong]:
    """The arguments of a strict tool satisfy its schema, or strict is refused."""
    import jsonschema

    exchange = byom_ask("tools/strict").supported()
    never_cut(exchange)
    schema = exchange.request_json["tools"][0]["function"]["parameters"]
    for call in exchange.tool_calls:
        text = dig(call, "function.arguments")
        try:
            jsonschema.validate(_json(text), schema)
        except jsonschema.ValidationError as error:
            expected = f"arguments by the schema ({error.message[:80]})"
            yield no_effect(exchange, PLACE, expected=expected, got=str(text)[:80])


def _json(text: object) -> object:
    """Return a text as JSON, or None."""
    try:
        return json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None


@check(
    "tools.parallel-off",
    level="should",
    decides=["tool-28"],
    needs=["tools", "tool_choice_required"],
    asks=["tools/parallel", "tools/parallel-off"],
    breaks="LangChain sends false where a tool must not run twice, such as a payment",
)
def test_parallel_off(byom_ask: Ask) -> Iterator[Wrong]:
    """parallel_tool_calls false gives at most one call."""
    exchange = byom_ask("tools/parallel-off").supported()
    if len(names := called_names(exchange)) > 1:
        got = f"{len(names)} calls"
        yield no_effect(exchange, PLACE, expected="at most one call", got=got)
    elif len(called_names(byom_ask("tools/parallel"))) < 2:
        raise Inconclusive("the model makes one call even where several are allowed")


@check(
    "tools.most",
    level="should",
    decides=["tool-36"],
    needs=["tools"],
    asks=["tools/most"],
    breaks="an agent with the tools of several MCP servers fails, or does not know the last ones",
)
def test_most(byom_ask: Ask) -> Iterator[Wrong]:
    """128 tools are accepted and reach the prompt, or are too long for the context."""
    exchange = byom_ask("tools/most")
    yield from below_500(exchange)
    tools = exchange.request_json["tools"]
    if exchange.status == 200 and (count := prompt_tokens(exchange)) < 2 * len(tools):
        expected = f"the tokens of {len(tools)} tools"
        yield no_effect(exchange, "usage.prompt_tokens", expected=expected, got=count)


@check(
    "tools.allowed",
    level="may",
    decides=["tool-37"],
    needs=["tools"],
    asks=["tools/allowed"],
    breaks="an agent that narrows its tools for one step gets a call of another one",
)
def test_allowed(byom_ask: Ask) -> Iterator[Wrong]:
    """tool_choice allowed_tools is obeyed or refused."""
    exchange = byom_ask("tools/allowed")
    yield from below_500(exchange)
    if exchange.status == 200 and set(names := called_names(exchange)) != {"get_time"}:
        never_cut(exchange)
        got = ", ".join(map(str, names)) or "no call"
        yield no_effect(exchange, PLACE, expected="a call of get_time", got=got)


@check(
    "tools.custom",
    level="may",
    decides=["tool-38"],
    needs=["tools"],
    asks=["tools/custom"],
    breaks="openai-python's types read custom.name and custom.input of such a call",
)
def test_custom(byom_ask: Ask) -> Iterator[Wrong]:
    """A custom tool gives a call with custom.name and custom.input, or is refused."""
    exchange = byom_ask("tools/custom")
    yield from below_500(exchange)
    if exchange.status != 200:
        return
    calls = exchange.message.get("tool_calls")
    if not isinstance(calls, list) or not calls:
        never_cut(exchange)
        yield no_effect(exchange, PLACE, expected="a call of run_code", got="no call")
        return
    for number, call in enumerate(calls):
        for name in ("custom.name", "custom.input"):
            if not isinstance(found := dig(call, name), str):
                place = f"choices.0.{PLACE}.{number}.{name}"
                yield wrong(exchange, place, expected="a string", got=repr(found))
