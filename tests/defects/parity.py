"""Defects by which a stream says something else than the plain answer."""

from __future__ import annotations

from typing import Any

from defects.planting import Asked, Defect, deviates
from defects.streaming import Chunk, change_chunks, each_choice


def _texts(chunks: list[Chunk]) -> list[dict[str, Any]]:
    """Return the deltas that have text."""
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    return [delta for delta in deltas if delta.get("content")]


def _final_text(chunks: list[Chunk]) -> None:
    for delta in _texts(chunks)[-1:]:
        delta["content"] += "final_text"


def _so_far(chunks: list[Chunk]) -> None:
    text = ""
    for number, delta in enumerate(_texts(chunks)):
        text += delta["content"]
        if number % 3 == 2:
            delta["content"] = text


def _newlines(chunks: list[Chunk]) -> None:
    for delta in _texts(chunks)[:1]:
        delta["content"] = "\n\n" + delta["content"]


def _replacements(chunks: list[Chunk]) -> None:
    for delta in _texts(chunks)[1::4]:
        delta["content"] = delta["content"][:-1] + "\ufffd"


def _first_lost(chunks: list[Chunk]) -> None:
    for delta in _texts(chunks)[:1]:
        delta["content"] = ""


def _stripped(chunks: list[Chunk]) -> None:
    for delta in _texts(chunks):
        delta["content"] = delta["content"].strip()


def _length_for_stop(choice: dict[str, Any]) -> None:
    if choice["finish_reason"] == "stop":
        choice["finish_reason"] = "length"


def _free(asked: Asked) -> bool:
    """A stream of free text: what is by a schema, or stopped, has checks of its own."""
    ruled = {"response_format", "stop", "logprobs"} & set(asked.parameters)
    return asked.streams and not ruled


def _differs(id: str, title: str, rewrite: Any, row: str = "", *issues: str) -> Defect:
    """A stream with another text."""
    return Defect(
        id=id,
        title=title,
        change=change_chunks(rewrite, when=_free),
        turns=deviates("parity.text"),
        leaves=frozenset({"parity.finish"}),
        row=row,
        issues=issues,
    )


DEFECTS = [
    _differs(
        "parity-final-text",
        'The last delta ends with the words "final_text".',
        _final_text,
        "C036",
        "tenstorrent/tt-inference-server#2551",
    ),
    _differs(
        "parity-text-so-far",
        "Some chunks carry the whole text so far.",
        _so_far,
        "C035",
        "NVIDIA/TensorRT-LLM#3280",
    ),
    _differs(
        "parity-newlines",
        "The stream begins with newlines that the plain answer does not have.",
        _newlines,
        "C031",
        "jundot/omlx#2492",
    ),
    _differs(
        "parity-replacements",
        "Where a network chunk ended, a replacement character stands.",
        _replacements,
        "C119",
        "api7/aisix#111",
    ),
    _differs("parity-first-lost", "The first token is lost.", _first_lost),
    _differs("parity-stripped", "The spaces around each delta are lost.", _stripped),
    Defect(
        id="parity-finish",
        title="A stream that ends by itself ends with length.",
        change=each_choice(_length_for_stop),
        leaves=frozenset({"structured.streamed"}),
        turns=deviates("parity.finish"),
    ),
]
