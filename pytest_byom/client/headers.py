"""The few response headers that help: who answered, what is left, when to come back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUEST_IDS = (
    "x-request-id",
    "request-id",
    "apim-request-id",  # Azure
    "x-generation-id",  # OpenRouter
    "mistral-correlation-id",
    "x-ds-trace-id",  # DeepSeek
    "cf-ray",
)
_KEPT = re.compile(
    r"retry-after(-ms)?|x-should-retry|x-ratelimit-.+|ratelimit(bysize)?-.+|openai-processing-ms"
)


def request_id_in(headers: Mapping[str, str]) -> str | None:
    """The id under which the server knows the request."""
    return next((headers[name] for name in REQUEST_IDS if headers.get(name)), None)


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that a response keeps; the values are the server's own text."""
    return {
        name: value
        for name, value in headers.items()
        if name in REQUEST_IDS or _KEPT.fullmatch(name)
    }
