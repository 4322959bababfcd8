"""The gate of a pytest run: its baseline, what this run found beside it, and what to save."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_byom.client.errors import UsageError
from pytest_byom.client.redact import Redactor
from pytest_byom.conformance.catalogue import all_checks
from pytest_byom.gate.baseline import (
    Baseline,
    BaselineError,
    Record,
    dump_baseline,
    parse_baseline,
)
from pytest_byom.gate.comparison import Kind, classify
from pytest_byom.gate.fingerprint import take_fingerprint
from pytest_byom.gate.gating import Gate, Mode, Pair, entry_of, make_gate
from pytest_byom.gate.speed import measure_streams
from pytest_byom.suite_prints import plain_answers, timed_events

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable, Mapping, Sequence

    import pytest

    from pytest_byom.conformance.finding import Verdict
    from pytest_byom.conformance.target import Target
    from pytest_byom.registry import Endpoint

SUITE = "pytest-byom"
FINGERPRINT, SPEED, IDENTITY = "fingerprint", "speed", "identity"


def read_baseline(file: Path) -> Baseline:
    """Return the baseline of a file; raises UsageError, in one sentence, if it cannot be used."""
    try:
        return parse_baseline(file.read_bytes().decode("utf-8"), name=str(file))
    except FileNotFoundError:
        raise UsageError(f"there is no baseline {file}: save one with --byom-save={file}") from None
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is no baseline: --byom-save=FILE writes one") from None
    except BaselineError as error:
        raise UsageError(str(error)) from None


class SuiteGate:
    """What --byom-baseline, --byom-save and --byom-gate ask for."""

    def __init__(self, *, baseline: Path | None, save: Path | None, mode: str) -> None:
        self.save = save
        self.baseline = read_baseline(baseline) if baseline else None
        try:
            self.mode = Mode.parse(mode)
        except ValueError as error:
            raise UsageError(f"--byom-gate: {error}") from None
        if mode and not baseline:
            raise UsageError("--byom-gate needs --byom-baseline: what should it be compared with?")
        if save and baseline and save.absolute() == baseline.absolute():
            raise UsageError(
                "--byom-save and --byom-baseline name one file: a gate must not replace what it "
                "is held against"
            )

    @classmethod
    def from_config(cls, config: pytest.Config) -> SuiteGate:
        """Return the gate that the options of a session ask for."""
        baseline, save = config.getoption("byom_baseline"), config.getoption("byom_save")
        return cls(
            baseline=Path(baseline) if baseline else None,
            save=Path(save) if save else None,
            mode=config.getoption("byom_gate") or "",
        )

    @property
    def is_used(self) -> bool:
        """Whether a fingerprint is needed."""
        return bool(self.baseline or self.save)

    def check_names(self, endpoints: Mapping[str, Endpoint]) -> None:
        """Raise UsageError if the baseline is of other endpoints than those of the run.

        Where both are addresses, it is no mistake: the new server may listen on another port.
        """
        if self.baseline is None:
            return
        for name in endpoints:
            if self._record_of(name, endpoints[name]) is None:
                there = ", ".join(map(repr, self.baseline.endpoints)) or "nothing"
                raise UsageError(
                    f"{self.baseline.name} is a baseline of {there}, and not of {name!r}: give "
                    f"the server the same name in byom.yaml, or save one of {name!r}"
                )

    def _record_of(self, name: str, endpoint: Endpoint) -> Record | None:
        records = dict(self.baseline.endpoints) if self.baseline else {}
        if name in records or len(records) != 1:
            return records.get(name)
        (other, record), *_ = records.items()
        is_address = endpoint.base_url.partition("://")[2].startswith(name)
        return record if is_address and ":" in other else None

    def kind_of(self, verdict: Verdict, endpoint: Endpoint) -> Kind | None:
        """Return what a verdict is beside the baseline."""
        record = self._record_of(verdict.endpoint, endpoint)
        before = record.checks.get(verdict.check) if record else None
        if before is None:
            return Kind.NEW
        now = entry_of(verdict_data(verdict))
        return classify(before, now, significance=endpoint.gate.significance)[0]

    def before(self, verdict: Verdict, endpoint: Endpoint) -> str:
        """Return what the baseline says of the check of a verdict, or an empty text."""
        record = self._record_of(verdict.endpoint, endpoint)
        entry = record.checks.get(verdict.check) if record else None
        return str(entry) if entry else ""

    def take(self, target: Target) -> dict[str, Any]:
        """Return what a record needs beside verdicts, as plain data without secrets."""
        traffic = target.named_traffic()
        taken = {
            FINGERPRINT: take_fingerprint(plain_answers(traffic, model=target.model)),
            SPEED: measure_streams(timed_events(traffic)),
        }
        found: dict[str, Any] = without_secrets(taken, target)
        return found

    def records(
        self,
        verdicts: Iterable[Verdict],
        taken: Mapping[str, Mapping[str, Any]],
        facts: Mapping[str, Mapping[str, Any]],
    ) -> dict[str, Record]:
        """Return the record of each endpoint that was judged."""
        judged = list(verdicts)
        return {
            name: Record(
                server=facts[name].get(IDENTITY) or {},
                checks={v.check: entry_of(verdict_data(v)) for v in judged if v.endpoint == name},
                exchanges=part[FINGERPRINT],
                speed=part[SPEED],
            )
            for name, part in taken.items()
        }

    def compare(
        self,
        records: Mapping[str, Record],
        endpoints: Mapping[str, Endpoint],
        *,
        planned: Mapping[str, Iterable[str]],
        stale: Sequence[tuple[str, str]] = (),
        finished: bool = True,
    ) -> Gate | None:
        """Compare records with the baseline; None without one.

        `planned` are the checks that were selected, `stale` the sentences about known deviations
        by endpoint.
        """
        if self.baseline is None:
            return None
        pairs = [
            Pair(
                endpoint=name,
                before=self._record_of(name, endpoints[name]) or Record(),
                after=after,
                settings=endpoints[name].gate,
                left_out=frozenset(all_checks()) - set(planned.get(name, ())),
            )
            for name, after in records.items()
        ]
        return make_gate(
            pairs,
            baseline=self.baseline,
            mode=self.mode,
            suite=version(SUITE),
            stale=stale,
            finished=finished,
        )

    def prepare(self) -> None:
        """See that the baseline can be written; raises OSError if it cannot."""
        if self.save is not None:
            self.save.parent.mkdir(parents=True, exist_ok=True)
            if self.save.is_dir():
                raise IsADirectoryError(21, "it is a directory", str(self.save))
            self._draft.touch()
            self._draft.unlink()

    @property
    def _draft(self) -> Path:
        save = self.save or Path()
        return save.with_name(f"{save.name}.new")

    def write(self, records: Mapping[str, Record], *, now: datetime.datetime) -> str:
        """Save records as a baseline and return a line that says so; raises OSError."""
        if self.save is None:
            return ""
        made = Baseline(
            endpoints=records, suite=version(SUITE), saved=now.isoformat(timespec="seconds")
        )
        self._draft.write_text(dump_baseline(made), "utf-8", newline="\n")
        self._draft.replace(self.save)
        checks = sum(len(record.checks) for record in records.values())
        return f"baseline: {self.save}, with {checks} checks"


def without_secrets(data: Any, target: Target) -> Any:
    """Return plain data in which no text has a secret of the endpoint."""
    return json.loads(Redactor(target.endpoint.secrets).text(json.dumps(data)))


def verdict_data(verdict: Verdict) -> dict[str, Any]:
    """Return what a baseline keeps of a verdict; `counts` where the check was repeated."""
    return {
        "level": verdict.level.value,
        "outcome": verdict.outcome.value,
        "counts": verdict.counts,
    }
