"""`--byom-record=DIR` writes what went over the wire as contracts, without secrets."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.client.redact import Redactor
from pytest_byom.conformance.catalogue import all_checks
from pytest_byom.conformance.exchange import Exchange, Sent
from pytest_byom.conformance.plan import make_plan
from pytest_byom.contract import (
    Answer,
    Contract,
    Recorded,
    RequestTemplate,
    contract_ids,
    dump_contract,
    load_contract,
)
from pytest_byom.contract.loading import find_broken
from pytest_byom.recording import comparable, make_contract, write_contract

if TYPE_CHECKING:
    from pathlib import Path

BASE_URL = "https://llm.example/v1"
KEY = "canary-0123456789abcdef"
RECORDED = Recorded(server="example", model="small", date="2026-11-24")
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}


def made(
    body: Any = None,
    *,
    asked: RequestTemplate | None = None,
    answer: bytes = json.dumps(COMPLETION).encode(),
    headers: dict[str, str] | None = None,
    **exchange: Any,
) -> Contract:
    """Return the contract that is made of an exchange with this request and this answer."""
    template = asked or RequestTemplate(body={"model": "${model}"})
    contract = Contract(id="a/b", title="An exchange", request=template)
    sent = body or {"model": "small", "messages": []}
    content = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    wire = (("authorization", f"Bearer {KEY}"), ("x-api-key", KEY))
    came = Exchange(
        contract,
        Sent("POST", f"{BASE_URL}/chat/completions", wire, content),
        status=200,
        headers=tuple((headers or {"content-type": "application/json"}).items()),
        raw=answer,
        **exchange,
    )
    return make_contract(came, BASE_URL, "small", Redactor([KEY]), RECORDED)


def test_request_is_that_of_the_wire() -> None:
    """The request is written as it was sent, with a placeholder for the model alone."""
    body = {"model": "small", "messages": [{"role": "user", "content": "Is ${model} small?"}]}
    contract = made(body)
    assert contract.request.path == "/chat/completions"
    assert contract.request.body == {
        "model": "${model}",
        "messages": [{"role": "user", "content": "Is $${model} small?"}],
    }


def test_text_of_the_wire() -> None:
    """A request that is no JSON is written as text."""
    contract = made(b'{"model": ', asked=RequestTemplate(body_text='{"model": '))
    assert (contract.request.body, contract.request.body_text) == (None, '{"model": ')


def test_client_is_filled() -> None:
    """What our client makes of the answer is written beside it."""
    assert made().client == {
        "content": "ok",
        "finish_reason": "stop",
        "usage": {"input": 3, "output": 1, "cached": 0, "reasoning": 0},
    }


def test_headers() -> None:
    """Of the answer's headers a few are kept, in order; cookies and organizations are not."""
    headers = {
        "x-request-id": "req_1",
        "content-type": "application/json",
        "set-cookie": f"session={KEY}",
        "openai-organization": "acme",
        "x-ratelimit-limit-requests": "60",
        "date": "today",
        "server": "nginx",
    }
    response = made(headers=headers).response
    assert response is not None
    assert list(response.headers) == ["content-type", "x-ratelimit-limit-requests", "x-request-id"]


def test_request_headers() -> None:
    """Of the request's headers those of the contract are kept, unless they are personal."""
    asked = RequestTemplate(
        body={"model": "${model}"},
        headers={
            "accept": "*/*",
            "x-api-key": "1",
            "cookie": "1",
            "openai-organization": "1",
            "OpenAI-Project": "1",
        },
    )
    assert made(asked=asked).request.headers == {"accept": "*/*"}


SECRETS = [
    (KEY, "***"),
    ("sk-0123456789abcdefghij", "***"),
    ("org-AbCdEf1234567890", "org-***"),
    ("proj_AbCdEf1234567890", "proj-***"),
    ("user-2abcDEF34567", "user-***"),
    ("project_management", "project_management"),
]


