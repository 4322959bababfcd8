"""The fingerprint of a run: what its answers look like, without what they say.

    answer     status, and what the body is: a JSON object, an event stream, HTML, nothing
    body       the objects of a plain answer, of an error, of a list of models
    chunk      the objects of a stream, by what the chunk does: first, text, finish, usage
    every …    what a server does alike in all answers of a kind: headers, lines, reasoning

What the model decides is kept apart: a message with a call is another place than one without, so
that two runs in which the model did different things differ in nothing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_byom.gate.chunks import add_chunks
from pytest_byom.gate.shapes import (
    EVERY,
    SOLID,
    WORD,
    Shape,
    Shapes,
    carries_reasoning,
    merge_repeats,
    with_ending,
    with_model,
    write_types,
)
from pytest_byom.gate.wire import line_traits, seen_headers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Fingerprint = dict[str, Shape]
"""From an exchange, or `every …`, to its shape."""

PLAIN, STREAM, MODELS, OTHER = "plain", "stream", "models", "other"
"""What was asked for."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer as plain data.

    `kind` is what was asked for, `asked` tells one request from another, `body` is without its
    content coding, `events` are (name, data) of each event of a stream, None if it is none.
    `trouble` is the transport error in words; `left` says that the client left on purpose.
    """

    kind: str
    asked: str = ""
    model: str = ""
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    events: tuple[tuple[str, str], ...] | None = None
    trouble: str = ""
    left: bool = False


def take_fingerprint(answers: Mapping[str, Sequence[Answer]]) -> Fingerprint:
    """Return the fingerprint of a run: its answers by exchange, one or several repeats of each."""
    found = {
        exchange: merge_repeats([shape_of(answer) for answer in repeats])
        for exchange, repeats in answers.items()
        if repeats
    }
    found |= _every(answers)
    return dict(sorted(found.items()))


def shape_of(answer: Answer) -> Shape:
    """Return the shape of one answer."""
    shapes = Shapes()
    data = read_json(answer)
    shapes.add("answer", _answer_members(answer, data))
    if answer.left or answer.status is None:
        return shapes.result()
    if answer.events is not None:
        add_chunks(shapes, answer.events, answer.model)
    elif isinstance(data, dict | list):
        _add_body(shapes, answer, data)
    return shapes.result()


def read_json(answer: Answer) -> Any:
    """Return the body as JSON, or None if it is none."""
    if answer.events is not None:
        return None
    try:
        return json.loads(answer.body.decode("utf-8", "replace").removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None


def _answer_members(answer: Answer, data: Any) -> dict[str, str]:
    members = {"asked": answer.asked} if answer.asked else {}
    if answer.status is None:
        return members | {"status": "none", "body": answer.trouble.partition(":")[0] or "nothing"}
    members["status"] = str(answer.status)
    if not answer.left:
        members["body"] = _form_of(answer, data)
        members |= {"end": "broke off"} if answer.trouble else {}
    return members


def _form_of(answer: Answer, data: Any) -> str:
    if answer.events is not None:
        return "event stream"
    text = answer.body.strip()
    if not text:
        return "nothing"
    if data is not None or text == b"null":
        kinds: dict[type, str] = {dict: "object", list: "array", str: "string"}
        return f"JSON {kinds.get(type(data), 'value')}"
    if text[:1] == b"<":
        return "HTML"
    return "broken JSON" if text[:1] in (b"{", b"[") else "text"


def _add_body(shapes: Shapes, answer: Answer, data: Any) -> None:
    if answer.kind == MODELS:
        shapes.open(data, "body", levels=2)
        return
    if not isinstance(data, dict):
        shapes.open(data, "body")
        return
    choices = data.get("choices")
    shapes.open(with_model(data, answer.model), "body", skip=("choices",))
    for choice in choices if isinstance(choices, list) else []:
        if isinstance(choice, dict):
            _add_choice(shapes, choice)


def _add_choice(shapes: Shapes, choice: dict[str, Any]) -> None:
    """Take a choice, its places named after what the model did."""
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    calls = bool(message.get("tool_calls"))
    did = ""
    if calls:
        did = " (call and text)" if message.get("content") else " (call)"
        did = " (call, cut)" if choice.get("finish_reason") == "length" else did
    choice = with_ending(choice, called=calls)
    shapes.open(choice, "choices[]", suffix=did, solid=(*SOLID, "content") if calls else SOLID)


def _every(answers: Mapping[str, Sequence[Answer]]) -> Fingerprint:
    """Return what all answers of a kind have in common."""
    kinds: dict[str, dict[str, list[Answer]]] = {}
    for exchange, repeats in answers.items():
        for answer in repeats:
            if answer.status is not None:
                kind = kinds.setdefault(EVERY + _kind_of(answer), {})
                kind.setdefault(exchange, []).append(answer)
    return {kind: _common(kind, alike) for kind, alike in kinds.items()}


def _kind_of(answer: Answer) -> str:
    if answer.status != 200:
        return f"{answer.status} answer"
    nouns = {PLAIN: "plain answer", STREAM: "stream", MODELS: "list of models"}
    return nouns.get(answer.kind, "other answer")


def _common(kind: str, exchanges: Mapping[str, Sequence[Answer]]) -> Shape:
    """Return the shape of a kind; `asked` tells which exchanges it was taken of."""
    shapes = Shapes()
    digest = hashlib.sha256(json.dumps(sorted(exchanges)).encode()).hexdigest()[:8]
    shapes.add("answer", {"asked": digest})
    alike = [answer for repeats in exchanges.values() for answer in repeats]
    for answer in alike:
        shapes.add("headers", seen_headers(answer.headers))
        if kind == f"{EVERY}stream" and answer.events is not None and not answer.left:
            shapes.add("lines", line_traits(answer.body, answer.events))
    found = shapes.result()
    carriers = {name for answer in alike for name in _reasoning_of(answer)}
    if kind in (f"{EVERY}plain answer", f"{EVERY}stream"):
        found["reasoning"] = {"carrier": write_types(carriers or {"none"})}
    return found


def _reasoning_of(answer: Answer) -> Iterable[str]:
    """Yield the names of members of messages or deltas that carry reasoning."""
    texts = [data for _, data in answer.events] if answer.events is not None else [answer.body]
    for text in texts:
        try:
            choices = json.loads(text)["choices"]
            inner = [choice.get("message") or choice.get("delta") or {} for choice in choices]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue
        for message in inner:
            for name, value in message.items() if isinstance(message, dict) else ():
                if WORD.fullmatch(name) and carries_reasoning(name, value):
                    yield name
