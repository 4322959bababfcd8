"""One request as the mock saw it, with the parts that tests ask about."""

from __future__ import annotations

import functools
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlsplit

from pytest_byom.client.redact import HiddenHeaders, Redactor, secrets_of, shown_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

CHAT = "/chat/completions"
MODELS = "/models"


class lazy(Generic[T]):
    """A property that is computed once. (The standard library's takes a lock for it.)"""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    def __get__(self, asked: Any, owner: type) -> T:
        value = asked.__dict__[self._name] = self._compute(asked)
        return value


@dataclass(eq=False)
class AskedRequest:
    """What a client asked: `json`, `messages`, `tools`, `headers` and more, never None but `json`.

    Names in `headers` are lower case. `timeout` has the client's limits in seconds, where it told
    them: `connect`, `read`, `write`, `pool`. `at` is the time of arrival on the monotonic clock.
    `model` is the name of the model, empty without one; `stream` says whether one is asked for.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout: Mapping[str, float | None] = field(default_factory=dict)
    at: float = field(default_factory=time.monotonic)
    number: int = 0
    model: str = field(init=False)
    stream: bool = field(init=False)

    def __post_init__(self) -> None:
        self.model, self.stream = glance(self.body)

    def __repr__(self) -> str:
        return f"<AskedRequest {self.number}: {self.method} {shown_url(self.url)}>"

    @lazy
    def path(self) -> str:
        """The path of the URL."""
        return urlsplit(self.url).path

    @lazy
    def host(self) -> str:
        """The host of the URL, without the port."""
        return urlsplit(self.url).hostname or ""

    @property
    def content_type(self) -> str | None:
        """What the headers say that the body is; None if they do not."""
        return self.headers.get("content-type")

    @lazy
    def json(self) -> Any:
        """The body, read as JSON; None if it is none."""
        return _read(self.body)

    @property
    def members(self) -> dict[str, Any]:
        """The members of the body; empty if it is no JSON object."""
        return self.json if isinstance(self.json, dict) else {}

    @lazy
    def is_chat(self) -> bool:
        """Whether a chat completion is asked for."""
        return self.method == "POST" and self.path.endswith(CHAT)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages."""
        return _objects(self.members.get("messages"))

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The functions on offer, each with `name`, `description` and `parameters`."""
        offered = _objects(self.members.get("tools"))
        old = _objects(self.members.get("functions"))
        return [tool["function"] for tool in offered if _is_function(tool)] + old

    @property
    def system(self) -> str:
        """The text of the system and developer messages."""
        return "\n".join(self.texts("system", "developer"))

    @property
    def last_user(self) -> str:
        """The text of the last user message."""
        return (self.texts("user") or [""])[-1]

    @property
    def first_user(self) -> str:
        """The text of the first user message."""
        return (self.texts("user") or [""])[0]

    @property
    def tool_results(self) -> list[str]:
        """The tool messages at the end of the conversation, in order."""
        found: list[str] = []
        for message in reversed(self.messages):
            if message.get("role") not in ("tool", "function"):
                break
            found.insert(0, read_text(message))
        return found

    @property
    def turn(self) -> int:
        """Which answer of the conversation this is to be, from 1."""
        return 1 + len([one for one in self.messages if one.get("role") == "assistant"])

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON Schema that the answer must follow."""
        form = self.members.get("response_format")
        given = form.get("json_schema") if isinstance(form, dict) else None
        schema = given.get("schema") if isinstance(given, dict) else None
        return schema if isinstance(schema, dict) else None

    @property
    def redactor(self) -> Redactor:
        """Takes the secrets of this request out of a text that shows it."""
        return Redactor(secrets_of(None, self.headers, self.url))

    def texts(self, *roles: str) -> list[str]:
        """Return the texts of the messages of these roles."""
        return [read_text(one) for one in self.messages if one.get("role") in roles]


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


@functools.lru_cache(maxsize=64)
def glance(body: bytes) -> tuple[str, bool]:
    """Return model and stream: every request is asked for them, and the same ones come again."""
    found = _read(body)
    members = found if isinstance(found, dict) else {}
    return str(members.get("model") or ""), members.get("stream") is True


def hide(headers: Mapping[str, str]) -> HiddenHeaders:
    """Return headers with names in lower case, whose secrets are never shown."""
    return HiddenHeaders({name.lower(): value for name, value in headers.items()})


def read_text(message: Mapping[str, Any]) -> str:
    """Return the text of a message; the texts of its parts, a line each."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = _objects(content)
    return "\n".join(part["text"] for part in parts if isinstance(part.get("text"), str))


def _objects(value: Any) -> list[dict[str, Any]]:
    entries = value if isinstance(value, list) else []
    return [entry for entry in entries if isinstance(entry, dict)]


def _is_function(tool: Mapping[str, Any]) -> bool:
    return isinstance(tool.get("function"), dict)
