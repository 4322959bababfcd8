"""`--byom-profile` and `--byom-only` in a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from plugin.conftest import Run


def test_quick(run: Run) -> None:
    """A quick run asks 15 requests; what belongs to other profiles is not even counted."""
    result = run("--byom-endpoint=embedded", "--byom-profile=quick")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["plan: * checks, 15 requests, at most * tokens"])
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] > 100
    assert "deselected" not in outcomes


def test_one_area(run: Run) -> None:
    """One area is judged, and nothing is asked that it does not need."""
    result = run("--byom-endpoint=embedded", "--byom-only=models", "-v")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["plan: * checks, * requests, at most * tokens"])
    names = [line for line in result.outlines if " PASSED" in line]
    assert names
    assert all("models." in line for line in names)


def test_own_tests_are_not_left_out(run: Run, pytester: pytest.Pytester) -> None:
    """Profiles and areas are about the suite: a user's own check runs all the same."""
    pytester.makepyfile(
        """
        import pytest_byom as byom

        @byom.check("mine.hello", asks=["chat/plain"])
        def test_own(byom_ask):
            assert byom_ask("chat/plain").content
        """
    )
    result = run(
        "--byom-endpoint=embedded",
        "--byom-profile=quick",
        "--byom-only=tools",
        "test_own_tests_are_not_left_out.py",
    )
    result.assert_outcomes(passed=1)


def test_a_burden_has_to_be_allowed(run: Run, pytester: pytest.Pytester) -> None:
    """A check that burdens a server is made with --byom-abuse only, a user's own too."""
    pytester.makepyfile(
        """
        import pytest_byom as byom

        @byom.check("mine.flood", asks=["chat/plain"], abuse=True)
        def test_flood(byom_ask):
            assert byom_ask("chat/plain").content
        """
    )
    file = "test_a_burden_has_to_be_allowed.py"  # a user's own is collected, and then left out
    run("--byom-endpoint=embedded", file).assert_outcomes(deselected=1)
    run("--byom-endpoint=embedded", "--byom-abuse", file).assert_outcomes(passed=1)


def test_no_such_area(run: Run) -> None:
    """A name that is no area is one sentence with those that are."""
    result = run("--byom-endpoint=embedded", "--byom-only=tols")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["ERROR: --byom-only=tols: there is no such area; there are audio, *tools*"]
    )


def test_no_such_profile(run: Run) -> None:
    """A name that is no profile is refused by the option, with those that are."""
    result = run("--byom-endpoint=embedded", "--byom-profile=fast")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*invalid choice: 'fast' (choose from *quick*standard*full*"])
