"""What goes out: a status, headers and a body in steps, or no answer at all.

A step is some bytes, a pause, or the end of the connection before its time. Transports and the
server play the same steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pytest_byom.mock.embedded.render import DONE
from pytest_byom.mock.replies import STRAIGHT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_byom.mock.replies import Flow, Split


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence; `real` if somebody is to wait for it."""

    seconds: float
    real: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection breaks."""


Step: TypeAlias = bytes | Pause | Cut


class Answer(NamedTuple):
    """One answer. `delay` is the silence before its head; `trouble` stands in place of all else.

    Trouble is one of "connect timeout", "read timeout", "write timeout", "pool timeout",
    "refused", "reset", "closed".
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | tuple[Step, ...]
    delay: Pause | None = None
    trouble: str | None = None

    @property
    def content(self) -> bytes:
        """All bytes of the body."""
        if isinstance(self.body, bytes):
            return self.body
        return b"".join(step for step in self.body if isinstance(step, bytes))


def plan_stream(events: Sequence[bytes], flow: Flow, error: Sequence[bytes]) -> tuple[Step, ...]:
    """Return the steps of a stream; `error` are the events of an error inside of it."""
    if flow is STRAIGHT:
        return tuple(events)
    planned = list(events)
    if not flow.done and planned and planned[-1] == DONE:
        planned.pop()
    if flow.error_after is not None:
        planned[flow.error_after :] = error
    if flow.corrupt is not None and flow.corrupt <= len(planned):
        planned[flow.corrupt - 1] = corrupt(planned[flow.corrupt - 1])
    if flow.cut_after is not None:
        del planned[flow.cut_after :]
    steps: list[Step] = []
    for number, event in enumerate(planned):
        steps += _pauses(number, flow)
        steps.append(event)
    if flow.stall and flow.stall_after >= len(planned):
        steps.append(Pause(flow.stall, flow.real))
    if flow.cut_after is not None and not flow.clean_cut:
        steps.append(Cut())
    return tuple(split_steps(steps, flow.split))


def _pauses(number: int, flow: Flow) -> Iterator[Pause]:
    if flow.stall and number == flow.stall_after:
        yield Pause(flow.stall, flow.real)
    elif flow.pace and number:
        yield Pause(flow.pace, flow.real)


def plan_body(body: bytes, flow: Flow) -> bytes | tuple[Step, ...]:
    """Return the steps of an answer that is no stream. A cut comes in the middle of the body."""
    if flow is STRAIGHT:
        return body
    if flow.corrupt is not None:
        body = body[: len(body) // 2]
    steps: list[Step] = [Pause(flow.stall, flow.real)] if flow.stall else []
    if flow.cut_after is not None:
        steps.append(body[: len(body) // 2])
        if not flow.clean_cut:
            steps.append(Cut())
    else:
        steps.append(body)
    if steps == [body] and flow.split == "event":
        return body
    return tuple(split_steps(steps, flow.split))


def plan_delay(flow: Flow) -> Pause | None:
    """Return the silence before the head of an answer."""
    return Pause(flow.delay, flow.real) if flow.delay else None


def corrupt(event: bytes) -> bytes:
    """Break the JSON of an event; the event itself stays whole."""
    data = event.rstrip(b"\n")
    return data[: max(len(b"data: {"), len(data) * 2 // 3)] + b"\n\n"


def split_steps(steps: Sequence[Step], split: Split) -> Iterator[Step]:
    """Cut the bytes of some steps otherwise; what stands between them stays between them."""
    if split == "event":
        yield from (step for step in steps if step != b"")
        return
    run = b""
    for step in steps:
        if isinstance(step, bytes):
            run += step
        else:
            yield from _pieces(run, split)
            run = b""
            yield step
    yield from _pieces(run, split)


def _pieces(run: bytes, split: Split) -> Iterator[bytes]:
    if split == "line":
        yield from run.splitlines(keepends=True)
        return
    sizes = split if isinstance(split, tuple) else ()
    size = split if isinstance(split, int) else 1
    start = 0
    for first in sizes:
        if start < len(run):
            yield run[start : start + first]
        start += first
    rest = run[start:]
    if sizes:
        yield from (rest,) if rest else ()
    else:
        yield from (rest[at : at + size] for at in range(0, len(rest), size))


def outlasts(pause: Pause, limit: float | None) -> bool:
    """Whether a client with this limit gives up before a pause is over."""
    return math.isinf(pause.seconds) if limit is None else pause.seconds > limit
