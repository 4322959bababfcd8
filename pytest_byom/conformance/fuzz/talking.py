"""A conversation with tools, step by step, in which the server's own messages are sent back.

start ──say──> text ──say──> text …
  │             │
  └────call─────┴──> calls ──(their results)──> text …

`broken` sends a request that has to be refused, wherever the conversation is, and changes nothing:
what comes after it must go on as if it had not been.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pytest_byom.client.assemble import Assembler
from pytest_byom.conformance.answers import status_wrong
from pytest_byom.conformance.finding import Inconclusive, Unsupported, Wrong
from pytest_byom.conformance.fuzz.making import make_broken, make_valid
from pytest_byom.conformance.views import ChunkStream

if TYPE_CHECKING:
    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.contract import Contract

Message = dict[str, Any]
Step = tuple[str, str, bool]
Judge = Callable[["Exchange"], Iterable[Wrong]]

TOOL = {
    "type": "function",
    "function": {
        "name": "get_time",
        "description": "Tell the time in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
LIMIT = 64
"""Tokens of an answer: enough for a call."""

NARRATOR = {"role": "narrator", "content": "Say ok."}


class Talk:
    """One conversation: its messages, and the calls that wait for their results."""

    def __init__(self, ask: Callable[[Contract], Exchange], *, valid: Judge, broken: Judge) -> None:
        self._ask = ask
        self._valid = valid
        self._broken = broken
        self._messages: list[Message] = []
        self._pending: list[Message] = []

    def run(self, steps: Iterable[Step]) -> Iterator[tuple[Exchange, Wrong]]:
        """Yield what goes wrong, with the exchange; the conversation ends there.

        Raises Unsupported or Inconclusive where it cannot go on.
        """
        for kind, text, streams in [*steps, ("end", "", False)]:
            if kind == "broken":
                found = list(self._break())
            else:
                found = list(self._go_on(kind, text, streams))
            if found:
                yield from found
                return

    def _break(self) -> Iterator[tuple[Exchange, Wrong]]:
        body = self._body([*self._messages, NARRATOR])
        exchange = self._ask(make_broken(body, "an unknown role"))
        yield from ((exchange, wrong) for wrong in self._broken(exchange))

    def _go_on(self, kind: str, text: str, streams: bool) -> Iterator[tuple[Exchange, Wrong]]:
        if self._pending:
            results, self._pending = self._pending, []
            if found := list(self._say([*self._messages, *results], "none", streams)):
                yield from found
                return
        if kind != "end":
            asked = {"role": "user", "content": text}
            choice = "required" if kind == "call" else "none"
            yield from self._say([*self._messages, asked], choice, streams)

    def _say(
        self, messages: list[Message], choice: str, streams: bool
    ) -> Iterator[tuple[Exchange, Wrong]]:
        body = (
            self._body(messages) | {"tool_choice": choice} | ({"stream": True} if streams else {})
        )
        exchange = self._ask(make_valid(body))
        try:
            found = list(self._valid(exchange))
        except Unsupported:
            if not self._messages:
                raise
            found = [status_wrong(exchange, "200, as to the turns before")]
        yield from ((exchange, wrong) for wrong in found)
        if not found:
            message = message_of(exchange)
            self._messages = [*messages, message]
            self._pending = [_result(call) for call in message.get("tool_calls") or ()]

    def _body(self, messages: list[Message]) -> dict[str, Any]:
        return {"messages": messages, "tools": [TOOL], "max_tokens": LIMIT}


def _result(call: Any) -> Message:
    return {"role": "tool", "tool_call_id": call["id"], "content": '{"time": "12:00"}'}


def message_of(exchange: Exchange) -> Message:
    """Return the message of an answer as a client sends it back; Inconclusive if it cannot.

    That of a stream is put together from its deltas.
    """
    if not exchange.contract.asks_stream:
        message = dict(exchange.message)
    else:
        assembler = Assembler()
        for chunk in ChunkStream.expect(exchange).chunks:
            assembler.feed(chunk.data)
        choices = assembler.close().choices
        message = dict(choices[0].message) if choices else {}
    calls = message.get("tool_calls") or []
    if not message.get("content") and not calls:
        raise Inconclusive(f"the answer to {exchange.contract.id} says nothing that can go back")
    if not all(isinstance(c, dict) and isinstance(c.get("id"), str) for c in calls):
        raise Inconclusive(f"a call of {exchange.contract.id} has no id to be answered by")
    if not all(_is_whole(call) for call in calls):
        raise Inconclusive(f"the token limit cut a call of {exchange.contract.id}")
    return message


def _is_whole(call: dict[str, Any]) -> bool:
    function = call.get("function")
    try:
        return isinstance(function, dict) and isinstance(json.loads(function["arguments"]), dict)
    except (KeyError, TypeError, ValueError, RecursionError):
        return False
