"""Defects of requests that are under way at the same time, or right after one another."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from defects.arrivals import is_long, takes_gzip
from defects.planting import (
    PLANTED,
    Asked,
    Change,
    Defect,
    Next,
    Stateful,
    When,
    answer_with,
    change_asked_json,
    change_json,
    change_request,
    deviates,
    failed,
    on_choices,
    on_messages,
    plain,
)
from defects.streaming import Chunk, each_chunk

if TYPE_CHECKING:
    from pytest_byom.mock.http1 import Reply, Request

Members = dict[str, Any]

_FAULT = {"error": {"message": "Internal Server Error", "type": "server_error", "code": None}}
_CALL = {"type": "function", "function": {"name": "get_time", "arguments": '{"city": "Paris"}'}}


def right_after(first: When, change: Change, *, when: When, times: int = 1) -> Change:
    """Plant a change in a request that comes right after so many of another kind."""

    def make() -> Change:
        seen = 0

        async def changed(request: Request, server: Next) -> Reply:
            nonlocal seen
            asked = Asked(request)
            due = seen >= times and when(asked)
            seen = seen + 1 if first(asked) else 0
            return await (change(request, server) if due else server(request))

        return changed

    return Stateful(make)


def from_the(number: int, change: Change, *, when: When) -> Change:
    """Plant a change in all such requests from the second, or third, or so, on."""

    def make() -> Change:
        seen = 0

        async def changed(request: Request, server: Next) -> Reply:
            nonlocal seen
            seen += when(Asked(request))
            due = seen >= number and when(Asked(request))
            return await (change(request, server) if due else server(request))

        return changed

    return Stateful(make)


def marker(asked: Asked) -> str:
    """Return the marker that the schema of a request dictates, or nothing."""
    text = json.dumps(asked.parameters.get("response_format"))
    return text.partition('"enum": ["')[2].partition('"')[0]


def _is_marked(asked: Asked) -> bool:
    return plain(asked) and marker(asked).startswith("marker-")


def _is_marked_stream(asked: Asked) -> bool:
    return asked.streams and marker(asked).startswith("marker-")


def _of_another(data: Members) -> Members:
    """Return the request with the marker of another."""
    found: Members = json.loads(json.dumps(data).replace('["marker-3"]', '["marker-1"]'))
    return found


def _with_tool_of_another(data: Members) -> Members:
    found: Members = json.loads(json.dumps(data).replace("marker_3", "marker_1"))
    return found


def _has_own_tool(asked: Asked) -> bool:
    return "marker_" in json.dumps(asked.parameters.get("tools"))


def _without_schema(asked: Asked, data: Members) -> None:
    if marker(asked) == "marker-3":
        data["choices"][0]["message"]["content"] = "Hello."


def _one_id(chunk: Chunk) -> None:
    chunk["id"] = "chatcmpl-0"


def _has_own_length(asked: Asked) -> bool:
    return plain(asked) and "quick brown fox" in str(asked.parameters.get("messages"))


def _in_one_batch(asked: Asked) -> bool:
    return _has_own_length(asked) and asked.parameters.get("max_tokens", 0) in range(2, 9)


def _sum_of_batch(data: Members) -> None:
    usage = data["usage"]
    usage["prompt_tokens"], usage["total_tokens"] = 900, 900 + usage["completion_tokens"]


def _is_story_without_gzip(asked: Asked) -> bool:
    return is_long(asked) and not takes_gzip(asked)


def _is_constant(asked: Asked) -> bool:
    return marker(asked) == "marker-0"


def _left_over(message: Members) -> None:
    message["content"] = '{"marker":"marker-0"}'


def _has_no_tools(asked: Asked) -> bool:
    said = str(asked.parameters.get("messages"))
    return plain(asked) and "Call get_weather" in said and "tools" not in asked.parameters


def _with_call(choice: Members) -> None:
    choice["message"]["tool_calls"] = [{"id": f"call_{id(choice)}", **_CALL}]
    choice["finish_reason"] = "tool_calls"


def _dropping(most: int) -> Change:
    """Drop connections when more requests than so many are there."""

    def make() -> Change:
        busy = 0

        async def changed(request: Request, server: Next) -> Reply:
            nonlocal busy
            if busy >= most:
                raise ConnectionResetError(PLANTED)
            busy += 1
            try:
                if Asked(request).parameters.get("max_tokens") == 4:
                    await asyncio.sleep(0.3)
                return await server(request)
            finally:
                busy -= 1

        return changed

    return Stateful(make)


DEFECTS = [
    Defect(
        id="concurrency-answers-mixed",
        title="One of several requests at once is answered as another.",
        change=change_request(_of_another, when=_is_marked),
        turns=failed("concurrency.answers", "concurrency.half-left"),
        row="C382",
        issues=("ollama/ollama#17475", "ggml-org/llama.cpp#27148", "theroyallab/tabbyAPI#107"),
    ),
    Defect(
        id="concurrency-streams-mixed",
        title="One of several streams at once is that of another.",
        change=change_request(_of_another, when=_is_marked_stream),
        turns=failed("concurrency.streams"),
        row="L303",
        issues=("KolosalAI/Kolosal#55",),
    ),
    Defect(
        id="concurrency-tools-mixed",
        title="One of several requests at once calls the tool of another.",
        change=change_request(_with_tool_of_another, when=_has_own_tool),
        turns=failed("concurrency.tools"),
        row="C380",
        issues=("ml-explore/mlx-lm#965",),
    ),
    Defect(
        id="concurrency-schema-lost",
        title="One of several requests at once loses its schema.",
        change=change_asked_json(_without_schema),
        turns=deviates("concurrency.schemas"),
    ),
    Defect(
        id="concurrency-one-id",
        title="Streams at the same time share an id.",
        change=each_chunk(_one_id, when=_is_marked_stream),
        turns=failed("concurrency.ids"),
    ),
    Defect(
        id="concurrency-usage-of-batch",
        title="Each request of a batch has the prompt tokens of the whole batch.",
        change=change_json(_sum_of_batch, when=_in_one_batch),
        turns=deviates("concurrency.prompt-tokens"),
    ),
    Defect(
        id="concurrency-limit-of-another",
        title="The largest limit of a batch holds for each of its requests.",
        change=change_request(lambda data: data.update(max_tokens=8), when=_in_one_batch),
        turns=failed("concurrency.limits"),
    ),
    Defect(
        id="concurrency-one-at-a-time",
        title="A stream beside another request fails.",
        change=from_the(
            2,
            answer_with(500, _FAULT, when=_is_story_without_gzip),
            when=_is_story_without_gzip,
        ),
        turns=deviates("concurrency.side-by-side"),
        row="L211",
        issues=("abetlen/llama-cpp-python#897",),
    ),
    Defect(
        id="concurrency-schema-left",
        title="The grammar of a request is still there for the next one.",
        change=right_after(_is_constant, on_messages(_left_over), when=plain),
        turns=deviates("concurrency.schema-then-none"),
    ),
    Defect(
        id="concurrency-tools-left",
        title="The tools of a request are still there for the next one.",
        change=on_choices(_with_call, when=_has_no_tools),
        turns=deviates("concurrency.tools-then-none") | failed("tools.call-name"),
    ),
    Defect(
        id="concurrency-dropped",
        title="Connections beyond the capacity are dropped.",
        change=_dropping(12),
        turns=deviates("concurrency.flood"),
        abuse=True,
    ),
]
