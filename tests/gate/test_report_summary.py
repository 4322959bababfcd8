"""summary.md, the badge and the annotations: what a pull request shows."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis.strategies import text

from pytest_byom.conformance.finding import Level, Outcome
from pytest_byom.gate.reports.annotations import (
    MOST,
    annotation_lines,
    escape_property,
    escape_text,
)
from pytest_byom.gate.reports.badge import COLOURS, make_badge
from pytest_byom.gate.reports.columns import make_columns
from pytest_byom.gate.reports.summary import MOST_CHARACTERS, code, make_summary, prose

from .report_data import DIFFERENCE, HOSTILE, hostile_run, make_gate, make_large_run, make_run
from .test_report_page import contrast
from .verdicts import FACTS, make_finding, make_verdict

FAILED = make_verdict(
    Outcome.FAILED, findings=(make_finding(),), breaks="openai-python raises on *null*"
)
SVG = "{http://www.w3.org/2000/svg}"


def test_summary() -> None:
    """The summary has a headline, a table, and each finding with what it breaks."""
    run = make_run(FAILED, make_verdict(check="mine.other"), facts={"mine": FACTS | {"checks": 3}})
    assert (
        make_summary([run])
        == """\
## ✗ `mine`: 1 passed, 1 failed, 1 not run of 3 checks

| endpoint | model | passed | failed | not run | planned |
| --- | --- | ---: | ---: | ---: | ---: |
| ✗ `mine` | `m` | 1 | 1 | 1 | 3 |

### `mine`

- **failed** `mine.slug` (must): It answers in Dutch.
  - `reply` in `chat/plain`: expected `Dutch`, got `ok`
  - breaks: openai-python raises on \\*null\\*
