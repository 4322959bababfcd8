"""Both clients, on both libraries, do the same."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.client.errors import (
    AnsweredWithError,
    AuthenticationFailed,
    BadAnswer,
    BrokenStream,
    ConnectFailed,
    ConnectionLost,
    NetworkError,
    NotFound,
    RateLimited,
    ServerError,
    StatusError,
    TimedOut,
    UnsupportedError,
    UsageError,
)
from pytest_byom.client.events import (
    ContentDelta,
    ContentStart,
    ContentStop,
    EventType,
    StreamComplete,
    StreamError,
)
from pytest_byom.client.llm import LLM, AsyncLLM
from pytest_byom.client.models import CustomModel
from pytest_byom.client.retry import Retry
from pytest_byom.client.usage import Cost

from .harness import HELLO, Answer, answer_json, answer_stream, chunk, completion

if TYPE_CHECKING:
    from .harness import Harness

QUICK = Retry(first_wait=0.0)
URL: dict[str, Any] = {"base_url": "http://server.test/v1", "model": "m"}


def error_of(events: list[Any]) -> Any:
    assert isinstance(events[-1], StreamError)
    return events[-1].error


def test_plain(harness: Harness) -> None:
    """A plain answer becomes a response."""
    response = harness.plain(answer_json(completion(), x_request_id="r1", server="no"))
    assert response.content == "Hello"
    assert response.finish_reason == "stop"
    assert response.id == "chatcmpl-1"
    assert response.request_id == "r1"
    assert response.headers == {"x-request-id": "r1"}
    assert response.warnings == ()
    (request,) = harness.requests
    assert str(request.url) == "http://server.test/v1/chat/completions"
    assert json.loads(request.content) == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
    }


def test_stream(harness: Harness) -> None:
    """A streamed answer becomes events, and the last one carries the response."""
    events = harness.stream(answer_stream(*HELLO, x_request_id="r1"))
    last = events.pop()
    assert events == [ContentStart(), ContentDelta("Hel"), ContentDelta("lo"), ContentStop()]
    assert isinstance(last, StreamComplete)
    assert last.response.content == "Hello"
    assert last.response.request_id == "r1"
    assert last.response.warnings == ()
    body = json.loads(harness.requests[0].content)
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    assert harness.requests[0].headers["accept"] == "text/event-stream"
    assert harness.closed >= 1


def test_text_and_response(harness: Harness) -> None:
    """A stream can be read as its text or as its response."""

    def read(llm: Any) -> Any:
        with llm.stream_response("Hi") as stream:
            return stream.text(), stream.response().content

    async def read_async(llm: Any) -> Any:
        async with llm.stream_response("Hi") as stream:
            return await stream.text(), (await stream.response()).content

    call = read_async if harness.asynchronous else read
    assert harness.run(call, (answer_stream(*HELLO),), {}) == ("Hello", "Hello")


def test_text_raises_the_error(harness: Harness) -> None:
    """Whoever reads a stream as text gets its error as an exception."""

    def read(llm: Any) -> Any:
        with llm.stream_response("Hi") as stream:
            return stream.text()

    async def read_async(llm: Any) -> Any:
        async with llm.stream_response("Hi") as stream:
            return await stream.text()

    call = read_async if harness.asynchronous else read
    with pytest.raises(AnsweredWithError, match="boom"):
        harness.run(call, (answer_stream(HELLO[1], {"error": "boom"}),), {})


def test_leaving_the_block_closes_the_connection(harness: Harness) -> None:
    """A stream that is left early is closed, and then has no response."""

    def read(llm: Any) -> Any:
        with llm.stream_response("Hi") as stream:
            first = next(iter(stream))
        return first, stream

    async def read_async(llm: Any) -> Any:
        async with llm.stream_response("Hi") as stream:
            first = await anext(aiter(stream))
        return first, stream

    call = read_async if harness.asynchronous else read
    first, stream = harness.run(call, (answer_stream(*HELLO),), {})
    assert first == ContentStart()
    assert harness.closed >= 1
    with pytest.raises(BrokenStream, match="closed before its end"):
        stream._result()


def test_nothing_is_sent_before_the_stream_is_read(harness: Harness) -> None:
    """Opening a stream asks nothing yet."""

    def read(llm: Any) -> Any:
        with llm.stream_response("Hi"):
            pass

    async def read_async(llm: Any) -> Any:
        async with llm.stream_response("Hi"):
            pass

    harness.run(read_async if harness.asynchronous else read, (answer_stream(*HELLO),), {})
    assert harness.requests == []


@pytest.mark.parametrize(
    ("body", "ids"),
    [
        ({"object": "list", "data": [{"id": "a", "owned_by": "me"}, {"id": "b"}]}, ["a", "b"]),
        ({"models": [{"name": "a"}, {"model": "b"}, {"nothing": 1}]}, ["a", "b"]),
        (["a", {"id": "b"}], ["a", "b"]),
        ({"object": "list", "data": None}, []),
    ],
    ids=["openai", "models", "list", "null"],
)
def test_models(harness: Harness, body: Any, ids: list[str]) -> None:
    """The list of models is read in each shape that servers send."""
    models = harness.run(lambda llm: llm.models(), (answer_json(body),), {})
    assert [model.id for model in models] == ids
    assert harness.requests[0].method == "GET"
    assert str(harness.requests[0].url) == "http://server.test/v1/models"


@pytest.mark.parametrize("body", [5, {"a": 1}, {"data": {}}])
def test_no_list_of_models(sync: Harness, body: Any) -> None:
    """What is no list of models is refused."""
    with pytest.raises(BadAnswer, match="is no list"):
        sync.run(lambda llm: llm.models(), (answer_json(body),), {})


STATUSES: list[tuple[int, Any, type[StatusError], str]] = [
    (400, {"error": {"message": "m", "type": "t", "param": "p", "code": None}}, StatusError,
     "status 400: m (type t, param p)"),
    (401, {"error": {"message": "m", "code": "invalid_api_key"}}, AuthenticationFailed,
     "status 401: m (code invalid_api_key)"),
    (400, {"code": "c", "error": "Incorrect API key provided"}, AuthenticationFailed,
     "status 400: Incorrect API key provided (code c)"),
    (403, {"detail": "no"}, AuthenticationFailed, "status 403: no"),
    (404, {"object": "error", "message": "m", "code": "1500"}, NotFound,
     "status 404: m (code 1500)"),
    (422, {"detail": [{"loc": ["body", "n"], "msg": "bad"}]}, StatusError,
     "status 422: body.n: bad"),
    (429, [{"error": {"message": "slow", "code": 429}}], RateLimited,
     "status 429: slow (code 429)"),
    (500, {"message": "m", "request_id": "r"}, StatusError, "status 500: m"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "kind", "message"), STATUSES)
@pytest.mark.parametrize("way", ["plain", "stream"])
def test_status_errors(
    harness: Harness, way: str, status: int, body: Any, kind: type[StatusError], message: str
) -> None:
    """A status of 400 or more becomes the error of its class, in the server's own words."""
    answer = answer_json(body, status=status, x_request_id="r1", retry_after="7")
    if way == "plain":
        with pytest.raises(kind) as caught:
            harness.plain(answer)
        error = caught.value
    else:
        error = error_of(harness.stream(answer))
    assert type(error) is kind
    assert str(error) == f"http://server.test/v1 answered with {message}"
    assert (error.status, error.request_id, error.retry_after) == (status, "r1", 7.0)
    assert json.loads(error.body) == body


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html><head><title>Bad Gateway</title></head>", "an HTML page (Bad Gateway)"),
        (b"upstream is gone", "upstream is gone"),
        (b"", None),
        (b'"text"', "text"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
    ids=["html", "text", "empty", "json text", "bytes"],
)
def test_error_bodies_that_are_no_json(sync: Harness, body: bytes, said: str | None) -> None:
    """Whatever a proxy says is told too."""
    with pytest.raises(StatusError) as caught:
        sync.plain(Answer(body, 502))
    assert caught.value.server_message == said
    assert caught.value.body == body


