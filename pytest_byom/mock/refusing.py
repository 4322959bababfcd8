"""What the server that a mock stands for would refuse, and its errors in its own form."""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any

from pytest_byom.mock.answer import Answer, plan_body, plan_delay
from pytest_byom.mock.dialect import fill, load_dialect
from pytest_byom.mock.embedded.body import check_media_type, read_object
from pytest_byom.mock.embedded.chat_request import read_chat_request, unknown_model
from pytest_byom.mock.embedded.errors import ApiError
from pytest_byom.mock.embedded.render import write_json
from pytest_byom.mock.embedded.rules import RULES
from pytest_byom.mock.replies import UNSET, Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_byom.mock.asked import AskedRequest
    from pytest_byom.mock.dialect import Dialect
    from pytest_byom.mock.embedded.chat_request import ChatRequest

TYPES = {
    401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    429: "rate_limit_error",
}  # fmt: skip
"""The type of an error, where the script does not give one; others follow from the class."""

MESSAGES = {
    401: "Incorrect API key provided.",
    403: "You are not allowed to do this.",
    404: "There is no such thing.",
    408: "The request took too long.",
    409: "The request conflicts with another one.",
    413: "The request is too large.",
    429: "Rate limit reached. Please try again later.",
    500: "The server had an error while processing your request.",
    502: "Bad gateway.",
    503: "The engine is currently overloaded, please try again later.",
    504: "The gateway timed out.",
}
CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}
_OTHERS = frozenset(
    {"messages", "model", "tool_choice", "function_call", "functions"}
)  # checked, though not by a rule of their own


def read_request(
    asked: AskedRequest, dialect: Dialect, models: tuple[str, ...]
) -> ChatRequest | None:
    """Check a request as the server would. Raises ApiError; None for a fault it does not mind."""
    check_media_type(asked.content_type)
    found = _read_body(asked.body, dialect.name, models)
    if isinstance(found, ApiError):
        raise found.with_traceback(None)  # it is kept, and must not gather one with each request
    return found


@functools.lru_cache(maxsize=64)
def _read_body(body: bytes, dialect: str, models: tuple[str, ...]) -> ChatRequest | ApiError | None:
    """Check a body; a request that is sent again, as clients do, is checked once."""
    try:
        return _check(read_object(body), load_dialect(dialect), models)
    except ApiError as error:
        return error.with_traceback(None)


def _check(body: dict[str, Any], dialect: Dialect, models: tuple[str, ...]) -> ChatRequest | None:
    _refuse_members(body, dialect)
    known = models or _named_model(body)
    try:
        return read_chat_request(_translate(body, dialect), known)
    except ApiError as error:
        if is_taken(error, dialect):
            return None
        raise


