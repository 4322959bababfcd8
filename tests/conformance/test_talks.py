"""Conversations with tools, fuzzed: what is found in them, and what a failure shows."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.conformance.finding import Inconclusive, Unsupported, Wrong
from pytest_byom.conformance.fuzz.fuzzer import Fuzzer, FuzzSettings
from pytest_byom.conformance.fuzz.judging import Rulebook
from pytest_byom.conformance.fuzz.making import make_left, make_valid
from pytest_byom.mock.embedded import EmbeddedServer
from pytest_byom.mock.http1 import Reply, Request, error_reply

from .test_fuzz import fuzzing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.contract import Contract

Body = dict[str, Any]
Refuses = tuple[int, str] | None
DRAWN = "# drawn by --byom-fuzz=60 --byom-fuzz-seed=0"


class Minds:
    """The embedded server, but for what `refuses` says of a body; counts what it was asked."""

    def __init__(self, refuses: Callable[[Body], Refuses] = lambda body: None) -> None:
        self.bodies: list[Body] = []
        self._refuses = refuses
        self._inner = EmbeddedServer()

    async def __call__(self, request: Request) -> Reply:
        body = json.loads(request.body)
        self.bodies.append(body)
        refusal = self._refuses(body)
        return error_reply(*refusal) if refusal else await self._inner(request)


def roles(body: Body) -> list[str]:
    """Return the roles of the messages."""
    return [message["role"] for message in body["messages"]]


def calls(body: Body) -> list[Any]:
    """Return the calls of the history."""
    return [call for message in body["messages"] for call in message.get("tool_calls") or ()]


def forgets_calls(body: Body) -> Refuses:
    """Refuse every result of a tool."""
    return (400, "who called?") if "tool" in roles(body) else None


def crashes_on_strays(body: Body) -> Refuses:
    """Crash on the result of a call that nobody made."""
    ids = {message.get("tool_call_id") for message in body["messages"]}
    return (500, "KeyError") if "call_of_nobody" in ids else None


def wants_order(body: Body) -> Refuses:
    """Refuse results that come in another order than their calls."""
    answered = [m["tool_call_id"] for m in body["messages"] if m["role"] == "tool"]
    made = [call["id"] for call in calls(body) if call["id"] in answered]
    return (400, "out of order") if made != answered and "call_of_nobody" not in answered else None


def wants_the_tool(body: Body) -> Refuses:
    """Refuse a history with a call of a tool that is not offered any more."""
    offered = {tool["function"]["name"] for tool in body["tools"]}
    called = {call["function"]["name"] for call in calls(body)}
    return (400, "no such tool") if called - offered else None


def minds_the_choice(body: Body) -> Refuses:
    """Crash where a call must be made after a result."""
    again = "tool" in roles(body) and body["tool_choice"] == "required"
    return (500, "no more calls") if again else None


HISTORY = "200, as for the same request without a history"

FOUND: list[tuple[Callable[[Body], Refuses], str, str, list[str]]] = [
    (forgets_calls, HISTORY, "400: who called?", ["say", "answer"]),
    (crashes_on_strays, "a status from 400 to 499", "500: KeyError", ["say", "make_a_mistake"]),
    (wants_order, HISTORY, "400: out of order", ["say", "answer_in_another_order"]),
    (wants_the_tool, HISTORY, "400: no such tool", ["offer", "say", "withdraw", "answer"]),
    (minds_the_choice, "200", "500: no more calls", ["say", "answer"]),
]


def hunt(app: Minds, *, examples: int = 60, seed: int = 0) -> list[Wrong]:
    """Return what is found in conversations with an application."""
    with fuzzing(app, examples=examples, seed=seed) as (fuzzer, _):
        return list(fuzzer.talks())


def steps_of(found: Wrong) -> list[str]:
    """Return the names of the steps, the ways to answer as one."""
    names = [line.partition("(")[0] for line in found.steps.splitlines()[1:]]
    return ["answer" if name == "answer_with_an_error" else name for name in names]


@pytest.mark.parametrize(
    ("refuses", "expected", "got", "steps"), FOUND, ids=[row[0].__name__ for row in FOUND]
)
def test_it_is_found(
    refuses: Callable[[Body], Refuses], expected: str, got: str, steps: list[str]
) -> None:
    """What a server refuses in a conversation is found, with the fewest steps that lead to it."""
    app = Minds(refuses)
    (found,) = hunt(app)
    assert (found.place, found.expected, found.got) == ("status", expected, got)
    assert steps_of(found) in (steps, [*steps[:-1], "answer_in_another_order"])
    assert found.steps.startswith(DRAWN)
    assert len(app.bodies) <= FuzzSettings(examples=60).most + len(found.steps)


def test_what_is_shown() -> None:
    """A failure shows its steps as Python, under the options that draw them again."""
    found, again = hunt(Minds(crashes_on_strays)), hunt(Minds(crashes_on_strays))
    assert found[0].steps == "\n".join(
        [
            DRAWN,
            "say(text='Say ok.', choice='none', stream=False)",
            "make_a_mistake(why='a result of no call')",
        ]
    )
    assert again[0].steps == found[0].steps


def test_only_the_failure_stays() -> None:
    """Of all requests that fail the smallest stays in the traffic, and can be recorded."""
    with fuzzing(Minds(crashes_on_strays), examples=60) as (fuzzer, asker):
        (found,) = fuzzer.talks()
        failing = [e.contract.id for e in asker.traffic() if e.status == 500]
    assert failing == [found.exchange]
    assert fuzzer.failures == {found.exchange}


def test_a_seed_draws_other_steps() -> None:
    """The same seed holds the same conversations, another one others; ids of calls aside."""

    def said(seed: int) -> list[list[str]]:
        app = Minds()
        assert hunt(app, examples=30, seed=seed) == []
        return [roles(body) for body in app.bodies]

    assert said(0) == said(0)
    assert said(0) != said(1)


def test_a_conversation_goes_on() -> None:
    """The embedded server takes all that is said, in any order, and nothing is found."""
    app = Minds()
    for seed in range(3):
        assert hunt(app, examples=80, seed=seed) == []
    choices = {json.dumps(body["tool_choice"])[:11] for body in app.bodies}
    seen = {
        "streams": any(body.get("stream") for body in app.bodies),
        "tools": max(len(body["tools"]) for body in app.bodies) > 1,
        "results": any(roles(body).count("tool") > 1 for body in app.bodies),
        "turns": any(roles(body).count("user") > 2 for body in app.bodies),
    }
    assert all(seen.values()), seen
    assert choices == {'"none"', '"auto"', '"required"', '{"type": "f'}


def test_a_budget() -> None:
    """A server that does all right is asked no more than the examples."""
    app = Minds()
    assert hunt(app, examples=12) == []
    assert 6 < len(app.bodies) <= 12


def no_streams(body: Body) -> Refuses:
    """Refuse streams, and a tool by its name."""
    refused = body.get("stream") or isinstance(body["tool_choice"], dict)
    return (400, "not here") if refused else None


def test_a_feature_may_be_lacking() -> None:
    """What is refused without a history too is lacking, which is no finding."""
    assert hunt(Minds(no_streams), examples=80) == []


def test_what_is_lacking_is_not_asked_for() -> None:
    """A server without streams and without named tools is not asked for them."""
    app = Minds()
    with fuzzing(app, examples=40) as (fuzzer, _):
        fuzzer.has = lambda name: name == "tools"
        assert list(fuzzer.talks()) == []
    assert not any(body.get("stream") for body in app.bodies)
    assert {json.dumps(body["tool_choice"]) for body in app.bodies} == {
        '"none"',
        '"auto"',
        '"required"',
    }


def test_all_may_be_refused() -> None:
    """Where every conversation is refused from the start, the server says that it cannot."""
    said = "refused with 400: no tools here"
    with pytest.raises(Unsupported, match=said):
        hunt(Minds(lambda body: (400, "no tools here")))


def test_a_limit_ends_it() -> None:
    """A limit of the run holds, and what it left out is said."""
    reason = "fuzzed requests were answered, none of them wrongly: the limit of 3 requests"
    app = Minds()
    with fuzzing(app, requests=3) as (fuzzer, _), pytest.raises(Inconclusive, match=reason):
        list(fuzzer.talks())
    assert len(app.bodies) == 3


def test_a_hang_ends_it() -> None:
    """A conversation in which no answer comes is shown as it is, and no other one is held."""

    async def hangs_up(request: Request) -> Reply:
        return Reply(0, (), b"", verbatim=True)

    with fuzzing(hangs_up) as (fuzzer, asker):
        (found,) = fuzzer.talks()
        assert len(asker.traffic()) == 1
    assert (found.place, found.expected) == ("answer", "an answer")


def test_a_stream_that_was_left_is_part_of_it() -> None:
    """What goes wrong after a client left is not found without that step."""
    left: list[tuple[str, ...]] = []
    with fuzzing(Minds(), examples=60) as (healthy, asker):

        def send(contracts: Iterable[Contract]) -> list[Exchange]:
            found = asker.send(contracts)
            left.extend(exchange.contract.before for exchange in found)
            return [
                dataclasses.replace(exchange, status=500) if exchange.contract.before else exchange
                for exchange in found
            ]

        fuzzer = Fuzzer(
            healthy.settings,
            send=send,
            know=asker.know,
            forget=asker.forget,
            has=healthy.has,
            rules=lambda: Rulebook((), before=()),
        )
        (found,) = fuzzer.talks()
        company = asker.ask(found.exchange).company
    assert steps_of(found)[:2] == ["say", "leave"]
    assert len(steps_of(found)) == 3
    assert [(one.status, one.closed_early) for one in company] == [(200, True)]
    assert {len(ids) for ids in left} == {0, 1}


def test_what_was_left_tells_requests_apart() -> None:
    """A request after one that was left is another than the same request alone."""
    body = {"messages": [{"role": "user", "content": "Say ok."}]}
    left = make_left(body | {"stream": True})
    assert left.request.close_after_events == 1
    assert left.id != make_valid(body | {"stream": True}).id
    assert make_valid(body, before=[left]).before == (left.id,)
    assert make_valid(body, before=[left]).id != make_valid(body).id
