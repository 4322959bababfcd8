"""Checks of messages by their tokens, and of the server's own messages sent back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import accepted, no_effect, prompt_tokens, wrong
from pytest_byom.conformance.cells import Cell, make_checks
from pytest_byom.conformance.check import check
from pytest_byom.conformance.checks.test_messages import SEPARATORS
from pytest_byom.conformance.checks.test_params import repeatable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.finding import Wrong

PROMPT = "usage.prompt_tokens"

AS_TEXT = {
    "messages/system-parts": "messages/system",
    "messages/assistant-parts": "messages/history",
    "messages/tool-parts": "messages/tool-history",
}
"""Conversations with a text part, and the same with a string."""

OWN = (
    Cell(
        id="messages.own-call-dumped",
        contract="messages/own-call-dumped",
        sentence="The server's own tool call can be sent back with its empty members as null.",
        decides=("msg-20",),
        needs=("tools", "tool_choice_required"),
        breaks="agents keep what openai-python's model_dump() gives them",
    ),
    Cell(
        id="messages.own-parallel",
        contract="messages/own-parallel",
        sentence="The server's own parallel calls can be sent back unchanged, with their results.",
        decides=("msg-19",),
        level="must",
        needs=("tools", "tool_choice_required"),
        breaks="agents send the model's calls back with their results",
    ),
    Cell(
        id="messages.own-object",
        contract="messages/own-object",
        sentence="The message of an answer in JSON can be sent back unchanged.",
        decides=("msg-19",),
        level="must",
        needs=("json_object",),
        breaks="openai-python and openai-node users append response.choices[0].message to the "
        "history",
    ),
)

globals().update(make_checks(__name__, OWN, accepted))


@check(
    "messages.two-parts",
    level="should",
    decides=["msg-06"],
    asks=["messages/two-parts", "chat/plain"],
    breaks="a question is answered without the document beside it",
)
def test_two_parts(byom_ask: Ask) -> Iterator[Wrong]:
    """Two text parts are accepted, and both count in prompt_tokens."""
    exchange = byom_ask("messages/two-parts")
    yield from accepted(exchange)
    without = prompt_tokens(byom_ask("chat/plain"))
    parts = exchange.request_json["messages"][0]["content"]
    words = sum(len(part["text"].split()) for part in parts)
    # A word is a token at the least; some room is left for tokens of several short words.
    if exchange.status == 200 and (count := prompt_tokens(exchange)) < without + words * 3 // 4:
        expected = f"{words} more than {without}, one for each word"
        yield no_effect(exchange, PROMPT, expected=expected, got=count)


@check(
    "messages.parts-count",
    level="should",
    decides=["msg-39"],
    asks=["messages/parts", "messages/history", "messages/system", "chat/plain"],
    breaks="parts that are dropped in the history: the model forgets what was said",
)
def test_parts_count(byom_ask: Ask) -> Iterator[Wrong]:
    """A history in parts counts like one in strings, and a system message on top.

    What a system message adds is taken from another pair: it may replace one of the template's.
    """
    strings = prompt_tokens(byom_ask("messages/history"))
    system = prompt_tokens(byom_ask("messages/system")) - prompt_tokens(byom_ask("chat/plain"))
    exchange = byom_ask("messages/parts")
    if (count := prompt_tokens(exchange)) < strings + system - SEPARATORS:
        expected = f"{strings + system}, as for strings and a system message"
        yield no_effect(exchange, PROMPT, expected=expected, got=count)


@check(
    "messages.parts-are-text",
    level="should",
    decides=["msg-07"],
    needs=["tools"],
    asks=[*AS_TEXT, *AS_TEXT.values()],
    breaks="a part that is dropped, or printed as JSON, changes what the model reads",
)
def test_parts_are_text(byom_ask: Ask) -> Iterator[Wrong]:
    """One text part and the same string give the same prompt, whoever speaks."""
    for id, string in AS_TEXT.items():
        plain, exchange = prompt_tokens(byom_ask(string)), byom_ask(id)
        if abs((count := prompt_tokens(exchange)) - plain) > SEPARATORS:
            yield wrong(exchange, PROMPT, expected=f"{plain}, as for the string", got=count)


@check(
    "messages.result-counts",
    level="should",
    decides=["msg-39"],
    needs=["tools"],
    asks=["messages/long-result", "messages/tool-history"],
    breaks="the model answers without what the tool found",
)
def test_result_counts(byom_ask: Ask) -> Iterator[Wrong]:
    """prompt_tokens grows with the result of a tool."""
    short = prompt_tokens(byom_ask("messages/tool-history"))
    exchange = byom_ask("messages/long-result")
    if (count := prompt_tokens(exchange)) <= short + 20:
        expected = f"far more than {short}, for a result with 100 words more"
        yield no_effect(exchange, PROMPT, expected=expected, got=count)


@check(
    "messages.system-heard",
    level="should",
    decides=["msg-40"],
    asks=["messages/system-heard", "params/temperature-zero", "params/temperature-zero-again"],
    breaks="instructions that never reach the model",
)
def test_system_heard(byom_ask: Ask) -> Iterator[Wrong]:
    """A system message changes the answer: at temperature 0 it is not the same with one."""
    without = repeatable(byom_ask)
    exchange = byom_ask("messages/system-heard")
    yield from accepted(exchange)
    if exchange.status == 200 and exchange.content == without:
        expected = "another text than without the system message"
        yield no_effect(exchange, "content", expected=expected, got=without[:80])
