"""The plugin costs nothing until it is used."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from .conftest import Run

HEAVY = ("httpx", "respx", "hypothesis", "yaml", "h11", "jsonschema", "asyncio")


def test_nothing_heavy_is_imported(pytester: pytest.Pytester) -> None:
    """Installed and unused, the plugin imports nothing but pytest and the standard library."""
    pytester.makepyfile(
        f"""
        import sys

        def test_own():
            assert "pytest_byom.plugin" in sys.modules
            assert [name for name in {HEAVY!r} if name in sys.modules] == []
            ours = [name for name in sys.modules if name.startswith("pytest_byom")]
            assert sorted(ours) == ["pytest_byom", "pytest_byom.fixtures", "pytest_byom.plugin"]
        """
    )
    result = pytester.runpytest_subprocess("-p", "pytest_byom.plugin", timeout=60)
    result.assert_outcomes(passed=1)


def test_nothing_is_printed(run: Run, pytester: pytest.Pytester) -> None:
    """A run that uses nothing of the plugin looks as it does without it."""
    pytester.makepyfile("def test_own(): pass")
    plain = pytester.runpytest_inprocess("-q").stdout.lines
    ours = run("-q").stdout.lines
    assert ours[:-1] == plain[:-1]
    assert "byom" not in "\n".join(ours)


def test_package_is_light(pytester: pytest.Pytester) -> None:
    """Importing the package loads none of its modules."""
    script = "import sys, pytest_byom; print([m for m in sys.modules if 'pytest_byom.' in m])"
    assert pytester.run(sys.executable, "-c", script).stdout.lines == ["[]"]
