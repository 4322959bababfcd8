"""From a reply to what a server sends: the whole completion.

The shapes of the API come from the embedded server; what a server adds comes from its dialect.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_byom.mock.asked import lazy
from pytest_byom.mock.dialect import fill
from pytest_byom.mock.embedded.render import (
    called,
    write_json,
)
from pytest_byom.mock.replies import UNSET, Reply, Tokens, join
from pytest_byom.mock.scoring import score_text, write_scores

if TYPE_CHECKING:
    from pytest_byom.mock.asked import AskedRequest
    from pytest_byom.mock.dialect import Dialect


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
        form = self.dialect.usage
        streamed = form.streamed if self.asked.stream else None
        values["usage"] = fill(streamed or form.members, values)
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
            **self.heading("chat.completion"),
            **fill(self.dialect.answer, self.values),
            "choices": [self._choice(at, reply) for at, reply in enumerate(self.choices)],
            "usage": self.values["usage"],
        }
        return self.dialect.padding.encode() + write_json(answer)

    def heading(self, kind: str) -> dict[str, Any]:
        """Return the members that open an answer of this kind."""
        values = self.values
        return {
            "id": values["answer"],
            "object": kind,
            "created": values["created"],
            "model": values["model"],
        }

    def finish(self, reply: Reply) -> str | None:
        """Return why a choice ended."""
        if reply.finish_reason is not UNSET:
            return reply.finish_reason
        if not reply.tool_calls:
            return "stop"
        if isinstance(self.asked.members.get("tool_choice"), dict):
            return self.dialect.calls.named
        return "function_call" if self.legacy else "tool_calls"

    def _choice(self, index: int, reply: Reply) -> dict[str, Any]:
        finish = self.finish(reply)
        choice = {
            "index": index,
            "message": self._message(index, reply),
            **fill(self.dialect.choice, {**self.values, "finish": finish}),
            "finish_reason": finish,
        }
        if self.is_scored(reply):
            choice["logprobs"] = self.scores(reply.logprobs, join(reply.content))
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
            message |= self.reasoning(join(reply.reasoning), message.get("content"))
        return message | self.plain_calls(index, reply)

    def reasoning(self, text: str, content: Any = None) -> dict[str, Any]:
        """Return the member that holds reasoning; where it is a part of the content, with that."""
        if not self.dialect.is_parted:
            return {self.dialect.reasoning: text, **fill(self.dialect.thoughts, {"text": text})}
        parts: list[Any] = [{"type": "thinking", "thinking": [{"type": "text", "text": text}]}]
        return {"content": [*parts, {"type": "text", "text": content}] if content else parts}

    def plain_calls(self, index: int, reply: Reply) -> dict[str, Any]:
        """Return the members of a message that hold its calls."""
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
        if form.both_forms and len(made) == 1:
            members |= called(made, legacy=True)
        return members

    def is_scored(self, reply: Reply) -> bool:
        """Whether log probabilities are asked for, and there are any."""
        return is_scored(self.asked) and not reply.tool_calls

    def scores(self, given: tuple[tuple[str, float], ...] | None, text: str) -> dict[str, Any]:
        """Return the log probabilities of a text, or of the tokens given."""
        wanted = self.asked.members.get("top_logprobs")
        scored = score_text(text) if given is None else [(t.encode(), score) for t, score in given]
        return write_scores(
            scored, wanted if isinstance(wanted, int) else None, self.dialect.scores
        )


def count(choices: tuple[Reply, ...], asked: AskedRequest) -> Tokens:
    """Count tokens roughly, four characters each: the same request always counts the same."""
    size = sum(4 + len(text) // 4 for text in asked.texts("system", "developer", "user", "tool"))
    if is_scored(asked):
        spoken = sum(map(_count_scores, choices))
    else:
        spoken = -(-sum(map(_count_letters, choices)) // 4)
    thinking = -(-sum(len(join(one.reasoning)) for one in choices) // 4)
    return Tokens(input=max(1, size), output=max(1, spoken) + thinking, reasoning=thinking)


def is_scored(asked: AskedRequest) -> bool:
    """Whether log probabilities are asked for."""
    return asked.members.get("logprobs") is True


def _count_letters(said: Reply) -> int:
    return len(join(said.content)) + sum(len(c.name) + len(c.arguments) for c in said.tool_calls)


def _count_scores(said: Reply) -> int:
    """Count the tokens that get a log probability each: usage and entries are held together."""
    if said.tool_calls:
        return -(-_count_letters(said) // 4)
    return len(score_text(join(said.content)) if said.logprobs is None else said.logprobs)
