"""An answer takes the most readable form that gives its bytes back."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_byom.contract import Answer, Contract, RequestTemplate

EVENTS = {"content-type": "text/event-stream"}

FORMS: list[tuple[bytes, dict[str, str], str]] = [
    (b'{"a": 1}', {}, "body"),
    (b"[1, 2]", {}, "body"),
    (b'{"n": 17106857715909825000, "x": 1e-08}', {}, "body"),
    (b'\n         {"a": 1}', {}, "body_text"),
    (b'{"a": 1}\n', {}, "body_text"),
    (b'{"a": 1, "a": 2}', {}, "body_text"),
    (b'{"a": NaN}', {}, "body_text"),
    (b'{"a": "\\ud800"}', {}, "body_text"),
    (b"<html>", {}, "body_text"),
    (b"null", {}, "body_text"),
    (b"", {}, "body_text"),
    (b"\x00\x1f", {}, "body_text"),
    (b"\xff\xfe", {}, "body_base64"),
    (b"data: 1\n\n", EVENTS, "sse"),
    (b"data: 1\n\n", {}, "sse"),
    (b": comment\n\ndata: 1\n\n", {}, "sse"),
    ("data: Grüße, 世界, 🌍\n\n".encode(), EVENTS, "sse"),
    (b"data: trailing  \n\n", EVENTS, "sse"),
    (b"data: 1\r\n\r\n", EVENTS, "body_base64"),
    ("data: \u2028\n\n".encode(), EVENTS, "body_base64"),
    ("\ufeffdata: 1\n\n".encode(), EVENTS, "body_base64"),
    (b"data: \xff\n\n", EVENTS, "body_base64"),
]


@pytest.mark.parametrize(("content", "headers", "form"), FORMS)
def test_form(content: bytes, headers: dict[str, str], form: str) -> None:
    """A body has one form, and text and streams are kept byte for byte."""
    answer = Answer.of(content, headers=headers)
    given = [name for name in ("body", "body_text", "sse", "body_base64") if _is_set(answer, name)]
    assert given == [form]
    if form != "body":
        assert answer.content == content


def _is_set(answer: Answer, name: str) -> bool:
    return getattr(answer, name) is not None


def test_json_is_written_anew() -> None:
    """JSON keeps its values, not its white space."""
    assert Answer.of(b'{"a":1,"b":"\xc3\xbc"}').content == '{"a": 1, "b": "ü"}'.encode()


def test_pieces_are_cut_as_they_arrived() -> None:
    """Arrivals cut the body, and what they leave over is the last piece."""
    answer = Answer.of(b"data: 1\n\n", headers=EVENTS, arrivals=((1.5, 3), (2.0, 2)))
    assert answer.pieces == [b"dat", b"a:", b" 1\n\n"]


def test_no_body_has_no_pieces() -> None:
    """An empty body arrives in no piece."""
    assert Answer(status=204).pieces == []


CHATS: list[tuple[dict[str, Any], bool, bool]] = [
    ({"body": {"stream": True}}, True, True),
    ({"body": {"stream": "true"}}, True, False),
    ({"path": "/chat/completions?a=1", "body": {}}, True, False),
    ({"path": "/chat/completionz"}, False, False),
    ({"method": "GET"}, False, False),
    ({"body": [1]}, True, False),
]


@pytest.mark.parametrize(("request_", "is_chat", "asks_stream"), CHATS)
def test_kind_of_request(request_: dict[str, Any], is_chat: bool, asks_stream: bool) -> None:
    """A contract knows whether it is a chat request, and whether it asks for a stream."""
    contract = Contract(id="x", title="x", request=RequestTemplate(**request_))
    assert (contract.is_chat, contract.asks_stream) == (is_chat, asks_stream)
