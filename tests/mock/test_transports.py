"""Whatever library asks, the script answers; whatever is not for it, goes on as ever."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest
import respx

from pytest_byom.mock import transports
from pytest_byom.mock.http1 import BackgroundServer, Reply
from pytest_byom.mock.in_process import Mock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from pytest_byom.mock.http1 import Request

URL = "https://llm.test/v1/chat/completions"
BODY = {"model": "small", "messages": [{"role": "user", "content": "Hi"}]}
STREAM = {**BODY, "stream": True}
LIBRARIES: list[Any] = [httpx, httpx2]
EACH = pytest.mark.parametrize("library", LIBRARIES, ids=["httpx", "httpx2"])
BOTH = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


def post(library: Any, is_async: bool, url: str = URL, **options: Any) -> Any:
    """Send a request with one of the libraries."""
    if not is_async:
        with library.Client(verify=False) as client:
            return client.post(url, **options)

    async def send() -> Any:
        async with library.AsyncClient(verify=False) as client:
            return await client.post(url, **options)

    return asyncio.run(send())


def read_stream(library: Any, is_async: bool, got: list[bytes], **options: Any) -> None:
    """Read a stream with one of the libraries, each read on its own, into `got`."""
    if not is_async:
        with (
            library.Client(verify=False) as client,
            client.stream("POST", URL, json=STREAM, **options) as answer,
        ):
            got.extend(answer.iter_raw())
        return

    async def read() -> None:
        async with (
            library.AsyncClient(verify=False) as client,
            client.stream("POST", URL, json=STREAM, **options) as answer,
        ):
            async for part in answer.aiter_raw():
                got.append(part)

    asyncio.run(read())


@pytest.fixture
def mock() -> Iterator[Mock]:
    with Mock() as mock:
        yield mock


@EACH
@BOTH
def test_a_whole_answer(mock: Mock, library: Any, is_async: bool) -> None:
    """A request is answered from the script, as the library's own response."""
    mock.reply("Hello")
    response = post(library, is_async, json=BODY)
    assert type(response) is library.Response
    assert response.json()["choices"][0]["message"]["content"] == "Hello"
    assert response.http_version == "HTTP/1.1"
    assert mock.requests[0].headers["user-agent"].startswith("python-")


@EACH
@BOTH
def test_a_stream(mock: Mock, library: Any, is_async: bool) -> None:
    """A stream arrives event by event."""
    mock.reply("Hello there")
    got: list[bytes] = []
    read_stream(library, is_async, got)
    assert len(got) == 5
    assert got[-1] == b"data: [DONE]\n\n"


@EACH
@BOTH
def test_status(mock: Mock, library: Any, is_async: bool) -> None:
    """A failure has its status and headers."""
    mock.fail(429, retry_after=2)
    response = post(library, is_async, json=BODY)
    assert (response.status_code, response.headers["retry-after"]) == (429, "2")
    with pytest.raises(library.HTTPStatusError):
        response.raise_for_status()


FAILURES: list[tuple[dict[str, Any], str]] = [
    ({"timeout": "connect"}, "ConnectTimeout"),
    ({"timeout": "read"}, "ReadTimeout"),
    ({"timeout": "write"}, "WriteTimeout"),
    ({"timeout": "pool"}, "PoolTimeout"),
    ({"connection": "refused"}, "ConnectError"),
    ({"connection": "reset"}, "ReadError"),
    ({"connection": "closed"}, "RemoteProtocolError"),
]


@EACH
@BOTH
@pytest.mark.parametrize(("failure", "error"), FAILURES)
def test_no_answer(
    mock: Mock, library: Any, is_async: bool, failure: dict[str, Any], error: str
) -> None:
    """Errors are those of the client's own library."""
    mock.fail(**failure)
    with pytest.raises(getattr(library, error)) as caught:
        post(library, is_async, json=BODY)
    assert caught.value.request.url == URL


@EACH
@BOTH
@pytest.mark.parametrize("attempt", range(10))
def test_a_cut_delivers_exactly(mock: Mock, library: Any, is_async: bool, attempt: int) -> None:
    """A cut after N events delivers N, then the library's own error: 40 of 40 times."""
    mock.reply(["x"] * 20, cut_after=8)
    got: list[bytes] = []
    with pytest.raises(library.RemoteProtocolError, match="without sending complete message body"):
        read_stream(library, is_async, got)
    assert len(got) == 8


@EACH
@BOTH
def test_a_stall_is_virtual(mock: Mock, library: Any, is_async: bool) -> None:
    """Silence is held against the client's limit, and nobody waits."""
    mock.reply("a", stall=5, stall_after=1, times=2)
    got: list[bytes] = []
    with pytest.raises(library.ReadTimeout):
        read_stream(library, is_async, got, timeout=4.9)
    assert len(got) == 1
    read_stream(library, is_async, got, timeout=5.1)
    assert len(got) == 1 + 4


