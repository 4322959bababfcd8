"""What goes wrong is exactly what was written."""

from __future__ import annotations

import datetime
import email.utils
import json
from typing import Any

import pytest

from pytest_byom.mock.answer import Cut, Pause
from pytest_byom.mock.in_process import Mock

from .asking import ask, completion, events

BROKEN = r"Unterminated|Expecting"
"""What Python says of JSON that ends too early."""


@pytest.fixture
def mock() -> Mock:
    return Mock()


def headers(mock: Mock) -> dict[str, str]:
    """Return the headers of the next answer."""
    return dict(ask(mock).answer.headers)


def test_an_error(mock: Mock) -> None:
    """A status comes with the server's error object."""
    mock.fail(503, message="Too busy", type="overloaded", code="busy", param="model")
    served = ask(mock)
    assert served.answer.status == 503
    assert completion(served)["error"] == {
        "message": "Too busy", "type": "overloaded", "code": "busy", "param": "model",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "type", "code"),
    [
        (400, "invalid_request_error", None),
        (401, "authentication_error", "invalid_api_key"),
        (404, "not_found_error", None),
        (429, "rate_limit_error", "rate_limit_exceeded"),
        (500, "server_error", None),
    ],
)
def test_a_usual_error(mock: Mock, status: int, type: str, code: str | None) -> None:
    """What is not written is what such an error usually has."""
    mock.fail(status)
    error = completion(ask(mock))["error"]
    assert (error["type"], error["code"]) == (type, code)
    assert error["message"]


NOON = datetime.datetime(2027, 1, 1, 12, 0, tzinfo=datetime.UTC)
FORMS: list[tuple[Any, str]] = [
    (2, "2"),
    (0.5, "0.5"),
    ("120", "120"),
    (datetime.timedelta(minutes=1), "60"),
    (NOON, "Fri, 01 Jan 2027 12:00:00 GMT"),
    (
        NOON.astimezone(datetime.timezone(datetime.timedelta(hours=2))),
        "Fri, 01 Jan 2027 12:00:00 GMT",
    ),
    ("soon", "soon"),
]


@pytest.mark.parametrize(("given", "sent"), FORMS)
def test_retry_after(mock: Mock, given: Any, sent: str) -> None:
    """Retry-After is seconds, a span, a date, or any text."""
    mock.fail(429, retry_after=given)
    found = headers(mock)
    assert found["retry-after"] == sent
    assert found["retry-after-ms"] == "1"
    if given is NOON:
        assert email.utils.parsedate_to_datetime(sent) == NOON


def test_retry_at_once(mock: Mock) -> None:
    """Failures that clients retry say when, so that nobody waits; others do not."""
    mock.fail(500).fail(400).fail(429, retry_after_ms=250).fail(429, retry_after_ms=None)
    assert headers(mock)["retry-after-ms"] == "1"
    assert "retry-after-ms" not in headers(mock)
    assert headers(mock)["retry-after-ms"] == "250"
    assert "retry-after-ms" not in headers(mock)


def test_headers_of_a_failure(mock: Mock) -> None:
    """Headers go with a failure, such as limits in any form."""
    mock.fail(429, headers={"X-RateLimit-Reset-Tokens": "2m59.56s", "Retry-After-MS": "3"})
    found = headers(mock)
    assert (found["x-ratelimit-reset-tokens"], found["retry-after-ms"]) == ("2m59.56s", "3")


BODIES: list[tuple[Any, bytes, str]] = [
    ("<html>", b"<html>", "text/html; charset=utf-8"),
    ("Bad gateway", b"Bad gateway", "text/plain; charset=utf-8"),
    ({"error": "flat"}, b'{"error": "flat"}', "application/json"),
    (b"\x00\x01", b"\x00\x01", "application/octet-stream"),
    ("", b"", "text/plain; charset=utf-8"),
]


@pytest.mark.parametrize(("body", "sent", "kind"), BODIES)
def test_a_body_of_any_kind(mock: Mock, body: Any, sent: bytes, kind: str) -> None:
    """A body takes the place of the error, with any status: HTML with 200 too."""
    mock.fail(200, body=body)
    answer = ask(mock).answer
    assert (answer.status, answer.content, dict(answer.headers)["content-type"]) == (
        200,
        sent,
        kind,
    )


@pytest.mark.parametrize("number", range(8))
def test_cut_after_events(mock: Mock, number: int) -> None:
    """A stream that is cut after N events has exactly N, then the connection breaks."""
    mock.reply("a b c d e f", cut_after=number)
    served = ask(mock, stream=True)
    assert len(events(served)) == number
    assert served.answer.body[-1] == Cut()


