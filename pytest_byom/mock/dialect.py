"""How one server software answers, as data: a YAML file each in `pytest_byom/mock/dialects/`.

Everything that a server adds to the API's own members is a template. In a template a text of one
placeholder stands for a value, as it is; placeholders inside of a text become text:

    {uuid} {hex:N} {alnum:N} {lower:N} {digits:N}      made anew for each answer
    {answer} {request} {created} {model} {finish}      of this answer
    {usage} {input} {output} {spoken} {total} {cached} {reasoning}
    {text}                                             of a piece of reasoning: in `thoughts`
    {message} {type} {code} {param} {status}           of an error
"""

from __future__ import annotations

import functools
import itertools
import random
import re
import string
import uuid
from dataclasses import dataclass, field
from importlib import resources
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_byom.client.errors import RegistryError, UsageError
from pytest_byom.documents.reading import Form, parse_document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Template = Any
Maker: TypeAlias = "Callable[[Mapping[str, Any]], Any]"

FORM = Form(error=RegistryError, name="dialect", most_characters=100_000, most_levels=30)
DEFAULT = "openai"
TEMPLATES = (
    "answer", "choice", "message", "chunk", "first_chunk", "finish_chunk", "usage_chunk",
    "last_chunk", "thoughts", "opening_choice", "chunk_choice", "finish_choice",
)  # fmt: skip
_random = random.Random()
"""Not the one of the standard library's functions: a test may have seeded that."""

_PLACEHOLDER = re.compile(r"\{(\w+)(?::(\d+))?\}")
_ALPHABETS = {
    "alnum": string.ascii_letters + string.digits,
    "lower": string.ascii_lowercase + string.digits,
    "digits": string.digits,
}


@dataclass(frozen=True, kw_only=True)
class Calls:
    """How calls are written.

    `whole`: one delta has the whole call. `with_finish`: that delta stands in the finish chunk.
    `content`: beside calls it is null, empty or absent; `opening` says the same of the first delta
    of a stream. `index`, `type`: whether plain calls have
    an index, and any call a type. `first`: the first delta has empty arguments, none, or a piece.
    `beside`: what a delta with a call has besides, `around` what those before and after have.
    `named`: the finish reason of a forced call. `both_forms`: a lone call stands in `function_call`
    too, and each piece of a streamed one has its id and its name.
    """

    whole: bool = False
    with_finish: bool = False
    content: str = "null"
    opening: str = "null"
    index: bool = False
    type: bool = True
    first: str = "empty"
    beside: Mapping[str, Any] = field(default_factory=dict)
    around: Mapping[str, Any] = field(default_factory=dict)
    named: str = "tool_calls"
    both_forms: bool = False


@dataclass(frozen=True, kw_only=True)
class UsageForm:
    """Which members usage has, and in which chunks of a stream it stands.

    `asked` and `unasked` name the chunks, with and without `include_usage`: `finish` (with the
    finish reason), `own` (a last chunk without a choice), `again` (a last chunk that repeats the
    finish reason). `others: null` gives all other chunks a null usage if it was asked for.
    """

    members: Mapping[str, Any]
    streamed: Mapping[str, Any] | None = None
    asked: tuple[str, ...] = ("own",)
    unasked: tuple[str, ...] = ()
    others: str = "absent"


@dataclass(frozen=True, kw_only=True)
class Scores:
    """How log probabilities are written.

    `beside`: what stands beside the list of tokens. `number`: whether a token has one, as `id`.
    `bytes`: whether they are given, or null. `unasked`: how many candidates come where no number
    of them is asked for; with null the member is left out.
    """

    beside: Mapping[str, Any] = field(default_factory=lambda: {"refusal": None})
    number: bool = False
    bytes: bool = True
    unasked: int | None = 0


