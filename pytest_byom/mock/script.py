"""A script: which reply a request gets.

Rules are tried in the order in which they were written, then the queue. In the queue each reply is
used once, or as often as `times` says; a rule gives its replies in order and then repeats the last.
A conversation picks by the number of answers that the request holds, so that a request that is
sent again gets the same reply, and conversations side by side do not mix.
"""

from __future__ import annotations

import operator
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pytest_byom.client.errors import UsageError
from pytest_byom.mock.answer import Answer
from pytest_byom.mock.matchers import Difference, Matcher, find_differences, name_of
from pytest_byom.mock.replies import Failure, Reply, make_failure, make_reply, read_said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_byom.mock.asked import AskedRequest

    Saying: TypeAlias = Reply | Failure | Callable[[AskedRequest], Any]
    Times: TypeAlias = int | Literal["any"]

FIELDS = (
    "first_user", "headers", "host", "json", "last_user", "messages", "model", "path", "schema",
    "stream", "system", "tool", "tool_result", "turn",
)  # fmt: skip
"""What `when` may ask for, by name."""

_PLAIN = (str, bool)
"""Types of which two values are equal, or not; there is no more to it."""

HERE = str(Path(__file__).parents[1])


@dataclass(eq=False)
class Entry:
    """A reply in a script: how it was written and where, how often it may be and was used."""

    saying: Saying
    written: str
    place: str
    times: Times = 1
    used: int = 0

    @property
    def left(self) -> bool:
        """Whether it may be used again."""
        return self.times == "any" or self.used < self.times

    @property
    def owed(self) -> bool:
        """Whether it was used less often than it is there for."""
        return self.times != "any" and self.used < self.times


class Speaking:
    """What takes replies and failures, one after another."""

    def _add(self, entry: Entry) -> None:
        raise NotImplementedError

    def reply(self, content: Any = None, *, times: Times = 1, **members: Any) -> Any:
        """Say this: a text, the list of its pieces, or a function from the request to either.

        `tool_calls`, `parsed`, `from_schema`, `reasoning`, `refusal`, `usage`, `finish_reason`,
        `logprobs`, `choices`, `model`, `id` and `headers` say what the answer is; `delay`, `pace`,
        `stall`, `stall_after`, `cut_after`, `clean_cut`, `corrupt`, `error_after`, `error`,
        `split`, `done` and `real` how it goes out. `times` is how often it is used: a number, or
        "any". Raises UsageError for what is not known.
        """
        if callable(content):
            if members:
                raise UsageError("reply(): a function gives the whole reply; leave out the rest")
            saying: Saying = content
        else:
            saying = make_reply(content, **members)
        given = {} if content is None else {"": content}
        self._add(make_entry("reply", saying, given | members, times))
        return self

    def fail(self, status: int | None = None, *, times: Times = 1, **members: Any) -> Any:
        """Answer with an error: a status, or `timeout`, or `connection`.

        `message`, `type`, `code`, `param` fill the error; `body` takes its place; `headers`,
        `retry_after` (seconds, a date, a text) and `retry_after_ms` go with it. A failure that
        clients retry has `retry-after-ms: 1`, so that the test does not wait; `retry_after_ms=None`
        leaves it out. Raises UsageError for what is not known.
        """
        failure = make_failure(status, **members)
        given = {} if status is None else {"": status}
        self._add(make_entry("fail", failure, given | members, times))
        return self


class Rule(Speaking):
    """Replies to requests of one kind; the last one is repeated."""

    def __init__(self, conditions: dict[str, Any], written: str, *, by_turn: bool = False) -> None:
        self.conditions = conditions
        self.written = written
        self.entries: list[Entry] = []
        self._by_turn = by_turn
        self._asks = [(name, _reader(name), pattern) for name, pattern in conditions.items()]

    def _add(self, entry: Entry) -> None:
        self.entries.append(entry)

    def fits(self, asked: AskedRequest) -> bool:
        """Whether this rule takes a request."""
        for name, read, pattern in self._asks:
            value = read(asked)
            if type(pattern) in _PLAIN:
                if pattern != value or type(value) is not type(pattern):
                    return False
            elif next(find_differences(pattern, value, name), None) is not None:
                return False
        return True

    def find_differences(self, asked: AskedRequest) -> list[Difference]:
        """Return why this rule does not take a request; nothing if it does."""
        return list(self._differences(asked))

    def _differences(self, asked: AskedRequest) -> Iterator[Difference]:
        for name, read, pattern in self._asks:
            yield from find_differences(pattern, read(asked), _place(name))

    def next_entry(self, asked: AskedRequest) -> Entry | None:
        """Return the reply that is due."""
        if not self.entries:
            return None
        if self._by_turn:
            return self.entries[asked.turn - 1] if asked.turn <= len(self.entries) else None
        for entry in self.entries:
            if entry.left:
                return entry
        return entry if entry.times == 1 else None


