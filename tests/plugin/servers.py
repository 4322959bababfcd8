"""Small servers with one fault each, for runs that have to say what is wrong."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from typing import TYPE_CHECKING

from pytest_byom.mock.embedded import EmbeddedServer
from pytest_byom.mock.http1 import Application, BackgroundServer, Reply, Request, error_reply

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "canary0123456789abcdef"
JSON = (("content-type", "application/json"),)


@contextlib.contextmanager
def serving(app: Application) -> Iterator[str]:
    """Serve an application and give its base URL."""
    with BackgroundServer(app) as server:
        yield f"{server.url}/v1"


def free_url() -> str:
    """Return a base URL that nothing listens at."""
    with BackgroundServer(website) as server:
        return f"{server.url}/v1"


async def website(request: Request) -> Reply:
    """Answer everything with a page: an HTTP server that is none of an LLM."""
    return Reply(200, (("content-type", "text/html"),), b"<html><body>Welcome</body></html>")


async def not_found(request: Request) -> Reply:
    """Answer everything with a 404 of plain text."""
    return Reply(404, (("content-type", "text/plain"),), b"404 page not found")


async def empty_list(request: Request) -> Reply:
    """List no model, as a server does before the first is loaded."""
    return Reply(200, JSON, json.dumps({"object": "list", "data": []}).encode())


async def hangs(request: Request) -> Reply:
    """Take every request, and never answer it."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets this event")


class HangsInChat:
    """Lists its models, and never answers a chat request."""

    def __init__(self) -> None:
        self._inner = EmbeddedServer()

    async def __call__(self, request: Request) -> Reply:
        if request.method == "POST":
            await asyncio.Event().wait()
        return await self._inner(request)


class Counting:
    """The embedded server, counting what it is asked."""

    def __init__(self, *, api_key: str | None = None) -> None:
        self.requests: list[Request] = []
        self._inner = EmbeddedServer(api_key=api_key)

    async def __call__(self, request: Request) -> Reply:
        self.requests.append(request)
        return await self._inner(request)


class Dying:
    """The embedded server, which is gone for good after some requests."""

    def __init__(self, *, after: int) -> None:
        self._left = after
        self._inner = EmbeddedServer()
        self._server: BackgroundServer | None = None

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        """Serve until it dies, and give the base URL."""
        with BackgroundServer(self) as self._server:
            yield f"{self._server.url}/v1"

    async def __call__(self, request: Request) -> Reply:
        self._left -= 1
        if self._left < 0 and self._server is not None:
            threading.Thread(target=self._server.close).start()
            await asyncio.Event().wait()
        return await self._inner(request)


class Stalling:
    """The embedded server, which never answers a request for a stream, and says when it came."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._inner = EmbeddedServer()

    async def __call__(self, request: Request) -> Reply:
        if request.method == "POST" and b'"stream": true' in request.body:
            self.reached.set()
            await asyncio.Event().wait()
        return await self._inner(request)


class WithoutDone:
    """The embedded server, whose streams end without their end mark: one defect."""

    def __init__(self) -> None:
        self._inner = EmbeddedServer()

    async def __call__(self, request: Request) -> Reply:
        reply = await self._inner(request)
        if isinstance(reply.body, bytes):
            return reply
        whole = b"".join([piece async for piece in reply.body])
        return Reply(reply.status, reply.headers, whole.replace(b"data: [DONE]\n\n", b""))


class WithoutAllow:
    """The embedded server, whose 405 has no Allow header: one deviation from a `should`."""

    def __init__(self) -> None:
        self._inner = EmbeddedServer()

    async def __call__(self, request: Request) -> Reply:
        reply = await self._inner(request)
        headers = tuple(header for header in reply.headers if header[0] != "allow")
        return Reply(reply.status, headers, reply.body)


class Echoing:
    """The embedded server with a key, whose errors repeat the caller's Authorization header."""

    def __init__(self) -> None:
        self._inner = EmbeddedServer(api_key=KEY)

    async def __call__(self, request: Request) -> Reply:
        reply = await self._inner(request)
        if reply.status < 400:
            return reply
        return error_reply(reply.status, f"refused: {request.header('authorization')}")
