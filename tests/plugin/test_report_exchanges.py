"""What a report shows of requests and answers: both in whole, and nobody's secrets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from conformance.making import URL, make_exchange, make_silence
from gate.report_data import closed
from jsonschema import Draft202012Validator

from pytest_byom.conformance.exchange import Exchange, Sent
from pytest_byom.conformance.showing import Shower
from pytest_byom.gate.results import load_schema
from pytest_byom.registry import Endpoint
from pytest_byom.wire_view import MOST_CHARACTERS, wire_view

from .conftest import read_results
from .servers import KEY, Echoing, WithoutDone, free_url, serving

if TYPE_CHECKING:
    import pytest

    from .conftest import Run

ENDPOINT = Endpoint(name="mine", base_url=URL, api_key=KEY, key_variable="MINE_KEY")


def view(exchange: Exchange) -> dict[str, Any]:
    """Return what a report shows of an exchange."""
    return wire_view(exchange, Shower(ENDPOINT, lambda id: exchange))


def test_request_and_response() -> None:
    """Method, URL, headers and bodies stand there as they went over the wire."""
    sent = Sent("POST", f"{URL}/chat/completions", (("accept", "*/*"),), '{"a": "ü"}'.encode())
    exchange = make_exchange(b'{"b": 1}', sent=sent, headers=(("content-type", "text/x"),))
    assert view(exchange) == {
        "request": {
            "method": "POST",
            "url": f"{URL}/chat/completions",
            "headers": [["accept", "*/*"]],
            "body": '{"a": "ü"}',
            "bytes": 11,
            "curl": f"curl -sS -i {URL}/chat/completions -H 'accept: */*' "
            """--data-binary '{"a": "ü"}'""",
        },
        "response": {
            "status": 200,
            "headers": [["content-type", "text/x"]],
            "body": '{"b": 1}',
            "bytes": 8,
            "trouble": "",
        },
    }


def test_no_answer() -> None:
    """Without an answer the status is null, and the trouble is said."""
    shown = view(make_silence("no connection: refused"))["response"]
    assert (shown["status"], shown["trouble"]) == (None, "no connection: refused")


def test_not_asked() -> None:
    """What was never sent has no curl line."""
    assert view(make_exchange(sent=Sent("", "", (), b"")))["request"]["curl"] == ""


def test_key_is_hidden_everywhere() -> None:
    """The key stands nowhere: not in headers, bodies, URL, trouble."""
    sent = Sent("POST", f"{URL}/x?k={KEY}", (("authorization", f"Bearer {KEY}"),), KEY.encode())
    exchange = make_exchange(
        KEY.encode(), sent=sent, headers=(("x-echo", KEY),), trouble=f"reset {KEY}"
    )
    shown = json.dumps(view(exchange))
    assert KEY not in shown
    assert shown.count("MINE_KEY") == 9


def test_key_at_the_cut() -> None:
    """A key where the middle of a body is left out leaves no piece behind."""
    first = MOST_CHARACTERS * 3 // 4
    body = "x" * (first - 8) + KEY + "y" * MOST_CHARACTERS
    shown = view(make_exchange(body.encode()))["response"]["body"]
    assert not [piece for piece in (KEY[:4], KEY[-4:]) if piece in shown]


def test_long_body() -> None:
    """Of a long body both ends are shown, and how much is left out."""
    text = "a" * MOST_CHARACTERS + "b" * 10
    shown = view(make_exchange(text.encode()))["response"]
    assert shown["bytes"] == MOST_CHARACTERS + 10
    assert "\n… 10 characters left out …\n" in shown["body"]
    assert shown["body"].startswith("aaa")
    assert shown["body"].endswith("abbbbbbbbbb")


def test_persons_are_hidden() -> None:
    """Cookies, and ids of organizations and users, are not shown."""
    headers = (("set-cookie", "session=1"), ("openai-organization", "acme"), ("server", "x"))
    shown = view(make_exchange(b'{"user": "user-AbC12345678x"}', headers=headers))["response"]
    assert shown["headers"] == [
        ["set-cookie", "***"],
        ["openai-organization", "***"],
        ["server", "x"],
    ]
    assert shown["body"] == '{"user": "user-***"}'


def test_body_that_does_not_decode() -> None:
    """A body with a wrong content coding is shown as it came."""
    headers = (("content-encoding", "gzip"),)
    assert view(make_exchange(b"plain \xff", headers=headers))["response"]["body"] == "plain \ufffd"


def test_exchange_of_a_finding(run: Run, pytester: pytest.Pytester) -> None:
    """The exchanges that findings name stand with the endpoint, and no others."""
    with serving(WithoutDone()) as url:
        run(f"--byom-endpoint={url}", "--byom-report=out", "-k", "stream.done-marker")
    results = read_results(pytester.path)
    (facts,) = results["endpoints"].values()
    (row,) = results["checks"]
    assert list(facts["exchanges"]) == [row["findings"][0]["exchange"]] == ["chat/stream"]
    shown = facts["exchanges"]["chat/stream"]
    assert shown["request"]["url"] == f"{url}/chat/completions"
    assert shown["response"]["status"] == 200
    assert shown["response"]["body"].startswith("data: {")


def test_capabilities(run: Run, pytester: pytest.Pytester) -> None:
    """What the endpoint can do is said with how that is known."""
    with serving(WithoutDone()) as url:
        text = f"endpoints: {{mine: {{base_url: '{url}', capabilities: {{tools: true}}}}}}"
        pytester.makefile(".yaml", byom=text)
        run("--byom-endpoint=mine", "--byom-report=out", "-k", "auth.missing-key")
    assert read_results(pytester.path)["endpoints"]["mine"]["capabilities"] == {
        "auth": {
            "present": False,
            "state": "absent",
            "known": "probed",
            "reason": "a request without a key is accepted",
        },
        "tools": {
            "present": True,
            "state": "present",
            "known": "said",
            "reason": "the registry says tools: true",
        },
    }


def test_parallel(pytester: pytest.Pytester) -> None:
    """Under -n the exchanges and capabilities of the workers' endpoints stand in the report too."""
    with serving(WithoutDone()) as url:
        text = f"endpoints: {{mine: {{base_url: '{url}', capabilities: {{tools: true}}}}}}"
        pytester.makefile(".yaml", byom=text)
        options = ("-p", "pytest_byom.plugin", "-p", "xdist", "-n", "1", "-k", "done-marker")
        pytester.runpytest_subprocess(
            *options, "--byom-endpoint=mine", "--byom-report=out", timeout=60
        )
    facts = read_results(pytester.path)["endpoints"]["mine"]
    assert facts["exchanges"]["chat/stream"]["response"]["body"].startswith("data: {")
    assert facts["capabilities"]["tools"]["known"] == "said"


def test_schema_matches_what_is_written(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every member of a report of good, bad and unreachable endpoints stands in the schema."""
    monkeypatch.setenv("MINE_KEY", KEY)
    with serving(Echoing()) as url:
        mine = f"{{base_url: '{url}', api_key: '${{MINE_KEY}}'}}"
        text = f"endpoints: {{mine: {mine}, down: {{base_url: '{free_url()}'}}}}"
        pytester.makefile(".yaml", byom=text)
        run("--byom-endpoint=all", "--byom-report=out")
    results = read_results(pytester.path)
    problems = Draft202012Validator(closed(load_schema())).iter_errors(results)
    assert [error.message for error in problems] == []
    assert results["endpoints"]["mine"]["exchanges"]
    assert results["endpoints"]["down"]["trouble"]
    assert KEY not in json.dumps(results)
