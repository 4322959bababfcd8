"""langchain-openai: invoke, stream, tools, structured output."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.mock.replies import call

from .conftest import WEATHER

langchain_openai = pytest.importorskip(
    "langchain_openai", reason="langchain-openai is not installed"
)

if TYPE_CHECKING:
    from pytest_byom.mock.in_process import Mock


@pytest.fixture
def model() -> Any:
    return langchain_openai.ChatOpenAI(model="m", max_retries=1)


def test_invoke(byom_mock: Mock, model: Any) -> None:
    """A text arrives, sync and async."""
    byom_mock.reply("Hello", times=2)
    assert model.invoke("Hi").content == "Hello"
    assert asyncio.run(model.ainvoke("Hi")).content == "Hello"


def test_stream(byom_mock: Mock, model: Any) -> None:
    """A stream arrives in its pieces."""
    byom_mock.reply(["Hel", "lo"])
    assert "".join(chunk.content for chunk in model.stream("Hi")) == "Hello"


def test_tools(byom_mock: Mock, model: Any) -> None:
    """Calls arrive, whole and from fragments."""
    byom_mock.reply(tool_calls=[call("get_weather", city="Paris")], times=2)
    bound = model.bind_tools([{"type": "function", "function": WEATHER}])
    assert bound.invoke("Hi").tool_calls[0]["args"] == {"city": "Paris"}
    whole = None
    for chunk in bound.stream("Hi"):
        whole = chunk if whole is None else whole + chunk
    assert whole is not None
    assert whole.tool_calls[0]["args"] == {"city": "Paris"}


def test_structured_output(byom_mock: Mock, model: Any) -> None:
    """Structured output is made from the schema that was asked for."""
    byom_mock.reply(from_schema=True)
    schema = {"title": "trip", "description": "a trip", **WEATHER["parameters"]}
    structured = model.with_structured_output(schema, method="json_schema")
    assert structured.invoke("To Paris").keys() == {"city"}


def test_retry(byom_mock: Mock, model: Any) -> None:
    """A failure is retried without a wait."""
    byom_mock.fail(429, retry_after=20).reply("Hello")
    assert model.invoke("Hi").content == "Hello"
