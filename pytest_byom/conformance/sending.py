"""From a contract to the request that goes over the wire: placeholders, headers, key."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_byom.client.errors import ContractError
from pytest_byom.conformance.exchange import Exchange, Headers, Sent, dig
from pytest_byom.conformance.finding import Inconclusive
from pytest_byom.conformance.values import is_integer
from pytest_byom.contract.placeholders import count_tokens, fill_text, fill_value
from pytest_byom.registry.endpoints import is_credential

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_byom.contract import Contract
    from pytest_byom.registry import Endpoint

LARGEST_WINDOW = 131_072
"""Tokens; twice as many are a megabyte of prose."""

WINDOWS = (
    "context_window",
    "max_model_len",
    "context_length",
    "max_context_length",
    "meta.n_ctx",
)
"""Where Groq, vLLM, OpenRouter, Mistral and llama.cpp list the context window of a model."""

PROSE = "The quick brown fox jumps over the lazy dog while it rains in the old harbour town. "
USER_AGENT = "pytest-byom"
WRONG_KEY = "byom-wrong-key-0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, kw_only=True)
class Aim:
    """Where requests go, and with what: base URL, model, key and extra headers.

    `context_window` is the model's, in tokens, 0 if the registry does not say.
    """

    base_url: str
    model: str
    api_key: str | None = field(default=None, repr=False)
    extra_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secret_headers: tuple[str, ...] = ()
    context_window: int = 0

    @classmethod
    def at(cls, endpoint: Endpoint, model: str, *, context_window: int = 0) -> Aim:
        """Return the aim at an endpoint."""
        return cls(
            base_url=endpoint.base_url,
            model=model,
            api_key=endpoint.api_key,
            extra_headers=endpoint.extra_headers,
            secret_headers=tuple(filter(is_credential, endpoint.extra_headers)),
            context_window=context_window,
        )


def build_request(
    contract: Contract, aim: Aim, *, answer: Exchange | None = None, number: int = 1
) -> Sent:
    """Return the request of a contract, its placeholders filled from the aim and the answer.

    `number` tells requests of a contract that are sent at the same time apart.

    Raises Inconclusive if the answer that it follows lacks the piece that is asked for.
    """
    request = contract.request
    piece = partial(_piece, aim=aim, answer=answer, number=number)
    body = b""
    if request.body is not None:
        data = fill_value(request.body, piece)
        body = json.dumps(data, ensure_ascii=request.ascii).encode()
    elif request.body_text is not None:
        body = fill_text(request.body_text, piece).encode()
    elif request.body_base64 is not None:
        body = base64.b64decode(request.body_base64)
    url = aim.base_url.rstrip("/") + fill_text(request.path, piece)
    return Sent(request.method, url, _headers(contract, aim, piece), body)


def _headers(contract: Contract, aim: Aim, piece: Callable[[str], Any]) -> Headers:
    request = contract.request
    stream = contract.asks_stream
    headers: dict[str, str | None] = {
        "accept": "text/event-stream" if stream else "application/json",
        "accept-encoding": "identity",
        "user-agent": USER_AGENT,
    }
    if (request.body, request.body_text, request.body_base64) != (None, None, None):
        headers["content-type"] = "application/json"
    headers |= _credentials(request.key, aim)
    headers |= {
        name.lower(): value and fill_text(value, piece).strip()
        for name, value in request.headers.items()
    }
    return tuple((name, value) for name, value in headers.items() if value is not None)


def _credentials(key: str, aim: Aim) -> dict[str, str]:
    extra = {name.lower(): value for name, value in aim.extra_headers.items()}
    if key in ("none", "wrong"):
        for name in {"authorization", *(name.lower() for name in aim.secret_headers)}:
            extra.pop(name, None)
        return extra | ({"authorization": f"Bearer {WRONG_KEY}"} if key == "wrong" else {})
    scheme = "bearer" if key == "lower-case-scheme" else "Bearer"
    return ({"authorization": f"{scheme} {aim.api_key}"} if aim.api_key else {}) | extra


def _piece(name: str, *, aim: Aim, answer: Exchange | None, number: int) -> Any:
    if name == "model":
        return aim.model
    if name == "path-model":
        return "".join(c if c.isascii() and c.isalnum() else _escaped(c) for c in aim.model)
    if name == "number":
        return number
    if (count := count_tokens(name, number)) is not None:
        return prose(count)
    if name.startswith("window:"):
        window = aim.context_window or listed_window(answer, aim.model)
        return prose(window * int(name.removeprefix("window:")) // 100)
    if name.startswith("nested:"):
        depth = int(name.removeprefix("nested:"))
        return '{"a":' * depth + "1" + "}" * depth
    if name.startswith("answer.") and answer is not None:
        return _answer_piece(name.removeprefix("answer."), answer)
    raise ContractError(f"unknown placeholder ${{{name}}}")


def _escaped(character: str) -> str:
    """Percent-encode a character: also one for which a URL need not."""
    return "".join(f"%{byte:02X}" for byte in character.encode())


def prose(tokens: int) -> str:
    """Return plain prose of about so many tokens."""
    return PROSE * (tokens // 18 + 1)


def listed_window(answer: Exchange | None, model: str) -> int:
    """Return the context window that a list of models gives a model.

    Raises Inconclusive if it gives none, or one that is too large to be filled.
    """
    entries = dig(answer.json, "data") if answer is not None else None
    entry = next((e for e in entries or () if isinstance(e, dict) and e.get("id") == model), {})
    window = next((found for path in WINDOWS if is_integer(found := dig(entry, path))), 0)
    if not window:
        raise Inconclusive(f"nothing says how large the context window of {model} is")
    if window > LARGEST_WINDOW:
        raise Inconclusive(f"a context window of {window} tokens is too large to be filled")
    return int(window)


def _answer_piece(path: str, answer: Exchange) -> Any:
    if path == "inner":
        return inner(answer.content)
    found = dig({"message": answer.message, "completion": answer.completion}, path)
    if found is None:
        raise Inconclusive(f"the answer to {answer.contract.id} has no {path}")
    return found


def inner(text: str) -> str:
    """Return a few characters from the inside of a text that occur in it first just there.

    Raises Inconclusive if the text is too short or repeats itself.
    """
    for length in (4, 6, 8, 3):
        for start in range(len(text) // 2, len(text) - length):
            piece = text[start : start + length]
            if piece.isascii() and piece.strip() == piece and text.find(piece) == start:
                return piece
    raise Inconclusive(f"the text {text[:40]!r} has no piece that occurs in it only once")
