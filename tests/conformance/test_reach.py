"""Before anything is judged: is there a server, with a model, and may we talk to it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.conformance.reach import (
    NothingToJudge,
    check_connection,
    check_first_answer,
    choose_model,
    listed_models,
)
from pytest_byom.registry import Endpoint

from .making import make_exchange, make_silence

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_byom.conformance.exchange import Exchange

URL = "http://localhost:11434/v1"
WHERE = f"mine ({URL})"
ENDPOINT = Endpoint(name="mine", base_url=URL)
KEYED = Endpoint(name="mine", base_url=URL, api_key="secret123", key_variable="MINE_KEY")
HINTED = Endpoint(name="mine", base_url=URL, hint="run `ollama serve`")
LITERAL = Endpoint(name="mine", base_url=URL, api_key="secret123")
HTML = (("content-type", "text/html; charset=utf-8"),)


def models(*ids: Any) -> Exchange:
    """Return a list of models with these ids."""
    return make_exchange({"object": "list", "data": [{"id": id} for id in ids]})


def said(function: Callable[..., object], *arguments: object) -> str:
    """Return the sentence with which a function says that there is nothing to judge."""
    with pytest.raises(NothingToJudge) as raised:
        function(*arguments)
    return str(raised.value)


LISTS: list[tuple[Exchange, list[str]]] = [
    (models("a", "b"), ["a", "b"]),
    (models("nomic-Embed-text", "llama"), ["llama", "nomic-Embed-text"]),
    (models("", None, 7, "a"), ["a"]),
    (make_exchange({"data": ["a", None]}), []),
    (make_exchange({"data": {"id": "a"}}), []),
    (make_exchange([{"id": "a"}]), []),
    (make_exchange(b"<html>"), []),
    (make_exchange({"data": [{"id": "a"}]}, status=401), []),
    (make_silence(), []),
]


@pytest.mark.parametrize(("exchange", "ids"), LISTS)
def test_listed_models(exchange: Exchange, ids: list[str]) -> None:
    """The ids of the list are found, those for embeddings last; anything else is no list."""
    assert listed_models(exchange) == ids


@pytest.mark.parametrize("exchange", [models("a"), make_exchange(status=500)])
def test_connected(exchange: Exchange) -> None:
    """Any HTTP answer shows that there is a server."""
    check_connection(ENDPOINT, exchange)


CONNECTIONS = [
    (
        ENDPOINT,
        "no connection: All connection attempts failed",
        (
            f"{WHERE} is not reachable: no connection: All connection attempts failed. Start the "
            "server, or correct base_url."
        ),
    ),
    (
        HINTED,
        "no connection: x",
        f"{WHERE} is not reachable: no connection: x. Run `ollama serve`.",
    ),
    (
        ENDPOINT,
        "no answer: not a byte for 10 s",
        (
            f"{WHERE} took the connection and then gave no answer to GET /models: no answer: not a "
            "byte for 10 s. See whether the server hangs or is still loading a model; "
            "--byom-timeout=SECONDS lets it take longer."
        ),
    ),
]


@pytest.mark.parametrize(("endpoint", "trouble", "sentence"), CONNECTIONS)
def test_not_connected(endpoint: Endpoint, trouble: str, sentence: str) -> None:
    """Without an answer the sentence says what failed, and what to do."""
    assert said(check_connection, endpoint, make_silence(trouble)) == sentence


MODEL = Endpoint(name="mine", base_url=URL, model="from-registry")
CHOICES = [
    (MODEL, models("a"), "wanted", "wanted"),
    (MODEL, models("a"), None, "from-registry"),
    (ENDPOINT, models("a", "b"), None, "a"),
    (ENDPOINT, models("embed", "b"), None, "b"),
    (MODEL, make_exchange(status=404), None, "from-registry"),
]


@pytest.mark.parametrize(("endpoint", "exchange", "wanted", "model"), CHOICES)
def test_choose_model(
    endpoint: Endpoint, exchange: Exchange, wanted: str | None, model: str
) -> None:
    """The option wins over the registry, and that over the server's own list."""
    assert choose_model(endpoint, exchange, wanted) == model


