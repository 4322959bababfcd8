"""openai-python 2 and 3: sync, async, streams, structured output, raw responses, retries."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.mock.replies import call

from .conftest import WEATHER

openai = pytest.importorskip("openai", reason="openai is not installed")
pydantic = pytest.importorskip("pydantic", reason="pydantic comes with openai")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.mock.in_process import Mock
    from pytest_byom.mock.server import MockServer

HI: Any = [{"role": "user", "content": "Hi"}]
TOOLS: Any = [{"type": "function", "function": WEATHER}]


BROKEN = r"incomplete chunked read|Connection error"
"""What a broken stream is called: openai 2 lets the error of httpx through."""


class Place(pydantic.BaseModel):  # type: ignore[misc, name-defined]  # pydantic may be absent
    city: str
    days: int


@pytest.fixture
def client() -> Iterator[Any]:
    with openai.OpenAI(max_retries=2) as client:
        yield client


def test_sync(byom_mock: Mock, client: Any) -> None:
    """A text arrives."""
    byom_mock.reply("Hello", usage=(9, 4))
    answer = client.chat.completions.create(model="m", messages=HI)
    assert (answer.choices[0].message.content, answer.usage.total_tokens) == ("Hello", 13)


def test_async(byom_mock: Mock) -> None:
    """A text arrives at the async client, whole and streamed."""
    byom_mock.reply("Hello there", times=2)

    async def ask() -> tuple[str, str]:
        async with openai.AsyncOpenAI() as client:
            answer = await client.chat.completions.create(model="m", messages=HI)
            stream = await client.chat.completions.create(model="m", messages=HI, stream=True)
            text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
            return answer.choices[0].message.content, text

    assert asyncio.run(ask()) == ("Hello there", "Hello there")


def test_stream_with_calls(byom_mock: Mock, client: Any) -> None:
    """Parallel calls arrive in fragments and are put together."""
    byom_mock.reply(
        tool_calls=[call("get_weather", city="Paris"), call("get_weather", city="Rome")]
    )
    with client.chat.completions.stream(model="m", messages=HI, tools=TOOLS) as stream:
        message = stream.get_final_completion().choices[0].message
    cities = [json.loads(one.function.arguments)["city"] for one in message.tool_calls]
    assert cities == ["Paris", "Rome"]


def test_parse(byom_mock: Mock, client: Any) -> None:
    """Structured output is parsed into the app's own class, given or made from its schema."""
    byom_mock.reply(parsed={"city": "Paris", "days": 2}).reply(from_schema=True)
    parse = client.chat.completions.parse
    first = parse(model="m", messages=HI, response_format=Place)
    second = parse(model="m", messages=HI, response_format=Place)
    assert first.choices[0].message.parsed == Place(city="Paris", days=2)
    assert isinstance(second.choices[0].message.parsed, Place)


def test_raw_response(byom_mock: Mock, client: Any) -> None:
    """Headers are there for who wants them."""
    byom_mock.reply("Hello", headers={"x-mine": "1"})
    raw = client.chat.completions.with_raw_response.create(model="m", messages=HI)
    assert raw.headers["x-mine"] == "1"
    assert raw.parse().choices[0].message.content == "Hello"


def test_models(byom_mock: Mock, client: Any) -> None:
    """Models are listed."""
    byom_mock.models("small", "large")
    assert [model.id for model in client.models.list()] == ["small", "large"]


def test_retries(byom_mock: Mock, client: Any) -> None:
    """Failures are retried, without a wait, and with manners."""
    byom_mock.fail(429, retry_after=2).fail(timeout="read").reply("Hello")
    answer = client.with_options(max_retries=2).chat.completions.create(model="m", messages=HI)
    assert answer.choices[0].message.content == "Hello"
    assert len(byom_mock.requests) == 3
    byom_mock.assert_resilient()


