"""The common request and the common answer, read and written at a glance.

What is common is a small part of HTTP/1.1, and of that part this says the same as h11, byte for
byte: a test holds the two against each other. Whatever else comes is left to h11.
"""

from __future__ import annotations

import functools
import re
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, NamedTuple

from pytest_byom.mock.http_judge import BODY_LIMIT, HEADER_LIMIT
from pytest_byom.mock.http_messages import Request

if TYPE_CHECKING:
    from pytest_byom.mock.http_messages import Headers, Reply

_REQUEST = re.compile(r"(GET|POST) (/[\x21-\x3e\x40-\x7e]*)(?:\?([\x21-\x7e]*))? HTTP/1\.1")
_NAME = r"[-!#$%&'*+.^_`|~0-9a-zA-Z]+"
_LINE = re.compile(rf"({_NAME}): ([\x21-\x7e][\x20-\x7e]*)\r\n")
_is_name = re.compile(_NAME).fullmatch

_ASK_MORE = frozenset({"transfer-encoding", "expect", "upgrade"})
"""Headers of requests that are more than a length and a body."""

_FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "host"})
"""Headers of answers about which h11 has rules."""


class Head(NamedTuple):
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
    end = received.find(b"\r\n\r\n", 0, HEADER_LIMIT)
    if end < 0:
        return None
    raw = bytes(received[: end + 4])
    first, _, lines = raw.decode("latin-1").partition("\r\n")
    found = _REQUEST.fullmatch(first)
    headers = [(name.lower(), value) for name, value in _LINE.findall(lines)]
    size = sum([len(name) + len(value) + 4 for name, value in headers])
    if found is None or size + 2 != len(lines) or " \r\n" in lines:
        return None  # what was found is not all that there is
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
    method, path, query = found.groups("")
    return Head(method, path, query, tuple(headers), raw, int(length))


def write_head(reply: Reply, length: int | None) -> bytes | None:
    """Return the head of the answer to a common request; None if that is for h11 to judge.

    `length` is that of the body, None for one that is sent in chunks.
    """
    if not 200 <= reply.status < 600 or reply.status in (204, 304):
        return None
    names, values = zip(*reply.headers, strict=True) if reply.headers else ((), ())
    form, dated = _make_form(names)
    text = "".join(values)
    if not form or not text.isascii() or not text.isprintable():
        return None
    lines = form % values
    if ":  " in lines or " \r\n" in lines:  # a value is empty or has a space at an end, perhaps
        return None
    date = "" if dated else f"date: {write_date()}\r\n"
    framing = "Transfer-Encoding: chunked" if length is None else f"content-length: {length}"
    return f"HTTP/1.1 {reply.status} \r\n{lines}{date}{framing}\r\n\r\n".encode("ascii")


@functools.lru_cache(maxsize=64)
def _make_form(names: tuple[str, ...]) -> tuple[str, bool]:
    """Return the form of some headers, empty if they are for h11, and whether one is the date."""
    lower = [name.lower() for name in names]
    if not names or not all(map(_is_name, names)) or not _FRAMING.isdisjoint(lower):
        return "", False
    return "".join(f"{name.replace('%', '%%')}: %s\r\n" for name in names), "date" in lower


def write_date() -> str:
    """Return the time as a header has it."""
    return _write_date(int(time.time()))


@functools.lru_cache(maxsize=1)
def _write_date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)
