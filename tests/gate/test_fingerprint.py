"""A fingerprint has what apps rely on, and nothing that differs from one answer to the next."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from pytest_byom.client.sse import SSEDecoder
from pytest_byom.gate.fingerprint import Answer, take_fingerprint
from pytest_byom.gate.shape_changes import compare_fingerprints

from .making import MODEL, chunk, completion, plain, prints, shapes, streamed

RECORDINGS = Path(__file__).parents[1] / "data" / "recordings"
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
TEXT = [chunk({"role": "assistant", "content": ""}), chunk({"content": "Hi"}), chunk({}, "stop")]


def differences(before: Answer, after: Answer) -> list[str]:
    """Return what differs between two answers to one request, in words."""
    return [change.sentence for change in compare_fingerprints(prints(before), prints(after))]


def test_plain() -> None:
    """A plain answer shows each object with the types of its members, and a few words."""
    found = shapes(plain(completion({"content": "Hi"}, created=1, usage=USAGE)))
    assert found == {
        "answer": {"body": "JSON object", "status": "200"},
        "body": {
            "choices": "array",
            "created": "integer",
            "id": "string",
            "model": "as asked",
            "usage": "object",
        },
        "body.usage": {
            "completion_tokens": "integer",
            "prompt_tokens": "integer",
            "total_tokens": "integer",
        },
        "choices[]": {"finish_reason": "stop/length", "index": "integer", "message": "object"},
        "choices[].message": {"content": "string", "role": "assistant"},
    }


def test_stream() -> None:
    """A stream shows its chunks by what they do, and how it ends."""
    found = shapes(streamed(*TEXT))
    assert found["stream"] == {"[DONE]": "present", "usage": "none"}
    assert found["delta (first)"] == {"content": "empty", "role": "assistant"}
    assert found["delta (text)"] == {"content": "string"}
    assert found["delta (finish)"] == {}
    assert found["choices[] (finish)"]["finish_reason"] == "stop/length"


def test_streamed_call() -> None:
    """The first fragment of a call is told from the later ones."""
    first = {"index": 0, **CALL, "function": {"name": "f", "arguments": ""}}
    later = {"index": 0, "function": {"arguments": "{}"}}
    found = shapes(
        streamed(
            chunk({"role": "assistant", "tool_calls": [first]}),
            chunk({"tool_calls": [later]}),
            chunk({}, "tool_calls"),
        )
    )
    assert found["delta.tool_calls[] (first)"]["id"] == "string"
    assert found["delta.tool_calls[].function (first)"] == {"arguments": "empty", "name": "string"}
    assert found["delta.tool_calls[].function (later)"] == {"arguments": "string"}
    assert found["choices[] (finish, call)"]["finish_reason"] == "tool_calls"


FORMS = [
    (b"", "nothing"),
    (b'{"a": 1}', "JSON object"),
    (b"[]", "JSON array"),
    (b'"x"', "JSON string"),
    (b"1", "JSON value"),
    (b"null", "JSON value"),
    (b'{"a": ', "broken JSON"),
    (b"<html>", "HTML"),
    (b"404 page not found", "text"),
    (b"\xef\xbb\xbf{}", "JSON object"),
]


@pytest.mark.parametrize(("body", "form"), FORMS)
def test_form(body: bytes, form: str) -> None:
    """What the body is shows, whatever is in it."""
    assert shapes(plain(body))["answer"]["body"] == form


def test_no_answer() -> None:
    """A request without an answer shows the kind of trouble, without its figures."""
    answer = Answer(kind="plain", trouble="no answer: not a byte for 30 s")
    assert shapes(answer) == {"answer": {"body": "no answer", "status": "none"}}


SAME: list[tuple[str, Answer, Answer]] = [
    (
        "ids-times-texts-counts",
        plain(completion({"content": "Hi"}, id="chatcmpl-1", created=1, usage=USAGE)),
        plain(completion({"content": "Yo"}, id="4f2a-…", created=2, usage=dict.fromkeys(USAGE, 9))),
    ),
    (
        "cut-or-ended",
        plain(completion({"content": "Hi"})),
        plain(completion({"content": "H"}, finish_reason="length")),
    ),
    (
        "call-or-text",
        plain(completion({"content": "Hi"})),
        plain(completion({"content": None, "tool_calls": [CALL]}, finish_reason="tool_calls")),
    ),
    (
        "length-of-stream",
        streamed(*TEXT),
        streamed(*TEXT[:2], *TEXT[1:2] * 9, TEXT[2]),
    ),
    (
        "no-text-at-all",
        streamed(*TEXT),
        streamed(TEXT[0], TEXT[2]),
    ),
    (
        "padding",
        streamed(*(part | {"obfuscation": "abc"} for part in TEXT)),
        streamed(*TEXT),
    ),
    (
        "timings",
        plain(completion({"content": "Hi"}, timings={"predicted_ms": 420})),
        plain(completion({"content": "Hi"}, timings={"predicted_ms": 4.2, "cache_n": 1})),
    ),
    (
        "whole-number-of-a-float",
        plain(completion({"content": "Hi"}, cost_of_it=420)),
        plain(completion({"content": "Hi"}, cost_of_it=4.2)),
    ),
    (
        "names-that-are-data",
        plain(completion({"content": "Hi"}, by_id={"4f 2a": 1})),
        plain(completion({"content": "Hi"}, by_id={"77 0b": 1, "1 2": 2})),
    ),
    (
        "more-models",
        plain({"data": [{"id": "a"}]}, kind="models"),
        plain({"data": [{"id": "b"}, {"id": "c"}]}, kind="models"),
    ),
    (
        "date-and-length",
        plain({}, headers=(("content-type", "text/html"), ("date", "Mon"))),
        plain({}, headers=(("content-type", "TEXT/HTML"), ("content-length", "2"))),
    ),
    (
        "words-of-an-error",
        plain({"error": {"message": "no such model: a"}}, status=404),
        plain({"error": {"message": "no such model: b"}}, status=404),
    ),
    (
        "comments-stop",
        streamed(*TEXT, before=": ping - 12:00\n\n"),
        streamed(*TEXT),
    ),
    (
        "narrower-than-before",
        plain(completion({"content": "Hi"}, parts=[{"a": 1}, {"a": None}])),
        plain(completion({"content": "Hi"}, parts=[{"a": 1}])),
    ),
]


@pytest.mark.parametrize(("before", "after"), [pytest.param(*r[1:], id=r[0]) for r in SAME])
def test_same(before: Answer, after: Answer) -> None:
    """What differs from run to run is no difference."""
    assert differences(before, after) == []


DIFFERENT: list[tuple[str, Answer, Answer, list[str]]] = [
    (
        "status",
        plain(completion({"content": "Hi"})),
        plain({"error": {"message": "no"}}, status=400),
        ["answer: status was 200, and is 400"],
    ),
    (
        "reasoning-renamed",
        plain(completion({"content": "Hi", "reasoning_content": "Hm"})),
        plain(completion({"content": "Hi", "reasoning": "Hm"})),
        [
            "reasoning: carrier was reasoning_content, and is reasoning",
            "choices[].message: reasoning stands where reasoning_content was",
        ],
    ),
    (
        "reasoning-renamed-in-stream",
        streamed(TEXT[0], chunk({"reasoning_content": "Hm"}), *TEXT[1:]),
        streamed(TEXT[0], chunk({"reasoning": "Hm"}), *TEXT[1:]),
        [
            "reasoning: carrier was reasoning_content, and is reasoning",
            "delta (reasoning): reasoning stands where reasoning_content was",
        ],
    ),
    (
        "comments-come",
        streamed(*TEXT),
        streamed(*TEXT, before=": ping - 12:00\n\n"),
        ["lines: comment is new (: ping)"],
    ),
    (
        "error-envelope",
        plain({"error": {"message": "no", "type": "x", "code": 4}}, status=400),
        plain({"object": "error", "message": "no", "type": "x", "code": 4}, status=400),
        ["body: error is gone; code, message, object, type are new"],
    ),
    (
        "error-code",
        plain({"error": {"message": "no", "code": "model_not_found"}}, status=404),
        plain({"error": {"message": "no", "code": 404}}, status=404),
        ["body.error: code was model_not_found, and is 404"],
    ),
    (
        "header-gone",
        plain({}, headers=(("x-request-id", "1"),)),
        plain({}, headers=()),
        ["headers: x-request-id is gone (it was present)"],
    ),
    (
        "media-type",
        plain({}),
        plain({}, headers=(("content-type", "text/plain"),)),
        ["headers: content-type was application/json, and is text/plain"],
    ),
    (
        "null-content",
        plain(completion({"content": None, "tool_calls": [CALL]}, finish_reason="tool_calls")),
        plain(completion({"content": "", "tool_calls": [CALL]}, finish_reason="tool_calls")),
        ["choices[].message (call): content was null, and is empty"],
    ),
    (
        "finish-of-a-call",
        plain(completion({"content": None, "tool_calls": [CALL]}, finish_reason="tool_calls")),
        plain(completion({"content": None, "tool_calls": [CALL]})),
        ["choices[] (call): finish_reason was tool_calls, and is stop"],
    ),
    (
        "foreign-finish",
        plain(completion({"content": "Hi"})),
        plain(completion({"content": "Hi"}, finish_reason="eos")),
        ["choices[]: finish_reason was stop/length, and is eos"],
    ),
    (
        "usage-moved",
        streamed(*TEXT, {"choices": [], "usage": USAGE}),
        streamed(*TEXT[:2], TEXT[2] | {"usage": USAGE}),
        [
            "chunk (finish): usage is new (object)",
            "stream: usage was in a chunk of its own, and is with a choice",
        ],
    ),
    (
        "other-model",
        plain(completion({"content": "Hi"})),
        plain(completion({"content": "Hi"}) | {"model": "small-2"}),
        ["body: model was as asked, and is another"],
    ),
    (
        "created-decimal",
        plain(completion({"content": "Hi"}, created=1)),
        plain(completion({"content": "Hi"}, created=1.5)),
        ["body: created was integer, and is number"],
    ),
    (
        "arguments-object",
        plain(completion({"content": None, "tool_calls": [CALL]}, finish_reason="tool_calls")),
        plain(
            completion(
                {
                    "content": None,
                    "tool_calls": [{**CALL, "function": {"name": "f", "arguments": {}}}],
                },
                finish_reason="tool_calls",
            )
        ),
        ["choices[].message.tool_calls[].function (call): arguments was string, and is object"],
    ),
    (
        "no-done",
        streamed(*TEXT),
        streamed(*TEXT, done=False),
        ["stream: [DONE] was present, and is missing"],
    ),
    (
        "error-in-stream",
        streamed(*TEXT),
        streamed(*TEXT, {"error": {"message": "no", "code": 500}}),
        ["stream: other events is new (error)"],
    ),
    (
        "foreign-event",
        streamed(*TEXT),
        streamed({"status": "thinking"}, *TEXT),
        ["stream: other events is new (no chunk)"],
    ),
    (
        "comment-as-data",
        streamed(*TEXT),
        streamed(": PROCESSING", "[1]", *TEXT),
        ["stream: other events is new (no JSON object)"],
    ),
    (
        "error-of-stream-renamed",
        streamed({"error": {"message": "no", "code": 500}}),
        streamed({"error": {"message": "no", "status": 500}}),
        ["error event.error: status stands where code was"],
    ),
    (
        "a-page-instead",
        plain(completion({"content": "Hi"})),
        plain(b"<html>Sign in</html>"),
        ["answer: body was JSON object, and is HTML"],
    ),
]


@pytest.mark.parametrize(
    ("before", "after", "said"), [pytest.param(*row[1:], id=row[0]) for row in DIFFERENT]
)
def test_different(before: Answer, after: Answer, said: list[str]) -> None:
    """What apps break on is a difference, in words."""
    assert differences(before, after) == said


def test_learned_from_repeats() -> None:
    """A member that repeats saw come and go may be there or not; any other type is news."""
    plain_one = plain(completion({"content": "Hi"}))
    with_thoughts = plain(completion({"content": "Hi", "reasoning": "Hm"}))
    learned = prints(plain_one, with_thoughts)
    assert learned["x"]["choices[].message"]["reasoning"] == "absent|string?"
    for answer in (plain_one, with_thoughts):
        assert _of_exchange(learned, prints(answer)) == []
        assert _of_exchange(prints(answer), learned) == []
    odd = plain(completion({"content": "Hi", "reasoning": ["Hm"]}))
    assert _of_exchange(learned, prints(odd)) == [
        "choices[].message: reasoning was string in some, now and then, and is array"
    ]


def _of_exchange(before: Any, after: Any) -> list[str]:
    changes = compare_fingerprints({"x": before["x"]}, {"x": after["x"]})
    return [change.sentence for change in changes]


def test_header_in_some() -> None:
    """A header that only some answers have now was not lost, and is news."""
    with_id, without = plain({}, headers=(("x-request-id", "1"),)), plain({}, headers=())
    before = take_fingerprint({"a": [with_id], "b": [with_id]})
    after = take_fingerprint({"a": [with_id], "b": [without]})
    said = "headers: x-request-id was present, and is present in some"
    assert [change.sentence for change in compare_fingerprints(before, after)] == [said]
    assert compare_fingerprints(after, before) == []


def test_other_exchanges() -> None:
    """Where a run has more exchanges, only what all of them have otherwise is a difference."""
    with_id, without = plain({}, headers=(("x-request-id", "1"),)), plain({}, headers=())
    few = take_fingerprint({"a": [with_id]})
    assert compare_fingerprints(few, take_fingerprint({"a": [with_id], "b": [without]})) == []
    (change,) = compare_fingerprints(few, take_fingerprint({"a": [without], "b": [without]}))
    assert change.sentence == "headers: x-request-id is gone (it was present)"


def test_asked_otherwise() -> None:
    """Answers to another request, of another version of the suite, are not compared."""
    before = Answer(kind="plain", asked="aa", status=200, body=b"{}")
    after = Answer(kind="plain", asked="bb", status=400, body=b"[]")
    (change,) = compare_fingerprints({"x": prints(before)["x"]}, {"x": prints(after)["x"]})
    assert change.asked_otherwise


def test_same_difference_once() -> None:
    """A difference that many exchanges show is one, with all of their names."""
    before = take_fingerprint({name: [plain({"a": 1})] for name in "pqr"})
    after = take_fingerprint({name: [plain({"a": None})] for name in "pqr"})
    (change,) = compare_fingerprints(before, after)
    assert (change.sentence, change.where) == (
        "body: a was number, and is null",
        ("p", "q", "r"),
    )


def _recorded() -> list[Any]:
    return [
        pytest.param(file, id=f"{file.parent.name}-{file.stem}")
        for file in sorted(RECORDINGS.glob("*/*.json"))
    ]


@pytest.mark.parametrize("file", _recorded())
def test_recording(file: Path) -> None:
    """Every shape that a real server was recorded with can be told, and is like itself."""
    found = json.loads(file.read_text("utf-8"))
    answer = _answer_of(found)
    shape = shapes(answer)
    assert shape["answer"]["status"] == str(found["response"]["status"])
    assert len(shape) > 1 or shape["answer"]["body"] in ("text", "HTML", "nothing", "JSON string")
    assert json.loads(json.dumps(shape)) == shape
    assert compare_fingerprints(prints(answer), prints(answer)) == []


def _answer_of(recording: Any) -> Answer:
    response = recording["response"]
    text = response.get("sse")
    if text is not None:
        decoder = SSEDecoder()
        body = text.encode()
        events = tuple((e.event, e.data) for e in [*decoder.feed(body), *decoder.close()])
        return _make(recording, body, events)
    if "body_base64" in response:
        return _make(recording, base64.b64decode(response["body_base64"]), None)
    data = response.get("body")
    body = data.encode() if isinstance(data, str) else json.dumps(data).encode()
    return _make(recording, body, None)


def _make(recording: Any, body: bytes, events: Any) -> Answer:
    kinds = {"models": "models", "chat": "stream" if recording["flags"]["stream"] else "plain"}
    return Answer(
        kind=kinds.get(recording["endpoint"], "other"),
        model=MODEL,
        status=recording["response"]["status"],
        headers=tuple(recording["response"]["headers"].items()),
        body=body,
        events=events,
    )
