"""The common request and the common answer, read and written at a glance.

What is common is a small part of HTTP/1.1, and of that part this says the same as h11, byte for
byte: a test holds the two against each other. Whatever else comes is left to h11.
"""

from __future__ import annotations

import functools
import re
import time
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING

from pytest_byom.mock.http_judge import BODY_LIMIT, HEADER_LIMIT
from pytest_byom.mock.http_messages import Request

if TYPE_CHECKING:
    from pytest_byom.mock.http_messages import Headers, Reply

_NAME = r"[-!#$%&'*+.^_`|~0-9a-zA-Z]+"
_VALUE = r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?"
_LINE = re.compile(rf"({_NAME}): ({_VALUE})\r\n")
_REQUEST = re.compile(
    rf"(GET|POST) (/[\x21-\x3e\x40-\x7e]*)\??([\x21-\x7e]*) HTTP/1\.1\r\n"
    rf"((?:{_NAME}: {_VALUE}\r\n)+)\r\n"
)
_HEADERS = re.compile(rf"(?:{_NAME}: {_VALUE}\r\n)*")

_ASK_MORE = frozenset({"transfer-encoding", "expect", "upgrade"})
"""Headers of requests that are more than a length and a body."""

_FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "host"})
"""Headers of answers about which h11 has rules."""


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request, the number of its bytes, and how many the body has."""

    method: str
    path: str
    query: str
    headers: Headers
    raw: bytes
    length: int

    def complete(self, body: bytes) -> Request:
        """Return the request with its body."""
        return Request(self.method, self.path, self.query, self.headers, body)


def read_head(received: bytearray) -> Head | None:
    """Return the head with which these bytes begin; None if that is for h11 to judge."""
    end = received.find(b"\r\n\r\n", 0, HEADER_LIMIT) + 4
    raw = bytes(received[:end])
    found = _REQUEST.fullmatch(raw.decode("latin-1"))
    if found is None:
        return None
    method, path, query, lines = found.groups()
    headers = tuple([(name.lower(), value) for name, value in _LINE.findall(lines)])
    fields = dict(headers)
    length = fields.get("content-length", "0")
    if (
        len(fields) < len(headers)
        or "host" not in fields
        or not _ASK_MORE.isdisjoint(fields)
        or fields.get("connection", "keep-alive") != "keep-alive"
        or not (length.isdigit() and len(length) < 10 and int(length) <= BODY_LIMIT)
    ):
        return None
    return Head(method, path, query, headers, raw, int(length))


def write_head(reply: Reply, length: int | None) -> bytes | None:
    """Return the head of the answer to a common request; None if that is for h11 to judge.

    `length` is that of the body, None for one that is sent in chunks.
    """
    if not 200 <= reply.status < 600 or reply.status in (204, 304):
        return None
    lines = "".join([f"{name}: {value}\r\n" for name, value in reply.headers])
    names = {name.lower() for name, _ in reply.headers}
    if (
        _HEADERS.fullmatch(lines) is None
        or lines.count("\r\n") != len(reply.headers)  # there is a line end in a value,
        or ":" in "".join(names)  # or the end of a name within a name
        or not _FRAMING.isdisjoint(names)
    ):
        return None
    date = "" if "date" in names else f"date: {write_date()}\r\n"
    framing = "Transfer-Encoding: chunked" if length is None else f"content-length: {length}"
    return f"HTTP/1.1 {reply.status} \r\n{lines}{date}{framing}\r\n\r\n".encode("ascii")


def write_date() -> str:
    """Return the time as a header has it."""
    return _write_date(int(time.time()))


@functools.lru_cache(maxsize=1)
def _write_date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)