@pytest.mark.parametrize(("secret", "written"), SECRETS)
@pytest.mark.parametrize("kind", ["application/json", "text/event-stream", "text/plain"])
def test_no_secret_is_written(secret: str, written: str, kind: str) -> None:
    """Secrets and ids of accounts are taken out of request and answer, and nothing else is."""
    text = f"you are {secret}."
    answer = json.dumps({"error": {"message": text}})
    content = {"text/event-stream": f"data: {answer}\n\n", "text/plain": text}.get(kind, answer)
    body = {"model": "small", "messages": [{"role": "user", "content": secret}]}
    contract = made(body, answer=content.encode(), headers={"content-type": kind})
    dumped = dump_contract(contract)
    assert f"you are {written}." in dumped
    assert KEY not in dumped


def test_answer_that_the_client_left() -> None:
    """A stream that the client left is written up to the event after which it left."""
    asked = RequestTemplate(body={"model": "${model}", "stream": True}, close_after_events=2)
    contract = made(
        asked=asked,
        answer=b"data: 1\n\ndata: 2\n\ndata: 3\n\nda",
        headers={"content-type": "text/event-stream"},
        closed_early=True,
    )
    assert contract.response is not None
    assert contract.response.sse == "data: 1\n\ndata: 2\n\n"


BODY = dict(COMPLETION)
STREAM = 'data: {"id": "1", "created": 1, "choices": [{"delta": {"content": "a"}}]}\n\n'

SAME = [
    (Answer(body=BODY), Answer(body={**BODY, "id": "other", "created": 2})),
    (Answer(body=BODY), Answer(body={**BODY, "usage": {"prompt_tokens": 9}})),
    (Answer(sse=STREAM), Answer(sse=STREAM.replace('"1"', '"2"').replace("1,", "2,"))),
    (
        Answer(headers={"x-request-id": "1"}, body_text="a"),
        Answer(headers={"x-request-id": "2"}, body_text="a"),
    ),
]
OTHER = [
    (Answer(body=BODY), Answer(body={**BODY, "object": "other"})),
    (Answer(body=BODY), Answer(body={k: v for k, v in BODY.items() if k != "id"})),
    (Answer(body=BODY), Answer(body={**BODY, "new": 1})),
    (Answer(sse=STREAM), Answer(sse=STREAM.replace('"a"', '"b"'))),
    (Answer(sse=STREAM), Answer(sse=STREAM + STREAM)),
    (Answer(sse=STREAM), Answer(sse=": ping\n\n" + STREAM)),
    (Answer(status=200), Answer(status=201)),
    (Answer(body_text="a"), Answer(headers={"x-request-id": "2"}, body_text="a")),
    (
        Answer(headers={"content-type": "text/plain"}, body_text="a"),
        Answer(headers={"content-type": "text/html"}, body_text="a"),
    ),
]


def holding(answer: Answer) -> Contract:
    """Return a contract with this answer."""
    return Contract(id="a", title="a", request=RequestTemplate(), response=answer)


@pytest.mark.parametrize(("one", "two"), SAME)
def test_same_but_for_ids(one: Answer, two: Answer) -> None:
    """Ids, times and counters make no difference."""
    assert comparable(holding(one)) == comparable(holding(two))


@pytest.mark.parametrize(("one", "two"), OTHER)
def test_other(one: Answer, two: Answer) -> None:
    """Anything else does, whether a member is there too."""
    assert comparable(holding(one)) != comparable(holding(two))


def test_file_is_replaced_only_if_the_answer_changed(tmp_path: Path) -> None:
    """A file is left alone while its answer says the same, and replaced when it does not."""
    contract = made()
    asked = Contract(id="a/b", title="An exchange", request=RequestTemplate())
    assert write_contract(contract, asked, tmp_path)
    before = (tmp_path / "a/b.yaml").read_bytes()
    later = dataclasses.replace(contract, recorded=Recorded(server="example", date="2027-01-01"))
    assert not write_contract(later, asked, tmp_path)
    assert (tmp_path / "a/b.yaml").read_bytes() == before
    changed = dataclasses.replace(later, response=Answer(status=500), client=None)
    assert write_contract(changed, asked, tmp_path)
    assert load_contract("a/b", folder=tmp_path) == changed


