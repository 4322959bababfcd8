"""A user's own contracts (`byom_contracts`) are sent with the suite and judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_byom.cli import main
from pytest_byom.client.errors import ContractError
from pytest_byom.conformance.catalogue import all_checks
from pytest_byom.conformance.own_contracts import check_id, make_checks
from pytest_byom.conformance.profiles import Profile, selector
from pytest_byom.contract import Shelf

if TYPE_CHECKING:
    from pathlib import Path

GREETING = """\
title: Our greeting is answered
request:
  body:
    model: ${model}
    messages:
    - {role: user, content: Say ok.}
    max_tokens: 8
expect:
  text: {$regex: ok}
  usage: {completion_tokens: {$range: [1, 8]}}
"""
FOLLOWING = """\
title: The answer can be sent back
follows: greeting
request:
  body:
    model: ${model}
    messages:
    - ${answer.message}
    - {role: user, content: 'Costs $${5}?'}
    max_tokens: 8
"""
STREAMED = """\
title: A stream that ends too early for us
level: should
request:
  body:
    model: ${model}
    messages:
    - {role: user, content: Write a long story about the sea.}
    max_tokens: 4
    stream: true
expect:
  finish_reason: stop
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose ini file names a folder of contracts; returns that folder."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("COLUMNS", "100")
    pytester.makeini("[pytest]\nbyom_contracts = mine\n")
    return pytester.mkdir("mine")


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run the suite on the embedded server, in a process of its own."""
    return pytester.runpytest_subprocess(
        "-p", "pytest_byom.plugin", "--byom-endpoint=embedded", *arguments
    )


def test_checks_of_contracts(project: Path, pytester: pytest.Pytester) -> None:
    """Each contract is a check of its own; one that answers another is asked after it."""
    (project / "greeting.yaml").write_text(GREETING)
    (project / "talk").mkdir()
    (project / "talk" / "Back_again.yaml").write_text(FOLLOWING)
    result = run(pytester, "-v", "-k", "contract")
    standard = sum(map(selector(Profile.STANDARD), all_checks().values()))
    result.assert_outcomes(passed=2, deselected=standard)
    result.stdout.fnmatch_lines(
        [
            "*embedded-contract.greeting?*PASSED*",
            "*embedded-contract.talk.back-again?*PASSED*",
        ]
    )


RULE = """
import pytest_byom as byom
from pytest_byom.conformance.views import Completion

@byom.rule("mine.short", on=Completion, level="must", breaks="us")
def test_short(view):
    \"\"\"Every answer is short.\"\"\"
    yield view.wrong("choices.0.message.content", "nothing")
"""


def test_rules_look_at_them(project: Path, pytester: pytest.Pytester) -> None:
    """Rules judge the answers to a user's contracts too: they are part of the traffic."""
    (project / "greeting.yaml").write_text(GREETING)
    pytester.makepyfile(test_rule=RULE)
    suite = "pytest_byom.conformance.checks.test_contracts"
    result = run(pytester, "--pyargs", suite, "test_rule.py")
    result.stdout.fnmatch_lines(["  also      in 1 other answer: greeting"])


def test_finding(project: Path, pytester: pytest.Pytester) -> None:
    """An answer that is not as expected is shown with what was asked and what came."""
    (project / "stream.yaml").write_text(STREAMED)
    result = run(pytester, "-k", "contract")
    result.stdout.fnmatch_lines(
        [
            "contract.stream (should, deviates): A stream that ends too early for us",
            "  source    mine/stream.yaml",
            '  wrong     finish_reason: expected "stop", got "length"',
            "  again     curl -sS -i -N *",
        ]
    )
    assert result.ret == 0


def test_must_fails_the_run(project: Path, pytester: pytest.Pytester) -> None:
    """A contract that says no level is a must."""
    (project / "stream.yaml").write_text(STREAMED.replace("level: should\n", ""))
    assert run(pytester, "-k", "contract").ret == 1


