"""What a client and a server say to each other, without saying it.

A dialogue is a generator. It yields steps and receives what became of them:

    Send(request)   -> Head, or a NetworkError       the request goes out, the answer's head is in
    Read(events)    -> bytes, or a NetworkError      the next bytes of the body; none at its end
    Close()         -> None                          no more is wanted of this answer
    Wait(seconds)   -> None
    Summarise(...)  -> str                           another model is asked for a summary
    Drain()         -> None                          what is left of a complete answer is dropped
    Emit(events)    -> None                          nothing is left to do

Events are for whoever reads the stream: a step is performed once its events have been read. The
sync and the async client perform the same steps. Errors of the network are values here, so that
whether to ask again is decided in one place. What a dialogue raises is of our error tree.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_byom.client.encoding import BodyDecoder
from pytest_byom.client.errors import (
    BODY_LIMIT,
    BadAnswer,
    BYOMError,
    ExchangeError,
    NetworkError,
)
from pytest_byom.client.failure import answered_error, failure_in, failure_of, status_error
from pytest_byom.client.headers import kept_headers, request_id_in
from pytest_byom.client.jsontext import NotJSON, parse_json_bytes
from pytest_byom.client.reading import Repairs, part_thinking, read_completion, refuse_surrogates
from pytest_byom.client.redact import Redactor
from pytest_byom.client.response import changed
from pytest_byom.client.retry import Retry, retry_after, seconds_to_wait
from pytest_byom.client.structured import with_output
from pytest_byom.client.usage import cost_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_byom.client.events import Event
    from pytest_byom.client.models import CustomModel
    from pytest_byom.client.request import WireRequest
    from pytest_byom.client.response import Response
    from pytest_byom.client.schema import OutputSchema

MAX_BODY_BYTES = 64 * 1024 * 1024
"""How large a plain answer may be; a dozen images as base64 are far less."""


class Silent:
    """A step before which nothing is to be read."""

    __slots__ = ()
    events: ClassVar[Sequence[Event]] = ()


@dataclass(frozen=True, slots=True)
class Send(Silent):
    """Send the request and wait for the head of its answer."""

    request: WireRequest


@dataclass(slots=True)
class Read:
    """Wait for the next bytes of the body; a stream uses one such step again and again."""

    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class Drain(Silent):
    """Read on to the end of the body, so that the connection can serve again."""


@dataclass(frozen=True, slots=True)
class Close(Silent):
    """Give the connection back."""


@dataclass(frozen=True, slots=True)
class Wait(Silent):
    """Let some seconds pass."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Summarise(Silent):
    """Ask another client for a text."""

    llm: Any
    messages: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Emit:
    """Hand the last events to whoever reads the stream."""

    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of an answer; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]


