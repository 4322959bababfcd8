"""Fuzzing: what is drawn, what is said of the answers, and how small a failure is made."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.conformance.asking import Asker
from pytest_byom.conformance.catalogue import all_checks
from pytest_byom.conformance.finding import Inconclusive, Unsupported, Wrong
from pytest_byom.conformance.fuzz import drawing, searching
from pytest_byom.conformance.fuzz.budget import kind_of
from pytest_byom.conformance.fuzz.fuzzer import Fuzzer, FuzzSettings
from pytest_byom.conformance.fuzz.judging import Rulebook
from pytest_byom.conformance.fuzz.making import make_body, make_broken, make_valid
from pytest_byom.conformance.fuzz.taming import tame, without_odd_characters
from pytest_byom.conformance.sending import Aim, build_request
from pytest_byom.contract import dump_contract, read_contract
from pytest_byom.mock.http1 import Application, BackgroundServer, Reply, Request, error_reply
from pytest_byom.registry import Limits

from .making import HELLO, JSON, make_exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def answer(**members: Any) -> Reply:
    """Answer by the rules, but for these members."""
    body = {**HELLO, "created": int(time.time()), "model": "byom-embedded", **members}
    return Reply(200, JSON, json.dumps(body).encode())


DRAWN = ("valid_requests", "valid_streams", "conversations", "parameters", "tool_requests")
HELLO_BODY = {"messages": [{"role": "user", "content": "Say ok."}]}


class Server:
    """Answers with what `answer` gives for the body of a request, and keeps the bodies."""

    def __init__(self, answer: Callable[[Any], Reply]) -> None:
        self.bodies: list[bytes] = []
        self._answer = answer

    async def __call__(self, request: Request) -> Reply:
        self.bodies.append(request.body)
        try:
            return self._answer(json.loads(request.body))
        except ValueError:
            return error_reply(400, "no JSON")


@contextlib.contextmanager
def fuzzing(
    app: Application, *, examples: int = 10, seed: int = 0, **limits: Any
) -> Iterator[tuple[Fuzzer, Asker]]:
    """Give a fuzzer of this application, for which every rule of the suite holds so far."""
    with BackgroundServer(app) as server:
        aim = Aim(base_url=f"{server.url}/v1", model="byom-embedded")
        asker = Asker(aim, Limits(**{"timeout": 5.0} | limits))
        try:
            yield (
                Fuzzer(
                    FuzzSettings(examples=examples, seed=seed),
                    send=asker.send,
                    know=asker.know,
                    forget=asker.forget,
                    has=lambda name: True,
                    rules=lambda: Rulebook(all_checks().values(), before=()),
                ),
                asker,
            )
        finally:
            asker.close()


def draw(name: str, *, count: int = 12, seed: str = "0", has: bool = True) -> list[Any]:
    """Draw as a check does."""
    strategy = getattr(drawing, name)(lambda capability: has)
    return searching.draw_values(strategy, count=count, seed=seed)


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_is_drawn_again(name: str) -> None:
    """One seed gives the same requests, another one others."""
    assert draw(name) == draw(name)
    assert draw(name) != draw(name, seed="1")


@pytest.mark.parametrize("name", ["valid_requests", "parameters"])
def test_what_is_lacking_is_not_drawn(name: str) -> None:
    """A server that lacks an optional feature is not asked for it."""
    bodies = draw(name, count=60, has=False)
    sent = {member for body in bodies for member in body}
    assert "temperature" in sent
    assert sent.isdisjoint({"stop", "logprobs", "n", "tools"})


def refuses_long(body: Any) -> Reply:
    """Crash on a text of more than three characters."""
    text = body["messages"][-1]["content"]
    long = len(text if isinstance(text, str) else "".join(part["text"] for part in text)) > 3
    return error_reply(500, "too long") if long else answer()


def test_a_failure_is_made_small() -> None:
    """Of all requests that fail the smallest is shown, and it alone stays in the traffic."""
    server = Server(refuses_long)
    with fuzzing(server, examples=20) as (fuzzer, asker):
        (found,) = fuzzer.valid("conversations")
        exchange = asker.ask(found.exchange)
        failing = [e.contract.id for e in asker.traffic() if e.status == 500]
    assert (found.place, found.expected, found.got) == ("status", "200", "500: too long")
    assert exchange.request_json["messages"] == [{"role": "user", "content": "0000"}]
    assert failing == [found.exchange]
    assert fuzzer.failures == {found.exchange}
    assert len(server.bodies) <= FuzzSettings(examples=20).most


def test_a_failure_replays_from_its_contract() -> None:
    """What was shown is a contract: written and read again it asks for the same, and expects it."""
    with fuzzing(Server(refuses_long)) as (fuzzer, asker):
        (found,) = fuzzer.valid("conversations")
        exchange = asker.ask(found.exchange)
    text = dump_contract(exchange.contract)
    read = read_contract(text, id=exchange.contract.id, shown="a.yaml")
    assert read == exchange.contract
    assert read.expect == {"status": 200}
    assert build_request(read, Aim(base_url="http://a", model="byom-embedded")).body == (
        exchange.sent.body
    )


def test_nothing_wrong() -> None:
    """A server that answers by the rules is asked each request once, and no more."""
    server = Server(lambda body: answer())
    with fuzzing(server, examples=10) as (fuzzer, _):
        assert list(fuzzer.valid("conversations")) == []
    assert 5 < len(server.bodies) <= 10


def test_a_rule_is_broken() -> None:
    """An answer that breaks a rule names the rule."""
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 99}
    with fuzzing(Server(lambda body: answer(usage=usage))) as (fuzzer, _):
        (found,) = fuzzer.valid("parameters")
    assert found.place == "usage.total: usage.total_tokens"


def test_a_rule_that_is_broken_everywhere_is_no_news() -> None:
    """What other answers showed already is not said again of fuzzed ones."""
    rules = Rulebook(all_checks().values(), before=[make_exchange({**HELLO, "object": "text"})])
    assert rules.wrongs(make_exchange({**HELLO, "object": "text"})) == []
    assert rules.wrongs(make_exchange({**HELLO, "choices": 7})) != []


def refuses_user(body: Any) -> Reply:
    """Refuse one parameter, whatever its value."""
    return error_reply(400, "user is not supported") if "user" in body else answer()


def test_a_feature_may_be_lacking() -> None:
    """A server that refuses a parameter with any value lacks it, and that is no finding."""
    with fuzzing(Server(refuses_user), examples=20) as (fuzzer, _):
        assert list(fuzzer.valid("parameters")) == []


def refuses_control(body: Any) -> Reply:
    """Refuse control characters."""
    odd = body != without_odd_characters(body)
    return error_reply(400, "odd text") if odd else answer()


def test_odd_characters_may_be_refused() -> None:
    """A server may refuse control characters, and nothing is said of it."""
    with fuzzing(Server(refuses_control), examples=30) as (fuzzer, _):
        assert list(fuzzer.valid("conversations")) == []


def test_all_may_be_refused() -> None:
    """Where all is refused, nothing is judged: the server says that it cannot."""
    server = Server(lambda body: error_reply(400, "no tools here"))
    said = "refused with 400: no tools here"
    with fuzzing(server) as (fuzzer, _), pytest.raises(Unsupported, match=said):
        list(fuzzer.valid("tool_requests"))


def refuses_cold(body: Any) -> Reply:
    """Refuse some values of a parameter, and take others."""
    return error_reply(400, "too cold") if (body.get("temperature") or 1) < 1 else answer()


def test_a_value_may_not_be_refused() -> None:
    """A server that takes a parameter has to take its legal values."""
    with fuzzing(Server(refuses_cold), examples=40) as (fuzzer, _):
        (found,) = fuzzer.valid("parameters")
    assert found.expected == "200, as for the same request with everyday values"
    assert found.got == "400: too cold"


@pytest.mark.parametrize("status", [401, 429, 503])
def test_a_busy_server_is_not_judged(status: int) -> None:
    """A status that is not about the request decides nothing."""
    server = Server(lambda body: error_reply(status, "later"))
    said = f"answered with {status}: later"
    with fuzzing(server) as (fuzzer, _), pytest.raises(Inconclusive, match=said):
        list(fuzzer.valid("parameters"))


def test_a_limit_ends_it() -> None:
    """A limit of the run holds for fuzzing, and what it left out is said."""
    server = Server(lambda body: answer())
    reason = (
        r"^3 of 10 fuzzed requests were answered, none of them wrongly: the limit of 3 requests"
    )
    with fuzzing(server, requests=3) as (fuzzer, _), pytest.raises(Inconclusive, match=reason):
        list(fuzzer.valid("conversations"))
    assert len(server.bodies) == 3


def test_a_hang_is_a_finding() -> None:
    """A request that gets no answer is shown as it is: making it small would take forever."""

    async def hangs(request: Request) -> Reply:
        if b"Say ok, number" not in request.body:
            await asyncio.Event().wait()
        return answer()

    with fuzzing(hangs, timeout=0.3) as (fuzzer, _):
        found = list(fuzzer.broken("bodies"))
    assert [(w.place, w.expected) for w in found] == [("answer", "an answer")]
    assert found[0].got.startswith("no answer: not a byte for 0.3 s")


async def sleeps(request: Request) -> Reply:
    """Answer nobody."""
    await asyncio.Event().wait()
    raise AssertionError("nobody sets this event")


@pytest.mark.parametrize("name", ["bodies", "broken_requests"])
def test_a_slow_server_is_not_judged(name: str) -> None:
    """Where a usual request gets no answer in time either, nothing is said of the other."""
    with fuzzing(sleeps, timeout=0.1) as (fuzzer, _), pytest.raises(Inconclusive):
        list(fuzzer.broken(name))


def test_a_slow_server_is_not_judged_by_valid_requests() -> None:
    """So it is with valid requests."""
    with fuzzing(sleeps, timeout=0.1) as (fuzzer, _), pytest.raises(Inconclusive):
        list(fuzzer.valid("parameters"))


class Dies:
    """A server that is gone after the first broken body."""

    def __init__(self) -> None:
        self.server: BackgroundServer | None = None

    async def __call__(self, request: Request) -> Reply:
        return Reply(0, (), b"", verbatim=True)


def test_a_server_that_dies_is_a_finding() -> None:
    """A server that hangs up on broken requests is found, and so is that it is gone."""
    with fuzzing(Dies(), concurrency=1) as (fuzzer, asker):
        found = list(fuzzer.broken("broken_requests"))
        assert asker.gone
        with pytest.raises(Inconclusive):
            list(fuzzer.alive())
    assert {w.place for w in found} == {"answer"}


def crashes(body: Any) -> Reply:
    """Crash on what is no object."""
    return error_reply(400, "no") if isinstance(body, dict) else error_reply(500, "crash")


def test_broken_bodies() -> None:
    """A 5xx for bytes that are no request is found, with the smallest of them."""
    with fuzzing(Server(crashes), examples=30) as (fuzzer, asker):
        (found,) = fuzzer.broken("bodies", refused=True)
        assert asker.ask(found.exchange).sent.body in (b"7", b"[]")
    assert found.expected == "a status from 400 to 499"


def test_broken_requests_that_are_accepted() -> None:
    """A broken request that is accepted is a matter of its own check."""
    with fuzzing(Server(lambda body: answer())) as (fuzzer, _):
        assert list(fuzzer.broken("broken_requests")) == []
        (found,) = fuzzer.accepted("broken_requests")
    assert (found.place, found.got) == ("status", "200")


def test_errors_have_an_object() -> None:
    """A refusal is held to the rules of errors."""
    with fuzzing(Server(lambda body: Reply(400, JSON, b'{"detail": "no"}'))) as (fuzzer, _):
        found = list(fuzzer.broken("broken_requests"))
    assert "errors.object: body" in [wrong.place for wrong in found]


def test_alive_needs_fuzzing() -> None:
    """Nothing is said of a server that was not fuzzed."""
    with fuzzing(Server(lambda body: answer())) as (fuzzer, _), pytest.raises(Inconclusive):
        list(fuzzer.alive())


TAME: list[tuple[str, Any, Any]] = [
    ("temperature", 0.3, 1),
    ("top_p", None, None),
    ("seed", 77, 1),
    ("stop", "§", "END"),
    ("stop", ["a", "b"], ["END0", "END1"]),
    ("user", "ß", "user"),
    ("tool_choice", "none", "none"),
]


@pytest.mark.parametrize(("name", "value", "usual"), TAME)
def test_tame(name: str, value: Any, usual: Any) -> None:
    """The twin of a request has the same members, with everyday values; null stays null."""
    assert tame({name: value}) == {name: usual}


@pytest.mark.parametrize(
    ("text", "plain"),
    [("a\x00b", "axb"), ("\x85", "x"), ("\ufffe", "x"), ("é\n\t🙂", "é\n\t🙂"), ("\x7f", "x")],
)
def test_odd_characters(text: str, plain: str) -> None:
    """Control characters and noncharacters are odd, white space and emoji are not."""
    assert without_odd_characters({"a": [text, 1]}) == {"a": [plain, 1]}


def test_tame_messages() -> None:
    """Roles, parts and calls stay; what is said becomes something that everybody says."""
    call = {"id": "c", "type": "function", "function": {"name": "ä", "arguments": "{}"}}
    body = {
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "ä"}]},
            {"role": "assistant", "content": None, "tool_calls": [call]},
        ],
        "tools": [{"type": "function", "function": {"name": "ä", "parameters": {}}}],
    }
    made = tame(body)
    assert made["messages"][0] == {
        "role": "system",
        "content": [{"type": "text", "text": "Say ok."}],
    }
    assert made["messages"][1]["content"] is None
    assert json.dumps(made).isascii()
    assert "ä" not in json.dumps(made, ensure_ascii=False)
    assert tame(made) == made


CONTRACTS = [
    make_valid({"model": "m", **HELLO_BODY}),
    make_valid({"messages": [{"role": "user", "content": "${model} $${ \n"}]}),
    make_broken({"messages": None}, "messages is None"),
    make_body(b"\xff{", "a byte", tolerated=True),
    make_body(b'{"a": "${model}', "cut", tolerated=False),
]


@pytest.mark.parametrize(
    "contract", CONTRACTS, ids=[c.request.body_text or c.id for c in CONTRACTS]
)
def test_contracts(contract: Any) -> None:
    """What is made here is a contract that a file holds without loss."""
    read = read_contract(dump_contract(contract), id=contract.id, shown="a.yaml")
    assert read == contract


def test_placeholders_are_not_filled() -> None:
    """A text that looks like a placeholder is sent as it was drawn."""
    sent = build_request(CONTRACTS[1], Aim(base_url="http://a", model="m")).body
    assert json.loads(sent)["messages"][0]["content"] == "${model} $${ \n"
    assert build_request(CONTRACTS[4], Aim(base_url="http://a", model="m")).body == (
        b'{"a": "${model}'
    )


def test_wrong_is_named_by_its_kind() -> None:
    """Numbers in a place do not make two failures of one kind two."""
    first = Wrong(place="event 3, choices.0.delta", expected="", got="")
    other = Wrong(place="event 12, choices.1.delta", expected="", got="")
    assert kind_of(first) == kind_of(other)
