"""Defects of servers that do not look at the type of what they are given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from defects.planting import (
    CHAT,
    Asked,
    Change,
    Defect,
    Stateful,
    When,
    change_request,
    deviates,
    failed,
    ignored,
    refuse,
)
from pytest_byom.mock.http1 import Reply

if TYPE_CHECKING:
    from defects.planting import Next
    from pytest_byom.mock.http1 import Request

SAY_OK = [{"role": "user", "content": "Say ok."}]
NUMBER = (int, float)
TYPES: dict[str, type | tuple[type, ...]] = {
    "temperature": NUMBER,
    "top_p": NUMBER,
    "max_completion_tokens": int,
    "n": int,
    "stop": (str, list),
    "seed": int,
    "frequency_penalty": NUMBER,
    "presence_penalty": NUMBER,
    "logprobs": bool,
    "top_logprobs": int,
    "stream": bool,
    "stream_options": dict,
    "response_format": dict,
    "tools": list,
    "tool_choice": (str, dict),
}
"""What each parameter is."""

ODD: dict[str, type] = {
    "model": str,
    "logit_bias": dict,
    "parallel_tool_calls": bool,
    "user": str,
    "metadata": dict,
    "store": bool,
    "service_tier": str,
    "modalities": list,
    "reasoning_effort": str,
}
"""What each of those is that many servers do not read."""


def _forgive(data: dict[str, Any]) -> None:
    for name, kind in TYPES.items():
        if data.get(name) is not None and not isinstance(data[name], kind):
            del data[name]
    if "tools" not in data:
        data.pop("tool_choice", None)


def _is_odd(asked: Asked) -> bool:
    found = asked.parameters
    wrong = (found.get(name) is not None and not isinstance(found[name], ODD[name]) for name in ODD)
    return asked.is_chat and any(wrong)


def _is_text(name: str) -> When:
    return lambda asked: asked.is_chat and isinstance(asked.parameters.get(name), str)


def _messages_are(*kinds: type) -> When:
    return lambda asked: isinstance(asked.parameters.get("messages", []), kinds)


def _lacks_model(asked: Asked) -> bool:
    return asked.is_chat and "messages" in asked.parameters and "model" not in asked.parameters


def _names_model_twice(asked: Asked) -> bool:
    return asked.request.body.count(b'"model": "byom') > 1


def _hang_up_at_depth() -> Change:
    async def change(request: Request, server: Next) -> Reply:
        if request.path == CHAT and request.body.count(b"{") > 500:
            return Reply(0, (), b"", verbatim=True)
        return await server(request)

    return change


DEFECTS = [
    Defect(
        id="params-untyped",
        title="A value of the wrong type is taken for none.",
        change=change_request(_forgive),
        turns=deviates(
            *(f"params.type-{name.replace('_', '-')}" for name in TYPES if name != "max_tokens")
        )
        | ignored("params.stream-text"),
    ),
    Defect(
        id="params-odd-500",
        title="A wrong type of what the server does not need makes it fail.",
        change=refuse("TypeError", status=500, when=_is_odd),
        turns=deviates(*(f"params.type-{name.replace('_', '-')}" for name in ODD)),
    ),
    Defect(
        id="params-number-in-quotes-500",
        title="A temperature in quotes makes the server fail, and so does a stream in quotes.",
        change=refuse(
            "'<' not supported between instances of 'str' and 'int'",
            status=500,
            when=lambda asked: _is_text("temperature")(asked) or _is_text("stream")(asked),
        ),
        turns=deviates("params.temperature-text", "params.stream-text")
        | failed("errors.client-fault"),
        leaves=frozenset({"params.type-temperature"}),
    ),
    Defect(
        id="params-messages-lenient",
        title="messages may be a text, an object or null.",
        change=change_request(
            lambda data: data.update(messages=SAY_OK), when=_messages_are(str, dict, type(None))
        ),
        turns=failed("params.messages-text", "params.messages-object", "params.messages-null"),
    ),
    Defect(
        id="params-no-model-500",
        title="A request that names no model makes the server fail.",
        change=refuse("KeyError: 'model'", status=500, when=_lacks_model),
        turns=deviates("params.model-required") | failed("errors.client-fault"),
    ),
    Defect(
        id="params-twice-500",
        title="A member that is there twice makes the server fail.",
        change=refuse("duplicate key", status=500, when=_names_model_twice),
        turns=deviates("params.repeated-member"),
    ),
    Defect(
        id="params-deep-hangs-up",
        title="A deeply nested value ends the connection.",
        change=Stateful(_hang_up_at_depth),
        turns=deviates("params.deep"),
        abuse=True,
    ),
]
