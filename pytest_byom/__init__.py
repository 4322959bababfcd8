"""Contract tests for servers that speak the OpenAI /chat/completions API, and for apps on them.

The public names are loaded on first use: importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_byom.client.context import SlidingWindow, Summarize, TruncateOldest
    from pytest_byom.client.errors import (
        AnsweredWithError,
        AuthenticationFailed,
        BadAnswer,
        BrokenStream,
        BYOMError,
        ConnectFailed,
        ConnectionLost,
        ContractError,
        ExchangeError,
        NetworkError,
        NotFound,
        RateLimited,
        RegistryError,
        ServerError,
        StatusError,
        TimedOut,
        UnsupportedError,
        UsageError,
    )
    from pytest_byom.client.events import (
        ContentDelta,
        ContentStart,
        ContentStop,
        EventType,
        StreamComplete,
        StreamError,
        StreamWarning,
        ThinkingDelta,
        ToolUseDelta,
        ToolUseStart,
        ToolUseStop,
    )
    from pytest_byom.client.llm import LLM, AsyncLLM
    from pytest_byom.client.models import CustomModel
    from pytest_byom.client.providers import (
        CustomProviderConfig,
        get_custom_provider,
        register_custom_provider,
    )
    from pytest_byom.client.response import Choice, Response, ToolCall
    from pytest_byom.client.sse import ServerSentEvent, SSEDecoder
    from pytest_byom.client.usage import Usage
    from pytest_byom.conformance.check import check, rule
    from pytest_byom.conformance.finding import Inconclusive, NoEffect, Wrong
    from pytest_byom.mock.in_process import Mock
    from pytest_byom.mock.matchers import anything, contains, matches
    from pytest_byom.mock.replies import call
    from pytest_byom.mock.server import MockServer
    from pytest_byom.registry import Endpoint, Registry, load_registry

_WHERE = {
    "client.context": ["SlidingWindow", "Summarize", "TruncateOldest"],
    "client.errors": [
        "AnsweredWithError",
        "AuthenticationFailed",
        "BYOMError",
        "BadAnswer",
        "BrokenStream",
        "ConnectFailed",
        "ConnectionLost",
        "ContractError",
        "ExchangeError",
        "NetworkError",
        "NotFound",
        "RateLimited",
        "RegistryError",
        "ServerError",
        "StatusError",
        "TimedOut",
        "UnsupportedError",
        "UsageError",
    ],
    "client.events": [
        "ContentDelta",
        "ContentStart",
        "ContentStop",
        "EventType",
        "StreamComplete",
        "StreamError",
        "StreamWarning",
        "ThinkingDelta",
        "ToolUseDelta",
        "ToolUseStart",
        "ToolUseStop",
    ],
    "client.llm": ["LLM", "AsyncLLM"],
    "client.models": ["CustomModel"],
    "client.providers": ["CustomProviderConfig", "get_custom_provider", "register_custom_provider"],
    "client.response": ["Choice", "Response", "ToolCall"],
    "client.sse": ["SSEDecoder", "ServerSentEvent"],
    "client.usage": ["Usage"],
    "conformance.check": ["check", "rule"],
    "conformance.finding": ["Inconclusive", "NoEffect", "Wrong"],
    "mock.in_process": ["Mock"],
    "mock.matchers": ["anything", "contains", "matches"],
    "mock.replies": ["call"],
    "mock.server": ["MockServer"],
    "registry": ["Endpoint", "Registry", "load_registry"],
}
_MODULES = {name: module for module, names in _WHERE.items() for name in names}

__all__ = [
    "LLM",
    "AnsweredWithError",
    "AsyncLLM",
    "AuthenticationFailed",
    "BYOMError",
    "BadAnswer",
    "BrokenStream",
    "Choice",
    "ConnectFailed",
    "ConnectionLost",
    "ContentDelta",
    "ContentStart",
    "ContentStop",
    "ContractError",
    "CustomModel",
    "CustomProviderConfig",
    "Endpoint",
    "EventType",
    "ExchangeError",
    "Inconclusive",
    "Mock",
    "MockServer",
    "NetworkError",
    "NoEffect",
    "NotFound",
    "RateLimited",
    "Registry",
    "RegistryError",
    "Response",
    "SSEDecoder",
    "ServerError",
    "ServerSentEvent",
    "SlidingWindow",
    "StatusError",
    "StreamComplete",
    "StreamError",
    "StreamWarning",
    "Summarize",
    "ThinkingDelta",
    "TimedOut",
    "ToolCall",
    "ToolUseDelta",
    "ToolUseStart",
    "ToolUseStop",
    "TruncateOldest",
    "UnsupportedError",
    "Usage",
    "UsageError",
    "Wrong",
    "anything",
    "call",
    "check",
    "contains",
    "get_custom_provider",
    "load_registry",
    "matches",
    "register_custom_provider",
    "rule",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
