"""What answers cost is counted, plain and streamed, and limits hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pytest_byom.client.models import CustomModel
from pytest_byom.conformance.spending import Spending
from pytest_byom.registry import Limits

from .making import HELLO, make_exchange, make_stream

PRICED = CustomModel(
    model_id="m", api_model="m", name="M", cost_per_1m_in=1_000_000, cost_per_1m_out=2_000_000
)


def spent(*exchanges: Any, model: CustomModel | None = None, **limits: Any) -> Spending:
    """Count these answers."""
    spending = Spending(Limits(**limits), model=model)
    for exchange in exchanges:
        spending.answer(exchange)
    return spending


def test_plain() -> None:
    """A plain answer costs what its usage says."""
    answer = HELLO | {"usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}
    spending = spent(make_exchange(answer), make_exchange(answer), model=PRICED)
    assert (spending.tokens, spending.cost) == (10, Decimal(14))


def test_stream_without_usage() -> None:
    """A stream that says nothing counts a token for each chunk."""
    assert spent(make_stream({"choices": []}, {"choices": []})).tokens == 2


def test_stream_with_usage() -> None:
    """A stream costs what its last usage says."""
    counts = [{"choices": [], "usage": {"total_tokens": total}} for total in (4, 9)]
    assert spent(make_stream(*counts)).tokens == 9


@pytest.mark.parametrize("body", [b"<html>", {"usage": None}, {"usage": 7}, []])
def test_nothing_said(body: Any) -> None:
    """What says nothing of usage counts for nothing."""
    assert spent(make_exchange(body)).tokens == 0


def test_refused_requests_are_free() -> None:
    """An error answer costs nothing."""
    assert spent(make_exchange(HELLO, status=400)).tokens == 0


LIMITS: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"tokens": 5}, "the limit of 5 tokens is used up"),
    ({"tokens": 6}, ""),
    ({"cost": 7.0}, "the limit of 7 in cost is used up"),
    ({"cost": 7.5}, ""),
]


@pytest.mark.parametrize(("limits", "sentence"), LIMITS)
def test_limits(limits: dict[str, Any], sentence: str) -> None:
    """A limit that is reached is used up, and says which it is."""
    answer = HELLO | {"usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}
    assert spent(make_exchange(answer), model=PRICED, **limits).refusal() == sentence


def test_room_for_several() -> None:
    """What does not fit into the limit of requests as a whole is refused as a whole."""
    spending = Spending(Limits(requests=4))
    spending.request()
    assert spending.refusal(requests=3) == ""
    assert spending.refusal(requests=4) == "the limit of 4 requests is used up"


def test_requests() -> None:
    """Requests are limited too."""
    spending = spent(requests=1)
    assert spending.refusal() == ""
    spending.request()
    assert spending.refusal() == "the limit of 1 requests is used up"
