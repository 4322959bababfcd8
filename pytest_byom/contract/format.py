"""What a contract holds: one exchange, what the client makes of it, and what any server owes.

A contract says what is asked (`request`) and how the API sees that request (`kind`), what a real
server answered (`response`, with `recorded` or `modelled_on`), what our client core makes of that
answer (`client`), and what the answer of any server has to satisfy (`expect`). Its id is its path
below the contracts folder, without the ending: `chat/plain`.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["valid", "broken", "open"]
"""valid: the API asks for a 200. broken: the request is at fault, 4xx. open: both are right."""

Key = Literal["right", "wrong", "none", "lower-case-scheme"]
"""Which Authorization header goes with the request."""

Sending = Literal["whole", "chunked", "half"]
"""How the body goes out: with its length, in chunked coding, or half of it and then nothing."""

KINDS = ("valid", "broken", "open")
LEVELS = ("must", "should", "may")

_NO_BLOCK = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""What a block of a YAML file cannot hold as it is: it would be read back as something else."""


@dataclass(frozen=True, kw_only=True)
class RequestTemplate:
    """What is asked, before its placeholders are filled.

    `body` is sent as JSON; `body_text` is sent as it is, in UTF-8; `body_base64` are bytes that no
    text holds, and have no placeholders. `headers` are added to the usual ones; a null value takes
    a header out. `ascii: false` sends the body's characters as they are, not as escapes.
    `close_after_events` lets the client leave after so many events, with 0 as soon as the request
    is sent. `pause` is how many seconds it does not read once the answer has begun.
    """

    method: str = "POST"
    path: str = "/chat/completions"
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: Any = None
    body_text: str | None = None
    body_base64: str | None = None
    key: Key = "right"
    ascii: bool = True
    sending: Sending = "whole"
    close_after_events: int | None = None
    pause: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """Where and when an answer was recorded."""

    server: str
    version: str = ""
    model: str = ""
    date: str = ""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server answered: status, a few headers, and the body in one of four forms.

    `body` is JSON, `sse` the text of an event stream, `body_text` any other text, `body_base64`
    bytes that no text holds exactly: no UTF-8, or lines that end in CR. `arrivals` are
    (milliseconds, bytes) of each read of a stream; 0 milliseconds where only the cuts are known.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    body_text: str | None = None
    sse: str | None = None
    body_base64: str | None = None
    arrivals: tuple[tuple[float, int], ...] = ()

    @classmethod
    def of(
        cls,
        content: bytes,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        arrivals: tuple[tuple[float, int], ...] = (),
    ) -> Answer:
        """Return the answer with these bytes as its body, in the most readable form."""
        form = _form_of(content, (headers or {}).get("content-type", ""))
        return cls(status=status, headers=headers or {}, arrivals=arrivals, **form)

    @property
    def content(self) -> bytes:
        """The body in bytes. JSON is written anew: its white space is not part of a contract."""
        if self.body_base64 is not None:
            return base64.b64decode(self.body_base64)
        text = self.body_text if self.sse is None else self.sse
        if text is None:
            text = "" if self.body is None else json.dumps(self.body, ensure_ascii=False)
        return text.encode()

    @property
    def pieces(self) -> list[bytes]:
        """The body cut as it arrived; in one piece if that is not known."""
        content, start = self.content, 0
        pieces = []
        for _, size in self.arrivals:
            pieces.append(content[start : start + size])
            start += size
        return [piece for piece in [*pieces, content[start:]] if piece]


@dataclass(frozen=True, kw_only=True)
class Contract:
    """One exchange; see the module.

    `follows` names the contract whose answer this request needs, `alone` keeps other requests
    away from it. `before` names contracts that are sent first, one after another, over the same
    connection; `beside` those that are sent at the same time, `times` how often this one is:
    `${number}` tells them apart. No more are under way than `limits.concurrency` says, unless it
    is a `flood`. `level` is how much a user's own contract weighs when an answer breaks it.
    """

    id: str
    title: str
    request: RequestTemplate
    kind: Kind = "valid"
    level: str = "must"
    follows: str = ""
    alone: bool = False
    before: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    times: int = 1
    flood: bool = False
    recorded: Recorded | None = None
    modelled_on: str = ""
    response: Answer | None = None
    client: Mapping[str, Any] | None = None
    expect: Mapping[str, Any] | None = None

    @property
    def requests(self) -> int:
        """How many requests it takes to ask this."""
        return len(self.before) + len(self.beside) + self.times

    @property
    def is_answered(self) -> bool:
        """Whether an answer is waited for."""
        return self.request.close_after_events != 0 and self.request.sending != "half"

    @property
    def is_chat(self) -> bool:
        """Whether this is a POST to the chat completions path, whatever its query."""
        path = self.request.path.partition("?")[0]
        return self.request.method == "POST" and path == "/chat/completions"

    @property
    def asks_stream(self) -> bool:
        """Whether the body asks for a stream."""
        body = self.request.body
        return isinstance(body, dict) and body.get("stream") is True

    @property
    def asks_plain(self) -> bool:
        """Whether the body asks for no stream; a `stream` of the wrong type asks for neither."""
        body = self.request.body
        return not isinstance(body, dict) or body.get("stream") in (None, False)


def fits_block(text: str) -> bool:
    """Whether a text can stand in a block of a YAML file and be read back as it is."""
    return not _NO_BLOCK.search(text)


def _form_of(content: bytes, kind: str) -> dict[str, Any]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(content).decode()}
    if "event-stream" in kind or re.match(r"(data|event|id|retry)?:", text):
        if fits_block(text):
            return {"sse": text}
        return {"body_base64": base64.b64encode(content).decode()}
    found, value = _json_of(text)
    return {"body": value} if found else {"body_text": text}


def _json_of(text: str) -> tuple[bool, Any]:
    """Return whether a text is JSON that a YAML file holds without loss, and its value."""
    if text[:1] not in "{[" or text != text.rstrip():
        return False, None  # white space around it is worth keeping: clients stumble on it
    try:
        value = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate cannot be written
    except (ValueError, RecursionError):
        return False, None
    return True, value


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")
