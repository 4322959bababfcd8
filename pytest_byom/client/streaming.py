"""The dialogue of a streamed answer; see `dialogue` for the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_byom.client.assemble import Assembler
from pytest_byom.client.dialogue import (
    Close,
    Drain,
    Emit,
    Head,
    Job,
    Read,
    opened,
    placed,
    wait_or_raise,
)
from pytest_byom.client.encoding import BodyDecoder
from pytest_byom.client.errors import (
    BODY_LIMIT,
    BrokenStream,
    BYOMError,
    ExchangeError,
    NetworkError,
)
from pytest_byom.client.events import StreamComplete, StreamError
from pytest_byom.client.failure import answered_error, failure_in, failure_of
from pytest_byom.client.jsontext import NotJSON, parse_json, parse_json_bytes
from pytest_byom.client.repeats import Repeats
from pytest_byom.client.sse import SSEDecoder

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_byom.client.dialogue import Step
    from pytest_byom.client.events import Event
    from pytest_byom.client.sse import ServerSentEvent

DONE = "[DONE]"


def stream_dialogue(job: Job) -> Generator[Step, Any, None]:
    """Ask for a streamed completion and emit its events; an error is the last of them."""
    attempt = 0
    try:
        while True:
            attempt += 1
            head = yield from opened(job, attempt)
            if head is None:
                continue
            reader = StreamReader(job, head)
            try:
                error = yield from _read(reader)
            except BYOMError as broken:
                yield Close()
                raise placed(broken, job, head, reader.seen) from None
            if error is None:
                break
            if reader.seen:
                error.partial = reader.partial
                yield Close()
                raise placed(error, job, head, reader.seen)
            yield from wait_or_raise(job, attempt, error)  # nothing had come: it may be asked again
        yield Drain()
        yield Close()
    except BYOMError as error:
        yield Emit([StreamError(job.redactor.error(error))])


def _read(reader: StreamReader) -> Generator[Step, Any, NetworkError | None]:
    """Read until the answer is complete; gives back what broke the connection, if anything."""
    step = Read()
    while True:
        chunk: bytes | NetworkError = yield step
        if isinstance(chunk, NetworkError):
            return chunk
        step.events = reader.feed(chunk) if chunk else reader.close()
        if reader.done:
            yield Emit(step.events)
            return None


class StreamReader:
    """Bytes of one streamed answer in, events out; knows when the answer is complete.

    It is complete at `[DONE]`, or at the end of the body once every choice has its
    finish_reason. A body that ends before is a broken stream.
    """

    def __init__(self, job: Job, head: Head) -> None:
        self.done = False
        self._first_bytes = bytearray()
        self._job = job
        self._head = head
        self._encoded = "content-encoding" in head.headers
        self._body = BodyDecoder(head.headers.get("content-encoding", ""))
        self._sse = SSEDecoder()
        self._assembler = Assembler(endpoint=job.endpoint, think_tags=job.think_tags)
        self._repeats = Repeats()
        self._events = 0

    @property
    def seen(self) -> bytes:
        """The first bytes of the body, for the error that may come."""
        return bytes(self._first_bytes[:BODY_LIMIT])

    @property
    def partial(self) -> Any:
        """The response as far as it has come; None if nothing has."""
        return self._assembler.response_so_far() if self._assembler.started else None

    def feed(self, chunk: bytes) -> list[Event]:
        """Take the next bytes."""
        if len(self._first_bytes) < BODY_LIMIT:
            self._first_bytes += chunk[:BODY_LIMIT]
        events: list[Event] = []
        try:
            if self._encoded:
                chunk = self._body.feed(chunk)
            for event in self._sse.feed(chunk):
                if not self.done:
                    self._take(event, events)
        except ExchangeError as error:
            if not events:
                raise self._with_partial(error) from None
            self._fail(error, events)
        return events

    def close(self) -> list[Event]:
        """Take the end of the body."""
        if self._body.cut_short and not self._assembler.finished:
            partial = self.partial
            raise BrokenStream("the answer ends within its Content-Encoding", partial=partial)
        events: list[Event] = []
        pending = self._sse.pending
        for event in self._sse.close(flush=True):
            if event.data.strip() == DONE or _is_json(event.data):  # else it was cut: see below
                self._assembler.flag("event-unterminated", "no blank line after the last event")
                self._take(event, events)
        if self.done:
            return events
        if not self._events:
            self._take_unstreamed(pending, events)
        elif self._assembler.finished:
            self._assembler.flag("done-marker-missing", "the stream ended without [DONE]")
            self._complete(events)
        else:
            self._raise_cut(pending)
        return events

    def _take(self, event: ServerSentEvent, events: list[Event]) -> None:
        data = event.data
        self._events += 1
        text = self._repeats.text_in(data) if event.event != "error" else None
        if text is not None:
            self._assembler.add_text(text, events)
            return
        if data == DONE:
            self._take_done(events)
            return
        try:
            chunk = parse_json(data)
        except NotJSON as error:
            if not self._take_marker(data.strip(), events):
                self._refuse(event, error)
            return
        events += self._assembler.feed(chunk, event=event.event)
        if self._assembler.failed:
            self._end_failed(events)
        self._repeats.learn(data, chunk, self._assembler.text_alone(chunk))

    def _end_failed(self, events: list[Event]) -> None:
        """End with the error that the stream reported, which is its last event."""
        self.done = True
        last = events.pop()
        assert isinstance(last, StreamError)
        events.append(StreamError(self._clean(last.error)))

    def _take_marker(self, text: str, events: list[Event]) -> bool:
        """Take an event that is meant to be no JSON; False if it is none of these."""
        if not text:
            self._assembler.flag("empty-event", "an event has empty data")
            return True
        if text != DONE:
            return False
        self._assembler.flag("done-marker-spaced", "[DONE] has spaces around it")
        self._take_done(events)
        return True

    def _take_done(self, events: list[Event]) -> None:
        if not self._assembler.started:
            raise BrokenStream("the stream ended with [DONE] and held no answer")
        self._complete(events)

    def _complete(self, events: list[Event]) -> None:
        last = self._assembler.end()
        self.done = True
        events += last[:-1]
        try:
            response = self._job.complete(self._assembler.close(), self._head)
        except BYOMError as error:
            self._fail(error, events)
        else:
            events.append(StreamComplete(response))

    def _fail(self, error: BYOMError, events: list[Event]) -> None:
        """End with an error, after what came before it has been told."""
        self.done = True
        events.append(StreamError(self._clean(self._with_partial(error))))

    def _clean(self, error: BYOMError) -> BYOMError:
        return self._job.redactor.error(placed(error, self._job, self._head, self.seen))

    def _with_partial(self, error: Any) -> Any:
        if getattr(error, "partial", 0) is None:
            error.partial = self.partial
        return error

    def _refuse(self, event: ServerSentEvent, reason: NotJSON) -> Any:
        data = event.data
        if event.event == "error":
            raise answered_error(
                failure_of(data.encode("utf-8", "replace")),
                endpoint=self._job.endpoint,
                where="inside the stream",
                partial=self.partial,
                status=self._head.status,
            )
        raise BrokenStream(
            f"event {self._events} of the stream is not JSON: {reason}; it reads {data[:200]!r}",
            partial=self.partial,
            body=data.encode("utf-8", "replace"),
        )

    def _take_unstreamed(self, body: bytes, events: list[Event]) -> None:
        """A body that held no event: perhaps a plain answer, or an error, or a page."""
        if not self.seen:
            raise BrokenStream("the answer to a streamed request has an empty body")
        try:
            decoded = parse_json_bytes(body)
        except NotJSON:
            decoded = None
        failure = failure_in(decoded)
        if failure:
            raise answered_error(
                failure,
                endpoint=self._job.endpoint,
                where="in its answer",
                status=self._head.status,
            )
        if isinstance(decoded, dict) and decoded.get("choices"):
            self._assembler.flag("not-streamed", "the answer to a streamed request is a plain one")
            events += self._assembler.feed(_as_chunk(decoded))
            (self._end_failed if self._assembler.failed else self._complete)(events)
            return
        kind = self._head.headers.get("content-type", "no Content-Type")
        said = failure_of(body).message or "nothing but comments"
        raise BrokenStream(f"the answer is no event stream ({kind}): {said}")

    def _raise_cut(self, pending: bytes) -> None:
        rest = f"; unread is {pending[:200]!r}" if pending else ""
        failure = failure_of(pending) if pending[:1] in (b"{", b"[") else None
        said = f": {failure.message}" if failure and failure.message else rest
        raise BrokenStream(
            f"the stream ended after {self._events} events without [DONE], and without a "
            f"finish_reason{said}",
            partial=self.partial,
        )


def _as_chunk(body: dict[str, Any]) -> dict[str, Any]:
    """A plain answer in the shape of a chunk that holds all of it."""
    choices = [
        {**choice, "delta": choice.get("message")} if isinstance(choice, dict) else choice
        for choice in body["choices"]
    ]
    return {**body, "object": "chat.completion.chunk", "choices": choices}


def _is_json(text: str) -> bool:
    try:
        parse_json(text)
    except NotJSON:
        return False
    return True
