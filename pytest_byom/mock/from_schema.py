"""Replies made from the schema in the request, so that an app's own tools run and then stop.

A tool is called while the last message is the user's, or where the request demands a call; after
the results of tools comes the answer: what `response_format` asks for, else a sentence.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from pytest_byom.mock.embedded.chat_request import read_chat_request
from pytest_byom.mock.embedded.errors import ApiError
from pytest_byom.mock.embedded.generation import write_formatted
from pytest_byom.mock.embedded.tool_calls import plan_calls
from pytest_byom.mock.replies import Reply, ScriptedCall

if TYPE_CHECKING:
    from pytest_byom.mock.asked import AskedRequest
    from pytest_byom.mock.embedded.chat_request import ChatRequest

SENTENCE = "Done."


def make_from_schema(said: Reply, asked: AskedRequest, request: ChatRequest | None) -> Reply:
    """Fill a reply with what the request's schema asks for. Raises ApiError if it cannot be."""
    spoken = said if said.content is not None else dataclasses.replace(said, content=SENTENCE)
    request = request or _read_again(asked)
    if request is None:
        return spoken
    toolbox = request.toolbox
    fresh = request.turns[-1].role == "user"
    if toolbox.tools and (fresh or toolbox.mode in ("required", "named")):
        if toolbox.mode == "auto":
            toolbox = dataclasses.replace(toolbox, mode="required")
        planned = plan_calls(toolbox, request.turns, seed=0)
        calls = tuple(ScriptedCall(one.name, one.arguments) for one in planned)
        return dataclasses.replace(said, tool_calls=calls)
    if request.format.kind != "text":
        return dataclasses.replace(said, content=write_formatted(request, 0))
    return spoken


def _read_again(asked: AskedRequest) -> ChatRequest | None:
    """Read a request that nobody has checked; None for a fault that this server does not mind."""
    try:
        return read_chat_request(asked.members, (asked.model,))
    except ApiError:
        return None
