"""Requests are refused as the server would refuse them."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_byom.mock.asked import AskedRequest, hide
from pytest_byom.mock.in_process import Mock

from .asking import URL, ask, completion

ORPHAN = [{"role": "tool", "tool_call_id": "c1", "content": "x"}]
REFUSED: list[tuple[Any, dict[str, Any], str, str | None]] = [
    ("Hi", {"temperature": "hot"}, "temperature", "invalid_type"),
    ("Hi", {"max_tokens": -4}, "max_tokens", "integer_below_min_value"),
    ([], {}, "messages", "empty_array"),
    (ORPHAN, {}, "messages[0].role", None),
    ([{"role": "robot", "content": "x"}], {}, "messages[0].role", "invalid_value"),
    ([{"role": "user"}], {}, "messages[0].content", "missing_required_parameter"),
]


@pytest.mark.parametrize(("messages", "members", "param", "code"), REFUSED)
def test_refused(messages: Any, members: Any, param: str, code: str | None) -> None:
    """A request that no server takes gets the server's error, and uses no reply."""
    mock = Mock()
    mock.reply("x")
    served = ask(mock, messages, **members)
    error = completion(served)["error"]
    assert (served.answer.status, error["param"], error["code"]) == (400, param, code)
    assert "1 reply that no request used" in mock.report()
    assert "request 1 was refused as the server would" in mock.report()


def test_broken_json() -> None:
    """A body that is no JSON is refused."""
    served = Mock().answer(AskedRequest("POST", URL, hide({}), b"{"))
    assert served.answer.status == 400
    assert "could not parse the JSON" in completion(served)["error"]["message"]


@pytest.mark.parametrize(("messages", "members", "param", "code"), REFUSED)
def test_not_validated(messages: Any, members: Any, param: str, code: str | None) -> None:
    """Without validation, everything gets its reply."""
    mock = Mock(validate=False)
    mock.reply("x")
    assert ask(mock, messages, **members).kind == "reply"


def test_a_body_without_sense() -> None:
    """Without validation, a body that is no JSON gets its reply too."""
    mock = Mock(validate=False)
    mock.reply("x")
    served = mock.answer(AskedRequest("POST", URL, hide({}), b"\xff{"))
    assert (served.kind, mock.requests[0].json, mock.requests[0].messages) == ("reply", None, [])
