"""The fixtures; what they need is imported inside of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.client.llm import LLM, AsyncLLM
    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.conformance.fuzz.fuzzer import Fuzzer
    from pytest_byom.conformance.target import Target
    from pytest_byom.mock.in_process import Mock
    from pytest_byom.mock.server import MockServer
    from pytest_byom.registry import Endpoint
    from pytest_byom.suite_run import SuiteRun


@pytest.fixture(scope="session")
def _byom_target(byom_endpoint: Endpoint, request: pytest.FixtureRequest) -> Target:
    return open_target(request.config, byom_endpoint.name)


def open_target(config: pytest.Config, name: str) -> Target:
    """Return the open target of an endpoint.

    If there is nothing to judge, the test fails; in a run that judges endpoints, which says so
    once and has an exit code for it, it is skipped.
    """
    from pytest_byom.conformance.reach import NothingToJudge

    try:
        return _run(config).target(name)
    except NothingToJudge as trouble:
        if config.pluginmanager.has_plugin("byom-suite"):
            pytest.skip(str(trouble))
        pytest.fail(str(trouble), pytrace=False)


def _run(config: pytest.Config) -> SuiteRun:
    """Return the run of this session; a broken registry fails the test in one sentence."""
    from pytest_byom.plugin import suite_run

    try:
        return suite_run(config)
    except pytest.UsageError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def byom_endpoint(request: pytest.FixtureRequest) -> Endpoint:
    """The endpoint under test: that of --byom-endpoint, else of the ini file, else `embedded`."""
    name = getattr(request, "param", None) or _run(request.config).names[0]
    return open_target(request.config, name).endpoint


@pytest.fixture(scope="session")
def byom_ask(_byom_target: Target) -> Ask:
    """From a contract id to the exchange of that contract with the endpoint, asked once."""
    return _byom_target.ask


@pytest.fixture(scope="session")
def byom_fuzz(_byom_target: Target) -> Fuzzer:
    """What the fuzz checks of the suite draw, send and judge with."""
    return _byom_target.fuzzer


@pytest.fixture(scope="session")
def byom_traffic(_byom_target: Target) -> list[Exchange]:
    """Every exchange of the run with the endpoint; waits for those under way."""
    return _byom_target.traffic()


@pytest.fixture
def byom_client(_byom_target: Target) -> Iterator[LLM]:
    """The client core, aimed at the endpoint."""
    from pytest_byom.client.llm import LLM

    with LLM(**_aim(_byom_target)) as client:
        yield client


@pytest.fixture
def byom_async_client(_byom_target: Target) -> AsyncLLM:
    """The asynchronous client core, aimed at the endpoint; to be used with `async with`."""
    from pytest_byom.client.llm import AsyncLLM

    return AsyncLLM(**_aim(_byom_target))


def _aim(target: Target) -> dict[str, Any]:
    """Return the arguments that aim a client at a target."""
    endpoint = target.endpoint
    return {
        "base_url": endpoint.base_url,
        "model": target.custom or target.model,
        "api_key": endpoint.api_key,
        "extra_headers": endpoint.extra_headers,
        "think_tags": endpoint.think_tags,
        "timeout": endpoint.limits.timeout,
    }


@pytest.fixture
def byom_dialect(request: pytest.FixtureRequest) -> str:
    """The dialect that the mocks of this test speak; override it for a whole folder."""
    from pytest_byom.mock_hooks import read_dialect

    return read_dialect(request)


@pytest.fixture
def byom_mock(request: pytest.FixtureRequest, byom_dialect: str) -> Iterator[Mock]:
    """A script that answers the LLM requests of this process, whatever library sends them."""
    from pytest_byom.mock.in_process import Mock
    from pytest_byom.mock_hooks import read_options, watching

    with watching(request, Mock(dialect=byom_dialect, **read_options(request))) as mock:
        yield mock


@pytest.fixture
def byom_server(request: pytest.FixtureRequest, byom_dialect: str) -> Iterator[MockServer]:
    """The same script behind a server of its own on 127.0.0.1, for any process and language."""
    from pytest_byom.mock.server import MockServer
    from pytest_byom.mock_hooks import read_options, watching

    with watching(request, MockServer(dialect=byom_dialect, **read_options(request))) as server:
        yield server


@pytest.fixture
def byom_recording(request: pytest.FixtureRequest) -> Iterator[None]:
    """The test's exchanges are recorded, or replayed: what @pytest.mark.byom_recording asks for."""
    from pytest_byom.mock_hooks import recording

    with recording(request):
        yield
