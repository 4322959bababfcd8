"""litellm: sync over httpx, async over aiohttp, streams, tools, its own error classes."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.mock.replies import call

from .conftest import WEATHER

if importlib.util.find_spec("litellm") is None:
    pytest.skip("litellm is not installed", allow_module_level=True)

if TYPE_CHECKING:
    from pytest_byom.mock.in_process import Mock

HI = [{"role": "user", "content": "Hi"}]
MODELS = ["openai/m", "hosted_vllm/m"]
EACH = pytest.mark.parametrize("model", MODELS)


@pytest.fixture
def options() -> dict[str, Any]:
    return {"api_base": "http://llm.test/v1", "api_key": "any", "num_retries": 0, "max_retries": 0}


@pytest.fixture
def litellm() -> Any:
    """The library, imported when the mock is active: it must be seen all the same."""
    litellm: Any = importlib.import_module("litellm")
    litellm.in_memory_llm_clients_cache.flush_cache()
    return litellm


@EACH
def test_sync(byom_mock: Mock, litellm: Any, options: dict[str, Any], model: str) -> None:
    """A text arrives, whole and streamed."""
    byom_mock.reply("Hello there", times=2)
    answer = litellm.completion(model=model, messages=HI, **options)
    assert answer.choices[0].message.content == "Hello there"
    stream = litellm.completion(model=model, messages=HI, stream=True, **options)
    assert "".join(c.choices[0].delta.content or "" for c in stream) == "Hello there"


@EACH
def test_async(byom_mock: Mock, litellm: Any, options: dict[str, Any], model: str) -> None:
    """A text arrives over aiohttp, whole and streamed."""
    byom_mock.reply("Hello there", times=2)

    async def ask() -> tuple[str, str]:
        answer = await litellm.acompletion(model=model, messages=HI, **options)
        stream = await litellm.acompletion(model=model, messages=HI, stream=True, **options)
        text = "".join([c.choices[0].delta.content or "" async for c in stream])
        return answer.choices[0].message.content, text

    assert asyncio.run(ask()) == ("Hello there", "Hello there")


@EACH
def test_tools(byom_mock: Mock, litellm: Any, options: dict[str, Any], model: str) -> None:
    """Calls arrive."""
    byom_mock.reply(tool_calls=[call("get_weather", city="Paris")])
    tools = [{"type": "function", "function": WEATHER}]
    answer = litellm.completion(model=model, messages=HI, tools=tools, **options)
    assert answer.choices[0].message.tool_calls[0].function.arguments == '{"city": "Paris"}'


@EACH
def test_errors(byom_mock: Mock, litellm: Any, options: dict[str, Any], model: str) -> None:
    """Errors arrive as litellm's own classes."""
    byom_mock.fail(429, retry_after=2)
    with pytest.raises(litellm.RateLimitError):
        litellm.completion(model=model, messages=HI, **options)


@EACH
@pytest.mark.byom(strict=False)
def test_nothing_takes_it(
    byom_mock: Mock, litellm: Any, options: dict[str, Any], model: str
) -> None:
    """A request that nothing takes is asked once."""
    with pytest.raises(litellm.BadRequestError, match="no reply takes this request"):
        litellm.completion(model=model, messages=HI, **options)
    assert len(byom_mock.requests) == 1
