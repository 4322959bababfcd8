"""Bytes of an event stream in, server-sent events out: WHATWG HTML, 9.2.5 and 9.2.6.

The decoder knows no socket and no client. Where the bytes are cut means nothing: any cutting of
a stream gives the same events. Its rules, for whoever changes it:

- A line ends at LF, CR or CRLF, and nowhere else. A CR ends its line at once; an LF that follows
  it, in whatever chunk, belongs to it.
- One BOM is dropped, at the very start only.
- Bytes are split first and decoded after: no line end is part of a UTF-8 sequence, so decoding
  line by line gives what decoding the whole gives. Bad bytes become U+FFFD.
- What is kept between two feeds is one unfinished event: never more than `max_event_bytes`.
- Each byte is looked at a fixed number of times: a line that comes in pieces grows in a
  bytearray and is searched only where it is new.
"""

from __future__ import annotations

from typing import NoReturn

from pytest_byom.client.errors import EventTooLarge, UsageError

MAX_EVENT_BYTES = 16 * 1024 * 1024
"""The default limit. An image as base64 in one chunk has a few MiB; a stream that never ends a
line has no bound. (aiohttp-sse-client2 stops at 512 KiB, others nowhere.)"""

_ENDS = (b"\n\n", b"\r\n\r\n")  # of an event that is alone in its chunk
_BOM = b"\xef\xbb\xbf"
_COLON = b":"
_COLON_BYTE, _LF, _CR = b":\n\r"  # `_LF in chunk` is one memchr, and the quickest question
_RETRY_DIGITS = 18
_LONG_CHUNK = 1024  # from here on a chunk holds several events, and it pays to split at their ends


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
        self._short = min(_LONG_CHUNK, max_event_bytes)  # no line of fewer bytes is too long
        self.comments = 0
        self._comment = b""  # the last one that was alone, with its blank line
        self.retry: int | None = None
        self.last_event_id = ""
        self._unsettled = True  # the next chunk needs _settle, for one of the next four:
        self._at_start = True  # a BOM,
        self._start = b""  # of which these bytes have come,
        self._after_cr = False  # or an LF that belongs to the CR before it
        self._tail = bytearray()  # the line that has not ended
        self._block: list[bytes] = []  # the lines of the event that has not ended
        self._block_size = 0
        self._block_retry: int | None = None
        self._between = False  # nothing is unfinished: the next chunk starts an event
        self._refusal: Exception | None = None  # why no more bytes are taken

    @property
    def pending(self) -> bytes:
        """What came after the last complete event, without comments, lines ended by LF."""
        lines = b"".join(line + b"\n" for line in self._block)
        tail = b"" if self._tail.startswith(_COLON) else bytes(self._tail)
        return lines + tail + self._start

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Take the next bytes and give back the events that they complete.

        Raises EventTooLarge beyond the limit, after the events before it have been given back.
        """
        if self._between:  # nearly all chunks are whole events, perhaps with a comment before
            is_data = chunk[:6] == b"data: "
            if not is_data and chunk and chunk[0] == _COLON_BYTE:
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
        if self._unsettled:
            chunk = self._settle(chunk)
        tail = self._tail
        if _LF not in chunk and _CR not in chunk:
            if tail and tail[0] != _COLON_BYTE and len(tail) + len(chunk) < self._short:
                tail += chunk  # as in _grow_tail
            elif chunk:
                self._grow_tail(chunk)
            return []
        size = len(tail) + len(chunk)
        if not self._block and size <= self.max_event_bytes:
            if size >= _LONG_CHUNK:
                events = self._take_run(chunk)
            else:
                events = self._take_end(chunk) if tail and _CR not in chunk else []
            if events:
                return events
        events = []
        try:
            if self._block or size > self.max_event_bytes or _CR in chunk:
                self._take_lines(chunk, events)
            else:
                self._take_blocks(chunk, events)
        except EventTooLarge:
            if not events:
                raise
        return events

    def close(self, *, flush: bool = False) -> list[ServerSentEvent]:
        """End the stream; an unfinished event is discarded, as the standard says.

        It stays readable as `pending`. With `flush`, it is taken as complete instead: some
        servers leave out the last blank line.
        """
        if isinstance(self._refusal, EventTooLarge):
            raise self._refusal
        self._refusal = UsageError("the decoder is closed: a new stream needs a new decoder")
        self._unsettled, self._between = True, False
        if not flush:
            return []
        rest = bytes(self._tail) + self._start
        self._tail.clear()
        self._start = b""
        events: list[ServerSentEvent] = []
        if rest:
            self._end_line(rest)
        self._end_event(events)
        return events

    def _messages(self, texts: list[str]) -> list[ServerSentEvent]:
        if self.last_event_id:
            return [ServerSentEvent("message", text, self.last_event_id) for text in texts]
        events: list[ServerSentEvent] = []
        for text in texts:
            event = _Message()  # in place, as in feed
            event.data = text
            events.append(event)
        return events

    def _message(self, data: str) -> ServerSentEvent:
        if self.last_event_id:
            return ServerSentEvent("message", data, self.last_event_id)
        event: ServerSentEvent = _Message()
        event.data = data
        return event

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
        self._comment = comment + end if len(comment) < _LONG_CHUNK else b""
        self.comments += 1
        return rest

    def _take_end(self, chunk: bytes) -> list[ServerSentEvent]:
        """Take the end of an event of one data line, cut by reads; nothing if it is none."""
        tail = self._tail
        head, end, rest = chunk.partition(b"\n\n")
        if not end or _LF in head or _LF in rest or not tail.startswith(b"data: "):
            return []
        tail += head
        try:
            text = tail[6:].decode()
        except UnicodeDecodeError:
            text = tail[6:].decode("utf-8", "replace")
        tail.clear()
        if rest:
            tail += rest if rest[0] != _COLON_BYTE else b":"
        else:
            self._between = True
        if self.last_event_id:
            return [ServerSentEvent("message", text, self.last_event_id)]
        event = _Message()
        event.data = text
        return [event]

    def _take_run(self, chunk: bytes) -> list[ServerSentEvent]:
        """Take a chunk of events of one data line each, as most are; nothing if it holds others."""
        tail = self._tail
        chunk = bytes(tail) + chunk
        has_cr = _CR in chunk
        end = b"\r\n\r\n" if has_cr else b"\n\n"
        at = chunk.rfind(end)
        rest = chunk[at + len(end) :]
        if at < 0 or chunk[:6] != b"data: " or _LF in rest or _CR in rest:
            return []
        texts = chunk[6:at].decode("utf-8", "replace").split(f"{end.decode()}data: ")
        joined = "".join(texts)
        if "\n" in joined or (has_cr and "\r" in joined):
            return []
        tail.clear()
        self._between = not rest
        if rest:
            self._grow_tail(rest)
        return self._messages(texts)

    def _take_blocks(self, chunk: bytes, events: list[ServerSentEvent]) -> None:
        """Take a chunk whose lines end in LF, with no unfinished event before it."""
        tail = self._tail
        if tail:
            tail += chunk
            chunk = bytes(tail)
            tail.clear()
        *blocks, rest = chunk.split(b"\n\n")
        for block in blocks:
            if _LF in block:
                self._end_lines(block.split(b"\n"), events)
                self._end_event(events)
            elif block[:6] == b"data: ":
                events.append(self._message(block[6:].decode("utf-8", "replace")))
            elif block[:1] == b":":
                self.comments += 1
            else:
                self._end_lines([block, b""], events)
        self._between = not rest
        if _LF in rest:
            *lines, rest = rest.split(b"\n")
            self._end_lines(lines, events)
        if rest:
            self._grow_tail(rest)

    def _take_lines(self, chunk: bytes, events: list[ServerSentEvent]) -> None:
        lines = chunk.splitlines()  # of bytes: at LF, CR and CRLF, and nowhere else
        last = chunk[-1]
        rest = b"" if last in (_LF, _CR) else lines.pop()
        if last == _CR:
            self._after_cr = self._unsettled = True
        tail = self._tail
        if tail:
            tail += lines[0]
            lines[0] = bytes(tail)
            tail.clear()
        self._end_lines(lines, events)
        if rest:
            self._grow_tail(rest)
        else:
            self._between = not (self._block or self._unsettled)

    def _end_lines(self, lines: list[bytes], events: list[ServerSentEvent]) -> None:
        for line in lines:
            if line:
                self._end_line(line)
            else:
                self._end_event(events)

    def _grow_tail(self, piece: bytes) -> None:
        self._between = False
        tail = self._tail
        tail += piece
        if tail[0] == _COLON_BYTE:
            del tail[1:]  # of an unfinished comment, that it is one is enough
        elif self._block_size + len(tail) > self.max_event_bytes:
            self._refuse()

    def _end_line(self, line: bytes) -> None:
        if line.startswith(_COLON):
            self.comments += 1
            return
        self._block.append(line)
        self._block_size += len(line)
        if self._block_size > self.max_event_bytes:
            self._refuse()
        if line.startswith((b"id", b"retry")):  # these two hold from here on, event or not
            name, value = _field(line)
            if name == b"id" and b"\0" not in value:
                self.last_event_id = value.decode("utf-8", "replace")
            elif name == b"retry" and value.isdigit() and len(value) <= _RETRY_DIGITS:
                self.retry = self._block_retry = int(value)

    def _end_event(self, events: list[ServerSentEvent]) -> None:
        if not self._block:
            return
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
