"""The server that CI starts: it answers, keeps its key, and leaves nothing behind."""

from __future__ import annotations

import importlib.util
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from pytest_byom.registry import load_registry

from .children import HOST, MODEL, ServerFailed
from .llamacpp import running_llamacpp

HERE = Path(__file__).parent

needs_server = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None,
    reason="needs tests/servers/llamacpp.requirements.txt",
)


def ask(base_url: str, *, api_key: str = "", **body: Any) -> Any:
    """Send one chat completion and return the answer."""
    request = urllib.request.Request(
        f"{base_url}/chat/completions",
        json.dumps({"model": MODEL, "max_tokens": 32, **body}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {api_key}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def is_listening(base_url: str) -> bool:
    """True if something accepts connections at the URL's port."""
    port = int(base_url.removesuffix("/v1").rpartition(":")[2])
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def test_the_registry_of_ci_is_valid() -> None:
    """The endpoint of CI has its URL from the environment and the limits of two slots."""
    environ = {"BYOM_LLAMACPP_URL": "http://127.0.0.1:8080/v1"}
    registry = load_registry(HERE / "byom.yaml", environ=environ)
    endpoint = registry.endpoint("llamacpp-ci")
    assert (endpoint.base_url, endpoint.model) == ("http://127.0.0.1:8080/v1", MODEL)
    assert (endpoint.dialect, endpoint.limits.concurrency) == ("llamacpp", 2)
    assert registry.warnings == ()


@needs_server
def test_the_model_calls_a_tool_and_keeps_to_a_schema() -> None:
    """The small model calls a required tool and is bound by a schema: the template sees to it."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": schema}}
    bound = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}
    messages = [{"role": "user", "content": "The weather in Paris?"}]
    with running_llamacpp() as base_url:
        called = ask(
            base_url, messages=messages, temperature=0, tools=[tool], tool_choice="required"
        )
        spoken = ask(base_url, messages=messages, temperature=0, response_format=bound)
    assert called["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "get_weather"
    assert "city" in json.loads(spoken["choices"][0]["message"]["content"])


@needs_server
def test_a_server_with_a_key_refuses_others(tmp_path: Path) -> None:
    """With a key the server answers 401 to whoever has none, and writes its log where told."""
    messages = [{"role": "user", "content": "Hi"}]
    with running_llamacpp(api_key="sk-test", log=tmp_path / "log") as base_url:
        assert ask(base_url, api_key="sk-test", messages=messages)["choices"]
        with pytest.raises(urllib.error.HTTPError, match="401"):
            ask(base_url, messages=messages)
    assert "sk-test" not in (tmp_path / "log").read_text()


@needs_server
def test_the_server_is_gone_after_a_failure() -> None:
    """A test that fails inside the block takes the server along."""
    seen = []

    def fail() -> None:
        with running_llamacpp() as base_url:
            seen.append(base_url)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not is_listening(seen[0])


@needs_server
def test_a_server_that_does_not_start_says_why() -> None:
    """A port that is taken is an error that holds the log."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            pytest.raises(ServerFailed, match=rf"(?s)exit status 1\).*Is port {port} in use\?"),
            running_llamacpp(port=port),
        ):
            pass


@needs_server
def test_the_server_goes_with_a_parent_that_is_killed() -> None:
    """A run that is killed leaves no server behind."""
    script = (
        "import time; from llamacpp import running_llamacpp\n"
        "with running_llamacpp() as url: print(url, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(HERE)!r})\n{script}"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout
    base_url = parent.stdout.readline().strip()
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 10
    while is_listening(base_url) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_listening(base_url)


@needs_server
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_script_stops_on_a_signal(number: signal.Signals) -> None:
    """As a command it prints its base URL and ends with status 0 on a signal."""
    command = [sys.executable, str(HERE / "llamacpp.py")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout
        base_url = server.stdout.readline().strip()
        assert base_url.startswith(f"http://{HOST}:")
        server.send_signal(number)
        assert server.wait(20) == 0
    assert not is_listening(base_url)
