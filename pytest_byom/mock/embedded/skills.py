"""What the stand-in can do besides making sentences: a table, tried from top to bottom.

    tool results      after tool messages: an answer that contains their text
    ordered word      a system message orders "only the word X" or "always answer with X": X
    code words        asked for code words, both words, ...: all those in capitals or quotes
    repeat            "Repeat: X", "Say: X", "Repeat the text: X", 'Repeat "X" 3 times': X
    count             "Count to 5", "Count from 3 to 9", "numbers from 1 to 10": 3, 4, 5, ...
    say               "Say X.", "Reply with X", "Write the word X": X, up to six words
    colours           asked for a colour, with images: the colours of the images, in order

Everything else is free text. A system message counts before the user's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_byom.mock.embedded.messages import Turn

COUNT_LIMIT = 1000

_ORDERED = re.compile(
    r"\b(?i:only|always|just|exactly|nothing but)\b[^.\n]{0,40}?(?:"
    r"\b(?i:the words?) [\"'“]?([\w-]+)"
    r"|\b(?i:with|say|reply|answer|respond):? ?(?:[\"'“]([^\"'”\n]+)[\"'”]|([A-Z][A-Z0-9]+)\b))"
)
_CODE_WORDS = re.compile(
    r"\b(?:code|secret|pass|magic|first|second|both|these|those|all|two|which|what)\b"
    r"[\w ]{0,20}\b(?:words?|names?|codes?)\b",
    re.IGNORECASE,
)
_MARKED = re.compile(r"\b[A-Z][-_A-Z0-9]*[A-Z0-9]\b|\"([^\"\n]+)\"|“([^”\n]+)”")
_VERB = r"(?:repeat|echo|copy|say|reply|answer|respond|output|write|print)"
_REPEAT = re.compile(
    r"\b(?:repeat|echo|copy|say|(?:reply|answer|respond|output)\b[^:\n]{0,20}\bwith)\b"
    r"[^:\n]{0,80}:\s*(.+)",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED = re.compile(rf"\b{_VERB}\b[^\"“\n]{{0,80}}[\"“](.+)[\"”]", re.IGNORECASE | re.DOTALL)
_TIMES = re.compile(r"\b(\d{1,3}|two|three|four|five|ten) times\b", re.IGNORECASE)
_NUMERALS = {"two": 2, "three": 3, "four": 4, "five": 5, "ten": 10, "twenty": 20, "hundred": 100}
_LISTED = re.compile(r"\d+(?:, ?\d+){2,}")
_COUNT = re.compile(
    r"\bcount(?:ing)?\b|\bnumbers? (?:from )?\d+ ?(?:to|through|-) ?\d+", re.IGNORECASE
)
_SAY = re.compile(
    r"(?:^|[.!?:,]\s+)(?:please |just |now )*(?:"
    r"(?:say|write|print|output|repeat|echo|reply|answer|respond)(?: only| just| exactly| with)*"
    r" (?:the )?(?:single )?words?:? "
    r"|(?:say|repeat|echo|(?:reply|answer|respond)(?: only| just| exactly)* with)"
    r"(?: only| just| exactly)*:? )"
    r"([^\s.!?,][^.!?\n]{0,60})[.!]*\s*$",
    re.IGNORECASE,
)
_POSTSCRIPT = re.compile(
    r"[, ]+(?:and nothing (?:else|more)|only|please|exactly)\s*$", re.IGNORECASE
)
_VAGUE = re.compile(
    r"(?:an?|one|short|something|anything|nothing|your|it|some|what|why|how|which|in|to|if|as|with|"
    r"briefly|using|yes or|the|this|these|my|by|and|or)\b",
    re.IGNORECASE,
)
_LONG = re.compile(r"\b(?:long|story|essay|count|novel|detailed|article|report)\b", re.IGNORECASE)


def known_answer(turns: tuple[Turn, ...]) -> str | None:
    """Return the answer that a skill has for a conversation, or None."""
    for skill in _SKILLS:
        answer = skill(turns)
        if answer:
            return answer
    return None


def wants_length(turns: tuple[Turn, ...]) -> bool:
    """Tell whether something long was asked for."""
    return _LONG.search(last_user_text(turns)) is not None


def last_user_text(turns: tuple[Turn, ...]) -> str:
    """Return the text of the last user message."""
    return next((turn.text for turn in reversed(turns) if turn.role == "user"), "")


def _tool_results(turns: tuple[Turn, ...]) -> str | None:
    results: list[str] = []
    for turn in reversed(turns):
        if turn.role not in ("tool", "function"):
            break
        results.insert(0, turn.text)
    if not results:
        return None
    return "The tool says: " + "\n".join(result or "(nothing)" for result in results)


def _ordered_word(turns: tuple[Turn, ...]) -> str | None:
    for turn in turns:
        if turn.role in ("system", "developer") and (found := _ORDERED.search(turn.text)):
            return found[1] or found[2] or found[3]
    return None


def _code_words(turns: tuple[Turn, ...]) -> str | None:
    if not _CODE_WORDS.search(last_user_text(turns)):
        return None
    spoken = "\n".join(turn.text for turn in turns if turn.role != "assistant")
    found = (match[1] or match[2] or match[0] for match in _MARKED.finditer(spoken))
    return ", ".join(dict.fromkeys(found)) or None


def _repeat(turns: tuple[Turn, ...]) -> str | None:
    text = last_user_text(turns)
    colon, quoted = _REPEAT.search(text), _QUOTED.search(text)
    if colon and (not quoted or colon.start() <= quoted.start()):
        said = colon[1].strip()
        if len(said) > 2 and said[0] in "\"'“" and said[-1] in "\"'”":
            said = said[1:-1]
    elif quoted:
        said = quoted[1]
    else:
        return None
    times = _TIMES.search(text[: colon.start(1)] if colon else text)
    return " ".join([said] * min(_number(times[1]), 100)) if times else said


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else _NUMERALS[text.lower()]


def _count(turns: tuple[Turn, ...]) -> str | None:
    text = last_user_text(turns)
    if not _COUNT.search(text):
        return None
    if listed := _LISTED.search(text):
        return listed[0]
    named = re.findall(rf"\b(?:\d{{1,9}}|{'|'.join(_NUMERALS)})\b", text.lower())
    numbers = [_number(number) for number in named]
    if not numbers:
        numbers = [100]
    first, last = numbers[:2] if len(numbers) > 1 else (1, numbers[0])
    step = 1 if last >= first else -1
    last = max(min(last, first + COUNT_LIMIT), first - COUNT_LIMIT)
    return ", ".join(map(str, range(first, last + step, step)))


def _say(turns: tuple[Turn, ...]) -> str | None:
    found = _SAY.search(last_user_text(turns))
    if not found or _VAGUE.match(found[1]):
        return None
    said = _POSTSCRIPT.sub("", found[1]).strip("'\"“” ")
    return said if len(said.split()) <= 6 else None


def _colours(turns: tuple[Turn, ...]) -> str | None:
    if not re.search(r"colou?r|red|first|which|see|image|picture", last_user_text(turns), re.I):
        return None
    seen = [image.colour or "an image" for turn in turns for image in turn.images]
    return ", then ".join(seen) or None


_SKILLS: tuple[Callable[[tuple[Turn, ...]], str | None], ...] = (
    _tool_results,
    _ordered_word,
    _code_words,
    _repeat,
    _count,
    _say,
    _colours,
)
