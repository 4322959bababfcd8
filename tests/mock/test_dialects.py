"""Each dialect answers as recorded servers did: the same members, with values of the same types.

What all recorded answers of a kind have, the mock's answer has; what none of them has, it has not.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pytest_byom.client.errors import UsageError
from pytest_byom.mock.dialect import DEFAULT, fill, list_dialects, load_dialect
from pytest_byom.mock.in_process import Mock
from pytest_byom.mock.replies import call
from pytest_byom.registry import load_registry

from .asking import ask, assembled, chunks, completion, deltas, events, get

DATA = Path(__file__).parents[1] / "data"
NAMES = [name for name in list_dialects() if name != DEFAULT]
EACH = pytest.mark.parametrize("name", NAMES)
TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    for name in ("look", "find")
]
NAMED_ONLY = ("llama-cpp-python",)
"""Servers that do not know tool_choice "required"."""

SILENT = ("llama-cpp-python",)
"""Servers whose streams have no usage."""

USAGE: dict[str, Any] = {"stream_options": {"include_usage": True}}


def test_there_is_a_dialect_for_every_known_server() -> None:
    """The servers that the registry knows are the dialects of the mock."""
    assert set(NAMES) == set(load_registry(environ={}).endpoints) - {"embedded"}


def exchanges(name: str, kind: str) -> list[dict[str, Any]]:
    """Return the recorded exchanges of one kind: `plain`, `tools`, `stream` or `stream-tools`."""
    own = {
        "plain": "plain",
        "tools": "tools_named" if name in NAMED_ONLY else "tools_required",
        "stream": "stream_usage",
        "stream-tools": "tools_stream_named_usage",
    }
    file = DATA / "dialects" / name / f"{own[kind]}.json"
    if file.exists():
        return [{"request": {"body": USAGE}, "response": json.loads(file.read_text("utf-8"))}]
    pattern = {"plain": "json", "tools": "json-tools"}.get(kind, kind)
    files = sorted((DATA / "recordings" / name).glob(f"{pattern}-[0-9a-f]*.json"))
    read = [json.loads(file.read_text("utf-8")) for file in files]
    return [one for one in read if one["fidelity"] in ("wire", "json-parsed")]


def recordings(name: str, kind: str) -> list[dict[str, Any]]:
    """Return the recorded answers of one kind."""
    return [one["response"] for one in exchanges(name, kind)]


def asked_usage(name: str, kind: str) -> bool:
    """Whether a stream with usage was asked for in the recorded exchanges of one kind."""
    return any("stream_options" in one["request"]["body"] for one in exchanges(name, kind))


def shape(value: Any, path: str = "") -> dict[str, str]:
    """Return the JSON type at every path of a value; entries of a list are one."""
    if isinstance(value, dict):
        return {
            p: t for key, entry in value.items() for p, t in shape(entry, f"{path}.{key}").items()
        }
    if isinstance(value, list):
        return {p: t for entry in value for p, t in shape(entry, f"{path}[]").items()} or {
            path: "list"
        }
    names = {bool: "bool", int: "number", float: "number", str: "text", type(None): "null"}
    return {path: names[type(value)]}


def bodies(recorded: dict[str, Any]) -> list[Any]:
    """Return the JSON of an answer, or that of its events."""
    if "sse" not in recorded:
        return [recorded["body"]]
    data = [line[5:].strip() for line in recorded["sse"].splitlines() if line.startswith("data:")]
    return [json.loads(text) for text in data if text != "[DONE]"]


def members(values: list[Any]) -> set[str]:
    """Return the paths of some values together."""
    return {path for value in values for path in shape(value)}


NOT_COMPARED = re.compile(
    # What depends on the model or the account, and what a text answer need not have.
    r"\.(reasoning(_content|_details)?\b.*|refusal|annotations.*|usage.*_details\.(image|video|audio|"
    r"accepted|rejected|text|cache_write|cached|reasoning)\w*|usage\.(cost|is_byok|service_tier).*|"
    r"usage\.num_cached_tokens|usage\.server_side_tool_usage_details.*|"
    r"service_tier|system_fingerprint|logprobs.*|stats\..*|model_info.*|runtime.*|p|citations.*|"
    r"usage\.(prompt|completion)_tokens_details|x_groq\.seed|provider|"
    r"usage\.\w+_ticks|choices\[\]\.(delta|message)\.(content.*|role))$"
)


def compared(paths: set[str]) -> set[str]:
    """Return the paths that say something about the server."""
    return {path for path in paths if not NOT_COMPARED.search(path)}


KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "tools": {"tools": TOOLS, "tool_choice": "required"},
    "stream": {"stream": True},
    "stream-tools": {"stream": True, "tools": TOOLS, "tool_choice": "required"},
}


def answer(name: str, kind: str) -> list[Any]:
    """Return what the mock answers to a request of one kind."""
    mock = Mock(dialect=name)
    members = dict(KINDS[kind])
    if "stream" in kind and name != "mistral" and asked_usage(name, kind):
        members |= USAGE
    if "tools" in kind and name in NAMED_ONLY:
        members["tool_choice"] = {"type": "function", "function": {"name": "look"}}
    if "tools" in kind:
        mock.reply(tool_calls=[call("look", city="Paris")])
    else:
        mock.reply("Hello there, you")
    served = ask(mock, **members)
    assert served.kind == "reply"
    return chunks(served) if "stream" in kind else [completion(served)]


CASES = [(name, kind) for name in NAMES for kind in KINDS if recordings(name, kind)]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_members_are_the_recorded_ones(name: str, kind: str) -> None:
    """No member is made up, and none is missing that all recordings have."""
    ours = compared(members(answer(name, kind)))
    theirs = [compared(members(bodies(one))) for one in recordings(name, kind)]
    anywhere = {path for found in theirs for path in found}
    everywhere = {path for path in anywhere if all(path in found for found in theirs)}
    assert ours - anywhere == set()
    assert everywhere - ours == set()


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_types_are_the_recorded_ones(name: str, kind: str) -> None:
    """Each member has a type that it was recorded with."""
    known: dict[str, set[str]] = {}
    for recorded in recordings(name, kind):
        for body in bodies(recorded):
            for path, type in shape(body).items():
                known.setdefault(path, set()).add(type)
    for body in answer(name, kind):
        for path, type in shape(body).items():
            assert type in known.get(path, {type}), path


def test_most_dialects_are_held_against_recordings() -> None:
    """Only the server of which no recording is public is not."""
    assert set(NAMES) - {name for name, _ in CASES} == {"localai"}


@EACH
def test_stream_and_whole_answer_say_the_same(name: str) -> None:
    """Our client makes the same of both, whatever the dialect."""
    mock = Mock(dialect=name)
    members = {} if name == "mistral" else USAGE
    mock.reply("Hello there", reasoning=None if name == "mistral" else "Hm", usage=(9, 4), times=1)
    response = assembled(ask(mock, stream=True, **members))
    assert (response.content, response.finish_reason) == ("Hello there", "stop")
    usage = response.usage and (response.usage.input_tokens, response.usage.output_tokens)
    assert usage == (None if name in SILENT else (9, 4))
    assert events(mock.log.served[0])[-1] == "[DONE]"


@EACH
def test_parallel_calls(name: str) -> None:
    """Parallel calls arrive whole, whatever their pieces."""
    mock = Mock(dialect=name)
    mock.reply(tool_calls=[call("look", city="Paris"), call("find", text="a b")])
    response = assembled(ask(mock, stream=True, tools=TOOLS))
    made = [(one.name, json.loads(one.arguments)) for one in response.tool_calls]
    assert made == [("look", {"city": "Paris"}), ("find", {"text": "a b"})]
    assert len({one.id for one in response.tool_calls}) == 2
    assert response.finish_reason == "tool_calls"


@EACH
def test_errors_have_the_server_s_shape(name: str) -> None:
    """Errors of all kinds are what the form of the dialect says, with the message in them."""
    mock = Mock(dialect=name)
    for status in (400, 401, 403, 404, 413, 422, 429, 500, 503):
        mock.fail(status, message="It went wrong")
        served = ask(mock)
        assert served.answer.status == status
        body = completion(served)
        hidden = (name, status) in {("mistral", 401), ("mistral", 403), ("vllm", 401)}
        assert ("It went wrong" in json.dumps(body)) is not hidden


NULLS = {"param": None}
ERRORS: list[tuple[str, int, Any]] = [
    ("groq", 404, {"error": {"message": "m", "type": "invalid_request_error"}}),
    ("llamacpp", 401, {"error": {"message": "m", "type": "authentication_error", "code": 401}}),
    ("llama-cpp-python", 401, {"detail": "m"}),
    (
        "llama-cpp-python",
        500,
        {"error": {"message": "m", "type": "internal_server_error", **NULLS, "code": None}},
    ),
    ("lmstudio", 400, {"error": "m"}),
    ("mistral", 401, {"detail": "Unauthorized"}),
    ("ollama", 404, {"error": {"message": "m", "type": "not_found_error", **NULLS, "code": None}}),
    ("openrouter", 401, {"error": {"message": "m", "code": 401}}),
    ("vllm", 401, {"error": "Unauthorized"}),
    ("vllm", 400, {"error": {"message": "m", "type": "BadRequestError", **NULLS, "code": 400}}),
    ("xai", 400, {"code": "Client specified an invalid argument", "error": "m"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "status", "body"), ERRORS)
def test_an_error_as_recorded(name: str, status: int, body: Any) -> None:
    """Errors are written as the server writes them."""
    mock = Mock(dialect=name)
    mock.fail(status, message="m", code=None)
    assert completion(ask(mock)) == body


RECORDED_ERRORS = [
    ("groq", 404, "error404-f2016434", {"model": "llama-3.3-70b-versatlie"}),
    ("mistral", 400, "error400-5fecbf72", {"model": "mistral-does-not-exist"}),
    ("openrouter", 400, "error400-217c6acb", {"model": "invalid-model-1"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "status", "file", "members"), RECORDED_ERRORS)
def test_an_unknown_model(name: str, status: int, file: str, members: dict[str, Any]) -> None:
    """A model that is not served gets the very error that was recorded."""
    mock = Mock(dialect=name)
    mock.models("another")
    served = ask(mock, **members)
    path = DATA / "recordings" / name / f"{file}.json"
    recorded = json.loads(path.read_text("utf-8"))["response"]
    found = completion(served)
    for body in (found, recorded["body"]):
        body.pop("user_id", None)
    assert (served.answer.status, found) == (status, recorded["body"])


@pytest.mark.parametrize("name", ["ollama", "vllm"])
def test_an_unknown_model_of_a_local_server(name: str) -> None:
    """A model that is not served gets an error of the recorded shape."""
    mock = Mock(dialect=name)
    mock.models("another")
    served = ask(mock, model="no-such-model")
    file = DATA / "dialects" / name / "unknown_model.json"
    recorded = json.loads(file.read_text("utf-8"))
    assert served.answer.status == recorded["status"]
    assert shape(completion(served)) == shape(recorded["body"])
    assert completion(served)["error"]["type"] == recorded["body"]["error"]["type"]


def test_any_model() -> None:
    """llama.cpp, llama-cpp-python and LM Studio answer for any model."""
    for name in ("llamacpp", "llama-cpp-python", "lmstudio"):
        mock = Mock(dialect=name)
        mock.models("small").reply("x")
        assert ask(mock, model="large").kind == "reply"


ENTRIES = [
    ("vllm", 404, {"detail": "Not Found"}),
    ("llama-cpp-python", 404, {"detail": "Not Found"}),
    (
        "llamacpp",
        404,
        {"error": {"message": "File Not Found", "type": "not_found_error", "code": 404}},
    ),
]


@pytest.mark.parametrize(("name", "status", "body"), ENTRIES)
@pytest.mark.parametrize("model", ["small", "large"])
def test_no_entry_of_a_model(name: str, status: int, body: Any, model: str) -> None:
    """These servers have no route for one model, and say so in the recorded words."""
    mock = Mock(dialect=name)
    served = mock.models("small").answer(get(f"/models/{model}"))
    assert (served.answer.status, completion(served)) == (status, body)


def test_an_encoded_name() -> None:
    """The name of a model may be percent-encoded, as openai-python does with a slash."""
    mock = Mock(dialect="openrouter").models("openai/gpt-4o-mini")
    served = mock.answer(get("/models/openai%2Fgpt-4o-mini"))
    assert (served.answer.status, completion(served)["id"]) == (200, "openai/gpt-4o-mini")


def test_no_such_entry() -> None:
    """The entry of a model that is not there is 404, also where a chat with it is 400."""
    mock = Mock(dialect="mistral").models("small")
    served = mock.answer(get("/models/large"))
    assert served.answer.status == 404
    assert completion(served)["message"] == "Invalid model: large"


REFUSED: list[tuple[str, dict[str, Any], int]] = [
    ("groq", {"logprobs": True}, 400),
    ("groq", {"frobnicate": 1}, 400),
    ("mistral", {"seed": 1}, 422),
    ("mistral", {"stream_options": {"include_usage": True}, "stream": True}, 422),
    ("mistral", {"frobnicate": 1}, 422),
    ("lmstudio", {"response_format": {"type": "json_object"}}, 400),
    ("mistral", {"tools": TOOLS, "tool_choice": "maybe"}, 400),
    ("llamacpp", {"tools": TOOLS, "tool_choice": "maybe"}, 400),
    ("llama-cpp-python", {"tools": TOOLS, "tool_choice": "required"}, 500),
    ("llama-cpp-python", {"temperature": "hot"}, 500),
    ("llama-cpp-python", {"response_format": {"type": "json_schema", "json_schema": {}}}, 500),
    ("openai", {"temperature": 99}, 400),
    ("vllm", {"temperature": 99}, 400),
]


@pytest.mark.parametrize(("name", "members", "status"), REFUSED)
def test_refused(name: str, members: dict[str, Any], status: int) -> None:
    """A parameter that the server does not take is refused."""
    mock = Mock(dialect=name)
    mock.reply("x")
    assert ask(mock, **members).answer.status == status


NAMED = {"type": "function", "function": {"name": "none_such"}}

TAKEN: list[tuple[str, Any, dict[str, Any]]] = [
    ("llamacpp", "Hi", {"temperature": 99}),
    ("llamacpp", [], {}),
    ("llamacpp", [{"role": "robot", "content": "x"}], {}),
    ("llama-cpp-python", "Hi", {"temperature": 99}),
    ("llama-cpp-python", [], {"max_completion_tokens": 0, "stream_options": "x"}),
    ("ollama", "Hi", {"temperature": 99}),
    ("ollama", "Hi", {"logit_bias": "x"}),
    ("vllm", [{"role": "tool", "tool_call_id": "c", "content": "x"}], {}),
    ("llamacpp", "Hi", {"tools": TOOLS, "tool_choice": NAMED}),
    ("mistral", "Hi", {"random_seed": 1}),
    ("mistral", "Hi", {"tools": TOOLS, "tool_choice": "any"}),
    ("groq", "Hi", {"reasoning_format": "hidden"}),
]


@pytest.mark.parametrize(("name", "messages", "members"), TAKEN)
def test_taken(name: str, messages: Any, members: dict[str, Any]) -> None:
    """What the server does not mind gets its reply."""
    mock = Mock(dialect=name)
    mock.reply("x")
    assert ask(mock, messages, **members).kind == "reply"


def test_a_value_of_its_own() -> None:
    """Mistral's tool_choice "any" is what the API calls "required"."""
    mock = Mock(dialect="mistral")
    mock.reply(from_schema=True)
    found = completion(ask(mock, tools=TOOLS, tool_choice="any"))
    assert found["choices"][0]["message"]["tool_calls"]


