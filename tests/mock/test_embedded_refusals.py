"""What the embedded server refuses, and with which error object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pytest_byom.mock.embedded import EmbeddedServer
from pytest_byom.mock.http1 import BackgroundServer

if TYPE_CHECKING:
    from collections.abc import Callable

    Ask = Callable[..., httpx.Response]

FUNCTION = {"type": "function", "function": {"name": "look_up"}}
KEY = "sk-0123456789abcdef"


def function(**members: Any) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": "f", **members}}]


def json_schema(schema: Any, **members: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, **members}}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("members", "param", "code"),
    [
        ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
        ({"temperature": -0.1}, "temperature", "decimal_below_min_value"),
        ({"temperature": "hot"}, "temperature", "invalid_type"),
        ({"temperature": True}, "temperature", "invalid_type"),
        ({"top_p": 1.5}, "top_p", "decimal_above_max_value"),
        ({"max_tokens": 0}, "max_tokens", "integer_below_min_value"),
        ({"max_tokens": 1.5}, "max_tokens", "invalid_type"),
        ({"max_completion_tokens": -1}, "max_completion_tokens", "integer_below_min_value"),
        ({"n": 0}, "n", "integer_below_min_value"),
        ({"n": 129}, "n", "integer_above_max_value"),
        ({"seed": 2**64}, "seed", "integer_above_max_value"),
        ({"frequency_penalty": -2.1}, "frequency_penalty", "decimal_below_min_value"),
        ({"presence_penalty": 2.1}, "presence_penalty", "decimal_above_max_value"),
        ({"stop": ["a"] * 5}, "stop", "array_above_max_length"),
        ({"stop": ""}, "stop", "invalid_value"),
        ({"stop": 5}, "stop", "invalid_type"),
        ({"stop": [5]}, "stop[0]", "invalid_type"),
        ({"logit_bias": {"x": 1}}, "logit_bias", "invalid_value"),
        ({"logit_bias": {"1": 101}}, "logit_bias", "decimal_above_max_value"),
        ({"logprobs": 1}, "logprobs", "invalid_type"),
        ({"top_logprobs": 2}, "top_logprobs", "invalid_value"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "integer_above_max_value"),
        ({"logprobs": True, "top_logprobs": -1}, "top_logprobs", "integer_below_min_value"),
        ({"metadata": {"a": 1}}, "metadata.a", "invalid_type"),
        ({"metadata": {"k" * 65: ""}}, "metadata", "string_above_max_length"),
        ({"metadata": dict.fromkeys("abcdefghijklmnopq", "")}, "metadata",
         "object_above_max_properties"),
        ({"user": 5}, "user", "invalid_type"),
        ({"service_tier": "gold"}, "service_tier", "invalid_value"),
        ({"reasoning_effort": "ultra"}, "reasoning_effort", "invalid_value"),
        ({"verbosity": "loud"}, "verbosity", "invalid_value"),
        ({"prediction": {"type": "content"}}, "prediction.content", "invalid_type"),
        ({"modalities": ["smell"]}, "modalities[0]", "invalid_value"),
        ({"modalities": ["text", "audio"]}, "modalities", "unsupported_value"),
        ({"audio": {"voice": "ash", "format": "wav"}}, "audio", "unsupported_parameter"),
        ({"web_search_options": []}, "web_search_options", "invalid_type"),
        ({"moderation": {}}, "moderation", "unsupported_parameter"),
        ({"response_format": "json"}, "response_format", "invalid_type"),
        ({"response_format": {}}, "response_format.type", "missing_required_parameter"),
        ({"response_format": {"type": "yaml"}}, "response_format.type", "invalid_value"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema",
         "missing_required_parameter"),
        ({"response_format": json_schema({}, name=None)}, "response_format.json_schema.name",
         "missing_required_parameter"),
        ({"response_format": json_schema(None, strict=True)},
         "response_format.json_schema.schema", "missing_required_parameter"),
        ({"response_format": json_schema({"type": "banana"})}, "response_format",
         "invalid_json_schema"),
        ({"response_format": json_schema({"type": "object"}, strict=True)}, "response_format",
         "invalid_json_schema"),
        ({"response_format": json_schema({"not": {}})}, "response_format", "invalid_json_schema"),
        ({"tools": {}}, "tools", "invalid_type"),
        ({"tools": [FUNCTION] * 129}, "tools", "array_above_max_length"),
        ({"tools": [5]}, "tools[0]", "invalid_type"),
        ({"tools": [{"function": {}}]}, "tools[0].type", "missing_required_parameter"),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "missing_required_parameter"),
        ({"tools": [{"type": "custom"}]}, "tools[0].type", "unsupported_value"),
        ({"tools": function(name=None)}, "tools[0].function.name", "missing_required_parameter"),
        ({"tools": function(name="a b")}, "tools[0].function.name", "invalid_value"),
        ({"tools": function(name="a" * 65)}, "tools[0].function.name",
         "string_above_max_length"),
        ({"tools": function(parameters=[])}, "tools[0].function.parameters", "invalid_type"),
        ({"tools": function(parameters={"type": "banana"})}, "tools[0].function.parameters",
         "invalid_function_parameters"),
        ({"tools": function(parameters={"type": "string"})}, "tools[0].function.parameters",
         "invalid_function_parameters"),
        ({"tools": function(strict=True, parameters={"type": "object"})},
         "tools[0].function.parameters", "invalid_function_parameters"),
        ({"tools": function(parameters={"$ref": "#/x"}), "tool_choice": "required"}, "tools",
         "invalid_function_parameters"),
        ({"tool_choice": "auto"}, "tool_choice", "invalid_value"),
        ({"tools": [FUNCTION], "tool_choice": "maybe"}, "tool_choice", "invalid_value"),
        ({"tools": [FUNCTION], "tool_choice": 5}, "tool_choice", "invalid_type"),
        ({"tools": [FUNCTION], "tool_choice": {}}, "tool_choice.type",
         "missing_required_parameter"),
        ({"tools": [FUNCTION], "tool_choice": {"type": "custom"}}, "tool_choice",
         "unsupported_value"),
        ({"tools": [FUNCTION], "tool_choice": {"type": "function"}}, "tool_choice.function",
         "missing_required_parameter"),
        ({"tools": [FUNCTION],
          "tool_choice": {"type": "function", "function": {"name": "nobody"}}}, "tool_choice",
         "invalid_value"),
        ({"tools": [FUNCTION], "tool_choice": {"type": "allowed_tools"}},
         "tool_choice.allowed_tools", "missing_required_parameter"),
        ({"tools": [FUNCTION], "tool_choice": {"type": "function", "function": {}}},
         "tool_choice.function.name", "missing_required_parameter"),
        ({"tools": [FUNCTION], "tool_choice": {"type": "allowed_tools", "allowed_tools": {}}},
         "tool_choice.allowed_tools.mode", "missing_required_parameter"),
        ({"tools": [FUNCTION],
          "tool_choice": {"type": "allowed_tools",
                          "allowed_tools": {"mode": "auto", "tools": []}}},
         "tool_choice.allowed_tools.tools", "empty_array"),
        ({"response_format": json_schema({}, description=5)},
         "response_format.json_schema.description", "invalid_type"),
        ({"tools": [FUNCTION], "functions": [{"name": "f"}]}, "functions", "invalid_value"),
        ({"function_call": "auto"}, "function_call", "invalid_value"),
        ({"functions": [{"name": "f"}], "function_call": "must"}, "function_call",
         "invalid_value"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named(
    ask: Ask, members: dict[str, Any], param: str, code: str, stream: bool
) -> None:
    """A wrong parameter is a 400 with its name and OpenAI's code, streamed or not."""
    answer = ask("Hi", **members, stream=stream)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "invalid_request_error")
    assert (error["param"], error["code"]) == (param, code)
    assert error["message"]


