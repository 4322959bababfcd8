"""One choice, from its plan to its end, as a series of events.

    thoughts   Thought ..., then one of the others
    text       TextDelta ... Finished
    calls      CallStart, ArgumentsDelta ..., CallStart, ... Finished

The plain answer folds the events, the stream sends each as a chunk: both say the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_byom.mock.embedded import tokens
from pytest_byom.mock.embedded.chat_request import ChatRequest, bad_schema
from pytest_byom.mock.embedded.hints import read_hints
from pytest_byom.mock.embedded.mixing import mix
from pytest_byom.mock.embedded.model import ForcedText, FreeText, PlannedText, Text
from pytest_byom.mock.embedded.patterns import Unsupported
from pytest_byom.mock.embedded.prompt import compact
from pytest_byom.mock.embedded.sampling import Chosen, Sampler
from pytest_byom.mock.embedded.schema_writer import write_instance
from pytest_byom.mock.embedded.skills import known_answer, last_user_text, wants_length
from pytest_byom.mock.embedded.stops import Characters, Piece, StopFilter
from pytest_byom.mock.embedded.thoughts import think
from pytest_byom.mock.embedded.tool_calls import Call, plan_calls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.mock.embedded.messages import Turn

ANY_OBJECT = {
    "type": "object",
    "properties": {"answer": {"type": "string"}, "number": {"type": "integer", "minimum": 0}},
}
"""What json_object gives, as there is no schema."""


@dataclass(frozen=True, slots=True)
class Thought:
    """More of the reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text."""

    piece: Piece


@dataclass(frozen=True, slots=True)
class CallStart:
    """A call begins; its name is known as a whole."""

    place: int
    name: str


@dataclass(frozen=True, slots=True)
class ArgumentsDelta:
    """More of the arguments of a call."""

    place: int
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a choice: why, and how many tokens were generated, for reasoning too."""

    reason: str
    tokens: int
    reasoning: int = 0


Event = Thought | TextDelta | CallStart | ArgumentsDelta | Finished


@dataclass(frozen=True, slots=True)
class Plan:
    """What one choice will be: calls, or a text."""

    calls: tuple[Call, ...]
    text: Text


def make_plan(request: ChatRequest, context: int, choice: int) -> Plan:
    """Decide what a choice will be. Raises if a schema asks for what cannot be written."""
    greedy = request.sampling.temperature == 0
    seed = mix(context) if greedy else mix(context, request.sampling.seed & (2**64 - 1), choice)
    calls = plan_calls(request.toolbox, request.turns, seed=seed)
    if calls:
        return Plan(calls, ForcedText(()))
    if request.format.kind != "text":
        return Plan((), ForcedText(tokens.encode(write_formatted(request, seed))))
    known = known_answer(request.turns)
    if known is not None:
        return Plan((), PlannedText(tokens.encode(known), context))
    return Plan((), FreeText(context, long=wants_length(request.turns)))


def write_formatted(request: ChatRequest, seed: int) -> str:
    """Write what the response format asks for. Raises ApiError if that cannot be written."""
    hints = read_hints(_latest_text(request.turns))
    schema = request.format.schema or ANY_OBJECT
    try:
        return compact(write_instance(schema, hints, seed=seed))
    except Unsupported as error:
        raise bad_schema(request.format.name, f"{error} is not supported.") from None


def _latest_text(turns: tuple[Turn, ...]) -> str:
    """Return what was said last: the results of tools, or the user's words."""
    results = [turn.text for turn in turns if turn.role in ("tool", "function")]
    return results[-1] if turns[-1].role in ("tool", "function") else last_user_text(turns)


def generate(
    request: ChatRequest, plan: Plan, *, context: int, choice: int, room: int
) -> Iterator[Event]:
    """Produce one choice; `room` is what the context window leaves."""
    limit = room if request.limit is None else min(room, request.limit)
    thought = 0
    for text in think(request.effort, context=context, limit=limit):
        thought += 1
        yield Thought(text)
    for event in _answer(request, plan, context=context, choice=choice, limit=limit - thought):
        if isinstance(event, Finished):
            event = replace(event, tokens=event.tokens + thought, reasoning=thought)
        yield event


def _answer(
    request: ChatRequest, plan: Plan, *, context: int, choice: int, limit: int
) -> Iterator[Event]:
    if plan.calls:
        return _generate_calls(plan.calls, limit, request)
    sampler = Sampler(
        plan.text, request.sampling, context=context, choice=choice, top=request.top_logprobs
    )
    return _generate_text(sampler, limit, request.stop)


def _generate_text(sampler: Sampler, limit: int, stop: tuple[str, ...]) -> Iterator[Event]:
    stops, characters, count = StopFilter(stop), Characters(), 0
    reason = "length"
    while count < limit and not stops.hit:
        chosen = sampler.next()
        if chosen is None:
            reason = "stop"
            break
        count += 1
        piece = characters.feed(chosen)
        if piece is not None:
            yield from map(TextDelta, stops.feed(piece))
    if stops.hit:
        reason = "stop"
    else:
        yield from map(TextDelta, stops.close())
    yield Finished(reason, count)


def _generate_calls(calls: tuple[Call, ...], limit: int, request: ChatRequest) -> Iterator[Event]:
    """Spend tokens on each name, then on its arguments; a name is never cut."""
    count = 0
    for place, call in enumerate(calls):
        count += len(tokens.encode(call.name))
        if count > limit:
            if place == 0:
                yield TextDelta(Piece("", ()))  # no call, so there is a text, if an empty one
            yield Finished("length", limit)
            return
        yield CallStart(place, call.name)
        characters = Characters()
        for token in tokens.encode(call.arguments):
            if count == limit:
                yield Finished("length", count)
                return
            count += 1
            piece = characters.feed(Chosen(token))
            if piece is not None:
                yield ArgumentsDelta(place, piece.text)
    yield Finished(_reason(request), count)


def _reason(request: ChatRequest) -> str:
    """A call that was demanded by name ends with stop, as at OpenAI."""
    if request.toolbox.mode == "named":
        return "stop"
    return "function_call" if request.toolbox.legacy else "tool_calls"