def test_file_keeps_what_people_wrote(tmp_path: Path) -> None:
    """A file with the request of the contract that was sent keeps title, request and `expect`."""
    asked = load_contract("tools/own-call")
    there = dataclasses.replace(asked, title="Mine", expect={"status": 200})
    file = tmp_path / "tools/own-call.yaml"
    file.parent.mkdir()
    file.write_text(dump_contract(there), "utf-8")
    contract = dataclasses.replace(made(), id="tools/own-call")
    assert write_contract(contract, asked, tmp_path)
    assert load_contract("tools/own-call", folder=tmp_path) == dataclasses.replace(
        there, recorded=contract.recorded, response=contract.response, client=contract.client
    )


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest with this plugin in a process of its own."""
    return pytester.runpytest_subprocess("-p", "pytest_byom.plugin", *arguments)


@pytest.fixture(autouse=True)
def _usual_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


RECORD = (
    "--byom-endpoint=embedded",
    "--byom-profile=full",
    "--byom-fuzz=0",
    "--byom-abuse",
    "--byom-record=rec",
)


def test_run_is_recorded(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run records each of its exchanges once; the next run changes nothing.

    What is only sent before or beside another request is not among them.
    """
    checks = [check for check in all_checks().values() if not check.fuzzes]
    planned = sorted(make_plan(checks, {}).contracts)
    monkeypatch.setenv("BYOM_API_KEY", KEY)
    result = run(pytester, *RECORD)
    result.stdout.fnmatch_lines([f"recorded: {len(planned)} new or changed contracts in rec"])
    folder = pytester.path / "rec"
    assert contract_ids(folder) == planned
    assert find_broken([folder]) == []
    before = {path: path.read_bytes() for path in folder.rglob("*.yaml")}
    result = run(pytester, *RECORD)
    result.stdout.fnmatch_lines(["recorded: 0 new or changed contracts in rec"])
    assert {path: path.read_bytes() for path in folder.rglob("*.yaml")} == before
    assert not any(KEY.encode() in content for content in before.values())
    assert not any(re.search(rb"^ +authorization:", text, re.M) for text in before.values())


def test_several_endpoints_have_folders(pytester: pytest.Pytester) -> None:
    """With several endpoints each has a folder, under a name that file systems take."""
    run(
        pytester,
        "--byom-endpoint=embedded",
        "--byom-endpoint=http://127.0.0.1:9/v1",
        "--byom-record=rec",
        "-k",
        "done_marker",
    )
    assert [path.name for path in (pytester.path / "rec").iterdir()] == ["embedded"]


REFUSED = [
    (["--byom-record=rec"], "--byom-record needs --byom-endpoint: who should be recorded?"),
    (
        ["-p", "xdist.plugin", "-n2", "--byom-endpoint=embedded", "--byom-record=rec"],
        "--byom-record needs one process: leave out -n",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_refused(pytester: pytest.Pytester, arguments: list[str], message: str) -> None:
    """What cannot be recorded is refused with one sentence."""
    result = run(pytester, *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


def test_folder_that_cannot_be_written(pytester: pytest.Pytester) -> None:
    """A folder that cannot be written is a usage error that names it."""
    pytester.makefile(".txt", rec="a file")
    result = run(pytester, "--byom-endpoint=embedded", "--byom-record=rec.txt", "-k", "done_marker")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --byom-record: cannot write to rec.txt: *"])


def test_file_that_is_no_contract(pytester: pytest.Pytester) -> None:
    """A file in the folder that is no contract is a usage error, and stays."""
    file = pytester.mkdir("rec") / "chat" / "plain.yaml"
    file.parent.mkdir()
    file.write_text("- notes\n")
    result = run(pytester, "--byom-endpoint=embedded", "--byom-record=rec", "-k", "done_marker")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --byom-record: rec/chat/plain.yaml:1: the file must be *"])
    assert file.read_text() == "- notes\n"
