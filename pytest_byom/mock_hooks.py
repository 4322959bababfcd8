"""What pytest and the mocks have to do with each other: the marker, and the end of a test."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pytest

from pytest_byom.client.errors import ContractError, UsageError
from pytest_byom.mock import transports
from pytest_byom.mock.dialect import DEFAULT, list_dialects, load_dialect

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

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


RECORDING = "byom_recording"


def recording_file(request: pytest.FixtureRequest) -> Path:
    """Return the file of a test's recording, beside the test's module."""
    path: Path = request.node.path
    parts = [part for part in (request.cls and request.cls.__name__, request.node.name) if part]
    name = re.sub(r"[^\w.-]+", "-", ".".join(parts)).strip("-")
    return path.parent / "recordings" / path.stem / f"{name}.yaml"


@contextmanager
def recording(request: pytest.FixtureRequest) -> Iterator[None]:
    """Record a test's exchanges, or replay them: as --byom-record-mode says."""
    from pytest_byom.mock.recorder import Recorder, Replayer
    from pytest_byom.mock.recordings import read_recording, write_recording

    mode, file = request.config.getoption("byom_record_mode"), recording_file(request)
    if mode == "all" or (mode == "once" and not file.exists()):
        recorder = Recorder(request.node.name)
        with running(request, recorder) as watch:
            yield
        if not watch.failed and recorder.exchanges:
            write_recording(file, recorder.exchanges)
        return
    shown = os.path.relpath(file, request.config.rootpath)
    if not file.exists():
        pytest.fail(
            f"there is no recording {shown}: make it with --byom-record-mode=once", pytrace=False
        )
    try:
        replayer = Replayer(read_recording(file), source=shown)
    except ContractError as error:
        pytest.fail(str(error), pytrace=False)
    with running(request, replayer) as watch:
        yield
    if found := replayer.report(with_unused=not watch.failed):
        pytest.fail(found, pytrace=False)


class _Runs(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...


@contextmanager
def running(request: pytest.FixtureRequest, taker: _Runs) -> Iterator[_Watch]:
    """Run something that takes requests while a test runs."""
    watch = _Watch()
    manager = request.config.pluginmanager
    manager.register(watch)
    taker.start()
    try:
        yield watch
    finally:
        taker.stop()
        manager.unregister(watch)


@contextmanager
def watching(request: pytest.FixtureRequest, mock: _Mock) -> Iterator[_Mock]:
    """Run a mock for a test, and fail the test for what does not fit.

    Of a test that failed, only requests are reported: that replies are left is no wonder.
    """
    with running(request, mock) as watch:
        yield mock
    checks = request.config.pluginmanager.get_plugin("byom-mock-checks")
    if checks is not None:
        checks.note(request.node.nodeid, mock)
    if mock.strict and (found := mock.report(with_unused=not watch.failed)):
        pytest.fail(found, pytrace=False)
