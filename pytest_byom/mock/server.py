"""`MockServer`: the same script behind a socket, for any client, process or language."""

from __future__ import annotations

import asyncio
import math
import os
from typing import TYPE_CHECKING, Any, Self

from pytest_byom.client.errors import UsageError
from pytest_byom.mock import transports
from pytest_byom.mock.answer import Cut, Pause
from pytest_byom.mock.dialect import fill
from pytest_byom.mock.http1 import BackgroundServer, Broken, Reply, Request
from pytest_byom.mock.http_messages import Pieces
from pytest_byom.mock.in_process import Guard
from pytest_byom.mock.mock import Scripted
from pytest_byom.mock.replies import Failure
from pytest_byom.mock.taken import ReceivedRequest

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence

    from pytest_byom.mock.answer import Step
    from pytest_byom.mock.log import Served
    from pytest_byom.mock.script import Entry

ENVIRONMENT = {
    "OPENAI_BASE_URL": "{base_url}",
    "OPENAI_API_BASE": "{base_url}",
    "OPENAI_API_KEY": "byom",
    "OPENROUTER_BASE_URL": "{base_url}",
    "OPENROUTER_API_KEY": "byom",
    "GROQ_BASE_URL": "{url}",
    "GROQ_API_KEY": "byom",
    "MISTRAL_API_KEY": "byom",
    "XAI_API_KEY": "byom",
    "OLLAMA_HOST": "{url}",
    "OLLAMA_API_BASE": "{url}",
    "HOSTED_VLLM_API_BASE": "{base_url}",
    "HOSTED_VLLM_API_KEY": "byom",
    "LM_STUDIO_API_BASE": "{base_url}",
    "LM_STUDIO_API_KEY": "byom",
}
"""The variables that clients read, and what each is set to."""

NOT_ON_A_SOCKET = {
    ("timeout", "connect"): "a server that listens takes the connection",
    ("timeout", "write"): "a server that listens reads the request",
    ("timeout", "pool"): "the pool is the client's own",
    ("connection", "refused"): "a server that listens takes the connection",
}


class MockServer(Scripted):
    """A script behind a server on 127.0.0.1: `with MockServer() as server: server.base_url`.

    It listens on a free port from the start to the end of the `with` block. `tls` has it speak
    HTTPS. Silence is real here, as the server cannot know how long a client waits. Clients of this
    process do not get through to real servers meanwhile, unless `guard` is False.
    """

    name = "byom_server"

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        guard: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._guard = Guard(self) if guard else None
        self._where: dict[str, Any] = {"host": host, "port": port, "tls": tls}
        self._server: BackgroundServer | None = None
        self._before: dict[str, str | None] = {}

    def start(self) -> None:
        """Listen. Raises OSError if the port is taken."""
        self._server = BackgroundServer(self._respond, **self._where)
        if self._guard is not None:
            transports.start(self._guard)

    def stop(self) -> None:
        """Stop listening, and give the environment back."""
        if self._server is not None:
            self._server.close()
            self._server = None
            if self._guard is not None:
                transports.stop(self._guard)
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before.clear()

    def use_tls(self, context: ssl.SSLContext) -> Self:
        """Speak HTTPS from now on, at a new URL."""
        self.stop()
        self._where["tls"] = context
        self.start()
        return self

    @property
    def url(self) -> str:
        """The address without a path, such as http://127.0.0.1:40000."""
        if self._server is None:
            raise UsageError("the server has not been started: use it in a with block")
        return self._server.url

    @property
    def base_url(self) -> str:
        """The base URL for clients, such as http://127.0.0.1:40000/v1."""
        return f"{self.url}/v1"

    @property
    def environment(self) -> dict[str, str]:
        """The variables that aim clients at this server, for a process of its own."""
        values = {"url": self.url, "base_url": self.base_url}
        return {name: text.format(**values) for name, text in ENVIRONMENT.items()}

    def set_environment(self) -> Self:
        """Set these variables, until the server stops."""
        for name, value in self.environment.items():
            self._before.setdefault(name, os.environ.get(name))
            os.environ[name] = value
        return self

    def _add(self, entry: Entry) -> None:
        _refuse_impossible(entry)
        super()._add(entry)

    def _respond(self, request: Request) -> Reply | Awaitable[Reply]:
        """Answer one request of the socket: at once, if nothing is to come before the answer."""
        asked = ReceivedRequest(request, self.url)
        if asked.method == "OPTIONS" and self._dialect.preflight:
            origin = {"origin": asked.headers.get("origin", "*")}
            return Reply(200, tuple(fill(self._dialect.preflight, origin).items()), b"")
        if self.claims(asked.method, asked.path) is None:
            served = self.turn_away(asked)
        else:
            served = self.answer(asked)
        if served.answer.delay is None and served.answer.trouble is None:
            return _reply(served)
        return _reply_late(served)


def _refuse_impossible(entry: Entry) -> None:
    saying = entry.saying
    if not isinstance(saying, Failure):
        return
    for name in ("timeout", "connection"):
        value = getattr(saying, name)
        if reason := NOT_ON_A_SOCKET.get((name, value)):
            raise UsageError(f"fail({name}={value!r}) is for byom_mock: {reason}")


async def _reply_late(served: Served) -> Reply:
    answer = served.answer
    await _be_silent(answer.delay)
    match answer.trouble:
        case "reset":
            raise Broken(reset=True)
        case "closed":
            raise Broken
        case "read timeout":
            await _be_silent(Pause(math.inf))
    return _reply(served)


def _reply(served: Served) -> Reply:
    status, headers, body, *_ = served.answer
    if isinstance(body, bytes):
        served.finished = True
        return Reply(status, headers, body)
    served.finished = False
    plain = [step for step in body if type(step) is bytes]
    if len(plain) == len(body):
        return Reply(status, headers, Pieces(_give_out(plain, served)))
    return Reply(status, headers, _play(body, served))


def _give_out(pieces: Sequence[bytes], served: Served) -> Iterator[bytes]:
    yield from pieces
    served.finished = True


async def _play(steps: Sequence[Step], served: Served) -> AsyncIterator[bytes]:
    for step in steps:
        match step:
            case bytes():
                yield step
            case Pause():
                await _be_silent(step)
            case Cut():
                raise Broken
    served.finished = True


async def _be_silent(pause: Pause | None) -> None:
    """Wait; a client that leaves ends the wait."""
    if pause is None:
        return
    if math.isinf(pause.seconds):
        await asyncio.get_running_loop().create_future()
    await asyncio.sleep(pause.seconds)
