"""Records an app's exchanges with a real server, and replays them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from pytest_byom.mock import transports
from pytest_byom.mock.asked import AskedRequest, hide
from pytest_byom.mock.from_contract import recorded_answer
from pytest_byom.mock.hosts import find_claim, is_real
from pytest_byom.mock.log import Served
from pytest_byom.mock.playing import Player
from pytest_byom.mock.recordings import (
    describe_change,
    make_exchange,
    make_request,
    nearness,
    plain_request,
)
from pytest_byom.mock.refusing import write_failure
from pytest_byom.mock.replies import Failure
from pytest_byom.mock.taken import TakenRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from types import ModuleType

    from pytest_byom.contract import Contract
    from pytest_byom.mock.answer import Answer


def _is_ours(request: Any) -> bool:
    url = request.url
    return find_claim(request.method, url.path) is not None or is_real(url.host)


class Recorder:
    """Lets requests pass and keeps what came back, in the order in which they were asked."""

    blocks_lookups = False

    def __init__(self, name: str) -> None:
        self._name = name
        self._kept: dict[int, Contract] = {}
        self._asked = 0
        self._lock = threading.Lock()

    @property
    def exchanges(self) -> list[Contract]:
        """The exchanges, in the order in which they were asked."""
        return [self._kept[number] for number in sorted(self._kept)]

    def start(self) -> None:
        """Begin to record."""
        transports.start(self)

    def stop(self) -> None:
        """Record no more."""
        transports.stop(self)

    def take(self, library: ModuleType, request: Any) -> Any:
        """Let a request pass; its answer is to come in a form that people can read."""
        if _is_ours(request):
            request.headers["accept-encoding"] = "identity"

    async def take_async(self, library: ModuleType, request: Any) -> Any:
        """Let a request pass; its answer is to come in a form that people can read."""
        self.take(library, request)

    def note_host(self, host: str) -> None:
        """Nothing is refused."""

    def see(self, library: ModuleType, request: Any, response: Any) -> Any:
        """Return the response with a stream that keeps what is read of it."""
        if not _is_ours(request):
            return response
        with self._lock:
            self._asked += 1
            number = self._asked
        asked = AskedRequest(
            method=request.method,
            url=str(request.url),
            headers=hide(dict(request.headers)),
            body=request.content,
            number=number,
        )

        def keep(content: bytes) -> None:
            headers = dict(response.headers)
            coding = headers.pop("content-encoding", None)
            if coding is not None:
                content = library.Response(
                    200, headers={"content-encoding": coding}, content=content
                ).content
            title = f"{self._name}, request {number}"
            made = make_exchange(asked, response.status_code, headers, content, title=title)
            with self._lock:
                self._kept[number] = made

        response.stream = _tee(library, response.stream, keep)
        return response


def _tee(library: ModuleType, stream: Any, keep: Callable[[bytes], None]) -> Any:
    """Return a stream that hands on another one, and tells at its end what was read of it.

    An app may close a stream before its end, as SDKs do at [DONE]: what was read is kept then.
    """

    class Tee(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc,name-defined]  # one of two modules
        """A stream that is listened to."""

        def __init__(self) -> None:
            self._parts: list[bytes] = []

        def __iter__(self) -> Iterator[bytes]:
            for part in stream:
                self._parts.append(part)
                yield part

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for part in stream:
                self._parts.append(part)
                yield part

        def close(self) -> None:
            keep(b"".join(self._parts))
            stream.close()

        async def aclose(self) -> None:
            keep(b"".join(self._parts))
            await stream.aclose()

    return Tee()


class Replayer:
    """Answers requests from what was recorded; a request that changed is refused."""

    blocks_lookups = True

    def __init__(self, exchanges: Sequence[Contract], *, source: str) -> None:
        self._left = list(exchanges)
        self._source = source
        self._problems: list[str] = []
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to take requests."""
        transports.start(self)

    def stop(self) -> None:
        """Take no request any more."""
        transports.stop(self)

    def take(self, library: ModuleType, request: Any) -> Any:
        """Return the recorded response to a request; None to let it pass."""
        if not _is_ours(request):
            return None
        return Player(library, request, self._answer(TakenRequest(request))).respond()

    async def take_async(self, library: ModuleType, request: Any) -> Any:
        """Return the recorded response to a request; None to let it pass."""
        if not _is_ours(request):
            return None
        await request.aread()
        served = self._answer(TakenRequest(request))
        return await Player(library, request, served).respond_async()

    def see(self, library: ModuleType, request: Any, response: Any) -> Any:
        """Leave what passed as it is."""
        return response

    def note_host(self, host: str) -> None:
        """Keep that something looked up a real server, and was refused."""
        self._problems.append(f"  {host} was looked up, which nothing recorded")

    def _answer(self, asked: AskedRequest) -> Served:
        wanted = make_request(asked)
        with self._lock:
            for exchange in self._left:
                if plain_request(exchange.request) == plain_request(wanted):
                    self._left.remove(exchange)
                    return Served(asked, "reply", recorded_answer(exchange))
            self._problems += self._explain(asked, wanted)
        note = "byom: this request was not recorded; see the report of the test"
        failure = Failure(
            status=400, message=note, type="byom_no_reply", headers={"x-should-retry": "false"}
        )
        return Served(asked, "unmatched", _refusal(failure), note=note)

    def _explain(self, asked: AskedRequest, wanted: Any) -> list[str]:
        shown = f"  {asked.method} {wanted.path}"
        if not self._left:
            return [f"{shown}: every recorded exchange has been used"]
        nearest = max(self._left, key=lambda one: nearness(one.request, wanted))
        changes = [f"    {line}" for line in describe_change(nearest.request, wanted)]
        return [f"{shown} is not what was recorded as {nearest.title!r}:", *changes]

    def report(self, *, with_unused: bool = True) -> str:
        """Return what does not fit between recording and requests; empty if all does."""
        lines = list(self._problems)
        if with_unused:
            lines += [f"  {one.title!r} was not asked for" for one in self._left]
        if not lines:
            return ""
        return "\n".join(
            [
                f"the app's requests are not those of {self._source}",
                *lines,
                "  next      record anew with --byom-record-mode=all, if the change is meant",
            ]
        )


def _refusal(failure: Failure) -> Answer:
    from pytest_byom.mock.dialect import DEFAULT, load_dialect

    return write_failure(failure, load_dialect(DEFAULT), {"request": ""})