def test_from_schema_of_what_is_not_minded() -> None:
    """A request with a fault that the server does not mind gets an answer from its schema too."""
    mock = Mock(dialect="ollama")
    mock.reply(from_schema=True)
    found = completion(ask(mock, tools=TOOLS, tool_choice="maybe"))
    assert found["choices"][0]["message"]["content"] == "Done."


SCORED = ["llamacpp", "llama-cpp-python", "ollama", "vllm"]


@pytest.mark.parametrize("name", SCORED)
@pytest.mark.parametrize("stream", [False, True])
def test_log_probabilities_as_recorded(name: str, stream: bool) -> None:
    """Log probabilities have the members that were recorded, in a stream too."""
    file = DATA / "dialects" / name / "logprobs_top3.json"
    recorded = json.loads(file.read_text("utf-8"))["body"]["choices"][0]["logprobs"]
    mock = Mock(dialect=name)
    mock.reply("I see")
    served = ask(mock, logprobs=True, top_logprobs=3, stream=stream)
    bodies_ = chunks(served) if stream else [completion(served)]
    scores = [one["choices"][0].get("logprobs") for one in bodies_]
    found = [entry for entry in scores if entry]
    assert found
    assert all(shape(one) == shape(recorded) for one in found)


UNASKED = [("openai", 0), ("vllm", 0), ("llamacpp", 20), ("ollama", None)]


