"""One connection of the HTTP server, from its first byte to its last.

Most requests are answered where they arrive, in one turn of the loop: `_send_now`. What takes time,
and whatever h11 has to judge, is worked at in a task.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_byom.mock.http_common import read_head, write_head
from pytest_byom.mock.http_judge import Judge, Refused
from pytest_byom.mock.http_messages import Broken, Pieces, Reply, Request, error_reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    from pytest_byom.mock.http_common import Head
    from pytest_byom.mock.http_messages import AnyApplication

READ_SIZE = 64 * 1024

EARLY_LIMIT = 64 * 1024
"""Bytes that are read of what follows while a request is answered."""

LINGER_SECONDS = 2.0
LAST_CHUNK = b"0\r\n\r\n"


class Connection(asyncio.BufferedProtocol):
    """Answers one request after another. It is in `connections` while anything of it is left."""

    _transport: asyncio.Transport

    def __init__(
        self, app: AnyApplication, errors: list[str], connections: set[Connection]
    ) -> None:
        self._app = app
        self._errors = errors
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self._lost = self._lingers = False
        self._space = memoryview(bytearray(READ_SIZE))
        self._received = bytearray()
        self._held = False  # whether nothing more is read for now
        self._full: asyncio.Future[None] | None = None  # done when the client has read enough
        # The request that is being read or answered, and how: at a glance, or by h11.
        self._head: Head | None = None
        self._last: Head | None = None  # a client that asks the same again sends it again
        self._judge: Judge | None = None
        # What is answering, if it takes more than a moment.
        self._pieces: Pieces | None = None
        self._work: asyncio.Task[bool] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin. (asyncio has set TCP_NODELAY.)"""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return where to write what is read. (asyncio's own way takes 256 KiB for each read.)"""
        return self._space

    def buffer_updated(self, nbytes: int) -> None:
        """Answer what is complete, and keep what is not."""
        if not self._lingers:
            self._received += self._space[:nbytes]
            self._go_on()

    def eof_received(self) -> bool:
        """Give up: a client that ends its side is gone. What was written is sent."""
        self._give_up()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Give up: there is nobody to answer."""
        self._lost = True
        self._give_up()
        self._end_if_done()

    def pause_writing(self) -> None:
        """Wait until the client has read."""
        self._full = self._loop.create_future()

    def resume_writing(self) -> None:
        """Go on where it was waited."""
        full, self._full = self._full, None
        if full is not None and not full.done():
            full.set_result(None)
        if self._pieces is not None:
            self._send_piece(self._pieces)
        self._go_on()

    def abort(self) -> None:
        """End at once."""
        self._give_up()
        self._transport.abort()

    def _give_up(self) -> None:
        """Close what is being sent, and cancel the work."""
        self._pieces = None
        if self._work is not None:
            self._work.cancel()

    def _end_if_done(self) -> None:
        if self._lost and self._work is None and not self.ended.done():
            self._connections.discard(self)
            self.ended.set_result(None)

    # From bytes to requests.

    @property
    def _is_free(self) -> bool:
        """Whether the next request may be answered."""
        busy = self._pieces is not None or self._work is not None or self._full is not None
        return not busy and not self._transport.is_closing()

    def _go_on(self) -> None:
        """Answer requests in their order, as far as they are here."""
        try:
            while self._received and self._is_free and (request := self._read()) is not None:
                self._answer(request)
        except Refused as refused:
            self._start(self._refuse(refused.reply))
        if self._held or len(self._received) >= EARLY_LIMIT:
            self._hold(not self._is_free)  # a flood is read when its turn comes

    def _hold(self, held: bool) -> None:
        if held != self._held:
            self._held = held
            (self._transport.pause_reading if held else self._transport.resume_reading)()

    def _read(self) -> Request | None:
        """Return the next request; None if it is not complete. Raises Refused."""
        if self._head is None and self._judge is None:
            same = self._last is not None and self._received.startswith(self._last.raw)
            self._head = self._last if same else read_head(self._received)
            self._judge = Judge() if self._head is None else None
        if self._judge is not None:
            return self._read_by(self._judge)
        head = self._last = self._head
        assert head is not None
        size = len(head.raw)
        end = size + head.length
        if len(self._received) < end:
            return None
        body = bytes(self._received[size:end])
        del self._received[:end]
        return head.complete(body)

    def _read_by(self, judge: Judge) -> Request | None:
        data = bytes(self._received)
        self._received.clear()
        request = judge.feed(data)
        if request is None:
            self._transport.write(judge.invite())
        else:
            self._received += judge.rest
        return request

    # From requests to bytes, at once.

    def _answer(self, request: Request) -> None:
        """Answer at once, if that can be; else start to work at it."""
        try:
            answered = self._app(request)
            if isinstance(answered, Reply) and self._send_at_once(answered):
                return
        except Exception as error:
            answered = _raise(error)
        work = self._start(self._work_at(request, answered))
        if asyncio.iscoroutine(answered):
            # Who leaves before the work has begun leaves a coroutine that nobody awaits.
            work.add_done_callback(lambda _: answered.close())

    def _send_at_once(self, reply: Reply) -> bool:
        """Send a common answer to a common request, or its head; False if it is none."""
        body = reply.body
        if self._judge is not None or reply.verbatim:
            return False
        if isinstance(body, bytes):
            if (head := write_head(reply, len(body))) is None:
                return False
            self._transport.write(head + body)  # one write, so that a small answer is one packet
            self._head = None
            return True
        if not isinstance(body, Pieces) or (head := write_head(reply, None)) is None:
            return False
        self._transport.write(head)
        self._pieces = body
        self._loop.call_soon(self._send_piece, body)
        return True

    def _send_piece(self, pieces: Pieces) -> None:
        """Send one piece, and the next one in the next turn of the loop: it has others to serve."""
        if self._pieces is not pieces or self._full is not None:
            return
        piece = pieces.take()
        if piece is None:
            self._transport.write(LAST_CHUNK)
            self._pieces = self._head = None
            self._go_on()
            return
        if piece:
            self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        if self._full is None:
            self._loop.call_soon(self._send_piece, pieces)

    # From requests to bytes, in the time that it takes.

    def _start(self, working: Coroutine[Any, Any, bool]) -> asyncio.Task[bool]:
        self._work = work = self._loop.create_task(working)
        work.add_done_callback(self._finish)
        return work

    def _finish(self, work: asyncio.Task[bool]) -> None:
        """Go on with the next request if the work says so, else close."""
        self._work = self._head = self._judge = None
        if not work.cancelled() and work.exception() is None and work.result():
            self._go_on()
        else:
            self._transport.close()
        self._end_if_done()

    async def _work_at(self, request: Request, answered: Reply | Awaitable[Reply]) -> bool:
        """Answer; False if the connection cannot be used again."""
        self._begun = False
        try:
            reply = answered if isinstance(answered, Reply) else await answered
        except Broken as broken:
            return self._break(broken)
        except Exception as error:
            self._note(request, error)
            reply = _failed()
        try:
            return await self._send(reply, request)
        except Broken as broken:
            return self._break(broken)
        except Exception as error:
            if self._transport.is_closing():
                return False  # the client is gone; that is nobody's fault
            self._note(request, error)
            return not self._begun and await self._send(_failed(), request)

    def _break(self, broken: Broken) -> bool:
        """End the connection before its time; what was written is sent, unless it is reset."""
        found = self._transport.get_extra_info("socket")
        if broken.reset and found is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        return False

    def _note(self, request: Request, error: Exception) -> None:
        self._errors.append(f"{request.method} {request.path}: {type(error).__name__}: {error}")

    async def _send(self, reply: Reply, request: Request) -> bool:
        """Send an answer; False if the connection cannot be used again."""
        body = reply.body
        try:
            if reply.verbatim:
                return await self._send_verbatim(reply)
            length = len(body) if isinstance(body, bytes) else None
            head = write_head(reply, length) if self._judge is None else None
            if head is None:
                return await self._send_judged(reply, request)
            self._begun = True
            if isinstance(body, bytes):
                await self._write(head + body)
            else:
                self._transport.write(head)
                await self._pump(body, _write_chunk)
                self._transport.write(LAST_CHUNK)
            return True
        finally:
            if not isinstance(body, bytes) and hasattr(body, "aclose"):
                await body.aclose()

    async def _send_verbatim(self, reply: Reply) -> bool:
        lines = [f"HTTP/1.1 {reply.status} -", *(f"{n}: {v}" for n, v in reply.headers), "", ""]
        self._begun = True
        self._transport.write("\r\n".join(lines).encode("utf-8", "surrogateescape"))
        await self._pump(reply.body, bytes)
        return False

    async def _send_judged(self, reply: Reply, request: Request) -> bool:
        """Send an answer as h11 frames it, which may have to read a common request first."""
        judge = self._judge
        if judge is None:
            judge = self._judge = Judge()
            if self._head is not None:
                judge.feed(self._head.raw + request.body)
        body = reply.body
        head = judge.open(reply)
        self._begun = True
        if isinstance(body, bytes):
            framed = judge.frame(body) if body and request.method != "HEAD" else b""
            await self._write(head + framed + judge.end())
        else:
            self._transport.write(head)
            if request.method != "HEAD":
                await self._pump(body, judge.frame)
            self._transport.write(judge.end())
        return judge.may_go_on

    async def _pump(
        self, body: bytes | AsyncIterator[bytes], frame: Callable[[bytes], bytes]
    ) -> None:
        if isinstance(body, bytes):
            await self._write(frame(body))
        else:
            async for piece in body:
                await self._write(frame(piece) if piece else b"")

    async def _write(self, data: bytes) -> None:
        """Send some bytes, when the client has read enough, and let others have their turn."""
        if data:
            self._transport.write(data)
        if self._full is not None:
            await asyncio.wait([self._full])
        await asyncio.sleep(0)

    async def _refuse(self, reply: Reply) -> bool:
        """Answer what is no request, and read on for a moment.

        Closing on bytes that were not read would take the answer back.
        """
        self._lingers = True
        self._received.clear()
        self._hold(False)
        await self._send(reply, Request("GET", "/", "", (), b""))
        if self._transport.can_write_eof():
            self._transport.write_eof()
        await asyncio.sleep(LINGER_SECONDS)
        return False


def _write_chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def _failed() -> Reply:
    return error_reply(500, "The server had an error.", type="server_error")


async def _raise(error: Exception) -> NoReturn:
    raise error
