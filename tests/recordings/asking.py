"""A recorded request in the client's own arguments, and what of it is sent otherwise.

The messages, the tools and each parameter that the client has a name for are given under that
name; a response_format with a schema is asked for as structured output. The rest goes through
`extra_body`: members that have no name there (UNNAMED), what stands there as null, values that the
API forbids (REFUSED), and what the client sends with tools only. What the client sends beside the
recorded body is named in ADDED.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PARAMETERS = (
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "stop",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "n",
    "reasoning_effort",
)
WITH_TOOLS = ("tool_choice", "parallel_tool_calls")
ADDED: dict[str, tuple[str, Any]] = {
    "stream_options": ("the client asks for the usage of each stream", {"include_usage": True}),
    "model": ("the recorded URL names the model (Azure's deployments)", "m"),
    "stream": ("the recorded client said so by its URL or its headers", True),
}
"""What the client sends where the recorded body has nothing, why, and which value."""

UNNAMED = frozenset(
    {
        "stream",
        "stream_options",
        "logprobs",
        "user",
        "store",
        "service_tier",
        "functions",
        "function_call",
        "audio",
        "modalities",
        "prediction",
        "response_format",
        "prompt_cache_key",
        "prompt_cache_options",
        "moderation",
    }
    | {
        "enable_thinking",
        "thinking",
        "reasoning",
        "reasoning_format",
        "include_reasoning",
        "usage",
        "provider",
        "plugins",
        "models",
        "route",
        "transforms",
        "random_seed",
        "safe_prompt",
        "web_search_options",
        "search_context_size",
        "venice_parameters",
        "grammar",
        "options",
        "max_new_tokens",
        "json_schema",
        "cache_prompt",
        "keep_alive",
        "extra_body",
    }
)
"""Members that a client has no argument for: `stream` is here where it is false, `logprobs` where
it stands alone, `response_format` where it has no schema. First the API's, then dialects'."""
NEEDS_TOOLS = frozenset({"tools", *WITH_TOOLS})
"""Members that are given to the client, but for tools without a type, which it refuses, and for
choices where there are no tools."""

REFUSED: tuple[tuple[str, Any], ...] = (
    ("messages", []),
    ("model", None),
    ("max_tokens", 0),
    ("temperature", 99.0),
    ("temperature", -0.5),
    ("stop", []),
    ("tool_choice", "any"),
)
"""Values that the client refuses as arguments: the API forbids them, a dialect or a test has them.

They go through `extra_body`, as its errors say.
"""


@dataclass
class Asking:
    """What is given to a client, and to its method."""

    options: dict[str, Any] = field(default_factory=lambda: {"model": "m"})
    messages: Any = "Hi"
    tools: Any = None
    schema: Any = None


def is_asked(recording: dict[str, Any]) -> bool:
    """Whether the recording holds the request: a recorder may keep the answer alone."""
    return "messages" in (recording["request"]["body"] or {})


def asking_of(recording: dict[str, Any]) -> Asking:
    """The arguments that send the recorded request."""
    asking = Asking()
    if not is_asked(recording):
        return asking
    rest = dict(recording["request"]["body"])
    if is_taken("messages", rest):
        asking.messages = rest.pop("messages")
    if is_taken("model", rest):
        asking.options["model"] = rest.pop("model")
    if rest.get("stream") is True:
        del rest["stream"]
    tools = rest.get("tools")
    if tools and all("type" in tool for tool in tools):  # Mistral takes them without
        asking.tools = rest.pop("tools")
    names = (*PARAMETERS, *(WITH_TOOLS if asking.tools else ()))
    for name in [name for name in names if is_taken(name, rest)]:
        asking.options[name] = rest.pop(name)
    if is_taken("max_completion_tokens", rest) and "max_tokens" not in asking.options:
        asking.options["max_tokens"] = rest.pop("max_completion_tokens")
        asking.options["max_tokens_field"] = "max_completion_tokens"
    if rest.get("logprobs") is True and rest.get("top_logprobs") is not None:
        asking.options["top_logprobs"] = rest.pop("top_logprobs")
        del rest["logprobs"]
    if (rest.get("response_format") or {}).get("type") == "json_schema":
        asking.schema = rest.pop("response_format")
    asking.options["extra_body"] = rest
    return asking


def is_taken(name: str, body: dict[str, Any]) -> bool:
    """Whether the client takes what a body has under a name; null and nothing are for the body."""
    value = body.get(name)
    return name in body and (name, value) not in REFUSED and value is not None


def differences(sent: dict[str, Any], recorded: dict[str, Any]) -> dict[str, Any]:
    """The members that are not the same, without those that ADDED allows."""
    names = sorted({*sent, *recorded})
    found = {name: (sent.get(name), recorded.get(name)) for name in names}
    return {
        name: pair
        for name, pair in found.items()
        if (pair[0] != pair[1] or (name in sent) != (name in recorded))
        and not (name not in recorded and name in ADDED and pair[0] == ADDED[name][1])
    }
