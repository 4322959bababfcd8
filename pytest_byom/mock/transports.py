"""Takes requests where clients hand them to their transport, in this process.

While a mock is active, the classes that talk to the network (`HTTPTransport` and
`AsyncHTTPTransport` of httpx and of httpx2, and the aiohttp adapters of litellm, openai, anthropic
and httpx-aiohttp) ask it first. What it does not claim goes on as ever. Transports that do not talk
to the network, such as `MockTransport` and `ASGITransport`, are left alone, and so is what lies
below: a user's own `respx.mock` sees all that passes.
"""

from __future__ import annotations

import importlib.util
import socket
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pytest_byom.mock.hosts import is_real

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

ADAPTERS = (
    ("litellm.llms.custom_httpx.aiohttp_transport", "AiohttpTransport"),
    ("litellm.llms.custom_httpx.aiohttp_transport", "LiteLLMAiohttpTransport"),
    ("openai._vendor.httpx_aiohttp.transport", "AiohttpTransport"),
    ("anthropic._vendor.httpx_aiohttp.transport", "AiohttpTransport"),
    ("httpx_aiohttp.transport", "AiohttpTransport"),
)
"""Transports over aiohttp: classes of httpx or httpx2 that have a network of their own."""

ORIGINAL = "byom_original"
"""The attribute of our methods that has what they were put over."""

SYNC, ASYNC = "handle_request", "handle_async_request"


class Taker(Protocol):
    """Who may take a request. `blocks_lookups`: whether real servers must not be found."""

    blocks_lookups: bool

    def take(self, library: ModuleType, request: Any) -> Any:
        """Return the response to a request; None to let it pass."""
        ...

    async def take_async(self, library: ModuleType, request: Any) -> Any:
        """Return the response to a request; None to let it pass."""
        ...

    def see(self, library: ModuleType, request: Any, response: Any) -> Any:
        """Return what the client is to get for a response of the network."""
        ...

    def note_host(self, host: str) -> None:
        """Learn that something looked up a real server, and was refused."""
        ...


@dataclass
class _Patch:
    """One method of one class, as it was, and as it is while a mock is active."""

    owner: type
    name: str
    original: Callable[..., Any]
    wrapper: Callable[..., Any]

    def put_on_top(self) -> None:
        """Have our method first, whoever replaced it since."""
        current = self.owner.__dict__[self.name]
        if current is not self.wrapper:
            # What is there now is below us from now on; ours of before stays where it is.
            self.original = current
            self.wrapper = _wrap(self.owner, self.name, current)
            setattr(self.owner, self.name, self.wrapper)

    def take_off(self) -> None:
        """Put back what was below us, unless somebody has replaced us since."""
        setattr(self.owner, self.name, _unwrap(self.owner.__dict__[self.name]))


_active: list[Taker] = []
_patches: dict[tuple[type, str], _Patch] = {}
_lock = threading.RLock()
_look_up = socket.getaddrinfo


def start(taker: Taker) -> None:
    """Let `taker` see every request, before those that started earlier."""
    with _lock:
        if not _active:
            _patch_all()
        _active.append(taker)


def stop(taker: Taker) -> None:
    """Let `taker` see no request any more; to stop twice does no harm."""
    with _lock:
        if taker in _active:
            _active.remove(taker)
            if not _active:
                _unpatch_all()


def put_on_top() -> None:
    """Come before whatever was put over the transports since the start, such as pytest-httpx."""
    with _lock:
        for patch in _patches.values() if _active else ():
            patch.put_on_top()


def libraries() -> list[ModuleType]:
    """Return httpx, httpx2, or both: what is installed. An alias is there once."""
    found: list[ModuleType] = []
    for name in ("httpx", "httpx2"):
        if name in sys.modules or importlib.util.find_spec(name) is not None:
            module = importlib.import_module(name)
            if module not in found:
                found.append(module)
    return found


def _patch_all() -> None:
    for library in libraries():
        _patch(library.HTTPTransport, SYNC)
        _patch(library.AsyncHTTPTransport, ASYNC)
        # An adapter may be imported later, by the test itself.
        library.AsyncBaseTransport.__init_subclass__ = classmethod(_see_new_class)
    for module, name in ADAPTERS:
        adapter = getattr(sys.modules.get(module), name, None)
        if isinstance(adapter, type):
            _patch_adapter(adapter)
    socket.getaddrinfo = _refuse_real


def _unpatch_all() -> None:
    for patch in _patches.values():
        patch.take_off()
    _patches.clear()
    for library in libraries():
        if "__init_subclass__" in library.AsyncBaseTransport.__dict__:
            del library.AsyncBaseTransport.__init_subclass__
    if socket.getaddrinfo is _refuse_real:
        socket.getaddrinfo = _look_up


def _see_new_class(created: type) -> None:
    if (created.__module__, created.__name__) in ADAPTERS:
        _patch_adapter(created)


def _patch_adapter(adapter: type) -> None:
    if ASYNC in adapter.__dict__:
        _patch(adapter, ASYNC)


def _patch(owner: type, name: str) -> None:
    # One of ours may be left: who replaced it has put it back after we were gone.
    original = _unwrap(owner.__dict__[name])
    wrapper = _wrap(owner, name, original)
    _patches[owner, name] = _Patch(owner, name, original, wrapper)
    setattr(owner, name, wrapper)


def _wrap(owner: type, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    library = _library_of(owner)

    def handle_request(self: Any, request: Any) -> Any:
        """Ask the active mocks, the latest first, then the network."""
        for taker in reversed(_active):
            response = taker.take(library, request)
            if response is not None:
                return response
        response = original(self, request)
        for taker in _active:
            response = taker.see(library, request, response)
        return response

    async def handle_async_request(self: Any, request: Any) -> Any:
        """Ask the active mocks, the latest first, then the network."""
        for taker in reversed(_active):
            response = await taker.take_async(library, request)
            if response is not None:
                return response
        response = await original(self, request)
        for taker in _active:
            response = taker.see(library, request, response)
        return response

    wrapper: Callable[..., Any] = handle_request if name == SYNC else handle_async_request
    setattr(wrapper, ORIGINAL, original)
    return wrapper


def _unwrap(method: Callable[..., Any]) -> Callable[..., Any]:
    while hasattr(method, ORIGINAL):
        method = getattr(method, ORIGINAL)
    return method


def _library_of(owner: type) -> ModuleType:
    """Return the library whose requests a transport takes."""
    for library in libraries():
        if issubclass(owner, library.BaseTransport | library.AsyncBaseTransport):
            return library
    raise TypeError(f"{owner.__module__}.{owner.__name__} is no transport of httpx or httpx2")


def _refuse_real(host: Any, *arguments: Any, **named: Any) -> Any:
    """Look up an address, unless it is that of a real server: for clients that we do not know."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if _active and _active[-1].blocks_lookups and isinstance(name, str) and is_real(name):
        _active[-1].note_host(name)
        raise socket.gaierror(socket.EAI_NONAME, f"byom: {name} is not reached while a mock is on")
    return _look_up(host, *arguments, **named)
