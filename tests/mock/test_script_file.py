"""Scripts in YAML, and the command that serves them."""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from commands import serving

from pytest_byom.cli import main
from pytest_byom.client.errors import UsageError
from pytest_byom.mock.in_process import Mock
from pytest_byom.mock.script_file import load_script

from .asking import ask, completion, events, said

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
dialect: openai
models: [small]
rules:
  - when: {last_user: {contains: weather}, json: {stream: true}}
    replies:
      - reply: {content: [Sun, ny], cut_after: 2, split: every byte}
  - conversation: {first_user: Hello}
    replies:
      - reply: {tool_calls: [{name: look, arguments: {city: Paris}, id: c1}], usage: {input: 3, output: 4}}
replies:
  - fail: {status: 429, retry_after: 2, message: Slow down}
  - reply: Hi
    times: 2
  - fail: 503
"""  # noqa: E501  # one line of YAML


def write(folder: Path, text: str) -> Path:
    """Write a script to a file."""
    file = folder / "script.yaml"
    file.write_text(text, "utf-8")
    return file


def test_a_script(tmp_path: Path) -> None:
    """A file says what Python code would."""
    script = load_script(write(tmp_path, SCRIPT))
    mock = Mock(**script.options)
    script.write_into(mock)
    assert len(events(ask(mock, "The weather?", stream=True))) == 2
    (choice,) = completion(ask(mock, "Hello"))["choices"]
    assert choice["message"]["tool_calls"][0]["id"] == "c1"
    assert ask(mock).answer.status == 429
    assert [said(ask(mock)), said(ask(mock))] == ["Hi", "Hi"]
    assert ask(mock).answer.status == 503
    assert ask(mock, model="large").answer.status == 404
    assert mock.report() == ""


MISTAKES = [
    ("replies:\n  - reply: {contnt: x}", "script.yaml:2: replies[0].reply.contnt is no valid key"),
    ("replies:\n  - reply: x\n    fail: 500", "script.yaml:2: replies[0]: give reply or fail"),
    ("replies:\n  - fail: {status: 99}", "must be at least 200, not 99"),
    ("replies:\n  - fail: {message: x}", "script.yaml:2: replies[0]: fail(): give a status"),
    ("replies:\n  - reply: {cut_after: two}", "must be a whole number"),
    ("replies:\n  - reply: {split: words}", "script.yaml:2: replies[0]: split='words'"),
    ("replies:\n  - reply: x\n    times: 0", "script.yaml:2: replies[0]: times=0"),
    ("rules:\n  - replies: [reply: x]", "script.yaml:2: rules[0]: a rule needs when or"),
    ("rules:\n  - when: {user: x}\n    replies: [reply: x]", "rules[0].when.user is no valid key"),
    ("dialect: grok", "there is no dialect 'grok'"),
    ("replies: [", "this is not valid YAML"),
    ("- x", "must be a mapping"),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_mistakes(tmp_path: Path, text: str, message: str) -> None:
    """A mistake is told with file, line and what is right."""
    with pytest.raises(UsageError) as caught:
        load_script(write(tmp_path, text)).write_into(Mock())
    assert message in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    """A file that is not there is one sentence."""
    with pytest.raises(UsageError, match=r"none\.yaml cannot be read: No such file"):
        load_script(tmp_path / "none.yaml")


def test_an_empty_file(tmp_path: Path) -> None:
    """An empty script is a script."""
    load_script(write(tmp_path, "{}")).write_into(Mock())


def send(url: str) -> Any:
    """Ask for a completion."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    request = urllib.request.Request(
        f"{url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]


def test_serve(tmp_path: Path) -> None:
    """`byom serve FILE` answers from the script and ends on a signal."""
    with serving(str(write(tmp_path, "replies: [{reply: Hello, times: any}]"))) as (process, url):
        assert [send(url), send(url)] == ["Hello", "Hello"]
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")


def test_serve_is_not_silent(tmp_path: Path) -> None:
    """What nothing takes is told at once, and in the exit code."""
    with serving(str(write(tmp_path, "replies: []"))) as (process, url):
        with pytest.raises(urllib.error.HTTPError) as caught:
            send(url)
        caught.value.close()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=10)
    assert process.returncode == 1
    assert err == "byom: no reply takes this request; nearest nothing: the script is empty\n"


REFUSED = [
    (["serve", "nothing"], "'nothing' cannot be served; give 'embedded' or a .yaml file"),
    (["serve", "x.yaml", "--api-key", "k"], "--api-key is for the embedded server"),
    (["serve", "none.yaml"], "none.yaml cannot be read"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_refused(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    """What cannot be served is one sentence."""
    assert main(arguments) == 4
    assert capsys.readouterr().err.startswith(f"byom: {message}")
