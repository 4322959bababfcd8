"""Checks of content: of another kind, empty, with odd characters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import (
    accepted,
    below_500,
    no_effect,
    prompt_tokens,
    refused,
    wrong,
)
from pytest_byom.conformance.cells import Cell, make_checks
from pytest_byom.conformance.check import check
from pytest_byom.conformance.finding import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.finding import Wrong

TWICE = "openai-python and openai-node repeat a 5xx twice: "
LOST = "the model answers a prompt that nobody wrote"

REFUSED = (
    Cell(
        id="messages.unknown-part",
        contract="messages/unknown-part",
        sentence="A content part of unknown type is refused.",
        decides=("msg-15",),
        breaks="a document that is dropped without a word is answered from imagination",
    ),
    Cell(
        id="messages.empty-parts",
        contract="messages/empty-parts",
        sentence="An empty content array is refused.",
        decides=("msg-13",),
        breaks=LOST,
    ),
    Cell(
        id="messages.content-number",
        contract="messages/content-number",
        sentence="A number for content is refused.",
        decides=("msg-14",),
        breaks=LOST,
    ),
    Cell(
        id="messages.content-true",
        contract="messages/content-true",
        sentence="A truth value for content is refused.",
        decides=("msg-14",),
        breaks=LOST,
    ),
    Cell(
        id="messages.content-object",
        contract="messages/content-object",
        sentence="An object for content is refused.",
        decides=("msg-14",),
        breaks=LOST,
    ),
)
"""What no server can make sense of."""

BELOW_500 = (
    Cell(
        id="messages.broken-unicode",
        contract="messages/broken-unicode",
        sentence="Control characters and half a surrogate pair are accepted or refused.",
        decides=("msg-33", "msg-34"),
        breaks=TWICE + "text that was cut inside an emoji triples the load",
    ),
    Cell(
        id="messages.control-characters",
        contract="messages/control-characters",
        sentence="NUL, other control characters and noncharacters are accepted or refused.",
        decides=("msg-33",),
        breaks=TWICE + "text out of PDF files has such characters",
    ),
    Cell(
        id="messages.lone-surrogate",
        contract="messages/lone-surrogate",
        sentence="An unpaired surrogate escape is accepted or refused.",
        decides=("msg-34",),
        breaks=TWICE + "text that was cut inside an emoji triples the load",
    ),
    Cell(
        id="messages.no-content",
        contract="messages/no-content",
        sentence="A user message without content is refused, or taken for an empty one.",
        decides=("msg-11",),
        breaks=TWICE + "a forgotten content triples the load",
    ),
    Cell(
        id="messages.null-content",
        contract="messages/null-content",
        sentence="A user message with content null is refused, or taken for an empty one.",
        decides=("msg-11",),
        breaks=TWICE + "a forgotten content triples the load",
    ),
    Cell(
        id="messages.empty-content",
        contract="messages/empty-content",
        sentence="An empty content string is accepted, or refused.",
        decides=("msg-12",),
        breaks=TWICE + "a user who sends nothing triples the load",
    ),
)
"""What a server may refuse, and must not fail on."""

globals().update(make_checks(__name__, REFUSED, refused))
globals().update(make_checks(__name__, BELOW_500, below_500))


@check(
    "messages.template-text",
    level="should",
    decides=["msg-36"],
    asks=["messages/template-text", "chat/plain"],
    breaks="a text about chat templates cannot be asked about",
)
def test_template_text(byom_ask: Ask) -> Iterator[Wrong]:
    """Control strings of chat templates inside the user's text are accepted, and counted."""
    exchange = byom_ask("messages/template-text")
    yield from accepted(exchange)
    without = prompt_tokens(byom_ask("chat/plain"))
    if exchange.status == 200 and (count := prompt_tokens(exchange)) <= without:
        place, expected = "usage.prompt_tokens", f"more than {without}, as without them"
        yield no_effect(exchange, place, expected=expected, got=count)


@check(
    "messages.echo",
    level="should",
    decides=["msg-35"],
    needs=["json_schema"],
    asks=["messages/echo", "http/unicode"],
    breaks="names in other scripts come back broken",
)
def test_echo(byom_ask: Ask) -> Iterator[Wrong]:
    """Emoji, combining marks, right-to-left text and CJK are accepted, and can be answered."""
    yield from accepted(byom_ask("http/unicode"))
    exchange = byom_ask("messages/echo")
    yield from accepted(exchange)
    if exchange.status != 200:
        return
    schema = exchange.request_json["response_format"]["json_schema"]["schema"]
    (text,) = schema["properties"]["text"]["enum"]
    if exchange.finish_reason == "length":
        raise Inconclusive("the token limit cut the text")
    if _text_member(exchange.content) != text:
        got = exchange.content[:80]
        yield wrong(exchange, "content", expected=f"an object whose text is {text!r}", got=got)


def _text_member(content: str) -> object:
    """Return the member text of an answer, or None."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found.get("text") if isinstance(found, dict) else None