def _translate(body: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    """Write the values that only this server has as the API does."""
    for name, meant in dialect.requests.means.items():
        value = body.get(name)
        key = "{}" if isinstance(value, dict) else value
        if isinstance(key, str) and key in meant:
            body = {**body, name: meant[key]}
    return body


def _named_model(body: Mapping[str, Any]) -> tuple[str, ...]:
    model = body.get("model")
    return (model,) if isinstance(model, str) else ()


def _refuse_members(body: Mapping[str, Any], dialect: Dialect) -> None:
    """Refuse what this server does not know."""
    rules = dialect.requests
    for name in body if rules.unknown else ():
        if name not in RULES and name not in _OTHERS and name not in rules.knows:
            raise _unsupported(name, rules.unknown, dialect)
    for place, said in rules.refuses.items():
        name, _, value = place.partition("=")
        found: Any = body
        for step in name.split("."):
            found = found.get(step) if isinstance(found, dict) else None
        if found is not None and value in ("", found):
            raise _unsupported(name, said, dialect)


def _unsupported(name: str, said: str, dialect: Dialect) -> ApiError:
    message = fill(said, {"param": name})
    return ApiError(message, status=dialect.requests.status, param=name)


@functools.cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def is_taken(error: ApiError, dialect: Dialect) -> bool:
    """Whether this server does not mind such a fault."""
    if error.error["code"] == "model_not_found" and dialect.requests.any_model:
        return True
    place = f"{error.error['param']} {error.error['code']}"
    return any(_pattern(text).search(place) for text in dialect.requests.takes)


def refusal(
    error: ApiError,
    dialect: Dialect,
    values: Mapping[str, Any],
    *,
    model_status: int | None = None,
) -> Answer:
    """Return the answer to a request that is refused."""
    said = error.error
    message, kind, status = said["message"], said["type"], error.status
    if status == 400:
        status = dialect.requests.fault_status
    if said["code"] == "model_not_found" and dialect.requests.unknown_model:
        message = fill(dialect.requests.unknown_model, values)
        kind, status = "not_found_error", model_status or dialect.requests.model_status
    failure = Failure(
        status=status,
        message=message,
        type=dialect.error_form(status).types.get(kind or "", kind),
        code=said["code"],
        param=said["param"],
        headers=dict(error.headers),
    )
    return write_failure(failure, dialect, values)


def refuse_entry(model: str, dialect: Dialect, values: Mapping[str, Any]) -> Answer:
    """Return the answer to one who asks for the entry of a model that is not there."""
    filled = {**values, "model": model}
    if (body := dialect.models.get("missing")) is not None:
        return write_failure(Failure(status=404, body=fill(body, filled)), dialect, filled)
    return refusal(unknown_model(model), dialect, filled, model_status=404)


def write_failure(failure: Failure, dialect: Dialect, values: Mapping[str, Any]) -> Answer:
    """Return the answer that a failure is, in the form of this server."""
    trouble = failure.connection or (failure.timeout and f"{failure.timeout} timeout")
    body, kind, status, own = _write_body(failure, dialect, values)
    common = {**dialect.headers.get("all", {}), **dialect.headers.get("error", {}), **own}
    headers = {"content-type": kind, **fill(common, values), **failure.headers}
    return Answer(
        status=status,
        headers=tuple((name, str(value)) for name, value in headers.items()),
        body=plan_body(body, failure.flow),
        delay=plan_delay(failure.flow),
        trouble=trouble,
    )


def _write_body(
    failure: Failure, dialect: Dialect, values: Mapping[str, Any]
) -> tuple[bytes, str, int, Mapping[str, str]]:
    body = failure.body
    if body is UNSET:
        form = dialect.error_form(failure.status)
        error = error_values(failure, dialect)
        made = _omit(fill(form.body, {**values, **error}), form.omit)
        kind = dialect.json_type if isinstance(made, dict) else "text/plain; charset=utf-8"
        content = write_json(made) if isinstance(made, dict) else str(made).encode()
        return content, kind, failure.status, fill(dict(form.headers), values)
    if isinstance(body, bytes):
        return body, "application/octet-stream", failure.status, {}
    if isinstance(body, str):
        kind = "text/html" if body.lstrip().startswith("<") else "text/plain"
        return body.encode(), f"{kind}; charset=utf-8", failure.status, {}
    return json.dumps(body, ensure_ascii=False).encode(), dialect.json_type, failure.status, {}


def _omit(body: Any, names: tuple[str, ...]) -> Any:
    """Return an error without those members that would be null."""
    if not names or not isinstance(body, dict) or not isinstance(body.get("error"), dict):
        return body
    error = {k: v for k, v in body["error"].items() if v is not None or k not in names}
    return {**body, "error": error}


def error_values(failure: Failure, dialect: Dialect) -> dict[str, Any]:
    """Return what fills the form of an error."""
    status = failure.status
    usual = "server_error" if status >= 500 else "invalid_request_error"
    kind = failure.type or TYPES.get(status, usual)
    types = dialect.error_form(status).types
    usual_message = MESSAGES.get(status, f"The request failed ({status}).")
    return {
        "status": status,
        "message": usual_message if failure.message is None else failure.message,
        "type": types.get(kind, kind) if failure.type is None else failure.type,
        "code": CODES.get(status) if failure.code is UNSET else failure.code,
        "param": failure.param,
    }
