"""The pytest plugin: options and hooks.

It imports pytest and the standard library only. Everything else is imported by the hook or the
fixture that needs it, so that a run that does not use the plugin pays nothing for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_byom.suite_run import SuiteRun

pytest_plugins = ["pytest_byom.fixtures"]

SUITE = Path(__file__).parent / "conformance"
RUN = pytest.StashKey["SuiteRun"]()
VERDICT = pytest.StashKey[dict[str, Any]]()
OWN_CONTRACTS = "test_contracts"
LEVELS = ("must", "should")
PROFILES = ("quick", "standard", "full")

MARKERS = (
    "must: a check of what the API's schema requires or a popular client breaks on",
    "should: a check of documented behaviour",
    "may: a check that is reported only",
    "byom(strict=True, validate=True, dialect=NAME or list): how byom_mock and byom_server behave",
    "byom_recording: record the test's exchanges with a real server once, and replay them",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("byom", "bring your own model")
    group.addoption(
        "--byom-endpoint",
        action="append",
        default=[],
        metavar="NAME",
        help="Judge this endpoint: a name of byom.yaml, a known server, a URL, 'embedded', or "
        "'all' of byom.yaml; may be repeated. Without paths, the conformance suite runs",
    )
    group.addoption(
        "--byom-registry",
        default=None,
        metavar="FILE",
        help="The file with the endpoints (default: byom.yaml in the root directory)",
    )
    group.addoption(
        "--byom-model",
        default=None,
        metavar="NAME",
        help="The model to use (default: the registry's, else the first that the server lists)",
    )
    group.addoption(
        "--byom-timeout",
        type=float,
        default=None,
        metavar="SECONDS",
        help="How long to wait for a byte of an answer (default: the registry's limit, else 30)",
    )
    group.addoption(
        "--byom-level",
        choices=LEVELS,
        default="must",
        metavar="LEVEL",
        help="Fail the run for deviations of this level: must (default) or should",
    )
    group.addoption(
        "--byom-profile",
        choices=PROFILES,
        default=None,
        metavar="PROFILE",
        help="How much to ask: quick (15 requests at the most), standard or full, which also "
        "judges what needs a model that sees, hears or reasons (default: standard; for a provider "
        "quick)",
    )
    group.addoption(
        "--byom-yes",
        action="store_true",
        help="Agree to what the run may cost at a provider such as groq; without it, the most that "
        "it can take is shown, and nothing is sent",
    )
    group.addoption(
        "--byom-only",
        action="append",
        default=[],
        metavar="AREA",
        help="Judge this area only, as in --byom-only=tools,stream; may be repeated. "
        "`byom checks` lists them",
    )
    group.addoption(
        "--byom-fuzz",
        type=int,
        default=None,
        metavar="N",
        help="Fuzz: N requests drawn at random for each fuzz check, and twice as many more to make "
        "a failure small (default: 20 in the full profile, else 0)",
    )
    group.addoption(
        "--byom-fuzz-seed",
        type=int,
        default=0,
        metavar="SEED",
        help="Draw other requests; those of one seed are the same in every run (default: 0)",
    )
    group.addoption(
        "--byom-repeat",
        type=int,
        default=1,
        metavar="N",
        help="Try what depends on the model N times, and judge it by counts; with --byom-save, "
        "learn from N answers to each request which members come and go (default: 1)",
    )
    group.addoption(
        "--byom-abuse",
        action="store_true",
        help="Make the checks that burden a server too: floods, limits, clients that leave. For a "
        "server that is yours; not with the quick profile",
    )
    group.addoption(
        "--byom-report",
        default=None,
        metavar="DIR",
        help="Write results.json, index.html, summary.md and badge.svg to this directory",
    )
    group.addoption(
        "--byom-save",
        default=None,
        metavar="FILE",
        help="Save what the run found as a baseline: a sorted file for git",
    )
    group.addoption(
        "--byom-baseline",
        default=None,
        metavar="FILE",
        help="Gate: fail for what is worse than in this baseline, and for nothing else",
    )
    group.addoption(
        "--byom-gate",
        default=None,
        metavar="MODE",
        help="What fails a gate besides: strict (whatever changed), speed, or strict,speed",
    )
    group.addoption(
        "--byom-record",
        default=None,
        metavar="DIR",
        help="Write each exchange to this directory as a contract, without secrets",
    )
    group.addoption(
        "--byom-record-mode",
        choices=("none", "once", "all"),
        default="none",
        metavar="MODE",
        help="For tests with @pytest.mark.byom_recording: none (default) replays, once records "
        "what is not recorded yet, all records anew",
    )
    group.addoption(
        "--byom-check-mocks",
        action="store_true",
        help="Run your own tests, and tell which replies of their mocks the endpoint does not "
        "agree with; needs --byom-endpoint",
    )
    parser.addini("byom_endpoint", "The endpoint that the byom fixtures use", default="embedded")
    parser.addini("byom_registry", "The file with the endpoints, see --byom-registry")
    parser.addini(
        "byom_contracts",
        "Folders with contracts of your own, which are sent and judged with the suite",
        type="linelist",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    if not config.getoption("byom_endpoint"):
        _refuse_lonely_options(config)
        return
    if config.getoption("byom_check_mocks"):
        _check_mocks(config)
        return
    from pytest_byom.suite_hooks import SuiteHooks

    run = suite_run(config)
    config.pluginmanager.register(SuiteHooks(config, run), "byom-suite")
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        from pytest_byom.conformance.catalogue import suite_modules

        config.args = suite_modules()
        config.option.pyargs = True
    if config.getoption("numprocesses", None):
        if config.getoption("byom_record"):
            raise pytest.UsageError("--byom-record needs one process: leave out -n")
        config.option.dist = "loadgroup"  # all checks of an endpoint belong to one worker


def _check_mocks(config: pytest.Config) -> None:
    """Run the user's tests in place of the suite, and hold their mocks against the endpoint."""
    for option in ("report", "save", "baseline", "gate", "record"):
        if config.getoption(f"byom_{option}"):
            raise pytest.UsageError(
                f"--byom-{option} is about a server, --byom-check-mocks about your mocks: "
                "make two runs"
            )
    from pytest_byom.mock_checks import NAME, MockChecks

    config.pluginmanager.register(MockChecks(config, suite_run(config)), NAME)


