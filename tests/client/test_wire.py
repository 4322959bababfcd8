"""What only a real connection shows: silence, encodings, reuse, and who closes."""

from __future__ import annotations

import asyncio
import gzip
import importlib
import json
import re
import socket
import threading
import time
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.client.encoding import BodyDecoder
from pytest_byom.client.errors import BadAnswer, ConnectFailed, TimedOut
from pytest_byom.client.events import ContentDelta, EventType, StreamComplete, StreamError
from pytest_byom.client.llm import LLM, AsyncLLM
from pytest_byom.client.timeouts import Timeouts

from .harness import HELLO, Answer, completion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .harness import Harness

STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)


def as_chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


EVENTS = [as_chunk(f"data: {json.dumps(event)}\n\n".encode()) for event in HELLO]
DONE = as_chunk(b"data: [DONE]\n\n")
END = b"0\r\n\r\n"


def read_request(connection: socket.socket) -> bytes:
    """A whole request, so that closing the connection afterwards does not reset it."""
    data = b""
    while True:
        head, found, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        if found and len(body) >= int(length[1] if length else 0):
            return data
        more = connection.recv(65536)
        if not more:
            return b""
        data += more


class Loopback:
    """A server that sends pieces; a number among them is a silence, in seconds."""

    def __init__(self, pieces: Sequence[bytes | float]) -> None:
        self._pieces = pieces
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self.connections = 0
        self.gone = threading.Event()
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def stop(self) -> None:
        self._stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while read_request(connection):
                    for piece in self._pieces:
                        if isinstance(piece, bytes):
                            connection.sendall(piece)
                        elif self._stopped.wait(piece):
                            return
                    if self._pieces[-1:] != [END]:
                        return
            except OSError:
                pass
            finally:
                self.gone.set()


@contextmanager
def serving(*pieces: bytes | float) -> Iterator[Loopback]:
    server = Loopback(list(pieces))
    try:
        yield server
    finally:
        server.stop()


def read_all(url: str, *, asynchronous: bool, **options: Any) -> list[Any]:
    """All events of one stream."""
    options = {"base_url": url, "model": "m", "retry": None} | options
    if not asynchronous:
        with LLM(**options) as llm, llm.stream_response("Hi") as stream:
            return list(stream)

    async def read() -> list[Any]:
        async with AsyncLLM(**options) as llm, llm.stream_response("Hi") as stream:
            return [event async for event in stream]

    return asyncio.run(read())


both = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])

Pieces = list[bytes | float]
TRICKLE: Pieces = [EVENTS[1], 0.05]
SILENCES: dict[str, tuple[str, Pieces]] = {
    "first_byte": ("first_byte", [3.0]),
    "idle": ("idle", [STREAM_HEAD, EVENTS[0], EVENTS[1], 3.0]),
    "idle at once": ("idle", [STREAM_HEAD, 3.0]),
    "whole": ("whole", [STREAM_HEAD, *TRICKLE * 60]),
    "whole in silence": ("whole", [3.0]),
}


@both
@pytest.mark.parametrize("name", SILENCES)
def test_timeouts(asynchronous: bool, name: str) -> None:
    """Each limit ends a wait, in its time, and is named."""
    limit, pieces = SILENCES[name]
    limits = Timeouts(**{"connect": 5.0, "first_byte": 5.0, "idle": 5.0} | {limit: 0.2})
    with serving(*pieces) as server:
        began = time.monotonic()
        last = read_all(server.url, asynchronous=asynchronous, timeout=limits)[-1]
        took = time.monotonic() - began
    assert isinstance(last, StreamError)
    assert isinstance(last.error, TimedOut)
    assert last.error.limit == limit
    assert "within 0.2 s" in str(last.error)
    assert took < 2


