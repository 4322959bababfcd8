"""What is kept of a request that a client of this process sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest

from pytest_byom.mock.in_process import Mock
from pytest_byom.mock.taken import TakenRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

URL = "http://llm.test/v1/chat/completions"
BODY = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}

pytestmark = pytest.mark.parametrize("library", [httpx, httpx2])


def test_a_request_is_kept_as_it_was_sent(library: ModuleType) -> None:
    """What an authentication changes before it sends the request again is not seen in the first."""

    class Twice(library.Auth):  # type: ignore[misc,name-defined]  # one of two modules
        def auth_flow(self, request: Any) -> Iterator[Any]:
            request.headers["x-try"] = "1"
            yield request
            request.headers["x-try"] = "2"
            yield request

    with Mock() as mock, library.Client(auth=Twice()) as client:
        mock.reply("Hello", times=2)
        client.post(URL, json=BODY)
        assert [asked.headers["x-try"] for asked in mock.requests] == ["1", "2"]


def test_headers_have_names_in_lower_case(library: ModuleType) -> None:
    """Names are found in lower case, values are as they were, and secrets are not shown."""
    given = {"X-Tenant": "Mine", "Authorization": "Bearer canary"}
    asked = TakenRequest(library.Request("POST", URL, headers=given, json=BODY))
    assert asked.headers["x-tenant"] == "Mine"
    assert asked.headers["authorization"] == "Bearer canary"
    assert "canary" not in repr(asked.headers)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ([], None),
        ([("Content-Type", "text/plain")], "text/plain"),
        ([("content-type", "text/plain"), ("Content-Type", "a/b"), ("X", "y")], "a/b"),
    ],
    ids=["none", "one", "two"],
)
def test_the_content_type_is_that_of_the_headers(
    library: ModuleType, headers: list[tuple[str, str]], found: str | None
) -> None:
    """The content type is what the headers have, the last one where there are two."""
    asked = TakenRequest(library.Request("POST", URL, headers=headers, content=b"{}"))
    assert asked.content_type == asked.headers.get("content-type") == found


@pytest.mark.parametrize(
    ("url", "path", "host"),
    [
        (URL, "/v1/chat/completions", "llm.test"),
        ("http://llm.test:8000/a%20b/c d?x=/y#z", "/a%20b/c%20d", "llm.test"),
        ("http://[::1]:8000//v1/models/?a?b", "//v1/models/", "::1"),
    ],
)
def test_the_path_is_that_of_the_url(library: ModuleType, url: str, path: str, host: str) -> None:
    """The path is percent-encoded, as it goes out, and without the query."""
    asked = TakenRequest(library.Request("GET", url))
    assert (asked.path, asked.host, asked.url) == (path, host, str(library.URL(url)))


def test_a_client_may_send_a_body_of_any_kind(library: ModuleType) -> None:
    """Model and stream are read of what is JSON, and are empty for what is none."""
    sent = [json.dumps({**BODY, "stream": True}).encode(), b"\xff\x00", b"[1]", b""]
    asked = [TakenRequest(library.Request("POST", URL, content=body)) for body in sent]
    assert [(one.model, one.stream) for one in asked] == [("m", True), *[("", False)] * 3]
