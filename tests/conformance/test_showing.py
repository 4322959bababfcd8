"""Findings for people: requests, answers and curl lines, without secrets."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.conformance.exchange import Sent
from pytest_byom.conformance.finding import Wrong
from pytest_byom.conformance.showing import Shower, secret_names
from pytest_byom.registry import Endpoint

from .making import JSON, URL, make_contract, make_exchange, make_silence, make_stream

if TYPE_CHECKING:
    from pytest_byom.conformance.exchange import Exchange

KEY = "canary0123456789"
AUTHORIZED = (("authorization", f"Bearer {KEY}"),)
ENDPOINT = Endpoint(name="mine", base_url=URL, api_key=KEY, key_variable="MINE_KEY")


def shower(exchange: Exchange | None = None, **members: Any) -> Shower:
    """Return a shower of an endpoint whose every exchange is this one."""
    endpoint = Endpoint(
        **{"name": "mine", "base_url": URL, "api_key": KEY, "key_variable": "MINE_KEY"} | members
    )
    return Shower(endpoint, lambda id: exchange or make_exchange())


def sent(body: bytes = b"", *, method: str = "POST", headers: Any = ()) -> Exchange:
    """Return an exchange with this request."""
    return make_exchange(sent=Sent(method, f"{URL}/x", headers, body))


def test_curl_line() -> None:
    """A curl line holds URL, headers and body, each quoted for a shell."""
    exchange = sent(b'{"a": "it\'s"}', headers=JSON)
    assert shlex.split(shower().curl(exchange)) == [
        *("curl", "-sS", "-i", f"{URL}/x"),
        *("-H", "content-type: application/json"),
        *("--data-binary", '{"a": "it\'s"}'),
    ]


def test_usual_headers_are_left_out() -> None:
    """What curl need not repeat is left out; another value is not."""
    usual = (("accept-encoding", "identity"), ("user-agent", "pytest-byom"))
    assert "-H" not in shower().curl(sent(headers=usual))
    assert "user-agent: other" in shower().curl(sent(headers=(("user-agent", "other"),)))


METHODS = [
    ("GET", b"", ["curl", "-sS", "-i", f"{URL}/x"]),
    ("HEAD", b"", ["curl", "-sS", "-i", "--head", f"{URL}/x"]),
    ("DELETE", b"", ["curl", "-sS", "-i", "-X", "DELETE", f"{URL}/x"]),
    ("PUT", b"a", ["curl", "-sS", "-i", "-X", "PUT", f"{URL}/x", "--data-binary", "a"]),
    ("POST", b"", ["curl", "-sS", "-i", f"{URL}/x", "--data-binary", ""]),
]


@pytest.mark.parametrize(("method", "body", "words"), METHODS)
def test_method(method: str, body: bytes, words: list[str]) -> None:
    """Each method is asked for as curl wants it."""
    assert shlex.split(shower().curl(sent(body, method=method))) == words


def test_get_with_a_body() -> None:
    """A GET with a body stays a GET, which --data-binary alone would make a POST."""
    words = shlex.split(shower().curl(sent(b"a", method="GET")))
    assert words[3:5] == ["-X", "GET"]


def test_stream_is_not_buffered() -> None:
    """A stream is asked for without buffering."""
    assert shlex.split(shower().curl(make_stream()))[3] == "-N"


def test_long_body() -> None:
    """A long body is not shown: the line says how long it was."""
    line = shower().curl(sent(b"x" * 1201))
    assert line.endswith("--data-binary @-  # a body of 1201 bytes")


def test_key_becomes_variable() -> None:
    """The key is replaced by its variable, in double quotes, so that a shell fills it in."""
    line = shower().curl(sent(headers=AUTHORIZED))
    assert KEY not in line
    assert '-H "authorization: Bearer $MINE_KEY"' in line


HARD = [
    'say "hi"',
    "back\\slash",
    "`date`",
    "cost $5 ${x} $(date)",
    "it's",
    "new\nline",
    "!history",
    "ünï",
]


@pytest.mark.parametrize("text", HARD)
@pytest.mark.parametrize("secret", ["", KEY])
def test_shell_gives_back_what_was_sent(text: str, secret: str) -> None:
    """A shell that runs the line hands curl what was sent, whatever stands beside a secret."""
    body = json.dumps({"text": text, "key": secret}, ensure_ascii=False).encode()
    line = shower().curl(sent(body, headers=AUTHORIZED))
    printed = subprocess.run(
        ["sh", "-c", line.replace("curl ", "printf '%s\\0' ", 1)],
        env={**os.environ, "MINE_KEY": KEY},
        stdout=subprocess.PIPE,
        check=True,
    ).stdout.split(b"\0")
    assert printed[-2] == body
    assert f"authorization: Bearer {KEY}".encode() in printed


def test_finding() -> None:
    """A finding shows what was asked, what came back, and how to ask again."""
    exchange = make_exchange({"a": 1}, status=404)
    wrong = Wrong(place="status", expected="200", got="404", exchange="chat/plain")
    finding = shower(exchange).finding("mine.slug", wrong)
    assert (finding.check, finding.place) == ("mine.slug", "status")
    assert (finding.expected, finding.got) == ("200", "404")
    assert finding.asked == 'POST /chat/completions {"model": "m"}'
    assert finding.answered == '404 application/json {"a": 1}'
    assert finding.curl.startswith(f"curl -sS -i {URL}/chat/completions ")


def test_finding_with_excerpt() -> None:
    """An excerpt stands in for the whole answer."""
    wrong = Wrong(place="x", expected="1", got="2", exchange="chat/plain", excerpt='{"x": 2}')
    assert shower().finding("mine.slug", wrong).answered == '200 application/json {"x": 2}'


def test_finding_without_exchange() -> None:
    """A finding about no exchange shows none."""
    finding = shower().finding("mine.slug", Wrong(place="x", expected="1", got="2"))
    assert (finding.asked, finding.answered, finding.curl) == ("", "", "")


def test_finding_about_silence() -> None:
    """Where no answer came, the trouble stands in its place."""
    wrong = Wrong(place="answer", expected="200", got="nothing", exchange="chat/plain")
    assert shower(make_silence("cut")).finding("mine.slug", wrong).answered == "cut"


def test_path_with_placeholder() -> None:
    """A path with a placeholder is shown as it was sent."""
    contract = make_contract(method="GET", path="/models/${model}", body=None)
    exchange = make_exchange(contract=contract, sent=Sent("GET", f"{URL}/models/m1", (), b""))
    wrong = Wrong(place="x", expected="1", got="2", exchange="models/retrieve")
    assert shower(exchange).finding("mine.slug", wrong).asked == "GET /v1/models/m1"


def test_answer_is_one_line_with_spaces() -> None:
    """An answer is shown on one line; JSON gets spaces where it can be wrapped."""
    wrong = Wrong(place="x", expected="1", got="2", exchange="chat/plain")
    compact = shower(make_exchange(b'{"a":1,"b":2}')).finding("mine.slug", wrong)
    page = shower(make_exchange(b"<html>\n  <body>")).finding("mine.slug", wrong)
    assert compact.answered == '200 application/json {"a": 1, "b": 2}'
    assert page.answered == "200 application/json <html> <body>"


def test_long_answer_is_cut() -> None:
    """A long answer loses its middle."""
    wrong = Wrong(place="x", expected="1", got="2", exchange="chat/plain")
    answered = shower(make_exchange(b"a" * 300 + b"b" * 300)).finding("m.s", wrong).answered
    assert answered == f"200 application/json {'a' * 180} … {'b' * 60}"


@pytest.mark.parametrize("start", [165, 170, 176])
def test_no_piece_of_a_key_is_left_by_the_cut(start: int) -> None:
    """A key that the cut would part is not shown in part either."""
    wrong = Wrong(place="x", expected="1", got="2", exchange="chat/plain")
    body = b"a" * start + KEY.encode() + b"b" * 300
    finding = shower(make_exchange(body)).finding("mine.slug", wrong)
    assert "cana" not in finding.answered


@pytest.mark.parametrize("length", range(4, len(KEY)))
def test_no_piece_of_a_key_is_left_by_the_cut_of_a_check(length: int) -> None:
    """What a check has cut already loses the piece of the key beside the mark."""
    before, after = f"key {KEY[:length]}…", f"a {KEY[:length]} … {KEY[-length:]} b"
    assert shower().redact(before) == "key $MINE_KEY…"
    assert shower().redact(after) == "a $MINE_KEY … $MINE_KEY b"


def test_half_a_character() -> None:
    """Half a character is shown as an escape: no terminal would take it."""
    assert shower().redact("a\ud83db") == "a\\ud83db"


def test_everything_shown_hides_the_key() -> None:
    """No part of a finding shows the key."""
    contract = make_contract(headers={"x-key": KEY})
    request = Sent("POST", f"{URL}/chat/completions", AUTHORIZED, KEY.encode())
    exchange = make_exchange({"error": KEY}, contract=contract, sent=request)
    wrong = Wrong(place="x", expected=KEY, got=KEY, exchange="chat/plain", excerpt=KEY)
    assert KEY not in repr(shower(exchange).finding("mine.slug", wrong))


NAMES: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"api_key": KEY, "key_variable": "MINE_KEY"}, {KEY: "MINE_KEY"}),
    ({"api_key": KEY, "key_variable": ""}, {KEY: "BYOM_API_KEY"}),
    ({"extra_headers": {"X-Api-Key": "othersecret"}}, {"othersecret": "X_API_KEY"}),
    ({"extra_headers": {"X-Tenant": "tenant"}, "hidden": ("tenant",)}, {"tenant": "X_TENANT"}),
    ({"hidden": ("elsewhere",)}, {"elsewhere": "BYOM_SECRET"}),
    ({"api_key": "ollama"}, {}),
    ({"api_key": "k"}, {}),
]


@pytest.mark.parametrize(("members", "names"), NAMES)
def test_secret_names(members: dict[str, Any], names: dict[str, str]) -> None:
    """Each secret has the name of the variable that holds it; a placeholder is no secret."""
    assert secret_names(Endpoint(name="mine", base_url=URL, **members)) == names


def test_longest_secret_first() -> None:
    """A secret that is part of another does not leave the rest of it behind."""
    longer = f"{KEY}suffix"
    both = shower(extra_headers={"X-Api-Key": longer})
    assert both.redact(f"{KEY} {longer}") == "$MINE_KEY $X_API_KEY"
