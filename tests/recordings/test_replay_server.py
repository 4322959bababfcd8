"""A replayed server answers as it was recorded, and the suite's rules find its profile in it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pytest_byom.client.sse import SSEDecoder
from pytest_byom.conformance.catalogue import suite_functions
from pytest_byom.conformance.finding import FINDS
from pytest_byom.conformance.profiles import Profile, selector
from pytest_byom.conformance.target import Target
from pytest_byom.mock.http1 import BackgroundServer
from pytest_byom.registry import Endpoint
from pytest_byom.registry.dialects import read_profile

from .judging import CREATED
from .replay import body_of, load, recording_files
from .replay_server import AS_THEY_CAME, ReplayServer, replaying, request_of

if TYPE_CHECKING:
    from collections.abc import Iterator

CLOUDS = ["groq", "lmstudio", "mistral", "ollama", "openrouter", "xai"]
ASKED_OTHERWISE = frozenset({"tools.call-name", "response.model-asked"})
"""Rules that hold an answer against its request, which was another one when it was recorded."""


@pytest.fixture(scope="module", params=CLOUDS)
def replayed(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """A replayed server: its name and its base URL."""
    with BackgroundServer(replaying(request.param)) as server:
        yield request.param, f"{server.url}/v1"


def still(body: bytes) -> bytes:
    """A body without the time at which it was sent."""
    return CREATED.sub(rb"\g<1>0", body)


def test_what_was_asked_is_answered_as_it_was(replayed: tuple[str, str]) -> None:
    """A request that was recorded gets an answer that was recorded for it, byte by byte."""
    name, url = replayed
    recordings = [load(path) for path in recording_files() if path.parent.name == name]
    chats = [
        each
        for each in recordings
        if each["endpoint"] == "chat"
        and isinstance(each["request"].get("body"), dict)
        and each["fidelity"] in AS_THEY_CAME
    ]
    assert chats
    with httpx.Client(trust_env=False) as client:
        for recording in chats[:40]:
            body = recording["request"]["body"]
            same = [each for each in chats if each["request"]["body"] == body]
            answer = client.post(f"{url}/chat/completions", json=body)
            assert answer.status_code in {each["response"]["status"] for each in same}
            assert still(answer.content) in [still(body_of(each)) for each in same]


def test_what_was_not_asked_gets_the_nearest(replayed: tuple[str, str]) -> None:
    """A new request for a stream gets a stream, a new plain one a JSON answer, no error."""
    _, url = replayed
    asked: dict[str, Any] = {
        "model": "m",
        "messages": [{"role": "user", "content": "What was never asked before?"}],
    }
    with httpx.Client(trust_env=False) as client:
        plain = client.post(f"{url}/chat/completions", json=asked)
        streamed = client.post(f"{url}/chat/completions", json=asked | {"stream": True})
        listed = client.get(f"{url}/models")
    assert (plain.status_code, streamed.status_code, listed.status_code) == (200, 200, 200)
    assert plain.json()["choices"]
    assert SSEDecoder().feed(streamed.content)
    assert listed.json()["data"]


def test_the_rules_find_the_profile(replayed: tuple[str, str]) -> None:
    """What the rules find at a replayed server on the way of a real run stands in its profile."""
    name, url = replayed
    profile = read_profile(name)
    said = {entry["check"] for entry in [*profile["deviations"], *profile.get("past", [])]}
    assert rules_at(url) <= said


def rules_at(url: str) -> set[str]:
    """The rules that find something in the answers to a quick run.

    Recorders leave headers out: that one is missing is not heard.
    """
    quick = selector(Profile.QUICK)
    chosen = [(check, run) for check, run in suite_functions() if quick(check)]
    target = Target(Endpoint(name="replayed", base_url=url, api_key="sk-any-key"), model="m")
    found = set()
    try:
        target.open(check for check, _ in chosen)
        for check, run in chosen:
            if check.on is None or check.id in ASKED_OTHERWISE:
                continue
            verdict = target.judge(check, partial(run, target.traffic()))
            heard = [
                finding
                for finding in verdict.findings
                if not (finding.place.startswith("header ") and finding.got == "nothing")
            ]
            if verdict.outcome in FINDS and heard:
                found.add(check.id)
    finally:
        target.close()
    return found


def made(status: int, text: str, **body: Any) -> dict[str, Any]:
    """A recording of a few words."""
    return {
        "endpoint": "chat",
        "flags": {"stream": bool(body.get("stream")), "tools": False},
        "request": {"body": body},
        "response": {"status": status, "headers": {}, "body": {"said": text}},
    }


HELLO = [{"role": "user", "content": "Hello"}]
OTHER = [{"role": "user", "content": "Bye"}]
TOOL = {"type": "function", "function": {"name": "f"}}
SET = [
    made(200, "plain", messages=HELLO),
    made(200, "tools", messages=HELLO, tools=[TOOL]),
    made(200, "schema", messages=HELLO, response_format={"type": "json_object"}),
    made(400, "refused", messages=HELLO, logprobs=True),
]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"messages": HELLO}, "plain"),
        ({"messages": OTHER}, "plain"),
        ({"messages": OTHER, "tools": [TOOL]}, "tools"),
        ({"messages": OTHER, "response_format": {"type": "json_object"}}, "schema"),
        ({"messages": HELLO, "logprobs": True}, "refused"),
        ({"messages": OTHER, "logprobs": True}, "plain"),
        ({}, "plain"),
        ({"messages": "no list", "tools": "none"}, "plain"),
    ],
)
def test_nearest(body: dict[str, Any], said: str) -> None:
    """The kind of a request comes first, its words last; an error is for its own request."""
    assert ReplayServer(SET).nearest(body)["response"]["body"]["said"] == said


def test_a_request_that_was_not_kept() -> None:
    """Of a recording without its request, what is known is whether it streamed and had tools."""
    kept = {**SET[1], "request": {"body": None}, "flags": {"stream": True, "tools": True}}
    assert request_of(kept) == {"stream": True, "tools": [{}]}


def test_what_is_no_chat() -> None:
    """Another path and a broken body are errors, and the models are those that were asked."""
    with BackgroundServer(ReplayServer(SET)) as server, httpx.Client(trust_env=False) as client:
        assert client.get(f"{server.url}/v1/embeddings").status_code == 404
        broken = client.post(f"{server.url}/v1/chat/completions", content=b"{")
        assert broken.status_code == 400
        listed = client.get(f"{server.url}/v1/models").json()
    assert [entry["id"] for entry in listed["data"]] == ["recorded"]
