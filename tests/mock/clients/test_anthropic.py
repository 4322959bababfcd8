"""Anthropic: its OpenAI-compatible endpoint is answered, its own API is never reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

anthropic = pytest.importorskip("anthropic", reason="anthropic is not installed")
openai = pytest.importorskip("openai", reason="openai is not installed")

if TYPE_CHECKING:
    from pytest_byom.mock.in_process import Mock

HI: Any = [{"role": "user", "content": "Hi"}]


def test_the_compatible_endpoint(byom_mock: Mock) -> None:
    """openai-python, aimed at Anthropic, is answered from the script."""
    byom_mock.reply("Hello")
    with openai.OpenAI(base_url="https://api.anthropic.com/v1/") as client:
        answer = client.chat.completions.create(model="claude-opus-4", messages=HI)
    assert answer.choices[0].message.content == "Hello"


@pytest.mark.byom(strict=False)
def test_its_own_api_is_blocked(byom_mock: Mock) -> None:
    """A request of its own SDK is not sent, not retried, and is its own class of error."""
    client = anthropic.Anthropic(api_key="any")
    with pytest.raises(anthropic.BadRequestError, match="is a real server"):
        client.messages.create(model="m", max_tokens=5, messages=HI)
    assert len(byom_mock.log.served) == 1


def test_a_route_for_it(byom_mock: Mock) -> None:
    """A route of one's own may answer it, and fail as its library fails."""
    import httpx

    route = byom_mock.router.post("https://api.anthropic.com/v1/messages")
    route.mock(side_effect=httpx.ReadTimeout)
    client = anthropic.Anthropic(api_key="any", max_retries=0)
    with pytest.raises(anthropic.APITimeoutError):
        client.messages.create(model="m", max_tokens=5, messages=HI)
