"""From events to JSON: the completion object, the chunks of a stream, and their SSE framing."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_byom.mock.embedded import tokens
from pytest_byom.mock.embedded.generation import (
    ArgumentsDelta,
    CallStart,
    Event,
    Finished,
    TextDelta,
    Thought,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_byom.mock.embedded.chat_request import ChatRequest
    from pytest_byom.mock.embedded.stops import Entry

DONE = b"data: [DONE]\n\n"

# JSON allows them raw, and some readers of event streams take them for line ends.
_LINE_ENDS = {ord(char): f"\\u{ord(char):04x}" for char in "\u2028\u2029\u0085"}


@dataclass(frozen=True, slots=True)
class Heading:
    """What all chunks of an answer have in common."""

    id: str
    created: int
    model: str

    def members(self, kind: str) -> dict[str, Any]:
        """Return the members that open an answer of this kind."""
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "service_tier": "default",
            "system_fingerprint": tokens.FINGERPRINT,
        }


def new_heading(model: str, created: int) -> Heading:
    """Open an answer, with an id of its own."""
    return Heading(f"chatcmpl-{secrets.token_hex(12)}", created, model)


def write_json(value: Any) -> bytes:
    """Write an answer as JSON in UTF-8."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode()


def write_event(value: Any) -> bytes:
    """Write one event of a stream, on one line."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f"data: {text.translate(_LINE_ENDS)}\n\n".encode()


def usage(prompt: int, completion: int, *, sounds: int, reasoning: int) -> dict[str, Any]:
    """Return the usage object."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": sounds},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def write_logprobs(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """Return the log probabilities of some tokens."""
    return [
        {
            **write_token(entry.raw, entry.chosen.logprob),
            "top_logprobs": [
                write_token(tokens.VOCABULARY[number], logprob)
                for number, logprob in entry.chosen.top
            ],
        }
        for entry in entries
    ]


def write_token(raw: bytes, logprob: float) -> dict[str, Any]:
    """Describe a token; bytes that are no text are spelled out, as OpenAI does."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = "bytes:" + "".join(f"\\x{byte:02x}" for byte in raw)
    return {"token": text, "logprob": logprob, "bytes": list(raw)}


def new_call_id() -> str:
    """Return an id that no other call has."""
    return f"call_{secrets.token_hex(12)}"


def called(calls: Sequence[tuple[str, str, str]], *, legacy: bool = False) -> dict[str, Any]:
    """Return the members of a message that hold calls: id, name and arguments of each."""
    functions = [{"name": name, "arguments": arguments} for _, name, arguments in calls]
    if functions and legacy:
        return {"function_call": functions[0]}
    if not functions:
        return {}
    ids = (id for id, _, _ in calls)
    made = zip(ids, functions, strict=True)
    return {
        "tool_calls": [
            {"id": id, "type": "function", "function": function} for id, function in made
        ]
    }


def opening_delta(*, calls: bool) -> dict[str, Any]:
    """Return the first delta of a choice: the role."""
    return {"role": "assistant", "content": None if calls else "", "refusal": None}


def call_start(place: int, name: str, id: str, *, legacy: bool = False) -> dict[str, Any]:
    """Return the delta that begins a call; its arguments follow."""
    function = {"name": name, "arguments": ""}
    if legacy:
        return {"function_call": function}
    return {"tool_calls": [{"index": place, "id": id, "type": "function", "function": function}]}


def more_arguments(place: int, text: str, *, legacy: bool = False) -> dict[str, Any]:
    """Return the delta that goes on with the arguments of a call."""
    if legacy:
        return {"function_call": {"arguments": text}}
    return {"tool_calls": [{"index": place, "function": {"arguments": text}}]}


def citations(request: ChatRequest, text: str) -> list[dict[str, Any]]:
    """Return what a search found: one page, which the whole text is said to be from."""
    if not request.searches or not text:
        return []
    page = {"url": "https://example.com/", "title": "Example Domain"}
    cited = {"start_index": 0, "end_index": len(text), **page}
    return [{"type": "url_citation", "url_citation": cited}]


def chunk_choice(
    index: int,
    delta: dict[str, Any],
    logprobs: dict[str, Any] | None = None,
    finish_reason: str | None = None,
) -> dict[str, Any]:
    """Return the choice of a chunk."""
    return {
        "index": index,
        "delta": delta,
        "logprobs": logprobs,
        "finish_reason": finish_reason,
    }


@dataclass(slots=True)
class Choice:
    """One choice of a plain answer, folded out of its events."""

    index: int
    request: ChatRequest
    thoughts: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    calls: list[tuple[str, list[str]]] = field(default_factory=list)
    finish_reason: str = ""
    tokens: int = 0
    reasoning: int = 0

    def add(self, event: Event) -> None:
        """Take one more event."""
        match event:
            case Thought(text):
                self.thoughts.append(text)
            case TextDelta(piece):
                self.texts.append(piece.text)
                self.entries += piece.entries
            case CallStart(_, name):
                self.calls.append((name, []))
            case ArgumentsDelta(_, text):
                self.calls[-1][1].append(text)
            case Finished(reason, count, reasoning):
                self.finish_reason, self.tokens, self.reasoning = reason, count, reasoning

    def write(self) -> dict[str, Any]:
        """Return the choice as the API has it."""
        return {
            "index": self.index,
            "message": self._message(),
            "logprobs": self._logprobs(),
            "finish_reason": self.finish_reason,
        }

    def _message(self) -> dict[str, Any]:
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if self.calls else "".join(self.texts),
            "refusal": None,
        }
        calls = [(new_call_id(), name, "".join(parts)) for name, parts in self.calls]
        message |= called(calls, legacy=self.request.toolbox.legacy)
        if self.thoughts:
            message["reasoning_content"] = "".join(self.thoughts)
        message["annotations"] = citations(self.request, message["content"] or "")
        return message

    def _logprobs(self) -> dict[str, Any] | None:
        if self.request.top_logprobs is None:
            return None
        return {
            "content": None if self.calls else write_logprobs(self.entries),
            "refusal": None,
        }


class Chunks:
    """Writes the events of a stream as chunks."""

    def __init__(self, heading: Heading, request: ChatRequest) -> None:
        self._members = heading.members("chat.completion.chunk")
        self._request = request
        self._texts: dict[int, str] = {}

    def opening(self, index: int, *, calls: bool) -> bytes:
        """The first chunk of a choice: the role."""
        return self._chunk(index, opening_delta(calls=calls))

    def event(self, index: int, event: Event) -> bytes:
        """The chunk of one event."""
        match event:
            case Thought(text):
                return self._chunk(index, {"reasoning_content": text})
            case TextDelta(piece):
                self._texts[index] = self._texts.get(index, "") + piece.text
                logprobs = None
                if self._request.top_logprobs is not None:
                    logprobs = {"content": write_logprobs(piece.entries), "refusal": None}
                return self._chunk(index, {"content": piece.text}, logprobs=logprobs)
            case CallStart(place, name):
                delta = call_start(place, name, new_call_id(), legacy=self._request.toolbox.legacy)
                return self._chunk(index, delta)
            case ArgumentsDelta(place, text):
                delta = more_arguments(place, text, legacy=self._request.toolbox.legacy)
                return self._chunk(index, delta)
        cited = citations(self._request, self._texts.get(index, ""))
        delta = {"annotations": cited} if cited else {}
        return self._chunk(index, delta, finish_reason=event.reason)

    def _chunk(
        self,
        index: int,
        delta: dict[str, Any],
        *,
        logprobs: dict[str, Any] | None = None,
        finish_reason: str | None = None,
    ) -> bytes:
        return self._write([chunk_choice(index, delta, logprobs, finish_reason)], None)

    def usage(self, counted: dict[str, Any]) -> bytes:
        """The last chunk, without a choice."""
        return self._write([], counted)

    def _write(self, choices: list[dict[str, Any]], counted: dict[str, Any] | None) -> bytes:
        chunk = {**self._members, "choices": choices}
        if self._request.include_usage:
            chunk["usage"] = counted
        if self._request.obfuscate:
            # Padding, so that the length of an event does not tell the length of its text.
            chunk["obfuscation"] = secrets.token_urlsafe(12)[: secrets.randbelow(16)]
        return write_event(chunk)