def test_redirects_are_not_followed(sync: Harness) -> None:
    """A redirect is an error that says where to."""
    with pytest.raises(BadAnswer, match="redirect to 'https://other/v1'"):
        sync.plain(Answer(b"", 308, {"location": "https://other/v1"}))


@pytest.mark.parametrize(
    ("exception", "kind", "message"),
    [
        ("ConnectError", ConnectFailed, "no connection to http://server.test/v1: it broke"),
        ("ConnectTimeout", TimedOut, "no connection to http://server.test/v1 within 1 s (connect)"),
        ("ReadTimeout", TimedOut,
         "http://server.test/v1 did not begin to answer within 1 s (first_byte)"),
        ("ReadError", ConnectionLost,
         "the connection to http://server.test/v1 broke before an answer came: it broke"),
        ("RemoteProtocolError", ConnectionLost,
         "the connection to http://server.test/v1 broke before an answer came: it broke"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["plain", "stream"])
def test_network_errors(
    harness: Harness, way: str, exception: str, kind: type[NetworkError], message: str
) -> None:
    """Exceptions of either library become ours."""
    if way == "plain":
        with pytest.raises(kind) as caught:
            harness.plain(Answer(raises=exception), timeout=1)
        error: Any = caught.value
    else:
        error = error_of(harness.stream(Answer(raises=exception), timeout=1))
        assert type(error) is kind
    assert str(error) == message


@pytest.mark.parametrize("exception", ["UnsupportedProtocol", "LocalProtocolError"])
def test_requests_that_cannot_be_sent(harness: Harness, exception: str) -> None:
    """What the library refuses to send is our caller's error, without the library's text."""
    with pytest.raises(UsageError, match="cannot be sent") as caught:
        harness.plain(Answer(raises=exception))
    assert "it broke" not in str(caught.value)


@pytest.mark.parametrize(
    ("exception", "kind", "words"),
    [("ReadTimeout", TimedOut, "sent nothing more"), ("ReadError", ConnectionLost, "was read")],
)
def test_a_connection_that_breaks_inside_a_stream(
    harness: Harness, exception: str, kind: type[NetworkError], words: str
) -> None:
    """What had come is delivered and attached, and nothing is asked again."""
    answer = answer_stream(*HELLO[:2], done=False)
    assert isinstance(answer.body, list)
    answer.body.append(exception)
    events = harness.stream(answer, retry=QUICK)
    error = error_of(events)
    assert type(error) is kind
    assert words in str(error)
    assert error.partial.content == "Hel"
    assert ContentDelta("Hel") in events
    assert len(harness.requests) == 1


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
@pytest.mark.parametrize("way", ["plain", "stream"])
def test_retried(harness: Harness, way: str, status: int) -> None:
    """A passing trouble is asked again, and the answer is as if it had not been."""
    trouble = answer_json({"error": "busy"}, status=status, retry_after_ms="1")
    if way == "plain":
        response = harness.plain(trouble, trouble, answer_json(completion()), retry=QUICK)
    else:
        last = harness.stream(trouble, trouble, answer_stream(*HELLO), retry=QUICK)[-1]
        assert isinstance(last, StreamComplete)
        response = last.response
    assert response.content == "Hello"
    assert len(harness.requests) == 3


@pytest.mark.parametrize("way", ["plain", "stream"])
def test_retried_after_a_broken_connection(harness: Harness, way: str) -> None:
    """A connection that failed before the first byte is made again, also after the headers."""
    no_bytes = Answer(["ReadError"])
    if way == "plain":
        answers = (Answer(raises="ConnectError"), no_bytes, answer_json(completion()))
        assert harness.plain(*answers, retry=QUICK).content == "Hello"
    else:
        answers = (Answer(raises="ConnectError"), no_bytes, answer_stream(*HELLO))
        assert isinstance(harness.stream(*answers, retry=QUICK)[-1], StreamComplete)
    assert len(harness.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 422])
def test_not_retried(sync: Harness, status: int) -> None:
    """What would fail again is not asked again."""
    with pytest.raises(StatusError):
        sync.plain(answer_json({"error": "no"}, status=status), retry=QUICK)
    assert len(sync.requests) == 1


def test_retries_end(sync: Harness) -> None:
    """After the last attempt the error is raised."""
    with pytest.raises(StatusError):
        sync.plain(answer_json({"error": "no"}, status=500, retry_after_ms="0"), retry=1)
    assert len(sync.requests) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "boom", "code": 502}},
        {"choices": [{"error": {"message": "boom", "code": 502}, "message": {"content": "a"}}]},
        {"object": "error", "message": "boom", "code": 502},
    ],
    ids=["error", "choice", "object"],
)
@pytest.mark.parametrize("way", ["plain", "stream"])
def test_an_error_inside_a_200(harness: Harness, way: str, body: Any) -> None:
    """An error with the status 200 is one."""
    if way == "plain":
        with pytest.raises(AnsweredWithError) as caught:
            harness.plain(answer_json(body))
        error: Any = caught.value
    else:
        error = error_of(harness.stream(answer_json(body)))
        assert type(error) is AnsweredWithError
    assert (error.server_message, error.code, error.status) == ("boom", 502, 200)


