"""Checks of messages: roles, parts, history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import accepted, no_effect, prompt_tokens, refused, wrong
from pytest_byom.conformance.check import check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.finding import Wrong

SEPARATORS = 2
"""Tokens that a template may put around a content part."""


@check(
    "messages.system",
    level="must",
    decides=["msg-02"],
    asks=["messages/system"],
    breaks="nearly every app starts with a system message",
)
def test_system(byom_ask: Ask) -> Iterator[Wrong]:
    """A system message before the user message is accepted."""
    yield from accepted(byom_ask("messages/system"))


@check(
    "messages.developer",
    level="should",
    decides=["msg-03"],
    asks=["messages/developer"],
    breaks="LangChain and the Vercel AI SDK send developer in place of system for newer models",
)
def test_developer(byom_ask: Ask) -> Iterator[Wrong]:
    """A developer message is accepted."""
    yield from accepted(byom_ask("messages/developer"))


@check(
    "messages.instructions-count",
    level="should",
    decides=["msg-39"],
    asks=["messages/system", "messages/developer", "chat/plain"],
    breaks="instructions that never reach the model",
)
def test_instructions_count(byom_ask: Ask) -> Iterator[Wrong]:
    """prompt_tokens changes with a system or a developer message.

    It may fall: chat templates of some models have words of their own for where none is given.
    """
    without = prompt_tokens(byom_ask("chat/plain"))
    for id in ("messages/system", "messages/developer"):
        exchange = byom_ask(id).answered()
        if exchange.status == 200 and (count := prompt_tokens(exchange)) == without:
            place, expected = "usage.prompt_tokens", f"another number than {without}, as without it"
            yield no_effect(exchange, place, expected=expected, got=count)


@check(
    "messages.history",
    level="must",
    decides=["msg-04"],
    asks=["messages/history"],
    breaks="every chat has a second turn",
)
def test_history(byom_ask: Ask) -> Iterator[Wrong]:
    """A prior assistant message with string content is accepted."""
    yield from accepted(byom_ask("messages/history"))


@check(
    "messages.history-counts",
    level="should",
    decides=["msg-39"],
    asks=["messages/history", "chat/plain"],
    breaks="the model forgets what was said",
)
def test_history_counts(byom_ask: Ask) -> Iterator[Wrong]:
    """prompt_tokens grows when messages are added."""
    without = prompt_tokens(byom_ask("chat/plain"))
    exchange = byom_ask("messages/history")
    if (count := prompt_tokens(exchange)) <= without:
        place, expected = "usage.prompt_tokens", f"more than {without}, as without the history"
        yield no_effect(exchange, place, expected=expected, got=count)


@check(
    "messages.text-part",
    level="must",
    decides=["msg-05"],
    asks=["messages/text-part"],
    breaks="LangChain and the Vercel AI SDK send parts",
)
def test_text_part(byom_ask: Ask) -> Iterator[Wrong]:
    """User content as an array with one text part is accepted."""
    yield from accepted(byom_ask("messages/text-part"))


@check(
    "messages.part-is-text",
    level="should",
    decides=["msg-07"],
    asks=["messages/text-part", "chat/plain"],
    breaks="a part that is dropped, or printed as JSON, changes what the model reads",
)
def test_part_is_text(byom_ask: Ask) -> Iterator[Wrong]:
    """One text part and the same string give the same prompt."""
    plain = prompt_tokens(byom_ask("chat/plain"))
    exchange = byom_ask("messages/text-part")
    count = prompt_tokens(exchange)
    if abs(count - plain) > SEPARATORS:
        expected = f"{plain}, as for the string"
        yield wrong(exchange, "usage.prompt_tokens", expected=expected, got=count)


@check(
    "messages.unknown-role",
    level="should",
    decides=["msg-09"],
    asks=["messages/unknown-role"],
    breaks="a typing error in a role turns into a prompt that nobody sees",
)
def test_unknown_role(byom_ask: Ask) -> Iterator[Wrong]:
    """An unknown role is refused."""
    yield from refused(byom_ask("messages/unknown-role"))


@check(
    "messages.role-required",
    level="must",
    decides=["msg-10"],
    asks=["messages/missing-role"],
    breaks="a message that nobody said",
)
def test_role_required(byom_ask: Ask) -> Iterator[Wrong]:
    """A message without a role is refused."""
    yield from refused(byom_ask("messages/missing-role"))


@check(
    "messages.tool-history",
    level="must",
    decides=["msg-16"],
    needs=["tools"],
    asks=["messages/tool-history"],
    breaks="LangChain and the Vercel AI SDK send content null with a tool call: agents stop at "
    "their second step",
)
def test_tool_history(byom_ask: Ask) -> Iterator[Wrong]:
    """An assistant message with tool calls and content null is accepted, with its tool message."""
    yield from accepted(byom_ask("messages/tool-history"))


@check(
    "messages.own-answer",
    level="must",
    decides=["msg-19"],
    asks=["chat/plain", "messages/own-answer"],
    breaks="openai-python and openai-node users append response.choices[0].message to the history",
)
def test_own_answer(byom_ask: Ask) -> Iterator[Wrong]:
    """The message of an answer can be sent back unchanged as history."""
    yield from accepted(byom_ask("messages/own-answer"))


@check(
    "messages.own-call",
    level="must",
    decides=["msg-19", "tool-30"],
    needs=["tools"],
    asks=["tools/required", "tools/own-call"],
    breaks="agents send the model's call back with its result",
)
def test_own_call(byom_ask: Ask) -> Iterator[Wrong]:
    """The server's own tool call can be sent back unchanged, with its result."""
    yield from accepted(byom_ask("tools/own-call"))
