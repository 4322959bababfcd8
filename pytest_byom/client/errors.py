"""What can go wrong, and whose fault it is.

    BYOMError
    ├── UsageError                ours: a bad argument, a bad file; nothing was sent
    │   ├── RegistryError         the registry file, or a name that is not in it
    │   ├── ContractError         a contract file
    │   └── UnsupportedError      the model's flags say that it cannot do this
    ├── ServerError               the server answered, and not as it should
    │   ├── StatusError           with an HTTP status of 400 or more
    │   │   ├── AuthenticationFailed   401 or 403
    │   │   ├── NotFound               404
    │   │   └── RateLimited            429
    │   ├── AnsweredWithError     with an error inside a 200, or inside a stream
    │   └── BadAnswer             with something that is no chat completion
    │       └── BrokenStream      with a stream that ended early or cannot be decoded
    │           └── EventTooLarge      an event of it is beyond the decoder's limit
    └── NetworkError              no answer came
        ├── ConnectFailed         no connection
        ├── TimedOut              the time limit named in the message ran out
        └── ConnectionLost        the connection broke

No secret is part of a message or of a repr: `redact` takes the key out of whatever came back.
"""

from __future__ import annotations

from typing import Any

BODY_LIMIT = 64 * 1024
"""How many bytes of a raw body an error keeps; the rest is cut."""


class BYOMError(Exception):
    """The root of every error that this package raises on purpose."""


class UsageError(BYOMError):
    """The caller's arguments or files are wrong; nothing was sent."""


class RegistryError(UsageError):
    """The registry file is broken, or a name is not in it."""


class ContractError(UsageError):
    """A contract file is broken, or a contract id is unknown."""


class UnsupportedError(UsageError):
    """The model's flags say that it cannot do what was asked."""


class ExchangeError(BYOMError):
    """A request failed on the way or at the server.

    `endpoint` is the base URL, `status` the HTTP status or None, `body` the raw bytes (cut to
    `BODY_LIMIT`), `request_id` and `retry_after` (seconds) what the answer's headers said.
    """

    def __init__(
        self,
        message: str,
        *,
        endpoint: str = "",
        status: int | None = None,
        body: bytes = b"",
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.endpoint = endpoint
        self.status = status
        self.body = body[:BODY_LIMIT]
        self.request_id = request_id
        self.retry_after = retry_after


class ServerError(ExchangeError):
    """The server answered, and not as it should.

    `server_message`, `code`, `type` and `param` are the server's own words, in whatever shape
    they came; None where it said nothing.
    """

    def __init__(
        self,
        message: str,
        *,
        server_message: str | None = None,
        code: str | int | None = None,
        type: str | None = None,
        param: str | None = None,
        **attributes: Any,
    ) -> None:
        super().__init__(message, **attributes)
        self.server_message = server_message
        self.code = code
        self.type = type
        self.param = param


class StatusError(ServerError):
    """The server answered with an HTTP status of 400 or more."""


class AuthenticationFailed(StatusError):
    """The server refused the key: 401 or 403."""


class NotFound(StatusError):
    """The server knows no such model or path: 404."""


class RateLimited(StatusError):
    """The server asks to wait: 429; `retry_after` says how long, where it did."""


class AnsweredWithError(ServerError):
    """The server reported an error inside an answer with status 200, or inside a stream.

    `partial` is the response as far as it had come, or None.
    """

    def __init__(self, message: str, *, partial: Any = None, **attributes: Any) -> None:
        super().__init__(message, **attributes)
        self.partial = partial


class BadAnswer(ServerError):
    """The server answered 200 with something that is no chat completion.

    `partial` is what could be read of it, or None.
    """

    def __init__(self, message: str, *, partial: Any = None, **attributes: Any) -> None:
        super().__init__(message, **attributes)
        self.partial = partial


class BrokenStream(BadAnswer):
    """The stream ended early or cannot be decoded; `partial` is what had come."""


class EventTooLarge(BrokenStream):
    """One event of the stream is larger than the decoder's limit."""


class NetworkError(ExchangeError):
    """No answer came, or not the whole of it; `partial` is what had come of a stream."""

    partial: Any = None


class ConnectFailed(NetworkError):
    """No connection could be made."""


class TimedOut(NetworkError):
    """A time limit ran out; the message names which one and its length in seconds.

    `limit` is its name: "connect", "first_byte", "idle" or "whole".
    """

    def __init__(self, message: str, *, limit: str = "", **attributes: Any) -> None:
        super().__init__(message, **attributes)
        self.limit = limit


class ConnectionLost(NetworkError):
    """The connection broke before the answer was complete."""