@pytest.mark.parametrize(("name", "number"), UNASKED)
def test_candidates_that_nobody_asked_for(name: str, number: int | None) -> None:
    """Without `top_logprobs` llama.cpp sends 20 of them, Ollama no list, others an empty one."""
    mock = Mock(dialect=name)
    mock.reply("I see")
    scores = completion(ask(mock, logprobs=True))["choices"][0]["logprobs"]
    listed = [entry.get("top_logprobs") for entry in scores["content"]]
    assert {None if one is None else len(one) for one in listed} == {number}


def test_openrouter_details_its_reasoning() -> None:
    """OpenRouter sends reasoning twice, as text and as details, and the client reads it once."""
    mock = Mock(dialect="openrouter")
    mock.reply("Paris", reasoning="It is the capital", times=2)
    message = completion(ask(mock))["choices"][0]["message"]
    recorded = DATA / "recordings/openrouter"
    details = next(
        found["choices"][0]["message"]["reasoning_details"]
        for file in sorted(recorded.glob("json-*.json"))
        if "reasoning.text" in (text := file.read_text("utf-8"))
        and (found := json.loads(text)["response"]["body"])
        and found["choices"][0]["message"].get("reasoning_details", [{}])[0].get("format")
    )
    assert shape(message["reasoning_details"]) == shape(details)
    assert message["reasoning_details"][0]["text"] == message["reasoning"] == "It is the capital"
    streamed = ask(mock, stream=True)
    pieces = [d for d in deltas(streamed) if d.get("reasoning")]
    assert [d["reasoning_details"][0]["text"] for d in pieces] == ["It", " is", " the", " capital"]
    assert assembled(streamed).choices[0].reasoning == "It is the capital"


