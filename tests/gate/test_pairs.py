"""Upgrades that went wrong in public, replayed: a server before and after, and what a gate says.

The first table is made of planted defects that stand for public reports, one for each way in which
checks turn. The second has changes that break no rule: apps broke on them all the same. The third
has what must not be a difference at all.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from defects.collection import DEFECTS
from defects.judging import STANDARD, scope_of
from defects.legal import VARIANTS
from defects.planting import (
    Change,
    Defect,
    both,
    change_error,
    change_json,
    on_messages,
    set_header,
    streams,
)
from defects.streaming import each_choice, each_chunk, each_delta

from pytest_byom.conformance.catalogue import all_checks
from pytest_byom.conformance.finding import FINDS, Outcome
from pytest_byom.gate.comparison import Kind, compare_records
from pytest_byom.gate.gating import Mode

from .running import record_of

if TYPE_CHECKING:
    from pytest_byom.gate.baseline import Record
    from pytest_byom.gate.comparison import Comparison

FEWEST = 60


@cache
def healthy(open: bool = False) -> Record:
    """Return the record of the server before it was upgraded."""
    return record_of(open=open)


def _distinct() -> list[Defect]:
    """Return the defects with public reports, one for each set of checks that turn."""
    found: dict[Any, Defect] = {}
    for defect in DEFECTS:
        if defect.issues and defect.turns and scope_of(defect) is STANDARD:
            turns = frozenset(defect.turns.items())
            found.setdefault((turns, defect.leaves, defect.lacks), defect)
    return list(found.values())


BROKEN = _distinct()


def foretold(defect: Defect) -> dict[str, str]:
    """Return the class of each check that an upgrade to a defect turns."""
    return {id: _class_of(id, outcome) for id, outcome in outcomes_of(defect).items()}


def outcomes_of(defect: Defect) -> dict[str, Outcome]:
    """Return the outcomes of the checks of the standard profile that a defect changes."""
    return {id: outcome for id, outcome in defect.outcomes.items() if id in STANDARD}


def _class_of(id: str, outcome: Outcome) -> str:
    if outcome is Outcome.INCONCLUSIVE:
        return "undecided"
    if outcome is Outcome.UNSUPPORTED:
        return "vanished"
    return "changed" if all_checks()[id].level == "may" else "regressed"


def checks_of(compared: Comparison) -> dict[str, str]:
    """Return the class of each check that is otherwise."""
    return {d.what: d.kind.value for d in compared.differences if not d.where}


@pytest.mark.parametrize("defect", [pytest.param(defect, id=defect.id) for defect in BROKEN])
def test_broken_by_an_upgrade(defect: Defect) -> None:
    """Each check that a public defect turns has its class, no other; the worst fail the gate."""
    before, after = healthy(defect.open), record_of(defect.change, open=defect.open)
    compared = compare_records("mine", before, after)
    assert checks_of(compared) == foretold(defect), defect.issues
    worst = {"regressed", "vanished"} & set(foretold(defect).values())
    assert any(Mode().fails_on(d.kind) for d in compared.differences) is bool(worst)

    mended = checks_of(compare_records("mine", after, before))
    turned = {id for id, kind in outcomes_of(defect).items() if kind in FINDS}
    expected = {id for id, kind in foretold(defect).items() if kind != "changed"}
    assert {id for id, kind in mended.items() if kind == "fixed"} == expected | turned


def variant(id: str) -> Change:
    """Return a legal way of a server."""
    return next(variant.change for variant in VARIANTS if variant.id == id)


def thinks(name: str, *, streamed: bool = True) -> Change:
    """Build a server that sends its reasoning in a member of this name."""
    plain_way = on_messages(lambda message: message.update({name: "The user wants ok."}))
    stream_way = each_delta(lambda delta: delta.update({name: "Hm."}) if not delta else None)
    return both(plain_way, stream_way) if streamed else plain_way


def _nested(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "detail": data["error"]["message"]}


def _fingerprint_gone(data: dict[str, Any]) -> None:
    data.pop("system_fingerprint", None)


# Before, after, where it was reported, and what the gate says.
LEGAL: dict[str, tuple[Change | None, Change | None, str, list[str]]] = {
    "reasoning-renamed": (
        thinks("reasoning_content"),
        thinks("reasoning"),
        "lmstudio-ai/lmstudio-bug-tracker#894; vllm-project/vllm#38488",
        [
            # The server reasons by itself where it is asked for an effort, and keeps to its name.
            "choices[].message: reasoning is new (string)",
            "choices[].message: reasoning stands where reasoning_content was",
            "delta (finish; finish, call): reasoning stands where reasoning_content was",
            "reasoning: carrier was reasoning_content, and is reasoning",
            "reasoning: carrier was reasoning_content, and is reasoning or reasoning_content",
        ],
    ),
    "reasoning-comes": (
        None,
        variant("thoughts"),
        "Blaizzy/mlx-vlm#1408",
        [
            "choices[].message: reasoning is new (string)",
            "choices[].message: reasoning, reasoning_content are new",
            "reasoning: carrier was reasoning_content, and is reasoning or reasoning_content",
        ],
    ),
    "reasoning-gone-from-streams": (
        thinks("reasoning"),
        thinks("reasoning", streamed=False),
        "anomalyco/opencode#30477",
        [
            "delta (finish; finish, call): reasoning is gone (it was string)",
            "reasoning: carrier was reasoning, and is none",
        ],
    ),
    "comments": (
        None,
        variant("comments"),
        "deepnoodle-ai/dive#206; brainlid/langchain#569",
        ["lines: comment is new (: OPENROUTER)"],
    ),
    "crlf-and-comments": (
        None,
        variant("crlf-comments"),
        "abetlen/llama-cpp-python#1188; betalgo/openai#472",
        ["lines: comment is new (: ping)", "lines: line end was LF, and is CRLF"],
    ),
    "no-space": (
        None,
        variant("no-space"),
        "",
        ["lines: after data: was space, and is nothing"],
    ),
    "event-names": (None, variant("event-message"), "", ["lines: field event is new (present)"]),
    "usage-unasked": (
        None,
        variant("usage-unasked"),
        "entrius/gittensor#1750",
        ["stream: usage was none, and is in a chunk of its own"],
    ),
    "preamble": (
        None,
        variant("preamble"),
        "vercel/modelfusion#185",
        ["stream: chunk without a choice is new (first)"],
    ),
    "whole-calls": (
        None,
        variant("whole-call"),
        "",
        ["delta.tool_calls[].function (first): arguments was empty, and is string"],
    ),
    "forced-call-stops": (
        None,
        variant("required-stop"),
        "vllm-project/vllm#25054",
        ["choices[] (call): finish_reason was tool_calls, and is stop"],
    ),
    "matched-stop": (
        None,
        variant("matched-stop"),
        "sgl-project/sglang#9657; sgl-project/sglang#4550",
        ["choices[]: matched_stop, stop_reason are new"],
    ),
    "citations": (
        None,
        variant("citations"),
        "langchain-ai/langchain#38070",
        ["body: citations, search_results are new"],
    ),
    "empty-content-beside-call": (
        None,
        variant("empty-content-beside-call"),
        "",
        ["choices[].message (call): content was null, and is empty"],
    ),
    "null-first": (
        None,
        variant("null-first"),
        "",
        ["delta (first): content was empty, and is null"],
    ),
    "other-model": (
        None,
        variant("other-model"),
        "",
        ["body: model was as asked, and is another"],
    ),
    "error-code-is-status": (
        None,
        variant("error-code-status"),
        "",
        [
            (
                "body.error: code was decimal_above_max_value, decimal_below_min_value, "
                "empty_array and 9 more, and is 400"
            )
        ],
    ),
    "error-422": (
        None,
        variant("error-422"),
        "vllm-project/vllm#39780",
        ["answer: status was 400, and is 422"],
    ),
    "error-envelope-grows": (
        None,
        change_error(_nested),
        "",
        ["body: detail is new (string)"],
    ),
    "header-gone": (
        None,
        set_header("x-accel-buffering", None),
        "",
        ["headers: x-accel-buffering is gone (it was present)"],
    ),
    "charset-gone": (
        None,
        variant("stream-no-charset"),
        "",
        ["headers: content-type was text/event-stream; charset=utf-8, and is text/event-stream"],
    ),
    "system-fingerprint-gone": (
        None,
        both(change_json(_fingerprint_gone), each_chunk(_fingerprint_gone)),
        "",
        [
            "body: system_fingerprint is gone (it was string)",
            "chunk: system_fingerprint is gone (it was string)",
        ],
    ),
    "logprobs-null-gone": (
        None,
        each_choice(lambda choice: choice.pop("logprobs", None) and None, when=streams),
        "",
        ["choices[]: logprobs is gone (it was null)"],
    ),
    "images-refused": (
        None,
        variant("image-refused"),
        "yilewang/llm-for-zotero#143",
        ["answer: status was 200, and is 400"],
    ),
    "models-paged": (
        None,
        variant("more-models"),
        "openrouter.ai/docs/client-sdks/typescript/models/operations/getmodelsresponse",
        ["body: has_more, links are new", "body.data[]: x_vendor is new (object in some)"],
    ),
}


@pytest.mark.parametrize("id", LEGAL)
def test_legal_change(id: str) -> None:
    """What breaks no rule is a change, named; it fails a strict gate and no other."""
    before, after, _, said = LEGAL[id]
    compared = compare_records("mine", record_of(before) if before else healthy(), record_of(after))
    assert checks_of(compared) == {}
    assert sorted(d.note for d in compared.differences) == sorted(said)
    assert {difference.kind for difference in compared.differences} == {Kind.CHANGED}
    assert not Mode().fails_on(Kind.CHANGED)
    assert Mode(strict=True).fails_on(Kind.CHANGED)


SAME = (
    "id-form",
    "id-digits",
    "call-id-form",
    "stream-id-form",
    "escaped",
    "whitespace",
    "keep-alive-spaces",
    "padding",
    "body-in-pieces",
    "one-answer-a-connection",
    "one-write",
    "byte-by-byte",
    "three-writes",
    "more-blank-lines",
    "stream-charset",
    "other-challenge",
    "empty-deltas",
)


@pytest.mark.parametrize("id", SAME)
def test_no_difference(id: str) -> None:
    """What no app can notice, or what differs from answer to answer anyway, is no difference."""
    assert compare_records("mine", healthy(), record_of(variant(id))).differences == ()


def test_there_are_enough() -> None:
    """The pairs that stand for public reports are as many as the gate is promised to know."""
    reported = [id for id, (_, _, issue, _) in LEGAL.items() if issue]
    assert len(BROKEN) + len(reported) >= FEWEST
