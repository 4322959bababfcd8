"""Defects of HTTP: status, headers, coding, and the body as bytes."""

from __future__ import annotations

import codecs
import gzip
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from defects.leaving import CALLED, READ_PLAIN, needing
from defects.planting import (
    CHAT,
    Asked,
    Defect,
    Next,
    Stateful,
    answer_with,
    asks,
    both,
    change_asked_json,
    change_bytes,
    change_reply,
    change_status,
    chat,
    deviates,
    drop,
    failed,
    path_is,
    plain,
    reasons,
    refuse,
    replace_body,
    set_header,
    streams,
    whole,
)
from defects.streaming import change_bytes_of

if TYPE_CHECKING:
    from pytest_byom.mock.http1 import Reply, Request

_TO_SLASH = (("location", "/v1/chat/completions/"),)


def _first_is_refused() -> Any:
    asked: list[Request] = []

    async def change(request: Request, server: Next) -> Reply:
        if not Asked(request).is_chat or asked:
            return await server(request)
        asked.append(request)
        return await answer_with(503, _LOADING, when=chat)(request, server)

    return change


_LOADING = {"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}}
_ODD_PATH = {"error": "Unexpected endpoint or method. (POST /v1/chat/completionz)"}


def _wants_gzip(asked: Asked) -> bool:
    return asked.is_chat and "gzip" in asked.header("accept-encoding")


def _zip(_: Asked, reply: Reply) -> Reply:
    headers = (*reply.headers, ("content-encoding", "gzip"))
    return replace(reply, body=gzip.compress(whole(reply)), headers=headers)


def _counts_escapes(asked: Asked, data: dict[str, Any]) -> None:
    escapes = asked.request.body.count(b"\\u")
    data["usage"]["prompt_tokens"] += escapes
    data["usage"]["total_tokens"] += escapes


def _without_stream(asked: Asked) -> bool:
    return asked.is_chat and "stream" not in asked.parameters


def _infinite(_: Asked, data: dict[str, Any]) -> None:
    for entry in data["choices"][0]["logprobs"]["content"]:
        for last in entry["top_logprobs"][-1:]:
            last["logprob"] = float("-inf")


def _streams_as_json(asked: Asked) -> bool:
    return asked.streams and asked.header("accept") == "application/json"


_accept_decides = drop("stream", when=_streams_as_json)


def _gets_chat(asked: Asked) -> bool:
    return (asked.method, asked.path) == ("GET", CHAT)


DEFECTS = [
    Defect(
        id="http-redirect",
        title="The path without a slash is redirected to the one with it, for some callers.",
        change=answer_with(
            307, "", when=lambda asked: bool(asked.header("openai-project")), headers=_TO_SLASH
        ),
        turns=failed("http.no-redirect", "http.sdk-headers"),
    ),
    Defect(
        id="http-stream-redirect",
        title="Streamed requests are redirected to the path with a slash.",
        change=answer_with(307, "", when=streams, headers=_TO_SLASH),
        turns=failed("http.no-redirect", "stream.accepted", "http.stream-despite-accept")
        | deviates("usage.stream-accepted", "auth.stream", "models.unknown-stream")
        | deviates("errors.stream-status", "errors.stream-model", "errors.stream-key")
        | deviates("errors.stream-messages"),
        leaves=needing("stream")
        - {"stream.accepted", "http.stream-despite-accept", "usage.stream-accepted"}
        - {"auth.stream", "models.unknown-stream", "errors.stream-status", "errors.stream-model"}
        - {"errors.stream-key", "errors.stream-messages", "errors.stream-json"},
        row="C359",
        issues=("langchain-ai/langserve#304", "Kaoruha/GinkGO#5389"),
    ),
    Defect(
        id="http-media-type",
        title="Plain answers are declared as text.",
        change=set_header("content-type", "text/plain; charset=utf-8", when=plain, status=200),
        turns=failed("http.json-media-type"),
    ),
    Defect(
        id="http-charset",
        title="Plain answers are declared as Latin-1.",
        change=set_header(
            "content-type", "application/json; charset=ISO-8859-1", when=plain, status=200
        ),
        turns=deviates("http.json-charset"),
    ),
    Defect(
        id="http-glued-done",
        title="Without a stream member, JSON is declared an event stream and [DONE] glued to it.",
        change=both(
            set_header("content-type", "text/event-stream", when=_without_stream, status=200),
            change_bytes(lambda body: body + b"data: [DONE]", when=_without_stream),
        ),
        turns=failed("http.json-media-type", "http.json-body"),
        leaves=READ_PLAIN | CALLED | {"params.neutral-logprobs"},
        row="C354",
        issues=("decolua/9router#3492",),
    ),
    Defect(
        id="http-bytes-after",
        title="Another JSON text follows the answer of a reasoning request.",
        change=change_bytes(lambda body: body + b"\n{}", when=reasons),
        turns=failed("http.json-body"),
    ),
    Defect(
        id="http-empty-body",
        title="A reasoning request is answered with 200 and nothing.",
        change=replace_body(b"", when=reasons),
        turns=failed("http.json-body"),
    ),
    Defect(
        id="http-html",
        title="A gateway answers a reasoning request with a page and 200.",
        change=both(
            set_header("content-type", "text/html", when=reasons),
            replace_body(b"<html><body>Welcome</body></html>", when=reasons),
        ),
        turns=failed("http.json-body", "http.json-media-type"),
    ),
    Defect(
        id="http-json-array",
        title="The answer is put into an array.",
        change=change_bytes(lambda body: b"[" + body + b"]", when=reasons),
        turns=failed("http.json-object"),
    ),
    Defect(
        id="http-infinity",
        title="The least likely alternative has the log probability -Infinity.",
        change=change_asked_json(_infinite, when=asks("logprobs")),
        turns=failed("http.json-numbers"),
    ),
    Defect(
        id="http-bom",
        title="Plain answers begin with a byte order mark.",
        change=change_bytes(lambda body: codecs.BOM_UTF8 + body),
        turns=failed("http.json-utf8"),
    ),
    Defect(
        id="http-latin-1",
        title="The owner of the answer is written in Latin-1.",
        change=change_bytes(lambda body: body[:-1] + b',"node":"M\xfcnchen"}'),
        turns=failed("http.json-utf8"),
    ),
    Defect(
        id="http-member-twice",
        title="The member model stands in the answer twice.",
        change=change_bytes(lambda body: b'{"model":"gateway",' + body[1:]),
        turns=deviates("http.json-unique-members"),
    ),
    Defect(
        id="http-gzip-unnamed",
        title="An answer is compressed, and no header says so.",
        change=change_bytes(gzip.compress, when=reasons),
        turns=failed("http.content-coding"),
    ),
    Defect(
        id="http-gzip-claimed",
        title="The header says gzip to whoever accepts it, and the body is not coded.",
        change=set_header("content-encoding", "gzip", when=_wants_gzip, status=200),
        turns=failed("http.content-coding"),
        leaves=frozenset({"stream.compressed-arrives"}),
    ),
    Defect(
        id="http-brotli",
        title="Who accepts gzip gets brotli.",
        change=set_header("content-encoding", "br", when=_wants_gzip, status=200),
        turns=failed("http.content-coding"),
        leaves=frozenset({"stream.compressed-arrives"}),
    ),
    Defect(
        id="http-gzip-unasked",
        title="Every plain answer is compressed, whatever Accept-Encoding says.",
        change=change_reply(_zip, when=plain),
        turns=deviates("http.not-coded-unasked"),
    ),
    Defect(
        id="http-stream-gzip-unasked",
        title="Event streams are compressed, whatever Accept-Encoding says.",
        change=both(
            set_header("content-encoding", "gzip", when=streams, status=200),
            change_bytes_of(gzip.compress),
        ),
        turns=deviates("http.not-coded-unasked"),
        row="C361",
        issues=("epam/ai-dial-core#1646", "blinkk/rootjs#1209", "nexu-io/open-design#111"),
    ),
    Defect(
        id="http-no-request-id",
        title="No answer has a request id.",
        change=set_header("x-request-id", None),
        turns=deviates("http.request-id"),
        leaves=frozenset({"http.request-id-differs"}),
    ),
    Defect(
        id="http-first-refused",
        title="The first chat request is answered with 503: the model is loaded lazily.",
        change=Stateful(_first_is_refused),
        turns=failed("http.answers"),
        leaves=frozenset(
            {"messages.instructions-count", "messages.history-counts", "messages.part-is-text"}
            | {
                "messages.parts-count",
                "messages.own-answer",
                "models.contains",
                "params.defaults",
                "usage.same-prompt",
            }
            | {"usage.grows", "usage.stream-same", "disconnect.next-request", "errors.alive"}
        )
        | {"response.created-order", "disconnect.next-after-plain"},
    ),
    Defect(
        id="http-charset-refused",
        title="Content-Type with a charset is answered with 415.",
        change=refuse(
            "Unsupported content type",
            status=415,
            when=lambda asked: "charset" in asked.header("content-type"),
        ),
        turns=failed("http.charset-accepted"),
    ),
    Defect(
        id="http-header-refused",
        title="A header that the gateway does not know is answered with 400.",
        change=refuse(
            "Unknown header", when=lambda asked: bool(asked.header("x-stainless-retry-count"))
        ),
        turns=failed("http.sdk-headers"),
    ),
    Defect(
        id="http-406",
        title="Accept */* is answered with 406.",
        change=refuse(
            "Not acceptable", status=406, when=lambda asked: asked.header("accept") == "*/*"
        ),
        turns=failed("http.sdk-headers"),
    ),
    Defect(
        id="http-accept-decides",
        title="Who asks for a stream and accepts JSON gets JSON.",
        change=_accept_decides,
        turns=failed("http.stream-despite-accept", "stream.events"),
    ),
    Defect(
        id="http-accept-406",
        title="Who asks for a stream and accepts JSON gets a 406.",
        change=refuse("Not acceptable", status=406, when=_streams_as_json),
        turns=failed("http.stream-despite-accept"),
    ),
    Defect(
        id="http-ascii-only",
        title="A request body with raw UTF-8 is answered with 400.",
        change=refuse("Bad byte", when=lambda asked: not asked.request.body.isascii()),
        turns=failed("http.unicode") | deviates("messages.echo"),
        leaves=frozenset({"http.escapes"}),
    ),
    Defect(
        id="http-escapes-kept",
        title="Escapes in the request body are read as they stand.",
        change=change_asked_json(_counts_escapes),
        turns=deviates("http.escapes"),
    ),
    Defect(
        id="http-get-crashes",
        title="GET on the path of chat requests is answered with 500.",
        change=change_status(500, when=_gets_chat),
        turns=deviates("http.get"),
    ),
    Defect(
        id="http-get-unprocessable",
        title="GET on the path of chat requests is answered with 422.",
        change=change_status(422, when=_gets_chat),
        turns=deviates("http.get"),
    ),
    Defect(
        id="http-no-allow",
        title="The 405 does not say what is allowed.",
        change=set_header("allow", None, status=405),
        turns=deviates("http.allow"),
    ),
    Defect(
        id="http-wrong-allow",
        title="The 405 allows GET.",
        change=set_header("allow", "GET", status=405),
        turns=deviates("http.allow"),
    ),
    Defect(
        id="http-unknown-path-200",
        title="An unknown path is answered with 200 and an error text.",
        change=answer_with(200, _ODD_PATH, when=path_is("/v1/chat/completionz")),
        turns=deviates("http.unknown-path"),
        row="C318",
        issues=("lmstudio-ai/lmstudio-bug-tracker#618", "pssah4/vault-operator#73"),
    ),
    Defect(
        id="http-media-type-case",
        title="The media type has to be written in lower case.",
        change=refuse(
            "Unsupported media type",
            status=415,
            when=lambda asked: asked.header("content-type") == "Application/JSON",
        ),
        turns=deviates("http.media-type-case"),
    ),
    Defect(
        id="http-accept-streams",
        title="Who accepts an event stream gets one.",
        change=set_header(
            "content-type",
            "text/event-stream",
            when=lambda asked: plain(asked) and asked.header("accept") == "text/event-stream",
        ),
        turns=deviates("http.plain-despite-accept") | failed("http.json-media-type"),
    ),
]