def test_groq_tells_usage_three_times() -> None:
    """Groq's usage stands in the finish chunk, inside of x_groq, and in a chunk of its own."""
    mock = Mock(dialect="groq")
    mock.reply("x", usage=(9, 4))
    sent = chunks(ask(mock, stream=True, **USAGE))
    assert sent[-2]["usage"] == sent[-2]["x_groq"]["usage"] == sent[-1]["usage"]
    assert sent[-1]["choices"] == []
    assert sent[0]["x_groq"]["id"].startswith("req_")


def test_groq_s_request_id() -> None:
    """Groq's x-request-id is the id in x_groq."""
    mock = Mock(dialect="groq")
    mock.reply("x")
    served = ask(mock)
    assert dict(served.answer.headers)["x-request-id"] == completion(served)["x_groq"]["id"]


def test_groq_s_error_in_a_stream() -> None:
    """Groq's error inside a stream is an event of its own name, and no end marker follows."""
    mock = Mock(dialect="groq")
    mock.reply("x", error_after=0, error="tool call validation failed")
    content = ask(mock, stream=True).answer.content
    assert content.startswith(
        b'event: error\ndata: {"error":{"message":"tool call validation failed"'
    )
    assert b"[DONE]" not in content


@pytest.mark.parametrize("name", ["groq", "ollama", "xai", "mistral"])
def test_whole_calls(name: str) -> None:
    """These servers send a call in one delta."""
    mock = Mock(dialect=name)
    mock.reply(tool_calls=[call("look", city="Paris")])
    sent = chunks(ask(mock, stream=True, tools=TOOLS))
    parts = [c["choices"][0] for c in sent if c["choices"][0]["delta"].get("tool_calls")]
    assert len(parts) == 1
    assert parts[0]["delta"]["tool_calls"][0]["function"]["arguments"] == '{"city": "Paris"}'
    assert (parts[0].get("finish_reason") == "tool_calls") is (name == "mistral")


