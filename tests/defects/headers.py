"""Defects of headers: ids, dates, lengths, and what they say of a retry."""

from __future__ import annotations

from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING

from defects.planting import (
    Asked,
    Change,
    Defect,
    both,
    change_reply,
    deviates,
    failed,
    reasons,
    set_header,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_byom.mock.http1 import Headers, Reply


def _verbatim(add: Callable[[int], Headers]) -> Change:
    """Add headers to one answer that a well-made server does not send."""

    def rewrite(_: Asked, reply: Reply) -> Reply:
        usual = (("date", formatdate(usegmt=True)), ("connection", "close"))
        headers = (*reply.headers, *usual, *add(len(whole(reply))))
        return replace(reply, headers=headers, verbatim=True)

    return change_reply(rewrite, when=reasons)


DEFECTS = [
    Defect(
        id="http-one-request-id",
        title="All answers have the same request id.",
        change=set_header("x-request-id", "req_1"),
        turns=deviates("http.request-id-differs"),
    ),
    Defect(
        id="http-header-not-ascii",
        title="A header value is not ASCII.",
        change=_verbatim(lambda size: (("x-node", "M\xfcnchen"), ("content-length", f"{size}"))),
        turns=deviates("http.header-ascii"),
    ),
    Defect(
        id="http-no-date",
        title="Date is no date.",
        change=set_header("date", "today"),
        turns=deviates("http.date"),
    ),
    Defect(
        id="http-old-date",
        title="The clock of the server stands still.",
        change=set_header("date", "Thu, 01 Jan 1970 00:00:00 GMT"),
        turns=deviates("http.date"),
    ),
    Defect(
        id="http-processing-unit",
        title="The time spent has a unit.",
        change=set_header("openai-processing-ms", "12ms"),
        turns=deviates("http.processing-ms"),
    ),
    Defect(
        id="http-retry-after-ms-seconds",
        title="A refusal gives the same number as seconds and as milliseconds.",
        change=both(set_header("retry-after", "20"), set_header("retry-after-ms", "20")),
        turns=deviates("http.retry-after-ms"),
    ),
    Defect(
        id="http-retry-after-ms-negative",
        title="The milliseconds to wait are less than none.",
        change=set_header("retry-after-ms", "-1"),
        turns=deviates("http.retry-after-ms"),
    ),
    Defect(
        id="http-content-length",
        title="Content-Length is larger than the body of one answer.",
        change=_verbatim(lambda size: (("content-length", f"{size + 1}"),)),
        turns=failed("http.content-length"),
    ),
]
