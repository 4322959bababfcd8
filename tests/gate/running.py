"""Runs the suite on a server inside this process, and gives the record that a baseline keeps."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from defects.judging import KEY, MODEL, STANDARD, embedded
from defects.planting import PLANTED, Change, Defective

from pytest_byom.conformance.catalogue import suite_functions
from pytest_byom.conformance.run import _call
from pytest_byom.conformance.target import Target
from pytest_byom.mock.http1 import Application, BackgroundServer
from pytest_byom.registry import Endpoint
from pytest_byom.suite_gate import IDENTITY, SuiteGate
from pytest_byom.suite_identity import identify

if TYPE_CHECKING:
    from pytest_byom.gate.baseline import Record

NAME = "mine"
GATE = SuiteGate(baseline=None, save=None, mode="")


def record_of(change: Change | None = None, *, open: bool = False) -> Record:
    """Judge a fresh embedded server, with a change in front of it, and return its record."""
    app: Application = embedded(open=open)
    return record_application(app if change is None else Defective(app, change), open=open)


def record_application(app: Application, *, open: bool = False) -> Record:
    """Judge an application and return its record."""
    with BackgroundServer(app) as server:
        endpoint = Endpoint(
            name=NAME, base_url=f"{server.url}/v1", model=MODEL, api_key=None if open else KEY
        )
        record = record_endpoint(endpoint)
        assert [line for line in server.errors if PLANTED not in line] == []
        return record


def record_endpoint(endpoint: Endpoint) -> Record:
    """Judge an endpoint in the standard profile and return its record."""
    functions = [(check, run) for check, run in suite_functions() if check.id in STANDARD]
    target = Target(endpoint)
    try:
        target.open(check for check, _ in functions)
        verdicts = [target.judge(check, partial(_call, run, target)) for check, run in functions]
        taken = {endpoint.name: GATE.take(target)}
        facts: dict[str, Any] = {endpoint.name: {IDENTITY: identify(target)}}
        return GATE.records(verdicts, taken, facts)[endpoint.name]
    finally:
        target.close()
