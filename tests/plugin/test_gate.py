"""--byom-save, --byom-baseline and --byom-gate: may this server be upgraded?"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from defects.collection import DEFECTS
from defects.legal import VARIANTS
from defects.planting import Change, Defective, refuse

from pytest_byom.gate.exit_codes import NOTHING_JUDGED, STALE, UNDECIDED
from pytest_byom.mock.embedded import EmbeddedServer

from .servers import Dying, free_url, serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Run

DONE = "stream.done-marker"
OWN = """
import os
import pytest_byom as byom

@byom.check("mine.other")
def test_other(byom_ask):
    byom_ask("chat/plain").accepted()

@byom.check("mine.slug", asks=["chat/plain"], sentence="It does what I need.")
def test_own(byom_ask):
    if os.environ["MINE"] == "inconclusive":
        byom_ask("chat/plain").usage("no_such_count")
    assert os.environ["MINE"] == "passed"
"""


def planted(*ids: str | Change) -> Defective:
    """Return a server with planted defects or legal ways, by id, or with a change."""
    changes = {defect.id: defect.change for defect in DEFECTS}
    changes |= {variant.id: variant.change for variant in VARIANTS}
    app: Any = EmbeddedServer()
    for id in ids:
        app = Defective(app, changes[id] if isinstance(id, str) else id)
    return app if ids else Defective(app, changes["no-authentication"])


@pytest.fixture
def judge(run: Run, pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Judge a server, with planted defects, that is called `mine`."""

    def judge(
        *options: str,
        server: tuple[str | Change, ...] = (),
        entries: str = "",
        select: tuple[str, ...] = SOME,
    ) -> pytest.RunResult:
        with serving(planted(*server)) as url:
            text = f"endpoints:\n  mine:\n    base_url: {url}\n    gate: {{slower: 100}}\n{entries}"
            pytester.path.joinpath("byom.yaml").write_text(text)
            return run("--byom-endpoint=mine", *select, *options)

    return judge


SOME = ("-k", "stream or params")
Judge = Any
SAVE, GATE = "--byom-save=before.json", "--byom-baseline=before.json"


def section(result: pytest.RunResult) -> list[str]:
    """Return the lines of the gate's section."""
    lines = result.stdout.lines
    start = next(n for n, line in enumerate(lines) if line.startswith("=") and " gate " in line)
    end = next(n for n in range(start + 1, len(lines)) if lines[n].startswith("="))
    return [line for line in lines[start + 1 : end] if "time to first token" not in line]


def conclusion(result: pytest.RunResult) -> str:
    """Return the gate's last sentence."""
    lines = section(result)
    start = next(n for n, line in enumerate(lines) if line.startswith("gate "))
    return " ".join(line.strip() for line in lines[start : start + 2])


def test_unchanged(judge: Judge, pytester: pytest.Pytester, suite_size: int) -> None:
    """An unchanged server passes its gate, and saves the same lines again but for the first."""
    saved = judge(SAVE, select=())
    assert saved.ret == 0
    saved.stdout.fnmatch_lines([f"baseline: before.json, with {suite_size} checks"])
    result = judge(GATE, "--byom-save=after.json", select=())
    assert result.ret == 0
    said = (
        rf"gate passed: no difference; {suite_size} checks and \d\d+ answers compared with before"
    )
    assert re.match(said, conclusion(result))
    before, after = (
        pytester.path.joinpath(name).read_text("utf-8").splitlines()
        for name in ("before.json", "after.json")
    )
    assert [n for n, pair in enumerate(zip(before, after, strict=True)) if len({*pair}) > 1] == [1]


def test_regressed(judge: Judge) -> None:
    """What passed and fails now fails the run, with what the baseline says of it."""
    judge(SAVE)
    result = judge(GATE, server=("stream-no-done",))
    assert result.ret == 1
    assert result.parseoutcomes()["failed"] == 1
    result.stdout.fnmatch_lines(
        [f"{DONE} (must, failed): *", "  endpoint  mine", "  before    passed"]
    )
    assert "regressed: it passed, and is wrong now" in section(result)
    assert conclusion(result).startswith("gate failed: 1 regressed, 1 changed; ")


def test_failing_as_before(judge: Judge) -> None:
    """What failed before and fails still is no news: the gate passes, and the run too."""
    judge(SAVE, server=("stream-no-done",))
    result = judge(GATE, server=("stream-no-done",))
    assert result.ret == 0
    assert result.parseoutcomes()["failing"] == 1  # "1 failing as before"
    assert conclusion(result).startswith("gate passed: no difference")
    result.stdout.no_fnmatch_line(f"{DONE} (must, failed)*")


def test_fixed(judge: Judge) -> None:
    """What failed and passes now is listed."""
    judge(SAVE, server=("stream-no-done",))
    result = judge(GATE)
    assert result.ret == 0
    assert f"  {DONE}: failed, now passed" in section(result)
    assert conclusion(result).startswith("gate passed: 1 fixed, 1 changed; ")


