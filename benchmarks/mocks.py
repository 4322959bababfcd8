"""The mocks beside what does the least: `python benchmarks/mocks.py`.

In process: a request through the script, beside `MockTransport` that answers with the very same
bytes and headers, made before. On a socket: beside two servers by hand with the same bytes and
headers. One is a few lines of asyncio, the least that there can be: it looks for the length of the
body and for `"stream"`, knows no HTTP, and keeps nothing. The other is `http.server` of the
standard library, which reads HTTP. Then what a scripted 429 costs through openai-python, and what
setting up a fixture costs.

What makes the comparison fair:

* All answers have the same headers. Framing and, on a socket, the date are among them: a client
  spends time on each header, and ours has them.
* All send a plain answer in one write, and each event of a stream in a write of its own. Both
  servers on asyncio take a turn of the loop between two events, so that they arrive one by one.
  `http.server` takes none, as few would: it spends less on a stream, and its events arrive in
  heaps. In how many reads they do is printed with the figures.
* What was served is forgotten before each request: a test asks a few times, not thousands, and a
  log of thousands of streams costs memory that no test spends.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import platform
import socket
import statistics
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import openai
from rounds import figure, measure, ratio

from pytest_byom.mock.asked import AskedRequest, hide
from pytest_byom.mock.in_process import Mock
from pytest_byom.mock.server import MockServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rounds import Way

CHUNKS = 100
ROUNDS, REPEAT = 25, 60
MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]
BODY = {"model": "m", "messages": MESSAGES}
STREAM = {**BODY, "stream": True}
URL = "http://llm.test/v1/chat/completions"


def script(mock: Any) -> None:
    """Say the same as often as it is asked for."""
    mock.when(stream=True).reply([" hello"] * (CHUNKS - 2))
    mock.when(model="m").reply("Hello there")


def answer_of(body: dict[str, Any]) -> tuple[list[tuple[str, str]], list[bytes]]:
    """Return headers and parts of what the script answers."""
    mock = Mock()
    script(mock)
    asked = AskedRequest("POST", URL, hide({}), json.dumps(body).encode())
    answer = mock.answer(asked).answer
    parts = answer.body if isinstance(answer.body, tuple) else (answer.body,)
    return list(answer.headers), [part for part in parts if isinstance(part, bytes)]


PLAIN, EVENTS = answer_of(BODY), answer_of(STREAM)
PLAIN[0].append(("content-length", str(len(PLAIN[1][0]))))
EVENTS[0].append(("transfer-encoding", "chunked"))
DATE = ("date", formatdate(usegmt=True))


def floor(library: Any) -> Any:
    """Return a client whose transport does nothing but answer."""

    class Parts(library.SyncByteStream):  # type: ignore[misc]  # one of two modules
        def __iter__(self) -> Iterator[bytes]:
            yield from EVENTS[1]

    def answer(request: Any) -> Any:
        if b'"stream"' in request.content:
            return library.Response(200, headers=EVENTS[0], stream=Parts())
        stream = library.ByteStream(PLAIN[1][0])
        return library.Response(200, headers=PLAIN[0], stream=stream)

    return library.Client(transport=library.MockTransport(answer))


def plain(client: Any, url: str = URL) -> str:
    """Ask, and read the whole answer."""
    return str(client.post(url, json=BODY).json()["choices"][0]["message"]["content"])


def stream(client: Any, url: str = URL) -> int:
    """Ask, and read a stream line by line."""
    with client.stream("POST", url, json=STREAM) as answer:
        return sum(1 for line in answer.iter_lines() if line)


def compare(title: str, ways: dict[str, Way], ours: str) -> None:
    """Print what CPU time each way takes, client and server together, and our ratio to others."""
    taken = measure(ways, rounds=ROUNDS, repeat=REPEAT, clock=time.process_time)
    print(f"\n{title}")
    for way, seconds in taken.items():
        print(f"  {way:16}{figure(seconds)}")
    for way, seconds in taken.items():
        if way != ours:
            print(f"  {ours} / {way}: {ratio(taken[ours], seconds)}")


def in_process() -> None:
    """Compare with MockTransport."""
    for library in (httpx, httpx2):
        name = library.__name__
        with Mock(strict=False) as mock, library.Client() as client, floor(library) as least:
            script(mock)
            assert stream(client) == stream(least)
            for kind, ask in (("plain", plain), (f"{CHUNKS} chunks", stream)):

                def through_script(ask: Any = ask, client: Any = client) -> Any:
                    mock.log.served.clear()  # a test asks a few times, not thousands
                    return ask(client)

                ways: dict[str, Way] = {
                    "MockTransport": lambda ask=ask, client=least: ask(client),  # type: ignore[misc]
                    "byom_mock": through_script,
                }
                title = f"{name}, in process, {kind}"
                compare(title, ways, "byom_mock")


def write_head(answer: tuple[list[tuple[str, str]], list[bytes]]) -> bytes:
    """Write the head of an answer as byom_server does."""
    lines = ["HTTP/1.1 200 ", *(f"{k}: {v}" for k, v in [*answer[0], DATE]), "", ""]
    return "\r\n".join(lines).encode()


class Asyncio:
    """The least that a server can be: it reads a request and writes bytes made before."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/chat/completions"
        self._loop.call_soon(self._ready.set)
        self._loop.run_forever()

    async def _serve(self, reader: Any, writer: Any) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                body = await reader.readexactly(size)
                if b'"stream"' not in body:
                    writer.write(write_head(PLAIN) + PLAIN[1][0])
                    continue
                writer.write(write_head(EVENTS))
                for part in EVENTS[1]:
                    writer.write(b"%x\r\n%b\r\n" % (len(part), part))
                    await writer.drain()
                    await asyncio.sleep(0)
                writer.write(b"0\r\n\r\n")
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            writer.close()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def close(self) -> None:
        """End what is served, and stop the loop."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


class Handler(BaseHTTPRequestHandler):
    """Answers with bytes made before."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Read a request and answer it."""
        body = self.rfile.read(int(self.headers["content-length"]))
        if b'"stream"' not in body:
            self.wfile.write(write_head(PLAIN) + PLAIN[1][0])
            return
        self.wfile.write(write_head(EVENTS))
        for part in EVENTS[1]:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")


