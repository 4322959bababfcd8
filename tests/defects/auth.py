"""Defects of authentication."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from defects.judging import KEY, MODEL
from defects.planting import (
    Asked,
    Defect,
    Next,
    answer_with,
    change_error,
    change_status,
    deviates,
    failed,
    listing,
    refuse,
    set_header,
)
from defects.streaming import DONE, render
from pytest_byom.conformance.sending import WRONG_KEY

if TYPE_CHECKING:
    from pytest_byom.mock.http1 import Reply, Request


def has_no_key(asked: Asked) -> bool:
    """Whether a request comes without a key; a preflight never has one."""
    return not asked.header("authorization") and asked.method != "OPTIONS"


def has_wrong_key(asked: Asked) -> bool:
    """Whether a request comes with a wrong key."""
    return bool(asked.header("authorization")) and KEY not in asked.header("authorization")


def _has_no_right(asked: Asked) -> bool:
    return has_no_key(asked) or has_wrong_key(asked)


def _streams_with_wrong_key(asked: Asked) -> bool:
    return asked.streams and has_wrong_key(asked)


def _without_code(data: dict[str, Any]) -> None:
    if data["error"]["code"] == "invalid_api_key":
        data["error"]["code"] = None


def _with_key(data: dict[str, Any]) -> None:
    if data["error"]["message"].startswith("Incorrect"):
        data["error"]["message"] = f"Incorrect API key provided: {WRONG_KEY}."


async def _serve_any_key(request: Request, server: Next) -> Reply:
    if not has_wrong_key(Asked(request)):
        return await server(request)
    others = tuple(pair for pair in request.headers if pair[0] != "authorization")
    return await server(replace(request, headers=(*others, ("authorization", f"Bearer {KEY}"))))


_ERROR = {"message": "Invalid key", "type": "auth_error", "param": None, "code": "invalid_api_key"}
_CHALLENGE = (("www-authenticate", "Bearer"),)


def _detail(body: object, *, id: str, title: str, row: str, issues: tuple[str, ...]) -> Defect:
    """A 401 without an error object."""
    return Defect(
        id=id,
        title=title,
        change=answer_with(401, body, when=_has_no_right, headers=_CHALLENGE),
        turns=failed("errors.object"),
        leaves=frozenset({"auth.code"}),
        row=row,
        issues=issues,
    )


_LIST = {
    "object": "list",
    "data": [{"id": MODEL, "object": "model", "created": 1, "owned_by": "byom"}],
}


DEFECTS = [
    Defect(
        id="auth-missing-403",
        title="A request without a key is answered with 403.",
        change=change_status(403, when=has_no_key, of=401),
        turns=failed("auth.missing-key") | deviates("auth.models"),
        leaves=frozenset({"auth.challenge"}),
    ),
    Defect(
        id="auth-wrong-400",
        title="A wrong key is answered with 400, a missing one with 401.",
        change=change_status(400, when=has_wrong_key, of=401),
        turns=failed("auth.wrong-key") | deviates("auth.stream", "auth.before-body"),
        row="C322",
        issues=("docs.x.ai/developers/debugging",),
    ),
    Defect(
        id="auth-wrong-500",
        title="A wrong key makes the server fail.",
        change=change_status(500, when=has_wrong_key, of=401),
        turns=failed("auth.wrong-key", "errors.client-fault")
        | deviates("auth.stream", "auth.before-body"),
        leaves=frozenset({"errors.stream-key"}),
    ),
    Defect(
        id="auth-wrong-served",
        title="Any key is as good as the right one; only none at all is refused.",
        change=_serve_any_key,
        turns=failed("auth.wrong-key") | deviates("auth.stream", "auth.before-body"),
        leaves=frozenset({"auth.code", "errors.stream-key", "http.next-after-wrong-key"}),
    ),
    Defect(
        id="auth-stream-event",
        title="A streamed request with a wrong key gets 200 and an event with the error.",
        change=answer_with(
            200, render({"error": _ERROR}) + DONE, when=_streams_with_wrong_key, stream=True
        ),
        turns=deviates("auth.stream", "errors.stream-key"),
        leaves=frozenset({"parity.error-key"}),
    ),
    Defect(
        id="auth-no-code",
        title="The refusal of a wrong key has no code.",
        change=change_error(_without_code),
        turns=deviates("auth.code"),
    ),
    Defect(
        id="auth-no-challenge",
        title="A 401 does not name the scheme.",
        change=set_header("www-authenticate", None),
        turns=deviates("auth.challenge"),
    ),
    Defect(
        id="auth-key-shown",
        title="The refusal repeats the whole key.",
        change=change_error(_with_key),
        turns=deviates("auth.key-hidden"),
    ),
    Defect(
        id="auth-dummy-refused",
        title="A server without authentication refuses every key.",
        change=refuse(
            "Unknown key", status=401, when=lambda asked: bool(asked.header("authorization"))
        ),
        turns=failed("auth.any-key"),
        open=True,
    ),
    _detail(
        {"detail": "Unauthorized"},
        id="auth-detail",
        title="The 401 has a detail in place of an error object.",
        row="C325",
        issues=("agent0ai/agent-zero#539", "nextcloud/integration_openai#332"),
    ),
    _detail(
        {"error": "Unauthorized"},
        id="auth-error-text",
        title="The error of the 401, written by a middleware, is a text.",
        row="C314",
        issues=("modal-labs/modal-examples#1105",),
    ),
    _detail(
        {"message": "Unauthorized", "request_id": "req_1"},
        id="auth-message-only",
        title="The 401 has a message and a request id, and no error object.",
        row="C326",
        issues=("coolcline/CoolCline#36",),
    ),
    Defect(
        id="auth-no-body",
        title="The 401 has no body.",
        change=answer_with(401, "", when=_has_no_right, headers=_CHALLENGE),
        turns=failed("errors.object"),
        leaves=frozenset({"auth.code"}),
    ),
    Defect(
        id="auth-scheme-case",
        title="The scheme of the key has to be written Bearer.",
        change=refuse(
            "Invalid API Key",
            status=401,
            when=lambda asked: asked.header("authorization").startswith("bearer "),
        ),
        turns=deviates("auth.scheme-case"),
    ),
    Defect(
        id="auth-body-first",
        title="The body is looked at before the key.",
        change=refuse("No messages", when=lambda asked: asked.is_chat and not asked.parameters),
        turns=deviates("auth.before-body"),
    ),
    Defect(
        id="auth-models-open",
        title="The list of models is open to all.",
        change=answer_with(200, _LIST, when=lambda asked: listing(asked) and has_no_key(asked)),
        turns=deviates("auth.models"),
    ),
]
