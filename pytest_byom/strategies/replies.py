"""Replies for a mock: what a model may answer, and rarely does. Each of them is legal.

text       none, empty, blank, long, of any script, cut into pieces anywhere
reasoning  beside the text, before a call, or all there is
calls      none to three, also of one tool twice, with arguments in any legal writing
end        as usual, at a limit (text and arguments are cut then), or by a filter
"""

from __future__ import annotations

import json
import string
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from hypothesis import strategies as st

from pytest_byom.client.errors import UsageError
from pytest_byom.mock.replies import UNSET, Flow, Reply, ScriptedCall, Tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hypothesis.strategies import DrawFn, SearchStrategy

MOST_CALLS = 3

ODD_TEXTS = (
    "", " ", "\n", "\u2028", "\x00", "null", "{}", "[DONE]", "data: x\n\n", "```json\n{}\n```",
    "<think>", "e\u0301", "\U0001f469\u200d\U0001f4bb", "\u05e9\u05dc\u05d5\u05dd", "\ufeff",
    "word " * 400,
)  # fmt: skip
"""Texts that readers of JSON, of lines or of markup stumble over."""

ALPHABET = (
    string.printable
    + "\x00\x1b\x7f\x85\xa0\xad\u00e9\u00df\u0130\u03a9\u0416\u05d0\u0627\u0915\u093f\u0e01"
    "\u0301\u200b\u200d\u200f\u2028\u2029\u202e\u20ac\u3042\u4e2d\uac00\ufe0f\ufeff\ufffd"
    "\U0001f600\U0001f1e9\U0001f3fd\U00020bb7\U0010ffff"
)
"""Letters of many scripts, signs that join or turn others, ends of lines, controls. Any letter
would do; but to know them all takes hypothesis seconds in a fresh folder."""

_TEXT = st.sampled_from(ODD_TEXTS) | st.text(ALPHABET, max_size=40)
_NINE = st.text(string.ascii_lowercase + string.digits, min_size=9, max_size=9)
_IDS = st.none() | st.sampled_from(["0", "call_" + "x" * 60]) | _NINE
_COUNTS = st.integers(0, 2**40)


def replies(
    *, tools: Mapping[str, SearchStrategy[Mapping[str, Any]]] | None = None
) -> SearchStrategy[Reply]:
    """Return a strategy for legal but unusual replies: `byom_mock.reply(reply)`.

    `tools` are those that the app offers: from a name to a strategy for its arguments. Without
    them no tool is called. Raises UsageError for what is no such mapping.
    """
    offered = dict(tools or {})
    for name, arguments in offered.items():
        if not isinstance(name, str) or not isinstance(arguments, st.SearchStrategy):
            raise UsageError(
                f"replies(tools=...): give a strategy for the arguments of each tool by its name, "
                f"not {name!r}: {arguments!r}"
            )
    said = _spoken() | _filtered() | _refused()
    return said | _called(offered) if offered else said


@st.composite
def _pieces(draw: DrawFn, texts: SearchStrategy[str] = _TEXT) -> str | tuple[str, ...]:
    """Draw a text, or its pieces as a stream is to bring them, some of them empty."""
    text = draw(texts)
    if draw(st.booleans()):
        return text
    cuts = draw(st.lists(st.integers(0, len(text)), max_size=4).map(sorted))
    edges = [0, *cuts, len(text)]
    return tuple(text[a:b] for a, b in pairwise(edges))


def _around(draw: DrawFn) -> dict[str, Any]:
    """Draw what any reply may have besides."""
    reasoning = draw(st.none() | _pieces())
    usage = draw(st.none() | st.builds(Tokens, input=_COUNTS, output=_COUNTS, cached=_COUNTS))
    split = draw(st.sampled_from(["event", "event", "line", "every byte", 7]))
    return {"reasoning": reasoning, "usage": usage, "flow": Flow(split=cast("Any", split))}


@st.composite
def _spoken(draw: DrawFn) -> Reply:
    end = draw(st.sampled_from([UNSET, "length"]))
    return Reply(content=draw(st.just("") | _pieces()), finish_reason=end, **_around(draw))


@st.composite
def _filtered(draw: DrawFn) -> Reply:
    return Reply(content=draw(_pieces()), finish_reason="content_filter", **_around(draw))


@st.composite
def _refused(draw: DrawFn) -> Reply:
    return Reply(refusal=draw(_TEXT.filter(bool)), **_around(draw))


@st.composite
def _called(draw: DrawFn, tools: dict[str, SearchStrategy[Mapping[str, Any]]]) -> Reply:
    names = draw(st.lists(st.sampled_from(sorted(tools)), min_size=1, max_size=MOST_CALLS))
    calls = [ScriptedCall(name, _written(draw, draw(tools[name]))) for name in names]
    ids = draw(st.lists(_IDS, min_size=len(calls), max_size=len(calls), unique_by=_own))
    calls = [ScriptedCall(one.name, one.arguments, id) for one, id in zip(calls, ids, strict=True)]
    end = UNSET
    if draw(st.integers(0, 4)) == 4:
        end, last = "length", calls[-1]
        kept = draw(st.integers(0, len(last.arguments)))
        calls[-1] = ScriptedCall(last.name, last.arguments[:kept], last.id)
    content = draw(st.none() | _pieces())
    return Reply(content=content, tool_calls=tuple(calls), finish_reason=end, **_around(draw))


def _own(id: str | None) -> object:
    """Return what must not come twice; ids that the mock makes are new each time."""
    return object() if id is None else id


def _written(draw: DrawFn, arguments: Mapping[str, Any]) -> str:
    """Write arguments as some server might."""
    return json.dumps(
        dict(arguments),
        ensure_ascii=draw(st.booleans()),
        indent=draw(st.sampled_from([None, 2])),
        separators=draw(st.sampled_from([None, (",", ":")])),
    )
