"""The script behind a socket: the same answers, and faults that are real."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import trustme

from pytest_byom.client.errors import UsageError
from pytest_byom.mock.replies import call
from pytest_byom.mock.server import ENVIRONMENT, MockServer

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY = {"model": "small", "messages": [{"role": "user", "content": "Hi"}]}
STREAM = {**BODY, "stream": True}


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


@pytest.fixture
def client(server: MockServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.base_url, trust_env=False) as client:
        yield client


def test_answers(server: MockServer, client: httpx.Client) -> None:
    """Replies are those of the script, on one connection that is kept."""
    server.reply("Hello").reply(tool_calls=[call("look", city="Paris")]).fail(429, retry_after=2)
    first, second, third = (client.post("/chat/completions", json=BODY) for _ in range(3))
    assert first.json()["choices"][0]["message"]["content"] == "Hello"
    assert second.json()["choices"][0]["finish_reason"] == "tool_calls"
    assert (third.status_code, third.headers["retry-after"]) == (429, "2")
    assert [one.last_user for one in server.requests] == ["Hi"] * 3
    assert server.requests[0].url == f"{server.base_url}/chat/completions"


def read(client: httpx.Client, got: bytearray) -> None:
    """Read a stream into `got`."""
    with client.stream("POST", "/chat/completions", json=STREAM) as answer:
        for part in answer.iter_raw():
            got += part


def test_a_stream(server: MockServer, client: httpx.Client) -> None:
    """A stream has all its events."""
    server.reply("Hello there")
    got = bytearray()
    read(client, got)
    assert got.count(b"data: ") == 5
    assert server.log.served[0].finished


@pytest.mark.parametrize("attempt", range(40))
def test_a_cut_delivers_exactly(server: MockServer, client: httpx.Client, attempt: int) -> None:
    """A cut after N events delivers N, then the connection breaks: 40 of 40 times."""
    server.reply(["x"] * 20, cut_after=8)
    got = bytearray()
    with pytest.raises(httpx.RemoteProtocolError):
        read(client, got)
    assert got.count(b"data: ") == 8


def test_a_clean_cut(server: MockServer, client: httpx.Client) -> None:
    """A clean cut ends the body as HTTP wants it."""
    server.reply("a b c", cut_after=2, clean_cut=True)
    got = bytearray()
    read(client, got)
    assert got.count(b"data: ") == 2


def test_no_answer(server: MockServer, client: httpx.Client) -> None:
    """A connection may be closed or reset without an answer, or be silent for ever."""
    server.fail(connection="closed").fail(connection="reset").fail(timeout="read").reply("after")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        client.post("/chat/completions", json=BODY)
    with pytest.raises(httpx.ReadError):
        client.post("/chat/completions", json=BODY)
    with pytest.raises(httpx.ReadTimeout):
        client.post("/chat/completions", json=BODY, timeout=0.05)
    assert client.post("/chat/completions", json=BODY).status_code == 200


def test_silence_is_real(server: MockServer, client: httpx.Client) -> None:
    """A stall on a socket runs into the client's limit."""
    server.reply("a", stall=60)
    got = bytearray()
    client.timeout = httpx.Timeout(0.1)
    with pytest.raises(httpx.ReadTimeout):
        read(client, got)
    assert got == b""


@pytest.mark.parametrize(
    "failure", [{"timeout": "connect"}, {"timeout": "pool"}, {"connection": "refused"}]
)
def test_what_a_socket_cannot(server: MockServer, failure: dict[str, Any]) -> None:
    """A failure that no listening server can make is refused where it is written."""
    with pytest.raises(UsageError, match="is for byom_mock: "):
        server.fail(**failure)


def test_each_server_is_its_own() -> None:
    """Two servers share neither port nor script."""
    with MockServer() as one, MockServer() as two:
        one.reply("one")
        two.reply("two")
        assert one.url != two.url
        for server, text in ((two, "two"), (one, "one")):
            answer = httpx.post(f"{server.base_url}/chat/completions", json=BODY)
            assert answer.json()["choices"][0]["message"]["content"] == text


