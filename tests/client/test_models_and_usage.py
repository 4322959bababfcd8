"""Models are judged at the door; usage and cost are counted in every dialect."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from pytest_byom.client.errors import UnsupportedError, UsageError
from pytest_byom.client.models import CustomModel, model_from
from pytest_byom.client.usage import Cost, Usage, cost_of, read_usage


def test_a_model_with_its_defaults() -> None:
    """Only the id is needed; it goes over the wire unless another name is said."""
    model = CustomModel(model_id="llama")
    assert (model.wire_name, model.provider, model.currency) == ("llama", "custom", "USD")
    assert CustomModel(model_id="llama", api_model="llama:8b").wire_name == "llama:8b"


def test_a_model_is_frozen_and_keyword_only() -> None:
    """A model cannot be changed, and no argument has a place."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        CustomModel(model_id="a").model_id = "b"  # type: ignore[misc]  # this is the point
    with pytest.raises(TypeError):
        CustomModel("a")  # type: ignore[call-arg]  # this is the point


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model_id": " "}, "model_id must be a name, not ' '"),
        ({"model_id": 5}, "model_id must be text, not 5"),
        ({"context_window": -1}, "context_window must be a whole number of tokens"),
        ({"context_window": True}, "context_window must be a whole number of tokens"),
        ({"default_max_tokens": 1.5}, "default_max_tokens must be a whole number"),
        ({"attachments": "yes"}, "attachments must be True or False, not 'yes'"),
        ({"cost_per_1m_in": -1}, "cost_per_1m_in must be a price of 0 or more, not -1"),
        ({"cost_per_1m_out": "dear"}, "cost_per_1m_out must be a price of 0 or more"),
        ({"cost_per_1m_out": float("nan")}, "cost_per_1m_out must be a price"),
        ({"cost_per_1m_out": True}, "cost_per_1m_out must be a price"),
        ({"currency": ""}, "currency must be a code such as USD"),
        ({"max_tokens_field": "max"}, "max_tokens or max_completion_tokens, not 'max'"),
    ],
)
def test_wrong_values(fields: dict[str, Any], message: str) -> None:
    """A value that cannot be meant is refused, with what is valid."""
    with pytest.raises(UsageError) as caught:
        CustomModel(**({"model_id": "m"} | fields))
    assert message in str(caught.value)


def test_a_model_from_what_people_write() -> None:
    """A name stays a name, an object becomes a model."""
    assert model_from("m") == "m"
    assert model_from({"model_id": "m", "context_window": 5}) == CustomModel(
        model_id="m", context_window=5
    )


@pytest.mark.parametrize("value", ["", 5, {}, {"model_id": "m", "windw": 1}])
def test_no_model(value: Any) -> None:
    """What describes no model is refused."""
    with pytest.raises(UsageError, match=r"model|windw"):
        model_from(value)


def test_require_names_the_flag() -> None:
    """A refusal says which flag would allow it."""
    with pytest.raises(UnsupportedError, match=r"'m', which is described with attachments=False"):
        CustomModel(model_id="m").require("attachments", wanted="to read an attachment")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}, (5, 2, 7, 0, 0)),
        ({"prompt_tokens": 5, "completion_tokens": 2}, (5, 2, 7, 0, 0)),
        ({"input_tokens": 5, "output_tokens": 2}, (5, 2, 7, 0, 0)),
        ({"promptTokens": 5, "completionTokens": 2, "totalTokens": 7}, (5, 2, 7, 0, 0)),
        ({"prompt_tokens": "5", "completion_tokens": 2.0, "total_tokens": None}, (5, 2, 7, 0, 0)),
        ({"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}}, (5, 0, 5, 4, 0)),
        ({"prompt_tokens": 5, "prompt_tokens_details": None}, (5, 0, 5, 0, 0)),
        ({"prompt_tokens": 5, "prompt_cache_hit_tokens": 4}, (5, 0, 5, 4, 0)),
        ({"prompt_tokens": 5, "num_cached_tokens": 4}, (5, 0, 5, 4, 0)),
        ({"completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 8}},
         (0, 9, 9, 0, 8)),
        ({"prompt_tokens": True, "completion_tokens": "many"}, (0, 0, 0, 0, 0)),
        ({}, (0, 0, 0, 0, 0)),
    ],
)  # fmt: skip
def test_usage_of_each_dialect(raw: dict[str, Any], expected: tuple[int, ...]) -> None:
    """Input, output, total, cached and reasoning tokens are found under each name."""
    usage = read_usage(raw)
    assert usage is not None
    found = (usage.input_tokens, usage.output_tokens, usage.total_tokens)
    assert (*found, usage.cached_tokens, usage.reasoning_tokens) == expected


@pytest.mark.parametrize("raw", [None, [], "5", 5])
def test_no_usage(raw: object) -> None:
    """What is no object is no usage."""
    assert read_usage(raw) is None


PRICED = CustomModel(
    model_id="m", cost_per_1m_in=2, cost_per_1m_out="10", cost_per_1m_in_cached=0.5  # type: ignore[arg-type]  # a text is read too
)  # fmt: skip


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        (Usage(input_tokens=1_000_000), "2"),
        (Usage(output_tokens=1_000_000), "10"),
        (Usage(input_tokens=1_000_000, cached_tokens=400_000), "1.4"),
        (Usage(input_tokens=10, cached_tokens=20), "0.000005"),
        (Usage(output_tokens=10, reasoning_tokens=8, total_tokens=10), "0.0001"),
        (Usage(input_tokens=1, output_tokens=2, reasoning_tokens=7, total_tokens=10), "0.000092"),
    ],
    ids=["in", "out", "cached", "more cached than sent", "reasoning inside", "reasoning beside"],
)
def test_cost(usage: Usage, cost: str) -> None:
    """Each token is paid once, at its own price."""
    assert cost_of(usage, PRICED) == Cost(Decimal(cost), "USD")


def test_cached_tokens_without_a_price_of_their_own() -> None:
    """Where no cached price is known, cached tokens cost what others do."""
    model = CustomModel(model_id="m", cost_per_1m_in=2)
    cost = cost_of(Usage(input_tokens=1_000_000, cached_tokens=1_000_000), model)
    assert cost == Cost(Decimal(2))


@pytest.mark.parametrize(("usage", "model"), [(None, PRICED), (Usage(), "m")])
def test_no_cost(usage: Usage | None, model: Any) -> None:
    """Without usage, or without prices known, there is no cost."""
    assert cost_of(usage, model) is None


def test_a_free_model_costs_nothing() -> None:
    """A described model without prices is free, which is not unknown."""
    assert cost_of(Usage(input_tokens=5), CustomModel(model_id="m")) == Cost(Decimal(0))
