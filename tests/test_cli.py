"""`byom`: serving the embedded server, and telling about checks."""

from __future__ import annotations

import dataclasses
import json
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from commands import BYOM, serving

from pytest_byom.cli import explanation, main
from pytest_byom.conformance.catalogue import all_checks

USAGE = 4


def status_of(url: str, *, key: str = "") -> int:
    """Return the status of GET /models below a URL."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{url}/models", headers=headers)) as a:
            return int(a.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_serve() -> None:
    """The server prints its URL once it answers there, with no key needed."""
    with serving("embedded") as (_, url):
        assert url.startswith("http://127.0.0.1:")
        assert url.endswith("/v1")
        assert status_of(url) == 200


def test_serve_with_key() -> None:
    """With --api-key, the server wants that key."""
    with serving("embedded", "--api-key", "sk-mine") as (_, url):
        assert (status_of(url), status_of(url, key="sk-mine")) == (401, 200)


def test_serve_on_port() -> None:
    """--port says where it listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with serving("embedded", "--port", str(port)) as (_, url):
        assert url == f"http://127.0.0.1:{port}/v1"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop(number: signal.Signals) -> None:
    """A signal stops the server at once, without a word."""
    with serving("embedded") as (process, _):
        started = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        assert time.monotonic() - started < 5  # a guard against hanging, no measurement
    assert (process.returncode, out, err) == (0, "", "")


def test_stop_in_a_stream() -> None:
    """A client in the middle of a stream does not keep the server from stopping."""
    body = {"model": "byom-embedded", "stream": True, "max_tokens": 4000}
    body |= {"messages": [{"role": "user", "content": "Write a long story."}]}
    with serving("embedded") as (process, url):
        request = urllib.request.Request(
            f"{url}/chat/completions",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.readline().startswith(b"data: ")
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")


def test_port_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    """A port that is taken is one sentence that says what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["serve", "embedded", "--port", str(port)]) == USAGE
    err = capsys.readouterr().err
    assert err.startswith(f"byom: cannot listen on 127.0.0.1:{port}: ")
    assert err.endswith("; try another --port\n")


def test_port_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    """A port out of range is one sentence too."""
    assert main(["serve", "embedded", "--port", "99999"]) == USAGE
    assert capsys.readouterr().err.startswith("byom: cannot listen on 127.0.0.1:99999: ")


def test_checks(capsys: pytest.CaptureFixture[str]) -> None:
    """`byom checks` lists every check with level and sentence, sorted by id."""
    assert main(["checks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(all_checks())
    done = next(line for line in lines if line.startswith("stream.done-marker "))
    assert done.split(maxsplit=2)[1:] == [
        "must",
        "The stream has an event whose data is exactly [DONE].",
    ]


def test_checks_of_an_area_and_level(capsys: pytest.CaptureFixture[str]) -> None:
    """--area and --level narrow the list."""
    assert main(["checks", "--area", "auth", "--level", "should"]) == 0
    rows = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    assert ["auth.challenge", "should"] in rows
    assert {(id.partition(".")[0], level) for id, level in rows} == {("auth", "should")}


def test_checks_of_no_area(capsys: pytest.CaptureFixture[str]) -> None:
    """An area that is none is answered with those there are."""
    assert main(["checks", "--area", "streams"]) == USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("byom: no such check; the areas are audio, auth, ")


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    """`byom explain` tells all about a rule."""
    assert main(["explain", "stream.done-marker"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "stream.done-marker (must, since 0.1)"
    assert lines[1] == "  The stream has an event whose data is exactly [DONE]."
    assert lines[2].startswith("  breaks    ")
    assert lines[3:5] == [
        "  looks at  every event stream of the run",
        "  needs     stream",
    ]
    assert lines[5].startswith("  decides   sse-04 (MUST): ")
    assert lines[6].startswith("            OpenAI API reference")


def test_explain_a_check(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a check on named exchanges, the contracts are told."""
    assert main(["explain", "auth.key-hidden"]) == 0
    assert "  looks at  auth/wrong-key, auth/wrong-key-stream" in capsys.readouterr().out


def test_explain_a_burden() -> None:
    """Of a check that burdens a server, it is told when it is made."""
    burden = dataclasses.replace(all_checks()["stream.done-marker"], abuse=True)
    line = "  made      with --byom-abuse only: it burdens a server"
    assert line in explanation(burden)
    assert line not in explanation(all_checks()["stream.done-marker"])


@pytest.mark.parametrize("id", sorted(all_checks()))
def test_explain_each(id: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every check can be explained, and decides something."""
    assert main(["explain", id]) == 0
    assert "  decides   " in capsys.readouterr().out


def test_explain_near_miss(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong id is answered with the nearest ones."""
    assert main(["explain", "stream.done-mark"]) == USAGE
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(
        "byom: no check is called 'stream.done-mark'; did you mean stream.done-marker"
    )


def test_explain_far_miss(capsys: pytest.CaptureFixture[str]) -> None:
    """An id that is near none is answered with where to look."""
    assert main(["explain", "zzzz"]) == USAGE
    assert capsys.readouterr().err == "byom: no check is called 'zzzz'; byom checks lists them\n"


WRONG = [
    ([], "byom: the following arguments are required: COMMAND"),
    (["serve", "embedded", "--port", "x"], "byom serve: argument --port: invalid int value: 'x'"),
    (["explain"], "byom explain: the following arguments are required: ID"),
]


@pytest.mark.parametrize(("arguments", "sentence"), WRONG)
def test_wrong_arguments(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong arguments end with the exit code that pytest has for them."""
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == USAGE
    assert sentence in capsys.readouterr().err


def test_reader_that_has_enough() -> None:
    """A reader that closes the pipe ends the command without a word."""
    process = subprocess.Popen(
        [*BYOM, "checks"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=10) == 0
