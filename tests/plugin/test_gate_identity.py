"""Who answered: told by the server's answers, asked for gently, and compared by the gate."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.gate.exit_codes import STALE
from pytest_byom.mock.embedded import EmbeddedServer
from pytest_byom.mock.http1 import Reply, Request

from .servers import KEY, WithoutDone, serving

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Run

DONE = "stream.done-marker"
SAVE, GATE = "--byom-save=before.json", "--byom-baseline=before.json"
JSON = (("content-type", "application/json"),)


class Posing:
    """A server that calls itself otherwise: its header, its owner, and pages of its own."""

    def __init__(
        self, *, header: str = "", owner: str = "somebody", pages: Any = (), done: bool = True
    ) -> None:
        self._inner: Any = EmbeddedServer() if done else WithoutDone()
        self._header = header
        self._owner = owner
        self._pages: dict[str, Any] = dict(pages)
        self.asked: list[str] = []

    async def __call__(self, request: Request) -> Reply:
        self.asked += [request.path] if not request.path.startswith("/v1/") else []
        if request.path in self._pages:
            return Reply(200, JSON, json.dumps(self._pages[request.path]).encode())
        reply: Reply = await self._inner(request)
        headers = tuple(pair for pair in reply.headers if pair[0] != "server")
        headers += (("server", self._header),) if self._header else ()
        body = reply.body
        if request.path == "/v1/models" and isinstance(body, bytes):
            body = body.replace(b'"byom"', f'"{self._owner}"'.encode())
        return replace(reply, headers=headers, body=body)


def register(folder: Path, url: str, *lines: str) -> None:
    """Write a registry file with one endpoint."""
    text = "".join(f"    {line}\n" for line in (f"base_url: {url}", *lines))
    folder.joinpath("byom.yaml").write_text(f"endpoints:\n  mine:\n{text}")


def meet(run: Run, pytester: pytest.Pytester, app: Posing, *lines: str) -> dict[str, Any]:
    """Return the facts of a report about a server."""
    with serving(app) as url:
        register(pytester.path, url, *lines)
        run("--byom-endpoint=mine", "-k", DONE, "--byom-report=out")
    results = json.loads(pytester.path.joinpath("out", "results.json").read_text("utf-8"))
    facts: dict[str, Any] = results["endpoints"]["mine"]
    return facts


VERSION = {"/version": {"version": "0.19.1"}}
PROPS = {"/props": {"build_info": "b11549-3c3635c1", "model_path": "/secret/place"}}
OPENAPI = {"/openapi.json": {"info": {"title": "llama.cpp Python API", "version": "0.3.36"}}}
HINTED = ["/openapi.json", "/version"]
OLLAMA = {"/api/version": {"version": "0.33.0"}}

# Header, owner, pages -> kind, version, what was asked.
MET: list[tuple[str, str, Any, str, str, list[str]]] = [
    ("uvicorn", "vllm", VERSION, "vLLM", "0.19.1", ["/version"]),
    ("llama.cpp", "llamacpp", PROPS, "llama.cpp", "b11549-3c3635c1", ["/props"]),
    ("", "library", OLLAMA, "Ollama", "0.33.0", ["/api/version"]),
    ("uvicorn", "somebody", PROPS, "llama.cpp", "b11549-3c3635c1", ["/version", "/props"]),
    ("uvicorn", "somebody", (), "", "", ["/version", "/props"]),
    ("uvicorn", "me", OPENAPI, "llama-cpp-python", "0.3.36", ["/openapi.json"]),
    ("uvicorn", "me", {"/openapi.json": {"info": {"version": "1"}}}, "", "", HINTED),
    ("ours/2.1", "me", (), "ours", "2.1", []),
    ("nginx/1.25", "sglang", VERSION, "SGLang", "0.19.1", ["/version"]),
    ("uvicorn", "vllm", {"/version": ["odd"]}, "vLLM", "", ["/version"]),
    ("uvicorn", "vllm", {"/version": {"version": "<b>x</b>"}}, "vLLM", "", ["/version"]),
]


@pytest.mark.parametrize(("header", "owner", "pages", "kind", "version", "asked"), MET)
def test_identity(
    run: Run,
    pytester: pytest.Pytester,
    header: str,
    owner: str,
    pages: Any,
    kind: str,
    version: str,
    asked: list[str],
) -> None:
    """Kind and version come from headers, owners and at most two pages of the server."""
    app = Posing(header=header, owner=owner, pages=pages)
    facts = meet(run, pytester, app)
    identity = facts["identity"]
    assert (identity["kind"], identity["version"]) == (kind, version)
    assert app.asked == asked
    assert facts["sent"] == 3 + len(asked)
    assert (identity["models"], identity["owned_by"]) == (["byom-embedded"], [owner])
    assert "secret/place" not in json.dumps(facts)


def test_clouds_are_not_asked(run: Run, pytester: pytest.Pytester) -> None:
    """A cloud has no page for its version, and is not asked for one."""
    app = Posing(header="uvicorn")
    meet(run, pytester, app, "dialect: groq")
    assert app.asked == []


def test_nobody_is_asked_for_nothing(run: Run, pytester: pytest.Pytester) -> None:
    """A run that writes nothing and compares nothing asks no page."""
    app = Posing(header="uvicorn", owner="vllm", pages=VERSION)
    with serving(app) as url:
        register(pytester.path, url)
        run("--byom-endpoint=mine", "-k", DONE)
    assert app.asked == []


def gate(run: Run, pytester: pytest.Pytester, *apps: Posing) -> list[str]:
    """Save one server, gate another, and return the lines of the gate."""
    for app, option in zip(apps, (SAVE, GATE), strict=True):
        with serving(app) as url:
            register(pytester.path, url, "gate: {slower: 100}")
            result = run("--byom-endpoint=mine", "-k", DONE, option)
    lines = result.stdout.lines
    return lines[next(n for n, line in enumerate(lines) if " gate " in line) + 1 :]


def test_another_kind(run: Run, pytester: pytest.Pytester) -> None:
    """A gate against another kind of server says so first."""
    lines = gate(
        run,
        pytester,
        Posing(owner="vllm", pages=VERSION),
        Posing(owner="library", pages=OLLAMA),
    )
    assert lines[:2] == [
        "mine is another kind of server than the baseline's: Ollama 0.33.0, and it was vLLM 0.19.1",
        "gate passed: no difference; 1 check and 3 answers compared with before.json of "
        + lines[1][-10:],
    ]


def test_another_version(run: Run, pytester: pytest.Pytester) -> None:
    """Another version of the same server is what a gate is for: it needs no word."""
    newer = Posing(owner="vllm", pages={"/version": {"version": "0.20.0"}})
    lines = gate(run, pytester, Posing(owner="vllm", pages=VERSION), newer)
    assert lines[0].startswith("gate passed: no difference") or "first token" in lines[0]
    assert "another kind" not in "\n".join(lines)


ENTRY = (
    "deviations:",
    f"  - check: {DONE}",
    "    reason: the parser drops it",
    "    versions: '>=0.19, <0.20'",
)


def test_deviation_of_this_version(run: Run, pytester: pytest.Pytester) -> None:
    """A known deviation of this version is accepted; the version is asked for only then."""
    app = Posing(owner="vllm", pages=VERSION, done=False)
    with serving(app) as url:
        register(pytester.path, url, *ENTRY)
        result = run("--byom-endpoint=mine", "-k", DONE)
    assert result.ret == 0
    assert result.parseoutcomes()["known"] == 1
    assert app.asked == ["/version"]


def test_deviation_of_another_version(run: Run, pytester: pytest.Pytester) -> None:
    """On another version it does not hold, and has to be looked at."""
    pages = {"/version": {"version": "0.20.0"}}
    said = (
        f"mine: the known deviation '{DONE}' is for versions >=0.19, <0.20, and the server is "
        "0.20.0"
    )
    for done, code in ((False, 1), (True, STALE)):
        with serving(Posing(owner="vllm", pages=pages, done=done)) as url:
            register(pytester.path, url, *ENTRY)
            result = run("--byom-endpoint=mine", "-k", DONE)
        assert result.ret == code
        result.stdout.fnmatch_lines([said])


class Parroting(Posing):
    """A server that repeats the key wherever it can."""

    async def __call__(self, request: Request) -> Reply:
        reply = await super().__call__(request)
        body = reply.body
        if isinstance(body, bytes):
            body = body.replace(b'"code": null', f'"code": "{KEY}"'.encode())
            body = body.replace(b'"refusal": null', f'"{KEY}": null'.encode())
        return replace(reply, headers=(*reply.headers, (f"x-{KEY}", "1")), body=body)


def test_no_secret_in_a_baseline(
    run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No key gets into a baseline or the words of a gate, even if the server repeats it."""
    monkeypatch.setenv("MINE_KEY", KEY)
    texts = []
    for app, option in (
        (Parroting(header=f"ours/{KEY}"), SAVE),
        (Posing(), GATE),
        (Parroting(pages={"/version": {"version": KEY}}), GATE),
    ):
        with serving(app) as url:
            register(pytester.path, url, "api_key: ${MINE_KEY}")
            result = run("--byom-endpoint=mine", "-k", "errors or models", option)
        texts.append(result.stdout.str())
    saved = pytester.path.joinpath("before.json").read_text("utf-8")
    assert "***" in saved
    assert "***" in texts[1]
    assert KEY not in "\n".join([saved, *texts])


