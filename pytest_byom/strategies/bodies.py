"""Broken bodies: bytes that are no JSON, or no JSON that a request could be."""

from __future__ import annotations

import json
from typing import NamedTuple

from hypothesis import strategies as st

from pytest_byom.strategies.requests import chat_requests


class BrokenBody(NamedTuple):
    """Bytes that a server has to refuse, and what is wrong with them.

    `tolerated` says that JSON readers of some languages take them all the same: 200 is no fault.
    """

    body: bytes
    why: str
    tolerated: bool = False


ODD: tuple[tuple[str, bytes], ...] = (
    ("nothing", b""),
    ("white space", b" \r\n"),
    ("null", b"null"),
    ("a number", b"7"),
    ("a list", b"[]"),
    ("a text", b'"Say ok."'),
    ("a form", b"model=m&messages=Say+ok."),
    ("an empty object", b"{}"),
    ("two objects", b"{}{}"),
    ("single quotes", b"{'model': 'm'}"),
    ("a NUL byte", b"\x00"),
    ("UTF-16", '{"model": "m"}'.encode("utf-16")),
    ("deep nesting", b"[" * 5000),
)
"""Whole bodies that are no request."""


@st.composite
def broken_bodies(draw: st.DrawFn, *, model: str = "byom-embedded") -> BrokenBody:
    """Give bodies of POST /chat/completions for which the API owes a 4xx, in bytes.

    Some are no JSON at all, some are a request that was cut short, or has a byte in it that no
    UTF-8 has, or something behind it.
    """
    if draw(st.booleans()):
        why, body = draw(st.sampled_from(ODD))
        return BrokenBody(body, why)
    whole = json.dumps(draw(chat_requests(model=model, tool_calls=False))).encode()
    place = draw(st.integers(0, len(whole) - 1))
    kind = draw(st.sampled_from(["cut", "byte", "tail"]))
    if kind == "cut":
        return BrokenBody(whole[:place], "cut short")
    if kind == "byte":
        return BrokenBody(
            whole[:place] + b"\xff" + whole[place:], "a byte that UTF-8 has not", tolerated=True
        )
    tail = draw(st.sampled_from([b"}", b",", b"x", whole]))
    return BrokenBody(whole + tail, "something behind it", tolerated=True)
