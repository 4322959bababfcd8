"""Defects of log probabilities."""

from __future__ import annotations

from typing import Any

from defects.leaving import needing
from defects.planting import (
    Change,
    Defect,
    asks,
    deviates,
    drop,
    failed,
    ignored,
    on_choices,
    refuse,
)

Members = dict[str, Any]

OF_ENTRIES = frozenset(
    {"logprobs.entries", "logprobs.not-positive", "logprobs.text", "logprobs.top"}
    | {"logprobs.count", "logprobs.refusal"}
)

CELLS = ignored(
    *(f"logprobs.table-true-{top}" for top in ("absent", "null", "zero", "two", "twenty"))
)


def _entries(rewrite: Any) -> Change:
    """Change each entry of the log probabilities."""

    def change(choice: Members) -> None:
        for entry in choice["logprobs"]["content"]:
            rewrite(entry)

    return on_choices(change, when=asks("logprobs"))


def _older(choice: Members) -> None:
    entries = choice["logprobs"]["content"]
    choice["logprobs"] = {
        "tokens": [entry["token"] for entry in entries],
        "token_logprobs": [entry["logprob"] for entry in entries],
    }


def _raw(entry: Members) -> None:
    entry["token"] = f"\u0120{entry['token']}"
    entry["bytes"] = list(entry["token"].encode())


def _shifted(choice: Members) -> None:
    entries = choice["logprobs"]["content"]
    entries.insert(0, {**entries[0], "token": "Say", "bytes": list(b"Say")})


def _probability(entry: Members) -> None:
    entry["logprob"] = 0.97


def _third(entry: Members) -> None:
    entry["top_logprobs"].append({"token": "x", "logprob": -99.0, "bytes": [120]})


def _five_times(choice: Members) -> None:
    choice["logprobs"]["content"] *= 5


DEFECTS = [
    Defect(
        id="logprobs-ignored",
        title="logprobs is ignored.",
        change=drop("logprobs", "top_logprobs", when=asks("logprobs")),
        turns=ignored("logprobs.given")
        | CELLS
        | ignored("logprobs.streamed")
        | deviates("logprobs.table-true-twenty-one", "logprobs.table-true-negative"),
        leaves=OF_ENTRIES,
        row="C248",
        issues=("platform.claude.com/docs/en/api/openai-sdk",),
    ),
    Defect(
        id="logprobs-refused",
        title="logprobs is refused.",
        change=refuse("logprobs is not supported with this model", when=asks("logprobs")),
        lacks=needing("logprobs"),
        row="C220",
        issues=("dottxt-ai/outlines#946", "ogx-ai/ogx#609"),
    ),
    Defect(
        id="logprobs-older-form",
        title="The log probabilities come in the form of the older API.",
        change=on_choices(_older, when=asks("logprobs")),
        turns=ignored("logprobs.given") | CELLS,
        leaves=OF_ENTRIES,
    ),
    Defect(
        id="logprobs-no-top",
        title="An entry has no top_logprobs.",
        change=_entries(lambda entry: entry.pop("top_logprobs") and None),
        turns=failed("logprobs.entries"),
    ),
    Defect(
        id="logprobs-text",
        title="A log probability is a text.",
        change=_entries(lambda entry: entry.update(logprob="-0.1")),
        turns=failed("logprobs.entries"),
    ),
    Defect(
        id="logprobs-token-id",
        title="The token is its number in the vocabulary.",
        change=_entries(lambda entry: entry.update(token=17)),
        turns=failed("logprobs.entries"),
    ),
    Defect(
        id="logprobs-bytes-text",
        title="bytes is a text.",
        change=_entries(lambda entry: entry.update(bytes="ok")),
        turns=failed("logprobs.entries"),
    ),
    Defect(
        id="logprobs-probability",
        title="The log probability is a probability.",
        change=_entries(_probability),
        turns=failed("logprobs.not-positive"),
    ),
    Defect(
        id="logprobs-raw-pieces",
        title="Tokens are raw pieces of the vocabulary.",
        change=_entries(_raw),
        turns=deviates("logprobs.text"),
        row="C221",
        issues=("InternLM/lmdeploy#2802",),
    ),
    Defect(
        id="logprobs-of-prompt",
        title="The first entry is that of a token of the prompt.",
        change=on_choices(_shifted, when=asks("logprobs")),
        turns=deviates("logprobs.text"),
    ),
    Defect(
        id="logprobs-three",
        title="top_logprobs=2 gives three alternatives.",
        change=_entries(_third),
        turns=deviates("logprobs.top")
        | deviates(
            "logprobs.table-true-zero", "logprobs.table-true-two", "logprobs.table-true-twenty"
        ),
    ),
    Defect(
        id="logprobs-rising",
        title="The least likely alternative comes first.",
        change=_entries(lambda entry: entry["top_logprobs"].reverse()),
        turns=deviates("logprobs.top"),
    ),
    Defect(
        id="logprobs-other-bytes",
        title="The bytes of a token come in the wrong order.",
        change=_entries(lambda entry: entry["bytes"].reverse()),
        turns=deviates("logprobs.bytes"),
    ),
    Defect(
        id="logprobs-not-greedy",
        title="The chosen token is listed as less likely than an alternative.",
        change=_entries(lambda entry: entry.update(logprob=entry["logprob"] - 5)),
        turns=deviates("logprobs.greedy"),
    ),
    Defect(
        id="logprobs-many",
        title="The entries come five times over.",
        change=on_choices(_five_times, when=asks("logprobs")),
        turns=deviates("logprobs.count"),
    ),
    Defect(
        id="logprobs-no-refusal",
        title="The log probabilities have no refusal member.",
        change=on_choices(lambda choice: choice["logprobs"].pop("refusal"), when=asks("logprobs")),
        turns=deviates("logprobs.refusal"),
    ),
    Defect(
        id="logprobs-top-alone",
        title="top_logprobs without logprobs is ignored.",
        change=drop("top_logprobs", when=lambda asked: not asks("logprobs")(asked)),
        turns=deviates("logprobs.top-alone")
        | deviates(
            "logprobs.table-absent-two", "logprobs.table-null-two", "logprobs.table-false-two"
        ),
    ),
]
