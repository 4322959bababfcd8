"""The requests that mocks keep: of the clients of this process, and of a socket.

They are kept as they are when they come. Few tests look at URL and headers, so these are written
out when somebody asks for them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pytest_byom.client.redact import HiddenHeaders
from pytest_byom.mock.asked import AskedRequest, glance, lazy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_byom.mock.hosts import Claim
    from pytest_byom.mock.http_messages import Request


class TakenRequest(AskedRequest):
    """A request that a client handed to its transport; its body has been read, or is at hand.

    What becomes of the client's own is not seen here: an authentication changes that, and sends it
    again.
    """

    def __init__(self, request: Any, claim: Claim | None = None) -> None:
        self.method = request.method
        self.body = request.read()
        self.timeout = request.extensions.get("timeout") or {}
        self.at = time.monotonic()
        self.number = 0
        self.model, self.stream = glance(self.body)
        if claim is not None:
            self.is_chat = claim == "chat"
        self._url = request.url  # which cannot be changed
        self._headers: list[tuple[bytes, bytes]] = request.headers.raw  # a copy

    @lazy
    def url(self) -> str:
        """The URL."""
        return str(self._url)

    @lazy
    def path(self) -> str:
        """The path of the URL."""
        target: bytes = self._url.raw_path
        return target.partition(b"?")[0].decode("ascii")

    @lazy
    def headers(self) -> Mapping[str, str]:
        """The headers, with names in lower case."""
        return HiddenHeaders(
            {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in self._headers
            }
        )

    @property
    def content_type(self) -> str | None:
        """What the headers say that the body is."""
        for name, value in reversed(self._headers):  # of two the last one counts, as above
            if name.lower() == b"content-type":
                return value.decode("latin-1")
        return None


class ReceivedRequest(AskedRequest):
    """A request that came over a socket, to the server at `base`."""

    def __init__(self, request: Request, base: str) -> None:
        self.method = request.method
        self.body = request.body
        self.timeout = {}
        self.at = time.monotonic()
        self.number = 0
        self.model, self.stream = glance(self.body)
        self.path = request.path
        self._request = request
        self._base = base

    @lazy
    def url(self) -> str:
        """The URL."""
        query = f"?{self._request.query}" if self._request.query else ""
        return f"{self._base}{self._request.path}{query}"

    @lazy
    def headers(self) -> Mapping[str, str]:
        """The headers, with names in lower case."""
        return HiddenHeaders(self._request.headers)

    @property
    def content_type(self) -> str | None:
        """What the headers say that the body is."""
        for name, value in reversed(self._request.headers):
            if name == "content-type":
                return value
        return None
