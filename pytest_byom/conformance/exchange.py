"""One exchange: what was sent, and the raw bytes that came back, with their arrival times.

Judged are raw bytes, never what an SDK made of them. Whatever is read out of them here says
`Inconclusive` when it is not there: that it is missing is the finding of one check, not of all.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.finding import Inconclusive, Unsupported
from pytest_byom.conformance.values import is_integer

if TYPE_CHECKING:
    from pytest_byom.contract import Contract

Headers = tuple[tuple[str, str], ...]


NOT_ASKED = "not asked: "
"""How the trouble of a request that was not sent begins."""


@dataclass(frozen=True)
class Sent:
    """A request as it went over the wire."""

    method: str
    url: str
    headers: Headers = field(repr=False)
    body: bytes


@dataclass
class Exchange:
    """What was asked, and what came back.

    `arrivals` holds (milliseconds since the request, bytes) for each piece of the body, `trouble`
    the transport error in words, empty if there was none; `closed_early` says that the client
    left on purpose, `connected` that a connection was made for it. `company` are the
    exchanges before and beside it that its contract asks for, `views` what rules have seen it as.
    """

    contract: Contract
    sent: Sent
    status: int | None = None
    headers: Headers = ()
    raw: bytes = b""
    arrivals: tuple[tuple[float, int], ...] = ()
    trouble: str = ""
    elapsed: float = 0.0
    closed_early: bool = False
    version: str = ""
    connected: bool = False
    company: tuple[Exchange, ...] = ()
    views: dict[type, Any] = field(init=False, default_factory=dict, repr=False, compare=False)

    @property
    def twins(self) -> list[Exchange]:
        """All exchanges of this contract that were asked at the same time, this one first."""
        twins = [other for other in self.company if other.contract.id == self.contract.id]
        return [self, *twins]

    def header(self, name: str) -> str | None:
        """Return the value of a header of the answer, or None."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    @property
    def not_asked(self) -> str:
        """Why the request was not sent; an empty text if it was."""
        said = self.trouble.startswith(NOT_ASKED)
        return self.trouble.removeprefix(NOT_ASKED) if said else ""

    @property
    def keeps_connection(self) -> bool:
        """Whether the answer says, by all of its head, that another request may follow it."""
        said = (self.header("connection") or "").lower()
        framed = self.header("content-length") or self.header("transfer-encoding")
        return self.version == "HTTP/1.1" and "close" not in said and bool(framed)

    @property
    def media_type(self) -> str:
        """The media type of the answer in lower case, without parameters."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    @property
    def request_json(self) -> Any:
        """The body of the request as JSON, or None; Inconclusive if it could not be made."""
        if not self.contract.request.body:
            return None
        if not self.sent.body:  # what it takes from another answer is not there
            raise Inconclusive(f"{self.contract.id} got no answer: {self.trouble}")
        return json.loads(self.sent.body)

    @cached_property
    def body(self) -> bytes:
        """The body without its content coding; Inconclusive if it does not decode."""
        coding = (self.header("content-encoding") or "identity").strip().lower()
        if coding in ("identity", ""):
            return self.raw
        if coding in ("gzip", "x-gzip", "deflate"):
            try:
                return zlib.decompressobj(wbits=47).decompress(self.raw)
            except zlib.error as error:
                raise Inconclusive(f"the body is not {coding}: {error}") from error
        raise Inconclusive(f"the body is coded as {coding!r}")

    @cached_property
    def text(self) -> str:
        """The body as text; bytes that are no UTF-8 become U+FFFD."""
        return self.body.decode("utf-8", "replace")

    @cached_property
    def json(self) -> Any:
        """The body as JSON; Inconclusive if it is none."""
        try:
            return json.loads(self.text.removeprefix("\ufeff"))
        except (ValueError, RecursionError) as error:
            raise Inconclusive(f"the body of {self.contract.id} is not JSON") from error

    def answered(self) -> Exchange:
        """Return the exchange; Inconclusive if no answer came."""
        if self.status is None:
            raise Inconclusive(f"{self.contract.id} got no answer: {self.trouble}")
        return self

    def accepted(self) -> Exchange:
        """Return the exchange; Inconclusive if the answer is anything but a whole 200."""
        if self.answered().status != 200:
            raise Inconclusive(f"{self.contract.id} was answered with {self.status}")
        if self.trouble:
            raise Inconclusive(f"{self.contract.id} broke off: {self.trouble}")
        return self

    def supported(self) -> Exchange:
        """Return the exchange if accepted; Unsupported if the server refused, and said so."""
        if self.answered().is_refused:
            raise Unsupported(f"refused with {self.status}: {self.error_message()}")
        return self.accepted()

    @property
    def is_refused(self) -> bool:
        """Whether the answer is a 4xx."""
        return self.status is not None and 400 <= self.status < 500

    def error_message(self) -> str:
        """Return what an error answer says, in whatever shape, cut to one line."""
        try:
            data = self.json
        except Inconclusive:
            data = self.text
        if isinstance(data, dict):
            data = data.get("error", data)
        if isinstance(data, dict):
            data = data.get("message") or data.get("detail") or data
        words = " ".join(str(data).split())
        return words if len(words) <= 160 else words[:159] + "…"

    @cached_property
    def completion(self) -> dict[str, Any]:
        """The chat completion of a plain answer; Inconclusive if there is none."""
        data = self.accepted().json
        if not isinstance(data, dict):
            raise Inconclusive(f"the body of {self.contract.id} is no JSON object")
        return data

    @cached_property
    def message(self) -> dict[str, Any]:
        """The message of the first choice of a plain answer; Inconclusive if there is none."""
        found = dig(self.completion, "choices.0.message")
        if not isinstance(found, dict):
            raise Inconclusive(f"the answer to {self.contract.id} has no message")
        return found

    @property
    def content(self) -> str:
        """The text of the first choice of a plain answer; Inconclusive if there is none."""
        found = self.message.get("content")
        if not isinstance(found, str):
            raise Inconclusive(f"the answer to {self.contract.id} has no text")
        return found

    @property
    def tool_calls(self) -> list[dict[str, Any]]:
        """The tool calls of the first choice of a plain answer; Inconclusive if none was made."""
        found = self.message.get("tool_calls")
        if not isinstance(found, list) or not found or not all(isinstance(c, dict) for c in found):
            raise Inconclusive(f"the answer to {self.contract.id} has no tool call")
        return found

    @property
    def finish_reason(self) -> str:
        """The finish reason of the first choice of a plain answer; Inconclusive if none."""
        found = dig(self.completion, "choices.0.finish_reason")
        if not isinstance(found, str):
            raise Inconclusive(f"the answer to {self.contract.id} has no finish_reason")
        return found

    def usage(self, name: str) -> int:
        """Return a count of `usage` of a plain answer, such as `prompt_tokens`."""
        found = dig(self.completion, f"usage.{name}")
        if not is_integer(found):
            raise Inconclusive(f"the answer to {self.contract.id} has no usage.{name}")
        return found


def dig(data: Any, path: str) -> Any:
    """Return the value at a dotted path such as `choices.0.message`, or None."""
    for part in path.split("."):
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        else:
            return None
    return data
