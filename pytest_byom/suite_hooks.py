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
from pytest_byom.conformance.profiles import parse_areas
from pytest_byom.conformance.reach import NothingToJudge
from pytest_byom.gate import results, terminal
from pytest_byom.gate.exit_codes import NOTHING_JUDGED, choose_exit_code, known_versions
from pytest_byom.gate.gate_text import gate_lines
from pytest_byom.gate.known import list_stale
from pytest_byom.gate.reports.annotations import annotation_lines
from pytest_byom.gate.reports.summary import make_summary
from pytest_byom.gate.reports.writing import append_summary, write_reports
from pytest_byom.suite_run import NAME_OF_ITEM, SuiteRun, item_endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_byom.conformance.check import Check
    from pytest_byom.gate.baseline import Record
    from pytest_byom.gate.gating import Gate

FACTS, TAKEN = "byom_facts", "byom_taken"
INCOMPLETE = "the run did not get to its end, or could not judge all endpoints"
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
        self._only = self._areas()
        self.taken: dict[str, dict[str, Any]] = {}
        self.stale: list[tuple[str, str]] = []
        self.gate: Gate | None = None
        if not (self.is_worker or config.option.collectonly):
            self._prepare_save()

    def _areas(self) -> tuple[str, ...]:
        """Return the areas that are judged; none stands for all."""
        areas = {check.area for check in all_checks().values()}
        try:
            return parse_areas(self.config.getoption("byom_only"), areas)
        except UsageError as error:
            raise pytest.UsageError(str(error)) from error

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

    def _prepare_save(self) -> None:
        """See that the baseline can be written, before anything is asked."""
        try:
            self.run.gate.prepare()
        except OSError as error:
            file = self.config.getoption("byom_save")
            raise pytest.UsageError(_cannot_write("--byom-save", file, error)) from error

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Keep all that is aimed at one endpoint in one worker, which asks each contract once."""
        if (name := self._endpoint_of(item)) is not None and self.is_worker:
            item.add_marker(pytest.mark.xdist_group(name))

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Reach the endpoints; what is aimed at one that cannot be judged is not run."""
        self._select(items)
        checks = self._checks_by_endpoint(items)
        for name, found in checks.items():
            self.run.expect(name, found)
        if not self.is_worker and not self.config.option.collectonly:
            self._open_all(items, list(checks))

    def _select(self, items: list[pytest.Item]) -> None:
        """Leave out the checks of the suite that profile and areas leave out."""
        kept: list[pytest.Item] = []
        left: list[pytest.Item] = []
        for item in items:
            (kept if self._is_selected(item) else left).append(item)
        if left:
            self.config.hook.pytest_deselected(items=left)
            items[:] = kept

    def _is_selected(self, item: pytest.Item) -> bool:
        check = find_check(getattr(item, "function", None))
        if check is None or check.id in all_checks():
            return check is None or self.run.selects(check, self._endpoint_of(item), self._only)
        return self.run.makes(item)

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
            self.taken |= output.get(TAKEN, {})

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.is_worker:
            self.config.workeroutput[TAKEN] = self._take(session)  # type: ignore[attr-defined]
            self.config.workeroutput[FACTS] = self.run.facts()  # type: ignore[attr-defined]
            return
        if not self.is_controller:
            self.taken = self._take(session)
            self.facts = self.run.facts()
        if self.config.option.collectonly:
            return
        if session.exitstatus != pytest.ExitCode.INTERRUPTED:
            self._record()
        records = self.run.gate.records(self.verdicts, self.taken, self.facts)
        self._compare(records, finished=self._is_finished(int(session.exitstatus)))
        failed = any(map(self.run.fails, self.verdicts)) or bool(session.testsfailed)
        failed = failed or (self.gate is not None and self.gate.fails)
        session.exitstatus = choose_exit_code(
            int(session.exitstatus),
            self.verdicts,
            self.facts,
            known=self._known(),
            failed=failed,
            lost=self.lost,
            checks=all_checks(),
            undecided=self.gate is not None and self.gate.undecided,
        )
        self._save(records, session)
        self._write_report(session)

    def _take(self, session: pytest.Session) -> dict[str, dict[str, Any]]:
        """Return what a baseline needs beside verdicts; what was interrupted is not waited for."""
        stopped = session.exitstatus == pytest.ExitCode.INTERRUPTED
        return {} if stopped or self.config.option.collectonly else self.run.taken()

    def _is_finished(self, status: int) -> bool:
        """Whether the run got to its end at every endpoint."""
        judged = not any(fact.get("trouble") or fact.get("gone") for fact in self.facts.values())
        return judged and self._is_complete(status)

    def _compare(self, records: Mapping[str, Record], *, finished: bool) -> None:
        self.stale = list_stale(
            self.verdicts, self._known(), checks=all_checks(), versions=known_versions(self.facts)
        )
        planned = {name: part["planned"] for name, part in self.taken.items()}
        self.gate = self.run.gate.compare(
            records, self.run.endpoints, planned=planned, stale=self.stale, finished=finished
        )

    def _save(self, records: Mapping[str, Record], session: pytest.Session) -> None:
        gate, status = self.run.gate, int(session.exitstatus)
        if gate.save is None:
            return
        if not self._is_finished(status) or status == NOTHING_JUDGED:
            self.written.append(f"baseline: not saved to {gate.save}: {INCOMPLETE}")
            return
        try:
            self.written.append(gate.write(records, now=datetime.datetime.now(datetime.UTC)))
        except OSError as error:
            self.written.append(_cannot_write("--byom-save", gate.save, error))
            session.exitstatus = pytest.ExitCode.USAGE_ERROR

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
        annotated = os.environ.get("GITHUB_ACTIONS") == "true"
        if self.report is None and not annotated:
            return
        data = self._results(session)
        if annotated:
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
            gate=self.gate.as_json() if self.gate is not None else None,
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
        stale = (sentence for _, sentence in self.stale)
        return [*stale, *([self.lost] if self.lost else []), *self.run.registry.warnings]

    def _is_complete(self, status: int) -> bool:
        expected = sum(fact.get("checks", 0) for fact in self.facts.values())
        ended = status in results.COMPLETE and not self.lost
        return ended and len(self.verdicts) >= expected

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.config.option.collectonly:
            return
        write = terminalreporter.write_line
        shown = [v for v in self.verdicts if v.outcome in FINDS and self._is_worth_showing(v)]
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
        if self.gate is not None:
            terminalreporter.section("gate")
            sentences = {verdict.check: verdict.sentence for verdict in self.verdicts}
            for line, style in gate_lines(self.gate, sentences):
                write(line, **style)
        for line in [*self.written, *self.annotations]:
            write(line)
        for warning in self.run.registry.warnings:
            write(warning, yellow=True)

    def _is_worth_showing(self, verdict: Verdict) -> bool:
        """Whether a finding is shown though it fails nothing: what a baseline has is not news."""
        if self.run.gate.baseline is not None and self.run.kind_of(verdict) is None:
            return False
        return not self.run.fails(verdict)


def _cannot_write(option: str, directory: object, error: OSError) -> str:
    return f"{option}: cannot write to {directory}: {error.strerror or error}"
