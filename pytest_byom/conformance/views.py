"""What rules look at: the same exchange, seen as an answer of one kind.

Answer        any HTTP answer
├── Chat      an answer to a POST to the chat completions path
│   ├── Plain        200 to a plain request
│   │   └── Completion   with a JSON object
│   │       └── Called   with a tool call
│   └── Streamed     200 to a streamed request
│       └── EventStream      with an event
│           └── ChunkStream  with a chunk
├── Refusal   a 4xx or 5xx
└── ModelList 200 to GET /models
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pytest_byom.client.sse import ServerSentEvent, SSEDecoder
from pytest_byom.conformance.excerpts import cut as cut
from pytest_byom.conformance.excerpts import parent, parse_object
from pytest_byom.conformance.excerpts import show as show
from pytest_byom.conformance.finding import Inconclusive, Wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.exchange import Exchange

GZIP = b"\x1f\x8b"
"""How compressed bytes begin; no text does."""

CHUNK_OBJECT = "chat.completion.chunk"


@dataclass
class View:
    """An exchange seen as an answer of one kind."""

    exchange: Exchange
    noun: ClassVar[str] = "answer"

    @classmethod
    def of(cls, exchange: Exchange) -> Self | None:
        """Return the exchange as this kind of answer, or None if it is another."""
        if cls not in exchange.views:  # some hundred rules look at the same answers
            view = cls(exchange)
            exchange.views[cls] = view if view._fits() else None
        found: Self | None = exchange.views[cls]
        return found

    @classmethod
    def expect(cls, exchange: Exchange) -> Self:
        """Return the exchange as this kind of answer; Inconclusive if it is another."""
        if (view := cls.of(exchange)) is None:
            raise Inconclusive(f"the answer to {exchange.contract.id} is no {cls.noun}")
        return view

    def _fits(self) -> bool:
        return self.exchange.status is not None


class Answer(View):
    """Any HTTP answer."""


class Chat(View):
    """An answer to a POST to the chat completions path."""

    noun = "answer of the chat completions path"

    def _fits(self) -> bool:
        return super()._fits() and self.exchange.contract.is_chat


class JSONView(View):
    """An answer whose body is one JSON text."""

    @cached_property
    def data(self) -> dict[str, Any]:
        """The body; an empty object if it is no JSON object, which one rule reports."""
        try:
            data = self.exchange.json
        except Inconclusive:
            return {}
        return data if isinstance(data, dict) else {}

    def wrong(self, path: str, expected: str) -> Wrong:
        """Return what is wrong at a dotted path of the body."""
        return Wrong(
            place=path,
            expected=expected,
            got=show(self.data, path),
            excerpt=cut(parent(self.data, path)),
        )


class Plain(JSONView):
    """A 200 to a plain chat request, whatever its body."""

    noun = "plain answer"

    def _fits(self) -> bool:
        asked = self.exchange.contract.is_chat and self.exchange.contract.asks_plain
        return self.exchange.status == 200 and asked and not self.exchange.trouble

    @property
    def body(self) -> bytes:
        """The body without its content coding; Inconclusive if it does not decode."""
        if self.exchange.body.startswith(GZIP):
            raise Inconclusive("the body is compressed, and no header says so")
        return self.exchange.body

    @property
    def text(self) -> str:
        """The body as text; Inconclusive if it does not decode."""
        return self.body.decode("utf-8", "replace")


class Completion(Plain):
    """A 200 to a plain chat request with a JSON object that is no error instead of an answer."""

    noun = "chat completion"

    def _fits(self) -> bool:
        if not super()._fits():
            return False
        try:
            data = self.exchange.json
        except Inconclusive:
            return False
        return isinstance(data, dict) and not (data.get("error") and "choices" not in data)

    @property
    def choices(self) -> list[tuple[str, dict[str, Any]]]:
        """Each choice that is an object, with its path."""
        return list(_objects(self.data.get("choices"), "choices"))

    @property
    def messages(self) -> list[tuple[str, dict[str, Any]]]:
        """The message of each choice that has one, with its path."""
        found = ((f"{path}.message", choice.get("message")) for path, choice in self.choices)
        return [(path, message) for path, message in found if isinstance(message, dict)]

    @property
    def tool_calls(self) -> list[tuple[str, dict[str, Any]]]:
        """Each tool call that is an object, with its path."""
        return [
            found
            for path, message in self.messages
            for found in _objects(message.get("tool_calls"), f"{path}.tool_calls")
        ]

    @property
    def usage(self) -> dict[str, Any]:
        """The usage object, or an empty one."""
        found = self.data.get("usage")
        return found if isinstance(found, dict) else {}


class Called(Completion):
    """A plain answer with a tool call."""

    noun = "tool call"

    def _fits(self) -> bool:
        return super()._fits() and bool(self.tool_calls)

    def function(self, call: dict[str, Any]) -> dict[str, Any]:
        """The function object of a call, or an empty one."""
        found = call.get("function")
        return found if isinstance(found, dict) else {}


class Refusal(JSONView):
    """A 4xx or 5xx with a body of its own (HEAD has none)."""

    noun = "error answer"

    def _fits(self) -> bool:
        method = self.exchange.contract.request.method
        return (self.exchange.status or 0) >= 400 and method not in ("HEAD", "OPTIONS")

    @property
    def error(self) -> dict[str, Any]:
        """The error object, or an empty one."""
        found = self.data.get("error")
        return found if isinstance(found, dict) else {}


class ModelList(JSONView):
    """A 200 to GET /models."""

    noun = "list of models"

    def _fits(self) -> bool:
        request = self.exchange.contract.request
        return self.exchange.status == 200 and (request.method, request.path) == ("GET", "/models")

    @property
    def entries(self) -> list[tuple[str, dict[str, Any]]]:
        """Each entry that is an object, with its path."""
        return list(_objects(self.data.get("data"), "data"))


@dataclass(frozen=True)
class Chunk:
    """One event of a stream whose data is a JSON object; `place` says which."""

    place: str
    data: dict[str, Any]

    @property
    def is_foreign(self) -> bool:
        """Whether this is no chunk at all: one rule reports it, once."""
        return "choices" not in self.data and self.data.get("object") != CHUNK_OBJECT

    @property
    def is_preamble(self) -> bool:
        """Whether this is the first chunk of Azure, without id, model, object and choices."""
        return self.data.get("choices") == [] and self.data.get("object") == ""

    @property
    def choices(self) -> list[tuple[str, dict[str, Any]]]:
        """Each choice that is an object, with its path inside the chunk."""
        return list(_objects(self.data.get("choices"), "choices"))

    def wrong(self, path: str, expected: str) -> Wrong:
        """Return what is wrong at a dotted path of this chunk."""
        return Wrong(
            place=f"{self.place}, {path}",
            expected=expected,
            got=show(self.data, path),
            excerpt=cut(self.data),
        )


class Streamed(View):
    """A 200 to a streamed chat request, read to its end, whatever its body."""

    noun = "streamed answer"

    def _fits(self) -> bool:
        asked = self.exchange.contract.is_chat and self.exchange.contract.asks_stream
        return self.exchange.status == 200 and asked and not self.exchange.closed_early

    @cached_property
    def body(self) -> bytes:
        """The body without its content coding; nothing if it does not decode."""
        try:
            return self.exchange.body
        except Inconclusive:
            return b""

    @cached_property
    def _decoded(self) -> tuple[list[ServerSentEvent], bool]:
        decoder = SSEDecoder()
        events = decoder.feed(self.body)
        pending = bool(decoder.pending)
        return events + decoder.close(), pending

    @property
    def events(self) -> list[ServerSentEvent]:
        """The events that a WHATWG decoder finds in the body."""
        return self._decoded[0]

    @cached_property
    def broke_off(self) -> bool:
        """Whether the connection broke, or an error came: that has its own rule, not the rest."""
        events = (parse_object(event.data) or {} for event in self.events)
        return bool(self.exchange.trouble) or any(event.get("error") for event in events)


class EventStream(Streamed):
    """A streamed answer with at least one event."""

    noun = "event stream"

    def _fits(self) -> bool:
        return super()._fits() and bool(self.events)

    @property
    def unterminated(self) -> bool:
        """Whether the body ends inside an event, which a decoder then drops."""
        return self._decoded[1]

    @property
    def has_unterminated_done(self) -> bool:
        """Whether the end mark is there, without the blank line after it."""
        return self.unterminated and self.last_line.partition(":")[2].strip() == "[DONE]"

    @cached_property
    def text_body(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def last_line(self) -> str:
        """The last line that is not blank."""
        return next((line for line in reversed(self.text_body.splitlines()) if line.strip()), "")

    @cached_property
    def blocks(self) -> list[list[str]]:
        """The lines between blank lines."""
        blocks = re.split(r"(?:\r\n|\n|\r(?!\n)){2,}", self.text_body.removeprefix("\ufeff"))
        return [re.split(r"\r\n|\n|\r", block) for block in blocks if block.strip()]

    @cached_property
    def data_events(self) -> list[tuple[str, ServerSentEvent]]:
        """Each event up to the end mark, with its place."""
        before = itertools.takewhile(lambda event: not is_done(event), self.events)
        return [(f"event {number}", event) for number, event in enumerate(before, 1)]

    @cached_property
    def objects(self) -> list[Chunk]:
        """Each event whose data is a JSON object, up to the end mark; errors are left out."""
        parsed = ((place, parse_object(event.data)) for place, event in self.data_events)
        return [Chunk(place, data) for place, data in parsed if data and not data.get("error")]

    @cached_property
    def chunks(self) -> list[Chunk]:
        """Each of them that is a chunk, well made or not."""
        return [chunk for chunk in self.objects if not chunk.is_foreign]


class ChunkStream(EventStream):
    """An event stream with at least one chunk."""

    noun = "stream of chunks"

    def _fits(self) -> bool:
        return super()._fits() and bool(self.chunks)

    @cached_property
    def deltas(self) -> dict[int, list[tuple[Chunk, str, dict[str, Any]]]]:
        """For each choice index, its deltas in order, with their chunk and path."""
        found: dict[int, list[tuple[Chunk, str, dict[str, Any]]]] = {}
        for chunk in self.chunks:
            for path, choice in chunk.choices:
                if isinstance(delta := choice.get("delta"), dict):
                    deltas = found.setdefault(self._index(choice), [])
                    deltas.append((chunk, f"{path}.delta", delta))
        return found

    @cached_property
    def finishes(self) -> dict[int, list[tuple[Chunk, str, Any]]]:
        """For each choice index, its non-null finish reasons in order."""
        found: dict[int, list[tuple[Chunk, str, Any]]] = {}
        for chunk in self.chunks:
            for path, choice in chunk.choices:
                reasons = found.setdefault(self._index(choice), [])
                if choice.get("finish_reason") is not None:
                    reasons.append((chunk, f"{path}.finish_reason", choice["finish_reason"]))
        return found

    @cached_property
    def wanted(self) -> int:
        """How many choices were asked for."""
        found = self.exchange.request_json.get("n")
        return found if isinstance(found, int) and found > 0 else 1

    def _index(self, choice: dict[str, Any]) -> int:
        """Return the index of a choice; 0 for one that cannot be, which one rule reports."""
        index = choice.get("index")
        return index if isinstance(index, int) and 0 <= index < self.wanted else 0

    def text(self, index: int = 0) -> str:
        """Return the joined content of one choice."""
        contents = (delta.get("content") for _, _, delta in self.deltas.get(index, []))
        return "".join(content for content in contents if isinstance(content, str))

    @property
    def usages(self) -> list[tuple[Chunk, dict[str, Any]]]:
        """The chunks with a usage object, with it."""
        return [(c, c.data["usage"]) for c in self.chunks if isinstance(c.data.get("usage"), dict)]


def is_done(event: ServerSentEvent) -> bool:
    """Whether this is the end mark, generously: one rule is strict about it."""
    return event.data.strip().strip('"').upper() == "[DONE]"


def _objects(data: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, entry in enumerate(data if isinstance(data, list) else []):
        if isinstance(entry, dict):
            yield f"{path}.{number}", entry