def test_an_error_event(harness: Harness) -> None:
    """A stream whose only event is an error, without [DONE], ends with it."""
    body: list[bytes | str] = [
        b'event: error\ndata: {"error":{"message":"boom","code":"tool_use_failed"}}\n\n'
    ]
    error = error_of(harness.stream(Answer(body)))
    assert (error.server_message, error.code) == ("boom", "tool_use_failed")


def test_a_stream_without_done_is_whole_after_a_finish_reason(harness: Harness) -> None:
    """[DONE] may be missing, and is reported."""
    last = harness.stream(answer_stream(*HELLO, done=False))[-1]
    assert isinstance(last, StreamComplete)
    assert [repair.code for repair in last.response.warnings] == ["done-marker-missing"]


def test_a_stream_without_finish_reason_is_whole_after_done(harness: Harness) -> None:
    """A finish_reason may be missing, and is reported."""
    last = harness.stream(answer_stream(*HELLO[:3]))[-1]
    assert isinstance(last, StreamComplete)
    assert [repair.code for repair in last.response.warnings] == ["incomplete"]


def test_a_stream_that_ends_early(harness: Harness) -> None:
    """Without both, a stream is cut, and what had come is attached."""
    events = harness.stream(answer_stream(*HELLO[:2], done=False))
    error = error_of(events)
    assert type(error) is BrokenStream
    assert "ended after 2 events without [DONE], and without a finish_reason" in str(error)
    assert error.partial.content == "Hel"
    assert error.body.startswith(b"data: {")


