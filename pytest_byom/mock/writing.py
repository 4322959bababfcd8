"""From a reply to what a server sends: the completion, or the events of its stream.

The shapes of the API come from the embedded server; what a server adds comes from its dialect.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from pytest_byom.mock.asked import lazy
from pytest_byom.mock.dialect import fill
from pytest_byom.mock.embedded.render import (
    DONE,
    call_start,
    called,
    chunk_choice,
    more_arguments,
    write_event,
    write_json,
)
from pytest_byom.mock.replies import UNSET, Reply, Text, Tokens, join
from pytest_byom.mock.scoring import score_text, write_scores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_byom.mock.asked import AskedRequest
    from pytest_byom.mock.dialect import Dialect

_PIECES = re.compile(r"\s*\S+|\s+$")
_ARGUMENTS = re.compile(r"\W*\w+|\W+")
_MARK = "\ue000text\ue000"
_encode: Callable[[str], str] = json.encoder.encode_basestring


def cut_text(text: Text) -> tuple[str, ...]:
    """Return the pieces of a text: as given, else its words, each with the space before it."""
    if isinstance(text, tuple):
        return text
    return tuple(_PIECES.findall(text or ""))


@dataclass
class Writer:
    """Writes one reply to one request in one dialect."""

    reply: Reply
    asked: AskedRequest
    dialect: Dialect
    model: str
    request_id: str = ""

    @lazy
    def values(self) -> dict[str, Any]:
        """What the templates of the dialect are filled with."""
        usage = self.reply.usage or count(self.choices, self.asked)
        values: dict[str, Any] = {
            "created": int(time.time()),
            "model": self.reply.model or self.model,
            "request": self.request_id,
            "input": usage.input,
            "output": usage.output,
            "total": usage.input + usage.output,
            "cached": usage.cached,
            "reasoning": usage.reasoning,
            "spoken": max(0, usage.output - usage.reasoning),
        }
        values["answer"] = self.reply.id or fill(self.dialect.ids["answer"], values)
        values["usage"] = fill(self.dialect.usage.members, values)
        return values

    @lazy
    def choices(self) -> tuple[Reply, ...]:
        """One reply for each choice; the last one given is repeated."""
        given = self.reply.choices or (self.reply,)
        wanted = self.asked.members.get("n")
        number = wanted if isinstance(wanted, int) and 0 < wanted <= 128 else len(given)
        return tuple(given[min(at, len(given) - 1)] for at in range(number))

    @lazy
    def call_ids(self) -> list[list[str]]:
        """The id of each call, by choice."""
        ids = self.dialect.ids["call"]
        return [
            [call.id or fill(ids, self.values) for call in choice.tool_calls]
            for choice in self.choices
        ]

    @property
    def legacy(self) -> bool:
        """Whether the request has functions in place of tools."""
        return bool(self.asked.members.get("functions"))

    def write_completion(self) -> bytes:
        """Write the whole answer."""
        answer = {
            **self._heading("chat.completion"),
            **fill(self.dialect.answer, self.values),
            "choices": [self._choice(at, reply) for at, reply in enumerate(self.choices)],
            "usage": self.values["usage"],
        }
        return self.dialect.padding.encode() + write_json(answer)

    def _heading(self, kind: str) -> dict[str, Any]:
        values = self.values
        return {
            "id": values["answer"],
            "object": kind,
            "created": values["created"],
            "model": values["model"],
        }

    def _finish(self, reply: Reply) -> str | None:
        if reply.finish_reason is not UNSET:
            return reply.finish_reason
        if not reply.tool_calls:
            return "stop"
        if isinstance(self.asked.members.get("tool_choice"), dict):
            return self.dialect.calls.named
        return "function_call" if self.legacy else "tool_calls"

    def _choice(self, index: int, reply: Reply) -> dict[str, Any]:
        finish = self._finish(reply)
        choice = {
            "index": index,
            "message": self._message(index, reply),
            **fill(self.dialect.choice, {**self.values, "finish": finish}),
            "finish_reason": finish,
        }
        if self._scored(reply):
            choice["logprobs"] = self._scores(reply.logprobs, join(reply.content))
        return choice

    def _message(self, index: int, reply: Reply) -> dict[str, Any]:
        form = self.dialect.calls
        message: dict[str, Any] = {"role": "assistant"}
        if reply.content is not None or not reply.tool_calls:
            message["content"] = None if reply.refusal is not None else join(reply.content)
        elif form.content != "absent":
            message["content"] = "" if form.content == "empty" else None
        message |= fill(self.dialect.message, self.values)
        if reply.refusal is not None:
            message["refusal"] = reply.refusal
        if reply.reasoning is not None:
            message[self.dialect.reasoning] = join(reply.reasoning)
        return message | self._plain_calls(index, reply)

    def _plain_calls(self, index: int, reply: Reply) -> dict[str, Any]:
        form = self.dialect.calls
        ids = self.call_ids[index]
        made = [
            (id, one.name, one.arguments) for id, one in zip(ids, reply.tool_calls, strict=True)
        ]
        members = called(made, legacy=self.legacy)
        for place, entry in enumerate(members.get("tool_calls", ())):
            if form.index:
                entry["index"] = place
            if not form.type:
                del entry["type"]
        return members

    def _scored(self, reply: Reply) -> bool:
        return self.asked.members.get("logprobs") is True and not reply.tool_calls

    def _scores(self, given: tuple[tuple[str, float], ...] | None, text: str) -> dict[str, Any]:
        wanted = self.asked.members.get("top_logprobs")
        top = wanted if isinstance(wanted, int) else 0
        if given is None:
            return write_scores(score_text(text), top)
        return write_scores(((token.encode(), score) for token, score in given), top)

    def write_stream(self) -> list[bytes]:
        """Write the events of the stream, `[DONE]` included."""
        runs = [list(self._stream_choice(at, reply)) for at, reply in enumerate(self.choices)]
        events = runs[0]
        if len(runs) > 1:
            turns = zip_longest(*runs)
            events = [event for turn in turns for event in turn if event is not None]
        for place in self._usage_places:
            if place == "own":
                events.append(self._usage_chunk([]))
            elif place == "again":
                choice = self._chunk_choice(
                    0, dict(self.dialect.finish_delta), self._finish(self.reply)
                )
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
    def _usage_places(self) -> tuple[str, ...]:
        return self.dialect.usage.asked if self.include_usage else self.dialect.usage.unasked

    def _usage_chunk(self, choices: list[dict[str, Any]]) -> bytes:
        chunk = self._chunk(choices)
        return write_event(
            chunk | fill(self.dialect.usage_chunk, self.values) | {"usage": self.values["usage"]}
        )

    def _chunk(self, choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        chunk = {
            **self._heading("chat.completion.chunk"),
            **fill(self.dialect.chunk, self.values),
            "choices": choices,
        }
        if self.include_usage and self.dialect.usage.others == "null":
            chunk["usage"] = None
        return chunk | more

    def _chunk_choice(
        self, index: int, delta: dict[str, Any], finish: str | None = None, **more: Any
    ) -> dict[str, Any]:
        choice = chunk_choice(index, delta, None, finish)
        del choice["logprobs"]
        if finish is None and self.dialect.unfinished == "absent":
            del choice["finish_reason"]
        values = {**self.values, "finish": finish}
        filled: dict[str, Any] = fill(self.dialect.chunk_choice, values)
        return choice | filled | more

    def _stream_choice(self, index: int, reply: Reply) -> Iterator[bytes]:
        dialect = self.dialect
        first = fill(dialect.first_chunk, self.values)
        if dialect.opening is not None:
            yield write_event(
                self._chunk([self._chunk_choice(index, self._opening(reply))], **first)
            )
            first, lead = {}, {}
        else:
            lead = {"role": "assistant"}
        for name, text in ((dialect.reasoning, reply.reasoning), ("content", reply.content)):
            for event in self._run(index, reply, name, cut_text(text), {**first}, lead):
                yield event
                first, lead = {}, lead if dialect.role == "every" else {}
        if reply.refusal is not None:
            delta = {**lead, "refusal": reply.refusal}
            yield write_event(self._chunk([self._chunk_choice(index, delta)], **first))
        yield from self._end(index, reply, first, lead)

    def _opening(self, reply: Reply) -> dict[str, Any]:
        delta = dict(self.dialect.opening or {})
        if reply.tool_calls and reply.content is None and delta.get("content") == "":
            if self.dialect.calls.content == "null":
                delta["content"] = None
            elif self.dialect.calls.content == "absent":
                del delta["content"]
        return delta

    def _run(
        self,
        index: int,
        reply: Reply,
        name: str,
        pieces: tuple[str, ...],
        first: dict[str, Any],
        lead: dict[str, Any],
    ) -> Iterator[bytes]:
        """Write one chunk for each piece; they differ in the text alone, so one is a pattern."""
        every = {"role": "assistant"} if self.dialect.role == "every" else {}
        scored = name == "content" and self._scored(reply)
        given = reply.logprobs if scored else None
        if given is not None:
            pieces = tuple(token for token, _ in given)
        before = after = ""
        for number, piece in enumerate(pieces):
            if number == 0 or scored:
                delta = {**(lead if number == 0 else {}), **every, name: piece}
                choice = self._chunk_choice(index, delta)
                if scored:
                    part = None if given is None else given[number : number + 1]
                    choice["logprobs"] = self._scores(part, piece)
                yield write_event(self._chunk([choice], **(first if number == 0 else {})))
                continue
            if not before:
                pattern = self._chunk([self._chunk_choice(index, {**every, name: _MARK})])
                before, after = write_event(pattern).decode().split(_encode(_MARK))
            yield f"{before}{_write_text(piece)}{after}".encode()

    def _end(
        self, index: int, reply: Reply, first: dict[str, Any], lead: dict[str, Any]
    ) -> Iterator[bytes]:
        dialect = self.dialect
        deltas = list(self._call_deltas(index, reply))
        last = dict(dialect.finish_delta)
        if deltas and dialect.calls.with_finish:
            last = deltas.pop()
        every = {"role": "assistant"} if dialect.role == "every" else {}
        for delta in deltas:
            whole = {**lead, **every, **dialect.calls.beside, **delta}
            yield write_event(self._chunk([self._chunk_choice(index, whole)], **first))
            first, lead = {}, {}
        finish = self._finish(reply)
        if finish is None:
            return
        final = index == len(self.choices) - 1
        more = fill(dialect.finish_chunk, self.values) if final else {}
        if final and "finish" in self._usage_places:
            more["usage"] = self.values["usage"]
        ended = fill(dialect.finish_choice, {**self.values, "finish": finish})
        choice = self._chunk_choice(index, {**lead, **last}, finish, **ended)
        yield write_event(self._chunk([choice], **first, **more))

    def _call_deltas(self, index: int, reply: Reply) -> Iterator[dict[str, Any]]:
        form = self.dialect.calls
        ids = self.call_ids[index]
        if form.with_finish and reply.tool_calls:
            calls = self._plain_calls(index, reply)["tool_calls"]
            yield {"tool_calls": [{**one, "index": at} for at, one in enumerate(calls)]}
            return
        for place, (id, one) in enumerate(zip(ids, reply.tool_calls, strict=True)):
            delta = call_start(place, one.name, id, legacy=self.legacy)
            pieces = _ARGUMENTS.findall(one.arguments)
            function = delta["function_call"] if self.legacy else delta["tool_calls"][0]["function"]
            if form.whole:
                function["arguments"], pieces = one.arguments, []
            elif form.first == "none":
                del function["arguments"]
            elif form.first == "piece":
                function["arguments"] = pieces.pop(0) if pieces else ""
            yield delta
            for piece in pieces:
                yield more_arguments(place, piece, legacy=self.legacy)


def _write_text(text: str) -> str:
    """Write a text as JSON; what some readers take for the end of a line is escaped."""
    return _encode(text) if text.isascii() else _encode(text).translate(_LINE_ENDS)


_LINE_ENDS = {ord(char): f"\\u{ord(char):04x}" for char in "\u2028\u2029\u0085"}


def count(choices: tuple[Reply, ...], asked: AskedRequest) -> Tokens:
    """Count tokens roughly, four characters each: the same request always counts the same."""
    size = sum(4 + len(text) // 4 for text in asked.texts("system", "developer", "user", "tool"))
    said = sum(
        len(join(one.content)) + sum(len(c.name) + len(c.arguments) for c in one.tool_calls)
        for one in choices
    )
    thought = sum(len(join(one.reasoning)) for one in choices)
    thinking = -(-thought // 4)
    return Tokens(input=max(1, size), output=max(1, -(-said // 4)) + thinking, reasoning=thinking)
