"""From a reply to the events of its stream, chunk by chunk, as a server's dialect has them.

    opening, reasoning, text, refusal, calls, finish reason, usage, [DONE]

for each choice; several choices take turns. The chunks of a text differ in their text alone: the
first one is written, the others are copies with another text in its place.
"""

from __future__ import annotations

import json
import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from pytest_byom.mock.dialect import fill
from pytest_byom.mock.embedded.render import (
    DONE,
    call_start,
    chunk_choice,
    more_arguments,
    write_event,
)
from pytest_byom.mock.writing import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_byom.mock.replies import Reply, Text

_PIECES = re.compile(r"\s*\S+|\s+$")
_ARGUMENTS = re.compile(r"\W*\w+|\W+")
_MARK = "\ue000text\ue000"
_NOTHING = dict.fromkeys(("input", "output", "spoken", "total", "cached", "reasoning"), 0)
_ROLE = {"role": "assistant"}
_LINE_ENDS = {ord(char): f"\\u{ord(char):04x}" for char in "\u2028\u2029\u0085"}
_encode: Callable[[str], str] = json.encoder.encode_basestring


def cut_text(text: Text) -> tuple[str, ...]:
    """Return the pieces of a text: as given, else its words, each with the space before it."""
    if isinstance(text, tuple):
        return text
    return tuple(_PIECES.findall(text or ""))


def _write_text(text: str) -> str:
    """Write a text as JSON; what some readers take for the end of a line is escaped."""
    return _encode(text) if text.isascii() else _encode(text).translate(_LINE_ENDS)


