"""A user's own check is a test with `@byom.check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_byom.gate.exit_codes import NOTHING_JUDGED

if TYPE_CHECKING:
    from .conftest import Run

FILE = "test_mine.py"

HEAD = """
import pytest_byom as byom
from pytest_byom.conformance.answers import wrong
from pytest_byom.conformance.finding import Inconclusive, NoEffect, Unsupported, Wrong

"""


def write(pytester: pytest.Pytester, body: str, *, decorator: str = 'level="must"') -> None:
    """Write a project with one check, `mine.slug`, that does what `body` says."""
    text = f'@byom.check("mine.slug", {decorator})\ndef test_slug(byom_ask):\n'
    text += '    """It answers in Dutch."""\n    ' + body + "\n"
    pytester.makepyfile(**{FILE.removesuffix(".py"): HEAD + text})


OUTCOMES = [
    ("pass", "must", "passed", 0),
    ("pass", "may", "passed", 0),
    ("assert False", "must", "failed", 1),
    ("assert False", "should", "deviates", 0),
    ("assert False", "may", "deviates", 0),
    ("raise Inconclusive('it said nothing')", "must", "inconclusive", NOTHING_JUDGED),
    ("raise Unsupported('it cannot')", "must", "unsupported", NOTHING_JUDGED),
    ("yield wrong(byom_ask('chat/plain'), 'x', expected='1', got='2')", "must", "failed", 1),
    ("yield wrong(byom_ask('chat/plain'), 'x', expected='1', got='2')", "should", "deviates", 0),
    ("yield from ()", "must", "passed", 0),
    ("yield NoEffect(place='x', expected='1', got='2')", "should", "ignored", 0),
    ("yield NoEffect(place='x', expected='1', got='2')", "must", "failed", 1),
    ("raise OSError('no disk')", "may", "failed", 1),
    ("byom_ask('chat/nope')", "should", "failed", 1),
]


@pytest.mark.parametrize(("body", "level", "outcome", "code"), OUTCOMES)
def test_outcome(
    run: Run, pytester: pytest.Pytester, body: str, level: str, outcome: str, code: int
) -> None:
    """What a check does decides its outcome, and its level what that means for the run."""
    write(pytester, body, decorator=f"level={level!r}")
    result = run("--byom-endpoint=embedded", FILE)
    assert result.parseoutcomes() == {outcome: 1}
    assert result.ret == code


def test_assertion_is_explained(run: Run, pytester: pytest.Pytester) -> None:
    """A check that asserts shows what pytest knows of the assertion."""
    write(pytester, "assert byom_ask('chat/plain').status == 418", decorator='breaks="teapots"')
    result = run("--byom-endpoint=embedded", FILE)
    result.stdout.fnmatch_lines(
        [
            "mine.slug (must, failed): It answers in Dutch.",
            "  endpoint  embedded",
            "  wrong     assert 200 == 418 *",
            "  breaks    teapots",
        ]
    )


def test_wrong_is_shown(run: Run, pytester: pytest.Pytester) -> None:
    """A check that yields shows the request, the answer, and a curl line."""
    write(pytester, "yield wrong(byom_ask('chat/plain'), 'reply', expected='Dutch', got='ok')")
    result = run("--byom-endpoint=embedded", FILE)
    result.stdout.fnmatch_lines(
        [
            "_* mine.slug at embedded _*",
            "mine.slug (must, failed): It answers in Dutch.",
            "  endpoint  embedded",
            "  wrong     reply: expected Dutch, got ok",
            "  asked     POST /chat/completions *",
            "  came      200 application/json *",
            "  again     curl -sS -i http://127.0.0.1:*",
        ]
    )


def test_error_shows_traceback(run: Run, pytester: pytest.Pytester) -> None:
    """A check that is broken itself shows where."""
    write(pytester, "raise OSError('no disk')")
    result = run("--byom-endpoint=embedded", FILE)
    result.stdout.fnmatch_lines(["mine.slug (must, error): *", "*OSError: no disk*"])


def test_without_option(run: Run, pytester: pytest.Pytester) -> None:
    """Without --byom-endpoint a check judges the embedded server, and fails like a test."""
    write(pytester, "assert False")
    result = run()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes() == {"failed": 1}
    result.stdout.fnmatch_lines(["mine.slug (must, failed): It answers in Dutch."])


def test_runs_for_each_endpoint(run: Run, pytester: pytest.Pytester) -> None:
    """The id of a check and the endpoint make its name."""
    write(pytester, "pass")
    result = run("--byom-endpoint=embedded", FILE, "-v")
    result.stdout.fnmatch_lines([f"{FILE}::test_slug[[]embedded-mine.slug[]] PASSED*"])


def test_other_fixtures(run: Run, pytester: pytest.Pytester) -> None:
    """A check may use any fixture, its own and pytest's."""
    pytester.makepyfile(
        **{
            FILE.removesuffix(".py"): HEAD
            + """
import pytest

@pytest.fixture
def language(byom_endpoint):
    return "nl"

@byom.check("mine.language")
def test_language(language, tmp_path, byom_client):
    assert language == "nl" and tmp_path.is_dir() and byom_client
"""
        }
    )
    result = run("--byom-endpoint=embedded", FILE)
    assert result.parseoutcomes() == {"passed": 1}


def test_parametrized(run: Run, pytester: pytest.Pytester) -> None:
    """A parametrised check is judged once for each parameter."""
    pytester.makepyfile(
        **{
            FILE.removesuffix(".py"): HEAD
            + """
import pytest

@byom.check("mine.language")
@pytest.mark.parametrize("language", ["nl", "fy"])
def test_language(byom_ask, language):
    assert language == "nl"
"""
        }
    )
    result = run("--byom-endpoint=embedded", FILE)
    assert result.parseoutcomes() == {"passed": 1, "failed": 1}


def test_method(run: Run, pytester: pytest.Pytester) -> None:
    """A check may be a method of a test class."""
    pytester.makepyfile(
        **{
            FILE.removesuffix(".py"): HEAD
            + """
class TestLanguage:
    @byom.check("mine.language")
    def test_language(self, byom_ask):
        assert byom_ask("chat/plain").status == 200
"""
        }
    )
    result = run("--byom-endpoint=embedded", FILE)
    assert result.parseoutcomes() == {"passed": 1}


def test_skip(run: Run, pytester: pytest.Pytester) -> None:
    """pytest.skip inside a check skips it."""
    write(pytester, "import pytest; pytest.skip('not today')")
    result = run("--byom-endpoint=embedded", FILE)
    assert result.parseoutcomes() == {"skipped": 1}


MISTAKES = [
    (
        '@byom.check("mine.slug", level="hard")\ndef test_slug(byom_ask): pass',
        "check 'mine.slug': level 'hard' is none of must, should, may",
    ),
    (
        '@byom.check("Mine")\ndef test_slug(byom_ask): pass',
        "check 'Mine': an id has the form area.slug, in lower case, with dashes",
    ),
    (
        '@byom.check("mine.slug")\nasync def test_slug(byom_ask): pass',
        "check 'mine.slug' is a coroutine; write it as a plain function",
    ),
]


@pytest.mark.parametrize(("text", "sentence"), MISTAKES, ids=["level", "id", "coroutine"])
def test_mistake(run: Run, pytester: pytest.Pytester, text: str, sentence: str) -> None:
    """A decorator that is used wrongly says how to use it, when the file is collected."""
    pytester.makepyfile(**{FILE.removesuffix(".py"): f"{HEAD}{text}\n"})
    result = run("--byom-endpoint=embedded", FILE)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*UsageError: {sentence}"])
