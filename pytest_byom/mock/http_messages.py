"""What an HTTP server and its application say to each other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `path` is percent-encoded as it came, names in `headers` are lower case."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first value of a header, whatever the case of its name."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key == wanted), None)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: bytes go out with their length, an iterator in chunked coding.

    With `verbatim` nothing is added, computed or checked: the head is written as given, the body
    follows as it comes, and the connection is closed.
    """

    status: int
    headers: Headers
    body: bytes | AsyncIterator[bytes]
    verbatim: bool = False


class Pieces:
    """A body whose pieces are at hand: nobody waits for one of them, whoever else has to."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.take: Callable[[], bytes | None] = partial(next, iter(pieces), None)
        """Returns the next piece; None if there is no other."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        piece = self.take()
        if piece is None:
            raise StopAsyncIteration
        return piece


class Broken(Exception):
    """Raised by an application, or by its body, that wants the connection broken.

    What was sent before arrives. With `reset` the client sees a reset in place of an end.
    """

    def __init__(self, *, reset: bool = False) -> None:
        super().__init__("the connection is broken on purpose")
        self.reset = reset


class Application(Protocol):
    """Whatever answers requests."""

    async def __call__(self, request: Request) -> Reply:
        """Answer one request; what is raised becomes a 500."""
        ...


class PromptApplication(Protocol):
    """Whatever answers requests, most of them at once."""

    def __call__(self, request: Request) -> Reply | Awaitable[Reply]:
        """Answer one request, now or when it is awaited; what is raised becomes a 500."""
        ...


AnyApplication = Application | PromptApplication


def error_reply(
    status: int, message: str, *, type: str = "invalid_request_error", headers: Headers = ()
) -> Reply:
    """Build an answer with OpenAI's error object."""
    error = {"message": message, "type": type, "param": None, "code": None}
    fixed = (("content-type", "application/json"), ("x-request-id", f"req_{token_hex(16)}"))
    return Reply(status, (*fixed, *headers), json.dumps({"error": error}).encode())
