"""`--byom-check-mocks`: do the replies of the tests' mocks still agree with a live server?

While the tests run, each reply that went out is kept with its request. When they are over, the
same requests go to the endpoint, with its own model, and the answers are compared by their shape.
Replies with a planned fault, and failures, have no live counterpart and are left out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.conformance.reach import NothingToJudge
from pytest_byom.conformance.target import Target
from pytest_byom.contract import Contract, RequestTemplate
from pytest_byom.contract.placeholders import escape_value
from pytest_byom.gate import fingerprint
from pytest_byom.gate.exit_codes import FAILED, GOOD, NO_TESTS, NOTHING_JUDGED
from pytest_byom.gate.fingerprint import Answer
from pytest_byom.gate.promises import Held, hold
from pytest_byom.mock.dialect import list_dialects
from pytest_byom.mock.replies import STRAIGHT
from pytest_byom.suite_prints import events_of, plain_answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_byom.mock.log import Served
    from pytest_byom.mock.mock import Scripted
    from pytest_byom.suite_run import SuiteRun

NAME = "byom-mock-checks"
KEPT = "byom_replies"
AGREES = Held()
NEXT = "    next      change the reply"


@dataclass(frozen=True, kw_only=True)
class GivenReply:
    """A reply that went out in a test, as plain data."""

    test: str
    written: str
    place: str
    dialect: str
    body: str
    status: int
    headers: tuple[tuple[str, str], ...]
    content: str

    @property
    def stream(self) -> bool:
        """Whether a stream was asked for."""
        return json.loads(self.body).get("stream") is True


def _keep(test: str, dialect: str, served: Served) -> GivenReply | None:
    """Return a reply that a server can be held to; None for what is none."""
    entry, said, answer = served.entry, served.said, served.answer
    planned = getattr(said, "flow", STRAIGHT) != STRAIGHT or answer.trouble or answer.delay
    if served.kind != "reply" or entry is None or planned or not served.asked.members:
        return None
    return GivenReply(
        test=test,
        written=entry.written,
        place=entry.place,
        dialect=dialect,
        body=json.dumps(served.asked.members, sort_keys=True),
        status=answer.status,
        headers=answer.headers,
        content=answer.content.decode("latin-1"),
    )


@dataclass
class _Compared:
    """One reply of a script, and what became of it at one endpoint."""

    reply: GivenReply
    tests: list[str] = field(default_factory=list)
    held: Held = AGREES
    trouble: str = ""


class MockChecks:
    """Registered for a run with --byom-check-mocks only."""

    def __init__(self, config: pytest.Config, run: SuiteRun) -> None:
        self._config = config
        self._run = run
        self._replies: list[GivenReply] = []
        self._found: dict[str, list[_Compared]] = {}
        self._troubles: dict[str, str] = {}
        self._lost = False
        self._is_worker = hasattr(config, "workerinput")

    def note(self, test: str, mock: Scripted) -> None:
        """Keep the replies that a test's mock gave."""
        kept = (_keep(test, mock.dialect_name, served) for served in mock.log.served)
        self._replies += [reply for reply in kept if reply is not None]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """Take over what a worker kept."""
        output = getattr(node, "workeroutput", None)
        self._lost |= output is None or bool(error)
        self._replies += _read(json.loads((output or {}).get(KEPT, "[]")))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._is_worker:
            kept = json.dumps([vars(reply) for reply in self._replies])
            self._config.workeroutput[KEPT] = kept  # type: ignore[attr-defined]
            return
        if self._config.option.collectonly or session.exitstatus not in (GOOD, FAILED, NO_TESTS):
            return
        for name in self._run.names if self._replies else ():
            self._compare(name)
        session.exitstatus = self._exit_code(int(session.exitstatus))

    def _exit_code(self, status: int) -> int:
        if status == FAILED or any(one.held.broken for one in self._all()):
            return FAILED
        decided = any(not one.trouble and one.held.agrees for one in self._all())
        return status if decided and not (self._troubles or self._lost) else NOTHING_JUDGED

    def _all(self) -> Iterator[_Compared]:
        for found in self._found.values():
            yield from found

    def _compare(self, name: str) -> None:
        requests = {reply.body: f"mock/{number}" for number, reply in enumerate(self._replies)}
        contracts = {id: _contract(id, body) for body, id in requests.items()}
        target = Target(
            self._run.endpoints[name],
            model=self._config.getoption("byom_model"),
            load=_loader(contracts, self._run.shelf.load),
            models=self._run.registry.models,
        )
        try:
            target.open(())
        except NothingToJudge as trouble:
            self._troubles[name] = str(trouble)
            return
        try:
            self._found[name] = [
                _held(reply, tests, target, requests[reply.body])
                for reply, tests in _distinct(self._replies)
            ]
        finally:
            target.close()

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self._config.option.collectonly:
            return
        terminalreporter.section("mocks")
        for line, style in self._lines():
            terminalreporter.write_line(line, **style)

    def _lines(self) -> Iterator[tuple[str, dict[str, bool]]]:
        if not self._replies:
            yield "no test got a reply from a mock: there is nothing to compare", {"red": True}
        for name, trouble in self._troubles.items():
            yield f"{name}: {trouble}", {"red": True}
        if self._lost:
            yield "a worker died: the replies that it saw are missing", {"red": True}
        for name, found in self._found.items():
            yield from _endpoint_lines(name, found, self._run.endpoints[name].dialect)