@dataclass(frozen=True, kw_only=True)
class ErrorForm:
    """The body of an error, and its headers: of some statuses, or of all.

    `omit` names members of the error object that are left out where they would be null, `types`
    translates the types of the API.
    """

    body: Template
    status: tuple[int, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    omit: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Requests:
    """What the server takes and refuses, where it is not what the API says.

    `means` has values of its own, as what they are in the API (`{}` is any object). `takes` are
    patterns of faults, written as param and code, that it does not mind. `refuses` has
    parameters that it knows not, or values ("response_format.type=json_object"), with what it says;
    `unknown` what it says of any parameter that is neither the API's nor one of those it `knows`.
    `status` is that of what it does not know, `fault_status` that of what is wrong in the API too.
    """

    means: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    takes: tuple[str, ...] = ()
    refuses: Mapping[str, str] = field(default_factory=dict)
    unknown: str = ""
    knows: tuple[str, ...] = ()
    status: int = 400
    fault_status: int = 400
    unknown_model: str = ""
    model_status: int = 404
    any_model: bool = False


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """What one server adds to the API, leaves out, and does in its own way.

    `preflight` are the headers with which a browser's question is answered, if it is; {origin} is
    that of the page. `deviates` are the checks of the suite that find a dialect: all of them, and
    no other.
    """

    name: str
    title: str
    basis: str
    model: str
    ids: Mapping[str, str]
    usage: UsageForm
    errors: tuple[ErrorForm, ...]
    headers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    answer: Mapping[str, Any] = field(default_factory=dict)
    choice: Mapping[str, Any] = field(default_factory=lambda: {"logprobs": None})
    message: Mapping[str, Any] = field(default_factory=dict)
    chunk: Mapping[str, Any] = field(default_factory=dict)
    first_chunk: Mapping[str, Any] = field(default_factory=dict)
    finish_chunk: Mapping[str, Any] = field(default_factory=dict)
    usage_chunk: Mapping[str, Any] = field(default_factory=dict)
    last_chunk: Mapping[str, Any] = field(default_factory=dict)
    opening_choice: Mapping[str, Any] | None = None
    chunk_choice: Mapping[str, Any] = field(default_factory=lambda: {"logprobs": None})
    finish_choice: Mapping[str, Any] = field(default_factory=dict)
    opening: Mapping[str, Any] | None = field(
        default_factory=lambda: {"role": "assistant", "content": "", "refusal": None}
    )
    finish_delta: Mapping[str, Any] = field(default_factory=dict)
    finish_with_text: bool = False
    beside_reasoning: Mapping[str, Any] = field(default_factory=dict)
    role: str = "first"
    unfinished: str = "null"
    reasoning: str = "reasoning_content"
    thoughts: Mapping[str, Any] = field(default_factory=dict)
    calls: Calls = Calls()
    scores: Scores = Scores()
    comments: tuple[str, ...] = ()
    padding: str = ""
    json_type: str = "application/json"
    stream_type: str = "text/event-stream; charset=utf-8"
    error_event: Mapping[str, Any] | None = None
    requests: Requests = Requests()
    preflight: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, Any] = field(default_factory=dict)
    deviates: tuple[str, ...] = ()

    def header_form(self, *, stream: bool) -> Template:
        """Return the template of the headers of an answer."""
        return _header_form(self.name, stream)

    @property
    def is_parted(self) -> bool:
        """Whether reasoning is a part of the content, in place of a member of its own."""
        return self.reasoning == "parts"

    def error_form(self, status: int) -> ErrorForm:
        """Return the form of an error with this status."""
        return next(form for form in self.errors if status in form.status or not form.status)


