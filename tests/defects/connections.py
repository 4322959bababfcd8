"""Defects of HTTP on connections, and of what a request may come with."""

from __future__ import annotations

from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING

from defects.auth import has_wrong_key
from defects.judging import MODEL
from defects.planting import (
    Asked,
    Change,
    Defect,
    Next,
    When,
    answer_with,
    chat,
    deviates,
    failed,
    reasons,
    refuse,
    set_header,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pytest_byom.mock.http1 import Reply, Request

_FAULT = {"error": {"message": "Internal Server Error", "type": "server_error", "code": None}}
_MINIMAL = [{"role": "user", "content": "Say ok."}]


def method_is(method: str) -> When:
    """Build the predicate for a method."""
    return lambda asked: asked.method == method


def is_minimal(asked: Asked, **members: object) -> bool:
    """Whether this is the minimal request, but for some members."""
    usual = {"model": MODEL, "messages": _MINIMAL, "max_tokens": 16} | members
    return asked.is_chat and asked.parameters == usual


def _is_no_json_type(asked: Asked) -> bool:
    return asked.header("content-type") in ("text/plain", "application/x-www-form-urlencoded")


def _is_refused(asked: Asked) -> bool:
    """Whether this is one request of each kind that is refused."""
    mistyped = asked.parameters.get("max_tokens") == "many"
    return asked.is_chat and (asked.request.body == b"{" or mistyped or has_wrong_key(asked))


def _closing(when: When, *, status: int) -> Change:
    """Close the connection after such answers of this class of status, and do not say so."""

    async def change(request: Request, server: Next) -> Reply:
        reply = await server(request)
        if not when(Asked(request)) or not status <= reply.status < status + 100:
            return reply
        body = reply.body
        dated = (*reply.headers, ("date", formatdate(usegmt=True)))
        if isinstance(body, bytes):
            headers = (*dated, ("content-length", str(len(whole(reply)))))
            return replace(reply, headers=headers, verbatim=True)
        headers = (*dated, ("transfer-encoding", "chunked"))
        return replace(reply, headers=headers, body=_framed(body), verbatim=True)

    return change


async def _framed(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for piece in body:
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


DEFECTS = [
    Defect(
        id="http-query",
        title="A path with a query string is another path.",
        change=answer_with(404, _FAULT, when=lambda asked: bool(asked.request.query)),
        turns=deviates("http.query"),
    ),
    Defect(
        id="http-other-types",
        title="A body that is not declared as JSON makes the server fail.",
        change=answer_with(500, _FAULT, when=_is_no_json_type),
        turns=deviates("http.text-plain", "http.form"),
    ),
    Defect(
        id="http-head",
        title="HEAD makes the server fail.",
        change=answer_with(500, _FAULT, when=method_is("HEAD")),
        turns=deviates("http.head"),
    ),
    Defect(
        id="http-options",
        title="OPTIONS is not implemented.",
        change=answer_with(501, _FAULT, when=method_is("OPTIONS")),
        turns=deviates("http.options"),
        leaves=frozenset({"http.preflight", "http.preflight-sdk"}),
    ),
    Defect(
        id="http-preflight",
        title="A preflight is granted to requests without a key only.",
        change=set_header(
            "access-control-allow-headers", "content-type", when=method_is("OPTIONS")
        ),
        turns=deviates("http.preflight", "http.preflight-sdk"),
    ),
    Defect(
        id="http-preflight-sdk",
        title="A preflight is granted for the headers of HTTP, and none that an SDK adds.",
        change=set_header(
            "access-control-allow-headers",
            "authorization, content-type",
            when=method_is("OPTIONS"),
        ),
        turns=deviates("http.preflight-sdk"),
        row="C367",
        issues=("ollama/ollama#4388", "ollama/ollama#6910"),
    ),
    Defect(
        id="http-chunked",
        title="A body without a length counts as empty.",
        change=refuse(
            "We could not parse the JSON body of your request.",
            when=lambda asked: chat(asked) and bool(asked.header("transfer-encoding")),
        ),
        turns=deviates("http.chunked"),
        row="L191",
        issues=("ggml-org/llama.cpp#20264",),
    ),
    Defect(
        id="http-expect",
        title="An expectation cannot be met.",
        change=answer_with(417, _FAULT, when=lambda asked: bool(asked.header("expect"))),
        turns=deviates("http.expect"),
    ),
    Defect(
        id="http-closes-after-plain",
        title="The connection is closed after a plain answer, without a word.",
        change=_closing(is_minimal, status=200),
        turns=deviates("http.next-after-plain"),
    ),
    Defect(
        id="http-closes-after-stream",
        title="The connection is closed after a stream, and the head says keep-alive.",
        change=_closing(lambda asked: is_minimal(asked, stream=True), status=200),
        turns=deviates("http.next-after-stream"),
    ),
    Defect(
        id="http-closes-after-error",
        title="The connection is closed after a refusal, without a word.",
        change=_closing(_is_refused, status=400),
        turns=deviates("http.next-after-bad-json", "http.next-after-bad-type")
        | deviates("http.next-after-bad-stream", "http.next-after-wrong-key"),
    ),
    Defect(
        id="auth-right-key-refused",
        title="One kind of request is checked against other keys.",
        change=refuse(
            "Incorrect API key provided.", when=reasons, status=401, code="invalid_api_key"
        ),
        turns=failed("auth.right-key") | deviates("reasoning.effort-null"),
    ),
    Defect(
        id="models-encoded-id",
        title="A percent-encoded id of a model is not decoded.",
        change=refuse(
            "The model does not exist.",
            when=lambda asked: "/models/" in asked.path and "%" in asked.path,
            status=404,
            code="model_not_found",
        ),
        turns=deviates("models.encoded-id"),
    ),
]