def test_a_plain_answer_to_a_streamed_request(harness: Harness) -> None:
    """A server that does not stream is understood, and reported."""
    last = harness.stream(answer_json(completion()))[-1]
    assert isinstance(last, StreamComplete)
    assert last.response.content == "Hello"
    assert [repair.code for repair in last.response.warnings] == ["not-streamed"]


DEEP = b'{"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BAD_BODIES: list[tuple[bytes, str]] = [
    (b"", "not JSON"),
    (b"<html><title>Hi</title>", "an HTML page (Hi)"),
    (b"data: {}\n\n", "not JSON"),
    (b'{"choices": []', "not JSON"),
    (b'{"choices": [NaN]}', "NaN is no JSON value"),
    (b'{"choices": [' + b"9" * 5000 + b"]}", "too many digits"),
    (DEEP, "nested too deeply"),
    (b'{"choices": "\xed\xa0\xbd"}', "not UTF-8"),
    (b'{"choices": [{"message": {"content": "\\ud83d"}}]}', "lone surrogate (U+D83D)"),
    (b"{}", "it has no choices"),
    (b'{"choices": []}', "it has no choices"),
    (b'{"choices": 5}', "choices of the type int"),
    (b"5", "JSON of the type int"),
]


@pytest.mark.parametrize(("body", "reason"), BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_bad_bodies(harness: Harness, body: bytes, reason: str) -> None:
    """What is no completion is one clear error, with the raw bytes, cut."""
    with pytest.raises(BadAnswer) as caught:
        harness.plain(Answer(body))
    assert reason in str(caught.value)
    assert "http://server.test/v1" in str(caught.value)
    assert caught.value.body == body[: 64 * 1024]
    assert caught.value.status == 200


HALF = b'data: {"choices": [{"delta": {"content": "a\\ud83d"}, "finish_reason": "stop"}]}\n\n'
BAD_STREAMS: list[tuple[bytes, str]] = [
    (b"", "empty body"),
    (b"<html><title>Hi</title>", "an HTML page (Hi)"),
    (b": ping\n\n", "nothing but comments"),
    (b"data: [DONE]\n\n", "held no answer"),
    (b"data: {\n\n", "event 1 of the stream is not JSON"),
    (b'data: {"choices": [NaN]}\n\n', "NaN is no JSON value"),
    (b'data: {"choices": [' + b"9" * 5000 + b"]}\n\n", "too many digits"),
    (b"data: " + DEEP + b"\n\n", "nested too deeply"),
    (HALF, "lone surrogate (U+D83D)"),
    (b"x" * (17 * 1024 * 1024), "larger than 16777216 bytes"),
    (b'event: error\ndata: out of memory\n\n', "out of memory"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "reason"), BAD_STREAMS, ids=range(len(BAD_STREAMS)))
def test_bad_streams(harness: Harness, body: bytes, reason: str) -> None:
    """What is no stream of chunks ends with one clear error, with the raw bytes, cut."""
    error = error_of(harness.stream(Answer([body])))
    assert isinstance(error, ServerError)
    assert reason in str(error)
    assert bool(error.body) == bool(body)
    assert error.body in body


def test_a_broken_event_comes_after_the_good_ones(sync: Harness) -> None:
    """Events of the same read are delivered before the error."""
    body = f"data: {json.dumps(HELLO[1])}\n\ndata: {{\n\n".encode()
    events = sync.stream(Answer([body]))
    assert [event.type for event in events] == [
        EventType.CONTENT_START,
        EventType.CONTENT_DELTA,
        EventType.ERROR,
    ]
    assert error_of(events).partial.content == "Hel"


def test_big_numbers_are_numbers(sync: Harness) -> None:
    """Integers beyond 64 bits are kept; servers send them as seeds."""
    body = completion() | {"seed": 2**70}
    assert sync.plain(answer_json(body)).extras == {"seed": 2**70}


@dataclass
class City:
    name: str
    population: int | None


def test_structured_output(harness: Harness) -> None:
    """A structured answer is validated and becomes a value of its type."""
    text = '{"name": "Rome", "population": null}'
    response = harness.plain(answer_json(completion(text)), schema=City)
    assert response.structured_output == City("Rome", None)
    sent = json.loads(harness.requests[0].content)["response_format"]["json_schema"]
    assert (sent["name"], sent["strict"]) == ("City", True)


def test_streamed_structured_output(harness: Harness) -> None:
    """The response at the end of a stream holds the value."""
    text = '{"name": "Rome", "population": 1}'
    chunks = [chunk({"content": text[:9]}), chunk({"content": text[9:]}, finish="stop")]
    last = harness.stream(answer_stream(*chunks), schema=City)[-1]
    assert isinstance(last, StreamComplete)
    assert last.response.structured_output == City("Rome", 1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("Rome", "is not JSON"),
        ('{"name": 5, "population": 1}', "does not fit the schema: $.name: 5 is not of type"),
        ("", "is not JSON"),
    ],
)
@pytest.mark.parametrize("way", ["plain", "stream"])
def test_structured_output_that_does_not_fit(
    sync: Harness, way: str, content: str, reason: str
) -> None:
    """An answer that does not fit is an error that carries the response."""
    if way == "plain":
        with pytest.raises(BadAnswer) as caught:
            sync.plain(answer_json(completion(content)), schema=City)
        error: Any = caught.value
    else:
        one = chunk({"content": content}, finish="stop")
        error = error_of(sync.stream(answer_stream(one), schema=City))
    assert reason in str(error)
    assert error.partial.content == content


