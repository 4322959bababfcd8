"""What a server's answers look like below JSON: headers, and the lines of an event stream."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_byom.gate.shapes import WORD, write_types

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

UNSEEN = frozenset(
    {"age", "alt-svc", "connection", "content-length", "date", "etag", "expires", "keep-alive"}
    | {"last-modified", "transfer-encoding"}
)
"""Headers that come and go with the connection, the cache and the size of the answer."""

VALUED = frozenset({"content-encoding", "content-type"})
"""Headers whose value counts; of others it counts that they are there."""

LINE_END = re.compile(rb"\r\n|\n|\r")


def seen_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the headers of an answer that a client may rely on."""
    found = {}
    for name, value in headers:
        name = name.lower()
        if name not in UNSEEN and WORD.fullmatch(name):
            found[name] = _plain_value(value) if name in VALUED else "present"
    return found


def _plain_value(value: str) -> str:
    """Return a media type the same way, however it is written."""
    parts = [part.strip().replace('"', "").lower() for part in value.split(";")]
    return "; ".join(part for part in parts if part).replace("|", " ").replace("?", " ")


def line_traits(body: bytes, events: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return how the lines of an event stream are written."""
    lines = LINE_END.split(body)
    fields = {line.partition(b":")[0] for line in lines if line and not line.startswith(b":")}
    spaces = {
        "space" if line[5:6] == b" " else "nothing" for line in lines if line.startswith(b"data:")
    }
    names = {name if WORD.fullmatch(name) else "other" for name, _ in events}
    found = {
        "line end": write_types({_NAMES[end] for end in LINE_END.findall(body)} or {"none"}),
        "after data:": write_types(spaces or {"none"}),
        "event": write_types(names or {"none"}),
    }
    found |= {
        f"field {name}": "present" for name in ("event", "id", "retry") if name.encode() in fields
    }
    comments = {_comment(line) for line in lines if line.startswith(b":")}
    return found | ({"comment": write_types(comments)} if comments else {})


_NAMES = {b"\r\n": "CRLF", b"\n": "LF", b"\r": "CR"}


def _comment(line: bytes) -> str:
    """Return the first word of a comment: what follows is often a time."""
    words = line[1:].decode("utf-8", "replace").split()
    return f": {words[0]}" if words and WORD.fullmatch(words[0]) else ":"