def test_a_call_in_both_forms() -> None:
    """A lone call stands in function_call too; in a stream each piece has its id and its name."""
    mock = Mock(dialect="llama-cpp-python")
    mock.reply(tool_calls=[call("look", city="Paris")], times=2)
    named: dict[str, Any] = {
        "tools": TOOLS,
        "tool_choice": {"type": "function", "function": {"name": "look"}},
    }
    message = completion(ask(mock, **named))["choices"][0]["message"]
    assert message["function_call"] == message["tool_calls"][0]["function"]
    pieces = [one for one in deltas(ask(mock, **named, stream=True)) if one.get("tool_calls")]
    assert len(pieces) > 1
    assert {one["tool_calls"][0]["function"]["name"] for one in pieces} == {"look"}
    assert len({one["tool_calls"][0]["id"] for one in pieces}) == 1
    assert "".join(one["function_call"]["arguments"] for one in pieces) == '{"city": "Paris"}'


def test_two_calls_are_in_the_newer_form_only() -> None:
    """Of several calls of one message none is in function_call."""
    mock = Mock(dialect="llama-cpp-python")
    mock.reply(tool_calls=[call("look", city="Paris"), call("find", text="a b")])
    message = completion(ask(mock, tools=TOOLS))["choices"][0]["message"]
    assert len(message["tool_calls"]) == 2
    assert "function_call" not in message


