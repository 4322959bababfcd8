"""Where nothing can be judged, a run says so in one paragraph and ends with exit code 10."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from pytest_byom.gate.exit_codes import NOTHING_JUDGED
from pytest_byom.mock.embedded import EmbeddedServer

from .servers import (
    KEY,
    Dying,
    HangsInChat,
    empty_list,
    free_url,
    hangs,
    not_found,
    serving,
    website,
)

if TYPE_CHECKING:
    from pytest_byom.mock.http1 import Application

    from .conftest import Run

TROUBLES: list[tuple[str, Application, str]] = [
    (
        "website",
        website,
        (
            "does not look like an OpenAI-compatible server: GET /models was answered with 200 "
            "text/html. See whether base_url is right (it usually ends in /v1); if it is, name the "
            "model with --byom-model=NAME."
        ),
    ),
    (
        "not-found",
        not_found,
        (
            "does not look like an OpenAI-compatible server: GET /models was answered with 404 "
            "text/plain. See whether base_url is right (it usually ends in /v1); if it is, name "
            "the model with --byom-model=NAME."
        ),
    ),
    (
        "no-model",
        empty_list,
        (
            "serves no model: its list of models is empty. Load or pull one, or name it with "
            "--byom-model=NAME."
        ),
    ),
    (
        "hangs",
        hangs,
        (
            "took the connection and then gave no answer to GET /models: no answer: not a byte for "
            "1 s. See whether the server hangs or is still loading a model; --byom-timeout=SECONDS "
            "lets it take longer."
        ),
    ),
    (
        "hangs-in-chat",
        HangsInChat(),
        (
            "gave no answer to a minimal chat request: no answer: not a byte for 1 s. "
            "--byom-timeout=SECONDS lets a slow model take longer."
        ),
    ),
    (
        "no-key",
        EmbeddedServer(api_key=KEY),
        (
            "refused the key: 401 You didn't provide an API key. Send it in an Authorization "
            "header using Bearer auth (Authorization: Bearer KEY). Set api_key for it in byom.yaml."
        ),
    ),
]


def said(result: pytest.RunResult) -> str:
    """Return the section of the plugin, its lines joined."""
    lines = result.stdout.lines
    start = next(number for number, line in enumerate(lines) if " byom ===" in line)
    return " ".join(line.strip() for line in lines[start + 1 : -1])


def assert_nothing_judged(result: pytest.RunResult, url: str, sentence: str) -> None:
    """The run ended with its own exit code, one paragraph, and no traceback."""
    name = url.removeprefix("http://").removesuffix("/v1")
    assert said(result) == f"{name} could not be judged. {name} ({url}) {sentence}"
    assert result.ret == NOTHING_JUDGED
    assert set(result.parseoutcomes()) == {"deselected"}
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize(
    ("app", "sentence"), [pytest.param(app, text, id=id) for id, app, text in TROUBLES]
)
def test_trouble(run: Run, app: Application, sentence: str) -> None:
    """What answers, but cannot be judged, is described with the next step."""
    with serving(app) as url:
        result = run(f"--byom-endpoint={url}", "--byom-timeout=1")
    assert_nothing_judged(result, url, sentence)


def test_unreachable(run: Run) -> None:
    """A server that is not there is named with its address."""
    url = free_url()
    result = run(f"--byom-endpoint={url}")
    assert_nothing_judged(
        result,
        url,
        "is not reachable: no connection: All connection attempts failed. Start the server, or "
        "correct base_url.",
    )


def test_wrong_key(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that the server refuses is named by its variable, never shown."""
    monkeypatch.setenv("BYOM_API_KEY", "wrong-0123456789")
    with serving(EmbeddedServer(api_key=KEY)) as url:
        result = run(f"--byom-endpoint={url}")
    assert_nothing_judged(
        result,
        url,
        "refused the key: 401 Incorrect API key provided. See whether BYOM_API_KEY is right.",
    )


def test_unknown_model(run: Run) -> None:
    """A model that the server does not have is answered with those that it lists."""
    with serving(EmbeddedServer()) as url:
        result = run(f"--byom-endpoint={url}", "--byom-model=nope")
    assert_nothing_judged(
        result,
        url,
        "does not serve the model 'nope' (404: The model 'nope' does not exist or you do not have "
        "access to it.). It lists: byom-embedded.",
    )


def test_verdict_of_others_is_kept(run: Run, suite_size: int) -> None:
    """One of two endpoints that cannot be judged does not keep the other from being judged."""
    result = run(f"--byom-endpoint={free_url()}", "--byom-endpoint=embedded")
    assert result.ret == NOTHING_JUDGED
    assert result.parseoutcomes() == {
        "passed": suite_size - 1,
        "unsupported": 1,
        "deselected": suite_size,
    }
    result.stdout.re_match_lines(
        [r"127\.0\.0\.1:\d+ could not be judged\.", r"embedded +passed +unsupported"]
    )


def test_dying_server(run: Run) -> None:
    """A server that goes away is said to be gone once, soon, and the run is not green."""
    started = time.monotonic()
    with Dying(after=12).serving() as url:
        result = run(f"--byom-endpoint={url}")
    assert time.monotonic() - started < 20  # a guard against hanging, no measurement
    assert result.ret == NOTHING_JUDGED
    name = url.removeprefix("http://").removesuffix("/v1")
    gone = f"{name} went away during the run: no connection: All connection attempts failed"
    assert result.stdout.str().count("went away") == 1
    result.stdout.fnmatch_lines([gone])
    assert result.parseoutcomes()["inconclusive"] > result.parseoutcomes()["unsupported"]


def test_dying_server_is_no_finding(run: Run) -> None:
    """That a server went away is no deviation of any check."""
    with Dying(after=12).serving() as url:
        result = run(f"--byom-endpoint={url}")
    assert not {"failed", "deviates", "ignored", "errors"} & set(result.parseoutcomes())


def test_nothing_decided(run: Run) -> None:
    """A check that could decide nothing is not green."""
    result = run("--byom-endpoint=embedded", "-k", "auth.any-key")
    assert result.ret == NOTHING_JUDGED
    result.stdout.fnmatch_lines(["embedded: no check could decide anything"])


@pytest.mark.parametrize(
    ("name", "variable"),
    [("groq", "GROQ_API_KEY"), ("xai", "XAI_API_KEY")],
)
def test_a_provider_without_a_key(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, variable: str
) -> None:
    """A provider whose key is not set is not asked, and the variable is named."""
    monkeypatch.delenv(variable, raising=False)
    result = run(f"--byom-endpoint={name}")
    assert result.ret == NOTHING_JUDGED
    said = " ".join(line.strip() for line in result.outlines)
    assert f"/v1) was not asked: it wants a key. Set {variable}." in said
