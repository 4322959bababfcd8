"""What a script says: replies and failures, as data.

A reply is the answer of a model, whatever the way it is asked for: whole or as a stream. `Flow`
says how its bytes go out, and what goes wrong on the way.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pytest_byom.client.errors import UsageError

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable, Mapping, Sequence

    from pytest_byom.mock.asked import AskedRequest

    Maker = Callable[[AskedRequest], Any]

UNSET: Any = type("_Unset", (), {"__repr__": lambda _: "UNSET"})()

Text = str | tuple[str, ...] | None
Split = Literal["event", "every byte", "line"] | int | tuple[int, ...]
TIMEOUTS = ("connect", "read", "write", "pool")
CONNECTIONS = ("refused", "reset", "closed")


@dataclass(frozen=True, slots=True)
class ScriptedCall:
    """A call of a tool, as the model of a script makes it: its arguments are JSON text."""

    name: str
    arguments: str
    id: str | None = None

    def __repr__(self) -> str:
        try:
            named = json.loads(self.arguments)
            shown = [f"{name}={value!r}" for name, value in named.items()]
        except (ValueError, AttributeError):
            shown = [repr(self.arguments)]
        return f"call({', '.join([repr(self.name), *shown])})"


def call(name: str, arguments: Any = UNSET, /, **named: Any) -> ScriptedCall:
    """Return a call of the tool `name`: `call("get_weather", city="Paris")`.

    In the place of named arguments stands a mapping, or a text that is sent as it is, be it broken.
    """
    if arguments is UNSET:
        arguments = named
    elif named:
        raise UsageError(f"call({name!r}): give the arguments by name, or as one value, not both")
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    return ScriptedCall(name, arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The usage of a reply."""

    input: int
    output: int
    cached: int = 0
    reasoning: int = 0


class _Brief:
    """Shows of itself what is not as usual."""

    __slots__ = ()

    def __repr__(self) -> str:
        known: Any = self
        given = {one.name: getattr(self, one.name) for one in dataclasses.fields(known)}
        usual: Any = type(self)()
        shown = [f"{k}={v!r}" for k, v in given.items() if v != getattr(usual, k)]
        return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Flow(_Brief):
    """How an answer goes out.

    Seconds are virtual in process: they are held against the client's limits, and nobody waits,
    unless `real`. Events are counted from 1, the bytes of a whole answer are one event.
    """

    delay: float = 0.0
    pace: float = 0.0
    stall: float = 0.0
    stall_after: int = 0
    cut_after: int | None = None
    clean_cut: bool = False
    corrupt: int | None = None
    error_after: int | None = None
    error: Mapping[str, Any] | str | None = None
    split: Split = "event"
    done: bool = True
    real: bool = False


STRAIGHT = Flow()
"""An answer that simply goes out."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Reply(_Brief):
    """The answer of a model. A tuple of texts is sent in these pieces when it is streamed."""

    content: Text = None
    reasoning: Text = None
    refusal: str | None = None
    tool_calls: tuple[ScriptedCall, ...] = ()
    from_schema: bool = False
    usage: Tokens | None = None
    finish_reason: str | None = UNSET
    logprobs: tuple[tuple[str, float], ...] | None = None
    choices: tuple[Reply, ...] = ()
    model: str | None = None
    id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    flow: Flow = STRAIGHT

    @property
    def text(self) -> str:
        """The content in one piece."""
        return join(self.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An answer that is none: a status with an error, a body of any kind, or no answer at all."""

    status: int = 500
    message: str | None = None
    type: str | None = None
    code: Any = UNSET
    param: str | None = None
    body: Any = UNSET
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: str | None = None
    connection: str | None = None
    flow: Flow = STRAIGHT


def join(text: Text) -> str:
    """Return a text in one piece."""
    return "".join(text) if isinstance(text, tuple) else text or ""


def make_reply(content: Any = None, **members: Any) -> Reply:
    """Check the arguments of `reply(...)` and return what they mean."""
    if isinstance(content, Reply):
        if members:
            raise UsageError(f"reply(Reply(...)) says it all: leave out {next(iter(members))}=")
        return content
    flow = _make_flow(members)
    parsed = members.pop("parsed", UNSET)
    choices = members.pop("choices", ())
    known = {one.name for one in dataclasses.fields(Reply)} - {"content", "flow"}
    _refuse_unknown("reply", members, {*known, "parsed"})
    if parsed is not UNSET:
        content = _write_parsed(parsed, content)
    if isinstance(content, list):
        content = tuple(content)
    calls = members.pop("tool_calls", ())
    calls = (calls,) if isinstance(calls, ScriptedCall) else tuple(calls)
    _check_texts(content, members, calls)
    if isinstance(members.get("reasoning"), list):
        members["reasoning"] = tuple(members["reasoning"])
    members["usage"] = _make_usage(members.get("usage"))
    if members.get("logprobs") is not None:
        members["logprobs"] = tuple((str(text), float(p)) for text, p in members["logprobs"])
    made = Reply(content=content, tool_calls=calls, flow=flow, **members)
    return dataclasses.replace(made, choices=tuple(map(read_said, choices))) if choices else made


def read_said(said: Any) -> Reply:
    """Return the reply that a plain value stands for: a text, its pieces, calls, or arguments."""
    if isinstance(said, Reply):
        return said
    if isinstance(said, ScriptedCall):
        return make_reply(tool_calls=[said])
    if isinstance(said, list) and said and all(isinstance(one, ScriptedCall) for one in said):
        return make_reply(tool_calls=said)
    if isinstance(said, dict):
        return make_reply(**said)
    if isinstance(said, str | list):
        return make_reply(said)
    raise UsageError(
        f"a reply is a text, a list of its pieces, calls, or a mapping of the arguments of reply(),"
        f" not {type(said).__name__}"
    )


