"""badge.svg: one line that says what a run came to, in counts."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from pytest_byom.conformance.finding import Outcome
from pytest_byom.gate.reports.columns import latest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_byom.gate.reports.columns import Column

LABEL = "/chat/completions"
COLOURS = {"bad": "#b3261e", "unjudged": "#5f6368", "unsure": "#8a5a00", "good": "#1b6e3c"}
"""White text is read well on each of them."""

STATES = tuple(COLOURS)
"""The worst first."""

CHARACTER = 6.6
"""The width that a character is given; `textLength` makes any font keep to it."""

PADDING = 10
HEIGHT = 20

SHOWN = (
    Outcome.FAILED,
    Outcome.ERROR,
    Outcome.DEVIATES,
    Outcome.IGNORED,
    Outcome.INCONCLUSIVE,
    Outcome.KNOWN,
    Outcome.UNSUPPORTED,
)
"""What did not pass, the worst first: no count stands without those of the others."""


def make_badge(columns: Sequence[Column]) -> str:
    """Return an SVG image of the counts of all endpoints together, each as it was judged last."""
    columns = latest(columns)
    state = min((column.state for column in columns), key=STATES.index, default="unjudged")
    text = badge_text(columns)
    left, right = _width(LABEL), _width(text)
    title = escape(f"{LABEL}: {text}")
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{HEIGHT}" role="img" \
aria-labelledby="title">
<title id="title">{title}</title>
<rect width="{left + right}" height="{HEIGHT}" rx="3" fill="#3c4043"/>
<path d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H{left}z" fill="{COLOURS[state]}"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
{_text(LABEL, 0, left)}
{_text(text, left, right)}
</g>
</svg>
"""


def badge_text(columns: Sequence[Column]) -> str:
    """Return the counts: how many passed of how many, and all that did not pass."""
    several = f"{len(columns)} endpoints, " if len(columns) > 1 else ""
    planned = sum(column.planned for column in columns)
    if not planned:
        return f"{several}not judged"
    passed = _count(columns, Outcome.PASSED)
    said = [f"{several}{passed} of {planned} passed"]
    said += [f"{count} {outcome}" for outcome in SHOWN if (count := _count(columns, outcome))]
    missing = sum(column.not_run for column in columns)
    unjudged = sum(not column.planned for column in columns)
    said += [f"{missing} not run"] if missing else []
    said += [f"{unjudged} not judged"] if unjudged else []
    return ", ".join(said)


def _count(columns: Sequence[Column], outcome: Outcome) -> int:
    return sum(column.counts.get(outcome, 0) for column in columns)


def _width(text: str) -> int:
    return round(len(text) * CHARACTER) + 2 * PADDING


def _text(text: str, left: int, width: int) -> str:
    length = width - 2 * PADDING
    return f'<text x="{left + PADDING}" y="14" textLength="{length}">{escape(text)}</text>'