class StreamWriter(Writer):
    """Writes one reply to one request in one dialect, as a stream."""

    def write_stream(self) -> list[bytes]:
        """Write the events of the stream, `[DONE]` included."""
        runs = [list(_Choice(self, at, one).events()) for at, one in enumerate(self.choices)]
        events = runs[0]
        if len(runs) > 1:
            events = [event for turn in zip_longest(*runs) for event in turn if event is not None]
        for place in self.usage_places:
            if place == "own":
                events.append(self._usage_chunk([]))
            elif place == "again":
                delta = dict(self.dialect.finish_delta)
                choice = self.chunk_choice(0, delta, self.finish(self.choices[0]))
                events.append(self._usage_chunk([choice]))
        comments = "".join(f"{comment}\n\n" for comment in self.dialect.comments).encode()
        if comments and events:
            events[0] = comments + events[0]
        return [*events, DONE]

    @property
    def include_usage(self) -> bool:
        """Whether usage is asked for in the stream."""
        options = self.asked.members.get("stream_options")
        return isinstance(options, dict) and options.get("include_usage") is True

    @property
    def usage_places(self) -> tuple[str, ...]:
        """The chunks in which usage stands."""
        return self.dialect.usage.asked if self.include_usage else self.dialect.usage.unasked

    @property
    def ends_with_usage(self) -> bool:
        """Whether a chunk with usage follows the finish reason."""
        return any(place != "finish" for place in self.usage_places)

    def _usage_chunk(self, choices: list[dict[str, Any]]) -> bytes:
        dialect = self.dialect
        more = {**fill(dialect.usage_chunk, self.values), **fill(dialect.last_chunk, self.values)}
        return write_event(self.chunk(choices, **more, usage=self.values["usage"]))

    def chunk(self, choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """Return a chunk."""
        chunk = {
            **self.heading("chat.completion.chunk"),
            **fill(self.dialect.chunk, self.values),
            "choices": choices,
        }
        others = self.dialect.usage.others
        if others == "zeros":
            chunk["usage"] = fill(self.dialect.usage.members, _NOTHING)
        elif others == "null" and self.include_usage:
            chunk["usage"] = None
        return chunk | more

    def chunk_choice(
        self, index: int, delta: dict[str, Any], finish: str | None = None, **more: Any
    ) -> dict[str, Any]:
        """Return the choice of a chunk."""
        choice = chunk_choice(index, delta, None, finish)
        del choice["logprobs"]
        if finish is None and self.dialect.unfinished == "absent":
            del choice["finish_reason"]
        filled: dict[str, Any] = fill(self.dialect.chunk_choice, {**self.values, "finish": finish})
        return choice | filled | more


def _in_both_forms(delta: dict[str, Any], piece: str | None) -> dict[str, Any]:
    """Return the delta that begins a call, with this piece in it, in the older form too."""
    [call] = delta["tool_calls"]
    function = call["function"] if piece is None else {**call["function"], "arguments": piece}
    return {"function_call": function, "tool_calls": [{**call, "function": function}]}


class _Choice:
    """Writes the chunks of one choice."""

    def __init__(self, writer: StreamWriter, index: int, reply: Reply) -> None:
        self._writer = writer
        self._dialect = writer.dialect
        self._index = index
        self._reply = reply
        # What the first chunk has besides, and what the first delta has besides.
        self._first: dict[str, Any] = fill(self._dialect.first_chunk, writer.values)
        self._lead: dict[str, Any] = dict(_ROLE) if self._dialect.opening is None else {}

    def events(self) -> Iterator[bytes]:
        """Yield the chunks, from the opening to the finish reason."""
        reply, dialect = self._reply, self._dialect
        if dialect.opening is not None:
            yield self._open()
        yield from self._run(dialect.reasoning, cut_text(reply.reasoning))
        pieces = self._text_pieces()
        kept: dict[str, Any] = dict(dialect.finish_delta)
        if reply.tool_calls:
            kept |= dialect.calls.around
        if dialect.finish_with_text and pieces and not reply.tool_calls:
            pieces, kept = pieces[:-1], {"content": pieces[-1]}
        yield from self._run("content", pieces)
        if reply.refusal is not None:
            yield self._event({"refusal": reply.refusal})
        deltas = list(self._call_deltas())
        if deltas and dialect.calls.with_finish:
            kept = deltas.pop()
        for delta in deltas:
            yield self._event({**dialect.calls.beside, **delta})
        yield from self._finish(kept)

    def _text_pieces(self) -> tuple[str, ...]:
        if self._given is not None:
            return tuple(token for token, _ in self._given)
        pieces = cut_text(self._reply.content)
        silent = self._dialect.opening is None and self._reply.content == ""
        return ("",) if silent else pieces

    @property
    def _scored(self) -> bool:
        return self._writer.is_scored(self._reply)

    @property
    def _given(self) -> tuple[tuple[str, float], ...] | None:
        return self._reply.logprobs if self._scored else None

    def _open(self) -> bytes:
        delta = dict(self._dialect.opening or {})
        reply = self._reply
        if reply.tool_calls and reply.content is None and delta.get("content") == "":
            if self._dialect.calls.opening == "null":
                delta["content"] = None
            elif self._dialect.calls.opening == "absent":
                del delta["content"]
        if reply.tool_calls:
            delta |= self._dialect.calls.around
        form = self._dialect.opening_choice
        more = {} if form is None else fill(form, self._writer.values)
        choice = self._writer.chunk_choice(self._index, delta)
        if form is not None:
            kept = ("index", "delta", "finish_reason")
            choice = {name: choice[name] for name in kept if name in choice} | more
        return self._write(choice)

    def _event(self, delta: dict[str, Any], **more: Any) -> bytes:
        every = _ROLE if self._dialect.role == "every" else {}
        whole = {**self._lead, **every, **delta}
        self._lead = {}
        return self._write(self._writer.chunk_choice(self._index, whole, **more))

    def _write(self, choice: dict[str, Any], **more: Any) -> bytes:
        first, self._first = self._first, {}
        return write_event(self._writer.chunk([choice], **first, **more))

    def _delta(self, name: str, text: str) -> dict[str, Any]:
        if name == "content":
            return {"content": text}
        return {**self._dialect.beside_reasoning, **self._writer.reasoning(text)}

    def _run(self, name: str, pieces: tuple[str, ...]) -> Iterator[bytes]:
        """Write one chunk for each piece of a text."""
        if name == "content" and self._scored:
            yield from self._scored_run(pieces)
            return
        around: list[str] = []
        for number, piece in enumerate(pieces):
            if number == 0:
                yield self._event(self._delta(name, piece))
                continue
            if not around:
                around = self._event(self._delta(name, _MARK)).decode().split(_encode(_MARK))
            yield _write_text(piece).join(around).encode()

    def _scored_run(self, pieces: tuple[str, ...]) -> Iterator[bytes]:
        for number, piece in enumerate(pieces):
            given = None if self._given is None else self._given[number : number + 1]
            scores = self._writer.scores(given, piece)
            yield self._event({"content": piece}, logprobs=scores)

    def _call_deltas(self) -> Iterator[dict[str, Any]]:
        writer, reply, form = self._writer, self._reply, self._dialect.calls
        if form.with_finish and reply.tool_calls and not writer.legacy:
            calls = writer.plain_calls(self._index, reply)["tool_calls"]
            yield {"tool_calls": [{**one, "index": at} for at, one in enumerate(calls)]}
            return
        ids = writer.call_ids[self._index]
        for place, (id, one) in enumerate(zip(ids, reply.tool_calls, strict=True)):
            delta = call_start(place, one.name, id, legacy=writer.legacy)
            pieces = _ARGUMENTS.findall(one.arguments)
            function = delta["function_call" if writer.legacy else "tool_calls"]
            function = function if writer.legacy else function[0]["function"]
            if form.whole:
                function["arguments"], pieces = one.arguments, []
            elif form.first == "none":
                del function["arguments"]
            elif form.first == "piece":
                function["arguments"] = pieces.pop(0) if pieces else ""
            if form.both_forms and not writer.legacy:
                yield from (_in_both_forms(delta, piece) for piece in (None, *pieces))
                continue
            yield delta
            for piece in pieces:
                yield more_arguments(place, piece, legacy=writer.legacy)

    def _finish(self, delta: dict[str, Any]) -> Iterator[bytes]:
        writer, dialect = self._writer, self._dialect
        finish = writer.finish(self._reply)
        if finish is None:
            return
        more: dict[str, Any] = {}
        if self._index == len(writer.choices) - 1:
            more |= fill(dialect.finish_chunk, writer.values)
            if not writer.ends_with_usage:
                more |= fill(dialect.last_chunk, writer.values)
            if "finish" in writer.usage_places:
                more["usage"] = writer.values["usage"]
        ended = fill(dialect.finish_choice, {**writer.values, "finish": finish})
        choice = writer.chunk_choice(self._index, {**self._lead, **delta}, finish, **ended)
        yield self._write(choice, **more)
