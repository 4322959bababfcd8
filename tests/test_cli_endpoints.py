"""`byom endpoints` and `byom init`: who is found, what is said, and what is never asked."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest
from plugin.servers import JSON, KEY, Counting, empty_list, free_url, hangs, not_found, serving

from pytest_byom import endpoint_commands
from pytest_byom.cli import main
from pytest_byom.mock.embedded import EmbeddedServer
from pytest_byom.mock.http1 import Application, Reply, Request
from pytest_byom.registry import Endpoint, load_registry
from pytest_byom.registry.dialects import list_dialects, load_dialect
from pytest_byom.survey import Found, State, survey, survey_registry

if TYPE_CHECKING:
    from pathlib import Path

PATIENT = ("--timeout", "30")
"""Where a test has no server that is silent, a busy machine may take its time."""

VARIABLES = ("BYOM_REGISTRY", "BYOM_API_KEY")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own, without a key in the environment."""
    monkeypatch.chdir(tmp_path)
    keys = [load_dialect(name).key_variable for name in list_dialects()]
    for name in (*VARIABLES, *filter(None, keys)):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def speaking(pages: dict[str, Any], **headers: str) -> Application:
    """Return a server of a few JSON pages; it answers 404 to all else."""

    async def answer(request: Request) -> Reply:
        if request.path not in pages:
            return Reply(404, JSON, b"{}")
        more = tuple(headers.items())
        return Reply(200, (*JSON, *more), json.dumps(pages[request.path]).encode())

    return answer


def listing(*names: str, owner: str | None = None) -> dict[str, Any]:
    """Return a list of models."""
    own = {"owned_by": owner} if owner else {}
    return {"object": "list", "data": [{"id": name, "object": "model"} | own for name in names]}


def look(app: Application, **fields: Any) -> Found:
    """Return what is found at a server."""
    with serving(app) as url:
        [found] = survey([Endpoint(name="mine", base_url=url, **fields)], seconds=30)
    return found


def test_a_server_is_named() -> None:
    """A server that says who it is in its header is found by that, with its models."""
    found = look(EmbeddedServer())
    assert (found.state, found.who) == (State.REACHABLE, "byom-embedded")
    assert found.models == ("byom-embedded",)
    assert found.advice == ""


OPENAPI = {"info": {"title": "🦙 llama.cpp Python API", "version": "0.3.36"}}
"""What llama-cpp-python says of itself at /openapi.json, to everybody."""

OWN_PAGES = [
    ("ollama", "/api/version", {"version": "0.33.0"}, "library", "Ollama 0.33.0"),
    ("ollama", "/api/version", {"version": "0.33.0"}, "somebody", "Ollama 0.33.0"),
    ("vllm", "/version", {"version": "0.32.0"}, "vllm", "vLLM 0.32.0"),
    ("llamacpp", "/props", {"build_info": "b11549-1"}, "llamacpp", "llama.cpp b11549-1"),
    ("localai", "/version", {"version": "v3.7.0 (abc)"}, None, "LocalAI v3.7.0 (abc)"),
    ("localai", "/props", {"build_info": "b11549-1"}, "llamacpp", "llama.cpp b11549-1"),
    ("llamacpp", "/version", {"version": "7"}, None, "7"),
    ("llama-cpp-python", "/openapi.json", OPENAPI, "me", "llama-cpp-python 0.3.36"),
    ("llama-cpp-python", "/openapi.json", OPENAPI, None, "llama-cpp-python 0.3.36"),
    ("vllm", "/openapi.json", OPENAPI, "me", "llama-cpp-python 0.3.36"),
    ("llama-cpp-python", "/version", {"version": "0.32.0"}, "vllm", "vLLM 0.32.0"),
    ("llama-cpp-python", "/openapi.json", {"info": {"title": "Mine", "version": "1"}}, None, ""),
    ("llama-cpp-python", "/openapi.json", {"info": "none"}, None, ""),
]


@pytest.mark.parametrize(("dialect", "path", "page", "owner", "who"), OWN_PAGES)
def test_who_answers(dialect: str, path: str, page: Any, owner: str | None, who: str) -> None:
    """Owner of the models and the server's own page tell who it is, whatever the name says."""
    found = look(speaking({"/v1/models": listing("m", owner=owner), path: page}), dialect=dialect)
    assert found.who == who


def test_another_server_than_the_usual() -> None:
    """Two servers share a port: who is there is said, and who is not."""
    pages = {"/v1/models": listing("m", owner="llamacpp")}
    assert look(speaking(pages), dialect="localai").advice == "not LocalAI"
    assert look(speaking(pages), dialect="llamacpp").advice == ""
    assert look(speaking(pages)).advice == ""