class Standard:
    """A server by hand with `http.server`."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1/chat/completions"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def arrivals(url: str) -> int:
    """Return in how many reads a stream arrives at a client that does nothing but read."""
    host, _, port = url.split("/")[2].partition(":")
    body = json.dumps(STREAM).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((host, int(port))) as client:
        client.sendall(head.encode() + body)
        end, reads = b"", 0
        while not end.endswith(b"0\r\n\r\n"):
            end = end[-5:] + client.recv(65536)
            reads += 1
    return reads


def on_a_socket() -> None:
    """Compare with servers by hand."""
    least, standard = Asyncio(), Standard()
    with MockServer(strict=False) as server, httpx.Client(trust_env=False) as client:
        script(server)
        url = f"{server.base_url}/chat/completions"
        assert stream(client, url) == stream(client, least.url) == stream(client, standard.url)
        for kind, ask in (("plain", plain), (f"{CHUNKS} chunks", stream)):

            def through_script(ask: Any = ask) -> Any:
                server.log.served.clear()
                return ask(client, url)

            ways: dict[str, Way] = {
                "asyncio": lambda ask=ask: ask(client, least.url),  # type: ignore[misc]
                "http.server": lambda ask=ask: ask(client, standard.url),  # type: ignore[misc]
                "byom_server": through_script,
            }
            compare(f"loopback, {kind}", ways, "byom_server")
        urls = {"asyncio": least.url, "http.server": standard.url, "byom_server": url}
        for name, one in urls.items():
            reads = statistics.median(arrivals(one) for _ in range(ROUNDS))
            print(f"  {name}: a stream arrives in {reads:.0f} reads")
    least.close()
    standard.close()


def milliseconds(way: Way, times: int) -> str:
    """Return what a way takes: median and worst."""
    way()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        way()
        taken.append((time.perf_counter() - began) * 1000)
    return f"{statistics.median(taken):.2f} ms, at worst {max(taken):.2f} ms"


def retried() -> str:
    """Return what a 429 with Retry-After: 2, its retry and the answer take together."""
    with Mock() as mock, openai.OpenAI(api_key="any") as client:
        create: Any = client.chat.completions.create

        def ask() -> None:
            mock.fail(429, retry_after=2).reply("Hello")
            create(**BODY)

        return milliseconds(ask, 50)


def set_up() -> None:
    """Do what a fixture does for a test."""
    with Mock():
        pass


def set_up_server() -> None:
    """Do what the fixture of a server does for a test."""
    with MockServer():
        pass


def main() -> None:
    """Print all figures."""
    names = ("httpx", "httpx2", "openai", "h11")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    print(f"Python {platform.python_version()}, {platform.machine()}; {versions}")
    in_process()
    on_a_socket()
    print(f"\na scripted 429, its retry and the answer, through openai-python: {retried()}")
    print(f"setting up and taking down byom_mock: {milliseconds(set_up, 200)}")
    print(f"setting up and taking down byom_server: {milliseconds(set_up_server, 50)}")


if __name__ == "__main__":
    main()
