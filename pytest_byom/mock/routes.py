"""A user's own routes on the mock: a `respx.Router` that asks the script last."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import respx
from respx.models import AllMockedAssertionError, PassThrough

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from pytest_byom.mock.in_process import Mock

SCRIPT = "byom"
SERVED = "byom_served"
"""The extension of a response under which the script's answer is handed on."""


class ScriptRoute(respx.Route):
    """The route of all requests that the script claims."""

    def __init__(self, mock: Mock) -> None:
        super().__init__()
        self._mock = mock

    def match(self, request: Any) -> Any:
        """Return a response that has the script's answer; None if it does not claim the request."""
        import httpx

        served = self._mock.serve_claimed(request)
        if served is None:
            return None
        return httpx.Response(served.answer.status, extensions={SERVED: served})


class Routes(respx.Router):
    """Routes in the order of their definition; behind them all, the script."""

    def __init__(self, mock: Mock) -> None:
        super().__init__(assert_all_called=False, assert_all_mocked=True)
        self._script = super().add(ScriptRoute(mock), name=SCRIPT)

    def add(self, route: respx.Route, *, name: str | None = None) -> respx.Route:
        """Add a route before the script."""
        self.pop(SCRIPT, None)
        added = super().add(route, name=name)
        super().add(self._script, name=SCRIPT)
        return added

    @property
    def has_own(self) -> bool:
        """Whether there is a route beside the script."""
        return len(self.routes) > 1

    def ask(self, request: Any) -> Any:
        """Return the response to a request of httpx; None if no route takes it."""
        try:
            return self.handler(request)
        except (AllMockedAssertionError, PassThrough):
            return None

    async def ask_async(self, request: Any) -> Any:
        """Return the response to a request of httpx; None if no route takes it."""
        try:
            return await self.async_handler(request)
        except (AllMockedAssertionError, PassThrough):
            return None


@contextmanager
def asking(library: ModuleType, request: Any) -> Iterator[Any]:
    """Give a request as httpx has it, and raise what comes of it as the client's library has it."""
    try:
        yield to_httpx(library, request)
    except Exception as error:
        raise to_library(library, request, error) from error


def to_httpx(library: ModuleType, request: Any) -> Any:
    """Return a request as httpx has it."""
    import httpx

    if library is httpx:
        return request
    return httpx.Request(
        request.method,
        str(request.url),
        headers=request.headers.raw,
        content=request.content,
        extensions=request.extensions,
    )


def from_httpx(library: ModuleType, request: Any, response: Any) -> Any:
    """Return a response of httpx as the client's library has it."""
    import httpx

    if library is httpx:
        return response
    return library.Response(
        response.status_code,
        headers=response.headers.raw,
        stream=_as_stream(library, response),
        extensions=dict(response.extensions),
        request=request,
    )


def _as_stream(library: ModuleType, response: Any) -> Any:
    if response.is_closed or hasattr(response, "_content"):
        return library.ByteStream(response.content)

    class Passed(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc,name-defined]  # one of two modules
        """The stream of another library."""

        def __iter__(self) -> Any:
            yield from response.stream

        async def __aiter__(self) -> Any:
            async for part in response.stream:
                yield part

    return Passed()


def to_library(library: ModuleType, request: Any, error: Exception) -> Exception:
    """Return an error of httpx as the client's library has it; any other as it is."""
    import httpx

    same = getattr(library, type(error).__name__, None)
    if library is httpx or not isinstance(error, httpx.RequestError) or same is None:
        return error
    made: Exception = same(str(error), request=request)
    return made
