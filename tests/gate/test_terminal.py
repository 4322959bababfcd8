"""What a person sees, word by word."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_byom.conformance.finding import Level, Outcome, Verdict
from pytest_byom.gate.terminal import header_lines, summary_lines, test_status, verdict_text, wrap
from pytest_byom.registry import Deviation

from .verdicts import FACTS, make_finding, make_verdict

test_status.__test__ = False  # type: ignore[attr-defined]  # its name is that of a test

CURL = "curl -sS -i http://127.0.0.1:8000/v1/chat/completions"
FULL: dict[str, Any] = {"source": "our wiki [mine-01]", "breaks": "apps for the Dutch"}


def summary(*verdicts: Verdict, known: Any = None, lost: str = "", **facts: Any) -> list[str]:
    """Return the lines of the last section for `mine`, with these facts changed."""
    lines = summary_lines(verdicts, {"mine": FACTS | facts}, known=known or {}, lost=lost)
    return [text for text, _ in lines]


def style(*verdicts: Verdict, **facts: Any) -> dict[str, bool]:
    """Return how the conclusion is printed."""
    lines = summary_lines(verdicts, {"mine": FACTS | facts}, known={})
    return next(style for text, style in lines if text.startswith("mine, model"))


STATUSES = [
    (Outcome.PASSED, False, ("passed", ".", ("PASSED", {"green": True}))),
    (Outcome.FAILED, True, ("failed", "F", ("FAILED", {"red": True}))),
    (Outcome.DEVIATES, False, ("deviates", "d", ("DEVIATES", {"yellow": True}))),
    (Outcome.DEVIATES, True, ("failed", "d", ("DEVIATES", {"red": True}))),
    (Outcome.KNOWN, False, ("known", "k", ("KNOWN", {"yellow": True}))),
    (Outcome.IGNORED, False, ("ignored", "i", ("IGNORED", {"yellow": True}))),
    (Outcome.IGNORED, True, ("failed", "i", ("IGNORED", {"red": True}))),
    (Outcome.UNSUPPORTED, False, ("unsupported", "u", ("UNSUPPORTED", {"cyan": True}))),
    (Outcome.INCONCLUSIVE, False, ("inconclusive", "?", ("INCONCLUSIVE", {"cyan": True}))),
    (Outcome.ERROR, True, ("failed", "E", ("ERROR", {"red": True}))),
]


@pytest.mark.parametrize(("outcome", "failed", "status"), STATUSES)
def test_progress(outcome: Outcome, failed: bool, status: Any) -> None:
    """Each outcome has a letter, a word and a colour; red is what fails the run."""
    assert test_status({"outcome": outcome.value}, failed=failed) == status


def test_header() -> None:
    """The header names endpoint, server and model, and what the run will take."""
    assert header_lines("mine", FACTS | {"checks": 184, "requests": 60}) == [
        "endpoint: mine (http://127.0.0.1:8000/v1), server: uvicorn, model: m",
        "plan: 184 checks, 60 requests, at most 4,000 tokens",
    ]


def test_header_of_one() -> None:
    """One check is no plural."""
    assert header_lines("mine", FACTS | {"checks": 1, "requests": 1})[1] == (
        "plan: 1 check, 1 request, at most 4,000 tokens"
    )


def test_header_without_a_name() -> None:
    """A server that does not name itself is said not to."""
    (first, _) = header_lines("mine", FACTS | {"server": ""})
    assert "server: no name in its headers," in first


def test_header_with_a_version() -> None:
    """Where it is known who answered, and in which version, that is said."""
    (first, _) = header_lines("mine", FACTS | {"identity": {"kind": "vLLM", "version": "0.19.1"}})
    assert "server: vLLM 0.19.1, model" in first
    (first, _) = header_lines("mine", FACTS | {"identity": {"kind": "vLLM", "version": ""}})
    assert "server: uvicorn, model" in first


def test_let_through() -> None:
    """What fails no gate is counted in other words than what fails the run."""
    status = test_status({"outcome": "failed"}, failed=False)
    assert status == ("failing as before", "F", ("FAILED", {"yellow": True}))


def test_verdict_with_baseline() -> None:
    """What the baseline says stands beside a finding."""
    lines = verdict_text(make_verdict(Outcome.FAILED), before="passed")
    assert "  before    passed" in lines


def test_header_of_trouble() -> None:
    """An endpoint that cannot be judged has no header: the summary says why."""
    assert header_lines("mine", {"base_url": "http://x", "trouble": "not reachable"}) == []


def test_verdict_with_finding() -> None:
    """A verdict shows what is wrong, what was asked, what came, and how to ask again."""
    verdict = make_verdict(Outcome.FAILED, findings=(make_finding(),), **FULL)
    assert verdict_text(verdict) == [
        "mine.slug (must, failed): It answers in Dutch.",
        "  endpoint  mine",
        "  source    our wiki [mine-01]",
        "  wrong     reply: expected Dutch, got ok",
        "  asked     POST /chat/completions {}",
        "  came      200 application/json {}",
        f"  again     {CURL}",
        "  breaks    apps for the Dutch",
    ]


def test_verdict_without_finding() -> None:
    """A check that only asserts shows its reason."""
    verdict = make_verdict(Outcome.DEVIATES, level=Level.SHOULD, reason="assert 1 == 2")
    assert verdict_text(verdict) == [
        "mine.slug (should, deviates): It answers in Dutch.",
        "  endpoint  mine",
        "  wrong     assert 1 == 2",
    ]


def test_same_place_in_other_answers() -> None:
    """What is wrong at one place of several answers is shown once, with the others' names."""
    ids = ["chat/plain", "chat/a", "chat/b", "chat/c", "chat/d", "chat/a"]
    verdict = make_verdict(Outcome.FAILED, findings=tuple(make_finding(exchange=id) for id in ids))
    assert verdict_text(verdict)[2:] == [
        "  wrong     reply: expected Dutch, got ok",
        "  asked     POST /chat/completions {}",
        "  came      200 application/json {}",
        f"  again     {CURL}",
        "  also      in 4 other answers: chat/a, chat/b, chat/c, …",
    ]