def test_own_tests_ask_them(project: Path, pytester: pytest.Pytester) -> None:
    """`byom_ask` knows a user's contracts by their ids, with no option at all."""
    (project / "greeting.yaml").write_text(GREETING)
    pytester.makepyfile(
        "def test_ask(byom_ask):\n    assert byom_ask('greeting').content == 'ok'\n"
    )
    result = pytester.runpytest_subprocess("-p", "pytest_byom.plugin")
    result.assert_outcomes(passed=1)


def test_without_contracts_nothing_is_there(pytester: pytest.Pytester) -> None:
    """Without the ini value there is no such check."""
    result = pytester.runpytest_subprocess(
        "-p", "pytest_byom.plugin", "--byom-endpoint=embedded", "--collect-only", "-q"
    )
    assert "contract." not in result.stdout.str()


TROUBLES = [
    ("a.yaml", "title: x\nrequest: {body: '${nope}'}\n", "mine/a.yaml:2: request.body has an "),
    ("a.yaml", "title: x\n", "mine/a.yaml:1: the file needs a request"),
    ("chat/plain.yaml", GREETING, "mine/chat/plain.yaml:1: the id 'chat/plain' is taken by "),
    ("none.txt", "", "there is no contract in mine: no file ends in .yaml"),
]


@pytest.mark.parametrize(("name", "text", "message"), TROUBLES)
def test_usage_error(
    project: Path, pytester: pytest.Pytester, name: str, text: str, message: str
) -> None:
    """A broken file ends the run before anything is sent, with file and line."""
    file = project / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    result = run(pytester)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}*"])


RANG = (
    "{}/b.yaml:10: expect.usage.completion_tokens.$rang is no matcher, did you mean '$range'? "
    "Valid are: $type, $regex, $range, $any, $absent, $schema, $each"
)

IDS = [
    ("greeting", "contract.greeting"),
    ("talk/Back_again", "contract.talk.back-again"),
    ("a.b/v1.2", "contract.a-b.v1-2"),
]


@pytest.mark.parametrize(("id", "check"), IDS)
def test_check_id(id: str, check: str) -> None:
    """The id of a check follows from the path of its file."""
    assert check_id(id) == check


def test_two_files_with_one_check(tmp_path: Path) -> None:
    """Two files whose checks would have one id are refused."""
    for name in ("a_b.yaml", "a-b.yaml"):
        (tmp_path / name).write_text(GREETING)
    with pytest.raises(ContractError, match=r"another contract is the check contract\.a-b"):
        make_checks(Shelf([tmp_path]))


def test_command_checks_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`byom contracts check` says what is wrong, with file and line."""
    (tmp_path / "a.yaml").write_text("title: x\n")
    (tmp_path / "b.yaml").write_text(GREETING.replace("$range", "$rang"))
    assert main(["contracts", "check", str(tmp_path)]) == 4
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path}/a.yaml:1: the file needs a request",
        RANG.format(tmp_path),
    ]


def test_command_is_content(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`byom contracts check` counts what is right, `list` names it."""
    (tmp_path / "greeting.yaml").write_text(GREETING)
    assert main(["contracts", "check", str(tmp_path)]) == 0
    assert main(["contracts", "list", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "1 contract, and it is right",
        "greeting  Our greeting is answered",
    ]


def test_command_knows_the_bundled_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a folder the command is about the contracts of this package."""
    assert main(["contracts", "list"]) == 0
    assert "chat/plain " in capsys.readouterr().out


def test_command_without_contracts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without contracts is no success."""
    assert main(["contracts", "check", str(tmp_path)]) == 4
    assert main(["contracts", "check", str(tmp_path / "nope")]) == 4
    assert capsys.readouterr().out.splitlines() == [
        f"there is no contract in {tmp_path}: no file ends in .yaml",
        f"there is no folder of contracts {tmp_path}/nope",
    ]
