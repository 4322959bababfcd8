"""Which endpoints answer, and who answers there: all asked side by side, in two seconds.

A public host is asked only if it is the user's: it stands in their registry file, or their
environment has its key. All others are said to be there, and left alone.
"""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pytest_byom.client.errors import RegistryError
from pytest_byom.client.redact import Redactor
from pytest_byom.conformance.reach import listed_models
from pytest_byom.conformance.sending import Aim, build_request
from pytest_byom.conformance.transport import REFUSED, Transport
from pytest_byom.contract import load_contract
from pytest_byom.registry.dialects import dialects_by_title, load_dialect
from pytest_byom.suite_identity import (
    PAGES,
    SAY_WHO,
    Seen,
    look,
    page_contract,
    root_of,
    safe,
    version_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.registry import Endpoint, Registry

SECONDS = 1.2
"""For all answers of all endpoints: with the start of Python it is less than two seconds."""

CONNECTIONS = 200
"""Side by side; of a larger fleet some wait for others."""

MODELS = "models/list"


class State(StrEnum):
    """What came of an endpoint."""

    REACHABLE = "reachable"
    SILENT = "not reachable"
    REFUSED = "key refused"
    LEFT = "not asked"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is known of one endpoint now; `advice` says what to do where it is not reachable."""

    name: str
    base_url: str
    state: State
    server: str = ""
    version: str = ""
    models: tuple[str, ...] = ()
    advice: str = ""

    @property
    def who(self) -> str:
        """The server and its version, as far as they are known."""
        return f"{self.server} {self.version}".strip()


def survey_registry(registry: Registry, *, seconds: float = SECONDS) -> list[Found]:
    """Return what is found of every endpoint of a registry, in its order."""
    left: dict[str, Found] = {}
    asked: list[Endpoint] = []
    for name in registry.endpoints:
        try:
            endpoint = registry.endpoint(name)
        except RegistryError as error:  # a variable is missing: that is for its owner to mend
            left[name] = Found(name=name, base_url="", state=State.LEFT, advice=str(error))
            continue
        if reason := why_not_ask(endpoint, own=name in registry.own):
            left[name] = _leave(endpoint, reason)
        else:
            asked.append(endpoint)
    found = left | {each.name: each for each in survey(asked, seconds=seconds)}
    return [found[name] for name in registry.endpoints]


def why_not_ask(endpoint: Endpoint, *, own: bool) -> str:
    """Return why an endpoint is left alone, as what to do; an empty text if it is asked."""
    if endpoint.is_embedded:
        return endpoint.hint
    is_left = endpoint.is_provider and endpoint.api_key is None and not own
    return endpoint.hint if is_left else ""


def _leave(endpoint: Endpoint, reason: str) -> Found:
    return Found(
        name=endpoint.name, base_url=endpoint.base_url, state=State.LEFT, advice=_upper(reason)
    )


def survey(endpoints: Iterable[Endpoint], *, seconds: float = SECONDS) -> list[Found]:
    """Ask endpoints side by side and return what was found, in their order."""
    return asyncio.run(_survey(list(endpoints), seconds))


async def _survey(endpoints: Sequence[Endpoint], seconds: float) -> list[Found]:
    if not endpoints:
        return []
    load_contract(MODELS)  # read before the time runs
    connections = min(CONNECTIONS, 2 * len(endpoints))
    async with Transport(timeout=seconds, connections=connections) as transport:
        until = asyncio.get_running_loop().time() + seconds
        asked = (_Visit(endpoint, transport, until).found() for endpoint in endpoints)
        return list(await asyncio.gather(*asked))


class _Visit:
    """One look at one endpoint, until a point in time."""

    def __init__(self, endpoint: Endpoint, transport: Transport, until: float) -> None:
        self.endpoint = endpoint
        self._transport = transport
        self._until = until

    async def found(self) -> Found:
        models = await self._ask(self.endpoint.base_url, MODELS)
        if models is None or models.status is None:
            return self._silent(models)
        state = State.REFUSED if models.status in (401, 403) else State.REACHABLE
        seen = look(models, models.header("server") or "")
        kind, version = await self._who(seen)
        hide = Redactor(self.endpoint.secrets).text
        return Found(
            name=self.endpoint.name,
            base_url=self.endpoint.base_url,
            state=state,
            server=hide(kind),
            version=safe(hide(version)),
            models=tuple(map(hide, listed_models(models))),
            advice=self._advice(state, models, kind),
        )

    def _silent(self, models: Exchange | None) -> Found:
        refused = models is not None and models.trouble.startswith(REFUSED)
        hint = _upper(self.endpoint.hint) or "Start the server, or correct base_url"
        advice = hint if refused else "It took too long to answer"
        return Found(
            name=self.endpoint.name,
            base_url=self.endpoint.base_url,
            state=State.SILENT,
            advice=advice,
        )

    def _advice(self, state: State, models: Exchange, kind: str) -> str:
        if state is State.REFUSED:
            variable = self.endpoint.key_variable
            return f"See whether {variable} is right" if variable else "Set api_key in byom.yaml"
        if models.status != 200:
            return f"GET /models answers {models.status}: see whether base_url is right"
        if not listed_models(models):
            return "It lists no model"
        usual = load_dialect(self.endpoint.dialect).title if self.endpoint.dialect else ""
        is_other = kind != usual and (kind in dialects_by_title() or usual in SAY_WHO)
        return f"not {usual}" if usual and is_other else ""

    async def _who(self, seen: Seen) -> tuple[str, str]:
        """Return kind and version; the pages that may tell them are asked at the same time."""
        kind, root = seen.kind, root_of(self.endpoint.base_url)
        paths = seen.pages(self.endpoint.dialect)
        pages = await asyncio.gather(*(self._ask(root, path) for path in paths))
        for path, page in zip(paths, pages, strict=True):
            if page is not None and (version := version_in(page, path)):
                return kind or PAGES[path].kind or self._usual(path), version
        return kind, seen.version

    def _usual(self, path: str) -> str:
        """Name a server that tells its version, and nothing else, where LocalAI usually is."""
        dialect = self.endpoint.dialect
        is_localai = dialect == "localai" and path == "/version"
        return load_dialect(dialect).title if is_localai else ""

    async def _ask(self, base_url: str, id: str) -> Exchange | None:
        contract = load_contract(id) if id == MODELS else page_contract(id)
        aim = dataclasses.replace(Aim.at(self.endpoint, ""), base_url=base_url)
        try:
            async with asyncio.timeout_at(self._until):
                return await self._transport.send(contract, build_request(contract, aim))
        except TimeoutError:
            return None


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