@EACH
@BOTH
def test_a_delay_is_virtual(mock: Mock, library: Any, is_async: bool) -> None:
    """Silence before the headers is held against the client's limit too."""
    mock.reply("a", delay=100)
    with pytest.raises(library.ReadTimeout):
        post(library, is_async, json=BODY, timeout=30)


@EACH
@BOTH
def test_silence_for_ever(mock: Mock, library: Any, is_async: bool) -> None:
    """A client without a limit does not hang in a test that is silent for ever."""
    mock.reply("a", stall=float("inf"))
    with pytest.raises(library.ReadTimeout):
        post(library, is_async, json=BODY, timeout=None)


@EACH
@BOTH
def test_real_silence(mock: Mock, library: Any, is_async: bool) -> None:
    """Asked for, silence is real, and ends with the client's limit."""
    mock.reply("a", delay=0.01, stall=0.01, real=True).reply("a", stall=60, real=True)
    assert post(library, is_async, json=BODY).status_code == 200
    got: list[bytes] = []
    with pytest.raises(library.ReadTimeout):
        read_stream(library, is_async, got, timeout=0.02)


@EACH
@BOTH
def test_what_nothing_takes(library: Any, is_async: bool) -> None:
    """A request without a reply gets an answer that no client retries, and is reported."""
    mock = Mock(strict=False)
    with mock:
        response = post(library, is_async, json=BODY)
    assert response.status_code == 400
    assert response.headers["x-should-retry"] == "false"
    assert response.json()["error"]["type"] == "byom_no_reply"
    assert "1 request that no reply took" in mock.report()


@EACH
@BOTH
def test_real_servers_are_blocked(library: Any, is_async: bool) -> None:
    """What goes to a real server beside the API is not sent."""
    mock = Mock(strict=False)
    with mock:
        response = post(library, is_async, "https://api.openai.com/v1/embeddings", json={})
    assert (response.status_code, mock.requests) == (400, [])
    assert "1 request for a real server, not let through" in mock.report()


def test_unknown_clients_are_blocked() -> None:
    """A client that no library helps with cannot look up a real server."""
    mock = Mock(strict=False)
    with mock, pytest.raises(socket.gaierror, match="not reached while a mock is on"):
        socket.create_connection(("api.openai.com", 443))
    assert "CONNECT https://api.openai.com" in mock.report()
    assert socket.getaddrinfo("127.0.0.1", 80)


@pytest.fixture(scope="module")
def other() -> Iterator[str]:
    """A server that is not the mock's."""

    async def answer(request: Request) -> Reply:
        return Reply(200, (("content-type", "text/plain"),), f"real {request.path}".encode())

    with BackgroundServer(answer) as server:
        yield server.url


@EACH
@BOTH
def test_others_pass(mock: Mock, library: Any, is_async: bool, other: str) -> None:
    """A request that is not for the mock goes to the network."""
    assert post(library, is_async, f"{other}/api").text == "real /api"


@EACH
@BOTH
def test_hosts(mock: Mock, library: Any, is_async: bool, other: str) -> None:
    """With hosts named, all others are left, and theirs are held to the API."""
    mock.hosts("llm.test").reply("mine")
    assert post(library, is_async, json=BODY).json()["choices"]
    assert post(library, is_async, f"{other}/v1/chat/completions", json=BODY).text.startswith(
        "real"
    )
    mock.strict = False
    assert post(library, is_async, "https://llm.test/v1/embeddings", json={}).status_code == 400


@EACH
def test_models(mock: Mock, library: Any) -> None:
    """The list of models is served."""
    with library.Client(verify=False) as client:
        assert client.get("https://llm.test/v1/models").json()["data"][0]["id"] == "gpt-4o-mini"


@EACH
@BOTH
def test_own_routes(mock: Mock, library: Any, is_async: bool) -> None:
    """Routes of a user's own come before the script, which goes on behind them."""
    route = mock.router.post("https://other.test/search").respond(json={"hits": 1})
    mock.reply("Hello").reply("Bye", cut_after=2)
    assert post(library, is_async, "https://other.test/search", json={}).json() == {"hits": 1}
    assert post(library, is_async, json=BODY).json()["choices"]
    assert route.called
    got: list[bytes] = []
    with pytest.raises(library.RemoteProtocolError):
        read_stream(library, is_async, got)
    assert len(got) == 2


@EACH
@BOTH
def test_a_route_may_take_from_the_script(mock: Mock, library: Any, is_async: bool) -> None:
    """A route may answer what the script would claim, and may fail."""
    mock.router.post(url__regex=r"/chat/").mock(side_effect=httpx.ConnectTimeout)
    with pytest.raises(library.ConnectTimeout):
        post(library, is_async, json=BODY)
    assert mock.requests == []


