"""Checks of the forms that messages may have: members, null, order, calls and results.

The first ones ask for several forms in one conversation; of the rest each asks for one of them, so
that the full profile tells which one a server does not take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import accepted, below_500
from pytest_byom.conformance.cells import Cell, make_checks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.conformance.finding import Wrong

TWICE = "openai-python and openai-node repeat a 5xx twice: "
DUMPED = "openai-python's model_dump() writes the empty members of a message as null"
CREWS = "agents with several speakers send such a history"

ACCEPTED = (
    Cell(
        id="messages.parts",
        contract="messages/parts",
        sentence="Content as text parts is accepted in the system, user and assistant messages.",
        decides=("msg-08",),
        breaks="LangChain and prompt caches write parts into every message, not the user's only",
    ),
    Cell(
        id="messages.optional-members",
        contract="messages/optional-members",
        sentence="Names are accepted, and refusal, audio, function_call and tool_calls as null.",
        decides=("msg-20", "msg-23"),
        breaks=DUMPED,
    ),
    Cell(
        id="messages.call-without-content",
        contract="messages/call-without-content",
        sentence="An assistant message with tool calls and no content member is accepted.",
        decides=("msg-17",),
        level="must",
        needs=("tools",),
        breaks="SDKs leave out what is null: agents stop at their second step",
    ),
    Cell(
        id="messages.call-forms",
        contract="messages/call-forms",
        sentence="Calls beside an empty content, with results in another order, are accepted.",
        decides=("msg-18", "msg-27", "msg-08"),
        needs=("tools",),
        breaks="results come in the order in which tools end, and the Vercel AI SDK sends content "
        '"" with a call',
    ),
    Cell(
        id="messages.two-users",
        contract="messages/two-users",
        sentence="Two user messages in a row are accepted.",
        decides=("msg-28",),
        breaks="apps that add documents or reminders as messages of their own cannot use the model",
    ),
    Cell(
        id="messages.system-parts",
        contract="messages/system-parts",
        sentence="A system message as a text part is accepted.",
        decides=("msg-08",),
        breaks="prompt caches mark a part of the system message",
    ),
    Cell(
        id="messages.assistant-parts",
        contract="messages/assistant-parts",
        sentence="An assistant message as a text part is accepted.",
        decides=("msg-08",),
        breaks="LangChain sends an answer back as parts",
    ),
    Cell(
        id="messages.tool-parts",
        contract="messages/tool-parts",
        sentence="A tool message as a text part is accepted.",
        decides=("msg-08",),
        needs=("tools",),
        breaks="tools of MCP servers give parts",
    ),
    Cell(
        id="messages.names",
        contract="messages/names",
        sentence="name is accepted on system, user and assistant messages.",
        decides=("msg-23",),
        breaks=CREWS,
    ),
    Cell(
        id="messages.null-refusal",
        contract="messages/null-refusal",
        sentence="refusal null is accepted in the history.",
        decides=("msg-20",),
        breaks=DUMPED,
    ),
    Cell(
        id="messages.null-audio",
        contract="messages/null-audio",
        sentence="audio null is accepted in the history.",
        decides=("msg-20",),
        breaks=DUMPED,
    ),
    Cell(
        id="messages.null-function-call",
        contract="messages/null-function-call",
        sentence="function_call null is accepted in the history.",
        decides=("msg-20",),
        breaks=DUMPED,
    ),
    Cell(
        id="messages.null-tool-calls",
        contract="messages/null-tool-calls",
        sentence="tool_calls null is accepted in the history.",
        decides=("msg-20",),
        breaks=DUMPED,
    ),
    Cell(
        id="messages.call-empty-content",
        contract="messages/call-empty-content",
        sentence='An assistant message with tool calls and content "" is accepted.',
        decides=("msg-18",),
        needs=("tools",),
        breaks='the Vercel AI SDK sends content "" with a call',
    ),
    Cell(
        id="messages.results-reversed",
        contract="messages/results-reversed",
        sentence="Tool messages may come in another order than the calls.",
        decides=("msg-27",),
        needs=("tools",),
        breaks="results come in the order in which tools end",
    ),
    Cell(
        id="messages.hundred",
        contract="messages/hundred",
        sentence="One hundred messages before the last one are accepted.",
        decides=("msg-37",),
        breaks="a long chat ends with an error",
    ),
)
"""What any server has to take."""

BELOW_500 = (
    Cell(
        id="messages.any-order",
        contract="messages/any-order",
        sentence="The assistant first and last, and system messages in between, are no failure.",
        decides=("msg-29", "msg-30"),
        breaks=TWICE + "histories that were cut at the front begin with the assistant",
    ),
    Cell(
        id="messages.odd-members",
        contract="messages/odd-members",
        sentence="Unknown members, no calls, reasoning and a refusal part are no failure.",
        decides=("msg-21", "msg-22", "msg-32", "msg-38"),
        breaks=TWICE + "a history that another server made triples the load",
    ),
    Cell(
        id="messages.result-without-id",
        contract="messages/result-without-id",
        sentence="A tool message without tool_call_id is accepted or refused.",
        decides=("msg-24",),
        level="must",
        needs=("tools",),
        breaks=TWICE + "a forgotten id triples the load",
    ),
    Cell(
        id="messages.result-alone",
        contract="messages/result-alone",
        sentence="A tool message that follows no tool call is accepted or refused.",
        decides=("msg-25",),
        needs=("tools",),
        breaks=TWICE + "histories that were cut at the front begin with a result",
    ),
    Cell(
        id="messages.unanswered-call",
        contract="messages/unanswered-call",
        sentence="A tool call that is left unanswered is accepted or refused.",
        decides=("msg-26",),
        needs=("tools",),
        breaks=TWICE + "a user who breaks in while a tool runs triples the load",
    ),
    Cell(
        id="messages.null-name",
        contract="messages/null-name",
        sentence="name null in the history is accepted or refused.",
        decides=("msg-20",),
        breaks=TWICE + "apps that dump a message of their own classes write it",
    ),
    Cell(
        id="messages.no-calls",
        contract="messages/no-calls",
        sentence="An empty tool_calls array in the history is accepted or refused.",
        decides=("msg-21",),
        breaks=TWICE + "many clients write an empty list in place of none",
    ),
    Cell(
        id="messages.refusal-text",
        contract="messages/refusal-text",
        sentence="A history message with the member refusal is accepted or refused.",
        decides=("msg-32",),
        breaks=TWICE + "a refusal ends the chat",
    ),
    Cell(
        id="messages.refusal-part",
        contract="messages/refusal-part",
        sentence="A history message with a refusal part is accepted or refused.",
        decides=("msg-32",),
        breaks=TWICE + "a refusal ends the chat",
    ),
    Cell(
        id="messages.extra-member",
        contract="messages/extra-member",
        sentence="An unknown member inside a message is ignored or refused.",
        decides=("msg-38",),
        breaks=TWICE + "apps keep times and ids in their messages",
    ),
    Cell(
        id="messages.assistant-first",
        contract="messages/assistant-first",
        sentence="An assistant message as the first one is accepted or refused.",
        decides=("msg-29",),
        breaks=TWICE + "histories that were cut at the front begin with the assistant",
    ),
    Cell(
        id="messages.assistant-last",
        contract="messages/assistant-last",
        sentence="An assistant message as the last one is accepted or refused.",
        decides=("msg-29",),
        breaks=TWICE + "apps begin the answer themselves",
    ),
    Cell(
        id="messages.system-between",
        contract="messages/system-between",
        sentence="A system message in the middle is accepted or refused.",
        decides=("msg-30",),
        breaks=TWICE + CREWS,
    ),
    Cell(
        id="messages.two-systems",
        contract="messages/two-systems",
        sentence="Two system messages in a row are accepted or refused.",
        decides=("msg-30",),
        breaks=TWICE + "an app and its framework write one each",
    ),
    Cell(
        id="messages.system-only",
        contract="messages/system-only",
        sentence="A conversation of only a system message is answered or refused.",
        decides=("msg-31",),
        breaks=TWICE + "apps that write the whole prompt into it triple the load",
    ),
)
"""What a server may refuse, and must not fail on."""


def _taken(exchange: Exchange) -> Iterator[Wrong]:
    """Yield what is wrong if the server failed; a refusal says that it lacks this."""
    yield from below_500(exchange)
    if exchange.is_refused:
        exchange.supported()


THOUGHTS = tuple(
    Cell(
        id=f"messages.{name.replace('_', '-')}",
        contract=f"messages/{name.replace('_', '-')}",
        sentence=f"{name} in an assistant history message is accepted, and ignored or used.",
        decides=("msg-22",),
        breaks="the Vercel AI SDK sends the reasoning back with each turn",
    )
    for name in ("reasoning_content", "reasoning")
)

globals().update(make_checks(__name__, ACCEPTED, accepted))
globals().update(make_checks(__name__, BELOW_500, below_500))
globals().update(make_checks(__name__, THOUGHTS, _taken))