def test_stream_options_belong_to_a_stream(ask: Ask) -> None:
    """stream_options without stream is refused."""
    error = ask("Hi", stream_options={"include_usage": True}).json()["error"]
    assert error["param"] == "stream_options"


USER = {"role": "user", "content": "Hi"}


def calling(*ids: str) -> dict[str, Any]:
    calls = [
        {"id": name, "type": "function", "function": {"name": "f", "arguments": "{}"}}
        for name in ids
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(name: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": name, "content": "42"}


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        (None, "messages"),
        ([], "messages"),
        ("Hi", "messages"),
        ([5], "messages[0]"),
        ([{"content": "Hi"}], "messages[0].role"),
        ([{"role": "robot", "content": "Hi"}], "messages[0].role"),
        ([{"role": "user"}], "messages[0].content"),
        ([{"role": "user", "content": None}], "messages[0].content"),
        ([{"role": "user", "content": []}], "messages[0].content"),
        ([{"role": "user", "content": 5}], "messages[0].content"),
        ([{"role": "user", "content": [5]}], "messages[0].content[0]"),
        ([{"role": "user", "content": [{"text": "x"}]}], "messages[0].content[0].type"),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content[0].text"),
        ([{"role": "user", "content": [{"type": "hologram"}]}], "messages[0].content[0].type"),
        ([{"role": "system", "content": [{"type": "image_url"}]}], "messages[0].content[0].type"),
        ([{"role": "user", "content": [{"type": "input_audio"}]}],
         "messages[0].content[0].input_audio"),
        ([{"role": "user", "content": [{"type": "file"}]}], "messages[0].content[0].file"),
        ([{"role": "user", "content": "Hi", "name": 5}], "messages[0].name"),
        ([USER, {"role": "assistant"}], "messages[1].content"),
        ([USER, {"role": "assistant", "tool_calls": [5]}], "messages[1].tool_calls[0]"),
        ([USER, {"role": "assistant", "tool_calls": [{}]}], "messages[1].tool_calls[0].id"),
        ([USER, {"role": "assistant", "tool_calls": [{"id": "a"}]}],
         "messages[1].tool_calls[0].function"),
        ([USER, {"role": "assistant", "tool_calls": [{"id": "a", "function": 5}]}],
         "messages[1].tool_calls[0].function"),
        ([USER, {"role": "assistant", "tool_calls": [{"id": "a", "function": {}}]}],
         "messages[1].tool_calls[0].function.name"),
        ([USER, {"role": "assistant", "tool_calls": [{"id": "a", "type": "custom"}]}],
         "messages[1].tool_calls[0].type"),
        ([USER, result("a")], "messages[1].role"),
        ([USER, calling("a"), result("b")], "messages[2].role"),
        ([USER, calling("a"), result("a"), result("a")], "messages[3].role"),
        ([USER, calling("a"), USER], "messages[1]"),
        ([USER, calling("a", "b"), result("a")], "messages[1]"),
        ([USER, calling("a"), {"role": "tool", "content": "x"}], "messages[2].tool_call_id"),
    ],
)  # fmt: skip
def test_a_wrong_message_is_named(api: httpx.Client, messages: Any, param: str) -> None:
    """A wrong message is a 400 with its place."""
    body = {"model": "byom-embedded", "messages": messages}
    answer = api.post("/chat/completions", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"[]", "not an object"),
        (b'"x"', "not an object"),
        (b"\xff", "not UTF-8 at byte 0"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b'{"a": NaN}', "NaN is not"),
        (b'{"a": -Infinity}', "-Infinity is not"),
        (b'{"a": 1e999}', "1e999 is too large"),
        (b'{"a": 1, "a": 2}', '"a" is there more than once'),
        (b'{"a": "\\ud83d"}', "unpaired surrogate"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", "200 levels"),
        (b'{"a":' + b"9" * 5000 + b"}", "4300 digits"),
    ],
    ids=lambda value: repr(value[:12]),
)  # fmt: skip
def test_a_broken_body_is_refused(api: httpx.Client, body: bytes, said: str) -> None:
    """What is no JSON object is a 400 that says why."""
    answer = api.post(
        "/chat/completions", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 400),
        ("Application/JSON; charset=utf-8", 400),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
    ],
)
def test_the_media_type_is_read(api: httpx.Client, media_type: str, status: int) -> None:
    """JSON in any spelling is read (and here found empty), all else is a 415."""
    answer = api.post("/chat/completions", content=b"{}", headers={"content-type": media_type})
    assert answer.status_code == status


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["nobody", None, 5])
def test_the_model_must_be_there(ask: Ask, model: Any, stream: bool) -> None:
    """An unknown model is a 404, one that is none a 400."""
    answer = ask("Hi", model=model, stream=stream)
    error = answer.json()["error"]
    assert answer.status_code == (404 if model == "nobody" else 400)
    assert error["param"] == "model"
    assert (error["code"] == "model_not_found") == (model == "nobody")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("length", [4095, 5000, 250_000])
