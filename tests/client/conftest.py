"""Fixtures of the client's tests."""

from __future__ import annotations

import pytest

from .harness import KINDS, Harness


@pytest.fixture(params=KINDS)
def harness(request: pytest.FixtureRequest) -> Harness:
    """One kind of client after the other."""
    return Harness(request.param)


@pytest.fixture
def sync() -> Harness:
    """The sync client on httpx, for what does not depend on the kind."""
    return Harness("httpx-sync")