def test_a_server_that_would_say_who_it_is() -> None:
    """Whoever says nothing is not taken for a server that says who it is to everybody."""
    pages = {"/v1/models": listing("m")}
    assert look(speaking(pages), dialect="llama-cpp-python").advice == "not llama-cpp-python"
    assert look(speaking(pages), dialect="vllm").advice == ""


@pytest.mark.parametrize(
    ("app", "state", "advice"),
    [
        (empty_list, State.REACHABLE, "It lists no model"),
        (
            not_found,
            State.REACHABLE,
            "GET /models answers 404: see whether base_url is right",
        ),
        (EmbeddedServer(api_key=KEY), State.REFUSED, "Set api_key in byom.yaml"),
    ],
    ids=["no-model", "not-found", "no-key"],
)
def test_advice(app: Application, state: State, advice: str) -> None:
    """What keeps a server that answers from being judged is said."""
    found = look(app)
    assert (found.state, found.advice) == (state, advice)


def test_a_wrong_key_is_named_by_its_variable() -> None:
    """A key that is refused is looked for where it came from."""
    found = look(EmbeddedServer(api_key=KEY), api_key="sk-wrong-key-1", key_variable="MY_KEY")
    assert (found.state, found.advice) == (State.REFUSED, "See whether MY_KEY is right")


def test_all_are_asked_side_by_side() -> None:
    """Servers that never answer hold up no other, and none is waited for longer than all."""
    with serving(hangs) as silent, serving(EmbeddedServer()) as url:
        names = [(f"silent-{number}", silent) for number in range(40)] + [("mine", url)]
        found = survey([Endpoint(name=name, base_url=at) for name, at in names], seconds=3)
    assert [each.name for each in found] == [name for name, _ in names]
    assert {each.state for each in found[:-1]} == {State.SILENT}
    assert found[0].advice == "It took too long to answer"
    assert found[-1].state is State.REACHABLE


def test_a_version_that_does_not_come_is_not_waited_for() -> None:
    """A server whose page hangs is reachable all the same."""

    async def half(request: Request) -> Reply:
        if request.path == "/v1/models":
            return Reply(200, JSON, json.dumps(listing("m", owner="vllm")).encode())
        return await hangs(request)

    with serving(half) as url:
        [found] = survey([Endpoint(name="vllm", base_url=url, dialect="vllm")], seconds=3)
    assert (found.state, found.who, found.models) == (State.REACHABLE, "vLLM", ("m",))


def test_no_endpoint() -> None:
    """Nothing to ask is nothing found."""
    assert survey([]) == []


def test_a_cloud_is_left_alone_without_a_key() -> None:
    """Without a key or an entry in the file, a provider is not asked, and it is said what to do."""
    registry = load_registry(environ={})
    clouds = {"groq", "mistral", "openrouter", "xai"}
    registry = dataclasses.replace(
        registry, endpoints={name: registry.endpoints[name] for name in clouds}
    )
    found = {each.name: each for each in survey_registry(registry)}
    assert {each.state for each in found.values()} == {State.LEFT}
    assert found["groq"].advice == "Set GROQ_API_KEY"


@pytest.mark.parametrize(
    ("environ", "own", "asked"),
    [({}, False, False), ({"GROQ_API_KEY": KEY}, False, True), ({}, True, True)],
    ids=["nothing", "key", "file"],
)
def test_who_may_be_asked(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], own: bool, asked: bool
) -> None:
    """A provider is asked if its key is set or the file names it, with that key."""
    app = Counting()
    with serving(app) as url:
        move_home(monkeypatch, "groq", url)
        endpoint = load_registry(environ=environ).endpoint("groq")
        assert endpoint.is_provider
        registry = dataclasses.replace(
            load_registry(environ=environ),
            endpoints={"groq": endpoint},
            own=("groq",) if own else (),
        )
        [found] = survey_registry(registry, seconds=30)
    assert found.state is (State.REACHABLE if asked else State.LEFT)
    assert [request.header("authorization") for request in app.requests] == (
        [f"Bearer {KEY}" if environ else None] if asked else []
    )


def move_home(monkeypatch: pytest.MonkeyPatch, name: str, url: str) -> None:
    """Let a known server be at home somewhere else: no test asks a real one."""
    moved = dataclasses.replace(load_dialect(name), base_url=url)
    monkeypatch.setattr(
        "pytest_byom.registry.entries.load_dialect",
        lambda wanted: moved if wanted == name else load_dialect(wanted),
    )


