"""`byom diff` and `byom accept`, as people call them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from gate.making import baseline, entry, record

from pytest_byom.cli import main
from pytest_byom.gate.baseline import Baseline, dump_baseline
from pytest_byom.gate.counts import Count
from pytest_byom.registry import load_registry

if TYPE_CHECKING:
    from pathlib import Path

DONE = "stream.done-marker"
FILE = """\
# ours
endpoints:
  mine: # the one
    base_url: http://localhost/v1
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BYOM_REGISTRY", raising=False)
    return tmp_path


def save(folder: Path, name: str, made: Baseline) -> str:
    """Write a baseline and return its name."""
    (folder / name).write_text(dump_baseline(made), "utf-8")
    return name


def diff(folder: Path, before: Baseline, after: Baseline, *options: str) -> int:
    """Compare two baselines."""
    return main(["diff", save(folder, "a.json", before), save(folder, "b.json", after), *options])


def test_no_difference(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two equal files have no difference, and it is said what was compared."""
    assert diff(folder, baseline(), baseline()) == 0
    assert capsys.readouterr().out == (
        "mine: time to first token: 40.5 ms, now 40.5\n"
        "gate passed: no difference; 2 checks and 1 answer compared with a.json of 2027-01-31\n"
    )


def test_regressed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A check that passed and fails is said last, with its sentence, and the exit code is 1."""
    checks = {"stream.done-marker": entry("failed"), "usage.sum": entry("passed")}
    assert diff(folder, baseline(), baseline(endpoints={"mine": record(checks=checks)})) == 1
    assert capsys.readouterr().out.splitlines()[:4] == [
        "fixed",
        "  usage.sum: failed, now passed",
        "regressed: it passed, and is wrong now",
        f"  {DONE}: passed, now failed. The stream has an event whose data is exactly [DONE].",
    ]


def test_strict(folder: Path) -> None:
    """What changed fails with --gate=strict only."""
    exchanges = {"chat/plain": {"answer": {"status": "200", "body": "JSON array"}}}
    after = baseline(endpoints={"mine": record(exchanges=exchanges)})
    assert diff(folder, baseline(), after) == 0
    assert diff(folder, baseline(), after, "--gate=strict") == 1


def test_speed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A slower server is an information, and fails with --gate=speed."""
    after = baseline(endpoints={"mine": record(speed={"first_token": 900})})
    assert diff(folder, baseline(), after) == 0
    said = "mine: time to first token: 40.5 ms, now 900: slower"
    assert f"{said} (fails with --byom-gate=speed only)" in capsys.readouterr().out
    assert diff(folder, baseline(), after, "--gate=strict,speed") == 1
    assert f"{said}\n" in capsys.readouterr().out


def test_undecided(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Too few tries end with exit code 12, and it is said how many more are needed."""
    before = record(checks={"tools.auto": entry("passed", count=Count(3, 3))})
    after = record(checks={"tools.auto": entry("failed", count=Count(1, 3))})
    both = baseline(endpoints={"mine": before}), baseline(endpoints={"mine": after})
    assert diff(folder, *both) == 12
    assert "1 more try is needed" in capsys.readouterr().out.replace("\n    ", " ")


def test_threshold_of_the_registry(folder: Path) -> None:
    """The significance is that of byom.yaml, where the endpoint stands there."""
    before = record(checks={"tools.auto": entry("passed", count=Count(4, 4))})
    after = record(checks={"tools.auto": entry("failed", count=Count(0, 4))})
    both = baseline(endpoints={"mine": before}), baseline(endpoints={"mine": after})
    assert diff(folder, *both) == 1
    (folder / "byom.yaml").write_text(FILE + "    gate: {significance: 0.01}\n")
    assert diff(folder, *both) == 12


def test_another_server(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another kind of server is said first."""
    other = record(server={"kind": "Ollama", "version": "0.33.0", "model": "small"})
    diff(folder, baseline(), baseline(endpoints={"mine": other}))
    assert capsys.readouterr().out.splitlines()[0] == (
        "mine is another kind of server than the baseline's: Ollama 0.33.0, and it was vLLM 0.19.0"
    )


def test_two_names(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two files of one endpoint each are compared, whatever it is called."""
    assert diff(folder, baseline(), baseline(endpoints={"new": record()})) == 0
    assert "new: time to first token" in capsys.readouterr().out


def test_missing_endpoint(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An endpoint that the later file lacks is no match for it."""
    before = baseline(endpoints={"mine": record(), "other": record()})
    after = Baseline(endpoints={"mine": record(), "third": record()})
    assert diff(folder, before, after) == 4
    said = "byom: b.json is of 'mine', 'third', and has no 'other' to compare\n"
    assert capsys.readouterr().err == said


BAD = [
    ("none.json", "byom: there is no baseline none.json: save one with --byom-save=none.json\n"),
    (".", "byom: . cannot be read: Is a directory\n"),
    ("byom.yaml", "byom: byom.yaml is no baseline: --byom-save=FILE writes one\n"),
]


@pytest.mark.parametrize(("name", "said"), BAD)
def test_bad_file(folder: Path, capsys: pytest.CaptureFixture[str], name: str, said: str) -> None:
    """What is no baseline is refused in one sentence, on either side."""
    (folder / "byom.yaml").write_text(FILE)
    good = save(folder, "a.json", baseline())
    for files in ([good, name], [name, good]):
        assert main(["diff", *files]) == 4
        assert capsys.readouterr().err == said


def test_bad_mode(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mode that is none is named with those that are."""
    assert diff(folder, baseline(), baseline(), "--gate=loose") == 4
    assert capsys.readouterr().err == "byom: --gate: 'loose' is none of strict, speed\n"


def report(folder: Path, *rows: tuple[str, str, str]) -> str:
    """Write results.json with checks, their outcomes and endpoints."""
    checks = [{"id": id, "outcome": outcome, "endpoint": name} for id, outcome, name in rows]
    (folder / "out").mkdir(exist_ok=True)
    (folder / "out" / "results.json").write_text(json.dumps({"format": 1, "checks": checks}))
    return "out"


ROWS = (
    ("stream.done-marker", "failed", "mine"),
    ("usage.sum", "deviates", "mine"),
    ("usage.total", "passed", "mine"),
    ("params.n", "ignored", "mine"),
    ("params.stop", "known", "mine"),
)


def deviations(folder: Path) -> list[dict[str, Any]]:
    """Return the known deviations of `mine` in byom.yaml."""
    found = load_registry(folder / "byom.yaml").endpoint("mine").deviations
    return [{"check": d.check, "reason": d.reason, "until": str(d.until)} for d in found]


def test_accept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every finding of a report becomes a known deviation, with the reason; the file stays."""
    (folder / "byom.yaml").write_text(FILE)
    code = main(["accept", report(folder, *ROWS), "--reason=issue #1", "--until=2099-12-31"])
    assert code == 0
    assert deviations(folder) == [
        {"check": check, "reason": "issue #1", "until": "2099-12-31"}
        for check in ("stream.done-marker", "usage.sum", "params.n")
    ]
    assert (folder / "byom.yaml").read_text().startswith(FILE)
    assert capsys.readouterr().out.splitlines() == [
        "stream.done-marker: added",
        "usage.sum: added",
        "params.n: added",
        f"3 known deviations of mine added to {folder / 'byom.yaml'}",
    ]


def test_accept_some(folder: Path) -> None:
    """Globs say which; a check that has an entry is left as it is."""
    (folder / "byom.yaml").write_text(FILE)
    out = report(folder, *ROWS)
    assert main(["accept", out, "--reason=a", "--check=usage.*"]) == 0
    assert main(["accept", out, "--reason=b", "--check=usage.*", "--check=params.n"]) == 0
    assert [(d["check"], d["reason"]) for d in deviations(folder)] == [
        ("usage.sum", "a"),
        ("params.n", "b"),
    ]


def test_accept_without_a_file(folder: Path) -> None:
    """Without a registry file there is one then."""
    out = report(folder, ("a.b", "failed", "ollama"))
    assert main(["accept", out, "--reason=x", "--endpoint=ollama"]) == 0
    assert "  ollama:\n    deviations:\n" in (folder / "byom.yaml").read_text()


REFUSED = [
    (["out"], "the following arguments are required: --reason"),
    (["out", "--reason= "], "--reason is empty: say why the deviations are accepted"),
    (["out", "--reason=x", "--until=soon"], "--until must be a day as in 2027-01-31, not 'soon'"),
    (["out", "--reason=x", "--until=2020-01-31"], "--until is over: 2020-01-31"),
    (
        ["out", "--reason=x", "--endpoint=other"],
        "out has no endpoint 'other'; it is about mine",
    ),
    (
        ["out", "--reason=x", "--check=tools.*"],
        "out has no finding of 'mine' that tools.* names to accept",
    ),
    (
        ["none", "--reason=x"],
        "there is no report none: --byom-report=DIR writes one",
    ),
    (["byom.yaml", "--reason=x"], "byom.yaml is no report: --byom-report=DIR writes one"),
    (["a.json", "--reason=x"], "a.json is no report: --byom-report=DIR writes one"),
]


@pytest.mark.parametrize(("arguments", "said"), REFUSED)
def test_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """What cannot be accepted is refused in one sentence, and nothing is written."""
    (folder / "byom.yaml").write_text(FILE)
    save(folder, "a.json", baseline())
    report(folder, *ROWS)
    try:
        code = main(["accept", *arguments])
    except SystemExit as error:
        code = int(error.code or 0)
    assert code == 4
    assert said in capsys.readouterr().err
    assert (folder / "byom.yaml").read_text() == FILE


def test_several_endpoints(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A report about several endpoints needs one that is named."""
    out = report(folder, ("a.b", "failed", "mine"), ("a.b", "failed", "groq"))
    assert main(["accept", out, "--reason=x"]) == 4
    said = "byom: out has several endpoints: use --endpoint; it is about groq, mine\n"
    assert capsys.readouterr().err == said
