"""The set of recordings holds what it is there for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .breaking import SHAPES
from .pick import NOTICE
from .reading import read
from .replay import HERE, Player, load
from .test_recordings import compare_answer, compare_events

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

FILES = sorted(HERE.glob("*/*.json"))
MOST_BYTES = 3 * 1024 * 1024
LICENCES = {"MIT", "Apache-2.0", "Apache-2.0 OR BSD-3-Clause"}


@pytest.fixture(scope="module")
def recordings() -> list[tuple[Path, dict[str, Any]]]:
    """The set, read once."""
    return [(path, load(path)) for path in FILES]


@pytest.mark.parametrize("name", SHAPES)
def test_each_breaking_shape_is_there(
    recordings: list[tuple[Path, dict[str, Any]]], name: str
) -> None:
    """The set has a recording of each shape that breaks naive clients."""
    assert [path.name for path, recording in recordings if SHAPES[name](recording)]


def test_the_set_is_small() -> None:
    """The recordings take no more room than a checkout can bear."""
    assert sum(path.stat().st_size for path in HERE.rglob("*") if path.is_file()) <= MOST_BYTES


def test_each_recording_is_in_notice(recordings: list[tuple[Path, dict[str, Any]]]) -> None:
    """NOTICE names each file with the repository that it comes from, and nothing else."""
    repository = ""
    named = {}
    for line in NOTICE.read_text("utf-8").splitlines():
        if line.startswith("https://github.com/"):
            repository = line.removeprefix("https://github.com/")
        elif line.endswith(".json"):
            named[line.strip()] = repository
    expected = {
        f"{path.parent.name}/{path.name}": recording["source"].partition(" ")[0]
        for path, recording in recordings
    }
    assert named == expected


def test_each_licence_allows_it(recordings: list[tuple[Path, dict[str, Any]]]) -> None:
    """Only recordings under a permissive licence are kept."""
    assert {recording["licence"] for _, recording in recordings} <= LICENCES


TGI = (
    'data:{"object":"text_completion","id":"","created":1716200000,"model":"m",'
    '"system_fingerprint":"2.0.2-native","choices":[{"index":0,"delta":{"role":"assistant",'
    '"content":"%s"},"logprobs":null,"finish_reason":%s}]}\n\n'
)
MADE: dict[str, Any] = {
    "endpoint": "chat",
    "fidelity": "made",
    "flags": {"stream": True},
    "request": {"url": "http://server.test/v1/chat/completions", "body": {}},
    "response": {
        "status": 200,
        "headers": {"content-type": "text/event-stream"},
        "sse": TGI % ("Hel", "null") + TGI % ("lo", "null") + TGI % ("</s>", '"eos_token"'),
    },
}


@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_stream_without_spaces(player: Player, way: str) -> None:
    """TGI's streams of 2024 are read.

    They are made: the licence of its own snapshots was not a free one until version 2.0. What its
    tests of those days cut off is `data:` without a space; see contracts/dialects/tgi for later
    answers as they were recorded.
    """
    result, events = player.play(MADE, way)
    assert result.content == "Hello</s>"
    assert result.finish_reason == "eos_token"
    compare_answer(result, read(MADE), "made")
    compare_events(events, read(MADE))
