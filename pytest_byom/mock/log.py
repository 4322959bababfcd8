"""What a mock was asked, and what it did about it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_byom.mock.answer import Answer
    from pytest_byom.mock.asked import AskedRequest
    from pytest_byom.mock.replies import Failure, Reply
    from pytest_byom.mock.script import Entry

Kind = Literal[
    "reply", "failure", "models", "refused", "unmatched", "blocked", "unserved", "raised"
]


@dataclass(eq=False, slots=True)
class Served:
    """One request and what became of it.

    `note` says why a request was refused or a reply could not be made. `finished` tells whether
    the client read the answer to its end; None if it was not tried.
    """

    asked: AskedRequest
    kind: Kind
    answer: Answer
    said: Reply | Failure | None = None
    entry: Entry | None = None
    note: str = ""
    finished: bool | None = None


class Log:
    """Keeps what was served, numbered in the order of arrival.

    Threads need no lock here: counting and appending are each one step.
    """

    def __init__(self) -> None:
        self.served: list[Served] = []
        self._numbers = itertools.count(1)
        self._watchers: list[Callable[[Served], object]] = []

    def number(self, asked: AskedRequest) -> None:
        """Give a request its number."""
        asked.number = next(self._numbers)

    def add(self, served: Served) -> Served:
        """Keep one more."""
        self.served.append(served)
        for watcher in self._watchers:
            watcher(served)
        return served

    def watch(self, watcher: Callable[[Served], object]) -> None:
        """Tell `watcher` of whatever is served from now on."""
        self._watchers.append(watcher)
