"""A request for a chat completion, checked, with every default filled in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_byom.mock.embedded import tokens
from pytest_byom.mock.embedded.errors import ApiError, missing, wrong_type
from pytest_byom.mock.embedded.messages import Turn, read_messages
from pytest_byom.mock.embedded.rules import an_object, boolean, check_parameters, one_of, string
from pytest_byom.mock.embedded.sampling import Sampling
from pytest_byom.mock.embedded.schema_check import find_fault
from pytest_byom.mock.embedded.tools import Toolbox, read_name, read_toolbox


@dataclass(frozen=True, slots=True)
class Format:
    """What the text must be: `kind` is text, json_object or json_schema."""

    kind: str = "text"
    schema: dict[str, Any] | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What is asked; `limit` is the smaller of the two token limits."""

    model: str
    turns: tuple[Turn, ...]
    toolbox: Toolbox
    format: Format
    sampling: Sampling
    limit: int | None
    stop: tuple[str, ...]
    n: int
    top_logprobs: int | None
    stream: bool
    include_usage: bool
    obfuscate: bool
    effort: str
    searches: bool
    metadata: dict[str, str] | None


def read_chat_request(body: dict[str, Any], models: tuple[str, ...]) -> ChatRequest:
    """Check the whole body; the model first, as a client that got it wrong got nothing right."""
    model = _read_model(body, models)
    check_parameters(body)
    options = body.get("stream_options") or {}
    limits = [body[k] for k in ("max_tokens", "max_completion_tokens") if body.get(k) is not None]
    stop = body.get("stop") or ()
    return ChatRequest(
        model=model,
        turns=read_messages(body.get("messages")),
        toolbox=read_toolbox(body),
        format=_read_format(body.get("response_format")),
        sampling=_read_sampling(body),
        limit=min(limits, default=None),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        n=body.get("n") or 1,
        top_logprobs=(body.get("top_logprobs") or 0) if body.get("logprobs") else None,
        stream=bool(body.get("stream")),
        include_usage=bool(options.get("include_usage")),
        obfuscate=options.get("include_obfuscation") is True,
        effort=body.get("reasoning_effort") or "none",
        searches=body.get("web_search_options") is not None,
        metadata=body.get("metadata"),
    )


def _read_model(body: dict[str, Any], models: tuple[str, ...]) -> str:
    model = body.get("model")
    if model is None:
        raise missing("model")
    if not isinstance(model, str):
        raise wrong_type("model", "a string", model)
    if model not in models:
        raise unknown_model(model)
    return model


def unknown_model(model: str) -> ApiError:
    """There is no such model here."""
    return ApiError(
        f"The model '{model[:200]}' does not exist or you do not have access to it.",
        status=404,
        param="model",
        code="model_not_found",
    )


def _read_sampling(body: dict[str, Any]) -> Sampling:
    def number(name: str, default: float) -> float:
        value = body.get(name)
        return default if value is None else float(value)

    bias = {int(token): float(value) for token, value in (body.get("logit_bias") or {}).items()}
    return Sampling(
        temperature=number("temperature", 1.0),
        top_p=number("top_p", 1.0),
        seed=body.get("seed") or 0,
        logit_bias={token: value for token, value in bias.items() if token < tokens.SIZE},
        frequency_penalty=number("frequency_penalty", 0.0),
        presence_penalty=number("presence_penalty", 0.0),
    )


def _read_format(value: dict[str, Any] | None) -> Format:
    if value is None:
        return Format()
    if value.get("type") is None:
        raise missing("response_format.type")
    one_of("text", "json_object", "json_schema")(value["type"], "response_format.type")
    if value["type"] != "json_schema":
        return Format(value["type"])
    definition = value.get("json_schema")
    if definition is None:
        raise missing("response_format.json_schema")
    param = "response_format.json_schema"
    an_object(definition, param)
    name = read_name(definition.get("name"), f"{param}.name")
    strict, schema = definition.get("strict"), definition.get("schema")
    if strict is not None:
        boolean(strict, f"{param}.strict")
    if definition.get("description") is not None:
        string()(definition["description"], f"{param}.description")
    if schema is None:
        return Format("json_object", None, name) if not strict else _no_schema(param)
    fault = find_fault(schema, strict=bool(strict))
    if fault is not None:
        raise bad_schema(name, fault)
    return Format("json_schema", schema, name)


def _no_schema(param: str) -> Format:
    raise missing(f"{param}.schema")


def bad_schema(name: str, fault: str) -> ApiError:
    """The schema of a response format is none, or asks too much."""
    return ApiError(
        f"Invalid schema for response_format '{name}': {fault}",
        param="response_format",
        code="invalid_json_schema",
    )
