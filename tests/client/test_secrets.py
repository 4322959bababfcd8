"""No secret is ever shown."""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.client.errors import BYOMError
from pytest_byom.client.events import StreamError
from pytest_byom.client.llm import LLM, AsyncLLM
from pytest_byom.client.providers import CustomProviderConfig
from pytest_byom.client.redact import HiddenHeaders, Redactor, shown_url
from pytest_byom.client.request import ChatRoute, base_headers

from .harness import Answer, answer_json, completion

if TYPE_CHECKING:
    from .harness import Harness

CANARY = "canary-4f9c/a+b"
HEADER = "header-canary-77"
PASSWORD = "password-canary-1"
QUERY = "query-canary-55"
ALL = (CANARY, HEADER, PASSWORD, QUERY)
OPTIONS: dict[str, Any] = {
    "base_url": f"http://me:{PASSWORD}@server.test/v1?api-key={QUERY}",
    "model": "m",
    "api_key": CANARY,
    "extra_headers": {"X-API-Key": HEADER, "X-Tenant": "t"},
}


def assert_clean(text: str) -> None:
    assert [secret for secret in ALL if secret in text] == []


@pytest.mark.parametrize("kind", [LLM, AsyncLLM])
def test_the_repr_of_a_client(kind: Any) -> None:
    """A client shows where it is and whom it asks, and all that it holds is hidden."""
    llm = kind(**OPTIONS)
    expected = f"{kind.__name__}(base_url='http://server.test/v1?api-key=***', model='m')"
    assert repr(llm) == expected
    assert_clean(repr(vars(llm)))


def test_the_repr_of_what_is_sent() -> None:
    """Requests, headers and providers hide what they carry."""
    headers = base_headers(CANARY, OPTIONS["extra_headers"])
    request = ChatRoute(OPTIONS["base_url"], headers).request({"model": "m"})
    assert headers["Authorization"] == f"Bearer {CANARY}"
    assert_clean(repr(request) + repr(headers) + str(headers) + request.shown_url)
    config = CustomProviderConfig(
        base_url=OPTIONS["base_url"], extra_headers={"Authorization": CANARY}
    )
    assert_clean(repr(config))
    assert config.extra_headers["Authorization"] == CANARY


def test_a_password_in_the_url(harness: Harness) -> None:
    """A user and password in the URL go as Basic authorization, unless there is a key."""
    options = {"base_url": f"http://me:{PASSWORD}@server.test/v1"}
    harness.plain(answer_json(completion()), **options)
    harness.plain(answer_json(completion()), **options, api_key=CANARY)
    first, second = harness.requests
    assert first.headers["authorization"] == "Basic bWU6cGFzc3dvcmQtY2FuYXJ5LTE="
    assert second.headers["authorization"] == f"Bearer {CANARY}"
    assert str(first.url) == "http://server.test/v1/chat/completions"


ECHO = f"wrong key {CANARY} ({HEADER}) at {PASSWORD} {QUERY}"
ANSWERS = {
    "status": answer_json({"error": {"message": ECHO, "code": CANARY}}, status=401),
    "200": answer_json({"error": {"message": ECHO}}),
    "text": Answer(ECHO.encode(), 500),
    "no json": Answer(ECHO.encode()),
    "header": answer_json({"error": "x"}, status=500, x_request_id=CANARY),
    "redirect": Answer(b"", 302, {"location": f"http://other/?k={QUERY}"}),
    "stream": Answer([f"data: {json.dumps({'error': ECHO})}\n\n".encode()]),
    "broken event": Answer([f"data: {ECHO}\n\n".encode()]),
    "connect": Answer(raises="ConnectError"),
    "refused": Answer(raises="LocalProtocolError"),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("way", ["plain", "stream"])
def test_errors(harness: Harness, way: str, name: str) -> None:
    """Whatever a server echoes, no error shows a secret: not its text, attributes or traceback."""
    if way == "plain":
        with pytest.raises(BYOMError) as caught:
            harness.plain(ANSWERS[name], **OPTIONS)
        error: BaseException = caught.value
    else:
        last = harness.stream(ANSWERS[name], **OPTIONS)[-1]
        assert isinstance(last, StreamError)
        error = last.error
    assert_clean(str(error) + repr(error) + repr(vars(error)))
    assert_clean("".join(traceback.format_exception(error)))
    sent = harness.requests[0].headers
    assert (sent["authorization"], sent["x-api-key"]) == (f"Bearer {CANARY}", HEADER)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"a {CANARY} b", "a *** b"),
        ("canary-4f9c%2Fa%2Bb", "***"),
        ("Bearer abcdefgh12345", "Bearer ***"),
        ("key sk-proj-0123456789abcdef0123", "key ***"),
        ("sk-short is no key", "sk-short is no key"),
    ],
)
def test_redactor(text: str, shown: str) -> None:
    """A known secret goes in each form, and what looks like a key goes too."""
    redactor = Redactor([CANARY])
    assert redactor.text(text) == shown
    assert redactor.bytes(text.encode()) == shown.encode()


@pytest.mark.parametrize("word", ["", "abc", "ollama", "EMPTY", "none"])
def test_words_that_are_no_secret(word: str) -> None:
    """What people write in place of a key is not taken out of messages."""
    assert Redactor([word]).text(f"the {word} server") == f"the {word} server"


def test_bytes_keep_their_encoding() -> None:
    """Bytes that are no text stay as they are."""
    assert Redactor([CANARY]).bytes(b"\xff\x00" + CANARY.encode() + b"\xfe") == b"\xff\x00***\xfe"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://h/v1", "http://h/v1"),
        ("http://me:pw@h:1/v1", "http://h:1/v1"),
        ("http://h/v1?api-version=2&key=k&token=", "http://h/v1?api-version=2&key=***&token="),
    ],
)
def test_shown_url(url: str, shown: str) -> None:
    """A URL is shown without user, password and keys."""
    assert shown_url(url) == shown


def test_hidden_headers() -> None:
    """Headers show their harmless values only."""
    headers = HiddenHeaders({"Authorization": "a", "Cookie": "b", "Accept": "c"})
    assert repr(headers) == "{'Authorization': '***', 'Cookie': '***', 'Accept': 'c'}"
