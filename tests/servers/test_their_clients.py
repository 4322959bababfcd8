"""The mock that stands for a provider satisfies the client that the provider ships.

Each is skipped where its package is not installed; `tox -e sdks` has them all. xAI's own client
speaks gRPC and LM Studio's a protocol of its own: both are used through OpenAI's client.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.mock.replies import call
from pytest_byom.registry.dialects import list_dialects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.mock.server import MockServer

HI: list[Any] = [{"role": "user", "content": "Hi"}]
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
ARGUMENTS = '{"city": "Paris"}'
TEXT_ERRORS = ("lmstudio", "xai")
"""Whose `error` is a text."""

SERVERS = [name for name in list_dialects() if name != "embedded"]


def needs(package: str) -> pytest.MarkDecorator:
    """Skip where a package is not installed."""
    missing = importlib.util.find_spec(package) is None
    return pytest.mark.skipif(missing, reason=f"needs {package}: tox -e sdks")


@pytest.fixture
def mistral(byom_server: MockServer) -> Iterator[Any]:
    """Mistral's client, at the mock."""
    module = importlib.import_module("mistralai.client")
    with module.Mistral(api_key="any", server_url=byom_server.url) as client:
        yield client.chat


@needs("mistralai")
@pytest.mark.byom(dialect="mistral")
def test_mistral(byom_server: MockServer, mistral: Any) -> None:
    """A text arrives, with its usage, whole and in pieces."""
    byom_server.reply("Hello", usage=(9, 4), times=2)
    answer = mistral.complete(model="mistral-small-latest", messages=HI)
    assert answer.choices[0].message.content == "Hello"
    assert answer.usage.total_tokens == 13
    with mistral.stream(model="mistral-small-latest", messages=HI) as stream:
        chunks = [event.data for event in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Hello"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.total_tokens == 13


@needs("mistralai")
@pytest.mark.byom(dialect="mistral")
def test_mistral_calls(byom_server: MockServer, mistral: Any) -> None:
    """A call arrives whole, with arguments that are its own."""
    byom_server.reply(tool_calls=[call("get_weather", city="Paris")], times=2)
    answer = mistral.complete(model="m", messages=HI, tools=[TOOL], tool_choice="any")
    [made] = answer.choices[0].message.tool_calls
    assert (made.function.name, made.function.arguments) == ("get_weather", ARGUMENTS)
    assert len(made.id) == 9
    with mistral.stream(model="m", messages=HI, tools=[TOOL], tool_choice="any") as stream:
        chunks = [event.data for event in stream]
    [made] = [each for chunk in chunks for each in chunk.choices[0].delta.tool_calls or []]
    assert (made.function.name, made.function.arguments) == ("get_weather", ARGUMENTS)


@needs("mistralai")
@pytest.mark.byom(dialect="mistral")
def test_mistral_errors(byom_server: MockServer, mistral: Any) -> None:
    """An error is the client's own, with the status and the words."""
    errors = importlib.import_module("mistralai.client.errors")
    byom_server.fail(401, message="Unauthorized")
    with pytest.raises(errors.SDKError) as raised:
        mistral.complete(model="m", messages=HI)
    assert raised.value.status_code == 401
    assert "Unauthorized" in raised.value.body


@pytest.fixture
def openrouter(byom_server: MockServer) -> Iterator[Any]:
    """OpenRouter's client, at the mock."""
    module = importlib.import_module("openrouter")
    with module.OpenRouter(api_key="any", server_url=byom_server.base_url) as client:
        yield client.chat


@needs("openrouter")
@pytest.mark.byom(dialect="openrouter")
def test_openrouter(byom_server: MockServer, openrouter: Any) -> None:
    """A text arrives behind white space and between comments, with its usage."""
    byom_server.reply("Hello", usage=(9, 4), times=2)
    answer = openrouter.send(model="m", messages=HI)
    assert answer.choices[0].message.content == "Hello"
    assert answer.usage.total_tokens == 13
    with openrouter.send(model="m", messages=HI, stream=True) as stream:
        chunks = list(stream)
    contents = [choice.delta.content for chunk in chunks for choice in chunk.choices]
    assert "".join(content or "" for content in contents) == "Hello"
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage] == [13]


