"""Which requests a mock claims, and which hosts are real servers that a test must not reach."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pytest_byom.mock.asked import CHAT, MODELS

if TYPE_CHECKING:
    from collections.abc import Collection

Claim = Literal["chat", "models", "other"]

_REAL = re.compile(
    r"""(?x) (^|\.) (
        api\.(openai|anthropic|groq|mistral|x|deepseek|perplexity|cerebras|fireworks|sambanova
            |moonshot|minimax|hyperbolic|novita|venice|z)\.(com|ai|xyz|cn|chat)
      | api\.(together\.(xyz|ai)|cohere\.(com|ai)|studio\.nebius\.(ai|com)|inference\.net)
      | openrouter\.ai
      | (router|api-inference)\.huggingface\.co
      | generativelanguage\.googleapis\.com
      | [a-z0-9-]+-aiplatform\.googleapis\.com
      | [a-z0-9-]+\.openai\.azure\.com
      | [a-z0-9-]+\.(services|cognitiveservices)\.(ai\.)?azure\.com
      | bedrock-runtime\.[a-z0-9-]+\.amazonaws\.com
      | (dashscope|dashscope-intl)\.aliyuncs\.com
      | integrate\.api\.nvidia\.com
      | ollama\.com
    ) $"""
)


def is_real(host: str) -> bool:
    """Whether a host is known to serve models to the public."""
    return _REAL.search(host.lower().rstrip(".")) is not None


def find_claim(method: str, path: str) -> Claim | None:
    """Return what a request asks for, if it is a part of the API."""
    if method == "POST" and path.endswith(CHAT):
        return "chat"
    if method == "GET" and (path.endswith(MODELS) or f"/v1{MODELS}/" in path):
        return "models"
    return None


def is_of(host: str, port: int | None, names: Collection[str]) -> bool:
    """Whether one of these names, with or without a port, is this host."""
    return host in names or (port is not None and f"{host}:{port}" in names)
