"""JSON in and out, strictly: what is no JSON is refused with one clear reason."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from pytest_byom.client.errors import UsageError


class NotJSON(ValueError):
    """A text is no JSON; the message says why, and never quotes the text."""


def _refuse_constant(name: str) -> NoReturn:
    raise NotJSON(f"{name} is no JSON value")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def parse_json(text: str) -> Any:
    """Read a text; raises NotJSON with a reason.

    Python itself would read NaN, stop at a number of more than 4300 digits, and give up on deep
    nesting with a RecursionError.
    """
    try:
        value, end = _DECODER.raw_decode(text)
        if end == len(text):
            return value
    except (ValueError, RecursionError):
        pass
    return _parse_again(text)


def parse_json_string(text: str, start: int) -> tuple[str | None, int]:
    """Read the string whose quote stands at `start`; gives it with its end, None if it is none."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None, start
    return (value, end) if isinstance(value, str) else (None, start)


def _parse_again(text: str) -> Any:
    """Read a text with white space around it, or one with an error to be named."""
    try:
        return _DECODER.decode(text)
    except NotJSON:
        raise
    except json.JSONDecodeError as error:
        reason = f"{error.msg[:1].lower()}{error.msg[1:]} at character {error.pos}"
        raise NotJSON(reason) from None
    except ValueError:
        raise NotJSON("it holds a number with too many digits") from None
    except RecursionError:
        raise NotJSON("it is nested too deeply") from None


def parse_json_bytes(body: bytes) -> Any:
    """Read a body, which may start with a BOM and with white space; raises NotJSON."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotJSON(f"it is not UTF-8 (byte {error.start})") from None
    return parse_json(text)


def write_json(value: Any) -> bytes:
    """Write a body; raises UsageError for what JSON cannot hold."""
    try:
        return _ENCODER.encode(value).encode("utf-8")
    except UnicodeEncodeError as error:
        found = ord(error.object[error.start])
        reason = f"a text holds a lone surrogate (U+{found:04X})"
    except RecursionError:
        reason = "it is nested too deeply"
    except (ValueError, TypeError) as error:
        reason = str(error)
    raise UsageError(f"the request cannot be written as JSON: {reason}")
