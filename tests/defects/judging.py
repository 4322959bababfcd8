"""Runs the suite on a server with a defect, and compares the verdicts with what was foretold."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from defects.planting import PLANTED, Defective
from pytest_byom.conformance.catalogue import all_checks
from pytest_byom.conformance.finding import Outcome, Verdict
from pytest_byom.conformance.fuzz.fuzzer import FuzzSettings
from pytest_byom.conformance.profiles import Profile, selector
from pytest_byom.conformance.run import run_suite
from pytest_byom.mock.embedded import EmbeddedServer
from pytest_byom.mock.http1 import Application, BackgroundServer, Headers, Reply, Request
from pytest_byom.registry import Endpoint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from defects.planting import Defect

KEY = "byom-defects-0123456789abcdef"
MODEL = "byom-embedded"

STANDARD = frozenset(id for id, check in all_checks().items() if selector(Profile.STANDARD)(check))
"""The checks of the standard profile."""

WHOLE = os.environ.get("BYOM_DEFECTS") == "full"
"""Whether every defect is judged in the full profile, as `python -m defects.consequences` does."""

LOCKED = frozenset({"auth.any-key"})
"""What cannot be judged where a key is needed."""

Seen = tuple[Request, int, Headers, tuple[bytes, ...]]

OPEN = frozenset(
    {"auth.missing-key", "auth.wrong-key", "auth.stream"}
    | {"auth.code", "auth.challenge", "auth.key-hidden"}
    | {"auth.scheme-case", "auth.before-body", "auth.models", "auth.right-key"}
    | {"parity.error-key", "errors.stream-key", "http.next-after-wrong-key"}
)
"""What cannot be judged where none is."""


def scope_of(defect: Defect) -> frozenset[str] | None:
    """Return the checks that a defect is judged by: what it is named for says the profile."""
    named = {*(defect.turns or defect.lacks)}
    whole = WHOLE or defect.full or defect.abuse or defect.fuzz
    return STANDARD if named <= STANDARD and not whole else None


def verdicts_of(defect: Defect, only: Collection[str] | None = None) -> dict[str, Verdict]:
    """Judge a fresh embedded server with a defect in front of it, by all checks or some."""
    application = Defective(embedded(open=defect.open), defect.change)
    return judge(application, open=defect.open, abuse=defect.abuse, fuzz=defect.fuzz, only=only)


def embedded(*, open: bool) -> EmbeddedServer:
    """Return the server without a defect."""
    return EmbeddedServer(api_key=None if open else KEY)


def judge(
    application: Application,
    *,
    open: bool = False,
    abuse: bool = False,
    fuzz: int = 0,
    only: Collection[str] | None = None,
) -> dict[str, Verdict]:
    """Judge an application."""
    key = None if open else KEY
    drawn = FuzzSettings(examples=fuzz) if fuzz else None
    with BackgroundServer(application) as server:
        endpoint = Endpoint(name="defective", base_url=f"{server.url}/v1", model=MODEL, api_key=key)
        found = run_suite(endpoint, only=only, abuse=abuse, fuzz=drawn)
        verdicts = {verdict.check: verdict for verdict in found}
        unmeant = [line for line in server.errors if PLANTED not in line]
        assert unmeant == [], unmeant
        return verdicts


class Witness:
    """An application that notes every exchange: the request, and the reply piece by piece."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self.seen: list[Seen] = []

    async def __call__(self, request: Request) -> Reply:
        """Answer one request, and note both."""
        reply = await self._application(request)
        if isinstance(reply.body, bytes):
            self.seen.append((request, reply.status, reply.headers, (reply.body,)))
            return reply
        return replace(reply, body=self._note(request, reply, reply.body))

    async def _note(
        self, request: Request, reply: Reply, body: AsyncIterator[bytes]
    ) -> AsyncIterator[bytes]:
        pieces = []
        async for piece in body:
            pieces.append(piece)
            yield piece
        self.seen.append((request, reply.status, reply.headers, tuple(pieces)))


def foretold(defect: Defect, *, alone: bool = False) -> dict[str, Outcome]:
    """Return the outcome of every check that a defect is said to lead to.

    With `alone` that is what its definition says, without what else changes.
    """
    made = [
        id
        for id, check in all_checks().items()
        if (defect.abuse or not check.abuse) and (defect.fuzz or not check.fuzzes)
    ]
    outcomes = dict.fromkeys(made, Outcome.PASSED)
    outcomes |= dict.fromkeys(OPEN if defect.open else LOCKED, Outcome.UNSUPPORTED)
    outcomes |= (replace(defect, also={}) if alone else defect).outcomes
    return {id: outcomes[id] for id in made}


def differences(expected: dict[str, Outcome], verdicts: dict[str, Verdict]) -> list[str]:
    """Return a line for each check whose outcome is another than expected."""
    lines = []
    for id, outcome in expected.items():
        verdict = verdicts[id]
        if verdict.outcome is not outcome:
            lines.append(f"{id}: {outcome}, not {verdict.outcome} ({verdict.reason[:300]})")
    return [line.replace(": ", ": expected ", 1) for line in lines]
