"""Rules about keys, for every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.check import rule
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.views import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator


@rule(
    "auth.right-key",
    on=Answer,
    level="must",
    decides=["auth-05"],
    needs=["auth"],
    breaks="SDKs raise AuthenticationError, and apps ask for a key that is right already",
)
def test_right_key(answer: Answer) -> Iterator[Wrong]:
    """The right key in Authorization: Bearer is taken on every path, with and without stream."""
    exchange = answer.exchange
    sent = dict(exchange.sent.headers).get("authorization", "")
    if exchange.contract.request.key != "right" or not sent.startswith("Bearer "):
        raise Inconclusive("the request does not come with the right key")
    if exchange.status == 401:
        got = f"401: {exchange.error_message()}"
        yield Wrong(place="status", expected="any but 401", got=got)
