"""Defects of limits: the context window, rates, the size of a body and of headers."""

from __future__ import annotations

from typing import Any

from defects.planting import (
    Asked,
    Change,
    Defect,
    answer_with,
    both,
    change_request,
    deviates,
    failed,
    reasons,
    refuse,
    set_header,
)

LONG = 20_000
"""Characters; no other prompt of the suite has as many."""

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"
RATE = {
    "message": "Rate limit reached",
    "type": "requests",
    "param": None,
    "code": "rate_limit_exceeded",
}


def _is_long(asked: Asked) -> bool:
    return asked.is_chat and len(asked.request.body) > LONG


def _is_long_stream(asked: Asked) -> bool:
    return asked.streams and _is_long(asked)


def _is_huge(asked: Asked) -> bool:
    return asked.is_chat and len(asked.request.body) > 1_000_000


def _has_long_header(asked: Asked) -> bool:
    return any(len(value) > 8192 for _, value in asked.request.headers)


def _truncate(data: dict[str, Any]) -> None:
    message = data["messages"][0]
    data["messages"] = [{**message, "content": message["content"][:4000]}]


def _rates(**values: str) -> Change:
    headers = (f"x-ratelimit-{name.replace('_', '-')}" for name in values)
    return both(
        *(set_header(name, value) for name, value in zip(headers, values.values(), strict=True))
    )


DEFECTS = [
    Defect(
        id="limits-truncated",
        title="A prompt that does not fit is cut, without a word.",
        change=change_request(_truncate, when=_is_long),
        turns=deviates("limits.overlong"),
        leaves=frozenset({"limits.overlong-code", "limits.overlong-stream"}),
    ),
    Defect(
        id="limits-overlong-500",
        title="A prompt that does not fit makes the server fail.",
        change=refuse("Internal Server Error", status=500, when=_is_long),
        turns=deviates("limits.overlong") | failed("errors.client-fault"),
        leaves=frozenset({"limits.overlong-code", "limits.overlong-stream"}),
    ),
    Defect(
        id="limits-overlong-code",
        title="A prompt that does not fit is refused without a code.",
        change=refuse("exceeds the available context size", when=_is_long),
        turns=deviates("limits.overlong-code"),
    ),
    Defect(
        id="limits-overlong-in-stream",
        title="A prompt that does not fit is refused inside the stream.",
        change=answer_with(
            200,
            'data: {"error": {"message": "prompt is too long", "code": null}}\n\n',
            when=_is_long_stream,
            stream=True,
        ),
        turns=deviates("limits.overlong-stream"),
    ),
    Defect(
        id="limits-wait-an-hour",
        title="Retry-After is an hour.",
        change=answer_with(429, {"error": RATE}, when=reasons, headers=(("retry-after", "3600"),)),
        turns=deviates("limits.retry-soon", "reasoning.effort-null"),
    ),
    Defect(
        id="limits-wait-zero",
        title="Retry-After is 0.",
        change=answer_with(429, {"error": RATE}, when=reasons, headers=(("retry-after", "0"),)),
        turns=deviates("limits.retry-after", "reasoning.effort-null"),
    ),
    Defect(
        id="limits-wait-until",
        title="A parameter is refused with 429, with a date to wait for.",
        change=answer_with(429, {"error": RATE}, when=reasons, headers=(("retry-after", DATE),)),
        turns=deviates("reasoning.effort-null"),
    ),
    Defect(
        id="limits-no-quota",
        title="A parameter is refused with 429, as the account is empty: no waiting helps.",
        change=answer_with(429, {"error": {**RATE, "code": "insufficient_quota"}}, when=reasons),
        turns=deviates("reasoning.effort-null"),
        row="C334",
        issues=("langchain-ai/langchainjs#1929", "2389-research/tracker#547"),
    ),
    Defect(
        id="limits-more-left",
        title="More requests are left than there are.",
        change=_rates(limit_requests="100", remaining_requests="101", reset_requests="1s"),
        turns=deviates("limits.rate-headers"),
    ),
    Defect(
        id="limits-reset-as-date",
        title="The reset of the rate limit is a date, and the limit a list of windows.",
        change=_rates(limit_tokens="100, 100;w=60", reset_tokens="2026-01-01T00:00:00Z"),
        turns=deviates("limits.rate-headers"),
    ),
    Defect(
        id="limits-page-for-413",
        title="A body that is too large is refused with a page.",
        change=answer_with(
            413,
            "<html><h1>413 Request Entity Too Large</h1></html>",
            when=_is_huge,
            headers=(("content-type", "text/html"),),
        ),
        turns=deviates("limits.too-large") | failed("errors.object"),
        abuse=True,
    ),
    Defect(
        id="limits-megabyte-500",
        title="A body of a mebibyte makes the server fail.",
        change=refuse("Payload", status=502, when=_is_huge),
        turns=deviates("limits.megabyte"),
        abuse=True,
    ),
    Defect(
        id="limits-long-header-500",
        title="A long header makes the server fail.",
        change=refuse("Bad Gateway", status=502, when=_has_long_header),
        turns=deviates("limits.long-header"),
        abuse=True,
    ),
]
