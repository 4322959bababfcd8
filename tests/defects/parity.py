"""Defects by which a stream says something else than the plain answer."""

from __future__ import annotations

from typing import Any

from defects.members import stop_after_length
from defects.planting import (
    Asked,
    Change,
    Defect,
    When,
    change_error,
    change_request,
    deviates,
    drop,
    failed,
    ignored,
)
from defects.streaming import Chunk, change_chunks, each_choice, each_chunk, each_fragment


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
        leaves=frozenset({"parity.finish", "parity.usage"}),
        row=row,
        issues=issues,
    )


def _streams(**members: Any) -> When:
    """Build the predicate for streams in whose request some members have these values."""

    def found(asked: Asked) -> bool:
        given = asked.parameters
        return asked.streams and all(given.get(name) == value for name, value in members.items())

    return found


def _format(kind: str) -> When:
    def found(asked: Asked) -> bool:
        asked_for = asked.parameters.get("response_format")
        return asked.streams and isinstance(asked_for, dict) and asked_for["type"] == kind

    return found


def _is_named(asked: Asked) -> bool:
    return asked.streams and isinstance(asked.parameters.get("tool_choice"), dict)


def _counts_more(chunk: Chunk) -> None:
    if usage := chunk.get("usage"):
        usage["completion_tokens"] += 1
        usage["total_tokens"] += 1


def _counts_one(chunk: Chunk) -> None:
    if usage := chunk.get("usage"):
        usage["completion_tokens"] //= 2
        usage["total_tokens"] -= usage["completion_tokens"]


def _renamed(chunks: list[Chunk]) -> None:
    """Give the arguments of a call whole, under a name of another form."""
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    calls = [call["function"] for delta in deltas for call in delta.get("tool_calls") or ()]
    whole = "".join(call["arguments"] for call in calls)
    for call in calls:
        call["arguments"] = ""
    calls[0]["arguments"] = whole.replace('"city"', '"City"')


def _first_index(fragment: dict[str, Any]) -> None:
    fragment["index"] = 0


def _one_call(chunks: list[Chunk]) -> None:
    for chunk in chunks:
        for choice in chunk["choices"]:
            calls = choice["delta"].get("tool_calls") or ()
            if any(call["index"] for call in calls):
                del choice["delta"]["tool_calls"]


def _other_code(when: When) -> Change:
    return change_error(lambda data: data["error"].update(code="bad_request"), when=when)


def _any_tool(data: dict[str, Any]) -> None:
    data["tool_choice"] = "required"


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
        leaves=frozenset(
            {"structured.streamed", "parity.json-schema", "parity.json-object"}
            | {"parity.tool-named"}
        ),
        turns=deviates("parity.finish"),
    ),
    Defect(
        id="parity-usage",
        title="A stream counts its end mark too.",
        change=each_chunk(_counts_more, when=_streams(temperature=0, max_tokens=24)),
        turns=deviates("parity.usage"),
    ),
    Defect(
        id="parity-model",
        title="A stream names the model that a router chose.",
        change=each_chunk(lambda chunk: chunk.update(model="routed-to-another")),
        turns=deviates("parity.model"),
    ),
    Defect(
        id="parity-limit-ignored",
        title="max_tokens has no effect on a stream.",
        change=drop("max_tokens", when=_streams(max_tokens=5)),
        turns=ignored("parity.max-tokens"),
    ),
    Defect(
        id="parity-limit-stop",
        title="A stream that max_tokens cut ends with stop.",
        change=each_choice(stop_after_length, when=_streams(max_tokens=5)),
        turns=deviates("parity.max-tokens"),
    ),
    Defect(
        id="parity-n-usage",
        title="The usage of a stream covers one choice of two.",
        change=each_chunk(_counts_one, when=_streams(n=2)),
        turns=deviates("parity.n"),
    ),
    Defect(
        id="parity-logprobs",
        title="logprobs has no effect on a stream.",
        change=drop("logprobs", "top_logprobs", when=_streams()),
        turns=ignored("logprobs.streamed"),
    ),
    Defect(
        id="parity-schema",
        title="A schema has no effect on a stream.",
        change=drop("response_format", when=_format("json_schema")),
        turns=ignored("parity.json-schema", "structured.streamed"),
        leaves=frozenset({"stream.separators", "concurrency.streams"}),
    ),
    Defect(
        id="parity-json-object",
        title="json_object has no effect on a stream.",
        change=drop("response_format", when=_format("json_object")),
        turns=ignored("parity.json-object"),
    ),
    Defect(
        id="parity-arguments",
        title="A streamed call has its arguments under other names.",
        change=change_chunks(_renamed, when=_streams(tool_choice="required")),
        turns=deviates("parity.tools"),
    ),
    Defect(
        id="parity-named",
        title="A named tool choice is taken for any in a stream.",
        change=change_request(_any_tool, when=_is_named),
        turns=ignored("parity.tool-named"),
    ),
    Defect(
        id="parity-none",
        title="tool_choice none has no effect on a stream.",
        change=drop("tool_choice", when=_streams(tool_choice="none")),
        turns=ignored("parity.tool-none"),
    ),
    Defect(
        id="parity-one-index",
        title="All calls of a stream have the index 0.",
        change=each_fragment(_first_index),
        turns=deviates("parity.tools-parallel") | failed("tools.streamed-own-index"),
        row="C125",
        issues=(
            "ollama/ollama#15457",
            "dyedd/lens#49",
            "su-kaka/gcli2api#406",
            "omnigent-ai/omnigent#28",
            "QuantumNous/new-api#672",
        ),
    ),
    Defect(
        id="parity-one-call",
        title="A stream has the first of several calls only.",
        change=change_chunks(_one_call),
        turns=deviates("parity.tools-parallel"),
    ),
    Defect(
        id="parity-parameter-code",
        title="The error of a bad parameter has another code with stream.",
        change=_other_code(_streams(max_tokens="many")),
        turns=deviates("parity.error-parameter"),
    ),
    Defect(
        id="parity-model-code",
        title="The error of an unknown model has another code with stream.",
        change=_other_code(_streams(model="byom-no-such-model")),
        turns=deviates("parity.error-model"),
    ),
    Defect(
        id="parity-key-code",
        title="The error of a wrong key has another code with stream.",
        change=_other_code(
            lambda asked: asked.streams and "wrong" in asked.header("authorization")
        ),
        turns=deviates("parity.error-key"),
    ),
]
