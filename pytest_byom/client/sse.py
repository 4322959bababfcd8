"""Bytes of an event stream in, server-sent events out: WHATWG HTML, 9.2.5 and 9.2.6.

The decoder knows no socket and no client. Where the bytes are cut means nothing: any cutting of
a stream gives the same events. Its rules, for whoever changes it:

- A line ends at LF, CR or CRLF, and nowhere else. A CR ends its line at once; an LF that follows
  it, in whatever chunk, belongs to it.
- One BOM is dropped, at the very start only.
- Bytes are split first and decoded after: no line end is part of a UTF-8 sequence, so decoding
  line by line gives what decoding the whole gives. Bad bytes become U+FFFD.
- What is kept between two feeds is one unfinished event: never more than `max_event_bytes`.
- Each byte is looked at a fixed number of times: a line that comes in pieces is searched only
  where it is new, and beyond its first KiB it grows in a bytearray.
- `_take` is the decoder. All that `feed` does besides are short cuts for what nearly all streams
  are, events of one line `data: `: they take what they know whole, or leave it to `_take`.
"""

from __future__ import annotations

from typing import NoReturn

from pytest_byom.client.errors import EventTooLarge, UsageError

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""The default limit. An image as base64 in one chunk has a few MiB; a stream that never ends a
line has no bound. (aiohttp-sse-client2 stops at 512 KiB, others nowhere.)"""

_BOM = b"\xef\xbb\xbf"
_COLON, _LF, _CR = b":\n\r"  # `_LF in chunk` is one memchr, and the quickest question
_LF_RUN = (b"\n\n", "\n\ndata: ")  # how events of one data line end, and what parts two
_CRLF_RUN = (b"\r\n\r\n", "\r\n\r\ndata: ")
_RETRY_DIGITS = 18
_SHORT = 1024  # bytes: joining shorter pieces costs next to nothing


class ServerSentEvent:
    """One event of a stream; to be read, not changed.

    `id` is the last id that the stream has set, `retry` the reconnection time in milliseconds if
    this very event carried one.
    """

    __slots__ = ("data", "event", "id", "retry")
    __match_args__ = ("event", "data", "id", "retry")

    def __init__(
        self, event: str = "message", data: str = "", id: str = "", retry: int | None = None
    ) -> None:
        self.event = event
        self.data = data
        self.id = id
        self.retry = retry

    def _fields(self) -> tuple[str, str, str, int | None]:
        return self.event, self.data, self.id, self.retry

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ServerSentEvent):
            return NotImplemented
        return self._fields() == other._fields()

    __hash__ = None  # type: ignore[assignment]  # it can be changed

    def __repr__(self) -> str:
        event, data, id, retry = self._fields()
        return f"ServerSentEvent({event=}, {data=}, {id=}, {retry=})"


class _Message(ServerSentEvent):
    """What nearly all events are: data alone. It is made in a third of the time."""

    __slots__ = ()
    __init__ = object.__init__
    event = "message"
    id = ""
    retry = None


class SSEDecoder:
    """Turns the chunks of one stream into events, as they become complete.

    `comments` counts comment lines, `retry` is the last reconnection time in milliseconds,
    `last_event_id` the id that the next event would have.
    """

    def __init__(self, *, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        if max_event_bytes < 1:
            raise UsageError(f"max_event_bytes must be positive, not {max_event_bytes}")
        self.max_event_bytes = max_event_bytes
        self._short = min(_SHORT, max_event_bytes // 2)  # two such pieces are never too long
        self.comments = 0
        self._comment = b""  # the last one that was alone, with its blank line
        self.retry: int | None = None
        self.last_event_id = ""
        self._begun: bytes | None = None  # all that is unfinished, if it is one short line at most
        self._tail = bytearray()  # else the line that has not ended,
        self._block: list[bytes] = []  # and the lines before it of its event
        self._block_size = 0
        self._block_retry: int | None = None
        self._unsettled = True  # the next chunk needs _settle, for one of the next four:
        self._at_start = True  # a BOM,
        self._start = b""  # of which these bytes have come,
        self._after_cr = False  # or an LF that belongs to the CR before it
        self._refusal: Exception | None = None  # why no more bytes are taken

    @property
    def pending(self) -> bytes:
        """What came after the last complete event, without comments, lines ended by LF."""
        lines = b"".join(line + b"\n" for line in self._block)
        tail = self._begun or bytes(self._tail)
        return lines + (b"" if tail.startswith(b":") else tail) + self._start

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Take the next bytes and give back the events that they complete.

        Raises EventTooLarge beyond the limit, after the events before it have been given back.
        """
        begun = self._begun
        if begun is None:
            return self._take(chunk)
        if not begun:  # nearly all chunks are whole events, perhaps with a comment before
            is_data = chunk[:6] == b"data: "
            if not is_data and chunk and chunk[0] == _COLON:
                rest = chunk.removeprefix(self._comment)  # a server repeats one and the same
                if rest is chunk:
                    rest = self._skip_comment(chunk)
                else:
                    self.comments += 1
                chunk = rest
                is_data = chunk[:6] == b"data: "
            if is_data:
                if chunk[-2:] == b"\n\n":
                    data = chunk[6:-2]
                else:
                    data = chunk[6:-4] if chunk[-4:] == b"\r\n\r\n" else b"\r"
                if _CR not in data and len(chunk) <= self.max_event_bytes:
                    try:
                        text = data.decode()
                    except UnicodeDecodeError:
                        text = data.decode("utf-8", "replace")
                    if _LF not in data:
                        if self.last_event_id:
                            return [ServerSentEvent("message", text, self.last_event_id)]
                        event = _Message()  # in place: a call would cost as much as all the rest
                        event.data = text
                        return [event]
                    texts = text.split("\n\ndata: ")
                    if "\n" not in "".join(texts):
                        return self._messages(texts)
        if _LF not in chunk and _CR not in chunk:
            begun += chunk
            if len(begun) < self._short:
                self._begun = begun
                return []
            return self._take(begun)
        if begun[:6] == b"data: " and len(chunk) < self._short:  # the end of an event, cut by reads
            line, end, rest = chunk.partition(b"\n\n")
            if end and _LF not in line and _LF not in rest and _CR not in chunk:
                self._begun = rest
                data = begun[6:] + line
                try:
                    text = data.decode()
                except UnicodeDecodeError:
                    text = data.decode("utf-8", "replace")
                if self.last_event_id:
                    return [ServerSentEvent("message", text, self.last_event_id)]
                event = _Message()  # in place, as above
                event.data = text
                return [event]
        chunk = begun + chunk
        return self._take_run(chunk) or self._take(chunk)

    def close(self, *, flush: bool = False) -> list[ServerSentEvent]:
        """End the stream; an unfinished event is discarded, as the standard says.

        It stays readable as `pending`. With `flush`, it is taken as complete instead: some
        servers leave out the last blank line.
        """
        if isinstance(self._refusal, EventTooLarge):
            raise self._refusal
        self._refusal = UsageError("the decoder is closed: a new stream needs a new decoder")
        self._unsettled = True
        self._tail += (self._begun or b"") + self._start
        self._begun, self._start = None, b""
        events: list[ServerSentEvent] = []
        if flush:
            self._take_lines(b"\n\n", events)
        return events

    def _settle(self, chunk: bytes) -> bytes:
        """Drop a BOM at the start, and the LF of a CRLF that was cut in two."""
        if self._refusal:
            raise self._refusal
        if self._at_start:
            chunk = self._start + chunk
            if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
                self._start = chunk
                return b""
            self._at_start = False
            self._start = b""
            chunk = chunk.removeprefix(_BOM)
        elif self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        self._unsettled = self._after_cr
        return chunk

    def _skip_comment(self, chunk: bytes) -> bytes:
        """Take a comment and the blank line after it from the start of a chunk, if they are."""
        comment, end, rest = chunk.partition(b"\n\n")
        if not end or _LF in comment or _CR in comment:
            return chunk
        self._comment = comment + end if len(comment) < _SHORT else b""
        self.comments += 1
        return rest

    def _take_run(self, chunk: bytes) -> list[ServerSentEvent]:
        """Take events of one data line each, and the start of another; nothing if it is no such."""
        if chunk[:6] != b"data: " or len(chunk) > self.max_event_bytes:
            return []
        end, border = _CRLF_RUN if _CR in chunk else _LF_RUN
        at = chunk.rfind(end)
        rest = chunk[at + len(end) :]
        if at < 0 or _LF in rest or _CR in rest or len(rest) >= self._short:
            return []
        texts = chunk[6:at].decode("utf-8", "replace").split(border)
        joined = "".join(texts)
        if "\n" in joined or "\r" in joined:
            return []
        self._begun = rest
        return self._messages(texts)

    def _messages(self, texts: list[str]) -> list[ServerSentEvent]:
        if self.last_event_id:
            return [ServerSentEvent("message", text, self.last_event_id) for text in texts]
        events: list[ServerSentEvent] = []
        for text in texts:
            event = _Message()  # in place, as in feed
            event.data = text
            events.append(event)
        return events

    def _take(self, chunk: bytes) -> list[ServerSentEvent]:
        """Take bytes of any kind, line by line."""
        self._begun = None
        if self._unsettled:
            chunk = self._settle(chunk)
        events: list[ServerSentEvent] = []
        if _LF in chunk or _CR in chunk:
            try:
                self._take_lines(chunk, events)
            except EventTooLarge:
                if not events:
                    raise
                return events
        elif chunk:
            self._grow_tail(chunk)
        if not (self._block or self._unsettled) and len(self._tail) < self._short:
            self._begun = bytes(self._tail)
            self._tail.clear()
        return events

    def _take_lines(self, chunk: bytes, events: list[ServerSentEvent]) -> None:
        if _CR in chunk:
            lines = chunk.splitlines()  # of bytes: at LF, CR and CRLF, and nowhere else
            rest = b"" if chunk[-1] in b"\r\n" else lines.pop()
            self._after_cr = self._unsettled = chunk[-1] == _CR
        else:
            lines = chunk.split(b"\n")
            rest = lines.pop()
        tail = self._tail
        if tail:
            tail += lines[0]
            lines[0] = bytes(tail)
            tail.clear()
        block = self._block
        for line in lines:
            if not line:
                if block:
                    self._end_event(events)
            elif line[0] == _COLON:
                self.comments += 1
            else:
                block.append(line)
                self._block_size += len(line)
                if self._block_size > self.max_event_bytes:
                    self._refuse()
                if line[0] in b"ir":
                    self._hold(line)
        if rest:
            self._grow_tail(rest)

    def _grow_tail(self, piece: bytes) -> None:
        tail = self._tail
        tail += piece
        if tail[0] == _COLON:
            del tail[1:]  # of an unfinished comment, that it is one is enough
        elif self._block_size + len(tail) > self.max_event_bytes:
            self._refuse()

    def _hold(self, line: bytes) -> None:
        """Take an id or a retry: they hold from here on, event or not."""
        name, value = _field(line)
        if name == b"id" and b"\0" not in value:
            self.last_event_id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit() and len(value) <= _RETRY_DIGITS:
            self.retry = self._block_retry = int(value)

    def _end_event(self, events: list[ServerSentEvent]) -> None:
        event = ""
        data: list[bytes] = []
        for line in self._block:
            name, value = _field(line)
            if name == b"data":
                data.append(value)
            elif name == b"event":
                event = value.decode("utf-8", "replace")
        if data:
            text = b"\n".join(data).decode("utf-8", "replace")
            retry = self._block_retry
            events.append(ServerSentEvent(event or "message", text, self.last_event_id, retry))
        self._block.clear()
        self._block_size = 0
        self._block_retry = None

    def _refuse(self) -> NoReturn:
        self._refusal = EventTooLarge(
            f"an event of the stream is larger than {self.max_event_bytes} bytes",
            body=self.pending,
        )
        self._unsettled = True
        raise self._refusal


def _field(line: bytes) -> tuple[bytes, bytes]:
    """Part a line at its first colon; one space after it belongs to neither side."""
    name, _, value = line.partition(b":")
    return name, value.removeprefix(b" ")
