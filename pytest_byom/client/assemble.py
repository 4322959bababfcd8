"""Chunks of a stream in, typed events out, one response at the end.

The rules, where the API is silent or servers differ:

- each choice is put together for itself; texts join, lists of logprobs join;
- tool fragments join by index, else by id, else with the call before them; a new id together with
  a name opens a new call even under a used index; an id never joins, a name that repeats is one;
- the first role, id, model and `created` that is not empty holds; the last usage and the last
  finish_reason that is not empty holds; an empty finish_reason is none;
- `error: null` is no error; an error ends the stream, with what had come as its `partial`;
- what broke a rule is repaired and listed, each code once.

Sources: openai-openapi 2.3.0 and the behaviour of popular clients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_byom.client.assemble_choice import ChoiceParts
from pytest_byom.client.events import Event, StreamComplete, StreamError, StreamWarning
from pytest_byom.client.failure import answered_error, failure_in
from pytest_byom.client.reading import Repairs, judge_choice, read_completion, usage_in
from pytest_byom.client.response import changed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_byom.client.errors import AnsweredWithError
    from pytest_byom.client.response import Response

_CHUNK = "chat.completion.chunk"
_FIRST_HOLDS = ("id", "model", "created")
_NOT_COPIED = frozenset(
    {*_FIRST_HOLDS, "choices", "usage", "object", "error", "obfuscation", "p", "padding"}
)
"""Members of a chunk that are read otherwise, or not at all: the last three are random filling."""


class Assembler:
    """Puts the chunks of one stream together.

    `think_tags` names the two marks between which a server writes reasoning into the text.
    `failed` says whether the stream reported an error.
    """

    def __init__(self, *, endpoint: str = "", think_tags: tuple[str, str] | None = None) -> None:
        self._endpoint = endpoint
        self._think_tags = think_tags
        self._repairs = Repairs()
        self._told = 0
        self._top: dict[str, Any] = {}
        self._choices: dict[int, ChoiceParts] = {}
        self._last: ChoiceParts | None = None  # whose text `add_text` takes
        self._usage: Mapping[str, Any] | None = None
        self._names: tuple[Any, ...] = ()
        self._usual_size = 0  # of a chunk that has these names, its choices, and nothing else
        self._look_closer = False  # at this chunk: for an error, or for usage inside a choice
        self._chunks = 0
        self.failed = False
        self._error: AnsweredWithError | None = None
        self._response: Response | None = None

    @property
    def finished(self) -> bool:
        """Whether every choice that began has its finish_reason."""
        parts = self._choices.values()
        return bool(parts) and all(choice.finish_reason for choice in parts)

    @property
    def started(self) -> bool:
        """Whether anything of an answer has come."""
        return bool(self._choices)

    def feed(self, chunk: Mapping[str, Any] | object, *, event: str = "message") -> list[Event]:
        """Take the next chunk and give back what it tells.

        `event` is the name under which the server sent it: an object named "error" is one, in
        whatever shape. If the chunk reports an error, the last event is a StreamError, and
        nothing more is taken.
        """
        if self._error:
            return []
        self._chunks += 1
        events: list[Event] = []
        if isinstance(chunk, dict):
            self._read_top(chunk)
            self._read_choices(chunk, events)
            if self._look_closer or event == "error" or "error" in chunk or "x_groq" in chunk:
                self._look_closer = False
                self._find_usage(chunk)
                self._find_error(chunk, event, events)
        else:
            self._repairs("chunk-not-object", f"a chunk is of the type {type(chunk).__name__}")
        if self._repairs.count > self._told:
            self._tell_repairs(events)
        return events

    def text_alone(self, chunk: object) -> str | None:
        """The text of the chunk that was just taken, if it is all that the chunk told.

        Of another one that differs in its text alone, `add_text` can then take that text.
        """
        choices = chunk.get("choices") if isinstance(chunk, dict) else None
        if self._error or not isinstance(choices, list) or len(choices) != 1:
            return None
        parts = self._choices.get(choices[0]["index"]) if _has_index(choices[0]) else None
        self._last = parts
        return parts.text_alone(choices[0]) if parts else None

    def add_text(self, text: str, events: list[Event]) -> None:
        """Take a chunk that differs from the one before in this text alone: see `text_alone`."""
        if self._last:
            self._last.add_text(text, events)
        if self._repairs.count > self._told:
            self._tell_repairs(events)

    def end(self) -> list[Event]:
        """End the stream and give back its last events; after an error there are none."""
        if self._error or self._response:
            return []
        events: list[Event] = []
        for choice in self._choices.values():
            choice.stop(events)
        response = self.response_so_far()
        self._tell_repairs(events)
        self._response = response
        events.append(StreamComplete(response))
        return events

    def close(self) -> Response:
        """End the stream and give back the response.

        Raises AnsweredWithError if the stream reported an error.
        """
        if self._error:
            raise self._error
        self.end()
        return self._response or self.response_so_far()

    def flag(self, code: str, message: str) -> None:
        """Note that the stream around the chunks broke a rule."""
        self._repairs(code, message)

    def response_so_far(self) -> Response:
        """The response as far as it has come."""
        if not self._chunks:
            self._repairs("empty-stream", "the stream held no chunk")
        parts = [self._choices[index] for index in sorted(self._choices)]
        body = {
            **self._top,
            "object": "chat.completion",
            "choices": [choice.as_json() for choice in parts],
            "usage": self._usage,
        }
        quiet = Repairs()  # reading flags what the fragments have flagged already
        response = read_completion(body, repairs=quiet)
        choices = tuple(
            changed(choice, content=part.content, reasoning=part.reasoning)
            for choice, part in zip(response.choices, parts, strict=True)
        )
        for choice in choices:
            judge_choice(choice, flag=self._repairs)
        return changed(response, choices=choices, warnings=self._repairs.as_tuple())

    def _read_top(self, chunk: dict[str, Any]) -> None:
        get = chunk.get
        names = (get("id"), get("created"), get("model"), get("object"), get("system_fingerprint"))
        if names != self._names:  # nearly always they are those of the chunk before
            self._names = names
            self._usual_size = 1 + len(names) - names.count(None)
            self._read_names(chunk)
        if len(chunk) > self._usual_size:
            for key, value in chunk.items():
                if value is not None and key not in _NOT_COPIED:
                    self._top[key] = value
            if chunk.get("usage"):  # what stands elsewhere makes `feed` look closer
                self._find_usage(chunk)

    def _read_names(self, chunk: dict[str, Any]) -> None:
        if chunk.get("system_fingerprint") is not None:
            self._top["system_fingerprint"] = chunk["system_fingerprint"]
        kind = chunk.get("object")
        if kind and kind != _CHUNK:
            self._repairs("object-wrong", f"object is {kind!r}, not {_CHUNK!r}")
        for key in _FIRST_HOLDS:
            value = chunk.get(key)
            if value:
                first = self._top.setdefault(key, value)
                if first != value:
                    self._repairs(f"{key}-changes", f"{key} is {first!r}, later {value!r}")

    def _find_usage(self, chunk: dict[str, Any]) -> None:
        usage = usage_in(chunk)
        if usage:
            self._usage = usage.raw

    def _read_choices(self, chunk: Mapping[str, Any], events: list[Event]) -> None:
        choices = chunk.get("choices", _MISSING)
        if not choices or not isinstance(choices, list):
            self._look_closer = True  # it may be an error, or carry the usage
            if choices is None:
                self._repairs("choices-null", "choices is null in a chunk")
            elif choices is not _MISSING and not isinstance(choices, list):
                self._repairs("choices-not-list", "choices is no list in a chunk")
            return
        for position, choice in enumerate(choices):
            if not isinstance(choice, dict):
                self._repairs("choice-not-object", "a choice is no object")
                continue
            index = choice.get("index")
            if type(index) is not int:  # nor bool
                self._repairs("choice-index-missing", "a choice has no index")
                index = position
            parts = self._choices.get(index) or self._begin_choice(index)
            if "error" in choice or "usage" in choice:
                self._look_closer = True
            parts.feed(choice, events)

    def _begin_choice(self, index: int) -> ChoiceParts:
        parts = ChoiceParts(index, flag=self._repairs, think_tags=self._think_tags)
        self._choices[index] = parts
        return parts

    def _find_error(self, chunk: Mapping[str, Any], event: str, events: list[Event]) -> None:
        failure = failure_in(chunk)
        if failure is None and event == "error":
            failure = failure_in({"error": chunk})
        if failure is None:
            return
        self.failed = True
        self._repairs("error", "the stream reported an error")
        self._error = answered_error(
            failure,
            endpoint=self._endpoint,
            where="inside the stream",
            status=200,
            partial=self.response_so_far(),
        )
        self._tell_repairs(events)
        events.append(StreamError(self._error))

    def _tell_repairs(self, events: list[Event]) -> None:
        events += map(StreamWarning, self._repairs.as_tuple(after=self._told))
        self._told = self._repairs.count


def _has_index(choice: object) -> bool:
    return isinstance(choice, dict) and type(choice.get("index")) is int


_MISSING = object()