@functools.cache
def list_dialects() -> tuple[str, ...]:
    """Return the names of the dialects, sorted."""
    files = (resources.files("pytest_byom.mock") / "dialects").iterdir()
    return tuple(sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml")))


@functools.cache
def load_dialect(dialect: str) -> Dialect:
    """Return a dialect. Raises UsageError for a name that is none."""
    if dialect not in list_dialects():
        raise UsageError(f"there is no dialect {dialect!r}; there are {', '.join(list_dialects())}")
    file = resources.files("pytest_byom.mock") / "dialects" / f"{dialect}.yaml"
    data: dict[str, Any] = dict(
        parse_document(file.read_text("utf-8"), shown=file.name, form=FORM).data
    )
    for name, value in data.items():
        if name in TEMPLATES:
            data[name] = _prepare(value)
    for name in ("headers", "ids", "models"):
        data[name] = {key: _prepare(value) for key, value in data.get(name, {}).items()}
    usage = _tuples(data["usage"], "asked", "unasked")
    forms: dict[str, Any] = {
        name: _prepare(usage[name]) for name in ("members", "streamed") if name in usage
    }
    data["usage"] = UsageForm(**{**usage, **forms})
    data["errors"] = tuple(ErrorForm(**_tuples(one, "status", "omit")) for one in data["errors"])
    if "calls" in data:
        data["calls"] = Calls(**data["calls"])
    if "scores" in data:
        data["scores"] = Scores(**data["scores"])
    if "requests" in data:
        data["requests"] = Requests(**_tuples(data["requests"], "takes", "knows"))
    return Dialect(name=dialect, **_tuples(data, "comments", "deviates"))


@functools.cache
def _header_form(name: str, stream: bool) -> Template:
    dialect = load_dialect(name)
    kind = dialect.stream_type if stream else dialect.json_type
    own = dialect.headers.get("stream" if stream else "plain", {})
    return _prepare({"content-type": kind, **dialect.headers.get("all", {}), **own})


def _tuples(data: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: tuple(value) if key in names else value for key, value in data.items()}


class _Ready(dict[str, Any]):
    """A template that is compiled: a dialect is loaded once and filled for every answer."""

    __slots__ = ("make",)
    make: Maker


class _ReadyText(str):
    __slots__ = ("make",)
    make: Maker


_READY = (_Ready, _ReadyText)


def _prepare(template: Template) -> Template:
    """Return a template that `fill` fills quickly."""
    made: _Ready | _ReadyText
    if isinstance(template, dict):
        made = _Ready({key: _prepare(value) for key, value in template.items()})
    elif isinstance(template, str):
        made = _ReadyText(template)
    else:
        return template
    made.make = _compile(template)
    return made


def fill(template: Template, values: Mapping[str, Any]) -> Any:
    """Return a template with its placeholders filled; what has none is not copied."""
    if type(template) in _READY:
        return template.make(values)
    return _compile(template)(values)


def _compile(template: Template) -> Maker:
    if isinstance(template, dict):
        return _compile_mapping(template)
    if isinstance(template, list):
        makers = [_compile(entry) for entry in template]
        return lambda values: [make(values) for make in makers]
    if isinstance(template, str) and "{" in template:
        return _compile_text(template)
    return _Fixed(template)


@dataclass(frozen=True, slots=True)
class _Fixed:
    value: Any

    def __call__(self, values: Mapping[str, Any]) -> Any:
        return self.value


def _compile_mapping(template: dict[str, Any]) -> Maker:
    makers = {key: _compile(value) for key, value in template.items()}
    moving = [(key, make) for key, make in makers.items() if not isinstance(make, _Fixed)]
    blank = {key: make.value if isinstance(make, _Fixed) else None for key, make in makers.items()}
    if not moving:
        return _Fixed(blank)

    def make_mapping(values: Mapping[str, Any]) -> dict[str, Any]:
        filled = blank.copy()  # keeps the order of the members
        for key, make in moving:
            filled[key] = make(values)
        return filled

    return make_mapping


def _compile_text(template: str) -> Maker:
    whole = _PLACEHOLDER.fullmatch(template)
    if whole is not None:
        return _placeholder(whole)
    parts: list[Maker] = []
    start = 0
    for match in _PLACEHOLDER.finditer(template):
        parts += [_Fixed(template[start : match.start()]), _placeholder(match)]
        start = match.end()
    parts.append(_Fixed(template[start:]))
    if len(parts) == 3 and not template[start:]:  # as most ids are
        before, make = template[: template.index("{")], parts[1]
        return lambda values: f"{before}{make(values)}"
    return lambda values: "".join([str(make(values)) for make in parts])


def _placeholder(match: re.Match[str]) -> Maker:
    name, size = match[1], int(match[2] or 0)
    if name == "uuid":
        return lambda _: str(uuid.UUID(int=_random.getrandbits(128), version=4))
    if not size:
        return itemgetter(name)
    if name == "hex":
        form, bits = f"%0{size}x", 4 * size
        return lambda _: form % _random.getrandbits(bits)
    # Two letters at a time: half the draws.
    pairs = ["".join(pair) for pair in itertools.product(_ALPHABETS[name], repeat=2)]
    return lambda _: "".join(_random.choices(pairs, k=(size + 1) // 2))[:size]