FILE = """\
endpoints:
  mine: {base_url: %s}
  broken: {base_url: "http://localhost/v1", api_key: "${NOT_SET}"}
"""


def test_the_list(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints a line for each endpoint: state, place, server, models or advice."""
    with serving(EmbeddedServer()) as url:
        (folder / "mine.yaml").write_text(FILE % url, "utf-8")
        assert main(["endpoints", "--registry", "mine.yaml", *PATIENT]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines.keys() == {"mine", "broken", *list_dialects()}
    assert lines["mine"].startswith(f"{'mine':<18}reachable      {url}: byom-embedded")
    assert lines["mine"].endswith(", 1 model: byom-embedded")
    assert "needs the environment variable NOT_SET, which is not set" in lines["broken"]
    assert lines["groq"] == (
        f"{'groq':<18}not asked      https://api.groq.com/openai/v1: Set GROQ_API_KEY"
    )
    assert lines["embedded"] == f"{'embedded':<18}not asked      It is started with the run"


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_a_time_that_is_none(capsys: pytest.CaptureFixture[str], seconds: str) -> None:
    """A time to wait that cannot be meant is said, before anybody is asked."""
    assert main(["endpoints", "--timeout", seconds]) == 4
    assert "--timeout has to be more than 0 and at most 600 seconds" in capsys.readouterr().err


def test_an_endpoint_that_nobody_knows() -> None:
    """A server of one's own that is not there has advice, too."""
    [found] = survey([Endpoint(name="mine", base_url=free_url())], seconds=30)
    assert (found.state, found.advice) == (State.SILENT, "Start the server, or correct base_url")


def test_a_hostile_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a server calls its model moves no cursor, and fills no screen."""
    pages = {"/v1/models": listing("\x1b[2Jgone\n", "long" * 1000, "three", "four", "five")}
    with serving(speaking(pages)) as url:
        (folder / "byom.yaml").write_text(f"endpoints:\n  mine: {{base_url: {url}}}\n", "utf-8")
        main(["endpoints", *PATIENT])
    [line] = [line for line in capsys.readouterr().out.split("\n") if line.startswith("mine")]
    assert line.endswith(f"5 models: ?[2Jgone?, {'long' * 19}lon…, three, four, …")


def test_no_key_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A server that says the key wherever it can shows it to nobody."""
    pages = {"/v1/models": listing(f"model-{KEY}", owner=KEY), "/version": {"version": KEY}}
    with serving(speaking(pages, server=f"{KEY}/{KEY}")) as url:
        text = f"endpoints:\n  mine:\n    base_url: {url}\n    api_key: {KEY}\n"
        (folder / "byom.yaml").write_text(text, "utf-8")
        main(["endpoints", *PATIENT])
    assert KEY not in "".join(capsys.readouterr())


def candidates(monkeypatch: pytest.MonkeyPatch, **urls: str) -> None:
    """Let the known servers be at these URLs; of the others none is there."""
    free = free_url()

    def known() -> list[Endpoint]:
        endpoints = [load_registry().endpoint(name) for name in list_dialects()]
        return [
            each
            if each.is_provider
            else dataclasses.replace(each, base_url=urls.get(each.name, free))
            for each in endpoints
        ]

    monkeypatch.setattr(endpoint_commands, "known_endpoints", known)


def test_init(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file has what runs and whose key is set, never the key, and it can be used."""
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    pages = {"/v1/models": listing("a: ${B}", owner="vllm"), "/version": {"version": "0.32.0"}}
    with serving(speaking(pages)) as url:
        candidates(monkeypatch, vllm=url)
        assert main(["init", *PATIENT]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines() == [
        "vllm: vLLM 0.32.0",
        "groq: its key is in GROQ_API_KEY",
        "byom.yaml: 2 endpoints",
        "next: pytest --byom-endpoint=vllm",
    ]
    written = (folder / "byom.yaml").read_text("utf-8")
    assert KEY not in written + printed
    registry = load_registry()
    assert registry.own == ("vllm", "groq")
    assert registry.warnings == ()
    assert registry.endpoint("vllm").base_url == url
    assert registry.endpoint("vllm").model == "a: $B}"
    assert registry.endpoint("groq").api_key == KEY


def test_init_of_two_on_one_port(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that two servers share gives one entry, named after who is there."""
    pages = {"/v1/models": listing("m"), "/version": {"version": "v3.7.0"}}
    with serving(speaking(pages)) as url:
        candidates(monkeypatch, llamacpp=url, localai=url)
        main(["init", *PATIENT])
    assert load_registry().own == ("localai",)


@pytest.mark.parametrize(
    ("more", "owner", "name"),
    [
        ({"/openapi.json": OPENAPI}, "me", "llama-cpp-python"),
        ({"/version": {"version": "0.32.0"}}, "vllm", "vllm"),
        ({}, None, "vllm"),
    ],
    ids=["llama-cpp-python", "vllm", "nobody"],
)
def test_init_at_port_8000(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: dict[str, Any],
    owner: str | None,
    name: str,
) -> None:
    """At the port of vLLM a server of llama-cpp-python is told by its owner, a stranger is not."""
    with serving(speaking({"/v1/models": listing("m", owner=owner), **more})) as url:
        candidates(monkeypatch, **{"vllm": url, "llama-cpp-python": url})
        main(["init", *PATIENT])
    assert load_registry().own == (name,)


def test_init_of_a_llama_cpp_python_with_a_key(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that shows its models to nobody without a key still says who it is."""

    async def locked(request: Request) -> Reply:
        body = OPENAPI if request.path == "/openapi.json" else {"detail": "Invalid API key"}
        status = 200 if request.path == "/openapi.json" else 401
        return Reply(status, JSON, json.dumps(body).encode())

    with serving(locked) as url:
        candidates(monkeypatch, **{"vllm": url, "llama-cpp-python": url})
        main(["init", *PATIENT])
    assert load_registry().own == ("llama-cpp-python",)
    assert "# api_key: ${NAME}" in (folder / "byom.yaml").read_text("utf-8")


def test_init_of_a_stranger(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server on the port of another is taken for what it is."""
    pages = {"/v1/models": listing("m", owner="vllm"), "/version": {"version": "0.32.0"}}
    with serving(speaking(pages)) as url:
        candidates(monkeypatch, lmstudio=url)
        main(["init", *PATIENT])
    assert load_registry().endpoint("lmstudio").dialect == "vllm"


def test_init_of_a_server_of_no_dialect(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that no dialect is of has none, so that no deviation of another is expected."""
    pages = {"/v1/models": listing("m", owner="sglang"), "/version": {"version": "0.5"}}
    with serving(speaking(pages)) as url:
        candidates(monkeypatch, vllm=url)
        main(["init", *PATIENT])
    assert "dialect: null" in (folder / "byom.yaml").read_text("utf-8")


def test_init_of_a_server_with_a_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that asks for a key is written with a place for it."""
    with serving(EmbeddedServer(api_key=KEY)) as url:
        candidates(monkeypatch, vllm=url)
        main(["init", *PATIENT])
    assert "# api_key: ${NAME}" in (folder / "byom.yaml").read_text("utf-8")


def test_init_overwrites_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is there stays, unless --force is given."""
    (folder / "byom.yaml").write_text("# mine\n", "utf-8")
    monkeypatch.setenv("XAI_API_KEY", KEY)
    candidates(monkeypatch)
    assert main(["init", *PATIENT]) == 4
    assert "byom.yaml is there already; --force replaces it" in capsys.readouterr().err
    assert (folder / "byom.yaml").read_text("utf-8") == "# mine\n"
    assert main(["init", "--force", *PATIENT]) == 0
    assert load_registry().own == ("xai",)


def test_init_with_nothing_to_write(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing runs and no key is set, no file is written, and it is said what helps."""
    candidates(monkeypatch)
    assert main(["init", *PATIENT]) == 4
    assert "no known server answers on this machine" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_init_where_nothing_can_be_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that is not there is said in one line."""
    monkeypatch.setenv("XAI_API_KEY", KEY)
    candidates(monkeypatch)
    assert main(["init", "--file", "missing/byom.yaml", *PATIENT]) == 4
    assert "cannot be written: No such file or directory" in capsys.readouterr().err


def test_known_endpoints_need_no_file(folder: Path) -> None:
    """What is known is not what a file in the folder says."""
    (folder / "byom.yaml").write_text("endpoints:\n  ollama: {base_url: http://x/v1}\n", "utf-8")
    found = {each.name: each for each in endpoint_commands.known_endpoints()}
    assert tuple(found) == list_dialects()
    assert found["ollama"].base_url == load_dialect("ollama").base_url


def test_init_asks_no_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in the environment is enough for an entry: nobody is asked with it."""
    app = Counting()
    with serving(app) as url:
        move_home(monkeypatch, "groq", url)
        monkeypatch.setenv("GROQ_API_KEY", KEY)
        free = free_url()
        groq = load_registry().endpoint("groq")
        local = Endpoint(name="vllm", base_url=free, dialect="vllm")
        monkeypatch.setattr(endpoint_commands, "known_endpoints", lambda: [groq, local])
        assert main(["init", *PATIENT]) == 0
    assert app.requests == []
