"""One request as h11 reads it, and the framing of its answer: HTTP/1.1 with all its corners."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING

import h11

from pytest_byom.mock.http_messages import Headers, Reply, Request, error_reply

if TYPE_CHECKING:
    from collections.abc import Sequence

BODY_LIMIT = 32 * 1024 * 1024
"""Bytes of a request body: a few large images in base64; nginx takes 1 MiB, OpenAI 512 MiB."""

HEADER_LIMIT = 64 * 1024
"""Bytes of a request head: h11 alone takes 16 KiB, which long cookies and keys exceed."""

_TOO_LARGE = f"The request body is larger than {BODY_LIMIT} bytes."
_LONG_HEAD = f"The request headers are larger than {HEADER_LIMIT} bytes."


class Refused(Exception):
    """A request that is answered without the application; the connection ends with it."""

    def __init__(self, status: int, message: str) -> None:
        self.reply = error_reply(status, message, headers=(("connection", "close"),))


class Judge:
    """Reads one request and frames one answer. The bytes behind the request are left in `rest`."""

    def __init__(self) -> None:
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEADER_LIMIT)
        self._head: h11.Request | None = None
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> Request | None:
        """Return the request, once it is complete. Raises Refused for what is none."""
        self._http.receive_data(data)
        while (event := self._parse()) is not h11.NEED_DATA:
            match event:
                case h11.Request():
                    self._head = _check(event)
                case h11.Data():
                    self._keep(event.data)
                case h11.EndOfMessage() if self._head is not None:
                    return _make_request(self._head, self._parts)
        return None

    def _parse(self) -> object:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError as error:
            if error.error_status_hint == 431:
                raise Refused(431, _LONG_HEAD) from None
            raise Refused(400, f"Not HTTP: {error}.") from None

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > BODY_LIMIT:
            raise Refused(413, _TOO_LARGE)
        self._parts.append(bytes(data))

    @property
    def rest(self) -> bytes:
        """The bytes behind the request."""
        return self._http.trailing_data[0]

    def invite(self) -> bytes:
        """Return what tells a client to send the body, if it waits for that."""
        if not self._http.they_are_waiting_for_100_continue:
            return b""
        return self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b""

    @property
    def may_go_on(self) -> bool:
        """Whether both sides are done, and the connection can take another request."""
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    def open(self, reply: Reply) -> bytes:
        """Return the head of an answer. Raises h11.LocalProtocolError for a head that is none."""
        names = {name.lower() for name, _ in reply.headers}
        headers = list(reply.headers)
        if "date" not in names:
            headers.append(("date", formatdate(usegmt=True)))
        if isinstance(reply.body, bytes) and "content-length" not in names and reply.status != 204:
            headers.append(("content-length", str(len(reply.body))))
        return self._http.send(h11.Response(status_code=reply.status, headers=headers)) or b""

    def frame(self, piece: bytes) -> bytes:
        """Return a piece of the body as it goes out. Raises h11.LocalProtocolError."""
        return self._http.send(h11.Data(data=piece)) or b""

    def end(self) -> bytes:
        """Return what ends the body. Raises h11.LocalProtocolError."""
        return self._http.send(h11.EndOfMessage()) or b""


def _check(head: h11.Request) -> h11.Request:
    """Return a head that is not too large, and announces no body that is."""
    if sum(len(name) + len(value) + 4 for name, value in head.headers) > HEADER_LIMIT:
        raise Refused(431, _LONG_HEAD)
    if int(dict(head.headers).get(b"content-length", b"0")) > BODY_LIMIT:
        raise Refused(413, _TOO_LARGE)
    return head


def _make_request(head: h11.Request, parts: Sequence[bytes]) -> Request:
    target = head.target.decode("latin-1")
    if not target.startswith("/") and "://" in target:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    path, _, query = target.partition("?")
    headers: Headers = tuple((n.decode("ascii"), v.decode("latin-1")) for n, v in head.headers)
    return Request(head.method.decode("ascii"), path, query, headers, b"".join(parts))
