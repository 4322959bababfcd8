"""The run of the suite inside pytest: which endpoints, their targets, and the verdicts."""

from __future__ import annotations

import dataclasses
import os
import re
from functools import partial
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_byom.client.errors import UsageError
from pytest_byom.conformance.catalogue import all_checks
from pytest_byom.conformance.check import find_check
from pytest_byom.conformance.finding import Level, Outcome, Verdict
from pytest_byom.conformance.fuzz.fuzzer import FuzzSettings
from pytest_byom.conformance.plan import make_plan
from pytest_byom.conformance.profiles import Profile, fuzz_examples, selector
from pytest_byom.conformance.reach import NothingToJudge
from pytest_byom.conformance.target import Target
from pytest_byom.consent import ceiling, check_consent, usual_profile
from pytest_byom.contract import Shelf
from pytest_byom.gate.counts import MOST_TRIES
from pytest_byom.gate.versions import has_version
from pytest_byom.registry import Deviation, Endpoint, Registry, load_registry
from pytest_byom.suite_gate import IDENTITY, SuiteGate, without_secrets
from pytest_byom.suite_identity import identify
from pytest_byom.wire_view import wire_view

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    import pytest

    from pytest_byom.conformance.check import Check
    from pytest_byom.gate.comparison import Kind

ALL = "all"
NAME_OF_ITEM = "byom_endpoint"


