"""Defects of the list of models, of one entry, and of unknown models."""

from __future__ import annotations

from typing import Any

from defects.judging import MODEL
from defects.leaving import WINDOW, needing
from defects.planting import (
    Asked,
    Defect,
    answer_with,
    change_error,
    change_json,
    change_status,
    deviates,
    failed,
    listing,
    path_is,
    refuse,
)
from defects.streaming import DONE, render


def _unknown(asked: Asked) -> bool:
    return asked.is_chat and asked.parameters.get("model") not in (None, MODEL)


def _unknown_streams(asked: Asked) -> bool:
    return asked.streams and _unknown(asked)


def _shows(asked: Asked) -> bool:
    return asked.path.startswith("/v1/models/")


def _entries(change: Any) -> Any:
    """Build the change of each entry of the list."""

    def rewrite(data: dict[str, Any]) -> None:
        for entry in data["data"]:
            change(entry)

    return change_json(rewrite, when=listing)


def _only(*names: str) -> Any:
    def rewrite(entry: dict[str, Any]) -> None:
        for name in set(entry) - set(names):
            del entry[name]

    return _entries(rewrite)


def _without_code(data: dict[str, Any]) -> None:
    if data["error"]["code"] == "model_not_found":
        data["error"]["code"] = None


_NO_MODEL = {"message": "no model", "type": "invalid_request_error", "param": None, "code": None}

DEFECTS = [
    Defect(
        id="models-not-listed",
        title="The model that is served is not in the list.",
        change=_entries(lambda entry: entry.update(id="other")),
        turns=deviates("models.contains"),
        leaves=WINDOW | {"models.retrieve"},
    ),
    Defect(
        id="models-empty",
        title="The list of models is empty, although one is served.",
        change=change_json(lambda data: data.update(data=[]), when=listing),
        turns=deviates("models.contains"),
        leaves=WINDOW | {"models.retrieve"},
    ),
    Defect(
        id="models-no-list",
        title="There is no list of models.",
        change=answer_with(404, {"error": _NO_MODEL}, when=listing),
        lacks=needing("models"),
        leaves=WINDOW,
    ),
    Defect(
        id="models-bare-list",
        title="The list of models is a bare array.",
        change=change_json(lambda data: data["data"], when=listing),
        turns=failed("models.list-object"),
        leaves=WINDOW | {"models.contains", "models.retrieve"},
    ),
    Defect(
        id="models-own-name",
        title="The list of models stands in a member models.",
        change=change_json(lambda data: data.update(models=data.pop("data")), when=listing),
        turns=failed("models.list-object"),
        leaves=WINDOW | {"models.contains", "models.retrieve"},
    ),
    Defect(
        id="models-no-object",
        title='The list of models has no object "list".',
        change=change_json(lambda data: data.pop("object") and None, when=listing),
        turns=failed("models.list-object"),
        row="C350",
        issues=("obot-platform/tools#445",),
    ),
    Defect(
        id="models-no-created",
        title="Entries have no created.",
        change=_only("id", "object", "owned_by"),
        turns=failed("models.entries"),
        leaves=WINDOW,
        row="C344",
        issues=("webai-at-home/webai-at-home#208",),
    ),
    Defect(
        id="models-id-and-object",
        title="Entries have id and object only.",
        change=_only("id", "object"),
        turns=failed("models.entries"),
        leaves=WINDOW,
        row="C346",
        issues=("mudler/LocalAI: core/schema/openai.go (OpenAIModel)",),
    ),
    Defect(
        id="models-no-owner",
        title="Entries have neither object nor owned_by.",
        change=_only("id", "created"),
        turns=failed("models.entries"),
        leaves=WINDOW,
        row="C348",
        issues=("mozilla-ai/any-llm#1085", "jamesrochabrun/SwiftOpenAI#162"),
    ),
    Defect(
        id="models-created-text",
        title="created of an entry is a date in words.",
        change=_entries(lambda entry: entry.update(created="2025-03-01T00:00:00Z")),
        turns=failed("models.entries"),
    ),
    Defect(
        id="models-created-milliseconds",
        title="created of an entry is in milliseconds.",
        change=_entries(lambda entry: entry.update(created=entry["created"] * 1000)),
        turns=failed("models.created-seconds"),
    ),
    Defect(
        id="models-twice",
        title="The model stands in the list twice.",
        change=change_json(lambda data: data["data"].extend(data["data"]), when=listing),
        turns=deviates("models.unique"),
    ),
    Defect(
        id="models-no-entry",
        title="GET /models/{id} is answered with 404.",
        change=refuse("Invalid URL", status=404, when=_shows),
        turns=deviates("models.retrieve"),
        leaves=frozenset({"models.encoded-id"}),
    ),
    Defect(
        id="models-entry-is-list",
        title="GET /models/{id} is answered with the whole list.",
        change=change_json(lambda data: {"object": "list", "data": [data]}, when=_shows),
        turns=deviates("models.retrieve"),
    ),
    Defect(
        id="models-unknown-500",
        title="An unknown model makes the server fail.",
        change=change_status(500, when=_unknown),
        turns=failed("models.unknown-served") | deviates("params.type-model"),
        leaves=frozenset({"models.unknown", "models.unknown-code", "models.unknown-stream"}),
    ),
    Defect(
        id="models-unknown-400",
        title="An unknown model is answered with 400.",
        change=change_status(400, when=_unknown),
        turns=deviates("models.unknown"),
    ),
    Defect(
        id="models-unknown-no-code",
        title="The refusal of an unknown model has no code.",
        change=change_error(_without_code),
        turns=deviates("models.unknown-code"),
    ),
    Defect(
        id="models-unknown-stream",
        title="A streamed request for an unknown model gets 200 and an event with the error.",
        change=answer_with(
            200, render({"error": _NO_MODEL}) + DONE, when=_unknown_streams, stream=True
        ),
        turns=deviates("models.unknown-stream", "errors.stream-model"),
    ),
    Defect(
        id="models-registry-text",
        title="The error of an empty registry is a text.",
        change=answer_with(404, {"error": "Model registry error: model not found"}, when=_unknown),
        turns=failed("errors.object"),
        leaves=frozenset({"models.unknown-code"}),
        row="C291",
        issues=("paiml/aprender#2375",),
    ),
    Defect(
        id="models-retrieve-any",
        title="Every model has an entry.",
        change=answer_with(200, {"id": "any"}, when=path_is("/v1/models/byom-no-such-model")),
        turns=deviates("models.retrieve-unknown"),
    ),
]
