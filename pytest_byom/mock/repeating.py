"""Answers that were written before: only their ids are new.

A test asks the same again and again, in retries, loops and parameters. What was written for a reply
is kept, with marks in the place of the ids that differ from answer to answer, for as long as
nothing else about the answer would differ: the same second, the same request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_byom.mock.dialect import fill
from pytest_byom.mock.streaming import StreamWriter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_byom.mock.asked import AskedRequest
    from pytest_byom.mock.dialect import Dialect
    from pytest_byom.mock.replies import Reply

MARK = "\ue001"
MOST = 256
"""How many answers are kept."""


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A written answer. `parted` has each event as the parts around the answer's id.

    Where other ids stand in it too, `parted` is None, and `calls` names those of the calls.
    """

    events: tuple[bytes, ...]
    parted: tuple[list[bytes], ...] | None
    calls: tuple[str, ...]


class Writings:
    """Keeps what was written, for one script."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Any, ...], _Pattern] = {}

    def write(
        self, reply: Reply, asked: AskedRequest, dialect: Dialect, values: Mapping[str, Any]
    ) -> list[bytes]:
        """Return the events of a reply, or its whole answer as the only entry."""
        # The script keeps the reply, so that its id is its own.
        key = (id(reply), dialect.name, values["created"], asked.body)
        pattern = self._kept.get(key)
        if pattern is None:
            if len(self._kept) >= MOST:
                self._kept.clear()
            pattern = self._kept[key] = _write_pattern(reply, asked, dialect, values)
        answer = fill(dialect.ids["answer"], values)
        if pattern.parted is not None:
            put_between = answer.encode().join
            return [put_between(parts) for parts in pattern.parted]
        fresh = {"answer": answer, "request": values["request"]}
        fresh |= {name: fill(dialect.ids["call"], values) for name in pattern.calls}
        return [_put(event, fresh) for event in pattern.events]


def _put(event: bytes, fresh: Mapping[str, str]) -> bytes:
    for name, value in fresh.items():
        event = event.replace(_mark(name).encode(), value.encode())
    return event


def _mark(name: str) -> str:
    return f"{MARK}{name}{MARK}"


def _write_pattern(
    reply: Reply, asked: AskedRequest, dialect: Dialect, values: Mapping[str, Any]
) -> _Pattern:
    """Write an answer with marks for ids."""
    writer = StreamWriter(reply, asked, dialect, values["model"], _mark("request"))
    writer.values["created"] = values["created"]
    if reply.id is None:
        writer.values["answer"] = _mark("answer")
    names = []
    for at, ids in enumerate(writer.call_ids):
        for place, one in enumerate(writer.choices[at].tool_calls):
            if one.id is None:
                names.append(f"call.{at}.{place}")
                ids[place] = _mark(names[-1])
    events = tuple(writer.write_stream() if asked.stream else [writer.write_completion()])
    return _Pattern(events, _part(events), tuple(names))


def _part(events: tuple[bytes, ...]) -> tuple[list[bytes], ...] | None:
    """Part each event at the answer's id, if there is no other mark in any of them."""
    parted = tuple(event.split(_mark("answer").encode()) for event in events)
    marked = any(MARK.encode() in part for parts in parted for part in parts)
    return None if marked else parted


def write_once(
    reply: Reply, asked: AskedRequest, dialect: Dialect, values: Mapping[str, Any]
) -> list[bytes]:
    """Return the events of a reply that will not come again, or its whole answer."""
    writer = StreamWriter(reply, asked, dialect, values["model"], values["request"])
    return writer.write_stream() if asked.stream else [writer.write_completion()]
