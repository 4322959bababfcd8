"""From a contract to a request: placeholders, key, headers."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from pytest_byom.client.errors import ContractError
from pytest_byom.conformance.finding import Inconclusive
from pytest_byom.conformance.sending import WRONG_KEY, Aim, build_request, inner

from .making import URL, make_contract, make_exchange

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ANSWER = make_exchange({"choices": [{"message": {"content": None, "tool_calls": [CALL]}}]})
MESSAGE = {
    "role": "assistant",
    "content": "A tale of two cities",
    "tool_calls": [CALL],
}
COMPLETION = {"id": "chatcmpl-7", "choices": [{"message": MESSAGE}]}


def aim(**members: Any) -> Aim:
    """Return an aim at a server of no account."""
    return Aim(**{"base_url": URL, "model": "m1", "api_key": "sk-right"} | members)


def headers(key: str = "right", *, contract: dict[str, Any] | None = None, **members: Any) -> Any:
    """Return the headers of a minimal request as a mapping."""
    return dict(build_request(make_contract(key=key, **(contract or {})), aim(**members)).headers)


def filled(value: Any) -> Any:
    """Return what a value of a body becomes, in answer to COMPLETION."""
    contract = make_contract(body={"x": value})
    return json.loads(build_request(contract, aim(), answer=make_exchange(COMPLETION)).body)["x"]


def test_request() -> None:
    """Method, URL and body of a request come from contract and aim."""
    sent = build_request(make_contract(), aim())
    assert (sent.method, sent.url) == ("POST", f"{URL}/chat/completions")
    assert json.loads(sent.body)["model"] == "m1"


PLACEHOLDERS: list[tuple[Any, Any]] = [
    ("${model}", "m1"),
    ("The ${model}!", "The m1!"),
    (["${model}", {"deep": "${model}"}], ["m1", {"deep": "m1"}]),
    ("${answer.message}", MESSAGE),
    ("${answer.message.tool_calls.0.id}", "call_1"),
    ("id: ${answer.message.tool_calls.0.id}", "id: call_1"),
    ("${answer.completion.id}", "chatcmpl-7"),
    ("$model {model} $", "$model {model} $"),
    (7, 7),
    (None, None),
]


@pytest.mark.parametrize(("value", "result"), PLACEHOLDERS)
def test_placeholder(value: Any, result: Any) -> None:
    """A value that is one placeholder becomes the piece itself; inside a text, its text."""
    assert filled(value) == result


def test_placeholder_of_inner_text() -> None:
    """`answer.inner` is a run of characters from the inside of the answer."""
    piece = filled("${answer.inner}")
    assert piece in "A tale of two cities"[1:-1]


@pytest.mark.parametrize("count", [100, 3000])
def test_placeholder_of_tokens(count: int) -> None:
    """`tokens:N` is prose of about N tokens, counted as words and full stops."""
    tokens = re.findall(r"\w+|\.", filled(f"${{tokens:{count}}}"))
    assert count <= len(tokens) <= count * 1.2


LISTED: list[dict[str, Any]] = [
    {"context_window": 90},
    {"max_model_len": 90},
    {"context_length": 90},
    {"max_context_length": 90},
    {"meta": {"n_ctx": 90, "n_ctx_train": 8192}},
]


@pytest.mark.parametrize("members", LISTED, ids=lambda members: next(iter(members)))
def test_placeholder_of_a_listed_window(members: dict[str, Any]) -> None:
    """`window:N` is N per cent of the window that the list of models gives the model."""
    models = make_exchange({"data": [{"id": "m0", "context_window": 1}, {"id": "m1", **members}]})
    assert window(200, answer=models) == filled("${tokens:180}")


def test_placeholder_of_a_registered_window() -> None:
    """What the registry says of the window needs no list, and is not bounded."""
    assert window(50, context_window=300_000) == filled("${tokens:150000}")


UNFIT: list[tuple[Any, str]] = [
    ({"data": [{"id": "m1"}]}, "nothing says how large the context window of m1 is"),
    ({"data": [{"id": "m1", "context_window": None}]}, "nothing says"),
    ({"data": [{"id": "m1", "meta": None}]}, "nothing says"),
    ({"data": None}, "nothing says"),
    ({"data": ["m1"]}, "nothing says"),
    ({"data": [{"id": "m1", "context_window": 1_000_000}]}, "of 1000000 tokens is too large"),
]


@pytest.mark.parametrize(("models", "reason"), UNFIT)
def test_window_that_cannot_be_filled(models: Any, reason: str) -> None:
    """Without a window, or with one that is too large, there is nothing to ask."""
    with pytest.raises(Inconclusive, match=reason):
        window(200, answer=make_exchange(models))


def window(percent: int, *, answer: Any = None, **members: Any) -> Any:
    """Return what a part of the window becomes."""
    contract = make_contract(body={"x": f"${{window:{percent}}}"})
    return json.loads(build_request(contract, aim(**members), answer=answer).body)["x"]


def test_placeholder_of_depth() -> None:
    """`nested:N` is the text of an object that is N levels deep."""
    contract = make_contract(body=None, body_text='{"x": ${nested:3}}')
    sent = build_request(contract, aim())
    assert json.loads(sent.body) == {"x": {"a": {"a": {"a": 1}}}}


def test_placeholder_in_header() -> None:
    """Placeholders of headers are filled, without white space around them."""
    contract = {"headers": {"X-Model": "${model}", "X-Long": "${tokens:40}", "User-Agent": None}}
    found = headers(contract=contract)
    assert found["x-model"] == "m1"
    assert found["x-long"] == filled("${tokens:40}").strip()
    assert "user-agent" not in found


def test_placeholder_in_path() -> None:
    """The path has placeholders too."""
    contract = make_contract(method="GET", path="/models/${model}", body=None)
    assert build_request(contract, aim()).url == f"{URL}/models/m1"


def test_placeholder_of_number() -> None:
    """`number` tells requests apart that are sent at once; prose may grow with it."""
    contract = make_contract(body={"x": "${number}", "y": "${tokens:36*number}"})
    first, third = (build_request(contract, aim(), number=number).body for number in (1, 3))
    assert (json.loads(first)["x"], json.loads(third)["x"]) == (1, 3)
    assert len(third) > 2 * len(first)


def test_placeholder_of_path_model() -> None:
    """`path-model` is the model with each character encoded that a path may mean something by."""
    contract = make_contract(method="GET", path="/models/${path-model}", body=None)
    sent = build_request(contract, aim(model="org/a-b.c 1é"))
    assert sent.url == f"{URL}/models/org%2Fa%2Db%2Ec%201%C3%A9"


def test_placeholder_in_text() -> None:
    """A body that is sent as text has placeholders too."""
    contract = make_contract(body=None, body_text='{"model": "${model}", ')
    assert build_request(contract, aim()).body == b'{"model": "m1", '


def test_bytes() -> None:
    """A body of bytes is sent as it is, as JSON by its media type."""
    sent = build_request(make_contract(body=None, body_base64="/yR7bW9kZWx9"), aim())
    assert sent.body == b"\xff${model}"
    assert dict(sent.headers)["content-type"] == "application/json"


@pytest.mark.parametrize("name", ["modell", "answer.message", "tokens"])
def test_unknown_placeholder(name: str) -> None:
    """A placeholder that means nothing, or needs an answer that is not there, is an error."""
    with pytest.raises(ContractError, match=f"unknown placeholder .*{name}"):
        build_request(make_contract(body={"x": f"${{{name}}}"}), aim())


def test_answer_without_the_piece() -> None:
    """An answer that lacks the piece makes the request Inconclusive."""
    with pytest.raises(Inconclusive, match=r"^the answer to chat/plain has no message\.refusal$"):
        filled("${answer.message.refusal}")


def test_slash_of_base_url() -> None:
    """A slash at the end of the base URL is not doubled."""
    sent = build_request(make_contract(), aim(base_url=f"{URL}/"))
    assert sent.url == f"{URL}/chat/completions"


def test_body_is_ascii() -> None:
    """By default characters are escaped; `ascii: false` sends them as UTF-8."""
    escaped = build_request(make_contract(body={"x": "ü"}), aim()).body
    plain = build_request(make_contract(body={"x": "ü"}, ascii=False), aim()).body
    assert (escaped, plain) == (b'{"x": "\\u00fc"}', '{"x": "ü"}'.encode())


def test_usual_headers() -> None:
    """A plain request has these headers and no other."""
    assert headers() == {
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "pytest-byom",
        "content-type": "application/json",
        "authorization": "Bearer sk-right",
    }


def test_stream_accepts_events() -> None:
    """A request for a stream accepts an event stream."""
    assert headers(contract={"body": {"stream": True}})["accept"] == "text/event-stream"


def test_no_body_has_no_content_type() -> None:
    """A request without a body does not declare its type."""
    assert "content-type" not in headers(contract={"method": "GET", "body": None})


def test_header_of_contract() -> None:
    """A contract's header replaces the usual one in any case, and null takes it out."""
    own = {"Content-Type": "application/json; charset=utf-8", "Accept": None, "X-New": "1"}
    found = headers(contract={"headers": own})
    assert found["content-type"] == "application/json; charset=utf-8"
    assert found["x-new"] == "1"
    assert "accept" not in found