def test_the_flags_of_a_model_are_kept(sync: Harness) -> None:
    """What a model is said not to do is refused before anything is sent."""
    model = CustomModel(model_id="small")
    with pytest.raises(UnsupportedError, match="structured_output=True"):
        sync.plain(answer_json(completion()), model=model, schema=City)
    image = {"type": "image_url", "image_url": {"url": "https://a/b.png"}}
    messages = [{"role": "user", "content": [image]}]
    with pytest.raises(UnsupportedError, match="attachments=True"):
        sync.plain(answer_json(completion()), model=model, messages=messages)
    with pytest.raises(UnsupportedError, match="reasoning=True"):
        sync.plain(answer_json(completion()), model=model, reasoning_effort="low")
    assert sync.requests == []
    sync.plain(answer_json(completion()), model=model, reasoning_effort="none")
    assert len(sync.requests) == 1


def test_cost(harness: Harness) -> None:
    """The cost follows from the model's prices, exactly."""
    model = CustomModel(model_id="m", cost_per_1m_in=0.1, cost_per_1m_out=3, currency="EUR")
    response = harness.plain(answer_json(completion()), model=model)
    assert response.cost == Cost(Decimal("0.0000065"), "EUR")
    assert str(response.cost) == "0.0000065 EUR"


def test_the_server_s_own_message_goes_back(sync: Harness) -> None:
    """A response among the messages is the server's message, unchanged."""
    message = {"role": "assistant", "content": None, "reasoning": "hm", "x": [1]}
    answered = answer_json({"choices": [{"message": message, "finish_reason": "stop"}]})
    first = sync.plain(answered)
    sync.plain(answer_json(completion()), messages=[{"role": "user", "content": "a"}, first])
    assert json.loads(sync.requests[1].content)["messages"][1] == message