def _read(kept: list[dict[str, Any]]) -> Iterator[GivenReply]:
    for data in kept:
        yield GivenReply(**{**data, "headers": tuple(map(tuple, data["headers"]))})


def _contract(id: str, body: str) -> Contract:
    """Return the contract that asks an endpoint what an app asked a mock."""
    asked = escape_value(json.loads(body)) | {"model": "${model}"}
    return Contract(id=id, title="what an app asked", request=RequestTemplate(body=asked))


def _loader(own: dict[str, Contract], load: Callable[[str], Contract]) -> Callable[[str], Contract]:
    return lambda id: own[id] if id in own else load(id)


def _distinct(replies: list[GivenReply]) -> list[tuple[GivenReply, list[str]]]:
    """Return each reply of a script to each request once, with the tests that got it."""
    found: dict[tuple[str, ...], tuple[GivenReply, list[str]]] = {}
    for reply in replies:
        key = (reply.written, reply.place, reply.dialect, reply.body)
        tests = found.setdefault(key, (reply, []))[1]
        if reply.test not in tests:
            tests.append(reply.test)
    return list(found.values())


def _held(reply: GivenReply, tests: list[str], target: Target, id: str) -> _Compared:
    exchange = target.ask(id)
    if exchange.status is None:
        return _Compared(reply, tests, trouble=target.shower.redact(exchange.trouble))
    live = plain_answer(exchange, model="")  # a mock's model has a name of its own
    return _Compared(reply, tests, held=hold(_promised(reply, live), live))


def _promised(reply: GivenReply, live: Answer) -> Answer:
    content = reply.content.encode("latin-1")
    streams = any(n == "content-type" and "event-stream" in value for n, value in reply.headers)
    return Answer(
        kind=fingerprint.STREAM if reply.stream else fingerprint.PLAIN,
        asked=live.asked,
        status=reply.status,
        headers=reply.headers,
        body=content,
        events=events_of(content) if streams else None,
    )


def _endpoint_lines(
    name: str, found: list[_Compared], dialect: str
) -> Iterator[tuple[str, dict[str, bool]]]:
    broken = [one for one in found if one.held.broken]
    open_ = [one for one in found if one.trouble or one.held.unseen]
    agree = len(found) - len(broken) - len(open_)
    others = f"{len(broken)} not, {len(open_)} could not be compared"
    style = {"red": bool(broken), "green": not broken}
    yield f"{name}: {_count(agree)} with the server, {others}", style
    for one in broken:
        yield from _shown(one)
        yield from ((f"    {sentence}", {}) for sentence in one.held.broken)
        yield _next_step(one.reply, dialect), {}
    for one in open_:
        yield from _shown(one)
        if one.trouble:
            yield f"    the server gave no answer: {one.trouble}", {}
        else:
            parts = ", ".join(one.held.unseen)
            yield f"    the model did otherwise: its answer has no such part ({parts})", {}


def _next_step(reply: GivenReply, dialect: str) -> str:
    if dialect == reply.dialect or dialect not in list_dialects():
        return NEXT
    return f'{NEXT}, or speak as this server does: @pytest.mark.byom(dialect="{dialect}")'


def _shown(one: _Compared) -> Iterator[tuple[str, dict[str, bool]]]:
    more = f" and {len(one.tests) - 1} more" if len(one.tests) > 1 else ""
    yield f"  {one.reply.written} ({one.reply.place}), in {one.tests[0]}{more}", {}


def _count(number: int) -> str:
    return "1 reply agrees" if number == 1 else f"{number} replies agree"