KEYS = [
    ("right", "sk-right", "Bearer sk-right"),
    ("right", None, None),
    ("wrong", "sk-right", f"Bearer {WRONG_KEY}"),
    ("wrong", None, f"Bearer {WRONG_KEY}"),
    ("none", "sk-right", None),
    ("none", None, None),
]


@pytest.mark.parametrize(("key", "api_key", "header"), KEYS)
def test_key(key: str, api_key: str | None, header: str | None) -> None:
    """A contract says which key goes with it: the right one, a wrong one, or none."""
    assert headers(key, api_key=api_key).get("authorization") == header


def test_extra_header() -> None:
    """Extra headers of the endpoint go with every request, with or without the key."""
    extra = {"X-Tenant": "t1"}
    assert headers(extra_headers=extra)["x-tenant"] == "t1"
    assert headers("none", extra_headers=extra)["x-tenant"] == "t1"


def test_extra_header_replaces_key() -> None:
    """An extra Authorization header of any case replaces the key."""
    assert headers(extra_headers={"AUTHORIZATION": "Basic x"})["authorization"] == "Basic x"


@pytest.mark.parametrize("key", ["none", "wrong"])
def test_credentials_stay_at_home(key: str) -> None:
    """Without the right key, no other credential of the endpoint is sent either."""
    extra = {"api-key": "secret", "Authorization": "Basic secret"}
    found = headers(key, extra_headers=extra, secret_headers=("api-key", "Authorization"))
    assert "secret" not in str(found)


def test_repr_hides_key() -> None:
    """The repr of an aim shows neither key nor extra headers."""
    assert "canary" not in repr(aim(api_key="canary", extra_headers={"x": "canary"}))


@pytest.mark.parametrize("text", ["", "ok", "aaaaaaaaaaaa", "ééééééééé"])
def test_no_inner(text: str) -> None:
    """A text that is short or repeats itself has no inside to stop at."""
    with pytest.raises(Inconclusive, match="has no piece that occurs in it only once"):
        inner(text)


INNER = ["Hello, how are you today?", "0123456789", "one two three four five six"]


@pytest.mark.parametrize("text", INNER)
def test_inner(text: str) -> None:
    """The inner piece starts in the second half, occurs first there, and ends before the end."""
    piece = inner(text)
    assert len(text) // 2 <= text.find(piece) < len(text) - len(piece)