def _reader(name: str) -> Callable[[AskedRequest], Any]:
    """Return what reads from a request the value that a condition is about."""
    if name.startswith("where"):
        return lambda asked: asked
    if name == "tool":
        return lambda asked: [tool.get("name") for tool in asked.tools]
    if name == "tool_result":
        return lambda asked: asked.tool_results[-1] if asked.tool_results else None
    return operator.attrgetter(name)


def _place(name: str) -> str:
    return "request" if name.startswith("where") else name


@dataclass
class Script:
    """Rules and a queue, safe to use from several threads."""

    rules: list[Rule] = field(default_factory=list)
    queue: list[Entry] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, asked: AskedRequest) -> Entry | None:
        """Return the reply that a request gets, and count it as used; None if there is none."""
        with self._lock:
            entry = self._find(asked)
            if entry is not None:
                entry.used += 1
            return entry

    def _find(self, asked: AskedRequest) -> Entry | None:
        for rule in self.rules:
            if rule.fits(asked) and (entry := rule.next_entry(asked)) is not None:
                return entry
        for entry in self.queue:
            if entry.left:
                return entry
        return None

    @property
    def entries(self) -> list[tuple[Rule | None, Entry]]:
        """Every reply, with its rule if it has one."""
        found: list[tuple[Rule | None, Entry]] = [
            (rule, entry) for rule in self.rules for entry in rule.entries
        ]
        return [*found, *((None, entry) for entry in self.queue)]

    @property
    def unused(self) -> list[tuple[Rule | None, Entry]]:
        """The replies that were used less often than they are there for."""
        return [(rule, entry) for rule, entry in self.entries if entry.owed]


def make_conditions(functions: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """Check the arguments of `when(...)`."""
    from difflib import get_close_matches

    for name in named:
        if name not in FIELDS:
            near = get_close_matches(name, FIELDS, n=1)
            hint = f"did you mean {near[0]}=? " if near else ""
            raise UsageError(f"when() has no argument {name}=; {hint}There are {', '.join(FIELDS)}")
    for function in functions:
        if not callable(function):
            raise UsageError(
                f"when({function!r}): what stands without a name is a function of the request"
            )
    if not functions and not named:
        raise UsageError("when() needs a condition, such as last_user='Hi'")
    conditions = {f"where {place}": function for place, function in enumerate(functions)}
    if isinstance(named.get("tool"), str):
        named = {**named, "tool": _Offers(named["tool"])}
    if isinstance(named.get("headers"), dict):
        named["headers"] = {name.lower(): value for name, value in named["headers"].items()}
    return {**conditions, **named}


@dataclass(frozen=True)
class _Offers(Matcher):
    name: str

    def matches(self, value: Any) -> bool:
        return self.name in value

    def __str__(self) -> str:
        return f"a tool named {self.name}"

    def __repr__(self) -> str:
        return repr(self.name)


def say(saying: Saying, asked: AskedRequest) -> Reply | Failure | Answer:
    """Return what is said to a request; a function is asked."""
    if isinstance(saying, Reply | Failure):
        return saying
    said = saying(asked)
    return said if isinstance(said, Answer | Failure) else read_said(said)


def make_entry(name: str, saying: Saying, given: dict[str, Any], times: Times) -> Entry:
    """Return an entry that knows how it was written, and where. Raises UsageError for `times`."""
    if times != "any" and (isinstance(times, bool) or not isinstance(times, int) or times < 1):
        raise UsageError(f"times={times!r}: give a number from 1 on, or 'any'")
    more = {"times": times} if times != 1 else {}
    return Entry(saying, write_down(name, given | more), find_place(), times)


def write_down(name: str, given: dict[str, Any]) -> str:
    """Return a call as it may have been written, cut to what a person reads."""
    parts = []
    for key, value in given.items():
        shown = name_of(value) if callable(value) else repr(value)
        shown = shown if len(shown) <= 60 else f"{shown[:58]} …"
        parts.append(f"{key}={shown}" if key and not key.startswith("where") else shown)
    return f"{name}({', '.join(parts)})"


def find_place() -> str:
    """Return file and line of the code that called into this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(HERE):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"