def _refuse_lonely_options(config: pytest.Config) -> None:
    if config.getoption("byom_check_mocks"):
        raise pytest.UsageError(
            "--byom-check-mocks needs --byom-endpoint: which server should the mocks agree with?"
        )
    for option in ("save", "baseline", "gate"):
        if config.getoption(f"byom_{option}"):
            raise pytest.UsageError(f"--byom-{option} needs --byom-endpoint: whose is it?")
    if config.getoption("byom_fuzz"):
        raise pytest.UsageError("--byom-fuzz needs --byom-endpoint: which server should be fuzzed?")
    if config.getoption("byom_repeat") != 1:
        raise pytest.UsageError("--byom-repeat needs --byom-endpoint: who should be tried again?")
    if config.getoption("byom_abuse"):
        raise pytest.UsageError("--byom-abuse needs --byom-endpoint: which server may be burdened?")
    if config.getoption("byom_report"):
        raise pytest.UsageError("--byom-report needs --byom-endpoint: what should be reported?")
    if config.getoption("byom_record"):
        raise pytest.UsageError("--byom-record needs --byom-endpoint: who should be recorded?")


def suite_run(config: pytest.Config) -> SuiteRun:
    """Return the run of this session, made on first use."""
    if RUN not in config.stash:
        from pytest_byom.client.errors import UsageError
        from pytest_byom.suite_run import SuiteRun

        try:
            config.stash[RUN] = SuiteRun.from_config(config)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from error
    return config.stash[RUN]


def pytest_unconfigure(config: pytest.Config) -> None:
    if RUN in config.stash:
        config.stash[RUN].close()


class SuiteModule(pytest.Module):
    """A module of the suite."""

    def funcnamefilter(self, name: str) -> bool:
        return name.startswith("test_")

    def collect(self) -> list[Any]:
        """Leave out what a run makes only if it is asked for: it is not even counted."""
        run = suite_run(self.config)
        return [item for item in super().collect() if run.makes(item)]


def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> pytest.Module | None:
    """Name the modules of the suite the same wherever the package is installed.

    Their functions are called `test_…` whatever the ini file says of the user's own.
    """
    if module_path.parent.parent != SUITE:
        return None
    name = f"byom/{module_path.parent.name}/{module_path.stem.removeprefix('test_')}"
    module: SuiteModule = SuiteModule.from_parent(parent, path=module_path, nodeid=name)
    if module_path.stem == OWN_CONTRACTS:
        from pytest_byom.conformance.own_contracts import make_module

        module.obj = make_module(suite_run(parent.config).shelf)
    return module


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "byom_dialect" in metafunc.fixturenames:
        from pytest_byom.mock_hooks import marked_dialects

        if dialects := marked_dialects(metafunc.definition):
            metafunc.parametrize("byom_dialect", dialects, indirect=True)
    names = metafunc.config.getoption("byom_endpoint")
    if not names or "byom_endpoint" not in metafunc.fixturenames:
        return
    names = suite_run(metafunc.config).names
    check = getattr(metafunc.function, "__byom_check__", None)
    ids = [f"{name}-{check.id}" if check else name for name in names]
    metafunc.parametrize("byom_endpoint", names, ids=ids, indirect=True, scope="session")


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    check = getattr(getattr(item, "function", None), "__byom_check__", None)
    if check is not None:
        item.add_marker(check.level.value)
    if item.get_closest_marker("byom_recording") and isinstance(item, pytest.Function):
        item.fixturenames.insert(0, "byom_recording")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a check and keep its verdict; it never fails the call itself."""
    check = getattr(pyfuncitem.function, "__byom_check__", None)
    if check is None:
        return None
    from pytest_byom.suite_run import judge_item

    verdict = judge_item(suite_run(pyfuncitem.config), check, pyfuncitem)
    pyfuncitem.stash[VERDICT] = verdict
    pyfuncitem.user_properties += [
        ("byom_check", check.id),
        ("byom_endpoint", verdict["endpoint"]),
        ("byom_level", verdict["level"]),
        ("byom_outcome", verdict["outcome"]),
    ]
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the verdict of a check into the outcome of its report."""
    report = yield
    verdict = item.stash.get(VERDICT, None)
    if report.when == "call" and report.passed and verdict is not None:
        from pytest_byom.suite_run import report_verdict

        report_verdict(suite_run(item.config), report, verdict)
    return report


def pytest_report_teststatus(report: Any) -> tuple[str, str, Any] | None:
    verdict = getattr(report, "byom", None)
    if verdict is None or report.when != "call":
        return None
    from pytest_byom.gate.terminal import test_status

    return test_status(verdict, failed=report.failed)