Step = Send | Read | Drain | Close | Wait | Summarise | Emit
Dialogue = Generator[Step, Any, Any]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One request, and what is needed to judge its answer."""

    request: WireRequest
    endpoint: str
    model: CustomModel | str = ""
    retry: Retry = field(default_factory=Retry)
    redactor: Redactor = field(default_factory=Redactor)
    output: OutputSchema | None = None
    think_tags: tuple[str, str] | None = None

    def attributes(self, head: Head, body: bytes) -> dict[str, Any]:
        """What every error about an answer carries."""
        return {
            "endpoint": self.endpoint,
            "status": head.status,
            "body": body,
            "request_id": request_id_in(head.headers),
            "retry_after": retry_after(head.headers),
        }

    def complete(self, response: Response, head: Head) -> Response:
        """A response with what its head and our own knowledge add; raises if it is unusable."""
        refuse_surrogates(response)
        if self.think_tags:
            response = part_thinking(response, self.think_tags)
        response = changed(
            response,
            cost=cost_of(response.usage, self.model),
            headers=kept_headers(head.headers),
            request_id=request_id_in(head.headers),
        )
        return with_output(response, self.output) if self.output else response


def plain_dialogue(job: Job) -> Generator[Step, Any, Response]:
    """Ask for a completion and give back the response."""
    try:
        head, body = yield from fetch(job)
        try:
            return job.complete(_read_plain(job, head, body), head)
        except BYOMError as error:
            raise placed(error, job, head, body) from None
    except BYOMError as error:  # the one way out: no secret goes with it
        raise job.redactor.error(error) from None


def json_dialogue(job: Job, read: Callable[[Any], Any] | None = None) -> Generator[Step, Any, Any]:
    """Ask for any JSON document and give it back decoded, or what `read` makes of it."""
    try:
        head, body = yield from fetch(job)
        try:
            decoded = _decode(job, head, body)
            return read(decoded) if read else decoded
        except BYOMError as error:
            raise placed(error, job, head, body) from None
    except BYOMError as error:
        raise job.redactor.error(error) from None


def fetch(job: Job) -> Generator[Step, Any, tuple[Head, bytes]]:
    """Ask until there is an answer, and read all of it; raises what is no success."""
    attempt = 0
    while True:
        attempt += 1
        head = yield from opened(job, attempt)
        if head is None:
            continue
        body = yield from read_body(job, head)
        if not isinstance(body, NetworkError):
            return head, body
        if body.body:
            raise body
        yield from wait_or_raise(job, attempt, body)


def opened(job: Job, attempt: int) -> Generator[Step, Any, Head | None]:
    """Send the request; None if it is to be sent again."""
    outcome: Head | NetworkError = yield Send(job.request)
    if isinstance(outcome, NetworkError):
        yield from wait_or_raise(job, attempt, outcome)
        return None
    if outcome.status < 300:
        return outcome
    body = yield from read_body(job, outcome)
    if isinstance(body, NetworkError):
        body = body.body
    error = _refusal(job, outcome, body)
    wait = seconds_to_wait(
        job.retry, attempt=attempt, status=outcome.status, headers=outcome.headers
    )
    if wait is None:
        raise error
    yield Wait(wait)
    return None


def wait_or_raise(job: Job, attempt: int, error: NetworkError) -> Generator[Step, Any, None]:
    """Wait until it is time to ask again, or raise."""
    wait = seconds_to_wait(job.retry, attempt=attempt, error=error)
    yield Close()
    if wait is None:
        raise error
    yield Wait(wait)


def read_body(job: Job, head: Head) -> Generator[Step, Any, bytes | NetworkError]:
    """Read the whole body; an error of the network keeps what had come."""
    pieces: list[bytes] = []
    size = 0
    raw = b""
    try:
        decoder = BodyDecoder(head.headers.get("content-encoding", ""))
        while True:
            chunk: bytes | NetworkError = yield Read()
            if isinstance(chunk, NetworkError):
                chunk.body = b"".join(pieces)[:BODY_LIMIT]
                return chunk
            if not chunk:
                break
            if len(raw) < BODY_LIMIT:
                raw += chunk[: BODY_LIMIT - len(raw)]
            piece = decoder.feed(chunk)
            pieces.append(piece)
            size += len(piece)
            if size > MAX_BODY_BYTES:
                raise BadAnswer(f"the answer is larger than {MAX_BODY_BYTES} bytes")
        if decoder.cut_short:
            raise BadAnswer("the answer ends within its Content-Encoding")
    except BadAnswer as error:
        yield Close()
        raise placed(error, job, head, raw) from None
    yield Close()
    return b"".join(pieces)


def placed(error: BYOMError, job: Job, head: Head, body: bytes) -> BYOMError:
    """The error with what is known about the answer."""
    if isinstance(error, ExchangeError):
        for name, value in job.attributes(head, job.redactor.bytes(body)[:BODY_LIMIT]).items():
            if not getattr(error, name, None):
                setattr(error, name, value)
        if error.args and job.endpoint not in str(error):
            error.args = (f"{job.endpoint}: {error.args[0]}", *error.args[1:])
    return error


def _refusal(job: Job, head: Head, body: bytes) -> ExchangeError:
    body = job.redactor.bytes(body)
    attributes = job.attributes(head, body)
    if head.status >= 400:
        del attributes["status"], attributes["body"], attributes["endpoint"]
        return status_error(head.status, body, endpoint=job.endpoint, **attributes)
    target = head.headers.get("location", "")
    return BadAnswer(
        f"{job.endpoint} answered with status {head.status}, a redirect to {target!r}; redirects "
        "are not followed with a key: use the final URL as base_url",
        **attributes,
    )


def _read_plain(job: Job, head: Head, body: bytes) -> Response:
    decoded = _decode(job, head, body)
    failure = failure_in(decoded)
    if failure is None and isinstance(decoded, Mapping) and "choices" not in decoded:
        failure = failure_of(body) if decoded.keys() & {"message", "msg"} else None
    partial = None
    if isinstance(decoded, Mapping) and isinstance(decoded.get("choices"), list):
        partial = read_completion(decoded, repairs=Repairs())
    if failure:
        raise answered_error(failure, endpoint=job.endpoint, where="in its answer", partial=partial)
    if partial is None:
        if isinstance(decoded, Mapping):
            read_completion(decoded)  # says what is missing
        raise BadAnswer(
            f"the answer is no chat completion but JSON of the type {type(decoded).__name__}"
        )
    if not partial.choices:
        raise BadAnswer("the answer is no chat completion: it has no choices", partial=partial)
    return partial


def _decode(job: Job, head: Head, body: bytes) -> Any:
    try:
        return parse_json_bytes(body)
    except NotJSON as error:
        kind = head.headers.get("content-type", "no Content-Type")
        seen = failure_of(body[:BODY_LIMIT]).message if body.strip() else "nothing"
        raise BadAnswer(
            f"{job.endpoint} answered with status {head.status} and a body that is not JSON: "
            f"{error} ({kind}; {len(body)} bytes: {job.redactor.text(seen or '')[:200]})"
        ) from None
