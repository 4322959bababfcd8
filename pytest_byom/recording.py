"""Writes the exchanges of a run as contracts: `--byom-record=DIR`.

A request is written as it went over the wire, with `${model}` for the model; a response with the
few headers that matter. Secrets, cookies, and the ids of organizations, projects and users are
taken out. A file that is there keeps what people wrote in it (title, request with its
placeholders, `expect`), and is replaced only if its answer differs in more than ids, times and
counters.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import json
import re
from typing import TYPE_CHECKING, Any

from pytest_byom.client.headers import kept_headers
from pytest_byom.client.redact import (
    HIDDEN_ID,
    PERSONAL_HEADERS,
    PERSONAL_IDS,
    SECRET_NAMES,
    Redactor,
)
from pytest_byom.client.sse import SSEDecoder
from pytest_byom.conformance.exchange import dig
from pytest_byom.conformance.finding import Inconclusive
from pytest_byom.conformance.fuzz.making import is_fuzzed
from pytest_byom.conformance.repeating import is_repeat
from pytest_byom.contract import (
    Answer,
    Contract,
    Recorded,
    RequestTemplate,
    dump_contract,
    read_contract,
)
from pytest_byom.contract.placeholders import escape_value
from pytest_byom.contract.replaying import client_view

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.conformance.target import Target

KEPT = ("content-type", "www-authenticate", "allow", "location")
"""Response headers that are written, beside those that the client core keeps."""

VOLATILE = re.compile(
    r"id|created|system_fingerprint|timings|usage|.+_id|.*(time|date|_ms|_per_second)"
    r"|obfuscation|p|x_groq"
)
"""Members of a body that differ from one answer to the next: ids, times and counters."""


def record(target: Target, folder: Path) -> list[str]:
    """Write every answered exchange of a target as a contract; return the ids of changed files.

    Of fuzzed requests those are written that failed, as small as they were made.

    Raises OSError where a file cannot be written.
    """
    redactor = Redactor(target.endpoint.secrets)
    recorded = describe_server(target)
    changed = []
    failures = target.fuzzer.failures
    for exchange in target.traffic():
        if exchange.status is None or exchange.trouble:
            continue
        if is_repeat(exchange.contract.id):
            continue
        if is_fuzzed(exchange.contract) and exchange.contract.id not in failures:
            continue
        try:
            made = make_contract(
                exchange, target.endpoint.base_url, target.model, redactor, recorded
            )
        except Inconclusive:  # its content coding does not decode: a check says so
            continue
        if write_contract(made, exchange.contract, folder):
            changed.append(made.id)
    return changed


def describe_server(target: Target) -> Recorded:
    """Return who answered: its name, its version where it tells one, the model and the day."""
    try:
        version = dig(target.ask("chat/plain").completion, "system_fingerprint") or ""
    except Inconclusive:
        version = ""
    return Recorded(
        server=target.endpoint.dialect or target.server or target.endpoint.name,
        version=str(version),
        model=target.model,
        date=datetime.date.today().isoformat(),
    )


def make_contract(
    exchange: Exchange, base_url: str, model: str, redactor: Redactor, recorded: Recorded
) -> Contract:
    """Return the contract that an exchange makes, without secrets."""
    asked = exchange.contract
    made = Contract(
        id=asked.id,
        title=asked.title,
        kind=asked.kind,
        level=asked.level,
        alone=asked.alone,
        recorded=recorded,
        request=_request(exchange, base_url, model, redactor),
        response=_answer(exchange, redactor),
        expect=asked.expect,
    )
    return dataclasses.replace(made, client=client_view(made))


def write_contract(made: Contract, asked: Contract, folder: Path) -> bool:
    """Write a contract to its file unless the file says the same; return whether it was written.

    `asked` is the contract that was sent: a file with its request keeps that.
    """
    file = folder / f"{made.id}.yaml"
    if file.exists():
        there = read_contract(file.read_text("utf-8"), id=made.id, shown=str(file))
        if there.request == asked.request:
            made = dataclasses.replace(
                there, recorded=made.recorded, response=made.response, client=made.client
            )
        if comparable(made) == comparable(there):
            return False
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(dump_contract(made), "utf-8", newline="\n")
    return True


def comparable(contract: Contract) -> Any:
    """Return a contract without what differs from one recording to the next."""
    response = contract.response
    client = dict(contract.client or {})
    client.pop("usage", None)
    request = dataclasses.replace(contract.request, body=_steady(contract.request.body))
    plain = dataclasses.replace(
        contract, request=request, recorded=None, response=None, client=None
    )
    if response is None:
        return plain, None, None
    headers = sorted(name for name in response.headers if name.lower() != "content-type")
    kind = response.headers.get("content-type")
    return plain, (response.status, headers, kind, _steady_body(response)), _steady(client)


def _steady_body(response: Answer) -> Any:
    if response.body is not None:
        return _steady(response.body)
    if response.sse is None:
        return response.content
    return [_steady(_data_of(line)) for line in response.sse.split("\n")]


def _data_of(line: str) -> Any:
    field, colon, data = line.partition(":")
    try:
        return [field, json.loads(data)] if colon and field == "data" else line
    except ValueError:
        return line


def _steady(value: Any) -> Any:
    """Return data with its volatile members emptied; that they are there still counts."""
    if isinstance(value, dict):
        return {
            key: None if VOLATILE.fullmatch(key) else _steady(member)
            for key, member in value.items()
        }
    return [_steady(entry) for entry in value] if isinstance(value, list) else value


def _request(exchange: Exchange, base_url: str, model: str, redactor: Redactor) -> RequestTemplate:
    asked, sent = exchange.contract.request, exchange.sent
    body, text, coded = None, None, None
    content = redactor.bytes(sent.body).decode("utf-8", "replace")
    if asked.body is not None:
        body = _with_placeholder(escape_value(json.loads(content)), model)
    elif asked.body_base64 is not None:
        coded = base64.b64encode(redactor.bytes(sent.body)).decode()
    elif sent.body:
        text = escape_value(content)
    path = redactor.text(sent.url.removeprefix(base_url.rstrip("/")))
    return dataclasses.replace(
        asked,
        path=escape_value(path),
        headers=_own_headers(asked.headers),
        body=body,
        body_text=text,
        body_base64=coded,
    )


def _with_placeholder(body: Any, model: str) -> Any:
    if isinstance(body, dict) and body.get("model") == model:
        return {**body, "model": "${model}"}
    return body


def _own_headers(headers: Mapping[str, str | None]) -> dict[str, str | None]:
    return {
        name: value
        for name, value in headers.items()
        if not SECRET_NAMES.search(name) and not PERSONAL_HEADERS.search(name)
    }


def _answer(exchange: Exchange, redactor: Redactor) -> Answer:
    headers = dict(exchange.headers)
    kept = {name: headers[name] for name in KEPT if name in headers} | kept_headers(headers)
    kept.pop("openai-processing-ms", None)  # a duration: noise in every file
    text = redactor.bytes(_cut(exchange)).decode("latin-1")
    return Answer.of(
        PERSONAL_IDS.sub(HIDDEN_ID, text).encode("latin-1"),
        status=exchange.status or 0,
        headers={name: redactor.text(kept[name]) for name in sorted(kept)},
    )


def _cut(exchange: Exchange) -> bytes:
    """Return the body up to the event after which the client left, if it did."""
    limit = exchange.contract.request.close_after_events
    if not exchange.closed_early or limit is None:
        return exchange.body
    decoder, body = SSEDecoder(), exchange.body
    for end in range(1, len(body) + 1):
        limit -= len(decoder.feed(body[end - 1 : end]))
        if limit <= 0:
            return body[:end]
    return body


def count_words(changed: Iterable[str], folder: Path) -> str:
    """Return the line that a run ends with: how many files it wrote."""
    number = len(list(changed))
    return f"recorded: {number} new or changed contract{'s' * (number != 1)} in {folder}"
