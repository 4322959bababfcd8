"""ollama's own client: its native routes are a user's own routes, and its host is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

ollama = pytest.importorskip("ollama", reason="ollama is not installed")

if TYPE_CHECKING:
    from pytest_byom.mock.in_process import Mock
    from pytest_byom.mock.server import MockServer


def test_native_route(byom_mock: Mock) -> None:
    """The native route is answered by a route of one's own."""
    answer = {"model": "m", "message": {"role": "assistant", "content": "Hello"}, "done": True}
    route = byom_mock.router.post(path="/api/chat").respond(json=answer)
    found = ollama.Client().chat(model="m", messages=[{"role": "user", "content": "Hi"}])
    assert found.message.content == "Hello"
    assert route.called


def test_error(byom_mock: Mock) -> None:
    """An error arrives as the client's own class."""
    byom_mock.router.post(path="/api/chat").respond(404, json={"error": "model 'm' not found"})
    with pytest.raises(ollama.ResponseError, match="not found"):
        ollama.Client().chat(model="m", messages=[{"role": "user", "content": "Hi"}])


@pytest.mark.byom(strict=False)
def test_server_knows_no_native_route(byom_server: MockServer) -> None:
    """On a socket, the client finds the server by its environment, which serves the API only."""
    byom_server.set_environment()
    with pytest.raises(ollama.ResponseError, match="is not served"):
        ollama.Client().chat(model="m", messages=[{"role": "user", "content": "Hi"}])
