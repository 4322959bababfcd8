"""What the server answers when it refuses: OpenAI's error object, with its codes."""

from __future__ import annotations

import json
from typing import Any

from pytest_byom.mock.http1 import Headers, Reply


class ApiError(Exception):
    """A request that is refused: `status`, and the four members of the error object."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: Headers = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers
        self.error = {"message": message, "type": type, "param": param, "code": code}


def error_answer(error: ApiError) -> Reply:
    """Build the answer for a refusal."""
    headers = (("content-type", "application/json"), *error.headers)
    return Reply(error.status, headers, json.dumps({"error": error.error}).encode())


def shown(value: Any) -> str:
    """Write a value into a message, cut to a length that a person reads."""
    text = json.dumps(value, ensure_ascii=False, default=repr) if _is_plain(value) else ""
    return text if text and len(text) <= 60 else kind(value)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def kind(value: Any) -> str:
    """Name the JSON type of a value as OpenAI's messages do."""
    names = {
        bool: "a boolean", int: "an integer", float: "a decimal", str: "a string",
        list: "an array", dict: "an object",
    }  # fmt: skip
    return names.get(type(value), "null")


def missing(param: str) -> ApiError:
    """A required member is absent."""
    return ApiError(
        f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter"
    )


def wrong_type(param: str, expected: str, value: Any) -> ApiError:
    """A member has another JSON type."""
    return ApiError(
        f"Invalid type for '{param}': expected {expected}, but got {kind(value)} instead.",
        param=param,
        code="invalid_type",
    )


def wrong_value(param: str, value: Any, supported: tuple[str, ...]) -> ApiError:
    """A member is none of the values there are."""
    names = ", ".join(f"'{name}'" for name in supported)
    return ApiError(
        f"Invalid value: {shown(value)}. Supported values are: {names}.",
        param=param,
        code="invalid_value",
    )


def unsupported(param: str, what: str, *, code: str = "unsupported_parameter") -> ApiError:
    """This model cannot do what is asked."""
    return ApiError(f"This model does not support {what}.", param=param, code=code)
