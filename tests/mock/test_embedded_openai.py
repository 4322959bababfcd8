"""The official client against the embedded server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

openai = pytest.importorskip("openai")
pydantic = pytest.importorskip("pydantic")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.mock.http1 import BackgroundServer

QUESTION = [{"role": "user", "content": "What is the weather in Paris and Rome?"}]


class Place(pydantic.BaseModel):  # type: ignore[misc, name-defined]  # pydantic may be absent
    name: str
    people: int | None
    near: list[str]


@pytest.fixture(scope="module")
def client(embedded: BackgroundServer) -> Iterator[Any]:
    with openai.OpenAI(api_key="none", base_url=f"{embedded.url}/v1", max_retries=0) as made:
        yield made.chat.completions


def test_the_client_gets_an_answer(client: Any) -> None:
    """A plain request gives a completion."""
    messages = [{"role": "user", "content": "Say ok."}]
    answer = client.create(model="byom-embedded", messages=messages)
    assert answer.choices[0].message.content == "ok"


def test_the_client_parses_an_answer(client: Any) -> None:
    """A model class makes a strict schema, which the answer keeps."""
    messages = [{"role": "user", "content": "Paris has 2000000 people"}]
    answer = client.parse(model="byom-embedded", messages=messages, response_format=Place)
    assert answer.choices[0].message.parsed.name == "Paris"
    assert answer.choices[0].message.parsed.people == 2000000


def test_the_client_streams_calls(client: Any) -> None:
    """Its own accumulator joins the calls of a stream."""
    tool = openai.pydantic_function_tool(Place, name="weather")
    with client.stream(model="byom-embedded", messages=QUESTION, tools=[tool]) as stream:
        message = stream.get_final_completion().choices[0].message
    names = [call.function.parsed_arguments.name for call in message.tool_calls]
    assert names == ["Paris", "Rome"]


def test_the_client_maps_errors(client: Any) -> None:
    """Refusals arrive as the client's own classes, with their words."""
    with pytest.raises(openai.NotFoundError, match="does not exist") as caught:
        client.create(model="nobody", messages=QUESTION)
    assert caught.value.code == "model_not_found"
    assert caught.value.request_id.startswith("req_")
