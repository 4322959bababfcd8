"""pydantic-ai: an agent with a tool runs and ends, whole and streamed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.mock.replies import call

pydantic_ai = pytest.importorskip("pydantic_ai", reason="pydantic-ai is not installed")

if TYPE_CHECKING:
    from pytest_byom.mock.in_process import Mock


@pytest.fixture
def agent() -> Any:
    def get_weather(city: str) -> str:
        """Tell the weather."""
        return f"Sunny in {city}"

    return pydantic_ai.Agent("openai-chat:m", tools=[get_weather])


def test_an_agent(byom_mock: Mock, agent: Any) -> None:
    """The tool runs, and its result is in the next request."""
    byom_mock.conversation(first_user="The weather in Paris?").reply(
        tool_calls=[call("get_weather", city="Paris")]
    ).reply("It is sunny.")
    assert agent.run_sync("The weather in Paris?").output == "It is sunny."
    assert byom_mock.requests[-1].tool_results == ["Sunny in Paris"]


def test_an_agent_from_schema(byom_mock: Mock, agent: Any) -> None:
    """An agent calls its tools with made-up arguments, and stops."""
    byom_mock.reply(from_schema=True, times=2)
    assert agent.run_sync("Go").output == "Done."


def test_a_stream(byom_mock: Mock, agent: Any) -> None:
    """A stream arrives."""
    byom_mock.reply("Hello there")

    async def ask() -> str:
        async with agent.run_stream("Hi") as run:
            return str(await run.get_output())

    assert asyncio.run(ask()) == "Hello there"
