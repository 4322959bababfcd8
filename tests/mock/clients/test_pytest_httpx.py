"""pytest-httpx beside the mock: each answers what is its own, whoever came first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

pytest.importorskip("pytest_httpx", reason="pytest-httpx is not installed")

if TYPE_CHECKING:
    from pytest_byom.mock.in_process import Mock

BODY = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def check(byom_mock: Mock, httpx_mock: Any) -> None:
    """Ask both."""
    byom_mock.reply("Hello")
    httpx_mock.add_response(url="http://other.test/", text="theirs")
    assert httpx.post("http://llm.test/v1/chat/completions", json=BODY).json()["choices"]
    assert httpx.get("http://other.test/").text == "theirs"


def test_mock_first(byom_mock: Mock, httpx_mock: Any) -> None:
    """Set up after ours, theirs goes on working, and ours does."""
    check(byom_mock, httpx_mock)


def test_mock_last(httpx_mock: Any, byom_mock: Mock) -> None:
    """Set up before ours, theirs goes on working, and ours does."""
    check(byom_mock, httpx_mock)


def test_nothing_is_left(httpx_mock: Any) -> None:
    """Afterwards theirs is alone."""
    httpx_mock.add_response(url="http://llm.test/v1/chat/completions", text="theirs")
    assert httpx.post("http://llm.test/v1/chat/completions", json=BODY).text == "theirs"
