"""The verdict on an app's client: each finding found, and nothing found on a good client."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pytest_byom.client.errors import BYOMError
from pytest_byom.client.llm import LLM
from pytest_byom.mock.in_process import Mock

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = "http://llm.test/v1/chat/completions"
BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
def mock() -> Iterator[Mock]:
    with Mock() as mock:
        yield mock


def post(**options: Any) -> httpx.Response:
    """Ask once, as a client without manners."""
    return httpx.post(URL, json=options.pop("json", BODY), **options)


def finding(mock: Mock, *answer: str) -> str:
    """Return what the verdict says beside its first line."""
    with pytest.raises(AssertionError) as caught:
        mock.assert_resilient(*answer)
    first, _, rest = str(caught.value).partition("\n")
    assert first == "the client is not resilient:"
    return rest


def test_a_good_client(mock: Mock) -> None:
    """A client that retries with measure has no finding."""
    mock.fail(429, retry_after=2).fail(500).reply("Hello")
    with LLM(base_url="http://llm.test/v1", model="m") as llm:
        assert llm.send_messages("Hi").content == "Hello"
    mock.assert_resilient("Hello")


def test_a_retried_refusal(mock: Mock) -> None:
    """A 400 that is asked again is found."""
    mock.fail(400).reply("x")
    post(), post()
    assert finding(mock) == (
        "  it retried a 400: request 2 is request 1 again, which was refused for good"
    )
    with pytest.raises(AssertionError, match="it retried a 400"):
        mock.assert_no_retry_of_refusals()


def test_another_request_is_no_retry(mock: Mock) -> None:
    """Another request after a 400 is none."""
    mock.fail(400).reply("x")
    post()
    post(json={**BODY, "temperature": 0})
    mock.assert_no_retry_of_refusals()


@pytest.mark.parametrize("hint", [{"retry_after": 30}, {"retry_after_ms": 30_000}])
def test_retry_after_ignored(mock: Mock, hint: dict[str, Any]) -> None:
    """A client that comes back before the server said is found."""
    mock.fail(429, **{"retry_after_ms": None, **hint}).reply("x")
    post(), post()
    found = finding(mock)
    assert found.startswith("  it ignored Retry-After: request 2 came ")
    assert found.endswith(" s after request 1, whose answer said 30 s")


def test_retry_after_as_a_date(mock: Mock) -> None:
    """A date is understood too."""
    import datetime

    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    mock.fail(503, retry_after=later, retry_after_ms=None).reply("x")
    post(), post()
    with pytest.raises(AssertionError, match="it ignored Retry-After"):
        mock.assert_retry_after_obeyed()


def test_retry_after_obeyed(mock: Mock) -> None:
    """A client that waits has no finding."""
    mock.fail(429, retry_after_ms=20).reply("x")
    post()
    time.sleep(0.02)
    post()
    mock.assert_retry_after_obeyed()


def test_a_retry_storm(mock: Mock) -> None:
    """A request that fails again and again is found."""
    mock.fail(500, times=5, retry_after_ms=None)
    for _ in range(5):
        post()
    assert finding(mock) == (
        "  it made a retry storm: request 1 was sent 5 times, 4 at most are reasonable"
    )
    mock.assert_no_retry_storm(most_attempts=5)


def test_asking_the_same_again_is_no_storm(mock: Mock) -> None:
    """The same question, answered each time, is no storm."""
    mock.reply("x", times=10)
    for _ in range(10):
        post()
    mock.assert_resilient()


def test_no_read_timeout(mock: Mock) -> None:
    """A client without a limit would wait for ever."""
    mock.reply("x", stall=float("inf")).reply("x", delay=float("inf"))
    for timeout in (None, 5):
        with pytest.raises(httpx.ReadTimeout):
            post(timeout=timeout)
    assert finding(mock) == ("  it has no read timeout: on request 1 it would have waited for ever")


STREAM = {**BODY, "stream": True}


@pytest.mark.parametrize(
    "fault",
    [{"cut_after": 3}, {"cut_after": 3, "clean_cut": True}, {"finish_reason": None, "done": False}],
)
def test_a_cut_stream_as_history(mock: Mock, fault: dict[str, Any]) -> None:
    """An app that goes on with the text of a cut stream took it for whole."""
    mock.reply("Hello there", **fault).reply("x")
    with contextlib.suppress(httpx.RemoteProtocolError):
        httpx.post(URL, json=STREAM)
    messages = [*BODY["messages"], {"role": "assistant", "content": "Hello there"},
                {"role": "user", "content": "And?"}]  # fmt: skip
    post(json={"model": "m", "messages": messages})
    assert finding(mock) == (
        "  it took a cut stream for a whole one: request 2 goes on with the 11 characters of"
        " request 1"
    )


def test_a_cut_stream_as_answer(mock: Mock) -> None:
    """An app that gives the text of a cut stream as its answer took it for whole."""
    mock.reply("Hello there", cut_after=2, clean_cut=True)
    httpx.post(URL, json=STREAM)
    assert finding(mock, "Hello") == (
        "  it took a cut stream for a whole one: its answer is the 5 characters of request 1"
    )
    mock.assert_cut_noticed("I could not finish.")


def test_our_client_notices(mock: Mock) -> None:
    """The client core raises on a cut stream."""
    mock.reply("Hello there", cut_after=2, clean_cut=True)
    with (
        LLM(base_url="http://llm.test/v1", model="m") as llm,
        llm.stream_response("Hi") as stream,
        pytest.raises(BYOMError),
    ):
        stream.response()
    mock.assert_resilient()