def test_a_prompt_has_to_fit_the_window(ask: Ask, length: int, stream: bool) -> None:
    """A prompt that leaves no room for an answer is refused, never cut."""
    answer = ask("river " * length, stream=stream)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "context_length_exceeded"
    assert answer.json()["error"]["param"] == "messages"


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/chat/completions", 405, "POST, OPTIONS"),
        ("PUT", "/chat/completions", 405, "POST, OPTIONS"),
        ("DELETE", "/models", 405, "GET, HEAD, OPTIONS"),
        ("POST", "/chat/completionz", 404, None),
        ("GET", "/", 404, None),
        ("GET", "/models/nobody", 404, None),
    ],
)
def test_a_wrong_path_or_method_is_refused(
    api: httpx.Client, method: str, path: str, status: int, allow: str | None
) -> None:
    """Unknown paths are a 404, other methods a 405 that lists those there are."""
    answer = api.request(method, path)
    assert answer.status_code == status
    assert answer.headers.get("allow") == allow
    assert answer.json()["error"]["message"]


@pytest.fixture(scope="module")
def locked() -> Any:
    with BackgroundServer(EmbeddedServer(api_key=KEY)) as server:
        yield server.url + "/v1"


@pytest.mark.parametrize("method_and_path", ["GET /models", "POST /chat/completions", "GET /x"])
@pytest.mark.parametrize("header", [None, "Bearer wrong-key-0123456789", KEY, f"Basic {KEY}", ""])
def test_without_the_key_nothing_is_told(
    locked: str, method_and_path: str, header: str | None
) -> None:
    """Without the right key every path is a 401, whatever is wrong besides."""
    method, path = method_and_path.split()
    headers = {} if header is None else {"authorization": header}
    answer = httpx.request(method, locked + path, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert "0123456789" not in answer.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_key_opens(locked: str, scheme: str) -> None:
    """The right key is let in, whatever the case of the scheme."""
    headers = {"authorization": f"{scheme} {KEY}"}
    assert httpx.get(f"{locked}/models", headers=headers).status_code == 200


@pytest.mark.parametrize("settings", [{"models": ()}, {"context_window": 1}])
def test_impossible_settings_are_refused(settings: dict[str, Any]) -> None:
    """A server without a model, or without room, is not built."""
    with pytest.raises(ValueError, match=next(iter(settings))):
        EmbeddedServer(**settings)
