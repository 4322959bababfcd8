"""Before anything is judged: is there a server, with a model, and may we talk to it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.client.errors import BYOMError
from pytest_byom.conformance.exchange import Exchange, dig
from pytest_byom.conformance.finding import Inconclusive
from pytest_byom.conformance.transport import REFUSED

if TYPE_CHECKING:
    from pytest_byom.registry import Endpoint


class NothingToJudge(BYOMError):
    """There is nothing at this endpoint that could be judged; the message says what to do."""


def listed_models(models: Exchange) -> list[str]:
    """Return the ids that GET /models gave, those for text first."""
    try:
        data = models.json if models.status == 200 else None
    except Inconclusive:
        return []
    entries = dig(data, "data") if isinstance(data, dict) else None
    ids = [dig(entry, "id") for entry in entries] if isinstance(entries, list) else []
    names = [id for id in ids if isinstance(id, str) and id]
    return sorted(names, key=lambda name: "embed" in name.lower())


def check_key(endpoint: Endpoint) -> None:
    """Raise NothingToJudge for a provider without a key: it would refuse whatever is asked."""
    if endpoint.is_provider and not endpoint.has_key:
        where = f"{endpoint.name} ({endpoint.base_url})"
        raise NothingToJudge(f"{where} was not asked: it wants a key. {_sentence(endpoint.hint)}")


def check_connection(endpoint: Endpoint, models: Exchange) -> None:
    """Raise NothingToJudge unless the endpoint answered GET /models with anything at all."""
    where = f"{endpoint.name} ({endpoint.base_url})"
    if models.status is None:
        if models.trouble.startswith(REFUSED):
            advice = endpoint.hint or "Start the server, or correct base_url"
            raise NothingToJudge(f"{where} is not reachable: {models.trouble}. {_sentence(advice)}")
        raise NothingToJudge(
            f"{where} took the connection and then gave no answer to GET /models: "
            f"{models.trouble}. See whether the server hangs or is still loading a model; "
            f"--byom-timeout=SECONDS lets it take longer."
        )


def choose_model(endpoint: Endpoint, models: Exchange, wanted: str | None) -> str:
    """Return the model to judge: the one asked for, the registry's, or the server's first.

    Raises NothingToJudge if the server names none.
    """
    if chosen := wanted or endpoint.model:
        return chosen
    if listed := listed_models(models):
        return listed[0]
    if models.status in (401, 403):
        raise NothingToJudge(_refused_key(endpoint, models))
    where = f"{endpoint.name} ({endpoint.base_url})"
    if models.status == 200 and _is_model_list(models):
        raise NothingToJudge(
            f"{where} serves no model: its list of models is empty. "
            f"Load or pull one, or name it with --byom-model=NAME."
        )
    raise NothingToJudge(
        f"{where} does not look like an OpenAI-compatible server: GET /models was answered with "
        f"{models.status} {models.media_type or 'and no media type'}. See whether base_url is "
        f"right (it usually ends in /v1); if it is, name the model with --byom-model=NAME."
    )


def _is_model_list(models: Exchange) -> bool:
    try:
        return isinstance(dig(models.json, "data"), list)
    except Inconclusive:
        return False


def check_first_answer(endpoint: Endpoint, model: str, models: Exchange, plain: Exchange) -> None:
    """Raise NothingToJudge if the minimal request shows that no check could decide anything."""
    where = f"{endpoint.name} ({endpoint.base_url})"
    if plain.status is None:
        raise NothingToJudge(
            f"{where} gave no answer to a minimal chat request: {plain.trouble}. "
            f"--byom-timeout=SECONDS lets a slow model take longer."
        )
    if plain.status in (401, 403) or (plain.status == 400 and _names_key(plain)):
        raise NothingToJudge(_refused_key(endpoint, plain))
    listed = listed_models(models)
    said = plain.error_message()
    if 400 <= plain.status < 500 and listed and model not in listed:
        known = ", ".join(listed[:8]) + (", …" if len(listed) > 8 else "")
        raise NothingToJudge(
            f"{where} does not serve the model {model!r} "
            f"({plain.status}: {said}). It lists: {known}."
        )
    if plain.status == 404 or not (listed or _is_json(plain)):
        raise NothingToJudge(
            f"{where} is not a chat completions server, or has no model {model!r}: "
            f"POST /chat/completions was answered with {plain.status} "
            f"{plain.media_type or 'and no media type'}" + (f": {said}" if said else "")
        )


def _refused_key(endpoint: Endpoint, exchange: Exchange) -> str:
    said = f"{endpoint.name} ({endpoint.base_url}) refused the key: {exchange.status} "
    said += exchange.error_message().rstrip(".")
    if endpoint.api_key is None:
        return f"{said}. Set api_key for it in byom.yaml. {_sentence(endpoint.hint)}".strip()
    return f"{said}. See whether {endpoint.key_variable or 'api_key in byom.yaml'} is right."


def _names_key(exchange: Exchange) -> bool:
    return "api key" in exchange.error_message().lower().replace("_", " ")


def _is_json(exchange: Exchange) -> bool:
    try:
        return isinstance(exchange.json, dict)
    except Inconclusive:
        return False


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""
