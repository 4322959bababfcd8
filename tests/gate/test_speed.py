"""How fast a server streams, and when that is slower than before."""

from __future__ import annotations

import json

import pytest

from pytest_byom.gate.speed import compare_speed, measure_streams

from .making import chunk


def stream(*times: float) -> list[tuple[float, str]]:
    """Return a stream whose texts come at these milliseconds, after a first empty delta."""
    texts = [(time, json.dumps(chunk({"content": "x"}))) for time in times]
    return [(1.0, json.dumps(chunk({"role": "assistant", "content": ""}))), *texts, (999, "[DONE]")]


def test_median() -> None:
    """The figures are medians: of the first text, of the longest gap, of texts a second."""
    streams = [stream(10, 20, 30, 40), stream(30, 40, 50, 70), stream(20, 30, 60, 70)]
    assert measure_streams(streams) == {"first_token": 20, "gap": 20, "rate": 75.0}


def test_too_few() -> None:
    """Two streams are no measurement, and short ones tell only when the text began."""
    assert measure_streams([stream(10, 20, 30, 40)] * 2) == {}
    assert measure_streams([stream(10, 20)] * 3) == {"first_token": 10}


def test_nothing_to_measure() -> None:
    """Streams without text, and with what is no chunk, are passed over."""
    odd = [(1.0, "[DONE]"), (2.0, "{}"), (3.0, "[]"), (4.0, '{"choices": [{}]}'), (5.0, "")]
    assert measure_streams([odd, [], stream()]) == {}


PACES = [
    ("first_token", 100, 149, False),
    ("first_token", 100, 151, True),
    ("first_token", 100, 20, False),
    ("first_token", 4, 15, False),
    ("gap", 100, 200, True),
    ("rate", 30, 21, False),
    ("rate", 30, 19, True),
    ("rate", 30, 90, False),
    ("rate", 30000, 900, False),
]


@pytest.mark.parametrize(("key", "before", "after", "slower"), PACES)
def test_compare(key: str, before: float, after: float, slower: bool) -> None:
    """Slower is what exceeds the tolerance, and in times also what a person notices."""
    (pace,) = compare_speed({key: before}, {key: after}, tolerance=0.5)
    assert pace.slower is slower


def test_only_common_figures() -> None:
    """A figure that one run lacks is not compared."""
    assert compare_speed({"gap": 1}, {"rate": 1}, tolerance=0.5) == []