def test_clean_cut(mock: Mock) -> None:
    """A clean cut ends the stream as if it were complete."""
    mock.reply("a b c", cut_after=2, clean_cut=True)
    served = ask(mock, stream=True)
    assert len(events(served)) == 2
    assert not any(isinstance(step, Cut) for step in served.answer.body)


def test_a_whole_answer_is_cut_in_its_middle(mock: Mock) -> None:
    """A cut of an answer that is no stream comes in the middle of its body."""
    mock.reply("Hello", cut_after=1)
    answer = ask(mock).answer
    assert answer.body[-1] == Cut()
    with pytest.raises(ValueError, match=BROKEN):
        json.loads(answer.content)


def test_end_without_a_finish_reason(mock: Mock) -> None:
    """A stream may end without a finish reason, and without the end marker."""
    mock.reply("a b", finish_reason=None, done=False)
    sent = events(ask(mock, stream=True))
    assert len(sent) == 3
    assert all(json.loads(data)["choices"][0]["finish_reason"] is None for data in sent)


def test_a_corrupt_chunk(mock: Mock) -> None:
    """One event has broken JSON; those around it are whole."""
    mock.reply("a b c", corrupt=2)
    sent = events(ask(mock, stream=True))
    with pytest.raises(ValueError, match=BROKEN):
        json.loads(sent[1])
    assert json.loads(sent[2])["choices"][0]["delta"] == {"content": " b"}


def test_a_corrupt_answer(mock: Mock) -> None:
    """A whole answer may be broken JSON, complete as a body."""
    mock.reply("Hello", corrupt=1)
    answer = ask(mock).answer
    assert isinstance(answer.body, bytes)
    with pytest.raises(ValueError, match=BROKEN):
        json.loads(answer.body)


def test_an_error_inside_a_stream(mock: Mock) -> None:
    """A stream with status 200 may have an error in the place of its rest."""
    mock.reply("a b c", error_after=2, error="The GPU is on fire")
    served = ask(mock, stream=True)
    assert served.answer.status == 200
    sent = events(served)
    assert len(sent) == 3
    assert json.loads(sent[-1])["error"]["message"] == "The GPU is on fire"


def test_an_error_of_any_shape_inside_a_stream(mock: Mock) -> None:
    """The error may be any object."""
    mock.reply("a", error_after=0, error={"detail": "no"})
    assert events(ask(mock, stream=True)) == ['{"detail":"no"}']


def steps(mock: Mock) -> list[Any]:
    """Return the steps of the next stream, an event as its number."""
    body = ask(mock, stream=True).answer.body
    numbers = iter(range(100))
    return [next(numbers) if isinstance(step, bytes) else step for step in body]


def test_headers_then_silence(mock: Mock) -> None:
    """A stall comes behind the headers, before the first event."""
    mock.reply("a", stall=5)
    assert steps(mock)[:2] == [Pause(5), 0]


def test_silence_in_the_middle(mock: Mock) -> None:
    """A stall may come after so many events, and last for ever."""
    mock.reply("a", stall=float("inf"), stall_after=2)
    assert steps(mock)[:4] == [0, 1, Pause(float("inf")), 2]


def test_silence_behind_the_last_event(mock: Mock) -> None:
    """A stall behind the last event keeps the stream from ending."""
    mock.reply("a", stall=5, stall_after=50)
    assert steps(mock)[-1] == Pause(5)


def test_pace(mock: Mock) -> None:
    """A pace is a pause between events."""
    mock.reply("a", pace=0.1, real=True)
    assert steps(mock)[:3] == [0, Pause(0.1, real=True), 1]


@pytest.mark.parametrize("split", ["every byte", "line", 1, 7, 100_000, [3, 5]])
def test_any_split(mock: Mock, split: Any) -> None:
    """However the bytes are cut, they are the same bytes."""
    mock.reply("Grüße 👋", id="x", split=split).reply("Grüße 👋", id="x")
    cut, usual = ask(mock, stream=True).answer, ask(mock, stream=True).answer
    assert cut.content == usual.content
    sizes = [len(step) for step in cut.body if isinstance(step, bytes)]
    total = len(usual.content)
    expected = {"every byte": [1] * total, 1: [1] * total, 100_000: [total]}
    if split in ("every byte", 1, 100_000):
        assert sizes == expected[split]
    if split == [3, 5]:
        assert sizes == [3, 5, total - 8]
    if split == "line":
        assert all(step.endswith(b"\n") for step in cut.body if isinstance(step, bytes))


def test_cut_and_split_together(mock: Mock) -> None:
    """Faults go together: a cut counts events, whatever the reads."""
    mock.reply("partial answer", cut_after=3, stall=5, split="every byte")
    served = ask(mock, stream=True)
    assert len(events(served)) == 3
    assert served.answer.body[0] == Pause(5)
    assert {len(step) for step in served.answer.body if isinstance(step, bytes)} == {1}