NO_SERVER = (
    f"{WHERE} does not look like an OpenAI-compatible server: GET /models was answered with "
    "{}. See whether base_url is right (it usually ends in /v1); if it is, name the model with "
    "--byom-model=NAME."
)
UNAUTHORISED = make_exchange({"error": {"message": "No key."}}, status=401)
NO_MODELS = [
    (
        ENDPOINT,
        models(),
        (
            f"{WHERE} serves no model: its list of models is empty. Load or pull one, or name it "
            "with --byom-model=NAME."
        ),
    ),
    (ENDPOINT, make_exchange(b"<html>", headers=HTML), NO_SERVER.format("200 text/html")),
    (
        ENDPOINT,
        make_exchange(b"", status=404, headers=()),
        NO_SERVER.format("404 and no media type"),
    ),
    (
        ENDPOINT,
        UNAUTHORISED,
        f"{WHERE} refused the key: 401 No key. Set api_key for it in byom.yaml.",
    ),
    (
        HINTED,
        UNAUTHORISED,
        (
            f"{WHERE} refused the key: 401 No key. Set api_key for it in byom.yaml. "
            "Run `ollama serve`."
        ),
    ),
    (KEYED, UNAUTHORISED, f"{WHERE} refused the key: 401 No key. See whether MINE_KEY is right."),
    (
        LITERAL,
        UNAUTHORISED,
        f"{WHERE} refused the key: 401 No key. See whether api_key in byom.yaml is right.",
    ),
]


@pytest.mark.parametrize(("endpoint", "exchange", "sentence"), NO_MODELS)
def test_no_model(endpoint: Endpoint, exchange: Exchange, sentence: str) -> None:
    """Where no model can be chosen, the sentence says why, and what to do."""
    assert said(choose_model, endpoint, exchange, None) == sentence


def refusal(status: int, message: str) -> Exchange:
    """Return an error with OpenAI's error object."""
    return make_exchange({"error": {"message": message}}, status=status)


FINE: list[tuple[str, Exchange, Exchange]] = [
    ("answered", models("m"), make_exchange()),
    ("server-error", models("m"), refusal(500, "x")),
    ("refused-though-listed", models("m"), refusal(400, "max_tokens is not supported")),
    ("no-list", make_exchange(status=404), make_exchange()),
    ("no-list-and-refused", make_exchange(status=404), refusal(400, "x")),
    ("not-json-though-listed", models("m"), make_exchange(b"ok")),
]


@pytest.mark.parametrize(
    ("list_", "plain"), [pytest.param(list_, plain, id=id) for id, list_, plain in FINE]
)
def test_first_answer_to_judge(list_: Exchange, plain: Exchange) -> None:
    """An answer that shows a chat completions server is judged, right or wrong."""
    check_first_answer(ENDPOINT, "m", list_, plain)


MANY = models(*(f"m{number}" for number in range(9)))
FIRST_ANSWERS = [
    (
        models("m"),
        make_silence("no answer: not a byte for 30 s"),
        (
            f"{WHERE} gave no answer to a minimal chat request: no answer: not a byte for 30 s. "
            "--byom-timeout=SECONDS lets a slow model take longer."
        ),
    ),
    (
        models("m"),
        refusal(403, "Forbidden."),
        f"{WHERE} refused the key: 403 Forbidden. Set api_key for it in byom.yaml.",
    ),
    (
        models("m"),
        refusal(400, "Incorrect API key provided"),
        (
            f"{WHERE} refused the key: 400 Incorrect API key provided. Set api_key for it in "
            "byom.yaml."
        ),
    ),
    (
        models("a", "b"),
        refusal(404, "no such model"),
        f"{WHERE} does not serve the model 'm' (404: no such model). It lists: a, b.",
    ),
    (
        MANY,
        refusal(400, "no such model"),
        (
            f"{WHERE} does not serve the model 'm' (400: no such model). It lists: m0, m1, m2, m3, "
            "m4, m5, m6, m7, …."
        ),
    ),
    (
        models("m"),
        refusal(404, "no route"),
        (
            f"{WHERE} is not a chat completions server, or has no model 'm': POST "
            "/chat/completions was answered with 404 application/json: no route"
        ),
    ),
    (
        make_exchange(b"<html>", headers=HTML),
        make_exchange(b"<html>", headers=HTML),
        (
            f"{WHERE} is not a chat completions server, or has no model 'm': POST "
            "/chat/completions was answered with 200 text/html: <html>"
        ),
    ),
    (
        make_exchange(b"", headers=()),
        make_exchange(b"", headers=()),
        (
            f"{WHERE} is not a chat completions server, or has no model 'm': POST "
            "/chat/completions was answered with 200 and no media type"
        ),
    ),
]


@pytest.mark.parametrize(("list_", "plain", "sentence"), FIRST_ANSWERS)
def test_first_answer_to_nothing(list_: Exchange, plain: Exchange, sentence: str) -> None:
    """An answer that lets no check decide anything ends the run with one sentence."""
    assert said(check_first_answer, ENDPOINT, "m", list_, plain) == sentence
