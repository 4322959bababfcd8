"""The script with all that answers from it: what byom_mock and byom_server have in common."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote

from pytest_byom.mock.answer import Answer, plan_body, plan_delay, plan_stream
from pytest_byom.mock.dialect import DEFAULT, fill, load_dialect
from pytest_byom.mock.embedded.errors import ApiError
from pytest_byom.mock.embedded.render import write_event, write_json
from pytest_byom.mock.hosts import Claim, find_claim, is_of
from pytest_byom.mock.log import Log, Served
from pytest_byom.mock.refusing import (
    error_values,
    read_request,
    refusal,
    refuse_entry,
    write_failure,
)
from pytest_byom.mock.repeating import Writings, write_once
from pytest_byom.mock.replies import STRAIGHT, Failure, Reply
from pytest_byom.mock.script import (
    Rule,
    Script,
    Speaking,
    make_conditions,
    make_entry,
    say,
    write_down,
)
from pytest_byom.mock.verdict import (
    MOST_ATTEMPTS,
    find_all,
    find_endless_waits,
    find_hurry,
    find_retried_refusals,
    find_storms,
    find_taken_cuts,
    require,
)
from pytest_byom.mock.wording import explain_at_once, write_report

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_byom.mock.answer import Step
    from pytest_byom.mock.asked import AskedRequest
    from pytest_byom.mock.embedded.chat_request import ChatRequest
    from pytest_byom.mock.log import Kind
    from pytest_byom.mock.script import Entry, Times

LISTING = {"object": "list", "data": "{data}"}
SERVED = "/chat/completions or /models"
NO_RETRY = {"x-should-retry": "false"}


class Scripted(Speaking):
    """A script, the requests that it saw, and the answers that it gave.

    `requests` holds the chat requests in the order of their arrival. `strict` says whether what
    does not fit fails the test, `validate` whether requests are refused as the server would.
    """

    name = "byom_mock"

    def __init__(
        self, *, dialect: str = DEFAULT, validate: bool = True, strict: bool = True
    ) -> None:
        self.script = Script()
        self.log = Log()
        self._writings = Writings()
        self.validate = validate
        self.strict = strict
        self._dialect = load_dialect(dialect)
        self._models: tuple[str, ...] = ()
        self._hosts: tuple[str, ...] = ()

    def _add(self, entry: Entry) -> None:
        self.script.queue.append(entry)

    def start(self) -> None:
        """Begin to take requests."""
        raise NotImplementedError

    def stop(self) -> None:
        """Take no request any more."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.stop()
        if kind is None and self.strict:
            self.verify()

    def when(self, *functions: Any, **conditions: Any) -> Rule:
        """Return a rule for requests of one kind, to which replies are added.

        Conditions by name: `model`, `last_user`, `first_user`, `system`, `tool` (a function on
        offer), `tool_result`, `turn`, `stream`, `json`, `messages`, `schema`, `headers`, `host`,
        `path`. A mapping is a subset. A value may be a matcher (`contains`, `matches`,
        `anything`) or a function; what has no name is a function of the whole request.
        Raises UsageError for a condition that is none.
        """
        return self._add_rule("when", functions, conditions)

    def conversation(self, *functions: Any, **conditions: Any) -> Rule:
        """Return a rule whose replies are the answers of a conversation, in their order.

        The answer is picked by the number of answers that the request holds.
        """
        return self._add_rule("conversation", functions, conditions, by_turn=True)

    def _add_rule(
        self,
        name: str,
        functions: tuple[Any, ...],
        conditions: dict[str, Any],
        *,
        by_turn: bool = False,
    ) -> Rule:
        written = write_down(name, _written(functions, conditions))
        rule = Rule(make_conditions(functions, conditions), written, by_turn=by_turn)
        self.script.rules.append(rule)
        return rule

    def from_contract(self, id: str, *, folder: Path | None = None, times: Times = 1) -> Self:
        """Answer as a contract says that a real server did, such as "chat/tools-required".

        A stream is sent event by event. If the app asks for a stream and the contract has none, or
        the other way round, the same is said in the form that is asked for. `folder` is one of
        contracts of your own. Raises ContractError if there is no such contract.
        """
        from pytest_byom.mock.from_contract import make_saying

        given = {"": id} if folder is None else {"": id, "folder": str(folder)}
        self._add(make_entry("from_contract", make_saying(id, folder), given, times))
        return self

    def dialect(self, name: str) -> Self:
        """Answer as this server does from now on: "groq", "ollama", "vllm" and so on."""
        self._dialect = load_dialect(name)
        return self

    @property
    def dialect_name(self) -> str:
        """The name of the dialect that is spoken."""
        return self._dialect.name

    def models(self, *names: str) -> Self:
        """Serve these models and no other."""
        self._models = names
        return self

    def hosts(self, *names: str) -> Self:
        """Claim requests to these hosts only, such as "llm.internal" or "localhost:8000"."""
        self._hosts = names
        return self

    @property
    def requests(self) -> list[AskedRequest]:
        """The chat requests in the order of their arrival."""
        return [one.asked for one in self.log.served if one.asked.is_chat and one.kind != "blocked"]

    def claims(self, method: str, path: str, url: Any = None) -> Claim | None:
        """Return what a request asks of this mock, None if it is not for it.

        `url` has the host and the port, if they are to be of those that are claimed.
        """
        claim = find_claim(method, path)
        if claim is None or not self._hosts:
            return claim
        return claim if url is not None and is_of(url.host, url.port, self._hosts) else None

    def answer(self, asked: AskedRequest) -> Served:
        """Answer a request of the API, whatever it is."""
        self.log.number(asked)
        values = self._values(asked)
        if not asked.is_chat:
            return self._list_models(asked, values)
        request: ChatRequest | None = None
        try:
            if self.validate:
                request = read_request(asked, self._dialect, self._models)
        except ApiError as error:
            given = refusal(error, self._dialect, values)
            note = asked.redactor.text(str(error))
            return self._served(asked, "refused", given, note=note)
        return self._take(asked, request, values)

    def _values(self, asked: AskedRequest) -> dict[str, Any]:
        model = asked.model or self._dialect.model
        values: dict[str, Any] = {"created": int(time.time()), "model": model}
        values["request"] = fill(self._dialect.ids["request"], values)
        return values

    def _served(self, asked: AskedRequest, kind: Kind, answer: Answer, **more: Any) -> Served:
        return self.log.add(Served(asked, kind, answer, **more))

    def _take(
        self, asked: AskedRequest, request: ChatRequest | None, values: Mapping[str, Any]
    ) -> Served:
        entry = self.script.take(asked)
        if entry is None:
            note = explain_at_once(asked, self.script)
            return self._served(asked, "unmatched", self._complain(note, values), note=note)
        try:
            said = say(entry.saying, asked)
            if isinstance(said, Failure):
                given = write_failure(said, self._dialect, values)
                return self._served(asked, "failure", given, said=said, entry=entry)
            if isinstance(said, Answer):
                return self._served(asked, "reply", said, entry=entry)
            if said.from_schema:
                said = self._complete(said, asked, request)
            write = self._writings.write if said is entry.saying else write_once
            given = self._answer(said, asked, values, write(said, asked, self._dialect, values))
        except Exception as error:
            said_of = f"{entry.written} ({entry.place}) raised {type(error).__name__}: {error}"
            note = asked.redactor.text(said_of)
            return self._served(asked, "raised", self._complain(note, values), note=note)
        return self.log.add(Served(asked, "reply", given, said, entry))

    def _complain(self, note: str, values: Mapping[str, Any]) -> Answer:
        """Return the answer to what nothing takes: no client asks such a thing again."""
        failure = Failure(status=400, message=note, type="byom_no_reply", headers=NO_RETRY)
        return write_failure(failure, load_dialect(DEFAULT), values)

    def block(self, asked: AskedRequest) -> Served:
        """Refuse a request for a real server."""
        self.log.number(asked)
        note = (
            f"byom: {asked.host} is a real server, and a mock is active: the request was not sent"
        )
        return self._served(asked, "blocked", self._complain(note, self._values(asked)), note=note)

    def turn_away(self, asked: AskedRequest) -> Served:
        """Refuse a request for a path that is not served."""
        self.log.number(asked)
        note = f"byom: {asked.method} {asked.path} is not served; what is served ends in {SERVED}"
        failure = Failure(status=404, message=note, headers=NO_RETRY)
        given = write_failure(failure, self._dialect, self._values(asked))
        return self._served(asked, "unserved", given, note=note)

    def _complete(self, said: Reply, asked: AskedRequest, request: ChatRequest | None) -> Reply:
        from pytest_byom.mock.from_schema import make_from_schema

        return make_from_schema(said, asked, request)

    def _answer(
        self, said: Reply, asked: AskedRequest, values: Mapping[str, Any], written: list[bytes]
    ) -> Answer:
        """Return the answer that sends what was written, as the reply says how."""
        body: bytes | tuple[Step, ...]
        flow = said.flow
        if flow is STRAIGHT:  # as most are
            body = tuple(written) if asked.stream else written[0]
        elif asked.stream:
            body = plan_stream(written, flow, self._error_events(said, values))
        else:
            body = plan_body(written[0], flow)
        headers: dict[str, str] = fill(self._dialect.header_form(stream=asked.stream), values)
        if said.headers:
            own = {name.lower(): str(value) for name, value in said.headers.items()}
            headers = {**headers, **own}
        return Answer(200, tuple(headers.items()), body, plan_delay(flow))

    def _error_events(self, said: Reply, values: Mapping[str, Any]) -> list[bytes]:
        """Return the events of an error inside of a stream."""
        if said.flow.error_after is None:
            return []
        error = said.flow.error
        if isinstance(error, dict):
            return [write_event(error)]
        failure = Failure(status=500, message=error if isinstance(error, str) else None)
        dialect = self._dialect
        filled = {**values, **error_values(failure, dialect)}
        form = dialect.error_event or {"data": dialect.error_form(500).body}
        event = write_event(fill(form["data"], filled))
        return [f"event: {form['event']}\n".encode() + event if "event" in form else event]

    def _list_models(self, asked: AskedRequest, values: Mapping[str, Any]) -> Served:
        dialect = self._dialect
        names = self._models or (dialect.model,)
        form = dialect.models
        entries = {name: fill(form["entry"], {**values, "model": name}) for name in names}
        headers: dict[str, str] = fill(dialect.header_form(stream=False), values)
        wanted = unquote(asked.path).partition("/models")[2].lstrip("/")
        if wanted and (wanted not in entries or not form.get("retrieves", True)):
            return self._served(asked, "models", refuse_entry(wanted, dialect, values))
        data: Any = entries.get(wanted)
        if not wanted:
            data = fill(form.get("list", LISTING), {**values, "data": list(entries.values())})
        found = Answer(200, tuple(headers.items()), write_json(data))
        return self._served(asked, "models", found)

    def report(self, *, with_unused: bool = True) -> str:
        """Return what does not fit between script and requests; empty if all does."""
        return write_report(self.script, self.log.served, name=self.name, with_unused=with_unused)

    def verify(self) -> None:
        """Raise AssertionError if a request got no reply, or a reply no request."""
        if found := self.report():
            raise AssertionError(found)

    def assert_resilient(self, answer: Any = None, *, most_attempts: int = MOST_ATTEMPTS) -> None:
        """Raise AssertionError for what the app's client did wrong about errors.

        It retried what was refused for good, came back before the server said, retried without
        end, has no read timeout, or took a cut stream for a whole one. `answer` is what the app
        made of the last stream, if it made anything of it.
        """
        require(find_all(self.log.served, most=most_attempts, answer=answer))

    def assert_no_retry_of_refusals(self) -> None:
        """Raise AssertionError if a 400, or its like, was asked again."""
        require(find_retried_refusals(self.log.served))

    def assert_retry_after_obeyed(self) -> None:
        """Raise AssertionError if the client came back before the server said."""
        require(find_hurry(self.log.served))

    def assert_no_retry_storm(self, most_attempts: int = MOST_ATTEMPTS) -> None:
        """Raise AssertionError if one request was sent more often than that, and failed."""
        require(find_storms(self.log.served, most=most_attempts))

    def assert_read_timeout(self) -> None:
        """Raise AssertionError if the client would have waited for ever."""
        require(find_endless_waits(self.log.served))

    def assert_cut_noticed(self, answer: Any = None) -> None:
        """Raise AssertionError if a cut stream was taken for a whole one."""
        require(find_taken_cuts(self.log.served, answer=answer))

    def reset(self) -> None:
        """Forget the script and all requests."""
        self.script, self.log, self._writings = Script(), Log(), Writings()


def _written(functions: tuple[Any, ...], conditions: dict[str, Any]) -> dict[str, Any]:
    numbered = {f"where {place}": function for place, function in enumerate(functions)}
    return {**numbered, **conditions}
