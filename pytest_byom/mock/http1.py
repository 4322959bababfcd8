"""A small HTTP/1.1 server for one application: asyncio moves the bytes, h11 knows the protocol.

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
import socket
import struct
import threading
from concurrent.futures import Future
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING, Any

import h11

from pytest_byom.mock.http_messages import (
    Application,
    Broken,
    Headers,
    Reply,
    Request,
    error_reply,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

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

BODY_LIMIT = 32 * 1024 * 1024
"""Bytes of a request body: a few large images in base64; nginx takes 1 MiB, OpenAI 512 MiB."""

HEADER_LIMIT = 64 * 1024
"""Bytes of a request head: h11 alone takes 16 KiB, which long cookies and keys exceed."""

_TOO_LARGE = f"The request body is larger than {BODY_LIMIT} bytes."
_LONG_HEAD = f"The request headers are larger than {HEADER_LIMIT} bytes."

READ_SIZE = 64 * 1024
LINGER_SECONDS = 2.0


class Server:
    """A listening server inside a running loop; `errors` has one line for each fault of the app."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self._listener: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.errors: list[str] = []
        self.url = ""  # without a path, such as http://127.0.0.1:8000

    async def start(self, *, host: str, port: int, tls: ssl.SSLContext | None = None) -> None:
        """Bind and listen; port 0 takes a free one. Raises OSError if the port is taken."""
        self._listener = await asyncio.start_server(self._accept, host, port, ssl=tls)
        bound = self._listener.sockets[0].getsockname()[1]
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://[{host}]:{bound}" if ":" in host else f"{scheme}://{host}:{bound}"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(self, reader, writer)
        task = asyncio.get_running_loop().create_task(connection.run())
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        task.add_done_callback(lambda _: writer.transport.abort())  # if it never began

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
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await asyncio.sleep(0)  # lets the transports report their end before the loop goes

    async def wait(self) -> None:
        """Serve until cancelled, then close."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await self.close()


async def serve(app: Application, *, host: str = "127.0.0.1", port: int = 0) -> Server:
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
        app: Application,
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


class _Refused(Exception):
    """A request that is answered without the application; the connection ends with it."""

    def __init__(self, status: int, message: str) -> None:
        self.reply = error_reply(status, message, headers=(("connection", "close"),))


class _Connection:
    """One connection, from its first byte to its last."""

    def __init__(
        self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEADER_LIMIT)
        self._early = 0
        self._ended = False

    async def run(self) -> None:
        """Answer requests until one side ends the connection."""
        try:  # asyncio has set TCP_NODELAY
            await self._serve()
        except (OSError, h11.ProtocolError):
            pass  # the client is gone; there is nobody to tell
        except asyncio.CancelledError:
            self._writer.transport.abort()
        finally:
            self._writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._writer.wait_closed()

    async def _serve(self) -> None:
        while True:
            try:
                request = await self._read_request()
            except _Refused as refused:
                await self._send(refused.reply, "GET")
                return await self._linger()
            if request is None or not await self._answer_watched(request):
                return
            if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                return
            self._http.start_next_cycle()
            self._early = 0

    async def _read_request(self) -> Request | None:
        head = await self._next_event()
        if not isinstance(head, h11.Request):
            return None
        if sum(len(name) + len(value) + 4 for name, value in head.headers) > HEADER_LIMIT:
            raise _Refused(431, _LONG_HEAD)
        target = head.target.decode("latin-1")
        if not target.startswith("/") and "://" in target:
            target = "/" + target.split("://", 1)[1].partition("/")[2]
        path, _, query = target.partition("?")
        return Request(
            method=head.method.decode("ascii"),
            path=path,
            query=query,
            headers=tuple((n.decode("ascii"), v.decode("latin-1")) for n, v in head.headers),
            body=await self._read_body(head),
        )

    async def _read_body(self, head: h11.Request) -> bytes:
        declared = dict(head.headers).get(b"content-length", b"0")
        if int(declared) > BODY_LIMIT:
            raise _Refused(413, _TOO_LARGE)
        parts: list[bytes] = []
        size = 0
        while isinstance(event := await self._next_event(), h11.Data):
            size += len(event.data)
            if size > BODY_LIMIT:
                raise _Refused(413, _TOO_LARGE)
            parts.append(bytes(event.data))
        return b"".join(parts)

    async def _next_event(self) -> object:
        while (event := self._parse()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                self._write(h11.InformationalResponse(status_code=100, headers=[]))
            data = await self._reader.read(READ_SIZE)
            self._ended = not data
            self._http.receive_data(data)
        return event

    def _parse(self) -> object:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError as error:
            if self._ended:
                raise ConnectionResetError from error
            if error.error_status_hint == 431:
                raise _Refused(431, _LONG_HEAD) from None
            raise _Refused(400, f"Not HTTP: {error}.") from None

    async def _watch(self) -> None:
        """Return when the client is gone; what it sends early is kept, up to a limit."""
        while self._early < READ_SIZE:
            data = await self._reader.read(READ_SIZE)
            if not data:
                return
            self._early += len(data)
            self._http.receive_data(data)
        await asyncio.get_running_loop().create_future()

    async def _answer_watched(self, request: Request) -> bool:
        """Answer; False if the connection cannot be used again."""
        loop = asyncio.get_running_loop()
        work = loop.create_task(self._answer(request))
        tasks: list[asyncio.Task[Any]] = [work]
        try:
            await asyncio.sleep(0)
            if not work.done():  # most answers take no time, and nobody has to watch
                tasks.append(loop.create_task(self._watch()))
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            finished = work.done()
            ended = [task.cancel() for task in tasks]
            if any(ended):
                await asyncio.gather(*tasks, return_exceptions=True)
        return finished and work.result()

    async def _answer(self, request: Request) -> bool:
        try:
            reply = await self._server.app(request)
        except Broken as broken:
            return self._break(broken)
        except Exception as error:
            self._note(request, error)
            reply = _failed()
        try:
            await self._send(reply, request.method)
        except Broken as broken:
            return self._break(broken)
        except Exception as error:
            if self._writer.is_closing():
                return False  # the client is gone; that is nobody's fault
            self._note(request, error)
            if reply.verbatim or self._http.our_state is not h11.SEND_RESPONSE:
                return False
            await self._send(_failed(), request.method)
        return not reply.verbatim

    def _break(self, broken: Broken) -> bool:
        """End the connection before its time; what was written is sent, unless it is reset."""
        found = self._writer.get_extra_info("socket")
        if broken.reset and found is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()
        return False

    def _note(self, request: Request, error: Exception) -> None:
        self._server.errors.append(
            f"{request.method} {request.path}: {type(error).__name__}: {error}"
        )

    async def _send(self, reply: Reply, method: str) -> None:
        send = self._send_verbatim if reply.verbatim else self._send_framed
        try:
            await send(reply, method)
        finally:
            if not isinstance(reply.body, bytes) and hasattr(reply.body, "aclose"):
                await reply.body.aclose()

    async def _send_framed(self, reply: Reply, method: str) -> None:
        names = {name.lower() for name, _ in reply.headers}
        headers = list(reply.headers)
        body = reply.body
        if "date" not in names:
            headers.append(("date", formatdate(usegmt=True)))
        if isinstance(body, bytes) and "content-length" not in names and reply.status != 204:
            headers.append(("content-length", str(len(body))))
        head = self._http.send(h11.Response(status_code=reply.status, headers=headers)) or b""
        if method != "HEAD" and not isinstance(body, bytes):
            self._writer.write(head)
            chunked = b"transfer-encoding: chunked" in head.lower()  # which h11 does not count
            await self._pump(body, self._write_chunk if chunked else self._write_data)
            return self._write(h11.EndOfMessage())
        # One write, so that a small answer is one packet.
        if method != "HEAD" and isinstance(body, bytes) and body:
            head += self._http.send(h11.Data(data=body)) or b""
        self._writer.write(head + (self._http.send(h11.EndOfMessage()) or b""))
        await self._writer.drain()

    async def _send_verbatim(self, reply: Reply, _: str) -> None:
        lines = [f"HTTP/1.1 {reply.status} -", *(f"{n}: {v}" for n, v in reply.headers), "", ""]
        self._writer.write("\r\n".join(lines).encode("utf-8", "surrogateescape"))
        await self._pump(reply.body, self._writer.write)

    async def _pump(
        self, body: bytes | AsyncIterator[bytes], write: Callable[[bytes], None]
    ) -> None:
        if isinstance(body, bytes):
            write(body)
            return await self._writer.drain()
        async for chunk in body:
            if chunk:
                write(chunk)
            await self._writer.drain()
            await asyncio.sleep(0)  # a body that never waits would keep the loop

    def _write_data(self, chunk: bytes) -> None:
        self._write(h11.Data(data=chunk))

    def _write_chunk(self, chunk: bytes) -> None:
        self._writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))

    def _write(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)

    async def _linger(self) -> None:
        """Read on for a moment: closing on unread bytes would take the answer back."""
        self._writer.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while await self._reader.read(READ_SIZE):
                    pass


def _failed() -> Reply:
    return error_reply(500, "The server had an error.", type="server_error")