def make_failure(
    status: int | None = None,
    *,
    retry_after: float | str | datetime.datetime | datetime.timedelta | None = None,
    retry_after_ms: float | None = UNSET,
    **members: Any,
) -> Failure:
    """Check the arguments of `fail(...)` and return what they mean."""
    flow = _make_flow(members)
    known = {one.name for one in dataclasses.fields(Failure)} - {"status", "flow"}
    _refuse_unknown("fail", members, {*known, "retry_after", "retry_after_ms"})
    timeout, connection = members.get("timeout"), members.get("connection")
    if sum(one is not None for one in (status, timeout, connection)) != 1:
        raise UsageError(
            "fail(): give a status, such as 429, or timeout=, or connection=: one of them"
        )
    _refuse_other("timeout", timeout, TIMEOUTS)
    _refuse_other("connection", connection, CONNECTIONS)
    if status is not None and not 200 <= status <= 599:
        raise UsageError(f"fail({status}): a status is a number from 200 to 599")
    headers = {str(name).lower(): str(value) for name, value in members.pop("headers", {}).items()}
    headers = {**_retry_headers(status, retry_after, retry_after_ms), **headers}
    return Failure(status=status or 500, headers=headers, flow=flow, **members)


def _retry_headers(status: int | None, after: Any, milliseconds: Any) -> dict[str, str]:
    """Return the headers that tell when to come back.

    Unless told otherwise, a client that knows `retry-after-ms` comes back at once: a scripted
    retry need not cost the test time.
    """
    from email.utils import format_datetime

    found: dict[str, str] = {}
    if milliseconds is UNSET:
        retried = status is not None and (status in (408, 409, 429) or status >= 500)
        milliseconds = 1 if retried else None
    if after is not None:
        if hasattr(after, "total_seconds"):
            after = after.total_seconds()
        if hasattr(after, "timetuple"):
            after = format_datetime(after.astimezone(_utc()), usegmt=True)
        found["retry-after"] = f"{after:g}" if isinstance(after, int | float) else str(after)
    if milliseconds is not None:
        found["retry-after-ms"] = f"{milliseconds:g}"
    return found


def _utc() -> datetime.timezone:
    import datetime

    return datetime.UTC


def _make_flow(members: dict[str, Any]) -> Flow:
    names = {one.name for one in dataclasses.fields(Flow)}
    given = {name: members.pop(name) for name in names & members.keys()}
    if not given:
        return STRAIGHT
    if isinstance(given.get("split"), list):
        given["split"] = tuple(given["split"])
    flow = Flow(**given)
    for name in ("delay", "pace", "stall"):
        seconds = getattr(flow, name)
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise UsageError(f"{name}={seconds!r}: give seconds, 0 or more")
        if flow.real and math.isinf(seconds):
            raise UsageError(f"{name}={seconds!r} with real=True would wait for ever")
    for name in ("cut_after", "corrupt", "error_after", "stall_after"):
        _refuse_number(name, getattr(flow, name), least=1 if name == "corrupt" else 0)
    _refuse_split(flow.split)
    return flow


def _refuse_number(name: str, value: Any, *, least: int) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise UsageError(f"{name}={value!r}: give a number of events, {least} or more")


def _refuse_split(split: Any) -> None:
    sizes = split if isinstance(split, tuple) else (split,) if isinstance(split, int) else ()
    if sizes and all(isinstance(size, int) and size > 0 for size in sizes):
        return
    if split not in ("event", "every byte", "line"):
        raise UsageError(
            f"split={split!r}: give 'event', 'every byte', 'line', a number of bytes, or a list"
        )


def _refuse_unknown(name: str, members: Mapping[str, Any], known: set[str]) -> None:
    from difflib import get_close_matches

    flow = {one.name for one in dataclasses.fields(Flow)}
    for member in members:
        if member not in known:
            near = get_close_matches(member, sorted(known | flow), n=1)
            hint = f"; did you mean {near[0]}=?" if near else ""
            raise UsageError(f"{name}() has no argument {member}={hint}")


def _refuse_other(name: str, value: Any, known: Sequence[str]) -> None:
    if value is not None and value not in known:
        names = ", ".join(map(repr, known))
        raise UsageError(f"fail({name}={value!r}): give one of {names}")


def _check_texts(content: Any, members: Mapping[str, Any], calls: Sequence[Any]) -> None:
    for name, value in (("content", content), ("reasoning", members.get("reasoning"))):
        pieces = value if isinstance(value, list | tuple) else () if value is None else (value,)
        if not all(isinstance(piece, str) for piece in pieces):
            raise UsageError(
                f"reply(): {name} is a text or a list of its pieces, not {type(value).__name__};"
                " for a value that becomes JSON use parsed="
            )
    if not all(isinstance(one, ScriptedCall) for one in calls):
        raise UsageError("reply(): tool_calls is a list of call(...)")


def _write_parsed(parsed: Any, content: Any) -> str:
    if content is not None:
        raise UsageError("reply(): give the content or parsed=, not both")
    dump = getattr(parsed, "model_dump_json", None)  # a pydantic model
    return str(dump()) if dump is not None else json.dumps(parsed, ensure_ascii=False)


def _make_usage(usage: Any) -> Tokens | None:
    if usage is None or isinstance(usage, Tokens):
        return usage
    try:
        return (
            Tokens(**usage) if isinstance(usage, dict) else Tokens(input=usage[0], output=usage[1])
        )
    except (TypeError, IndexError):
        raise UsageError(
            f"usage={usage!r}: give (input, output), or a mapping of input, output, cached,"
            " reasoning"
        ) from None
