"""Ollama, judged by a recorded run: what is found is what its profile says."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from pytest_byom.registry.dialects import read_profile

from .recorded import ANSWERS, DATA, findings_in, load_exchanges

if TYPE_CHECKING:
    from pytest_byom.conformance.exchange import Exchange

OLLAMA = DATA / "ollama-0.33.0-rc2"


@pytest.fixture(scope="module")
def exchanges() -> dict[str, Exchange]:
    """The recorded exchanges of Ollama, by contract."""
    return load_exchanges(OLLAMA)


def test_every_finding_is_in_the_profile(exchanges: dict[str, Exchange]) -> None:
    """The profile has what is found, and what it says of this version is found."""
    found, decided = findings_in(exchanges)
    entries = read_profile("ollama")["deviations"]
    assert found == {entry["check"] for entry in entries if entry["source"] == "answers"}
    assert {f"ollama-{entry['versions']}" for entry in entries} == {OLLAMA.name}
    assert len(decided) > 150


def test_every_file_stands_for_a_contract() -> None:
    """No exchange lies there unused, and none is used twice."""
    assert sorted(file.stem for file in OLLAMA.glob("*.json")) == sorted(ANSWERS.values())


def test_a_defect_is_found(exchanges: dict[str, Exchange]) -> None:
    """Another answer is another finding: one that is wrong is found, one that is mended is not."""
    before, _ = findings_in(exchanges)
    stream = exchanges["chat/stream"]
    refused = exchanges["models/unknown"]
    changed = exchanges | {
        "chat/stream": _with(stream, stream.raw.replace(b"data: [DONE]", b"data: [END]")),
        "messages/unknown-role": dataclasses.replace(
            exchanges["messages/unknown-role"], status=400
        ),
        "models/unknown": _with(
            refused, refused.raw.replace(b'"code": null', b'"code": "model_not_found"')
        ),
    }
    after, _ = findings_in(changed)
    assert {"stream.done-marker", "stream.json-data"} <= after - before
    assert before - after == {"messages.unknown-role", "models.unknown-code"}


def _with(exchange: Exchange, raw: bytes) -> Exchange:
    assert raw != exchange.raw
    return dataclasses.replace(exchange, raw=raw)
