"""Defects of error answers: the object, its words, the status, and what comes after one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defects.connections import is_minimal
from defects.planting import (
    Asked,
    Change,
    Defect,
    Next,
    Stateful,
    answer_with,
    both,
    change_error,
    change_status,
    chat,
    deviates,
    failed,
    set_header,
)
from defects.streaming import DONE, render

if TYPE_CHECKING:
    from pytest_byom.mock.http1 import Reply, Request

Members = dict[str, Any]

CODES = frozenset({"auth.code", "models.unknown-code"})
"""Checks that read the code of an error."""

NAMES = frozenset({"errors.param-name"})
"""Checks that read the param of an error."""

_TRACE = 'Traceback (most recent call last):\n  File "/srv/app/serving_chat.py", line 88'


def _each_error(rewrite: Any) -> Change:
    """Change the error object of every refusal."""
    return change_error(lambda data: rewrite(data["error"]))


def _of_request(rewrite: Any) -> Change:
    """Change the error object where a parameter is at fault."""
    return change_error(
        lambda data: rewrite(data["error"]) if data["error"]["param"] != "model" else None,
        when=chat,
    )


def _declared(media_type: str | None) -> Change:
    return both(
        *(set_header("content-type", media_type, status=status) for status in (400, 401, 404, 405))
    )


def _flat(data: Members) -> Members:
    return {"object": "error", "type": "BadRequestError", **data["error"]}


def _problem(data: Members) -> Members:
    return {
        "type": "urn:inference-service:problem-details:bad-request",
        "title": "Bad request",
        "detail": data["error"]["message"],
    }


def _words(data: Members) -> Members:
    return {"error": f"[{{'type': 'extra_forbidden', 'msg': {data['error']['message']!r}}}]"}


def _sentence(data: Members) -> Members:
    return {
        "code": "Client specified an invalid argument",
        "error": data["error"]["message"],
    }


def _detail(data: Members) -> Members:
    return {"detail": [{"loc": ["body"], "msg": data["error"]["message"]}]}


def _wrong_type(asked: Asked) -> bool:
    return asked.is_chat and asked.parameters.get("max_tokens") == "many"


def _wrong_type_streams(asked: Asked) -> bool:
    return asked.streams and _wrong_type(asked)


def _asks_stream(asked: Asked) -> bool:
    return b'"stream": true' in asked.request.body


def _refused_again(times: int) -> Any:
    """Build changes by which the minimal request fails at a later time, once one was refused."""

    def make() -> Change:
        refusals: list[Request] = []
        seen: dict[Request, int] = {}

        async def change(request: Request, server: Next) -> Reply:
            reply = await server(request)
            refusals.extend([request] * (reply.status >= 400))
            seen[request] = seen.get(request, 0) + 1
            if refusals and seen[request] == times and is_minimal(Asked(request)):
                return await answer_with(503, _GONE, when=chat)(request, server)
            return reply

        return change

    return make


_GONE = {"error": {"message": "Engine is dead", "type": "server_error", "code": None}}
_IN_STREAM = {"message": "bad", "type": "invalid_request_error", "param": None, "code": None}


def _unshaped(id: str, title: str, rewrite: Any, row: str, *issues: str) -> Defect:
    """Errors without an error object."""
    return Defect(
        id=id,
        title=title,
        change=change_error(rewrite),
        turns=failed("errors.object"),
        leaves=CODES | NAMES,
        row=row,
        issues=issues,
    )


OFF = ("absent", "null", "false")
FAULTS = (
    deviates(*(f"logprobs.table-{on}-zero" for on in OFF))
    | deviates("messages.broken-unicode", "messages.lone-surrogate", "messages.no-content")
    | deviates("messages.null-content", "messages.result-alone", "messages.unanswered-call")
    | deviates("structured.loose-strict", "tools.custom", "tools.legacy-beside-tools")
    | deviates(
        *(
            f"tools.table-{tools}-{choice}"
            for tools in ("absent", "empty")
            for choice in ("auto", "required", "named")
        )
    )
)
"""Checks of what may be refused, and must not be a failure."""
FAULTS_LEFT = frozenset(
    {f"logprobs.table-{on}-two" for on in OFF}
    | {"logprobs.table-true-twenty-one", "logprobs.table-true-negative"}
    | {"messages.unknown-part", "messages.empty-parts", "messages.content-number"}
    | {"messages.content-true", "messages.content-object"}
)
"""Checks of what has to be refused."""

REPEATED = frozenset({"params.seed-repeats", "params.seed-repeats-greedy"})

DEFECTS = [
    Defect(
        id="errors-500",
        title="A word in place of the token limit makes the server fail.",
        change=change_status(500, when=_wrong_type),
        turns=failed("errors.client-fault"),
        leaves=frozenset({"params.wrong-type", "errors.stream-status"})
        | NAMES
        | {"parity.error-parameter"},
    ),
    Defect(
        id="errors-all-500",
        title="A fault of the request is answered with 500.",
        change=change_status(500, when=chat, of=400),
        turns=failed("errors.client-fault")
        | deviates("tools.choice-alone", "tools.odd-names", "structured.no-name")
        | deviates("audio.output", "vision.file"),
        leaves=frozenset(
            {"logprobs.top-alone", "messages.role-required", "messages.unknown-role"}
            | {"params.broken-json", "params.messages-required", "params.messages-not-empty"}
            | {"params.temperature-range", "params.wrong-type", "errors.stream-status"}
            | {"errors.stream-json", "errors.stream-messages"}
            | {"structured.unknown-type", "tools.unknown-name", "errors.bad-parameter"}
            | {"tools.choice-unknown", "tools.incomplete", "tools.bad-schema"}
            | {"structured.broken-schema"}
        )
        | NAMES
        | {
            "audio.unknown-format",
            "parity.error-parameter",
            "reasoning.effort-unknown",
            "vision.detail-unknown",
            "vision.bad-base64",
            "vision.not-an-image",
            "vision.unreachable",
        },
    ),
    Defect(
        id="errors-429",
        title="A fault of the request is answered with 429.",
        change=change_status(429, of=400),
        turns=failed("errors.not-retried") | deviates("limits.retry-after", "limits.rate-code"),
    ),
    Defect(
        id="errors-409",
        title="A fault of the request is answered with 409.",
        change=change_status(409, of=400),
        turns=failed("errors.not-retried"),
    ),
    _unshaped(
        "errors-flat",
        "The members of the error stand at the top, without an error object.",
        _flat,
        "C313",
        "vllm-project/vllm#12886",
        "vllm-project/vllm#22099",
    ),
    _unshaped(
        "errors-problem",
        "Errors are problem details.",
        _problem,
        "C306",
        "NVIDIA/garak#748",
        "BerriAI/litellm#4558",
    ),
    _unshaped(
        "errors-printed",
        "The error is a printed list in a text.",
        _words,
        "C307",
        "sipeed/picoclaw#1019",
        "can1357/oh-my-pi#2299",
    ),
    _unshaped(
        "errors-sentence",
        "The error is a text, the code a sentence.",
        _sentence,
        "C315",
        "yym68686/uni-api#105",
        "openai/codex#1352",
    ),
    _unshaped(
        "errors-detail",
        "Some errors have a detail, others a message at the top.",
        _detail,
        "C304",
        "elastic/elasticsearch#128538",
    ),
    Defect(
        id="errors-array",
        title="The error object stands in an array.",
        change=change_error(lambda data: [data]),
        turns=failed("errors.object"),
        leaves=CODES | NAMES | {"limits.overlong-code"},
    ),
    Defect(
        id="errors-null",
        title="error is null.",
        change=change_error(lambda data: {"error": None, "message": data["error"]["message"]}),
        turns=failed("errors.object"),
        leaves=CODES | NAMES | {"limits.overlong-code"},
    ),
    Defect(
        id="errors-no-message",
        title="The error object has no message.",
        change=_each_error(lambda error: error.pop("message") and None),
        turns=failed("errors.message"),
    ),
    Defect(
        id="errors-empty-message",
        title="The message of an error is empty.",
        change=_each_error(lambda error: error.update(message="")),
        turns=failed("errors.message"),
    ),
    Defect(
        id="errors-message-object",
        title="The message of an error is an object.",
        change=_each_error(lambda error: error.update(message={"text": error["message"]})),
        turns=failed("errors.message"),
    ),
    Defect(
        id="errors-no-type",
        title="An error has no type.",
        change=_each_error(lambda error: error.pop("type") and None),
        turns=deviates("errors.type"),
    ),
    Defect(
        id="errors-type-number",
        title="The type of an error is a number.",
        change=_each_error(lambda error: error.update(type=400)),
        turns=deviates("errors.type"),
    ),
    Defect(
        id="errors-code-object",
        title="The code of an error is an object.",
        change=_of_request(lambda error: error.update(code={"id": 7})),
        turns=deviates("errors.code", "auth.code", "limits.overlong-code"),
    ),
    Defect(
        id="errors-code-other",
        title="The code of an error is a number, and not the status.",
        change=_of_request(lambda error: error.update(code=1000)),
        turns=deviates("errors.code-is-status", "auth.code"),
        lacks=frozenset({"limits.overlong-code"}),
    ),
    Defect(
        id="errors-media-type",
        title="Errors are declared as text.",
        change=_declared("text/plain"),
        turns=failed("errors.media-type"),
    ),
    Defect(
        id="errors-no-media-type",
        title="Errors have no media type.",
        change=_declared(None),
        turns=failed("errors.media-type"),
    ),
    Defect(
        id="errors-trace",
        title="The message of an error holds a stack trace.",
        change=_each_error(lambda error: error.update(message=_TRACE)),
        turns=deviates("errors.no-trace"),
    ),
    Defect(
        id="errors-stream-status",
        title="A bad request for a stream is refused with another status.",
        change=change_status(422, when=_asks_stream, of=400),
        turns=deviates("errors.stream-status", "errors.stream-json", "errors.stream-messages"),
    ),
    Defect(
        id="errors-in-stream",
        title="A broken streamed request gets 200 and an event with the error.",
        change=answer_with(
            200, render({"error": _IN_STREAM}) + DONE, when=_wrong_type_streams, stream=True
        ),
        turns=deviates("errors.stream-status"),
        leaves=frozenset({"parity.error-parameter", "http.next-after-bad-stream"}),
    ),
    Defect(
        id="errors-in-stream-own-form",
        title="A broken streamed request gets 200 and an event with a text and a number.",
        change=answer_with(
            200,
            render({"text": "**NETWORK ERROR**", "error_code": 50001}) + DONE,
            when=_wrong_type_streams,
            stream=True,
        ),
        turns=deviates("errors.stream-status") | failed("stream.chunk-object"),
        leaves=frozenset({"parity.error-parameter", "http.next-after-bad-stream"}),
        row="C040",
        issues=("lm-sys/FastChat#3367",),
    ),
    Defect(
        id="errors-in-stream-text",
        title="A broken streamed request gets 200 and an event with a text for an error.",
        change=answer_with(
            200, render("Input validation error"), when=_wrong_type_streams, stream=True
        ),
        turns=deviates("errors.stream-status") | failed("stream.json-data", "stream.done-marker"),
        leaves=frozenset({"parity.error-parameter", "http.next-after-bad-stream"}),
        row="C042",
        issues=("huggingface/text-generation-inference#2668",),
    ),
    Defect(
        id="errors-dead-next",
        title="Once a request was refused and a client left, the engine is dead for a moment.",
        change=Stateful(_refused_again(3)),
        turns=failed("disconnect.next-request"),
    ),
    Defect(
        id="errors-dead-later",
        full=True,
        title="Once a request was refused, a later one finds a dead engine.",
        change=Stateful(_refused_again(5)),
        turns=failed("errors.alive"),
        leaves=REPEATED,
    ),
    Defect(
        id="errors-param-list",
        title="The param of an error is a list.",
        change=_of_request(lambda error: error.update(param=[error["param"]])),
        turns=deviates("errors.param", "errors.param-name"),
    ),
    Defect(
        id="errors-param-other",
        title="The param of an error names the whole body.",
        change=_of_request(lambda error: error.update(param="body")),
        turns=deviates("errors.param-name"),
    ),
    Defect(
        id="errors-type-class",
        title="The type of an error is the name of a class.",
        change=_of_request(lambda error: error.update(type="BadRequestError")),
        turns=deviates("errors.request-type"),
    ),
    Defect(
        id="errors-retry-told",
        title="Clients are told to retry every refused request.",
        change=set_header("x-should-retry", "true", status=400),
        turns=deviates("errors.should-retry"),
    ),
    Defect(
        id="errors-retry-word",
        title="Whether to retry is said with another word.",
        change=set_header("x-should-retry", "no", status=400),
        turns=deviates("errors.should-retry"),
    ),
    Defect(
        id="errors-403",
        title="A fault of the request is answered with 403.",
        change=change_status(403, when=chat, of=400),
        turns=deviates("errors.bad-parameter"),
    ),
]