class SuiteRun:
    """The endpoints of one pytest session, opened on first use."""

    def __init__(
        self,
        registry: Registry,
        names: Iterable[str],
        *,
        model: str | None = None,
        timeout: float | None = None,
        level: Level = Level.MUST,
        profile: Profile | None = None,
        shelf: Shelf | None = None,
        gate: SuiteGate | None = None,
        fuzz: FuzzSettings | None = None,
        repeat: int = 1,
        abuse: bool = False,
        identify: bool = False,
        agreed: bool = False,
    ) -> None:
        self.registry = registry
        self.gate = gate or SuiteGate(baseline=None, save=None, mode="")
        self.shelf = shelf or Shelf()
        self.level = level
        self.profile = profile
        self.fuzz = fuzz or FuzzSettings()
        self.repeat = repeat
        self.abuse = abuse
        self.endpoints = {
            endpoint.name: _with_timeout(endpoint, timeout)
            for endpoint in map(registry.endpoint, _expand(registry, names))
        }
        self.gate.check_names(self.endpoints)
        self.troubles: dict[str, str] = {}
        self.identities: dict[str, dict[str, Any]] = {}
        self._identify = identify or self.gate.is_used
        self._agreed = agreed
        self._model = model
        self._checks: dict[str, list[Check]] = {}
        self._targets: dict[str, Target] = {}
        self._shown: dict[str, set[str]] = {}

    @classmethod
    def from_config(cls, config: pytest.Config) -> SuiteRun:
        """Return the run that the options and the ini file of a session ask for."""
        registry_file = config.getoption("byom_registry") or config.getini("byom_registry")
        registry = load_registry(
            Path(registry_file) if registry_file else None, root=config.rootpath
        )
        timeout = config.getoption("byom_timeout")
        if timeout is not None and not timeout > 0:  # nan is neither
            raise UsageError(f"--byom-timeout has to be more than 0 seconds, not {timeout:g}")
        return cls(
            registry,
            config.getoption("byom_endpoint") or [config.getini("byom_endpoint")],
            model=config.getoption("byom_model"),
            timeout=timeout,
            level=Level(config.getoption("byom_level")),
            profile=_profile(config),
            shelf=Shelf(_folders(config)),
            gate=SuiteGate.from_config(config),
            fuzz=_fuzz_settings(config),
            repeat=_repeats(config),
            abuse=config.getoption("byom_abuse"),
            identify=bool(config.getoption("byom_report")),
            agreed=config.getoption("byom_yes"),
        )

    @property
    def names(self) -> list[str]:
        """The names of the endpoints, in the order in which they were given."""
        return list(self.endpoints)

    @property
    def _learns(self) -> bool:
        """Whether a baseline is saved that shall know which members come and go."""
        return self.gate.save is not None and self.repeat > 1

    def profile_of(self, name: str | None) -> Profile:
        """Return how much is asked of an endpoint."""
        return self.profile or usual_profile(self.endpoints.get(name or ""))

    def makes(self, item: object) -> bool:
        """Whether a check is made at all: by the profile of an endpoint, and by its burden."""
        check = find_check(getattr(item, "function", None))
        if check is None:
            return True
        if check.id not in all_checks():
            return self.abuse or not check.abuse
        return any(self.selects(check, name) for name in self.endpoints)

    def selects(self, check: Check, name: str | None, only: Collection[str] = ()) -> bool:
        """Whether a check of the suite is made of an endpoint; of some areas, if any are named."""
        fuzz = self.fuzz.examples > 0
        return selector(self.profile_of(name), only, abuse=self.abuse, fuzz=fuzz)(check)

    def expect(self, name: str, checks: Iterable[Check]) -> None:
        """Say which checks will run against an endpoint, so that their exchanges are planned."""
        self._checks[name] = list(checks)

    def target(self, name: str) -> Target:
        """Return the open target of an endpoint.

        Raises NothingToJudge, each time, if it could not be opened.
        """
        if name in self.troubles:
            raise NothingToJudge(self.troubles[name])
        if name not in self._targets:
            target = Target(
                self.endpoints[name],
                model=self._model,
                load=self.shelf.load,
                models=self.registry.models,
                fuzz=self.fuzz,
                repeat=self.repeat,
                learn=self._learns,
            )
            try:
                self._ask_first(name)
                target.open(self._checks.get(name, ()))
            except NothingToJudge as trouble:
                self.troubles[name] = str(trouble)
                raise
            self._targets[name] = target
            self._meet(target)
        return self._targets[name]

    def _ask_first(self, name: str) -> None:
        """Ask nothing of a provider before it is agreed what the checks may cost."""
        checks, endpoint = self._checks.get(name), self.endpoints[name]
        if checks and not self._agreed:
            plan = make_plan(
                checks,
                endpoint.capabilities,
                load=self.shelf.load,
                fuzzed=self.fuzz.most,
                repeat=self.repeat,
                learn=self._learns,
            )
            check_consent(endpoint, plan, self.registry.models, model=self._model)

    def _meet(self, target: Target) -> None:
        """Find out who answers, where that is wanted; a known deviation may be of other versions.

        Those of a dialect say where they were seen, and hold for every version.
        """
        entries = target.endpoint.deviations
        if not self._identify and not any(map(_is_bound, entries)):
            return
        name = target.endpoint.name
        self.identities[name] = without_secrets(identify(target), target)
        version = self.identities[name]["version"]
        kept = tuple(e for e in entries if not _is_bound(e) or has_version(e.versions, version))
        target.endpoint = dataclasses.replace(target.endpoint, deviations=kept)

    def taken(self) -> dict[str, dict[str, Any]]:
        """Return what a baseline needs of each endpoint beside verdicts, as plain data."""
        if not self.gate.is_used:
            return {}
        return {
            name: self.gate.take(target) | {"planned": [c.id for c in self._checks.get(name, ())]}
            for name, target in self._targets.items()
        }

    def record(self, folder: Path) -> list[str]:
        """Write what was asked and answered as contracts; return the ids of changed files.

        With several endpoints each has a folder of its own.
        """
        from pytest_byom.recording import record

        several = len(self.endpoints) > 1
        return [
            id
            for name, target in self._targets.items()
            for id in record(target, folder / _file_name(name) if several else folder)
        ]

    def note(self, verdict: Verdict) -> None:
        """Keep in mind which exchanges a verdict is about, so that the facts show them."""
        shown = self._shown.setdefault(verdict.endpoint, set())
        shown.update(finding.exchange for finding in verdict.findings if finding.exchange)

    def close(self) -> None:
        """Close every target."""
        for target in self._targets.values():
            target.close()

    def fails(self, verdict: Verdict) -> bool:
        """Whether a verdict fails the run."""
        if verdict.outcome is Outcome.ERROR:
            return True
        if self.gate.baseline is not None:
            return self.gate.mode.fails_on(self.kind_of(verdict))
        if verdict.outcome is Outcome.FAILED:
            return True
        strict = verdict.level is Level.MUST or (
            verdict.level is Level.SHOULD and self.level is Level.SHOULD
        )
        return strict and verdict.outcome in (Outcome.DEVIATES, Outcome.IGNORED)

    def kind_of(self, verdict: Verdict) -> Kind | None:
        """Return what a verdict is beside the baseline; None without one, or if it is as before."""
        if self.gate.baseline is None:
            return None
        return self.gate.kind_of(verdict, self.endpoints[verdict.endpoint])

    def facts(self) -> dict[str, dict[str, Any]]:
        """Return what is known of each endpoint that was used, as plain data."""
        return {name: self._facts(name) for name in self.endpoints if self._was_used(name)}

    def _was_used(self, name: str) -> bool:
        return name in self._targets or name in self.troubles

    def _facts(self, name: str) -> dict[str, Any]:
        endpoint = self.endpoints[name]
        if name in self.troubles:
            return {"base_url": endpoint.base_url, "trouble": self.troubles[name]}
        target = self._targets[name]
        plan = target.plan
        found = {
            "base_url": target.endpoint.base_url,
            "model": target.model,
            "server": without_secrets(target.server, target),
            "dialect": endpoint.dialect,
            "checks": plan.checks if plan else 0,
            "requests": plan.requests if plan else 0,
            "fuzzed": plan.fuzzed if plan else 0,
            "tokens": plan.tokens if plan else 0,
            "sent": target.asker.spending.requests,
            "gone": target.asker.gone,
            "capabilities": target.known_capabilities(),
            "trouble": "",
            "exchanges": self._exchanges(name),
        }
        if plan and endpoint.is_provider:
            found["ceiling"] = ceiling(plan, target.custom)
        return found | ({IDENTITY: self.identities[name]} if name in self.identities else {})

    def _exchanges(self, name: str) -> dict[str, Any]:
        """Return the exchanges that findings name; they were asked when these were made."""
        target, ids = self._targets[name], sorted(self._shown.get(name, ()))
        return {id: wire_view(target.ask(id), target.shower) for id in ids}


