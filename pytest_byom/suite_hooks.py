"""The hooks of a run that judges endpoints: plan, header, summary, report, exit code.

Under pytest-xdist the workers judge, and the controller alone prints and writes: verdicts travel on
the reports, facts about the endpoints in `workeroutput`.
"""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.client.errors import UsageError
from pytest_byom.conformance.catalogue import all_checks
from pytest_byom.conformance.check import find_check
from pytest_byom.conformance.finding import FINDS, Verdict
from pytest_byom.conformance.reach import NothingToJudge
from pytest_byom.gate import results, terminal
from pytest_byom.gate.exit_codes import choose_exit_code
from pytest_byom.gate.known import find_stale
from pytest_byom.gate.reports.annotations import annotation_lines
from pytest_byom.gate.reports.summary import make_summary
from pytest_byom.gate.reports.writing import append_summary, write_reports
from pytest_byom.suite_run import NAME_OF_ITEM, SuiteRun, item_endpoint

if TYPE_CHECKING:
    from pytest_byom.conformance.check import Check

FACTS = "byom_facts"
LOST = "a worker died: what it had judged is missing"


class SuiteHooks:
    """Registered for a run with --byom-endpoint only."""

    def __init__(self, config: pytest.Config, run: SuiteRun) -> None:
        self.config = config
        self.run = run
        self.verdicts: list[Verdict] = []
        self.facts: dict[str, dict[str, Any]] = {}
        self.started = datetime.datetime.now(datetime.UTC)
        self.lost = ""
        self.written: list[str] = []
        self.annotations: list[str] = []
        self.is_worker = hasattr(config, "workerinput")
        self.is_controller = bool(config.getoption("numprocesses", None)) and not self.is_worker
        self.report = self._report_directory()

    def _report_directory(self) -> Path | None:
        """Return where the report goes, made; what cannot be written is said before the run."""
        directory = self.config.getoption("byom_report")
        if not directory or self.is_worker or self.config.option.collectonly:
            return None
        try:
            results.prepare_directory(Path(directory))
        except OSError as error:
            raise pytest.UsageError(_cannot_write("--byom-report", directory, error)) from error
        return Path(directory)

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Keep all that is aimed at one endpoint in one worker, which asks each contract once."""
        if (name := self._endpoint_of(item)) is not None and self.is_worker:
            item.add_marker(pytest.mark.xdist_group(name))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Reach the endpoints; what is aimed at one that cannot be judged is not run."""
        checks = self._checks_by_endpoint(items)
        for name, found in checks.items():
            self.run.expect(name, found)
        if not self.is_worker and not self.config.option.collectonly:
            self._open_all(items, list(checks))

    def _open_all(self, items: list[pytest.Item], names: list[str]) -> None:
        for name in names:
            try:
                self.run.target(name)
            except NothingToJudge:
                left = [item for item in items if self._endpoint_of(item) == name]
                self.config.hook.pytest_deselected(items=left)
                items[:] = [item for item in items if self._endpoint_of(item) != name]

    def _checks_by_endpoint(self, items: list[pytest.Item]) -> dict[str, list[Check]]:
        found: dict[str, list[Check]] = {}
        for item in items:
            if (name := self._endpoint_of(item)) is not None:
                check = find_check(getattr(item, "function", None))
                found.setdefault(name, []).extend([check] if check else [])
        return found

    def _endpoint_of(self, item: pytest.Item) -> str | None:
        if NAME_OF_ITEM not in getattr(item, "fixturenames", ()):
            return None
        return item_endpoint(self.run, item) if isinstance(item, pytest.Function) else None

    def pytest_report_collectionfinish(self) -> list[str]:
        if self.config.option.collectonly or self.is_controller:
            return []
        return [
            line
            for name, facts in self.run.facts().items()
            for line in terminal.header_lines(name, facts)
        ]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = getattr(report, "byom", None)
        if data is not None and not self.is_worker:
            self.verdicts.append(Verdict.from_json(data))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """Take over what a worker knows of its endpoints."""
        output = getattr(node, "workeroutput", None)
        if output is None or error:
            self.lost = LOST
        else:
            self.facts |= output.get(FACTS, {})

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.is_worker:
            self.config.workeroutput[FACTS] = self.run.facts()  # type: ignore[attr-defined]
            return
        if not self.is_controller:
            self.facts = self.run.facts()
        if self.config.option.collectonly:
            return
        if session.exitstatus != pytest.ExitCode.INTERRUPTED:
            self._record()
        failed = any(map(self.run.fails, self.verdicts)) or bool(session.testsfailed)
        session.exitstatus = choose_exit_code(
            int(session.exitstatus),
            self.verdicts,
            self.facts,
            known=self._known(),
            failed=failed,
            lost=self.lost,
            checks=all_checks(),
        )
        self._write_report(session)

    def _record(self) -> None:
        directory = self.config.getoption("byom_record")
        if not directory:
            return
        from pytest_byom.recording import count_words

        try:
            changed = self.run.record(Path(directory))
        except OSError as error:
            raise pytest.UsageError(_cannot_write("--byom-record", directory, error)) from error
        except UsageError as error:  # a file that is there is no contract
            raise pytest.UsageError(f"--byom-record: {error}") from error
        self.written.append(count_words(changed, Path(directory)))

    def _known(self) -> dict[str, Any]:
        return {name: endpoint.deviations for name, endpoint in self.run.endpoints.items()}

    def _write_report(self, session: pytest.Session) -> None:
        data = self._results(session)
        if os.environ.get("GITHUB_ACTIONS") == "true":
            self.annotations = annotation_lines(data)
        if self.report is None:
            return
        try:
            self.written.append(f"results: {results.write_results(self.report, data)}")
            self.written.append(f"report: {write_reports(self.report, [data])[0]}")
        except OSError as error:
            self.written.append(_cannot_write("--byom-report", self.report, error))
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        self._write_step_summary(data)

    def _results(self, session: pytest.Session) -> dict[str, Any]:
        return results.make_results(
            self.verdicts,
            self.facts,
            started=self.started,
            finished=datetime.datetime.now(datetime.UTC),
            complete=self._is_complete(int(session.exitstatus)),
            exit_code=int(session.exitstatus),
            level=self.run.level,
            notes=self._notes(),
        )

    def _write_step_summary(self, data: dict[str, Any]) -> None:
        """Show the summary on the page of a GitHub run; that it cannot be is no failure."""
        if not (file := os.environ.get("GITHUB_STEP_SUMMARY")):
            return
        try:
            append_summary(Path(file), make_summary([data]))
        except OSError as error:
            self.written.append(_cannot_write("GITHUB_STEP_SUMMARY", file, error))

    def _notes(self) -> list[str]:
        stale = find_stale(self.verdicts, self._known(), checks=all_checks())
        return [*stale, *([self.lost] if self.lost else []), *self.run.registry.warnings]

    def _is_complete(self, status: int) -> bool:
        expected = sum(fact.get("checks", 0) for fact in self.facts.values())
        ended = status in results.COMPLETE and not self.lost
        return ended and len(self.verdicts) >= expected

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.config.option.collectonly:
            return
        write = terminalreporter.write_line
        shown = [v for v in self.verdicts if v.outcome in FINDS and not self.run.fails(v)]
        if shown:
            terminalreporter.section("deviations that do not fail the run")
        for verdict in shown:
            for line in terminal.verdict_text(verdict):
                write(line, yellow=not line.startswith(" "))
            write("")
        terminalreporter.section("byom")
        for line, style in terminal.summary_lines(
            self.verdicts, self.facts, known=self._known(), lost=self.lost, checks=all_checks()
        ):
            write(line, **style)
        for line in [*self.written, *self.annotations]:
            write(line)
        for warning in self.run.registry.warnings:
            write(warning, yellow=True)


def _cannot_write(option: str, directory: object, error: OSError) -> str:
    return f"{option}: cannot write to {directory}: {error.strerror or error}"
