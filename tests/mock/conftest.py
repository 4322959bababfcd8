"""One embedded server for all tests, asked over real sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pytest_byom.mock.embedded import EmbeddedServer
from pytest_byom.mock.http1 import BackgroundServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Ask = "Callable[..., httpx.Response]"


@pytest.fixture(scope="session")
def embedded() -> Iterator[BackgroundServer]:
    with BackgroundServer(EmbeddedServer(models=("byom-embedded", "org/other"))) as server:
        yield server
        assert server.errors == []


@pytest.fixture(scope="session")
def api(embedded: BackgroundServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=embedded.url + "/v1", trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
def ask(api: httpx.Client) -> Callable[..., httpx.Response]:
    """Send a chat request; a text stands for one user message."""

    def send(messages: str | list[dict[str, Any]] = "Say ok.", **members: Any) -> httpx.Response:
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        body = {"model": "byom-embedded", "messages": messages, **members}
        return api.post("/chat/completions", json=body)

    return send