def test_same_place_in_one_other_answer() -> None:
    """One other answer is no plural."""
    findings = (make_finding(), make_finding(exchange="chat/a"))
    verdict = make_verdict(Outcome.FAILED, findings=findings)
    assert verdict_text(verdict)[-1] == "  also      in 1 other answer: chat/a"


def test_same_place_in_several_events() -> None:
    """The same member in several events is one place."""
    places = ["event 1, id", "event 2, id"]
    findings = tuple(make_finding(place=place) for place in places)
    lines = verdict_text(make_verdict(Outcome.FAILED, findings=findings))
    assert [line for line in lines if line.startswith("  wrong")] == [
        "  wrong     event 1, id: expected Dutch, got ok"
    ]


@pytest.mark.parametrize(
    ("count", "more"), [(4, "1 other place"), (5, "2 other places")], ids=["one", "two"]
)
def test_many_places(count: int, more: str) -> None:
    """Of many places three are shown, and the rest counted."""
    findings = tuple(make_finding(place=f"place{number}") for number in range(count))
    lines = verdict_text(make_verdict(Outcome.FAILED, findings=findings))
    assert sum(line.startswith("  wrong") for line in lines) == 3
    assert lines[-1] == f"  more      {more}: --byom-report=DIR writes them all"


def test_long_text_is_wrapped() -> None:
    """A long text is wrapped behind its label; a curl line is not, for it is to be copied."""
    finding = make_finding(asked="word " * 40, curl="curl " + "x " * 100)
    lines = verdict_text(make_verdict(Outcome.FAILED, findings=(finding,)))
    asked = lines[lines.index(next(line for line in lines if line.startswith("  asked"))) :][:3]
    assert asked[0] == "  asked     " + " ".join(["word"] * 16) + " word"
    assert asked[1].startswith(" " * 12 + "word")
    assert f"  again     curl {'x ' * 100}" in lines


def test_steps_are_shown() -> None:
    """The steps of a fuzzed conversation stand one a line, to be copied."""
    steps = "# drawn\nsay(text='" + "x " * 60 + "')\ntake_back()"
    lines = verdict_text(make_verdict(Outcome.FAILED, findings=(make_finding(steps=steps),)))
    at = lines.index("  steps     # drawn")
    assert lines[at + 1 : at + 3] == [" " * 12 + line for line in steps.split("\n")[1:]]
    assert lines[at + 3].startswith("  asked")


def test_table() -> None:
    """The table counts outcomes by area; what there is none of has no column."""
    verdicts = [
        make_verdict(check="stream.a"),
        make_verdict(check="auth.a"),
        make_verdict(Outcome.FAILED, check="auth.b", findings=(make_finding(),)),
        make_verdict(Outcome.INCONCLUSIVE, check="auth.c", reason="no answer"),
    ]
    assert summary(*verdicts, checks=4) == [
        "mine      passed  failed  inconclusive",
        "auth           1       1             1",
        "stream         1       ·             ·",
        "sum            2       1             1",
        "inconclusive: auth.c: no answer",
        "mine, model m: 2 passed, 1 failed, 1 inconclusive of 4 checks, 3 requests",
        "To accept a deviation, add its check id and a reason to the deviations of the endpoint in",
        "  byom.yaml.",
    ]


def test_capabilities() -> None:
    """What the server can do stands in one line, what it cannot in others."""
    known = {
        "n": {"state": "absent", "reason": "refused with 400"},
        "seed": {"state": "ignored", "reason": "answered 200"},
        "stream": {"state": "present", "reason": "answered 200"},
        "tools": {"state": "present", "reason": "answered 200"},
        "vision": {"state": "fails", "reason": "answered 500"},
    }
    assert summary(make_verdict(), capabilities=known)[3:7] == [
        "capabilities: stream, tools",
        "accepted, without effect: seed",
        "it fails at: vision",
        "it lacks: n",
    ]