"""
    )


def test_summary_of_a_good_run() -> None:
    """Where nothing was found, the table is all."""
    text = make_summary([make_run(make_verdict())])
    assert text.startswith("## ✓ `mine`: 1 passed of 1 checks\n")
    assert text.endswith("| ✓ `mine` | `m` | 1 | 0 | 1 |\n")


def test_summary_of_several() -> None:
    """Of several endpoints the headline says how many came to what, the worst first."""
    facts = {"a": FACTS, "b": FACTS, "c": FACTS | {"trouble": "c is not reachable"}}
    run = make_run(
        make_verdict(Outcome.FAILED, endpoint="a"), make_verdict(endpoint="b"), facts=facts
    )
    text = make_summary([run])
    assert text.startswith("## ✗ 3 endpoints: 1 with failures, 1 not judged, 1 good\n")
    assert "\n> `c is not reachable`\n" in text


def test_summary_of_history() -> None:
    """Several runs of an endpoint are one endpoint, judged several times."""
    text = make_summary([make_run(make_verdict()), make_run(FAILED)])
    assert text.startswith("## ✗ 1 endpoint, judged 2 times: 1 with failures, 1 good\n")


def test_summary_with_difference() -> None:
    """A difference stands between headline and table."""
    entry = {"class": "regressed", "check": "mine.slug", "before": "passed", "after": "failed"}
    text = make_summary([make_run(FAILED)], [entry | {"endpoint": "mine"}])
    assert text.split("\n\n")[1:3] == [
        "**regressed** (1)",
        "- `mine.slug` at `mine`: `passed` → `failed`",
    ]


def test_summary_of_a_gate() -> None:
    """What a gate came to stands below the headline, then what it found, cut."""
    news = [{"kind": "new", "what": f"mine.n{n}", "before": ""} for n in range(30)]
    text = make_summary([make_run(FAILED, gate=make_gate({"note": "p = 0.01"}, *news))])
    assert text.split("\n\n")[1:4] == [
        "The gate fails, held against before.json of 2027-01-30.",
        "**regressed** (1)",
        "- `mine.slug` at `mine`: `passed` → `failed` (`p = 0.01`)",
    ]
    assert text.count("`nothing` → `failed`") == 20
    assert "\n- 10 more\n" in text


def test_many_findings() -> None:
    """Of many findings of a check some are shown, and the others counted."""
    findings = tuple(make_finding(place=f"event {n}") for n in range(5))
    text = make_summary([make_run(make_verdict(Outcome.FAILED, findings=findings))])
    assert "  - `event 2` in" in text
    assert "event 3" not in text
    assert "  - 2 more\n" in text


def test_reason() -> None:
    """A check without a finding shows the last line of its reason."""
    verdict = make_verdict(Outcome.ERROR, reason="Traceback:\n  x\nKeyError: 'a'\n")
    assert "  - `KeyError: 'a'`\n" in make_summary([make_run(verdict)])


def test_long_summary() -> None:
    """A summary fits into a comment, and says how much it leaves out."""
    verdicts = [
        make_verdict(Outcome.FAILED, check=f"mine.n{n}", findings=(make_finding(got="x" * 300),))
        for n in range(400)
    ]
    text = make_summary([make_run(*verdicts)])
    assert len(text) < MOST_CHARACTERS + 100
    left_out = re.search(r"\n(\d+) more entries stand in `index\.html`\.\n$", text)
    assert left_out
    assert text.count("- **failed**") + int(left_out[1]) == 400


def test_hostile_summary() -> None:
    """A hostile text stays between its backticks: outside of them is nothing of it."""
    text = make_summary([hostile_run()], DIFFERENCE)
    outside = re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", text)
    assert "alert" in text
    assert "alert" not in outside
    assert "<" not in outside
    assert text.isprintable() or set(filter(lambda c: not c.isprintable(), text)) == {"\n"}


CODES: list[tuple[str, Any, str]] = [
    ("plain", "a b", "`a b`"),
    ("tick", "a`b", "`` a`b ``"),
    ("ticks", "``a", "``` ``a ```"),
    ("lines", "a\n\n## b", "`a ## b`"),
    ("empty", "", "`  `"),
    ("control", "a\x1b[31m\u202eb", "`a\\x1b[31m\\u202eb`"),
    ("half", "\ud83d", "`\\ud83d`"),
    ("number", 1, "`1`"),
]


@pytest.mark.parametrize(("value", "span"), [pytest.param(*c[1:], id=c[0]) for c in CODES])
def test_code(value: Any, span: str) -> None:
    """A value is one span of code, with a longer fence where it has backticks itself."""
    assert code(value) == span


@given(text())
def test_any_text_is_one_span(value: str) -> None:
    """Whatever a text has in it, its span ends where it ends."""
    span = code(value)
    fence = span[: len(span) - len(span.lstrip("`"))]
    assert span.endswith(fence)
    assert fence not in re.findall("`+", span[len(fence) : -len(fence)])
    assert "\n" not in span


@given(text())
def test_any_text_is_one_line(value: str) -> None:
    """Whatever a text has in it, an annotation stays on one line, and its title in its place."""
    assert len(f"x{escape_text(value)}".splitlines()) == 1
    assert not {":", ","} & set(escape_property(value))


def test_long_code() -> None:
    """A long value is cut in its middle."""
    assert len(code("x" * 5000)) < 320
    assert " … " in code("x" * 5000)


def test_pipe_in_a_table() -> None:
    """A pipe in a cell does not make another cell."""
    text = make_summary([make_run(make_verdict(), facts={"mine": FACTS | {"model": "a|b"}})])
    assert "| ✓ `mine` | `a\\|b` | 1 |" in text


def test_prose() -> None:
    """A sentence is shown as it is; a name that GitHub would tell stands in code."""
    assert prose("a <b> & [c](d) *e* `f` #1") == "a \\<b\\> \\& \\[c\\](d) \\*e\\* \\`f\\` \\#1"
    assert prose("ask @octocat") == "`ask @octocat`"


BADGES: list[tuple[str, list[Outcome], dict[str, Any], str, str]] = [
    ("good", [Outcome.PASSED], {}, "1 of 1 passed", "good"),
    ("bad", [Outcome.PASSED, Outcome.FAILED], {}, "1 of 2 passed, 1 failed", "bad"),
    ("unsure", [Outcome.DEVIATES], {}, "0 of 1 passed, 1 deviates", "unsure"),
    ("part", [Outcome.PASSED], {"checks": 9}, "1 of 9 passed, 8 not run", "unjudged"),
    ("none", [], {"checks": 0, "trouble": "down"}, "not judged", "unjudged"),
    (
        "undecided",
        [Outcome.PASSED, Outcome.INCONCLUSIVE],
        {},
        "1 of 2 passed, 1 inconclusive",
        "good",
    ),
]


@pytest.mark.parametrize(
    ("outcomes", "facts", "text", "state"), [pytest.param(*b[1:], id=b[0]) for b in BADGES]
)
def test_badge(outcomes: list[Outcome], facts: dict[str, Any], text: str, state: str) -> None:
    """The badge says counts, never a percentage, and has a title that says the same."""
    verdicts = [make_verdict(o, check=f"mine.n{n}") for n, o in enumerate(outcomes)]
    svg = make_badge(make_columns([make_run(*verdicts, facts={"mine": FACTS | facts})]))
    image = ElementTree.fromstring(svg)
    assert image.findtext(f"{SVG}title") == f"/chat/completions: {text}"
    assert [t.text for t in image.iter(f"{SVG}text")] == ["/chat/completions", text]
    assert (image.get("role"), image.get("aria-labelledby")) == ("img", "title")
    assert COLOURS[state] in svg
    assert "%" not in svg


def test_badge_of_several() -> None:
    """Of several endpoints the counts are added, and those that were not judged are said."""
    facts = {"a": FACTS, "b": {"base_url": "http://x", "trouble": "down"}}
    svg = make_badge(make_columns([make_run(make_verdict(endpoint="a"), facts=facts)]))
    assert "2 endpoints, 1 of 1 passed, 1 not judged" in svg


def test_badge_of_history() -> None:
    """Of several runs of one endpoint, the last one counts."""
    svg = make_badge(make_columns([make_run(FAILED), make_run(make_verdict())]))
    assert ": 1 of 1 passed</title>" in svg


@pytest.mark.parametrize("colour", [*COLOURS.values(), "#3c4043"])
def test_contrast_of_badge(colour: str) -> None:
    """White text can be read on each colour of the badge."""
    background = tuple(byte / 255 for byte in bytes.fromhex(colour[1:]))
    assert contrast(background, (1.0, 1.0, 1.0)) >= 4.5


def test_annotations() -> None:
    """Failures are errors, deviations warnings; a trouble comes first, a note is a warning."""
    facts = {"mine": FACTS, "down": {"base_url": "http://x", "trouble": "down is not reachable"}}
    deviates = make_verdict(Outcome.DEVIATES, level=Level.SHOULD, check="mine.a", reason="x\ny")
    run = make_run(FAILED, deviates, make_verdict(check="mine.b"), facts=facts, notes=["stale"])
    assert annotation_lines(run) == [
        "::error title=pytest-byom::down is not reachable",
        (
            "::error title=mine.slug at mine::It answers in Dutch.%0A"
            "reply: expected Dutch, got ok%0ABreaks: openai-python raises on *null*"
        ),
        "::warning title=pytest-byom::stale",
        "::warning title=mine.a at mine::It answers in Dutch.%0Ay",
    ]


def test_annotations_of_a_gate() -> None:
    """With a baseline, annotations are what changed: findings that were there are no news."""
    old = make_verdict(Outcome.FAILED, check="mine.old")
    changed = {"kind": "changed", "what": "usage", "note": "it is gone", "where": ["chat/plain"]}
    gate = make_gate({}, changed, {"kind": "fixed", "what": "mine.other"})
    assert annotation_lines(make_run(FAILED, old, gate=gate)) == [
        (
            "::error title=regressed%3A mine.slug at mine::passed, now failed%0A"
            "It answers in Dutch.%0Areply: expected Dutch, got ok%0A"
            "Breaks: openai-python raises on *null*"
        ),
        ("::warning title=changed%3A usage at mine::passed, now failed%0Ain chat/plain"),
    ]


def test_annotations_are_escaped() -> None:
    """No text of a server ends a command or begins another one."""
    finding = make_finding(got="100%\r\n::stop-commands::x\u2028::error::y\x85\x1b[2J")
    verdict = make_verdict(Outcome.FAILED, findings=(finding,), endpoint="a,b::c", sentence=HOSTILE)
    (line,) = annotation_lines(make_run(verdict, facts={"a,b::c": FACTS}))
    assert line.startswith("::error title=mine.slug at a%2Cb%3A%3Cc::".replace("%3Cc", "%3Ac"))
    assert "got 100%25%0D%0A::stop-commands::x\\u2028::error::y\\x85\\x1b[2J" in line
    assert len(line.splitlines()) == 1
    assert line.isprintable()


def test_many_annotations() -> None:
    """GitHub shows ten of a kind: the tenth says how many more there are."""
    lines = annotation_lines(make_large_run())
    errors = [line for line in lines if line.startswith("::error")]
    assert len(errors) == MOST
    assert re.match(r"::error title=pytest-byom::\d+ more: ", errors[-1])
    assert len(lines) == 2 * MOST