@both
def test_nobody_listens(asynchronous: bool) -> None:
    """A refused connection is said to be one."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (last,) = read_all(f"http://127.0.0.1:{port}/v1", asynchronous=asynchronous)
    assert isinstance(last.error, ConnectFailed)


@both
def test_a_stream_leaves_its_connection_open(asynchronous: bool) -> None:
    """A stream that was read to its end lets the next one use its connection."""
    with serving(STREAM_HEAD, *EVENTS, DONE, END) as server:
        if asynchronous:

            async def twice() -> None:
                async with AsyncLLM(base_url=server.url, model="m") as llm:
                    for _ in range(2):
                        async with llm.stream_response("Hi") as stream:
                            assert await stream.text() == "Hello"

            asyncio.run(twice())
        else:
            with LLM(base_url=server.url, model="m") as llm:
                for _ in range(2):
                    with llm.stream_response("Hi") as stream:
                        assert stream.text() == "Hello"
        assert server.connections == 1


@both
def test_a_server_that_goes_on_after_done(asynchronous: bool) -> None:
    """The answer is complete at [DONE], and a server that never ends cannot hold it back."""
    with serving(STREAM_HEAD, *EVENTS, DONE, 5.0) as server:
        limits = Timeouts(idle=0.5)
        began = time.monotonic()
        events = read_all(server.url, asynchronous=asynchronous, timeout=limits)
        assert time.monotonic() - began < 3
    assert isinstance(events[-1], StreamComplete)


def test_complete_comes_before_the_rest_is_awaited() -> None:
    """The last event is given as soon as [DONE] is there."""
    with serving(STREAM_HEAD, *EVENTS, DONE, 5.0) as server:
        began = time.monotonic()
        with LLM(base_url=server.url, model="m") as llm, llm.stream_response("Hi") as stream:
            for event in stream:
                if event.type is EventType.COMPLETE:
                    break
        assert time.monotonic() - began < 2


@both
def test_leaving_early_hangs_up(asynchronous: bool) -> None:
    """A server notices at once that nobody reads any more."""
    with serving(STREAM_HEAD, EVENTS[1], *TRICKLE * 100) as server:
        if asynchronous:

            async def leave() -> None:
                async with AsyncLLM(base_url=server.url, model="m") as llm:
                    async with llm.stream_response("Hi") as stream:
                        async for event in stream:
                            if isinstance(event, ContentDelta):
                                break
                    await asyncio.to_thread(server.gone.wait, 2)

            asyncio.run(leave())
        else:
            with LLM(base_url=server.url, model="m") as llm:
                with llm.stream_response("Hi") as stream:
                    next(iter(stream))
                server.gone.wait(2)
        assert server.gone.is_set()


def test_cancelling_hangs_up() -> None:
    """A cancelled task closes its connection."""

    async def cancel(url: str, gone: threading.Event) -> None:
        async with AsyncLLM(base_url=url, model="m") as llm:
            task = asyncio.create_task(llm.send_messages("Hi"))
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(gone.wait, 2)

    trickle: Pieces = [b"x", 0.05]
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n"
    with serving(head, *trickle * 100) as server:
        asyncio.run(cancel(server.url, server.gone))
        assert server.gone.is_set()


@both
def test_a_connection_that_is_cut(asynchronous: bool) -> None:
    """A chunked body without its end is a broken connection, with what had come."""
    with serving(STREAM_HEAD, *EVENTS[:2]) as server:
        last = read_all(server.url, asynchronous=asynchronous)[-1]
    assert "broke while the answer was read" in str(last.error)
    assert last.error.partial.content == "Hel"


PLAIN = json.dumps(completion()).encode()
RAW_DEFLATE = zlib.compressobj(wbits=-15)
ENCODED = {
    "gzip": gzip.compress(PLAIN),
    "x-gzip": gzip.compress(PLAIN),
    "deflate": zlib.compress(PLAIN),
    "Deflate": RAW_DEFLATE.compress(PLAIN) + RAW_DEFLATE.flush(),
    "identity": PLAIN,
    "": PLAIN,
}


@pytest.mark.parametrize("size", [1, 7, 9999])
@pytest.mark.parametrize("name", ENCODED)
def test_encodings(name: str, size: int) -> None:
    """Each encoding that is asked for is undone, however it is cut."""
    decoder = BodyDecoder(name)
    body = ENCODED[name]
    pieces = [decoder.feed(body[at : at + size]) for at in range(0, len(body), size)]
    assert b"".join(pieces) == PLAIN
    assert not decoder.cut_short


def test_an_encoded_answer(harness: Harness) -> None:
    """An encoded answer is read, and only encodings that can be read are asked for."""
    body: list[bytes | str] = [ENCODED["gzip"][:50], ENCODED["gzip"][50:]]
    assert harness.plain(Answer(body, 200, {"content-encoding": "gzip"})).content == "Hello"
    assert harness.requests[0].headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        ("gzip", PLAIN, "says Content-Encoding gzip and is not"),
        ("deflate", PLAIN, "says Content-Encoding deflate and is not"),
        ("gzip", ENCODED["gzip"][:-40], "ends within its Content-Encoding"),
        ("br", b"\x0b\x02", "has the Content-Encoding 'br'; asked for was gzip, deflate"),
        ("gzip, gzip", b"", "has the Content-Encoding 'gzip, gzip'"),
    ],
)
@pytest.mark.parametrize("way", ["plain", "stream"])
def test_broken_encodings(
    harness: Harness, way: str, encoding: str, body: bytes, reason: str
) -> None:
    """What is not what it says is one clear error, with the bytes as they came."""
    answer = Answer([body], 200, {"content-encoding": encoding})
    if way == "plain":
        with pytest.raises(BadAnswer) as caught:
            harness.plain(answer)
        error: Any = caught.value
    else:
        last = harness.stream(answer)[-1]
        assert isinstance(last, StreamError)
        error = last.error
        assert isinstance(error, BadAnswer)
    assert reason in str(error)
    assert error.body in body


def test_a_whole_answer_that_the_library_cannot_decode(harness: Harness) -> None:
    """A mock hands bodies over whole and decoded; where that fails, it is our error too."""
    with pytest.raises(BadAnswer, match="cannot be decoded"):
        harness.plain(Answer(PLAIN, 200, {"content-encoding": "gzip"}))


def test_an_encoded_bomb_is_bounded() -> None:
    """A small body that inflates without end is cut off."""
    decoder = BodyDecoder("gzip")
    bomb = gzip.compress(b"\0" * (8 << 20))
    assert len(decoder.feed(bomb)) == 8 << 20


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_both_libraries_over_a_socket(library: str) -> None:
    """A client of either library works over a real connection."""
    module = importlib.import_module(library)
    with (
        serving(STREAM_HEAD, *EVENTS, DONE, END) as server,
        module.Client() as client,
        LLM(base_url=server.url, model="m", http_client=client).stream_response("Hi") as stream,
    ):
        assert stream.text() == "Hello"


def test_an_injected_client_stays_open(sync: Harness) -> None:
    """A client that was given is not ours to close."""
    client = sync.library.Client()
    with LLM(base_url="http://h", model="m", http_client=client):
        pass
    assert not client.is_closed
    client.close()