def test_vanished(judge: Judge) -> None:
    """What passed and is refused now fails the run: a capability is gone."""
    judge(SAVE)
    result = judge(GATE, server=("params-n-refused",))
    assert result.ret == 1
    assert re.match(r"gate failed: \d+ vanished, ", conclusion(result))
    lines = section(result)
    start = lines.index("vanished: it passed, and is refused or not there now")
    assert lines[start + 1].startswith("  params.n: passed, now unsupported. n=2 gives two choices")


@pytest.mark.parametrize(("mode", "code"), [((), 0), (("--byom-gate=strict",), 1)])
def test_changed(judge: Judge, mode: tuple[str, ...], code: int) -> None:
    """What breaks no rule is printed first, and fails a strict gate only."""
    judge(SAVE)
    result = judge(GATE, *mode, server=("comments", "thoughts"))
    assert result.ret == code
    assert [line for line in section(result) if not line.startswith("    ")][:4] == [
        "changed: legal, but apps may break on it",
        (
            "  choices[].message: reasoning, reasoning_content are new "
            "(auth/missing-key, auth/wrong-key,"
        ),
        "  lines: comment is new (: OPENROUTER) (every stream)",
        "  reasoning: carrier was none, and is reasoning or reasoning_content (every plain answer)",
    ]
    verdict = "failed" if code else "passed"
    assert conclusion(result).startswith(f"gate {verdict}: 3 changed; ")


def test_new_checks(judge: Judge) -> None:
    """Checks that the baseline does not have are new, and fail nothing, even if they fail."""
    judge(SAVE, select=("-k", "models"))
    result = judge(GATE, server=("stream-no-done",))
    assert result.ret == 0
    lines = section(result)
    start = lines.index("new: the baseline does not have it")
    assert lines[start + 13].startswith("  and ")
    result.stdout.fnmatch_lines([f"{DONE} (must, failed): *"])
    assert conclusion(result).startswith("gate passed: ")


def test_not_selected(judge: Judge) -> None:
    """Checks that were not selected have not vanished, and it is said that they did not run."""
    judge(SAVE)
    result = judge(GATE, select=("-k", DONE))
    assert result.ret == 0
    assert re.match(r"mine: \d+ checks of the baseline did not run this time: ", section(result)[0])
    assert conclusion(result).startswith("gate passed: no difference; 1 check and ")


DEVIATION = f"    deviations:\n      - check: {DONE}\n        reason: the proxy cuts it off\n"


def test_accepted(judge: Judge) -> None:
    """A finding that byom.yaml lists now is accepted, in a strict gate too."""
    judge(SAVE)
    result = judge(GATE, server=("stream-done-space",), entries=DEVIATION)
    assert result.ret == 0
    assert "  stream.done-marker: passed, now known" in section(result)


def test_known_stale(judge: Judge) -> None:
    """A known deviation that no longer deviates fails a gate with exit code 11."""
    judge(SAVE, server=("stream-no-done",), entries=DEVIATION)
    result = judge(GATE, entries=DEVIATION)
    assert result.ret == STALE
    assert "known-stale: look at these known deviations" in section(result)


