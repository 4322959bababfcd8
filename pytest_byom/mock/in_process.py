"""`Mock`: a script that answers clients in this process, whatever library they use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_byom.mock import transports
from pytest_byom.mock.asked import AskedRequest, hide
from pytest_byom.mock.hosts import is_of, is_real
from pytest_byom.mock.mock import Scripted
from pytest_byom.mock.playing import Player
from pytest_byom.mock.taken import TakenRequest

if TYPE_CHECKING:
    from types import ModuleType

    from pytest_byom.mock.log import Served
    from pytest_byom.mock.routes import Routes


class Mock(Scripted):
    """A script that answers in process: `with Mock() as mock: mock.reply("Hello")`.

    At the end of the `with` block `verify()` raises for what does not fit, unless `strict=False`.
    """

    blocks_lookups = True

    def start(self) -> None:
        """Begin to take requests."""
        transports.start(self)

    def stop(self) -> None:
        """Take no request any more."""
        transports.stop(self)

    @cached_property
    def router(self) -> Routes:
        """A `respx.Router` for routes of your own, to any URL; they come before the script."""
        from pytest_byom.mock.routes import Routes

        return Routes(self)

    def take(self, library: ModuleType, request: Any) -> Any:
        """Return the response to a request of httpx or httpx2; None to let it pass."""
        if not self._has_routes:
            served = self._serve(request)
            return None if served is None else Player(library, request, served).respond()
        from pytest_byom.mock.routes import asking

        request.read()
        with asking(library, request) as asked:
            routed = self.router.ask(asked)
        found = self._find_routed(library, request, routed)
        return found.respond() if isinstance(found, Player) else found

    async def take_async(self, library: ModuleType, request: Any) -> Any:
        """Return the response to a request of httpx or httpx2; None to let it pass."""
        if not self._has_routes:
            if self._wants(request):
                await request.aread()
            served = self._serve(request)
            played = None if served is None else Player(library, request, served)
            return None if played is None else await played.respond_async()
        from pytest_byom.mock.routes import asking

        await request.aread()
        with asking(library, request) as asked:
            routed = await self.router.ask_async(asked)
        found = self._find_routed(library, request, routed)
        return await found.respond_async() if isinstance(found, Player) else found

    def _find_routed(self, library: ModuleType, request: Any, routed: Any) -> Any:
        """Return what plays the script's answer, or the response of a route; None for neither."""
        if routed is None:  # the script comes last among the routes, and a route may let pass
            served = self._serve_blocked(request)
            return None if served is None else Player(library, request, served)
        from pytest_byom.mock.routes import SERVED, from_httpx

        if (served := routed.extensions.get(SERVED)) is not None:
            return Player(library, request, served)
        return from_httpx(library, request, routed)

    @property
    def _has_routes(self) -> bool:
        return "router" in self.__dict__ and self.router.has_own

    def _wants(self, request: Any) -> bool:
        url = request.url
        return self.claims(request.method, url.path, url) is not None or self._blocks(url)

    def _blocks(self, url: Any) -> bool:
        return is_real(url.host) or (bool(self._hosts) and is_of(url.host, url.port, self._hosts))

    def _serve(self, request: Any) -> Served | None:
        """Answer from the script, or refuse what must not be sent."""
        return self.serve_claimed(request) or self._serve_blocked(request)

    def _serve_blocked(self, request: Any) -> Served | None:
        return self.block(TakenRequest(request)) if self._blocks(request.url) else None

    def serve_claimed(self, request: Any) -> Served | None:
        """Answer a request from the script; None if it is not for it."""
        url = request.url
        claim = self.claims(request.method, url.path, url)
        return None if claim is None else self.answer(TakenRequest(request, claim))

    def see(self, library: ModuleType, request: Any, response: Any) -> Any:
        """Leave what passed as it is."""
        return response

    def note_host(self, host: str) -> None:
        """Keep that something looked up a real server, and was refused."""
        note_host(self, host)


class Guard:
    """Keeps the requests of this process from real servers while a mock runs elsewhere."""

    blocks_lookups = True

    def __init__(self, mock: Scripted) -> None:
        self._mock = mock

    def take(self, library: ModuleType, request: Any) -> Any:
        """Refuse a request for a real server; None to let any other pass."""
        if not is_real(request.url.host):
            return None
        return Player(library, request, self._mock.block(TakenRequest(request))).respond()

    async def take_async(self, library: ModuleType, request: Any) -> Any:
        """Refuse a request for a real server; None to let any other pass."""
        if not is_real(request.url.host):
            return None
        await request.aread()
        return self.take(library, request)

    def see(self, library: ModuleType, request: Any, response: Any) -> Any:
        """Leave what passed as it is."""
        return response

    def note_host(self, host: str) -> None:
        """Keep that something looked up a real server, and was refused."""
        note_host(self._mock, host)


def note_host(mock: Scripted, host: str) -> None:
    """Keep that something looked up a real server, and was refused."""
    mock.block(AskedRequest("CONNECT", f"https://{host}", hide({}), b""))
