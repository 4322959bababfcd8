"""`--byom-repeat` in a run, and in a gate."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from defects.collection import DEFECTS
from defects.planting import Change, Defective, Stateful, change_json

from pytest_byom.gate.exit_codes import UNDECIDED
from pytest_byom.mock.embedded import EmbeddedServer

from .servers import serving
from .test_usage import assert_refused

if TYPE_CHECKING:
    from plugin.conftest import Run

CHECK = "structured.json-schema"
IGNORED = next(d.change for d in DEFECTS if d.turns.get(CHECK) == "ignored")
SAVE, GATE = "--byom-save=before.json", "--byom-baseline=before.json"
SOME = ("--byom-only=structured", "-k", "json-schema")


def judge(run: Run, pytester: pytest.Pytester, change: Change | None, *options: str) -> Any:
    """Judge a server that is called `mine`, with a change in front of it."""
    app: Any = EmbeddedServer()
    with serving(Defective(app, change) if change else app) as url:
        text = f"endpoints:\n  mine:\n    base_url: {url}\n    gate: {{slower: 100}}\n"
        pytester.path.joinpath("byom.yaml").write_text(text)
        return run("--byom-endpoint=mine", *options)


def test_counts_are_reported(run: Run, pytester: pytest.Pytester) -> None:
    """A check that depends on the model says in results and in text how often it passed."""
    result = judge(run, pytester, IGNORED, *SOME, "--byom-repeat=3", "--byom-report=out")
    result.stdout.fnmatch_lines([f"{CHECK} (must, ignored): *", "  tries     0 of 3 passed"])
    checks = json.loads(pytester.path.joinpath("out", "results.json").read_text())["checks"]
    assert {row["id"]: row["counts"] for row in checks} == {CHECK: [0, 3]}


@pytest.mark.parametrize(("repeat", "code"), [(3, UNDECIDED), (5, 1)])
def test_gate_by_counts(run: Run, pytester: pytest.Pytester, repeat: int, code: int) -> None:
    """A loss that so few tries cannot prove is not decided, and one that they prove regressed."""
    tries = f"--byom-repeat={repeat}"
    assert judge(run, pytester, None, *SOME, tries, SAVE).ret == 0
    line = f'"{CHECK}": {{"level": "must", "outcome": "passed", "passed": {repeat}, "tried": '
    assert line in pytester.path.joinpath("before.json").read_text()
    assert judge(run, pytester, None, *SOME, tries, GATE).ret == 0
    result = judge(run, pytester, IGNORED, *SOME, tries, GATE)
    assert result.ret == code
    said = "regressed" if code == 1 else "undecided"
    result.stdout.fnmatch_lines([f"*{said}*", f"*{CHECK}*"])
    if code == UNDECIDED:
        assert "more tr" in " ".join(result.stdout.str().split())


def sometimes() -> Change:
    """Build a server of which every second plain answer has one more member."""
    numbers = itertools.count()

    def add(data: dict[str, Any]) -> None:
        if next(numbers) % 2:
            data["warming_up"] = True

    return change_json(add)


def test_what_comes_and_goes_is_learned(run: Run, pytester: pytest.Pytester) -> None:
    """A member that only some answers had when the baseline was saved is no change later."""
    some = ("--byom-only=response", "--byom-profile=quick")
    judge(run, pytester, Stateful(sometimes), *some, "--byom-repeat=4", SAVE)
    assert "warming_up" in pytester.path.joinpath("before.json").read_text()
    result = judge(run, pytester, None, *some, GATE, "--byom-gate=strict")
    assert "warming_up" not in result.stdout.str()
    assert result.ret == 0


@pytest.mark.parametrize("repeat", [0, -1, 1001])
def test_no_such_number(run: Run, repeat: int) -> None:
    """A number of tries that cannot be meant is refused."""
    result = run("--byom-endpoint=embedded", f"--byom-repeat={repeat}")
    assert_refused(result, f"--byom-repeat has to be from 1 to 1000, not {repeat}")


def test_repeat_needs_endpoint(run: Run) -> None:
    """Trying nobody again is refused."""
    result = run("--byom-repeat=2")
    assert_refused(result, "--byom-repeat needs --byom-endpoint: who should be tried again?")
