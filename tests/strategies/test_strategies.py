"""What the strategies give is what they say, as the embedded server and the decoder see it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import jsonschema
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from pytest_byom.client.assemble import Assembler
from pytest_byom.client.errors import UsageError
from pytest_byom.client.sse import SSEDecoder
from pytest_byom.mock.embedded import EmbeddedServer
from pytest_byom.mock.http1 import BackgroundServer
from pytest_byom.strategies import (
    BrokenBody,
    BrokenRequest,
    EventStream,
    broken_bodies,
    broken_chat_requests,
    chat_requests,
    messages,
    schemas,
    sse_streams,
    tools,
)
from pytest_byom.strategies.bodies import ODD
from pytest_byom.strategies.broken import ABSENT, FAULTS, MESSAGES, WRONG, Faults

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK = settings(deadline=None, max_examples=150)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of an embedded server, which must not fail on anything."""
    with BackgroundServer(EmbeddedServer()) as running:
        yield f"{running.url}/v1/chat/completions"
        assert running.errors == []


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    """One HTTP client for all requests."""
    with httpx.Client(trust_env=False) as client:
        yield client


@given(body=chat_requests())
@QUICK
def test_valid_requests_are_answered(url: str, http: httpx.Client, body: dict[str, Any]) -> None:
    """The embedded server, which refuses what the API refuses, takes each of them."""
    response = http.post(url, json=body)
    assert response.status_code == 200, response.text
    if body.get("stream"):
        assert response.text.endswith("data: [DONE]\n\n")
    else:
        assert response.json()["object"] == "chat.completion"


@given(request=broken_chat_requests())
@QUICK
def test_broken_requests_are_refused(url: str, http: httpx.Client, request: BrokenRequest) -> None:
    """The embedded server refuses each of them, with an error object."""
    response = http.post(url, json=request.body)
    assert 400 <= response.status_code < 500, request.why
    assert response.json()["error"]["message"]


VALUES = [row for rows in WRONG.values() for row in rows]
ADDED = [row for rows in MESSAGES.values() for row in rows]


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_told_apart(fault: Faults) -> None:
    """Of one kind of fault nothing is drawn that is of another, and most rows of it are."""
    values = {
        f"{name} is missing" if value is ABSENT else f"{name} is {value!r}"
        for name, values in WRONG.get(fault, ())
        for value in values
    }
    wanted = values | {why for why, _ in MESSAGES.get(fault, ())}
    seen: set[str] = set()

    @given(request=broken_chat_requests(faults=[fault]))
    @settings(QUICK, derandomize=True, database=None)
    def draw(request: BrokenRequest) -> None:
        seen.add(request.why)

    draw()
    assert seen <= wanted
    assert len(seen) > len(wanted) / 2


@pytest.mark.parametrize("faults", [[], ["moods"], ["types", "moods"]])
def test_faults_that_are_none(faults: list[Any]) -> None:
    """A kind of fault that is not known is refused, with those that are."""
    with pytest.raises(UsageError, match=r"faults must be some of types, ranges, forms, tools,"):
        broken_chat_requests(faults=faults)


@pytest.mark.parametrize("row", VALUES, ids=[name for name, _ in VALUES])
def test_each_wrong_value_is_refused(
    url: str, http: httpx.Client, row: tuple[str, tuple[Any, ...]]
) -> None:
    """No row of the table of wrong values is a legal one."""
    name, values = row
    for value in values:
        body = {
            "model": "byom-embedded",
            "messages": [{"role": "user", "content": "Say ok."}],
            name: value,
        }
        if value is ABSENT:
            del body[name]
        assert 400 <= http.post(url, json=body).status_code < 500, (name, value)


@pytest.mark.parametrize(("why", "message"), ADDED, ids=[why for why, _ in ADDED])
def test_each_wrong_message_is_refused(
    url: str, http: httpx.Client, why: str, message: dict[str, Any]
) -> None:
    """No row of the table of wrong messages is a legal one."""
    body = {"model": "byom-embedded", "messages": [{"role": "user", "content": "Hi"}, message]}
    assert 400 <= http.post(url, json=body).status_code < 500, why


