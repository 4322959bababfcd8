"""Defects of tools: offered, required, named, forbidden; calls plain and streamed."""

from __future__ import annotations

import json
from typing import Any

from defects.leaving import needing
from defects.planting import (
    Asked,
    Change,
    Defect,
    When,
    change_request,
    chat,
    deviates,
    drop,
    failed,
    ignored,
    on_calls,
    on_choices,
    plain,
    refuse,
    streams,
)
from defects.streaming import Chunk, change_chunks, each_choice, each_fragment

Members = dict[str, Any]

MARKUP = '<tool_call>{"name": "get_weather", "arguments": {"city": "Paris"}}</tool_call>'
STREAMED = frozenset(
    {"tools.streamed", "tools.streamed-once", "tools.streamed-arguments", "tools.streamed-finish"}
)


def auto(asked: Asked) -> bool:
    """A plain request with tools that leaves the choice to the model."""
    free = "tools" in asked.parameters and "tool_choice" not in asked.parameters
    return plain(asked) and free and asked.roles == ["user"]


def left_to_model(asked: Asked) -> bool:
    """A plain request with tools that leaves the choice to the model, in whichever words."""
    free = "tools" in asked.parameters and asked.parameters.get("tool_choice") in (None, "auto")
    return plain(asked) and free and asked.roles == ["user"]


def has_tools(asked: Asked) -> bool:
    """A request with tools that leaves the choice to the model, whatever was said before."""
    return "tools" in asked.parameters and "tool_choice" not in asked.parameters


def _choice(value: str, *, of: When = plain) -> When:
    return lambda asked: of(asked) and asked.parameters.get("tool_choice") == value


def _named(name: str) -> When:
    def names(asked: Asked) -> bool:
        choice = asked.parameters.get("tool_choice")
        return isinstance(choice, dict) and choice.get("function") == {"name": name}

    return names


def _choose(value: str, when: When) -> Change:
    """Put another tool choice in the place of what was asked."""
    return change_request(lambda data: data.update(tool_choice=value), when=when)


def _object_arguments(call: Members) -> None:
    call["id"] = "0"
    call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    call["function"]["description"] = None


def _cut_arguments(call: Members) -> None:
    call["function"]["arguments"] = call["function"]["arguments"][:-2]


def _double(choice: Members) -> None:
    if calls := choice["message"].get("tool_calls"):
        calls *= 2


def _markup_beside(choice: Members) -> None:
    choice["message"]["content"] = MARKUP


def _markup_only(choice: Members) -> None:
    if not choice["message"].pop("tool_calls", None):
        return
    choice.update(finish_reason="stop")
    _markup_beside(choice)


def _repeat_name(chunks: list[Chunk]) -> None:
    fragments = _fragments(chunks)
    for fragment in fragments:
        fragment["function"]["name"] = fragments[0]["function"]["name"]


def _repeat_id(chunks: list[Chunk]) -> None:
    fragments = _fragments(chunks)
    for fragment in fragments:
        fragment["id"] = fragments[0]["id"]


def _fragments(chunks: list[Chunk]) -> list[Members]:
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    return [fragment for delta in deltas for fragment in delta.get("tool_calls") or ()]


def _function_object(fragment: Members) -> None:
    if "id" in fragment:
        fragment["function"]["arguments"] = {}


def _function_null(fragment: Members) -> None:
    if "id" not in fragment:
        fragment["function"] = None


def _from_one(fragment: Members) -> None:
    fragment["index"] += 1


def _call_reason(new: str) -> Any:
    def rewrite(choice: Members) -> None:
        if choice["finish_reason"] == "tool_calls":
            choice["finish_reason"] = new

    return rewrite


