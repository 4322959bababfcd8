"""A small HTTP/1.1 server for one application: asyncio moves the bytes, h11 knows the protocol.

The requests and answers that are common are read and written without h11, and say the same: see
`http_common`. All others are left to it: see `http_judge`.

What every connection keeps to:

* One request at a time. Bytes of the next one wait until the answer to this one is complete.
* While the application works, the socket is read: a client that goes away cancels the work and
  closes the body that was being sent. An end of the request side counts as gone.
* Every request gets an answer. What is no HTTP gets a 400, what is too large a 413 or 431, and an
  application that raises a 500, each with a JSON error object.
* A body that fails midway breaks the connection: the client sees that the end is missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from pytest_byom.mock.http_connection import Connection
from pytest_byom.mock.http_messages import (
    AnyApplication,
    Application,
    Broken,
    Headers,
    Reply,
    Request,
    error_reply,
)

if TYPE_CHECKING:
    import ssl

__all__ = [
    "Application",
    "BackgroundServer",
    "Broken",
    "Headers",
    "Reply",
    "Request",
    "Server",
    "error_reply",
    "serve",
]


class Server:
    """A listening server inside a running loop; `errors` has one line for each fault of the app."""

    def __init__(self, app: AnyApplication) -> None:
        self.app = app
        self._listener: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self.errors: list[str] = []
        self.url = ""  # without a path, such as http://127.0.0.1:8000

    async def start(self, *, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Bind and listen; port 0 takes a free one. Raises OSError if the port is taken."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(self._connect, host, port, ssl=tls)
        bound = self._listener.sockets[0].getsockname()[1]
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://[{host}]:{bound}" if ":" in host else f"{scheme}://{host}:{bound}"

    def _connect(self) -> Connection:
        return Connection(self.app, self.errors, self._connections)

    async def close(self) -> None:
        """Stop listening and end every connection, finished or not."""
        if self._listener is not None:
            # asyncio fails on a connection that it is accepting while it closes: take no more,
            # and let those that came arrive.
            with contextlib.suppress(NotImplementedError):
                for listening in self._listener.sockets:
                    asyncio.get_running_loop().remove_reader(listening.fileno())
            for _ in range(3):
                await asyncio.sleep(0)
            self._listener.close()
        connections = tuple(self._connections)
        for connection in connections:
            connection.abort()
        await asyncio.gather(*(connection.ended for connection in connections))

    async def wait(self) -> None:
        """Serve until cancelled, then close."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await self.close()


async def serve(app: AnyApplication, *, host: str = "127.0.0.1", port: int = 0) -> Server:
    """Start a server in the running loop; the caller awaits `wait()` or `close()`."""
    server = Server(app)
    await server.start(host=host, port=port)
    return server


class BackgroundServer:
    """A server in a daemon thread with a loop of its own, listening once it is constructed.

    Raises OSError if it cannot listen. `close()` may be called from any thread, and twice.
    """

    def __init__(
        self,
        app: AnyApplication,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._tls = tls
        self._server = Server(app)
        self._ready: Future[asyncio.AbstractEventLoop] = Future()
        self._stop = asyncio.Event()
        run = partial(asyncio.run, self._main(host, port))
        self._thread = threading.Thread(target=run, name="byom-server", daemon=True)
        self._thread.start()
        self._loop = self._ready.result()

    async def _main(self, host: str, port: int) -> None:
        try:
            await self._server.start(host=host, port=port, tls=self._tls)
        except BaseException as error:
            self._ready.set_exception(error)
            return
        self._ready.set_result(asyncio.get_running_loop())
        await self._stop.wait()
        await self._server.close()

    @property
    def url(self) -> str:
        """The address without a path, such as http://127.0.0.1:8000."""
        return self._server.url

    @property
    def errors(self) -> list[str]:
        """One line for each request in which the application raised."""
        return self._server.errors

    def close(self) -> None:
        """Stop: no thread and no socket is left."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: it was stopped before
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def __enter__(self) -> BackgroundServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