@given(broken=broken_bodies())
@QUICK
def test_broken_bodies_are_refused(url: str, http: httpx.Client, broken: BrokenBody) -> None:
    """The embedded server refuses each of them, with an error object."""
    headers = {"content-type": "application/json"}
    response = http.post(url, content=broken.body, headers=headers)
    assert 400 <= response.status_code < 500, broken.why
    assert response.json()["error"]["message"]


@pytest.mark.parametrize(("why", "body"), ODD, ids=[why for why, _ in ODD])
def test_each_odd_body_is_refused(url: str, http: httpx.Client, why: str, body: bytes) -> None:
    """No row of the table of odd bodies is a request."""
    response = http.post(url, content=body, headers={"content-type": "application/json"})
    assert 400 <= response.status_code < 500, why


@given(schema=schemas())
@QUICK
def test_schemas_are_strict(schema: dict[str, Any]) -> None:
    """Each is a JSON Schema of a closed object with all its members required, at every depth."""
    jsonschema.Draft202012Validator.check_schema(schema)

    def check(part: Any) -> None:
        if isinstance(part, dict):
            if part.get("type") == "object":
                assert part["additionalProperties"] is False
                assert part["required"] == [*part["properties"]]
            for inner in part.values():
                check(inner)
        for inner in part if isinstance(part, list) else ():
            check(inner)

    check(schema)
    assert schema["type"] == "object"


@given(stream=sse_streams(), size=st.integers(1, 64))
@QUICK
def test_streams_are_legal(stream: EventStream, size: int) -> None:
    """Decoder and assembler find in a stream what it says of itself, however it is cut."""
    decoder, assembler = SSEDecoder(), Assembler()
    events = [event for read in stream.reads(size) for event in decoder.feed(read)]
    assert [event.data for event in [*events, *decoder.close()]] == stream.data
    for event in events[:-1]:
        assembler.feed(json.loads(event.data))
    response = assembler.close()
    assert response.content == stream.text
    assert not [repair for repair in response.warnings if repair.code != "empty-stream"]


def has_tool_call(body: dict[str, Any]) -> bool:
    """Whether the conversation has a call."""
    return any("tool_calls" in message for message in body["messages"])


@pytest.mark.parametrize(
    "holds",
    [
        lambda body: body.get("stream") is True,
        lambda body: "stream" in body and body["stream"] is None,
        lambda body: body.get("temperature", 0) is None,
        lambda body: isinstance(body["messages"][-1]["content"], list),
        lambda body: body["messages"][0]["role"] == "system",
        lambda body: not str(body["messages"]).isascii(),
        has_tool_call,
    ],
    ids=["stream", "null stream", "null parameter", "parts", "system", "unicode", "tool call"],
)
def test_requests_are_various(holds: Any) -> None:
    """What a server may stumble on is among them."""
    assert holds(find(chat_requests(), holds, settings=settings(max_examples=2000, database=None)))


def test_arguments() -> None:
    """What is asked for is given."""
    quiet = settings(max_examples=50, database=None)

    @given(body=chat_requests(model="m", stream=False, max_tokens=3, tool_calls=False))
    @quiet
    def check_body(body: dict[str, Any]) -> None:
        assert body["model"] == "m"
        assert not body.get("stream")
        assert 1 <= body["max_tokens"] <= 3
        assert "tools" not in body
        assert not has_tool_call(body)

    @given(body=chat_requests(leave_out=["user", "stop"]))
    @quiet
    def check_left_out(body: dict[str, Any]) -> None:
        assert {"user", "stop"}.isdisjoint(body)

    @given(given_tools=tools(min_size=2, max_size=2), turns=messages(max_turns=1))
    @quiet
    def check_parts(given_tools: list[Any], turns: list[Any]) -> None:
        assert len(given_tools) == 2
        assert [turn["role"] for turn in turns][-1] == "user"
        assert len(turns) <= 2

    check_body()
    check_left_out()
    check_parts()
    with pytest.raises(UsageError, match="not 0"):
        chat_requests(max_tokens=0)
