"""What pytest and the mocks have to do with each other: the marker, and the end of a test."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from pytest_byom.client.errors import UsageError
from pytest_byom.mock import transports
from pytest_byom.mock.dialect import DEFAULT, list_dialects, load_dialect

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from pytest_byom.mock.mock import Scripted

MARKER = "byom"
OPTIONS = {"strict": True, "validate": True}

_Mock = TypeVar("_Mock", bound="Scripted")


def marked_dialects(node: pytest.Item | pytest.Function | Any) -> list[str] | None:
    """Return the dialects that a test is to run under; None if the marker names none, or one."""
    marker = node.get_closest_marker(MARKER)
    named = marker.kwargs.get("dialect") if marker is not None else None
    if named == "all":
        return [name for name in list_dialects() if name != DEFAULT]
    return list(named) if isinstance(named, list | tuple) else None


def read_dialect(request: pytest.FixtureRequest) -> str:
    """Return the dialect of a test."""
    marker = request.node.get_closest_marker(MARKER)
    named = getattr(request, "param", None) or (marker and marker.kwargs.get("dialect")) or DEFAULT
    try:
        return load_dialect(str(named)).name
    except UsageError as error:
        pytest.fail(str(error), pytrace=False)


def read_options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return what the marker says besides."""
    found: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers(MARKER))):
        known = {"dialect", *OPTIONS}
        for name in marker.kwargs.keys() - known:
            pytest.fail(
                f"@pytest.mark.byom has no argument {name}=; there are {', '.join(sorted(known))}",
                pytrace=False,
            )
        found |= {name: marker.kwargs[name] for name in OPTIONS if name in marker.kwargs}
    return found


class _Watch:
    """Looks on while a test runs: keeps the mock on top, and learns whether the test failed."""

    def __init__(self) -> None:
        self.failed = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        transports.put_on_top()
        try:
            return (yield)
        except BaseException:
            self.failed = True
            raise


@contextmanager
def watching(request: pytest.FixtureRequest, mock: _Mock) -> Iterator[_Mock]:
    """Run a mock for a test, and fail the test for what does not fit.

    Of a test that failed, only requests are reported: that replies are left is no wonder.
    """
    watch = _Watch()
    manager = request.config.pluginmanager
    manager.register(watch)
    mock.start()
    try:
        yield mock
    finally:
        mock.stop()
        manager.unregister(watch)
    if mock.strict and (found := mock.report(with_unused=not watch.failed)):
        pytest.fail(found, pytrace=False)