def test_processes(pytester: pytest.Pytester) -> None:
    """-n saves the same lines as one process, and gates alike."""
    both = ("--byom-endpoint=mine", "--byom-endpoint=other", "-k", "stream")
    options = ("-p", "pytest_byom.plugin", *both)
    with serving(Posing()) as one, serving(Posing(done=False)) as two:
        text = f"endpoints: {{mine: {{base_url: '{one}'}}, other: {{base_url: '{two}'}}}}"
        pytester.path.joinpath("byom.yaml").write_text(text)
        for name, more in (("one.json", ()), ("two.json", ("-p", "xdist", "-n", "2"))):
            saved = pytester.runpytest_subprocess(*options, *more, f"--byom-save={name}")
            assert saved.ret == 1
        text = f"endpoints: {{mine: {{base_url: '{two}'}}, other: {{base_url: '{two}'}}}}"
        pytester.path.joinpath("byom.yaml").write_text(text)
        gated = pytester.runpytest_subprocess(*options, *more, "--byom-baseline=one.json")
    files = [
        pytester.path.joinpath(name).read_text("utf-8").splitlines()
        for name in ("one.json", "two.json")
    ]
    assert files[0][2:] == files[1][2:]
    assert gated.ret == 1
    gated.stdout.fnmatch_lines(
        [f"  mine: {DONE}: passed, now failed. *", "gate failed: 1 regressed, *"]
    )