def test_many_at_once(server: MockServer) -> None:
    """Requests at once get each reply once."""
    server.reply(lambda asked: asked.last_user, times=40)
    seen: list[str] = []

    def ask(name: int) -> None:
        with httpx.Client(base_url=server.base_url, trust_env=False) as client:
            for number in range(5):
                text = f"{name}-{number}"
                body = {**BODY, "messages": [{"role": "user", "content": text}]}
                answer = client.post("/chat/completions", json=body).json()
                assert answer["choices"][0]["message"]["content"] == text
                seen.append(text)

    threads = [threading.Thread(target=ask, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 40


def test_unserved(server: MockServer, client: httpx.Client) -> None:
    """A path that is not served is a 404, and is reported."""
    server.strict = False
    answer = client.post("/embeddings", json={})
    assert (answer.status_code, answer.headers["x-should-retry"]) == (404, "false")
    assert server.report().splitlines()[:2] == [
        "byom_server: 1 request for a path that is not served",
        f"  request 1 POST {server.base_url}/embeddings",
    ]


def test_tls() -> None:
    """The server speaks TLS with a context that it is given."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with MockServer(tls=context) as server:
        server.reply("Hello").reply(["x"] * 20, cut_after=8)
        assert server.url.startswith("https://")
        with httpx.Client(base_url=server.base_url, verify=trusting, trust_env=False) as client:
            assert client.post("/chat/completions", json=BODY).status_code == 200
            got = bytearray()
            with pytest.raises(httpx.RemoteProtocolError):
                read(client, got)
            assert got.count(b"data: ") == 8


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that clients read are set on request, and given back."""
    monkeypatch.setenv("OPENAI_BASE_URL", "mine")
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    with MockServer() as server:
        assert os.environ["OPENAI_BASE_URL"] == "mine"
        server.set_environment()
        assert os.environ["OPENAI_BASE_URL"] == server.base_url
        assert os.environ["OLLAMA_HOST"] == server.url
        assert server.environment.keys() == ENVIRONMENT.keys()
    assert os.environ["OPENAI_BASE_URL"] == "mine"
    assert "OLLAMA_HOST" not in os.environ


SCRIPT = """
import json, os, urllib.request
body = {"model": "m", "messages": [{"role": "user", "content": "from another process"}]}
request = urllib.request.Request(
    os.environ["OPENAI_BASE_URL"] + "/chat/completions", json.dumps(body).encode(),
    {"Content-Type": "application/json"},
)
with urllib.request.urlopen(request) as answer:
    print(json.load(answer)["choices"][0]["message"]["content"])
"""


def test_another_process(server: MockServer) -> None:
    """An app in a process of its own is aimed at the server by its environment."""
    server.reply("Hello")
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, **server.environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.stdout, ran.stderr) == ("Hello\n", "")
    assert server.requests[0].last_user == "from another process"


def test_nothing_is_left_running() -> None:
    """After the with block there is neither thread nor port; before it, there is no URL."""
    server = MockServer()
    with pytest.raises(UsageError, match="has not been started"):
        _ = server.url
    before = threading.active_count()
    with server:
        url = server.base_url
    assert threading.active_count() == before
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/models", trust_env=False)


def test_use_tls_later(server: MockServer) -> None:
    """A server can be made to speak TLS once it runs, as that of the fixture does."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.use_tls(context)
    assert httpx.get(f"{server.base_url}/models", verify=False, trust_env=False).status_code == 200


def test_the_body_is_what_in_process_is_too(server: MockServer, client: httpx.Client) -> None:
    """Socket and process send the same bytes."""
    from pytest_byom.mock.in_process import Mock

    server.reply("Hello", id="x")
    with Mock() as mock:
        mock.reply("Hello", id="x")
        mock.hosts("llm.test")
        here = httpx.post("http://llm.test/v1/chat/completions", json=BODY).json()
    there = json.loads(client.post("/chat/completions", json=BODY).content)
    assert {**here, "created": 0} == {**there, "created": 0}


def test_real_servers_are_blocked_meanwhile(server: MockServer) -> None:
    """An app that does not ask the server that it was given does not reach a real one."""
    server.strict = False
    answer = httpx.post("https://api.openai.com/v1/chat/completions", json=BODY)
    assert answer.status_code == 400
    assert "1 request for a real server, not let through" in server.report()
    assert httpx.get(f"{server.base_url}/models", trust_env=False).status_code == 200


def test_a_preflight(server: MockServer, client: httpx.Client) -> None:
    """A browser's question is answered as the server does, and asks nothing of the script."""
    server.dialect("llamacpp")
    answer = client.options("/chat/completions", headers={"origin": "http://app.example"})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "http://app.example"
    assert answer.headers["access-control-allow-headers"] == "*"
    assert server.report() == ""
