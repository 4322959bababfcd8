"""instructor: structured output by a forced call, and its retries with the validation error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.mock.replies import call

instructor = pytest.importorskip("instructor", reason="instructor is not installed")
openai = pytest.importorskip("openai", reason="openai is not installed")
pydantic = pytest.importorskip("pydantic", reason="pydantic is not installed")

if TYPE_CHECKING:
    from pytest_byom.mock.in_process import Mock


class Place(pydantic.BaseModel):  # type: ignore[misc, name-defined]  # pydantic may be absent
    city: str
    days: int


@pytest.fixture
def client() -> Any:
    return instructor.from_openai(openai.OpenAI())


def test_structured_output(byom_mock: Mock, client: Any) -> None:
    """The forced call becomes the app's own class."""
    byom_mock.reply(tool_calls=[call("Place", city="Paris", days=2)]).reply(from_schema=True)
    ask = client.chat.completions.create
    first, second = (
        ask(model="m", response_model=Place, messages=[{"role": "user", "content": "Where?"}])
        for _ in range(2)
    )
    assert (first.city, first.days) == ("Paris", 2)
    assert isinstance(second, Place)


def test_asks_again(byom_mock: Mock, client: Any) -> None:
    """Wrong arguments are sent back with what is wrong about them."""
    byom_mock.reply(tool_calls=[call("Place", city="Paris", days="two")])
    byom_mock.reply(tool_calls=[call("Place", city="Paris", days=2)])
    found = client.chat.completions.create(
        model="m", response_model=Place, messages=[{"role": "user", "content": "Where?"}]
    )
    assert found.days == 2
    assert "days" in byom_mock.requests[-1].tool_results[0]