def test_an_error_of_the_request_as_recorded() -> None:
    """llama-cpp-python answers a faulty request with 500, in the recorded shape."""
    mock = Mock(dialect="llama-cpp-python")
    served = ask(mock, temperature="hot")
    file = DATA / "dialects" / "llama-cpp-python" / "temperature_string.json"
    recorded = json.loads(file.read_text("utf-8"))
    found = completion(served)
    assert served.answer.status == recorded["status"]
    found["error"]["message"] = recorded["body"]["error"]["message"]
    assert found == recorded["body"]


def test_an_empty_message_as_recorded() -> None:
    """llama-cpp-python says nothing of why it does not know tool_choice "required"."""
    mock = Mock(dialect="llama-cpp-python")
    served = ask(mock, tools=TOOLS, tool_choice="required")
    file = DATA / "dialects" / "llama-cpp-python" / "tools_required.json"
    recorded = json.loads(file.read_text("utf-8"))
    assert (served.answer.status, completion(served)) == (recorded["status"], recorded["body"])


def test_openrouter_s_comments_and_padding() -> None:
    """OpenRouter's streams begin with comments, its JSON with white space."""
    mock = Mock(dialect="openrouter")
    mock.reply("x", times=2)
    stream = ask(mock, stream=True).answer.content
    assert stream.startswith(b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\ndata: {")
    body = ask(mock).answer.content
    assert len(body) - len(body.lstrip()) == 11


def test_openrouter_s_finish_reason_twice() -> None:
    """OpenRouter repeats the finish reason beside usage, asked for or not."""
    mock = Mock(dialect="openrouter")
    mock.reply("x")
    sent = chunks(ask(mock, stream=True))
    assert [c["choices"][0]["finish_reason"] for c in sent[-2:]] == ["stop", "stop"]
    assert sent[-1]["usage"]["cost"]
    assert all(c["choices"][0]["delta"]["role"] == "assistant" for c in sent)


def test_xai_counts_reasoning_apart() -> None:
    """xAI's completion tokens are without the reasoning tokens, its total is with them."""
    mock = Mock(dialect="xai")
    mock.reply("x", reasoning="Hm", usage={"input": 10, "output": 7, "reasoning": 5})
    usage = completion(ask(mock))["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (
        10,
        2,
        17,
    )


def test_xai_names_no_finish_reason_until_the_end() -> None:
    """xAI leaves the finish reason out until there is one."""
    mock = Mock(dialect="xai")
    mock.reply("a b")
    kept = ["finish_reason" in c["choices"][0] for c in chunks(ask(mock, stream=True))]
    assert kept == [False, False, True]


def test_mistral_s_reasoning_is_a_part() -> None:
    """Mistral's content is a list of parts where there is reasoning."""
    mock = Mock(dialect="mistral")
    mock.reply("Yes.", reasoning="Hm", times=2)
    content = completion(ask(mock))["choices"][0]["message"]["content"]
    assert content == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
        {"type": "text", "text": "Yes."},
    ]
    deltas = [c["choices"][0]["delta"] for c in chunks(ask(mock, stream=True))]
    assert deltas[1] == {"content": content[:1]}
    assert deltas[2] == {"content": "Yes."}


@pytest.mark.parametrize(
    ("name", "member"),
    [("ollama", "reasoning"), ("groq", "reasoning"), ("vllm", "reasoning"),
     ("openrouter", "reasoning"), ("xai", "reasoning_content"), ("llamacpp", "reasoning_content")],
)  # fmt: skip
def test_where_reasoning_stands(name: str, member: str) -> None:
    """Reasoning has the name that the server has for it."""
    mock = Mock(dialect=name)
    mock.reply("Yes.", reasoning="Hm")
    assert completion(ask(mock))["choices"][0]["message"][member] == "Hm"


LISTS = ["llamacpp", "llama-cpp-python", "ollama", "vllm"]


@pytest.mark.parametrize("name", LISTS)
def test_the_list_of_models(name: str) -> None:
    """The list of models has the recorded members."""
    file = DATA / "dialects" / name / "models.json"
    recorded = json.loads(file.read_text("utf-8"))["body"]
    asked = get("/models")
    ours = completion(Mock(dialect=name).answer(asked))
    assert ours.keys() == recorded.keys()
    assert ours["data"][0].keys() <= recorded["data"][0].keys()


def test_openrouter_s_list_has_no_object() -> None:
    """OpenRouter's list of models is bare."""
    asked = get("/models")
    assert completion(Mock(dialect="openrouter").answer(asked)).keys() == {"data"}


@EACH
def test_headers_are_text(name: str) -> None:
    """Every header has a name in lower case and a text."""
    mock = Mock(dialect=name)
    mock.reply("x", times=2).fail(429)
    for served in (ask(mock), ask(mock, stream=True), ask(mock)):
        for header, value in served.answer.headers:
            assert header == header.lower()
            assert isinstance(value, str)
            assert "{" not in value


@EACH
def test_ids_differ(name: str) -> None:
    """Two answers have two ids, where the server gives them."""
    mock = Mock(dialect=name)
    mock.reply("x", times="any")
    found = {completion(ask(mock))["id"] for _ in range(20)}
    assert len(found) > (1 if name == "ollama" else 19)


def test_templates() -> None:
    """A template is filled with values as they are, or as text inside of a text."""
    template = {"a": "{total}", "b": "x-{total}", "c": ["{total}", 1], "d": None, "e": "{hex:5}"}
    filled = fill(template, {"total": 7})
    assert (filled["a"], filled["b"], filled["c"], filled["d"]) == (7, "x-7", [7, 1], None)
    assert re.fullmatch("[0-9a-f]{5}", filled["e"])


def test_a_dialect_in_code() -> None:
    """A dialect may be changed in the middle of a script."""
    mock = Mock()
    mock.reply("x", times=2)
    assert "x_groq" not in completion(ask(mock))
    assert "x_groq" in completion(ask(mock.dialect("groq")))


def test_no_such_dialect() -> None:
    """A name that is none is refused with those that there are."""
    with pytest.raises(UsageError, match="there is no dialect 'grok'; there are groq, llama-cpp"):
        load_dialect("grok")
