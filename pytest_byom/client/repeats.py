"""Reads a chunk that differs from the one before in its text alone, without parsing all of it.

Most chunks of a stream are such. A chunk is parsed, and what stands around its text is kept: its
frame. While the next ones have the same frame, the string inside of it is all there is to read.

A frame holds for every text: it ends and begins with the quotes of one JSON string, so another
string in its place changes that value and nothing else. That this value is the text, and not
another one of the same words, is tried out once for each frame.
"""

from __future__ import annotations

from typing import Any

from pytest_byom.client.jsontext import NotJSON, parse_json, parse_json_string

_NAME = '"content":'
FRAMES = 8
"""How many frames may prove useless, one after the other: some streams change in each chunk."""


class Repeats:
    """Knows the frame of the last chunk."""

    def __init__(self) -> None:
        self._before = ""
        self._after = ""
        self._start = self._end = 0  # of the text between the two, the latter from the end
        self._left = FRAMES

    def text_in(self, data: str) -> str | None:
        """The text of a chunk that has the frame of the last one; None if it has not."""
        before, after = self._before, self._after
        if not (before and data.startswith(before) and data.endswith(after)):
            return None
        self._left = FRAMES
        text = data[self._start : self._end]
        if text.isprintable() and '"' not in text and "\\" not in text:  # nearly always
            return text or None  # nothing may mean that the two overlap
        found, end = parse_json_string(data, len(before) - 1)
        return found if end == len(data) - len(after) + 1 else None

    def learn(self, data: str, chunk: Any, text: str | None) -> None:
        """Keep the frame of a chunk and of its text; without a text, forget the last one."""
        self._before = ""
        if text is None or not self._left:
            return
        self._left -= 1
        start = data.rfind(_NAME) + len(_NAME)
        start += data.startswith(" ", start)
        found, end = parse_json_string(data, start)
        if found != text:
            return
        before, after = data[: start + 1], data[end - 1 :]
        if _is_frame(before, after, chunk, text):
            self._before, self._after = before, after
            self._start, self._end = len(before), -len(after)


def _is_frame(before: str, after: str, chunk: Any, text: str) -> bool:
    """Whether another text between the two gives the same chunk with that text."""
    other = f"{text}?"
    try:
        changed = parse_json(f"{before}{text}?{after}")
    except NotJSON:
        return False
    delta = changed["choices"][0]["delta"]
    if delta["content"] != other:
        return False
    delta["content"] = text
    return bool(changed == chunk)