def test_reasons_are_grouped() -> None:
    """Checks that were not decided for one reason stand together, three by name."""
    verdicts = [
        make_verdict(Outcome.UNSUPPORTED, check=f"tools.c{number}", reason="no tools")
        for number in range(5)
    ]
    assert "unsupported: tools.c0, tools.c1, tools.c2 and 2 more: no tools" in summary(*verdicts)


def test_known_is_listed() -> None:
    """A known deviation is listed with its reason, and no advice is given about it."""
    verdict = make_verdict(Outcome.KNOWN, findings=(make_finding(),), reason="issue 1234")
    lines = summary(verdict)
    assert "known: mine.slug: issue 1234" in lines
    assert not [line for line in lines if line.startswith("To accept")]


def test_checks_that_did_not_run() -> None:
    """Checks that were planned and did not run are counted."""
    assert "mine, model m: 1 passed, 2 not run of 3 checks, 3 requests" in summary(
        make_verdict(), checks=3
    )


def test_trouble() -> None:
    """An endpoint that could not be judged has a sentence in place of a table."""
    lines = summary_lines(
        [], {"mine": {"base_url": "http://x", "trouble": "mine is not reachable."}}, known={}
    )
    assert [text for text, _ in lines] == ["mine could not be judged.", "mine is not reachable."]


def test_long_trouble_keeps_its_words() -> None:
    """A long sentence is wrapped between words, never inside an option, a name or a URL."""
    trouble = "x" * 80 + " " + "name the model with --byom-model=NAME"
    lines = summary_lines([], {"mine": {"base_url": "http://x", "trouble": trouble}}, known={})
    assert [text for text, _ in lines][1:] == [
        "x" * 80 + " name the model",
        "  with --byom-model=NAME",
    ]


def test_gone() -> None:
    """That a server went away is said once, and not again as a reason."""
    verdicts = [
        make_verdict(),
        make_verdict(Outcome.INCONCLUSIVE, check="mine.b", reason="not asked: cut"),
    ]
    lines = summary(*verdicts, gone="cut", checks=2)
    assert [line for line in lines if "cut" in line] == ["mine went away during the run: cut"]


def test_nothing_decided() -> None:
    """An endpoint of which nothing was decided is said not to be judged."""
    lines = summary(make_verdict(Outcome.UNSUPPORTED, reason="no tools"))
    assert lines[-1] == "mine: no check could decide anything"


def test_stale() -> None:
    """A known deviation that passed is said to be stale."""
    known = {"mine": (Deviation(check="mine.slug", reason="x"),)}
    assert summary(make_verdict(), known=known)[-1] == (
        "mine: the known deviation 'mine.slug' no longer deviates: take it out of byom.yaml"
    )


def test_lost_worker() -> None:
    """A worker that died is the last word."""
    assert summary(make_verdict(), lost="a worker died: x")[-1] == "a worker died: x"


def test_only_own_tests() -> None:
    """An endpoint that only the user's own tests used has no table."""
    assert summary(checks=0) == []


FINDINGS = {"findings": (make_finding(),)}
STYLES = [
    ([make_verdict()], "green"),
    ([make_verdict(), make_verdict(Outcome.UNSUPPORTED)], "green"),
    ([make_verdict(Outcome.KNOWN, **FINDINGS)], "green"),
    ([make_verdict(Outcome.DEVIATES, **FINDINGS)], "yellow"),
    ([make_verdict(Outcome.IGNORED, **FINDINGS)], "yellow"),
    ([make_verdict(Outcome.INCONCLUSIVE)], "yellow"),
    ([make_verdict(Outcome.FAILED, **FINDINGS)], "red"),
    ([make_verdict(Outcome.ERROR)], "red"),
]


@pytest.mark.parametrize(("verdicts", "colour"), STYLES)
def test_colour(verdicts: list[Verdict], colour: str) -> None:
    """The conclusion is red for failures, yellow for doubts, and green for nothing less."""
    assert style(*verdicts) == {"bold": True, colour: True}


def test_colour_of_gone() -> None:
    """A server that went away is never green."""
    assert style(make_verdict(), gone="cut") == {"bold": True, "yellow": True}


@pytest.mark.parametrize("text", ["::error title=x::y", "##[error]y", f"{'w' * 95} ::error::y"])
def test_commands_of_ci(text: str) -> None:
    """Whatever a server says, no line is one that GitHub would obey."""
    lines = wrap(text, then="  ")
    assert not [line for line in lines if line.lstrip().startswith("::") or "##[" in line]
    assert "".join("".join(lines).split()) == text.replace(" ", "")
