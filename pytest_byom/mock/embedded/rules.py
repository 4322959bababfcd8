"""What each parameter of a request must be, as a table.

A rule takes the value and the name, and raises what the API answers. A parameter that is not in
the table, nor read elsewhere, is ignored: clients send members of other servers along.
Null means absent for all of `NULLABLE`, which is every parameter for which the API allows it, and
those for which it does not care.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pytest_byom.mock.embedded.errors import (
    ApiError,
    shown,
    unsupported,
    wrong_type,
    wrong_value,
)
from pytest_byom.mock.embedded.thoughts import EFFORTS

Rule = Callable[[Any, str], None]
LARGEST_SEED = 2**63


def number(low: float, high: float) -> Rule:
    """A number between two bounds, the bounds included."""

    def check(value: Any, param: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong_type(param, "a decimal", value)
        _bound(value, param, low, high, "decimal")

    return check


def integer(low: int, high: int | None) -> Rule:
    """A whole number between two bounds, the bounds included."""

    def check(value: Any, param: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_type(param, "an integer", value)
        _bound(value, param, low, high, "integer")

    return check


def _bound(value: float, param: str, low: float, high: float | None, name: str) -> None:
    if value < low:
        side, limit, sign, code = "below minimum", low, ">=", "below_min"
    elif high is not None and value > high:
        side, limit, sign, code = "above maximum", high, "<=", "above_max"
    else:
        return
    raise ApiError(
        f"Invalid '{param}': {name} {side} value. "
        f"Expected a value {sign} {limit}, but got {shown(value)} instead.",
        param=param,
        code=f"{name}_{code}_value",
    )


def boolean(value: Any, param: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise wrong_type(param, "a boolean", value)


def string(*, longest: int | None = None) -> Rule:
    """A string, up to a length."""

    def check(value: Any, param: str) -> None:
        if not isinstance(value, str):
            raise wrong_type(param, "a string", value)
        if longest is not None and len(value) > longest:
            raise ApiError(
                f"Invalid '{param}': string too long. Expected a string with maximum length "
                f"{longest}, but got a string with length {len(value)} instead.",
                param=param,
                code="string_above_max_length",
            )

    return check


def one_of(*names: str) -> Rule:
    """One of some strings."""

    def check(value: Any, param: str) -> None:
        string()(value, param)
        if value not in names:
            raise wrong_value(param, value, names)

    return check


def an_object(value: Any, param: str) -> None:
    """An object, whatever is in it."""
    if not isinstance(value, dict):
        raise wrong_type(param, "an object", value)


def array(*, shortest: int = 0, longest: int | None = None) -> Rule:
    """An array of some length."""

    def check(value: Any, param: str) -> None:
        if not isinstance(value, list):
            raise wrong_type(param, "an array", value)
        if len(value) < shortest:
            raise ApiError(
                f"Invalid '{param}': empty array. Expected an array with minimum length "
                f"{shortest}, but got an empty array instead.",
                param=param,
                code="empty_array",
            )
        if longest is not None and len(value) > longest:
            raise ApiError(
                f"Invalid '{param}': array too long. Expected an array with maximum length "
                f"{longest}, but got an array with length {len(value)} instead.",
                param=param,
                code="array_above_max_length",
            )

    return check


def stop(value: Any, param: str) -> None:
    """A string, or up to four of them; an empty one would stop everything."""
    if not isinstance(value, str | list):
        raise wrong_type(param, "a string or an array of strings", value)
    array(longest=4)([value] if isinstance(value, str) else value, param)
    for place, text in enumerate(value if isinstance(value, list) else ()):
        string()(text, f"{param}[{place}]")
    if "" in ([value] if isinstance(value, str) else value):
        raise ApiError(f"Invalid '{param}': empty string.", param=param, code="invalid_value")


def logit_bias(value: Any, param: str) -> None:
    """Token ids with whole numbers; ids that are not in the vocabulary do nothing."""
    an_object(value, param)
    for token, bias in value.items():
        if not re.fullmatch(r"[0-9]{1,9}", token):
            raise ApiError(
                f"Invalid key in '{param}': {shown(token)}. You should only be submitting "
                "non-negative integers.",
                param=param,
                code="invalid_value",
            )
        # OpenAI documents whole numbers and takes decimals; so does this server.
        number(-100, 100)(bias, f"{param}")


def metadata(value: Any, param: str) -> None:
    """Up to 16 pairs of strings."""
    an_object(value, param)
    if len(value) > 16:
        raise ApiError(
            f"Invalid '{param}': too many properties. Expected an object with at most 16 "
            f"properties, but got an object with {len(value)} properties instead.",
            param=param,
            code="object_above_max_properties",
        )
    for key, text in value.items():
        string(longest=64)(key, param)
        string(longest=512)(text, f"{param}.{key[:64]}")


def modalities(value: Any, param: str) -> None:
    """Text; nothing else comes out of this model."""
    array()(value, param)
    for place, name in enumerate(value):
        one_of("text", "audio")(name, f"{param}[{place}]")
    if "audio" in value:
        raise unsupported(param, "audio output", code="unsupported_value")


def stream_options(value: Any, param: str) -> None:
    """Which extras a stream has."""
    an_object(value, param)
    for name in ("include_usage", "include_obfuscation"):
        if value.get(name) is not None:
            boolean(value[name], f"{param}.{name}")


def prediction(value: Any, param: str) -> None:
    """A guess of the answer; it is checked and not used, as it never changes an answer."""
    an_object(value, param)
    one_of("content")(value.get("type"), f"{param}.type")
    if not isinstance(value.get("content"), str | list):
        raise wrong_type(f"{param}.content", "a string or an array", value.get("content"))


def refused(what: str) -> Rule:
    """Something that this server has not got."""

    def check(value: Any, param: str) -> None:
        raise unsupported(param, what)

    return check


RULES: dict[str, Rule] = {
    "audio": refused("audio output"),
    "frequency_penalty": number(-2, 2),
    "logit_bias": logit_bias,
    "logprobs": boolean,
    "max_completion_tokens": integer(1, None),
    "max_tokens": integer(1, None),
    "metadata": metadata,
    "modalities": modalities,
    "moderation": refused("moderation"),
    "n": integer(1, 128),
    "parallel_tool_calls": boolean,
    "prediction": prediction,
    "presence_penalty": number(-2, 2),
    "prompt_cache_key": string(),
    "prompt_cache_options": an_object,
    "prompt_cache_retention": one_of("in_memory", "in-memory", "24h"),
    "reasoning_effort": one_of(*EFFORTS),
    "response_format": an_object,
    "safety_identifier": string(longest=64),
    "seed": integer(-LARGEST_SEED, LARGEST_SEED),
    "service_tier": one_of("auto", "default", "flex", "scale", "priority", "fast"),
    "stop": stop,
    "store": boolean,
    "stream": boolean,
    "stream_options": stream_options,
    "temperature": number(0, 2),
    "tools": array(longest=128),
    "functions": array(shortest=1, longest=128),
    "top_logprobs": integer(0, 20),
    "top_p": number(0, 1),
    "user": string(),
    "verbosity": one_of("low", "medium", "high"),
    "web_search_options": an_object,
}

NULLABLE = frozenset(RULES) | {"tool_choice", "function_call"}


def check_parameters(body: dict[str, Any]) -> None:
    """Hold every parameter against its rule, then those that only make sense together."""
    for name, rule in RULES.items():
        if body.get(name) is not None:
            rule(body[name], name)
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise ApiError(
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
            param="top_logprobs",
            code="invalid_value",
        )
    if body.get("stream_options") is not None and not body.get("stream"):
        raise ApiError(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            param="stream_options",
            code="invalid_value",
        )
