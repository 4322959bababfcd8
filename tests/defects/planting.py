"""Wire defects: small changes to what goes into the embedded server, and to what comes out of it.

A `Change` takes a request and the rest of the way to the server, and gives the reply. It sees what
a real server sees: path, method, headers and parameters. It never knows which check is asking.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from pytest_byom.conformance.finding import Outcome
from pytest_byom.mock.http1 import Application, Headers, Reply, Request

Next = Callable[[Request], Awaitable[Reply]]
Change = Callable[[Request, Next], Awaitable[Reply]]

CHAT = "/v1/chat/completions"

PLANTED = "planted"
"""The words of an error that is meant to happen inside the server."""


@dataclass(frozen=True)
class Asked:
    """A request as a server reads it."""

    request: Request

    @property
    def method(self) -> str:
        """The method."""
        return self.request.method

    @property
    def path(self) -> str:
        """The path."""
        return self.request.path

    def header(self, name: str) -> str:
        """Return a header's value, empty if it is absent."""
        return self.request.header(name) or ""

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """The JSON object of the body; empty if there is none."""
        try:
            found = json.loads(self.request.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def is_chat(self) -> bool:
        """Whether this is a POST to the chat completions path."""
        return (self.method, self.path) == ("POST", CHAT)

    @property
    def streams(self) -> bool:
        """Whether a stream is asked for."""
        return self.is_chat and self.parameters.get("stream") is True

    @property
    def roles(self) -> list[str]:
        """The roles of the messages."""
        messages = self.parameters.get("messages")
        found = messages if isinstance(messages, list) else []
        return [message.get("role", "") for message in found if isinstance(message, dict)]


When = Callable[[Asked], bool]


def anything(asked: Asked) -> bool:
    """Every request."""
    return True


def chat(asked: Asked) -> bool:
    """A POST to the chat completions path."""
    return asked.is_chat


def plain(asked: Asked) -> bool:
    """A chat request for a plain answer."""
    return asked.is_chat and not asked.streams


def streams(asked: Asked) -> bool:
    """A chat request for a stream."""
    return asked.streams


def listing(asked: Asked) -> bool:
    """GET /models."""
    return (asked.method, asked.path) == ("GET", "/v1/models")


def has(*names: str) -> When:
    """Build the predicate for chat requests that have one of some parameters, even as null."""
    return lambda asked: asked.is_chat and any(name in asked.parameters for name in names)


def asks(*names: str) -> When:
    """Build the predicate for chat requests in which one of some parameters has a value."""
    return lambda asked: asked.is_chat and any(map(asked.parameters.get, names))


def reasons(asked: Asked) -> bool:
    """One request of many: what breaks its whole answer leaves the others to be judged."""
    return asked.is_chat and asked.parameters.get("reasoning_effort", 0) is None


def path_is(path: str) -> When:
    """Build the predicate for a path."""
    return lambda asked: asked.path == path


@dataclass(frozen=True, kw_only=True)
class Defect:
    """One thing that a server does wrong, and all that the suite says about it.

    `turns` maps check ids to outcomes that tell of the defect; `leaves` are the checks that become
    inconclusive, as what they judge is gone; `lacks` those that count as unsupported, since the
    server refuses what they need. `also` is what else changes, out of consequences.yaml. `full`
    says that only requests of the full profile meet it. Every other check stays as it is without
    the defect. `issues` are public reports of it, `row` their place in the catalogue they were
    collected in. With `open` the embedded server asks for no key; with `abuse` the checks that
    burden a server are made too, with `fuzz` those that draw requests, so many each.
    """

    id: str
    title: str
    change: Change
    turns: Mapping[str, Outcome] = field(default_factory=dict)
    leaves: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()
    also: Mapping[str, Outcome] = field(default_factory=dict)
    full: bool = False
    issues: tuple[str, ...] = ()
    row: str = ""
    open: bool = False
    abuse: bool = False
    fuzz: int = 0

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """The outcome of every check that it changes."""
        outcomes = dict.fromkeys(self.leaves, Outcome.INCONCLUSIVE)
        outcomes |= dict.fromkeys(self.lacks, Outcome.UNSUPPORTED)
        return outcomes | dict(self.also) | dict(self.turns)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One legal way of a server; `lacks` are checks that do not hold for such a server.

    `leaves` are those that have nothing to judge, as the server shows less than others.
    `issues` are reports of clients that minded, `row` their place in the catalogue.
    """

    id: str
    title: str
    change: Change
    leaves: frozenset[str] = frozenset()
    lacks: frozenset[str] = frozenset()
    issues: tuple[str, ...] = ()
    row: str = ""
    open: bool = False


def failed(*ids: str) -> dict[str, Outcome]:
    """Say that these checks fail."""
    return dict.fromkeys(ids, Outcome.FAILED)


def deviates(*ids: str) -> dict[str, Outcome]:
    """Say that these checks deviate."""
    return dict.fromkeys(ids, Outcome.DEVIATES)


def ignored(*ids: str) -> dict[str, Outcome]:
    """Say that these checks find a parameter ignored."""
    return dict.fromkeys(ids, Outcome.IGNORED)


class Defective:
    """An application with a change planted in front of it."""

    def __init__(self, application: Application, change: Change) -> None:
        self._application = application
        self._change = change.make() if isinstance(change, Stateful) else change

    async def __call__(self, request: Request) -> Reply:
        """Answer one request, with the defect."""
        return await self._change(request, self._application)


@dataclass(frozen=True)
class Stateful:
    """A change with a memory: each server gets one of its own."""

    make: Callable[[], Change]

    async def __call__(self, request: Request, server: Next) -> Reply:
        """Answer one request with a memory that is forgotten at once."""
        return await self.make()(request, server)


def both(first: Change, *others: Change) -> Change:
    """Plant several changes; the first is the one nearest to the client."""
    if not others:
        return first
    rest = both(*others)

    async def change(request: Request, server: Next) -> Reply:
        async def further(inner: Request) -> Reply:
            return await rest(inner, server)

        return await first(request, further)

    return change


def change_request(rewrite: Callable[[dict[str, Any]], Any], *, when: When = chat) -> Change:
    """Rewrite the parameters before the server reads them.

    `rewrite` changes the object in place, or returns another one.
    """

    async def change(request: Request, server: Next) -> Reply:
        asked = Asked(request)
        if when(asked) and asked.is_chat:
            data = dict(asked.parameters)
            new = rewrite(data)
            body = json.dumps(new if isinstance(new, dict) else data).encode()
            request = replace(request, body=body, headers=_with_length(request.headers, body))
        return await server(request)

    return change


def _with_length(headers: Headers, body: bytes) -> Headers:
    others = ((name, value) for name, value in headers if name != "content-length")
    return (*others, ("content-length", str(len(body))))


def drop(*names: str, when: When = chat) -> Change:
    """Ignore some parameters."""

    def rewrite(data: dict[str, Any]) -> None:
        for name in names:
            data.pop(name, None)

    return change_request(rewrite, when=when)


def answer_with(
    status: int, body: object, *, when: When, headers: Headers = (), stream: bool = False
) -> Change:
    """Answer such requests without asking the server; what is no text is sent as JSON."""
    text = body if isinstance(body, str) else json.dumps(body)
    media_type = "text/event-stream" if stream else "application/json"
    given = {name for name, _ in headers}
    usual = (("content-type", media_type), ("x-request-id", "req_0"), ("cache-control", "no-cache"))

    async def change(request: Request, server: Next) -> Reply:
        if not when(Asked(request)):
            return await server(request)
        rest = tuple((name, value) for name, value in usual if name not in given)
        return Reply(status, (*headers, *rest), text.encode())

    return change


def refuse(message: str, *, when: When, status: int = 400, **members: Any) -> Change:
    """Refuse such requests with OpenAI's error object, some of its members changed."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return answer_with(status, {"error": error | members}, when=when)


def change_reply(
    rewrite: Callable[[Asked, Reply], Reply], *, when: When = anything, status: int | None = None
) -> Change:
    """Change status, headers or a body that is bytes; `status` says which replies."""

    async def change(request: Request, server: Next) -> Reply:
        asked, reply = Asked(request), await server(request)
        if when(asked) and status in (None, reply.status):
            return rewrite(asked, reply)
        return reply

    return change


def change_status(status: int, *, when: When = anything, of: int | None = None) -> Change:
    """Give replies another status; `of` says which."""
    return change_reply(lambda _, reply: replace(reply, status=status), when=when, status=of)


def set_header(
    name: str, value: str | None, *, when: When = anything, status: int | None = None
) -> Change:
    """Set a header, or take it out with None."""

    def rewrite(_: Asked, reply: Reply) -> Reply:
        kept = tuple((key, text) for key, text in reply.headers if key.lower() != name)
        return replace(reply, headers=kept if value is None else (*kept, (name, value)))

    return change_reply(rewrite, when=when, status=status)


def change_bytes(
    rewrite: Callable[[bytes], bytes], *, when: When = plain, status: int | None = 200
) -> Change:
    """Change the body of plain replies as bytes."""

    def change(_: Asked, reply: Reply) -> Reply:
        return replace(reply, body=rewrite(whole(reply))) if whole(reply) else reply

    return change_reply(change, when=when, status=status)


def replace_body(body: bytes, *, when: When = plain, status: int | None = 200) -> Change:
    """Send another body."""
    return change_bytes(lambda _: body, when=when, status=status)


def whole(reply: Reply) -> bytes:
    """Return the body of a plain reply."""
    return reply.body if isinstance(reply.body, bytes) else b""


def change_json(
    rewrite: Callable[[Any], Any], *, when: When = plain, status: int | None = 200
) -> Change:
    """Change the JSON object of replies in place, or return what stands for it."""
    return change_asked_json(lambda _, data: rewrite(data), when=when, status=status)


def change_asked_json(
    rewrite: Callable[[Asked, Any], Any], *, when: When = plain, status: int | None = 200
) -> Change:
    """Change the JSON object of replies, with an eye on what was asked."""

    def change(asked: Asked, reply: Reply) -> Reply:
        if not whole(reply):
            return reply
        data = json.loads(whole(reply))
        new = rewrite(asked, data)
        return replace(reply, body=json.dumps(data if new is None else new).encode())

    return change_reply(change, when=when, status=status)


def change_error(rewrite: Callable[[dict[str, Any]], Any], *, when: When = anything) -> Change:
    """Change the body of every refusal in place, or return what stands for it."""

    def change(asked: Asked, reply: Reply) -> Reply:
        if reply.status < 400 or not whole(reply):
            return reply
        data = json.loads(whole(reply))
        new = rewrite(data)
        return replace(reply, body=json.dumps(data if new is None else new).encode())

    return change_reply(change, when=when)


def on_choices(rewrite: Callable[[dict[str, Any]], Any], *, when: When = plain) -> Change:
    """Change each choice of plain answers in place."""

    def change(data: dict[str, Any]) -> None:
        for choice in data["choices"]:
            rewrite(choice)

    return change_json(change, when=when)


def on_messages(rewrite: Callable[[dict[str, Any]], Any], *, when: When = plain) -> Change:
    """Change the message of each choice of plain answers in place."""
    return on_choices(lambda choice: rewrite(choice["message"]), when=when)


def on_calls(rewrite: Callable[[dict[str, Any]], Any], *, when: When = plain) -> Change:
    """Change each tool call of plain answers in place."""

    def change(message: dict[str, Any]) -> None:
        for call in message.get("tool_calls") or ():
            rewrite(call)

    return on_messages(change, when=when)