@needs("openrouter")
@pytest.mark.byom(dialect="openrouter")
def test_openrouter_calls(byom_server: MockServer, openrouter: Any) -> None:
    """A call arrives, whole and in pieces."""
    byom_server.reply(tool_calls=[call("get_weather", city="Paris")], times=2)
    answer = openrouter.send(model="m", messages=HI, tools=[TOOL])
    [made] = answer.choices[0].message.tool_calls
    assert (made.function.name, made.function.arguments) == ("get_weather", ARGUMENTS)
    with openrouter.send(model="m", messages=HI, tools=[TOOL], stream=True) as stream:
        deltas = [choice.delta for chunk in stream for choice in chunk.choices]
    pieces = [each.function for delta in deltas for each in delta.tool_calls or []]
    assert "".join(piece.arguments or "" for piece in pieces) == ARGUMENTS


@needs("openrouter")
@pytest.mark.byom(dialect="openrouter")
@pytest.mark.parametrize("status", [400, 401, 429])
def test_openrouter_errors(byom_server: MockServer, openrouter: Any, status: int) -> None:
    """An error is the client's own of that status, with the words."""
    errors = importlib.import_module("openrouter.errors")
    byom_server.fail(status, message="No, sorry.")
    with pytest.raises(errors.OpenRouterError) as raised:
        openrouter.send(model="m", messages=HI, retries=None)
    assert raised.value.status_code == status
    assert raised.value.message == "No, sorry."


@pytest.fixture
def openai(byom_server: MockServer) -> Iterator[Any]:
    """OpenAI's client, with the base URL of the mock."""
    module = importlib.import_module("openai")
    with module.OpenAI(api_key="any", base_url=byom_server.base_url, max_retries=0) as client:
        yield client.chat.completions


@needs("openai")
@pytest.mark.byom(dialect=SERVERS)
def test_openai_at_each(byom_server: MockServer, openai: Any) -> None:
    """OpenAI's client reads a text of every server, whole and in pieces."""
    byom_server.reply("Hello", usage=(9, 4), times=2)
    answer = openai.create(model="m", messages=HI)
    assert answer.choices[0].message.content == "Hello"
    assert answer.usage.prompt_tokens == 9
    chunks = list(openai.create(model="m", messages=HI, stream=True))
    contents = [choice.delta.content for chunk in chunks for choice in chunk.choices]
    assert "".join(content or "" for content in contents) == "Hello"


@needs("openai")
@pytest.mark.byom(dialect=SERVERS)
def test_openai_calls_at_each(byom_server: MockServer, openai: Any) -> None:
    """OpenAI's client reads a call of every server, whole and in pieces."""
    byom_server.reply(tool_calls=[call("get_weather", city="Paris")], times=2)
    answer = openai.create(model="m", messages=HI, tools=[TOOL])
    [made] = answer.choices[0].message.tool_calls
    assert (made.function.name, made.function.arguments) == ("get_weather", ARGUMENTS)
    chunks = list(openai.create(model="m", messages=HI, tools=[TOOL], stream=True))
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    pieces = [each.function for delta in deltas for each in delta.tool_calls or []]
    assert "".join(piece.arguments or "" for piece in pieces) == ARGUMENTS


@needs("openai")
@pytest.mark.byom(dialect=SERVERS)
def test_openai_errors_at_each(byom_server: MockServer, openai: Any, byom_dialect: str) -> None:
    """OpenAI's client raises its own error; what is wrong it tells where `error` is an object."""
    errors = importlib.import_module("openai")
    byom_server.fail(429, message="Slow down.")
    with pytest.raises(errors.RateLimitError) as raised:
        openai.create(model="m", messages=HI)
    assert "Slow down." in raised.value.response.text
    assert ("Slow down." in str(raised.value)) is (byom_dialect not in TEXT_ERRORS)