def _profile(config: pytest.Config) -> Profile | None:
    given = config.getoption("byom_profile")
    return Profile(given) if given else None


def _fuzz_settings(config: pytest.Config) -> FuzzSettings:
    examples = fuzz_examples(_profile(config) or Profile.STANDARD, config.getoption("byom_fuzz"))
    return FuzzSettings(examples=examples, seed=config.getoption("byom_fuzz_seed"))


def _repeats(config: pytest.Config) -> int:
    repeat: int = config.getoption("byom_repeat")
    if not 1 <= repeat <= MOST_TRIES:
        raise UsageError(f"--byom-repeat has to be from 1 to {MOST_TRIES}, not {repeat}")
    return repeat


def _is_bound(entry: Deviation) -> bool:
    """Whether a known deviation is one of the file, for some versions of the server."""
    return bool(entry.versions) and entry.origin == "registry"


def _file_name(name: str) -> str:
    """Return the name of an endpoint as a file system takes it: a URL's has a colon."""
    return re.sub(r"[^\w.-]", "-", name)


def _folders(config: pytest.Config) -> list[Path]:
    """Return the folders of `byom_contracts`, as the ini file means them, in a short form."""
    base = config.inipath.parent if config.inipath else config.rootpath
    return [Path(os.path.relpath(base / name)) for name in config.getini("byom_contracts")]


def _expand(registry: Registry, names: Iterable[str]) -> list[str]:
    wanted = list(dict.fromkeys(names))
    if ALL not in wanted:
        return wanted
    if not registry.own:
        raise UsageError("--byom-endpoint=all means those of byom.yaml, and there is no such file")
    return list(registry.own)


def _with_timeout(endpoint: Endpoint, timeout: float | None) -> Endpoint:
    if timeout is None:
        return endpoint
    return dataclasses.replace(
        endpoint, limits=dataclasses.replace(endpoint.limits, timeout=timeout)
    )


def item_endpoint(run: SuiteRun, item: pytest.Function) -> str:
    """Return the name of the endpoint that an item is aimed at."""
    callspec = getattr(item, "callspec", None)
    params = callspec.params if callspec is not None else {}
    return str(params.get(NAME_OF_ITEM, run.names[0]))


def judge_item(run: SuiteRun, check: Check, item: pytest.Function) -> dict[str, Any]:
    """Run the check of a pytest item and return its verdict as plain data."""
    wanted = signature(item.obj).parameters
    arguments = {name: value for name, value in item.funcargs.items() if name in wanted}
    target = run.target(item_endpoint(run, item))
    verdict = target.judge(check, partial(item.obj, **arguments))
    run.note(verdict)
    return verdict.as_json()


def report_verdict(run: SuiteRun, report: pytest.TestReport, data: dict[str, Any]) -> None:
    """Give a report the outcome that its verdict asks for, and the verdict itself."""
    from pytest_byom.gate.terminal import verdict_text

    verdict = Verdict.from_json(data)
    report.byom = data  # type: ignore[attr-defined]  # travels with the report, also from a worker
    path, line, _ = report.location
    report.location = (path, line, f"{verdict.check} at {verdict.endpoint}")
    if run.fails(verdict):
        report.outcome = "failed"
        before = run.gate.before(verdict, run.endpoints[verdict.endpoint])
        report.longrepr = "\n".join(verdict_text(verdict, before=before))
    elif verdict.outcome in (Outcome.UNSUPPORTED, Outcome.INCONCLUSIVE):
        report.outcome = "skipped"
        report.longrepr = (path, (line or 0) + 1, f"{verdict.outcome}: {verdict.reason}")
