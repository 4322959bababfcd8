"""A conversation is cut between units, and only as far as needed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_byom.client.context import (
    SlidingWindow,
    Summarize,
    TruncateOldest,
    estimate_tokens,
    split_units,
    truncate,
)
from pytest_byom.client.errors import UsageError
from pytest_byom.client.llm import LLM, AsyncLLM
from pytest_byom.client.models import CustomModel

from .harness import answer_json, completion

if TYPE_CHECKING:
    from .harness import Harness

SYSTEM = {"role": "system", "content": "s"}
CALL = {"role": "assistant", "content": None, "tool_calls": [{"id": "a"}, {"id": "b"}]}
RESULTS = [{"role": "tool", "tool_call_id": name, "content": name} for name in "ab"]


def say(text: str, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": text}


TALK = [SYSTEM, say("1"), say("2", "assistant"), say("3"), CALL, *RESULTS, say("4")]


def one(_: Any) -> int:
    """Each message counts as one token."""
    return 1


def fit(strategy: Any, messages: list[dict[str, Any]], budget: int) -> list[dict[str, Any]]:
    fitting = strategy.fitting(messages, budget=budget)
    with pytest.raises(StopIteration) as caught:
        next(fitting)
    result: list[dict[str, Any]] = caught.value.value
    return result


@pytest.mark.parametrize(
    ("budget", "kept"),
    [
        (8, TALK),
        (7, [SYSTEM, *TALK[2:]]),
        (5, [SYSTEM, *TALK[4:]]),
        (4, [SYSTEM, TALK[7]]),
        (2, [SYSTEM, TALK[7]]),
    ],
)
def test_truncate_oldest(budget: int, kept: list[dict[str, Any]]) -> None:
    """The oldest units go first, a call goes with its results, the system message stays."""
    assert fit(TruncateOldest(count=one), TALK, budget) == kept


def test_what_cannot_fit() -> None:
    """A last message that is too long is an error that says by how much."""
    with pytest.raises(UsageError, match="counts 2 tokens, and the context window leaves 1"):
        truncate(TALK, budget=1, count=one)


@pytest.mark.parametrize(
    ("keep", "kept"),
    [
        (1, [SYSTEM, TALK[7]]),
        (2, [SYSTEM, *TALK[4:]]),
        (4, [SYSTEM, *TALK[4:]]),
        (5, [SYSTEM, *TALK[3:]]),
        (99, TALK),
    ],
)
def test_sliding_window(keep: int, kept: list[dict[str, Any]]) -> None:
    """At least the last messages stay, and what belongs to them."""
    assert fit(SlidingWindow(keep, count=one), TALK, 99) == kept


def test_sliding_window_fits_too() -> None:
    """A window that is still too long is cut further."""
    assert fit(SlidingWindow(5, count=one), TALK, 3) == [SYSTEM, TALK[7]]


MESSAGES = st.lists(
    st.sampled_from([say("u"), say("a", "assistant"), CALL, RESULTS[0], SYSTEM]), max_size=12
)


@given(MESSAGES, st.integers(1, 12))
def test_units_are_never_parted(messages: list[dict[str, Any]], keep: int) -> None:
    """Whatever is left out, no result stands without its call, and the order is kept."""
    head, units = split_units(messages)
    assert [*head, *(message for unit in units for message in unit)] == messages
    kept = fit(SlidingWindow(keep, count=one), messages, 99)
    _, kept_units = split_units(kept)
    assert kept_units == units[len(units) - len(kept_units) :]


def model(window: int, **fields: Any) -> CustomModel:
    return CustomModel(model_id="m", context_window=window, **fields)


def test_the_window_is_used(harness: Harness) -> None:
    """A client fits what it sends into the model's window, less the room for the answer."""
    harness.plain(
        answer_json(completion()),
        messages=TALK,
        model=model(10, default_max_tokens=6),
        context=TruncateOldest(count=one),
    )
    assert json.loads(harness.requests[0].content)["messages"] == [SYSTEM, TALK[7]]


def test_tools_take_room_too(sync: Harness) -> None:
    """The tools of a request are counted."""
    tools = [{"type": "function", "function": {"name": name}} for name in ("f", "g")]
    options: dict[str, Any] = {"model": model(9), "context": TruncateOldest(count=one)}
    sync.plain(answer_json(completion()), messages=TALK, tools=tools, **options)
    assert len(json.loads(sync.requests[0].content)["messages"]) == 7


def test_without_a_window_nothing_is_cut(sync: Harness) -> None:
    """A model whose window is unknown gets everything."""
    sync.plain(answer_json(completion()), messages=TALK, context=TruncateOldest(count=one))
    assert len(json.loads(sync.requests[0].content)["messages"]) == len(TALK)


def test_summarize(harness: Harness) -> None:
    """What no longer fits is put into words by a model, and the last messages stay."""

    class Writer:
        asked: list[Any]

        def send_messages(self, messages: Any) -> Any:
            self.asked = list(messages)
            summary = type("Answer", (), {"content": "they counted"})()
            if not harness.asynchronous:
                return summary

            async def answer() -> Any:
                return summary

            return answer()

    writer = Writer()
    context = Summarize(writer, keep_last=2, prompt="Sum up.", count=one)
    harness.plain(answer_json(completion()), messages=TALK, model=model(7), context=context)
    assert writer.asked == [*TALK[1:4], say("Sum up.")]
    note = say("Summary of the conversation so far:\nthey counted")
    assert json.loads(harness.requests[0].content)["messages"] == [SYSTEM, note, *TALK[4:]]


def test_what_fits_is_not_summarised() -> None:
    """Nobody is asked while there is room."""

    class Nobody:
        def send_messages(self, messages: Any) -> Any:
            pytest.fail("asked")

    assert fit(Summarize(Nobody(), count=one), TALK, 8) == TALK


@pytest.mark.parametrize(
    "make",
    [
        lambda: SlidingWindow(0),
        lambda: SlidingWindow(True),
        lambda: Summarize("gpt"),
        lambda: LLM(base_url="http://h", model="m", context="oldest"),  # type: ignore[arg-type]  # this is the point
        lambda: LLM(
            base_url="http://h",
            model="m",
            context=Summarize(AsyncLLM(base_url="http://h", model="m")),
        ),
    ],
)
def test_no_strategy(make: Any) -> None:
    """What cannot work is refused at the door."""
    with pytest.raises(UsageError):
        make()


@pytest.mark.parametrize(
    ("message", "low", "high"),
    [
        (say("a" * 400), 100, 150),
        (say("é" * 100), 50, 110),
        ({"role": "user", "content": [{"type": "image_url", "image_url": {}}]}, 1000, 1010),
        (CALL, 5, 20),
        ({"role": "assistant", "content": None}, 4, 4),
    ],
)
def test_estimate(message: dict[str, Any], low: int, high: int) -> None:
    """The guess is cautious, and not absurd."""
    assert low <= estimate_tokens(message) <= high
