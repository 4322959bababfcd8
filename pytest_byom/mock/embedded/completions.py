"""The work of one request: plan every choice, generate, and send it whole or chunk by chunk.

All that can be refused is refused in `prepare`, before the first byte of a stream.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_byom.mock.embedded import tokens
from pytest_byom.mock.embedded.generation import Event, Finished, Plan, generate, make_plan
from pytest_byom.mock.embedded.mixing import digest
from pytest_byom.mock.embedded.prompt import write_prompt
from pytest_byom.mock.embedded.render import (
    DONE,
    Choice,
    Chunks,
    Heading,
    new_heading,
    usage,
    write_json,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from pytest_byom.mock.embedded.chat_request import ChatRequest

STREAM_HEADERS = (
    ("content-type", "text/event-stream; charset=utf-8"),
    ("cache-control", "no-cache"),
    ("x-accel-buffering", "no"),
)
BREATH = 64
"""Events after which a plain answer lets other requests have a turn."""


@dataclass(frozen=True, slots=True)
class Job:
    """A request that will be answered."""

    request: ChatRequest
    context: int
    prompt_tokens: int
    sound_tokens: int
    plans: tuple[Plan, ...]
    heading: Heading
    room: int

    def choices(self) -> list[Iterator[Event]]:
        """Start every choice."""
        return [
            generate(self.request, plan, context=self.context, choice=index, room=self.room)
            for index, plan in enumerate(self.plans)
        ]


def prepare(request: ChatRequest, *, window: int, created: int) -> Job:
    """Decide all that can fail."""
    prompt = write_prompt(request, window=window)
    context = digest(prompt)
    plans = tuple(make_plan(request, context, choice) for choice in range(request.n))
    heading = new_heading(request.model, created)
    sounds = prompt.count(tokens.SOUND)
    return Job(request, context, len(prompt), sounds, plans, heading, window - len(prompt))


async def complete(job: Job) -> bytes:
    """Generate every choice and write the completion."""
    choices: list[Choice] = []
    done = 0
    for index, events in enumerate(job.choices()):
        choice = Choice(index, job.request)
        for event in events:
            choice.add(event)
            done += 1
            if done % BREATH == 0:
                await asyncio.sleep(0)
        choices.append(choice)
    answer = {
        **job.heading.members("chat.completion"),
        "choices": [choice.write() for choice in choices],
        "usage": usage(
            job.prompt_tokens,
            sum(choice.tokens for choice in choices),
            sounds=job.sound_tokens,
            reasoning=sum(choice.reasoning for choice in choices),
        ),
    }
    if job.request.metadata is not None:
        answer["metadata"] = job.request.metadata
    return write_json(answer)


async def stream(job: Job) -> AsyncIterator[bytes]:
    """Generate the choices in turns, one event each, and write a chunk for every event."""
    chunks = Chunks(job.heading, job.request)
    running = dict(enumerate(job.choices()))
    for index, plan in enumerate(job.plans):
        yield chunks.opening(index, calls=bool(plan.calls))
    generated = reasoning = 0
    while running:
        for index, events in tuple(running.items()):
            event = next(events)
            if isinstance(event, Finished):
                generated += event.tokens
                reasoning += event.reasoning
                del running[index]
            yield chunks.event(index, event)
    if job.request.include_usage:
        counted = usage(job.prompt_tokens, generated, sounds=job.sound_tokens, reasoning=reasoning)
        yield chunks.usage(counted)
    yield DONE