def test_undecided(
    judge: Judge, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What passed and can neither be said to pass nor to fail ends the run with exit code 12."""
    pytester.makepyfile(test_own=OWN)
    monkeypatch.setenv("MINE", "passed")
    assert judge(SAVE, select=("test_own.py",)).ret == 0
    monkeypatch.setenv("MINE", "inconclusive")
    result = judge(GATE, select=("test_own.py",))
    assert result.ret == UNDECIDED
    assert section(result)[:2] == [
        "undecided: it passed, and nothing can be said now",
        "  mine.slug: passed, now inconclusive. It does what I need.",
    ]
    assert conclusion(result).startswith("gate undecided: 1 undecided; ")


def test_own_check(
    judge: Judge, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's own check is part of the gate: it may regress, and it may not be lost."""
    pytester.makepyfile(test_own=OWN)
    monkeypatch.setenv("MINE", "passed")
    judge(SAVE, select=("test_own.py",))
    monkeypatch.setenv("MINE", "failed")
    assert judge(GATE, select=("test_own.py",)).ret == 1
    pytester.path.joinpath("test_own.py").write_text("def test_other(byom_endpoint): pass\n")
    result = judge(GATE, select=("test_own.py",))
    assert result.ret == 1
    assert "  mine.slug: passed, now not run" in section(result)


def test_own_contract(judge: Judge, pytester: pytest.Pytester) -> None:
    """A user's own request is part of the gate: what no rule minds shows there too."""
    folder = pytester.mkdir("own")
    folder.joinpath("no-tools.yaml").write_text(
        "title: An empty list of tools, as some apps always send\n"
        "kind: open\n"
        "request:\n"
        "  body:\n"
        "    model: ${model}\n"
        "    messages: [{role: user, content: Say ok.}]\n"
        "    tools: []\n"
    )
    pytester.makeini("[pytest]\nbyom_contracts = own\n")
    select = ("-k", "no-tools")
    judge(SAVE, select=select)
    strict = refuse("tools must not be empty", when=lambda a: a.parameters.get("tools") == [])
    result = judge(GATE, select=select, server=(strict,))
    assert result.ret == 0
    assert section(result)[:2] == [
        "changed: legal, but apps may break on it",
        "  answer: status was 200, and is 400 (no-tools)",
    ]


def test_report(judge: Judge, pytester: pytest.Pytester) -> None:
    """results.json has the difference, as data."""
    judge(SAVE)
    judge(GATE, "--byom-report=out", "--byom-gate=strict", server=("stream-no-done",))
    results = json.loads(pytester.path.joinpath("out", "results.json").read_text("utf-8"))
    gate = results["gate"]
    assert (gate["baseline"], gate["failed"], gate["undecided"]) == ("before.json", True, False)
    assert (gate["strict"], gate["speed"], gate["finished"]) == (True, False, True)
    kinds = [(d["kind"], d["what"]) for d in gate["differences"]]
    assert kinds == [("changed", "stream: [DONE]"), ("regressed", DONE)]
    assert results["exit_code"] == 1


def test_two_endpoints(run: Run, pytester: pytest.Pytester) -> None:
    """One file holds several endpoints, and the gate says at which one something is otherwise."""
    text = "endpoints:\n  a: {{base_url: '{}'}}\n  b: {{base_url: '{}'}}\n"
    both = ("--byom-endpoint=a", "--byom-endpoint=b", "-k", DONE)
    with serving(planted()) as one, serving(planted("stream-no-done")) as two:
        pytester.path.joinpath("byom.yaml").write_text(text.format(one, one))
        assert run(*both, SAVE).ret == 0
        pytester.path.joinpath("byom.yaml").write_text(text.format(one, two))
        result = run(*both, GATE)
    assert result.ret == 1
    found = [line for line in section(result) if DONE in line]
    assert found[0].startswith(f"  b: {DONE}: passed, now failed.")


def test_another_port(run: Run, pytester: pytest.Pytester) -> None:
    """Two servers that were named by their addresses are compared, wherever they listen."""
    with serving(planted()) as one, serving(planted("stream-no-done")) as two:
        run(f"--byom-endpoint={one}", "-k", DONE, SAVE)
        assert run(f"--byom-endpoint={one}", "-k", DONE, GATE).ret == 0
        assert run(f"--byom-endpoint={two}", "-k", DONE, GATE).ret == 1


def test_unreachable(judge: Judge, run: Run, pytester: pytest.Pytester) -> None:
    """A server that is not there saves nothing, and passes no gate."""
    judge(SAVE)
    saved = pytester.path.joinpath("before.json").read_bytes()
    pytester.path.joinpath("byom.yaml").write_text(
        f"endpoints:\n  mine:\n    base_url: {free_url()}\n"
    )
    result = run("--byom-endpoint=mine", *SOME, SAVE)
    assert result.ret == NOTHING_JUDGED
    result.stdout.fnmatch_lines(["baseline: not saved to before.json: the run did not get*"])
    assert pytester.path.joinpath("before.json").read_bytes() == saved
    gated = run("--byom-endpoint=mine", *SOME, GATE)
    assert gated.ret == NOTHING_JUDGED
    assert conclusion(gated).startswith("gate undecided: no difference; 0 checks")


def test_dying_server(judge: Judge, run: Run, pytester: pytest.Pytester) -> None:
    """A server that goes away saves nothing either, and passes no gate."""
    judge(SAVE)
    for option in ("--byom-save=other.json", GATE):
        with Dying(after=12).serving() as url:
            pytester.path.joinpath("byom.yaml").write_text(
                f"endpoints:\n  mine:\n    base_url: {url}\n"
            )
            result = run("--byom-endpoint=mine", option)
        assert result.ret in (1, NOTHING_JUDGED)
    assert not pytester.path.joinpath("other.json").exists()
    assert not conclusion(result).startswith("gate passed")


def test_stopped_run(judge: Judge, pytester: pytest.Pytester) -> None:
    """A run that -x stopped is not saved."""
    result = judge(SAVE, "-x", server=("stream-no-done",))
    assert result.ret == 1
    result.stdout.fnmatch_lines(["baseline: not saved to before.json: *"])
    assert list(pytester.path.glob("before.json*")) == []


def test_collect_only(judge: Judge, pytester: pytest.Pytester) -> None:
    """--collect-only saves nothing and compares nothing."""
    result = judge(SAVE, "--collect-only", "-q")
    assert result.ret == 0
    assert list(pytester.path.glob("before.json*")) == []


def test_speed(judge: Judge, pytester: pytest.Pytester) -> None:
    """A slower server is an information; it fails only where speed is asked for."""
    judge(SAVE)
    result = judge(GATE, "--byom-gate=strict,speed")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["mine: time to first token: * ms, now *"])