DEFECTS = [
    Defect(
        id="tools-refused",
        title="Tools are refused where the server was started without a parser.",
        change=refuse('"auto" tool choice requires --enable-auto-tool-choice', when=has_tools),
        lacks=needing("tools"),
        row="C163",
        issues=("hidenobunagai/nvidia-nim-provider#2",),
    ),
    Defect(
        id="tools-500",
        title="A tool on offer makes the server fail.",
        change=refuse(
            "template has no tools",
            status=500,
            when=lambda asked: auto(asked) and bool(asked.parameters["tools"]),
        ),
        turns=failed("tools.offered")
        | failed("errors.client-fault")
        | failed("tools.table-one-absent", "tools.table-many-absent")
        | deviates(
            "params.type-parallel-tool-calls",
            "structured.with-tools",
            "tools.most",
            "tools.legacy-beside-tools",
        ),
        leaves=frozenset({"tools.counted", "tools.keywords", "tools.odd-names"})
        | {"tools.incomplete", "tools.bad-schema"}
        | {"params.type-tools"},
    ),
    Defect(
        id="tools-required-refused",
        title="tool_choice required is refused.",
        change=refuse("tool_choice required is not supported", when=_choice("required", of=chat)),
        leaves=frozenset({"messages.own-call"}),
        lacks=needing("tool_choice_required"),
        row="C162",
        issues=("pydantic/pydantic-ai#2211",),
    ),
    Defect(
        id="tools-required-ignored",
        title="tool_choice required has no effect.",
        change=_choose("none", _choice("required", of=chat)),
        turns=ignored("tools.required")
        | ignored("tools.table-one-required", "tools.table-many-required"),
        leaves=STREAMED
        | {"messages.own-call", "tools.streamed-same", "tools.call-ids-new"}
        | {"tools.bare-arguments", "tools.long-name", "parity.tools", "parity.tools-parallel"}
        | {"reasoning.tools", "reasoning.tools-stream"},
    ),
    Defect(
        id="tools-named-refused",
        title="A named tool choice is refused.",
        change=refuse("tool_choice must be a string", when=_named("get_time")),
        lacks=needing("tool_choice_named"),
    ),
    Defect(
        id="tools-named-ignored",
        title="A named tool choice leaves the choice to the model.",
        change=_choose("auto", _named("get_time")),
        turns=ignored("tools.named"),
    ),
    Defect(
        id="tools-named-no-call",
        title="A named tool choice gives a text.",
        change=_choose("none", _named("get_time")),
        turns=ignored("tools.named"),
        leaves=frozenset({"tools.call-ids-new", "parity.tool-named"})
        | {"concurrency.tools-then-none"},
    ),
    Defect(
        id="tools-none-ignored",
        title="tool_choice none has no effect.",
        change=drop("tool_choice", when=_choice("none")),
        turns=ignored("tools.none", "tools.table-one-none", "tools.table-many-none"),
        leaves=frozenset({"parity.tool-none"}),
    ),
    Defect(
        id="tools-unknown-name",
        title="A choice that names no tool leaves the choice to the model.",
        change=_choose("auto", _named("byom_nothing")),
        turns=deviates("tools.unknown-name"),
    ),
    Defect(
        id="tools-markup-beside",
        title="The markup of a call is left in the text beside it.",
        change=on_choices(_markup_beside, when=auto),
        turns=deviates("tools.no-markup"),
    ),
    Defect(
        id="tools-markup-only",
        title="A call comes as markup in the text.",
        change=on_choices(_markup_only, when=auto),
        turns=deviates("tools.no-markup"),
    ),
    Defect(
        id="tools-no-id",
        title="A call has no id.",
        change=on_calls(lambda call: call.pop("id") and None),
        turns=failed("tools.call-id"),
        leaves=frozenset({"messages.own-call"})
        | {"messages.own-call-dumped", "messages.own-parallel"},
    ),
    Defect(
        id="tools-id-number",
        title="The id of a call that the model chose is a number.",
        change=on_calls(lambda call: call.update(id=0), when=auto),
        turns=failed("tools.call-id"),
    ),
    Defect(
        id="tools-one-id",
        title="Two calls have one id.",
        change=on_choices(_double, when=auto),
        turns=failed("tools.call-ids-unique"),
    ),
    Defect(
        id="tools-no-type",
        title="A call that the model chose has no type.",
        change=on_calls(lambda call: call.pop("type") and None, when=auto),
        turns=deviates("tools.call-type"),
    ),
    Defect(
        id="tools-other-name",
        full=True,
        title="A call has the name of a namespace before its own.",
        change=on_calls(
            lambda call: call["function"].update(name="functions.get_weather"), when=left_to_model
        ),
        turns=failed("tools.call-name"),
    ),
    Defect(
        id="tools-other-name-required",
        title="A required call has the name of a namespace before its own.",
        change=on_calls(
            lambda call: call["function"].update(name="functions.get_weather"),
            when=_choice("required"),
        ),
        turns=failed("tools.call-name"),
    ),
    Defect(
        id="tools-arguments-list",
        title="The arguments of a required call are a list.",
        change=on_calls(
            lambda call: call["function"].update(arguments='["Paris"]'), when=_choice("required")
        ),
        turns=failed("tools.arguments-json"),
    ),
    Defect(
        id="tools-no-name",
        full=True,
        title="A call has no name.",
        change=on_calls(lambda call: call["function"].pop("name") and None, when=left_to_model),
        turns=failed("tools.call-name"),
    ),
    Defect(
        id="tools-arguments-object",
        full=True,
        title="The arguments of a required call are an object, which is refused in the history.",
        change=on_calls(_object_arguments, when=_choice("required")),
        turns=failed("tools.arguments-string", "messages.own-call", "tools.call-ids-unique"),
        leaves=frozenset({"parity.tools", "parity.tools-parallel"}),
        row="C152",
        issues=("huggingface/text-generation-inference#2136",),
    ),
    Defect(
        id="tools-arguments-null",
        title="A call without arguments has null in their place.",
        change=on_calls(lambda call: call["function"].update(arguments=None), when=auto),
        turns=failed("tools.arguments-string"),
    ),
    Defect(
        id="tools-arguments-cut",
        full=True,
        title="The JSON of the arguments is cut.",
        change=on_calls(_cut_arguments, when=left_to_model),
        turns=failed("tools.arguments-json"),
    ),
    Defect(
        id="tools-arguments-empty",
        title="The arguments are an empty text.",
        change=on_calls(lambda call: call["function"].update(arguments=""), when=auto),
        turns=failed("tools.arguments-json"),
    ),
    Defect(
        id="tools-finish-stop",
        title="An answer with a call that the model chose ends with stop.",
        change=on_choices(_call_reason("stop"), when=auto),
        turns=failed("tools.finish-reason"),
    ),
    Defect(
        id="tools-same-id",
        full=True,
        title="The calls of all answers have one id.",
        change=on_calls(lambda call: call.update(id="call_0")),
        turns=deviates("tools.call-ids-new") | failed("tools.call-ids-unique"),
    ),
    Defect(
        id="tools-stream-no-index",
        title="Fragments of calls have no index.",
        change=each_fragment(lambda fragment: fragment.pop("index") and None),
        turns=failed("tools.streamed"),
        leaves=frozenset({"parity.tools-parallel"}),
    ),
    Defect(
        id="tools-stream-from-one",
        title="The index of calls counts from 1.",
        change=each_fragment(_from_one),
        turns=failed("tools.streamed"),
    ),
    Defect(
        id="tools-stream-no-type",
        title="The first fragment of a call has no type.",
        change=each_fragment(lambda fragment: fragment.pop("type", None) and None),
        turns=failed("tools.streamed"),
        row="C139",
        issues=("vllm-project/vllm#16340",),
    ),
    Defect(
        id="tools-stream-no-id",
        title="The first fragment of a call has no id.",
        change=each_fragment(lambda fragment: fragment.pop("id", None) and None),
        turns=failed("tools.streamed"),
    ),
    Defect(
        id="tools-stream-name-each",
        title="Each fragment repeats the name.",
        change=change_chunks(_repeat_name),
        turns=failed("tools.streamed-once"),
        row="C140",
        issues=("vllm-project/vllm#14951",),
    ),
    Defect(
        id="tools-stream-id-each",
        title="Each fragment repeats the id.",
        change=change_chunks(_repeat_id),
        turns=failed("tools.streamed-once"),
    ),
    Defect(
        id="tools-stream-arguments-object",
        title="The first fragment has an object for its arguments.",
        change=each_fragment(_function_object),
        turns=failed("tools.streamed-arguments"),
    ),
    Defect(
        id="tools-stream-function-null",
        title="function is null in later fragments.",
        change=each_fragment(_function_null),
        turns=failed("tools.streamed-arguments") | deviates("tools.bare-arguments"),
        leaves=frozenset({"parity.tools"}),
    ),
    Defect(
        id="tools-stream-finish",
        title="A stream with a call ends with the reason of the older API.",
        change=each_choice(_call_reason("function_call")),
        turns=failed("tools.streamed-finish"),
    ),
    Defect(
        id="tools-stream-no-call",
        title="A required call comes plain, not streamed.",
        change=_choose("none", _choice("required", of=streams)),
        turns=deviates("tools.streamed-same"),
        leaves=STREAMED
        | {"tools.bare-arguments", "parity.tools", "parity.tools-parallel"}
        | {"reasoning.tools-stream"},
    ),
]
