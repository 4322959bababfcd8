"""Settings and a conversation in, the request out: pure functions."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from pytest_byom.client.encoding import ACCEPTED
from pytest_byom.client.errors import UsageError
from pytest_byom.client.jsontext import write_json
from pytest_byom.client.messages import attachments_in
from pytest_byom.client.models import MAX_TOKENS_FIELDS, CustomModel
from pytest_byom.client.redact import HiddenHeaders, HiddenText, shown_url

if TYPE_CHECKING:
    from pytest_byom.client.schema import OutputSchema

TOOL_CHOICES = ("none", "auto", "required")
# The ranges of the API; what a server allows beyond them can be sent through extra_body.
_RANGES: dict[str, tuple[type, float, float]] = {
    "max_tokens": (int, 1, float("inf")),
    "temperature": (float, 0, 2),
    "top_p": (float, 0, 1),
    "top_k": (int, -1, float("inf")),
    "seed": (int, -(2**63), 2**63 - 1),
    "frequency_penalty": (float, -2, 2),
    "presence_penalty": (float, -2, 2),
    "top_logprobs": (int, 0, 20),
    "n": (int, 1, 128),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every request of a client asks for; None leaves it to the server."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: str | Sequence[str] | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Mapping[str, int] | None = None
    top_logprobs: int | None = None
    n: int | None = None
    reasoning_effort: str | None = None
    tool_choice: str | Mapping[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    max_tokens_field: str | None = None
    extra_body: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, (kind, low, high) in _RANGES.items():
            _check_number(name, getattr(self, name), kind, low, high)
        if self.stop is not None:
            stops = [self.stop] if isinstance(self.stop, str) else self.stop
            if not (isinstance(stops, Sequence) and stops and all(map(_is_text, stops))):
                raise UsageError(f"stop must be a text or a list of texts, not {self.stop!r}")
        if self.logit_bias is not None and not isinstance(self.logit_bias, Mapping):
            raise UsageError(
                f"logit_bias must map token ids to -100 to 100, not {self.logit_bias!r}"
            )
        if self.parallel_tool_calls not in (None, True, False):
            raise UsageError(
                f"parallel_tool_calls must be True or False, not {self.parallel_tool_calls!r}"
            )
        if self.max_tokens_field not in (None, *MAX_TOKENS_FIELDS):
            raise UsageError(
                f"max_tokens_field must be one of {MAX_TOKENS_FIELDS}, "
                f"not {self.max_tokens_field!r}"
            )
        if not isinstance(self.extra_body, Mapping):
            raise UsageError(f"extra_body must be an object, not {self.extra_body!r}")


@dataclass(frozen=True, slots=True)
class WireRequest:
    """One HTTP request; its repr shows no secret."""

    method: str
    url: str = field(repr=False)
    headers: HiddenHeaders
    content: bytes = field(default=b"", repr=False)

    @property
    def shown_url(self) -> str:
        """The URL without secrets."""
        return shown_url(self.url)


def build_body(
    settings: Settings,
    *,
    model: CustomModel | str,
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[Mapping[str, Any]] = (),
    output: OutputSchema | None = None,
    stream: bool = False,
) -> dict[str, Any]:
    """The body of a request; `extra_body` comes last and replaces what it names.

    Raises UnsupportedError if the model's flags say that it cannot do what is asked.
    """
    described = model if isinstance(model, CustomModel) else None
    if described:
        if output:
            described.require("structured_output", wanted="structured output")
        if settings.reasoning_effort not in (None, "none"):
            described.require("reasoning", wanted="reasoning_effort")
        attached = attachments_in(messages)
        if attached:
            described.require("attachments", wanted=f"to read an attachment ({attached[0]})")
    body: dict[str, Any] = {
        "model": described.wire_name if described else model,
        "messages": list(messages),
    }
    for name in ("temperature", "top_p", "top_k", "stop", "seed", "frequency_penalty"):
        _put(body, name, getattr(settings, name))
    for name in ("presence_penalty", "logit_bias", "n", "reasoning_effort"):
        _put(body, name, getattr(settings, name))
    limit = settings.max_tokens or (described.default_max_tokens if described else 0)
    if limit:
        own = described.max_tokens_field if described else "max_tokens"
        body[settings.max_tokens_field or own] = limit
    if settings.top_logprobs is not None:
        body.update(logprobs=True, top_logprobs=settings.top_logprobs)
    if tools:
        body["tools"] = list(tools)
        _put(body, "parallel_tool_calls", settings.parallel_tool_calls)
        if settings.tool_choice is not None:  # without tools, servers refuse it
            body["tool_choice"] = _tool_choice(settings.tool_choice, tools)
    if output:
        body["response_format"] = output.response_format()
    if stream:
        body.update(stream=True, stream_options={"include_usage": True})
    body.update(settings.extra_body)
    return body


class ChatRoute:
    """Where completions are asked for, and with which headers: the same for every request."""

    def __init__(self, base_url: str, headers: HiddenHeaders) -> None:
        self._url = HiddenText(join_url(base_url, "/chat/completions"))
        kind = {"Content-Type": "application/json"}
        self._plain = merge_headers({"Accept": "application/json", **kind}, headers)
        self._streamed = merge_headers({"Accept": "text/event-stream", **kind}, headers)

    def request(self, body: Mapping[str, Any]) -> WireRequest:
        """The request for a completion."""
        headers = self._streamed if body.get("stream") else self._plain
        return WireRequest("POST", self._url, headers, write_json(body))


def models_request(base_url: str, headers: HiddenHeaders) -> WireRequest:
    """The request for the list of models."""
    url = join_url(base_url, "/models")
    return WireRequest("GET", url, merge_headers({"Accept": "application/json"}, headers))


def base_headers(
    api_key: str | None, extra_headers: Mapping[str, str | None], *, base_url: str = ""
) -> HiddenHeaders:
    """What every request carries; an extra header replaces ours of that name in any case.

    None takes a header away. A user and password in the URL are sent where there is no key.
    Raises UsageError for what no header can hold, without showing it.
    """
    if api_key is not None and not isinstance(api_key, str):
        raise UsageError("api_key must be text or None")
    own = {"Accept-Encoding": ACCEPTED, "User-Agent": "pytest-byom"}
    if api_key:
        own["Authorization"] = f"Bearer {api_key}"
    elif basic_pair(base_url):
        own["Authorization"] = f"Basic {b64encode(basic_pair(base_url)).decode()}"
    headers = merge_headers(own, extra_headers)
    for name, value in headers.items():
        if not _is_header_value(value):
            raise UsageError(
                f"the header {name} holds a character that no header can hold: a line end, or a "
                "character outside of Latin-1 (its value is not shown here)"
            )
    return headers


def merge_headers(own: Mapping[str, str], more: Mapping[str, str | None]) -> HiddenHeaders:
    """Headers with others on top, whatever the case of their names."""
    if not isinstance(more, Mapping):
        raise UsageError(f"extra_headers must be an object, not {type(more).__name__}")
    merged = {name.lower(): (name, value) for name, value in own.items()}
    for name, value in more.items():
        if not _is_text(name) or not (value is None or isinstance(value, str)):
            raise UsageError(f"the header {name!r} must be text, or None to leave it away")
        merged.pop(name.lower(), None)
        if value is not None:
            merged[name.lower()] = (name, value)
    return HiddenHeaders(merged.values())


def join_url(base_url: str, path: str) -> str:
    """A path joined to a base URL, with or without a slash at its end; a query stays a query."""
    parts = urlsplit(base_url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + path, parts.query, ""))


def basic_pair(base_url: str) -> bytes:
    """The user and password of a URL, as Basic authorization joins them."""
    parts = urlsplit(base_url)
    if not parts.username and not parts.password:
        return b""
    return f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()


def without_user(base_url: str) -> str:
    """A URL without user and password: an HTTP library would put them in place of our key."""
    parts = urlsplit(base_url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def check_base_url(base_url: str) -> str:
    """Check a base URL and give it back without surrounding space; raises UsageError."""
    if not isinstance(base_url, str):
        raise UsageError(f"base_url must be text, not {base_url!r}")
    base_url = base_url.strip()
    try:
        parts = urlsplit(base_url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname)
        good = good and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good or any(ord(character) <= 32 for character in base_url):
        raise UsageError(
            f"base_url must be like http://localhost:11434/v1, not {_shown(base_url)!r}"
        )
    return base_url


def _shown(base_url: str) -> str:
    try:
        return shown_url(base_url)
    except ValueError:
        return base_url.rpartition("@")[2]


def _tool_choice(
    choice: str | Mapping[str, Any], tools: Sequence[Mapping[str, Any]]
) -> str | dict[str, Any]:
    """A tool choice; a text that is the name of a tool means that tool."""
    if isinstance(choice, Mapping):
        return dict(choice)
    if choice in TOOL_CHOICES:
        return choice
    for tool in tools:
        kind = str(tool.get("type", "function"))
        inner = tool.get(kind)
        if isinstance(inner, Mapping) and inner.get("name") == choice:
            return {"type": kind, kind: {"name": choice}}
    raise UsageError(
        f"tool_choice must be one of {', '.join(TOOL_CHOICES)}, the name of a tool of this "
        f"request, or an object, not {choice!r}"
    )


def _check_number(name: str, value: object, kind: type, low: float, high: float) -> None:
    if value is None:
        return
    number = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
    if not number or not low <= value <= high:  # type: ignore[operator]  # it is a number
        word = "a whole number" if kind is int else "a number"
        bounds = f"of {low:g} or more" if high == float("inf") else f"between {low:g} and {high:g}"
        raise UsageError(
            f"{name} must be {word} {bounds}, not {value!r}; "
            "extra_body sends anything to a server that wants it"
        )


def _put(body: dict[str, Any], name: str, value: Any) -> None:
    if value is not None:
        body[name] = dict(value) if isinstance(value, Mapping) else value


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_header_value(value: str) -> bool:
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return not any(ord(character) < 32 and character != "\t" for character in value)
