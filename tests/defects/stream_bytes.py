"""Defects of event streams as bytes: headers, framing, encoding, the end."""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING

from defects.judging import KEY, MODEL
from defects.leaving import needing
from defects.planting import (
    Asked,
    Change,
    Defect,
    both,
    deviates,
    drop,
    failed,
    refuse,
    replace_body,
    set_header,
    streams,
)
from defects.requests import one_token
from defects.streaming import (
    DONE,
    broken_after,
    change_bytes_of,
    change_pieces,
    each_choice,
    render,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDS = frozenset({"parity.finish"})

STATUS = frozenset(
    {"parity.error-parameter", "parity.error-model", "parity.error-key"}
    | {"auth.stream", "models.unknown-stream", "errors.stream-status", "errors.stream-model"}
    | {"errors.stream-key", "errors.stream-json", "errors.stream-messages"}
    | {"http.next-after-bad-stream"}
)
"""Checks of refused streams."""

ACCEPTED = frozenset({"stream.accepted", "http.stream-despite-accept", "usage.stream-accepted"})
"""Checks that a stream is answered with 200."""


def _good_streams(asked: Asked) -> bool:
    """Streams that would be answered with 200."""
    known = asked.parameters.get("model") == MODEL and KEY in asked.header("authorization")
    whole = asked.parameters.get("max_tokens") != "many" and "messages" in asked.parameters
    return asked.streams and known and whole


def _asks_no_stream(asked: Asked) -> bool:
    return asked.is_chat and asked.parameters.get("stream") is False


def _typed(media_type: str | None) -> Change:
    return set_header("content-type", media_type, when=streams, status=200)


def _with_done(done: str) -> Change:
    """Write another end mark."""
    return change_pieces(lambda events: [*events[:-1], done])


def _before_each(text: str) -> Change:
    """Write something before each event."""
    return change_pieces(lambda events: [text + event for event in events])


def _first(text: str) -> Change:
    """Write something before the first event."""
    return change_pieces(lambda events: [text, *events])


def _between(text: str) -> Change:
    """Write something after the first event."""
    return change_pieces(lambda events: [events[0], text, *events[1:]])


def _lines(events: list[str]) -> Iterator[str]:
    """Write JSON lines."""
    for event in events[:-1]:
        yield event.removeprefix("data: ").removesuffix("\n")


def _pretty(events: list[str]) -> Iterator[str]:
    """Write each JSON text on several lines."""
    for event in events[:-1]:
        lines = json.dumps(json.loads(event[6:]), indent=1).splitlines()
        yield "".join(f"data: {line}\n" for line in lines) + "\n"
    yield DONE


def _latin(body: bytes) -> bytes:
    return body.replace(b'data: {"id"', b'data: {"node":"M\xfcnchen","id"')


ERROR = render({"error": {"message": "CUDA out of memory", "type": "server_error", "code": None}})

DEFECTS = [
    Defect(
        id="stream-refused",
        title="Streams are refused.",
        change=refuse("streaming is not supported", when=streams),
        lacks=needing("stream") | {"params.type-stream-options"},
    ),
    Defect(
        id="stream-500",
        title="A stream makes the server fail.",
        change=refuse("not implemented", status=500, when=_good_streams),
        turns=failed("stream.accepted", "http.stream-despite-accept")
        | deviates("usage.stream-accepted", "limits.overlong-stream")
        | failed("errors.client-fault"),
        leaves=(needing("stream") - ACCEPTED - STATUS) | {"params.type-stream-options"},
    ),
    Defect(
        id="stream-as-json",
        title="stream is ignored: the answer is plain.",
        change=drop("stream", "stream_options", when=_good_streams),
        turns=failed("http.stream-despite-accept", "stream.events")
        | deviates("params.type-stream-options"),
        leaves=needing("stream") - ACCEPTED - STATUS - {"stream.events", "stream.clean-end"},
    ),
    Defect(
        id="stream-without-being-asked",
        title="stream: false is answered with a stream.",
        change=both(
            set_header("content-type", "text/event-stream", when=_asks_no_stream),
            replace_body(render({"choices": []}).encode(), when=_asks_no_stream),
        ),
        turns=failed("http.json-media-type", "http.json-body", "params.neutral-stream")
        | deviates("http.plain-despite-accept"),
        row="C030",
        issues=("rayonlabs/nineteen#83",),
    ),
    Defect(
        id="stream-json-lines",
        title="The stream is JSON lines.",
        change=both(_typed("application/x-ndjson"), change_pieces(_lines)),
        turns=failed("stream.events"),
        leaves=needing("stream") - ACCEPTED - STATUS - {"stream.events", "stream.clean-end"},
    ),
    Defect(
        id="stream-empty",
        title="A stream of one token is an empty body.",
        change=change_bytes_of(lambda _: b"", when=one_token),
        turns=failed("stream.events"),
        leaves=frozenset({"stream.length"}),
    ),
    Defect(
        id="stream-media-type",
        title="Event streams are declared as JSON.",
        change=_typed("application/octet-stream"),
        turns=failed("stream.media-type"),
    ),
    Defect(
        id="stream-no-media-type",
        title="Event streams have no media type.",
        change=_typed(None),
        turns=failed("stream.media-type"),
    ),
    Defect(
        id="stream-charset",
        title="Event streams are declared as Latin-1.",
        change=_typed("text/event-stream; charset=ISO-8859-1"),
        turns=deviates("stream.charset"),
    ),
    Defect(
        id="stream-cached",
        title="Nothing tells a proxy not to keep the stream.",
        change=set_header("cache-control", None, when=streams),
        turns=deviates("stream.cache-control"),
        row="C365",
        issues=("ggml-org/llama.cpp#20872",),
    ),
    Defect(
        id="stream-broken-off",
        title="The connection breaks when the token limit is reached.",
        change=broken_after(2, when=one_token),
        turns=failed("stream.clean-end"),
        leaves=frozenset({"stream.length"}),
    ),
    Defect(
        id="stream-comment-as-data",
        title="A gateway sends the comments of its upstream as data.",
        change=_first("data: : OPENROUTER PROCESSING\n\n"),
        turns=failed("stream.json-data"),
        row="C003",
        issues=("mnfst/llm-gateway#2053",),
    ),
    Defect(
        id="stream-half-json",
        title="An event has half a JSON text.",
        change=_between('data: {"id":"chatcmpl-1","choices":[{"index":0,"del\n\n'),
        turns=failed("stream.json-data"),
    ),
    Defect(
        id="stream-json-array",
        title="The chunks come in arrays.",
        change=_between("data: []\n\n"),
        turns=failed("stream.json-data"),
    ),
    Defect(
        id="stream-no-done",
        title="The stream ends without [DONE].",
        change=_with_done(""),
        turns=failed("stream.done-marker"),
        row="C010",
        issues=("EricLBuehler/mistral.rs#1226",),
    ),
    Defect(
        id="stream-message-no-done",
        title="Each event repeats the text in a message, and the stream ends without [DONE].",
        change=both(_with_done(""), each_choice(lambda c: c.update(message={"content": "ok"}))),
        turns=failed("stream.done-marker") | deviates("stream.no-message"),
        row="C013",
        issues=("perplexityai/api-discussion#209",),
    ),
    Defect(
        id="stream-done-lower-case",
        title="The stream ends with [done].",
        change=_with_done("data: [done]\n\n"),
        turns=failed("stream.done-marker"),
    ),
    Defect(
        id="stream-done-quoted",
        title='The stream ends with "[DONE]" in quotes.',
        change=_with_done('data: "[DONE]"\n\n'),
        turns=failed("stream.done-marker"),
    ),
    Defect(
        id="stream-done-space",
        title="The stream ends with [DONE] and a space.",
        change=_with_done("data: [DONE] \n\n"),
        turns=failed("stream.done-marker"),
    ),
    Defect(
        id="stream-after-done",
        title="An event with the timings follows [DONE].",
        change=_with_done(DONE + render({"timings": {"prompt_ms": 3}})),
        turns=failed("stream.nothing-after-done"),
    ),
    Defect(
        id="stream-done-twice",
        title="A proxy sends [DONE] once more.",
        change=_with_done(DONE * 2),
        turns=failed("stream.nothing-after-done"),
    ),
    Defect(
        id="stream-done-unterminated",
        title="No blank line follows [DONE].",
        change=_with_done("data: [DONE]\n"),
        turns=failed("stream.terminated"),
        row="C011",
        issues=("open-webui/pipelines#297",),
    ),
    Defect(
        id="stream-empty-data",
        title='"data:" keeps the connection alive.',
        change=_between("data:\n\n"),
        turns=failed("stream.no-empty-event"),
    ),
    Defect(
        id="stream-ping",
        title='"event: ping" keeps the connection alive.',
        change=_between("event: ping\n\n"),
        turns=failed("stream.no-empty-event"),
    ),
    Defect(
        id="stream-retry",
        title="A block with retry comes first.",
        change=_first("retry: 3000\n\n"),
        turns=failed("stream.no-empty-event"),
    ),
    Defect(
        id="stream-text-outside",
        title="A line of the log stands in the stream.",
        change=_between("WARNING: slot 0 is busy\n\n"),
        turns=failed("stream.only-fields"),
    ),
    Defect(
        id="stream-indented",
        title="A space stands before each field name.",
        change=_between(' data: {"late": true}\n\n'),
        turns=failed("stream.only-fields"),
    ),
    Defect(
        id="stream-bom",
        title="The stream begins with a byte order mark.",
        change=change_bytes_of(lambda body: codecs.BOM_UTF8 + body),
        turns=failed("stream.no-bom"),
    ),
    Defect(
        id="stream-latin-1",
        title="A member is written in Latin-1.",
        change=change_bytes_of(_latin),
        turns=failed("stream.utf8"),
    ),
    Defect(
        id="stream-pretty",
        title="JSON is written on several lines.",
        change=change_pieces(_pretty),
        turns=deviates("stream.one-line-data"),
    ),
    Defect(
        id="stream-lone-cr",
        title="Lines end with CR.",
        change=change_bytes_of(lambda body: body.replace(b"\n", b"\r")),
        turns=deviates("stream.line-ends"),
    ),
    Defect(
        id="stream-thread-events",
        title="Events have the names of another API.",
        change=_before_each("event: thread.message.delta\n"),
        turns=deviates("stream.event-names"),
    ),
    Defect(
        id="stream-error-name",
        title='Every event is called "error".',
        change=_before_each("event: error\n"),
        turns=deviates("stream.event-names"),
    ),
    Defect(
        id="stream-progress-events",
        title="Events of the server's own tools stand between the chunks.",
        change=_between(f"event: hermes.tool.progress\n{render({'tool': 'shell'})}"),
        turns=failed("stream.chunk-object"),
        row="C005",
        issues=("NousResearch/hermes-agent#7989", "janhq/jan#8280"),
    ),
    Defect(
        id="stream-ping-json",
        title='An event {"type": "ping"} keeps the connection alive.',
        change=_between(render({"type": "ping"})),
        turns=failed("stream.chunk-object"),
    ),
    Defect(
        id="stream-error",
        title="A valid stream ends with an error.",
        change=change_pieces(lambda events: [events[0], ERROR, DONE], when=one_token),
        turns=deviates("stream.no-error"),
    ),
]
