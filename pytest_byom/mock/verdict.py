"""The verdict on an app's client: what it did about errors, limits and broken streams.

Attempts are requests with the same body to the same URL, one after another. All is judged by what
came over the wire; only what an app made of a stream that was cut, it must tell itself.
"""

from __future__ import annotations

import datetime
import email.utils
import json
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pytest_byom.client.sse import SSEDecoder
from pytest_byom.mock.answer import Cut, Pause
from pytest_byom.mock.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_byom.mock.log import Served

MOST_ATTEMPTS = 4
"""One request and three retries: openai-python makes two retries, many wrappers three."""

RETRIED = (408, 409, 425, 429)
"""Statuses below 500 after which it is right to ask again."""

SLACK = 0.002
"""Seconds by which clocks may differ."""


def find_all(served: Sequence[Served], *, most: int, answer: Any) -> Iterator[str]:
    """Yield every finding on a client."""
    yield from find_retried_refusals(served)
    yield from find_hurry(served)
    yield from find_storms(served, most=most)
    yield from find_endless_waits(served)
    yield from find_taken_cuts(served, answer=answer)


def attempts(served: Sequence[Served]) -> list[list[Served]]:
    """Return the chat requests, those that were sent again together."""
    found: dict[tuple[str, bytes], list[Served]] = {}
    for one in served:
        if one.asked.is_chat:
            found.setdefault((one.asked.url, one.asked.body), []).append(one)
    return list(found.values())


def _pairs(served: Sequence[Served]) -> Iterator[tuple[Served, Served]]:
    for group in attempts(served):
        yield from pairwise(group)


def _has_failed(one: Served) -> bool:
    return one.answer.trouble is not None or one.answer.status >= 400 or _is_cut(one)


def find_retried_refusals(served: Sequence[Served]) -> Iterator[str]:
    """Yield retries of what can never succeed."""
    for first, again in _pairs(served):
        status = first.answer.status
        refused = 400 <= status < 500 and status not in RETRIED and first.answer.trouble is None
        if refused:
            yield (
                f"it retried a {status}: request {again.asked.number} is request"
                f" {first.asked.number} again, which was refused for good"
            )


def find_hurry(served: Sequence[Served]) -> Iterator[str]:
    """Yield retries that came before the server said."""
    for first, again in _pairs(served):
        least = _told_to_wait(first)
        waited = again.asked.at - first.asked.at
        if least is not None and _has_failed(first) and waited < least - SLACK:
            yield (
                f"it ignored Retry-After: request {again.asked.number} came {waited:.3g} s after"
                f" request {first.asked.number}, whose answer said {least:.3g} s"
            )


def _told_to_wait(one: Served) -> float | None:
    """Return the shortest wait that an answer asks for, in seconds."""
    headers = dict(one.answer.headers)
    found = []
    if "retry-after-ms" in headers:
        found.append(_number(headers["retry-after-ms"], 1000))
    if "retry-after" in headers:
        found.append(_number(headers["retry-after"], 1) or _until(headers["retry-after"]))
    return min((one for one in found if one is not None), default=None)


def _number(text: str, parts: int) -> float | None:
    try:
        return float(text) / parts
    except ValueError:
        return None


def _until(text: str) -> float | None:
    try:
        then = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return (then - datetime.datetime.fromtimestamp(time.time(), datetime.UTC)).total_seconds()


def find_storms(served: Sequence[Served], *, most: int) -> Iterator[str]:
    """Yield requests that were sent too often."""
    for group in attempts(served):
        failed = [one for one in group if _has_failed(one)]
        if len(group) > most and len(failed) >= most:
            yield (
                f"it made a retry storm: request {group[0].asked.number} was sent"
                f" {len(group)} times, {most} at most are reasonable"
            )


def find_endless_waits(served: Sequence[Served]) -> Iterator[str]:
    """Yield answers for which the client would have waited for ever."""
    for one in served:
        body = one.answer.body if isinstance(one.answer.body, tuple) else ()
        silent = any(isinstance(step, Pause) and step.seconds == float("inf") for step in body)
        silent = silent or (
            one.answer.delay is not None and one.answer.delay.seconds == float("inf")
        )
        if silent and one.asked.timeout and one.asked.timeout.get("read") is None:
            yield (
                f"it has no read timeout: on request {one.asked.number} it would have waited"
                " for ever"
            )


def find_taken_cuts(served: Sequence[Served], *, answer: Any = None) -> Iterator[str]:
    """Yield streams that were cut and taken for whole.

    A client takes one for whole if it goes on with its text as the assistant's message, or gives
    it as `answer`.
    """
    for place, one in enumerate(served):
        text = cut_text(one)
        if text is None:
            continue
        for later in served[place + 1 :]:
            if text and text in later.asked.texts("assistant"):
                yield (
                    f"it took a cut stream for a whole one: request {later.asked.number} goes on"
                    f" with the {_size(text)} of request {one.asked.number}"
                )
        if answer is not None and str(answer) == text:
            yield (
                "it took a cut stream for a whole one: its answer is the"
                f" {_size(text)} of request {one.asked.number}"
            )


def _size(text: str) -> str:
    return f"{len(text)} character{'s' * (len(text) != 1)}"


def _is_cut(one: Served) -> bool:
    """Whether a stream has neither finish reason nor end marker, or breaks."""
    body = one.answer.body
    if not isinstance(one.said, Reply) or not one.asked.stream or not isinstance(body, tuple):
        return False
    if any(isinstance(step, Cut) for step in body):
        return True
    flow = one.said.flow
    return flow.cut_after is not None or one.said.finish_reason is None or flow.corrupt is not None


def cut_text(one: Served) -> str | None:
    """Return the text that a cut stream delivered; None if the stream was not cut."""
    if not _is_cut(one):
        return None
    text = ""
    for event in SSEDecoder().feed(one.answer.content):
        try:
            choices = json.loads(event.data).get("choices") or [{}]
        except (ValueError, AttributeError):
            continue
        content = choices[0].get("delta", {}).get("content")
        text += content if isinstance(content, str) else ""
    return text


def require(findings: Iterator[str]) -> None:
    """Raise AssertionError with every finding, if there is one."""
    found = list(findings)
    if found:
        raise AssertionError(
            "the client is not resilient:\n" + "\n".join(f"  {one}" for one in found)
        )