def test_think_tags(harness: Harness) -> None:
    """Reasoning between the marks that a server uses is told as thinking."""
    pieces = [chunk({"content": "<th"}), chunk({"content": "ink>a</think>b"}, finish="stop")]
    tags = ("<think>", "</think>")
    events = harness.stream(answer_stream(*pieces), think_tags=tags)
    assert [event.type for event in events] == [
        EventType.THINKING_DELTA,
        EventType.CONTENT_START,
        EventType.CONTENT_DELTA,
        EventType.CONTENT_STOP,
        EventType.COMPLETE,
    ]
    plain = harness.plain(answer_json(completion("<think>a</think>b")), think_tags=tags)
    assert (plain.reasoning, plain.content) == ("a", "b")


def test_nothing_heavy_is_imported() -> None:
    """Importing the client and making one loads no HTTP library and no validator."""
    code = (
        "import sys; from pytest_byom.client.llm import LLM; "
        "LLM(base_url='http://h', model='m'); "
        "print([m for m in ('httpx', 'httpx2', 'jsonschema', 'pytest') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_client_is_made_once_and_late() -> None:
    """No HTTP client is made before it is needed, and then one; closing it is ours to do."""
    with LLM(**URL) as llm:
        assert llm._own_client is None
        client = llm._client()
        assert llm._client() is client
    assert client.is_closed
    assert llm._own_client is None


@pytest.mark.parametrize(
    ("kind", "client"), [(LLM, "AsyncClient"), (AsyncLLM, "Client"), (LLM, "Timeout")]
)
def test_the_wrong_client_is_refused(kind: Any, client: str) -> None:
    """A client of the wrong kind is refused at the door."""
    import httpx

    given = httpx.Timeout(1) if client == "Timeout" else getattr(httpx, client)()
    with pytest.raises(UsageError, match="http_client"):
        kind(**URL, http_client=given)


def test_a_closed_client(sync: Harness) -> None:
    """A client that was closed is a usage error."""
    client = sync.library.Client()
    client.close()
    with pytest.raises(UsageError, match="closed"):
        LLM(**URL, http_client=client).send_messages("Hi")