ERRORS: list[tuple[dict[str, Any], str]] = [
    ({"status": 400}, "BadRequestError"),
    ({"status": 401}, "AuthenticationError"),
    ({"status": 404}, "NotFoundError"),
    ({"status": 429}, "RateLimitError"),
    ({"status": 500}, "InternalServerError"),
    ({"timeout": "read"}, "APITimeoutError"),
    ({"timeout": "connect"}, "APITimeoutError"),
    ({"connection": "refused"}, "APIConnectionError"),
]


@pytest.mark.parametrize(("failure", "error"), ERRORS)
def test_errors(byom_mock: Mock, client: Any, failure: dict[str, Any], error: str) -> None:
    """Errors arrive as the client's own classes."""
    byom_mock.fail(**failure)
    with pytest.raises(getattr(openai, error)) as caught:
        client.with_options(max_retries=0).chat.completions.create(model="m", messages=HI)
    assert type(caught.value).__name__ == error


def collect(stream: Any, got: list[str]) -> None:
    """Read a stream into `got`."""
    for chunk in stream:
        got.append(chunk.choices[0].delta.content)


async def collect_async(stream: Any, got: list[str]) -> None:
    """Read an async stream into `got`."""
    async for chunk in stream:
        got.append(chunk.choices[0].delta.content)


def test_cut(byom_mock: Mock, client: Any) -> None:
    """A cut stream gives exactly its events, then an error."""
    byom_mock.reply(["x"] * 9, cut_after=5)
    got: list[str] = []
    stream = client.chat.completions.create(model="m", messages=HI, stream=True)
    with pytest.raises(Exception, match=BROKEN):
        collect(stream, got)
    assert got == ["", "x", "x", "x", "x"]


@pytest.mark.byom(strict=False)
def test_nothing_takes_it(byom_mock: Mock, client: Any) -> None:
    """A request that nothing takes is asked once, and told what is wrong."""
    with pytest.raises(openai.BadRequestError, match="no reply takes this request"):
        client.chat.completions.create(model="m", messages=HI)
    assert len(byom_mock.requests) == 1


@pytest.mark.byom(strict=False)
def test_other_calls_are_blocked(byom_mock: Mock, client: Any) -> None:
    """A call of another API does not reach the real server."""
    with pytest.raises(openai.BadRequestError, match="is a real server"):
        client.embeddings.create(model="m", input="x")


@pytest.mark.byom(dialect="all")
def test_every_dialect(byom_mock: Mock, client: Any, byom_dialect: str) -> None:
    """The client understands each dialect, whole and streamed."""
    byom_mock.reply("Hello there", times=2)
    answer = client.chat.completions.create(model="m", messages=HI)
    assert answer.choices[0].message.content == "Hello there"
    text = ""
    for chunk in client.chat.completions.create(model="m", messages=HI, stream=True):
        text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    assert text == "Hello there"


def test_server(byom_server: MockServer) -> None:
    """The same on a socket, found by the environment."""
    byom_server.set_environment().reply("Hello").fail(503).reply("again")
    with openai.OpenAI() as client:
        for text in ("Hello", "again"):
            answer = client.chat.completions.create(model="m", messages=HI)
            assert answer.choices[0].message.content == text


def test_over_aiohttp(byom_mock: Mock) -> None:
    """The client that goes over aiohttp is answered too."""
    try:
        http = openai.DefaultAioHttpClient()
    except RuntimeError as error:
        pytest.skip(f"openai is installed without its extra for aiohttp: {error}")
    byom_mock.reply("Hello").reply("a b c", cut_after=2)

    async def ask() -> str:
        async with openai.AsyncOpenAI(http_client=http, max_retries=0) as client:
            answer = await client.chat.completions.create(model="m", messages=HI)
            stream = await client.chat.completions.create(model="m", messages=HI, stream=True)
            with pytest.raises(Exception, match=BROKEN):
                await collect_async(stream, [])
            return str(answer.choices[0].message.content)

    assert asyncio.run(ask()) == "Hello"
