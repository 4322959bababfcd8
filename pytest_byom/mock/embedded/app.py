"""The server: who may ask, which path does what, and the headers that every answer has.

    POST /v1/chat/completions
    GET  /v1/models
    GET  /v1/models/{id}

In this order: a preflight is granted, the key is checked, then the path (404), the method (405),
the media type (415), and only then the body.
"""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pytest_byom.mock.embedded import completions
from pytest_byom.mock.embedded.body import check_media_type, read_object
from pytest_byom.mock.embedded.chat_request import read_chat_request, unknown_model
from pytest_byom.mock.embedded.errors import ApiError, error_answer
from pytest_byom.mock.embedded.render import write_json
from pytest_byom.mock.http1 import Headers, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

NAME = "byom-embedded"
JSON_TYPE = (("content-type", "application/json"),)
_METHODS = {"chat": ("POST",), "models": ("GET", "HEAD"), "model": ("GET", "HEAD")}


class EmbeddedServer:
    """A server of the chat completions API with a deterministic stand-in model.

    Without `api_key` every caller is let in. `clock` gives Unix time in seconds.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        models: Sequence[str] = (NAME,),
        context_window: int = 4096,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not models:
            raise ValueError("models is empty: name at least one")
        if context_window < 16:
            raise ValueError(f"context_window is {context_window}: it must be 16 or more")
        self._api_key = api_key
        self._models = tuple(models)
        self._window = context_window
        self._clock = clock
        self._started = int(clock())

    async def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        began = time.perf_counter()
        try:
            reply = await self._answer(request)
        except ApiError as error:
            reply = error_answer(error)
        spent = max(1, round((time.perf_counter() - began) * 1000))
        return replace(reply, headers=(*reply.headers, *_common_headers(request, spent)))

    async def _answer(self, request: Request) -> Reply:
        if request.method == "OPTIONS":
            return _grant(request)
        self._authenticate(request.header("authorization"))
        kind, name = _route(request.path)
        if request.method not in _METHODS[kind]:
            raise _wrong_method(request.method, _METHODS[kind])
        handlers: dict[str, Callable[[Request, str], Awaitable[Reply]]] = {
            "chat": self._complete,
            "models": self._list_models,
            "model": self._show_model,
        }
        return await handlers[kind](request, name)

    def _authenticate(self, header: str | None) -> None:
        """Compare the key in constant time; the refusal does not repeat it."""
        if self._api_key is None:
            return
        scheme, _, key = (header or "").strip().partition(" ")
        given = key.strip().encode("utf-8", "replace")
        if scheme.lower() == "bearer" and hmac.compare_digest(given, self._api_key.encode()):
            return
        raise ApiError(
            "Incorrect API key provided."
            if header
            else "You didn't provide an API key. "
            "Send it in an Authorization header using Bearer auth (Authorization: Bearer KEY).",
            status=401,
            code="invalid_api_key",
            headers=(("www-authenticate", 'Bearer realm="byom"'),),
        )

    async def _complete(self, request: Request, _: str) -> Reply:
        check_media_type(request.header("content-type"))
        chat = read_chat_request(read_object(request.body), self._models)
        job = completions.prepare(chat, window=self._window, created=int(self._clock()))
        if chat.stream:
            return Reply(200, completions.STREAM_HEADERS, completions.stream(job))
        return Reply(200, JSON_TYPE, await completions.complete(job))

    async def _list_models(self, _: Request, __: str) -> Reply:
        data = [self._entry(name) for name in self._models]
        return Reply(200, JSON_TYPE, write_json({"object": "list", "data": data}))

    async def _show_model(self, _: Request, name: str) -> Reply:
        if name not in self._models:
            raise unknown_model(name)
        return Reply(200, JSON_TYPE, write_json(self._entry(name)))

    def _entry(self, name: str) -> dict[str, object]:
        return {
            "id": name,
            "object": "model",
            "created": self._started,
            "owned_by": "byom",
            "context_window": self._window,
        }


def _route(path: str) -> tuple[str, str]:
    """Return which resource a path names; what stands behind /models/ is a model's name."""
    if path == "/v1/chat/completions":
        return "chat", ""
    if path == "/v1/models":
        return "models", ""
    if path.startswith("/v1/models/"):
        return "model", unquote(path.removeprefix("/v1/models/"))
    raise ApiError(f"Invalid URL ({path[:200]}).", status=404)


def _wrong_method(method: str, allowed: tuple[str, ...]) -> ApiError:
    names = ", ".join((*allowed, "OPTIONS"))
    return ApiError(
        f"Not allowed to {method[:20]} on this path. Allowed: {names}.",
        status=405,
        code="method_not_supported",
        headers=(("allow", names),),
    )


def _grant(request: Request) -> Reply:
    """Answer OPTIONS; a browser's preflight is granted."""
    wanted = request.header("access-control-request-headers")
    granted = (
        ("allow", "GET, HEAD, POST, OPTIONS"),
        ("access-control-allow-methods", "GET, HEAD, POST, OPTIONS"),
        ("access-control-allow-headers", wanted or "authorization, content-type"),
        ("access-control-max-age", "600"),
    )
    return Reply(204, granted, b"")


def _common_headers(request: Request, spent: int) -> Headers:
    headers: Headers = (
        ("server", NAME),
        ("x-request-id", f"req_{secrets.token_hex(16)}"),
        ("openai-processing-ms", str(spent)),
    )
    if request.header("origin") is None:
        return headers
    return (
        *headers,
        ("access-control-allow-origin", "*"),
        ("access-control-expose-headers", "x-request-id, openai-processing-ms"),
    )
