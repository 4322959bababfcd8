"""Reads what went wrong out of a body, in whatever shape a server tells it.

Shapes seen at real servers, and read here:

    {"error": {"message", "type", "param", "code"}}   OpenAI and most others; code may be a number
    {"error": "text"}                                 xAI (with "code" beside it), TGI, Venice
    {"object": "error", "message", "code"}            Mistral, vLLM
    {"detail": "text" or [{"loc", "msg"}]}            FastAPI
    {"message": "text", "request_id"}                 gateways
    [{"error": {...}}]                                Google
    an HTML page, or plain text                       proxies
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_byom.client.errors import (
    AnsweredWithError,
    AuthenticationFailed,
    NotFound,
    RateLimited,
    StatusError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT_LIMIT = 500
"""How much of a server's text a message quotes; the whole is in `body`."""

_BY_STATUS: dict[int, type[StatusError]] = {
    401: AuthenticationFailed,
    403: AuthenticationFailed,
    404: NotFound,
    429: RateLimited,
}
_BY_CODE: dict[str, type[StatusError]] = {
    "invalid_api_key": AuthenticationFailed,
    "authentication_error": AuthenticationFailed,
    "model_not_found": NotFound,
}


@dataclass(frozen=True)
class Failure:
    """A server's own words about what went wrong."""

    message: str | None = None
    code: str | int | None = None
    type: str | None = None
    param: str | None = None

    def attributes(self) -> dict[str, Any]:
        """The keyword arguments of a ServerError."""
        return {
            "server_message": self.message,
            "code": self.code,
            "type": self.type,
            "param": self.param,
        }


def failure_in(body: object) -> Failure | None:
    """Find the error in a decoded body; None where it tells of none.

    `error: null` and an empty error are none. A body with choices is an error only if it says
    so in `error`.
    """
    if isinstance(body, list):
        return next(filter(None, map(failure_in, body)), None)
    if not isinstance(body, dict):
        return None
    error = body.get("error") or _inner_error(body)
    if error:
        return _read_error(error, body)
    if body.get("choices"):
        return None
    if body.get("object") == "error" or body.get("type") == "error":
        return _read_error(body, body)
    if body.get("detail"):
        return Failure(_detail(body["detail"]), code=_code(body.get("code")))
    return None


def failure_of(body: bytes) -> Failure:
    """Read the body of an answer that is known to be an error."""
    text = body.decode("utf-8", "replace").strip()
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError):
        return Failure(_readable(text))
    found = failure_in(decoded)
    if found is None and isinstance(decoded, dict) and not decoded.get("choices"):
        found = _read_error(decoded, decoded)
    if found is None and isinstance(decoded, str):
        found = Failure(_cut(decoded))
    return found or Failure(_readable(text))


def status_error(status: int, body: bytes, *, endpoint: str, **attributes: Any) -> StatusError:
    """The error for an answer with a status of 400 or more."""
    failure = failure_of(body)
    kind = _BY_STATUS.get(status) or _BY_CODE.get(str(failure.code)) or StatusError
    if kind is StatusError and "api key" in (failure.message or "").lower() and status == 400:
        kind = AuthenticationFailed  # xAI and Google answer a wrong key with 400
    said = f": {failure.message}" if failure.message else " and said nothing"
    return kind(
        f"{endpoint} answered with status {status}{said}{_named(failure)}",
        endpoint=endpoint,
        status=status,
        body=body,
        **failure.attributes(),
        **attributes,
    )


def answered_error(
    failure: Failure, *, endpoint: str, where: str, partial: Any = None, **attributes: Any
) -> AnsweredWithError:
    """The error for an answer that reports one inside a 200."""
    return AnsweredWithError(
        f"{endpoint or 'the server'} reported an error {where}: "
        f"{failure.message or 'without a message'}{_named(failure)}",
        endpoint=endpoint,
        partial=partial,
        **failure.attributes(),
        **attributes,
    )


def _inner_error(body: Mapping[str, Any]) -> object:
    """An error in a choice (OpenRouter) or beside Groq's own members."""
    choices = body.get("choices")
    places = [*choices] if isinstance(choices, list) else []
    for place in (*places, body.get("x_groq")):
        if isinstance(place, dict) and place.get("error"):
            return place["error"]
    return None


def _read_error(error: object, around: Mapping[str, Any]) -> Failure:
    if not isinstance(error, dict):
        return Failure(_text(error), code=_code(around.get("code")), type=_name(around, "type"))
    message = next(
        (error[key] for key in ("message", "msg", "detail", "error", "reason") if error.get(key)),
        None,
    )
    code = next((error[key] for key in ("code", "status_code") if error.get(key) is not None), None)
    return Failure(
        _detail(message) if message else _text(dict(error)),
        code=_code(code),
        type=_name(error, "type") or _name(error, "error_type"),
        param=_name(error, "param"),
    )


def _detail(detail: object) -> str | None:
    """FastAPI's detail: a text, or a list of places and messages."""
    if isinstance(detail, list):
        return "; ".join(filter(None, map(_detail, detail))) or None
    if isinstance(detail, dict) and isinstance(detail.get("msg"), str):
        place = detail.get("loc")
        path = ".".join(map(str, place)) if isinstance(place, list) else ""
        return _cut(f"{path}: {detail['msg']}" if path else str(detail["msg"]))
    if isinstance(detail, dict) and isinstance(detail.get("message"), str):
        return _cut(str(detail["message"]))
    return _text(detail)


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return _cut(value)
    try:
        return _cut(json.dumps(value, ensure_ascii=False))
    except (ValueError, TypeError, RecursionError):
        return None


def _code(value: object) -> str | int | None:
    if isinstance(value, bool):
        return None
    return value if isinstance(value, str | int) else None


def _name(error: Mapping[str, Any], key: str) -> str | None:
    value = error.get(key)
    return value if isinstance(value, str) and value else None


def _readable(text: str) -> str | None:
    """Plain text as it is, an HTML page as its title."""
    if not text:
        return None
    if text[:1] == "<":
        title = re.search(r"<(title|h1)[^>]*>([^<]{1,300})<", text[:20000], re.IGNORECASE)
        return f"an HTML page{f' ({title[2].strip()})' if title else ''}"
    return _cut(text)


def _cut(text: str) -> str:
    text = text.strip().encode("utf-8", "replace").decode()  # half characters cannot be printed
    return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 3] + "..."


def _named(failure: Failure) -> str:
    parts = [
        f"{name} {value}"
        for name, value in (
            ("code", failure.code),
            ("type", failure.type),
            ("param", failure.param),
        )
        if value not in (None, "")
    ]
    return f" ({', '.join(parts)})" if parts else ""
