"""From the exchanges of a run to the plain answers that a fingerprint is taken of."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_byom.client.sse import SSEDecoder
from pytest_byom.conformance.finding import Inconclusive
from pytest_byom.conformance.repeating import first_of, is_repeat
from pytest_byom.gate import fingerprint
from pytest_byom.gate.fingerprint import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.contract import Contract

STREAM_TYPE = "text/event-stream"


def plain_answers(traffic: Iterable[Exchange], *, model: str) -> dict[str, list[Answer]]:
    """Return the answers of a run by contract, with all repeats; what was not asked is left out."""
    found: dict[str, list[Answer]] = {}
    for exchange in sorted(traffic, key=lambda exchange: is_repeat(exchange.contract.id)):
        if not exchange.not_asked:
            answers = found.setdefault(first_of(exchange.contract.id), [])
            answer = plain_answer(exchange, model=model)
            answers.append(replace(answer, asked=answers[0].asked) if answers else answer)
    return found


def plain_answer(exchange: Exchange, *, model: str) -> Answer:
    """Return an exchange as plain data."""
    body = _body_of(exchange)
    streams = exchange.media_type == STREAM_TYPE or _looks_streamed(body)
    return Answer(
        kind=_kind_of(exchange.contract),
        asked=_digest(exchange.contract),
        model=model,
        status=exchange.status,
        headers=exchange.headers,
        body=body,
        events=events_of(body) if streams else None,
        trouble=exchange.trouble,
        left=exchange.closed_early,
    )


def _body_of(exchange: Exchange) -> bytes:
    try:
        return exchange.body
    except Inconclusive:  # its content coding does not decode: a check says so
        return exchange.raw


def _looks_streamed(body: bytes) -> bool:
    return body.startswith((b"data:", b"event:"))


def events_of(body: bytes) -> tuple[tuple[str, str], ...]:
    """Return the name and the data of each event of a stream."""
    decoder = SSEDecoder()
    found = [*decoder.feed(body), *decoder.close()]
    return tuple((event.event, event.data) for event in found)


def _kind_of(contract: Contract) -> str:
    if contract.is_chat:
        return fingerprint.STREAM if contract.asks_stream else fingerprint.PLAIN
    is_list = (contract.request.method, contract.request.path) == ("GET", "/models")
    return fingerprint.MODELS if is_list else fingerprint.OTHER


def _digest(contract: Contract) -> str:
    """Return what tells a request from that of another version of the suite."""
    request = contract.request
    asked = [request.method, request.path, dict(request.headers), request.body, request.body_text]
    asked += [request.body_base64] * (request.body_base64 is not None)
    text = json.dumps([*asked, request.key, request.ascii], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def timed_events(traffic: Iterable[Exchange]) -> list[list[tuple[float, str]]]:
    """Return the data of the events of each whole stream, with the milliseconds until it came."""
    return [
        _timed(exchange)
        for exchange in traffic
        if exchange.status == 200
        and exchange.contract.asks_stream
        and not (exchange.trouble or exchange.closed_early or exchange.contract.alone)
    ]


def _timed(exchange: Exchange) -> list[tuple[float, str]]:
    if exchange.header("content-encoding") not in (None, "identity"):
        return []
    decoder = SSEDecoder()
    found, start = [], 0
    for time, size in exchange.arrivals:
        found += [(time, e.data) for e in decoder.feed(exchange.raw[start : start + size])]
        start += size
    return found
