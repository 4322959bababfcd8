"""Errors are found in whatever shape a server tells them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_byom.client.failure import Failure, failure_in, failure_of


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ({"error": {"message": "m", "type": "t", "param": "p", "code": "c"}},
         Failure("m", "c", "t", "p")),
        ({"error": {"message": "m", "type": None, "param": None, "code": None}}, Failure("m")),
        ({"error": {"message": "m", "code": 429, "metadata": {}}, "user_id": "u"},
         Failure("m", 429)),
        ({"error": {"message": "m", "status_code": 400, "failed_generation": "x"}},
         Failure("m", 400)),
        ({"error": "m", "code": "The model does not exist"},
         Failure("m", "The model does not exist")),
        ({"error": "m", "error_type": "validation"}, Failure("m")),
        ({"error": {"type": "overloaded"}}, Failure('{"type": "overloaded"}', type="overloaded")),
        ({"error": ["a", "b"]}, Failure('["a", "b"]')),
        ({"object": "error", "message": "m", "type": "t", "param": None, "code": "1500"},
         Failure("m", "1500", "t")),
        ({"type": "error", "error": {"type": "t", "message": "m"}}, Failure("m", type="t")),
        ({"detail": "Unauthorized"}, Failure("Unauthorized")),
        ({"detail": [{"loc": ["body", "messages"], "msg": "field required", "type": "missing"},
                     {"loc": ["body", "n"], "msg": "too big"}]},
         Failure("body.messages: field required; body.n: too big")),
        ({"detail": {"message": "m"}}, Failure("m")),
        ([{"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT"}}],
         Failure("m", 400)),
        ({"choices": [{"error": {"message": "m", "code": 502}}]}, Failure("m", 502)),
        ({"x_groq": {"error": "m"}}, Failure("m")),
        ({"error": "half \ud83d"}, Failure("half ?")),
    ],
)  # fmt: skip
def test_shapes(body: Any, failure: Failure) -> None:
    """Message, code, type and param are read from each shape."""
    assert failure_in(body) == failure
    assert failure_of(json.dumps(body).encode()) == failure


@pytest.mark.parametrize(
    "body",
    [
        {"error": None, "choices": [{"message": {"content": "a"}}]},
        {"error": {}},
        {"error": ""},
        {"choices": [{"message": {}, "error": None}], "detail": "x"},
        {"object": "chat.completion"},
        {},
        [],
        "error",
        None,
    ],
)
def test_no_error(body: Any) -> None:
    """An empty error is none, and neither is anything else."""
    assert failure_in(body) is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"message": "m", "request_id": "r"}', "m"),
        (b'{"status": "bad"}', '{"status": "bad"}'),
        (b'"just text"', "just text"),
        (b"null", "null"),
        (b"  plain text ", "plain text"),
        (b"<!doctype html><h1>502 Bad Gateway</h1>", "an HTML page (502 Bad Gateway)"),
        (b"<html></html>", "an HTML page"),
        (b"", None),
        (b"x" * 600, "x" * 497 + "..."),
        (b"[" * 100_000, "[" * 497 + "..."),
    ],
    ids=range(10),
)
def test_bodies_known_to_be_errors(body: bytes, message: str | None) -> None:
    """Where the status says that it is an error, whatever there is becomes its message."""
    assert failure_of(body).message == message
