"""Groq's own client, in Groq's dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.mock.replies import call

from .conftest import WEATHER

groq = pytest.importorskip("groq", reason="groq is not installed")

if TYPE_CHECKING:
    from pytest_byom.mock.in_process import Mock

HI: Any = [{"role": "user", "content": "Hi"}]


@pytest.fixture
def client() -> Any:
    return groq.Groq(api_key="any", max_retries=0)


@pytest.mark.byom(dialect="groq")
def test_plain_and_stream(byom_mock: Mock, client: Any) -> None:
    """A text arrives, with Groq's own members."""
    byom_mock.reply("Hello", usage=(9, 4), times=2)
    answer = client.chat.completions.create(model="m", messages=HI)
    assert answer.choices[0].message.content == "Hello"
    assert answer.x_groq.id.startswith("req_")
    last = None
    for chunk in client.chat.completions.create(model="m", messages=HI, stream=True):
        last = chunk
    assert last is not None
    assert last.x_groq.usage.total_tokens == 13


@pytest.mark.byom(dialect="groq")
def test_tools(byom_mock: Mock, client: Any) -> None:
    """A call arrives in one delta."""
    byom_mock.reply(tool_calls=[call("get_weather", city="Paris")])
    tools = [{"type": "function", "function": WEATHER}]
    stream = client.chat.completions.create(model="m", messages=HI, tools=tools, stream=True)
    calls = [c.choices[0].delta.tool_calls for c in stream if c.choices[0].delta.tool_calls]
    assert calls[0][0].function.arguments == '{"city": "Paris"}'


@pytest.mark.byom(dialect="groq")
def test_errors(byom_mock: Mock, client: Any) -> None:
    """Errors arrive as the client's own classes, inside a stream too."""
    byom_mock.fail(429).reply("x", error_after=0, error="tool call validation failed")
    with pytest.raises(groq.RateLimitError):
        client.chat.completions.create(model="m", messages=HI)
    with pytest.raises(groq.APIError, match="tool call validation failed"):
        list(client.chat.completions.create(model="m", messages=HI, stream=True))
