"""Defects of one value of many, which only requests drawn at random meet.

Their maps hold with fuzzing on. What was drawn is part of the traffic: where a rule is broken, or
a fault of the request answered with a 5xx, the rule turns too.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from defects.planting import (
    CHAT,
    Asked,
    Change,
    Defect,
    Stateful,
    When,
    answer_with,
    change_reply,
    deviates,
    drop,
    failed,
    has,
    refuse,
)
from defects.streaming import DONE, change_pieces
from pytest_byom.mock.http1 import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from defects.planting import Next
    from pytest_byom.mock.http1 import Request

FEW, MANY = 10, 20
"""Requests drawn for each check: what is rare takes more."""

MODEL = "byom-embedded"
UNREADABLE = (b"{'", b"model=", b"\x00", b"[[[", b"{}{")
JSON = (("content-type", "application/json"), ("x-request-id", "req_0"))
ERROR = {"message": "Internal error", "type": "server_error", "param": None, "code": None}


def _crash(when: When, status: int = 500) -> Change:
    return answer_with(status, {"error": ERROR}, when=when)


def _crash_late(when: When, status: int = 200) -> Change:
    """Fail when the answer is made: 200 is that to a good request, 400 that to a bad one."""
    crashed = Reply(500, JSON, json.dumps({"error": ERROR}).encode())
    return change_reply(lambda asked, reply: crashed, when=when, status=status)


def _texts(value: Any) -> Iterator[str]:
    """Yield every text inside of a value."""
    if isinstance(value, str):
        yield value
    members = value.values() if isinstance(value, dict) else value
    for entry in members if isinstance(value, dict | list) else ():
        yield from _texts(entry)


def _has_control_character(asked: Asked) -> bool:
    said = asked.parameters.get("messages") if "tool" not in asked.roles else None
    text = "".join(_texts(said))
    return any(unicodedata.category(c) == "Cc" and c != "\n" for c in text)


def _penalized(asked: Asked) -> bool:
    penalties = map(asked.parameters.get, ("frequency_penalty", "presence_penalty"))
    return has("user")(asked) and any(penalty not in (None, 0) for penalty in penalties)


def _described(asked: Asked) -> bool:
    tools = "".join(_texts(asked.parameters.get("tools")))
    return has("parallel_tool_calls")(asked) and not tools.isascii()


def _capital(asked: Asked) -> bool:
    form = asked.parameters.get("response_format")
    schema = form.get("json_schema") if isinstance(form, dict) else None
    inner = schema.get("schema") if isinstance(schema, dict) and "description" in schema else None
    return isinstance(inner, dict) and any(map(str.isupper, "".join(inner.get("properties", ()))))


def _went_on(asked: Asked) -> bool:
    return "tool" in asked.roles and asked.parameters.get("tool_choice") == "none"


def _lost_a_tool(asked: Asked) -> bool:
    offered = {name for tool in _entries(asked, "tools") if (name := _name_of(tool))}
    calls = [
        call for message in _entries(asked, "messages") for call in message.get("tool_calls") or ()
    ]
    return bool(offered) and any(_name_of(call) not in offered for call in calls)


def _entries(asked: Asked, name: str) -> list[dict[str, Any]]:
    found = asked.parameters.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _name_of(entry: Any) -> str:
    function = entry.get("function") if isinstance(entry, dict) else None
    return str(function.get("name", "")) if isinstance(function, dict) else ""


def _unreadable(asked: Asked) -> bool:
    body = asked.request.body
    return asked.path == CHAT and body.startswith(UNREADABLE)


def _named(asked: Asked) -> bool:
    return asked.is_chat and isinstance(asked.parameters.get("user"), str)


async def _take_it_all(request: Request, server: Next) -> Reply:
    """Answer what the server refuses as if nothing but a text had been sent, where a user is."""
    reply = await server(request)
    if reply.status != 400 or not has("user")(Asked(request)):
        return reply
    asked: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Hi"}]}
    asked |= {"stream": True} if Asked(request).streams else {}
    body = json.dumps(asked).encode()
    others = tuple(header for header in request.headers if header[0] != "content-length")
    headers = (*others, ("content-length", str(len(body))))
    return await server(replace(request, body=body, headers=headers))


def _die_of_a_body() -> Change:
    """Build a server that is gone for good after one body that is no JSON."""
    state = {"dead": False}

    async def change(request: Request, server: Next) -> Reply:
        state["dead"] = state["dead"] or _unreadable(Asked(request))
        return await _crash(lambda asked: state["dead"], 503)(request, server)

    return change


BROKEN = [
    f"fuzz.broken-{fault}" for fault in ("types", "ranges", "forms", "tools", "roles", "contents")
]
REQUESTS, STREAMS, MESSAGES = "fuzz.valid-requests", "fuzz.valid-streams", "fuzz.messages"

DEFECTS = [
    Defect(
        id="fuzz-control-character",
        title="A control character in a message gives a 500.",
        change=_crash_late(_has_control_character),
        turns=failed(REQUESTS, STREAMS, MESSAGES) | deviates("messages.control-characters"),
        fuzz=MANY,
    ),
    Defect(
        id="fuzz-stream-user",
        title="A stream for a named user ends without its end mark.",
        change=change_pieces(lambda events: [e for e in events if e != DONE], when=has("user")),
        turns=failed(STREAMS, "stream.done-marker"),
        fuzz=FEW,
    ),
    Defect(
        id="fuzz-penalty",
        title="A penalty other than 0 is refused for a named user.",
        change=refuse("penalties are not for users", when=_penalized),
        turns=failed("fuzz.parameters", REQUESTS, STREAMS),
        fuzz=MANY,
    ),
    Defect(
        id="fuzz-tool-description",
        title="A tool whose description is not ASCII is refused beside parallel_tool_calls.",
        change=refuse("description must be ASCII", when=_described),
        turns=failed("fuzz.tools"),
        fuzz=FEW,
    ),
    Defect(
        id="fuzz-schema-capital",
        title="A schema with a capital letter in the name of a member gives a 500.",
        change=_crash(_capital),
        turns=failed("fuzz.schemas"),
        fuzz=FEW,
    ),
    Defect(
        id="fuzz-schema-capital-ignored",
        title="A schema with a capital letter in the name of a member is ignored.",
        change=drop("response_format", when=_capital),
        turns=failed("fuzz.schemas"),
        fuzz=FEW,
    ),
    Defect(
        id="fuzz-result-none",
        title='After the result of a tool, tool_choice "none" is refused.',
        change=refuse("a tool was called", when=_went_on),
        turns=failed("fuzz.conversation"),
        fuzz=MANY,
    ),
    Defect(
        id="fuzz-withdrawn-tool",
        title="A history with a call of a tool that is not offered any more is refused.",
        change=refuse("no such tool", when=_lost_a_tool),
        turns=failed("fuzz.conversation", REQUESTS, STREAMS),
        fuzz=3 * MANY,
    ),
    Defect(
        id="fuzz-refusal-crashes",
        title="A request of a named user that has to be refused gives a 500.",
        change=_crash_late(_named, 400),
        turns=failed("fuzz.broken-requests", "errors.client-fault"),
        fuzz=FEW,
    ),
    Defect(
        id="fuzz-unchecked",
        title="A request of a named user is not looked at: whatever is wrong is left out.",
        change=_take_it_all,
        turns=deviates(*BROKEN),
        fuzz=FEW,
    ),
    Defect(
        id="fuzz-body-unreadable",
        title="A body that no JSON reader takes gives a 500.",
        change=_crash(_unreadable),
        turns=failed("fuzz.broken-bodies", "errors.client-fault"),
        fuzz=3 * MANY,
    ),
    Defect(
        id="fuzz-body-kills",
        title="After one body that is no JSON the server answers nobody any more.",
        change=Stateful(_die_of_a_body),
        turns=failed("fuzz.alive", "errors.client-fault"),
        fuzz=3 * MANY,
    ),
]