@EACH
@BOTH
def test_a_route_may_pass(mock: Mock, library: Any, is_async: bool, other: str) -> None:
    """A route may let a request through to the network."""
    mock.router.post(f"{other}/v1/chat/completions").pass_through()
    assert post(library, is_async, f"{other}/v1/chat/completions", json=BODY).text.startswith(
        "real"
    )
    assert post(library, is_async, f"{other}/else").text == "real /else"


@EACH
def test_streams_of_routes(mock: Mock, library: Any) -> None:
    """A route may stream."""
    mock.router.post("https://other.test/s").respond(stream=httpx.ByteStream(b"abc"))
    assert post(library, False, "https://other.test/s").content == b"abc"


@EACH
def test_transports_without_network(mock: Mock, library: Any) -> None:
    """Transports that do not talk to the network are left alone."""
    alone = library.MockTransport(lambda request: library.Response(200, text="mine"))
    with library.Client(transport=alone) as client:
        assert client.post(URL, json=BODY).text == "mine"

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"asgi"})

    async def ask() -> str:
        transport = library.ASGITransport(app)
        async with library.AsyncClient(transport=transport) as client:
            return str((await client.post(URL, json=BODY)).text)

    assert asyncio.run(ask()) == "asgi"


@pytest.mark.parametrize("order", ["inside", "outside"])
def test_respx_goes_on(order: str) -> None:
    """A user's own respx.mock sees what the mock does not claim, whoever came first."""
    mine, theirs = Mock(), respx.mock(assert_all_called=False)
    first, second = (mine, theirs) if order == "inside" else (theirs, mine)
    with first, second:
        mine.reply("Hello")
        theirs.get("https://other.test/").respond(text="respx")
        assert httpx.post(URL, json=BODY).json()["choices"]
        assert httpx.get("https://other.test/").text == "respx"


def test_the_latest_mock_is_asked_first() -> None:
    """Of two mocks, the one that started later answers."""
    with Mock(strict=False) as outer, Mock() as inner:
        inner.reply("inner")
        assert httpx.post(URL, json=BODY).json()["choices"][0]["message"]["content"] == "inner"
        assert outer.requests == []


def test_everything_is_put_back() -> None:
    """After the last mock, all is as it was."""
    names = [(lib, cls) for lib in LIBRARIES for cls in ("HTTPTransport", "AsyncHTTPTransport")]

    def methods() -> list[Any]:
        return [
            getattr(lib, cls).__dict__.get(name)
            for lib, cls in names
            for name in (transports.SYNC, transports.ASYNC)
        ] + [socket.getaddrinfo, httpx.AsyncBaseTransport.__dict__.get("__init_subclass__")]

    before = methods()
    with Mock():
        with Mock():
            pass
        assert methods() != before
    assert methods() == before


def test_stopped_twice() -> None:
    """To stop twice does no harm, nor to those that still run."""
    with Mock() as outer:
        inner = Mock()
        inner.start()
        inner.stop()
        inner.stop()
        outer.reply("outer")
        assert httpx.post(URL, json=BODY).json()["choices"]


def test_threads() -> None:
    """Clients in several threads are all answered."""
    with Mock() as mock:
        mock.reply("x", times=40)
        threads = [
            threading.Thread(target=lambda: [httpx.post(URL, json=BODY) for _ in range(10)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(mock.requests) == 40


def test_real_pace() -> None:
    """Asked for, an async stream comes at its pace."""

    async def main() -> list[bytes]:
        async with httpx.AsyncClient() as client, client.stream("POST", URL, json=STREAM) as answer:
            return [part async for part in answer.aiter_raw()]

    with Mock() as mock:
        mock.reply("a", pace=0.001, real=True)
        assert len(asyncio.run(main())) == 4


def test_secrets_are_not_shown() -> None:
    """Neither the report nor the repr of a request shows the key, wherever it stands."""
    key = "canary-0123456789abcdef"
    mock = Mock(strict=False)
    with mock:
        httpx.post(
            f"{URL}?api_key={key}",
            json={**BODY, "messages": [{"role": "user", "content": f"my key is {key}"}]},
            headers={"Authorization": f"Bearer {key}", "X-Api-Key": key},
        )
    assert "my key is ***" in mock.report()
    for shown in (mock.report(), repr(mock.requests), repr(mock.requests[0].headers)):
        assert key not in shown
    assert key in json.dumps(mock.requests[0].json)


@EACH
@BOTH
def test_long_streams_of_routes(mock: Mock, library: Any, is_async: bool) -> None:
    """A route may stream from a generator, which is read as the client reads."""

    class Parts(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield from (b"a", b"b")

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for part in (b"a", b"b"):
                yield part

    mock.router.post(URL).mock(return_value=httpx.Response(200, stream=Parts()))
    got: list[bytes] = []
    read_stream(library, is_async, got)
    assert got == [b"a", b"b"]
