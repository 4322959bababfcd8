"""Holds any answer against the `expect` of a contract."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pytest_byom.client.errors import BYOMError
from pytest_byom.client.failure import failure_of
from pytest_byom.client.jsontext import NotJSON, parse_json_bytes
from pytest_byom.contract.matching import ABSENT, Difference, describe, match
from pytest_byom.contract.replaying import replay_chat, view_response

if TYPE_CHECKING:
    from pytest_byom.contract.format import Answer, Contract

DEFAULTS: dict[str, Any] = {
    "valid": {"status": 200},
    "broken": {"status": "4xx"},
    "open": {"status": {"$any": ["2xx", "4xx"]}},
}
"""What is expected of an answer by a contract that says nothing, by its kind."""

STATUS_CLASS = re.compile(r"([1-5])xx")
ASSEMBLED = ("text", "finish_reason", "tool_calls", "usage")


def check_answer(contract: Contract, answer: Answer) -> list[Difference]:
    """Return every place where an answer is not as the contract expects.

    An answer with another status is only told to have that: nothing else in it can be right.
    """
    expect = {**DEFAULTS[contract.kind], **(contract.expect or {})}
    if wrong := _check_status(expect["status"], answer):
        return wrong
    found: list[Difference] = []
    if "headers" in expect:
        found += _check_headers(expect["headers"], answer)
    if "body" in expect:
        found += match(expect["body"], _body(answer), path="body")
    wanted = {name: expect[name] for name in ASSEMBLED if name in expect}
    return found + (_check_assembled(wanted, contract, answer) if wanted else [])


def _check_status(expected: Any, answer: Answer) -> list[Difference]:
    if not match(_status_matcher(expected), answer.status):
        return []
    said = failure_of(answer.content).message if answer.status >= 400 else ""
    got = f"{answer.status}: {said[:160]}" if said else str(answer.status)
    return [Difference("status", _describe_status(expected), got)]


def _status_matcher(expected: Any) -> Any:
    """Return a status as matchers have it: `4xx` is a range."""
    if isinstance(expected, str) and (found := STATUS_CLASS.fullmatch(expected)):
        hundreds = int(found[1]) * 100
        return {"$range": [hundreds, hundreds + 99]}
    if isinstance(expected, Mapping) and "$any" in expected:
        return {**expected, "$any": [_status_matcher(choice) for choice in expected["$any"]]}
    return expected


def _describe_status(expected: Any) -> str:
    return describe(expected).replace('"', "")


def _check_headers(expected: Mapping[str, Any], answer: Answer) -> list[Difference]:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return [
        difference
        for name, wanted in expected.items()
        for difference in match(
            wanted, headers.get(name.lower(), ABSENT), path=f"header {name.lower()}"
        )
    ]


def _body(answer: Answer) -> Any:
    """Return the body as JSON, else as text."""
    content = answer.content
    try:
        return parse_json_bytes(content)
    except NotJSON:
        return content.decode("utf-8", "replace")


def _check_assembled(
    expected: Mapping[str, Any], contract: Contract, answer: Answer
) -> list[Difference]:
    """Compare what the client core makes of the answer, streamed or not."""
    try:
        response = replay_chat(answer, stream=contract.asks_stream)
    except BYOMError as error:
        name = next(iter(expected))
        return [Difference(name, describe(expected[name]), f"{type(error).__name__}: {error}")]
    view = view_response(response)
    actual = {
        "text": response.content,
        "finish_reason": response.finish_reason,
        "tool_calls": view.get("tool_calls", []),
        "usage": dict(response.usage.raw) if response.usage else ABSENT,
    }
    return [
        difference
        for name, wanted in expected.items()
        for difference in match(wanted, actual[name], path=name)
    ]
