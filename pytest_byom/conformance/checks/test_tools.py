"""Checks of tools: offered, required, named, forbidden."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import accepted, no_effect, prompt_tokens, refused, wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.exchange import Exchange, dig
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.views import ChunkStream, Completion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask

STREAM = "tools/required-stream"

MARKUP = ("<tool_call>", "<function=", "[TOOL_CALLS]", "<|python_tag|>")
"""How chat templates write calls; a server's parser has to take it out of the text."""


def called_names(exchange: Exchange) -> list[object]:
    """Return the names of the functions that a plain answer calls."""
    calls = exchange.message.get("tool_calls")
    return [dig(call, "function.name") for call in calls] if isinstance(calls, list) else []


@check(
    "tools.offered",
    level="must",
    decides=["tool-01", "tool-17"],
    asks=["tools/offered"],
    needs=["tools"],
    breaks="no agent works",
)
def test_offered(byom_ask: Ask) -> Iterator[Wrong]:
    """A request with a function tool is accepted."""
    yield from accepted(byom_ask("tools/offered"))


@check(
    "tools.counted",
    level="should",
    decides=["tool-34"],
    needs=["tools"],
    asks=["tools/offered"],
    breaks="a tool that does not reach the prompt is never called",
)
def test_counted(byom_ask: Ask) -> Iterator[Wrong]:
    """tools raise usage.prompt_tokens."""
    exchange = byom_ask("tools/offered")
    question = 16  # tokens, at the most, for the question, which is five words long
    if (count := prompt_tokens(exchange)) <= question:
        place, expected = "usage.prompt_tokens", "the tokens of the question and of the tool"
        yield no_effect(exchange, place, expected=expected, got=count)


@check(
    "tools.required",
    level="should",
    decides=["tool-18", "tool-06"],
    needs=["tools", "tool_choice_required"],
    asks=["tools/required"],
    breaks="LangChain's bind_tools(tool_choice='any') and the Vercel AI SDK wait for a call",
)
def test_required(byom_ask: Ask) -> Iterator[Wrong]:
    """tool_choice "required" gives at least one tool call."""
    exchange = byom_ask("tools/required")
    if not called_names(exchange):
        never_cut(exchange)
        got = f"finish_reason {exchange.finish_reason!r}"
        yield no_effect(exchange, "message.tool_calls", expected="a call", got=got)


@check(
    "tools.named",
    level="should",
    decides=["tool-19"],
    needs=["tools", "tool_choice_named"],
    asks=["tools/named"],
    breaks="LangChain's with_structured_output(method='function_calling') names its function",
)
def test_named(byom_ask: Ask) -> Iterator[Wrong]:
    """tool_choice naming a function forces that function."""
    exchange = byom_ask("tools/named")
    names = called_names(exchange)
    if not names:
        never_cut(exchange)
    if set(names) != {"get_time"}:
        got = ", ".join(map(str, names)) or "no call"
        yield no_effect(exchange, "message.tool_calls", expected="a call of get_time", got=got)


def never_cut(exchange: Exchange) -> None:
    """Inconclusive if the token limit ended the answer: a call might have come."""
    if exchange.finish_reason == "length":
        raise Inconclusive("the token limit ended the answer before a call")


@check(
    "tools.none",
    level="must",
    decides=["tool-16"],
    needs=["tools"],
    asks=["tools/none"],
    breaks="an agent that wants its final text gets another call, and loops",
)
def test_none(byom_ask: Ask) -> Iterator[Wrong]:
    """tool_choice "none" gives no tool call."""
    exchange = byom_ask("tools/none")
    if names := called_names(exchange):
        got = ", ".join(map(str, names))
        yield no_effect(exchange, "message.tool_calls", expected="no call", got=got)


@check(
    "tools.no-markup",
    level="should",
    decides=["tool-35", "stool-14"],
    needs=["tools"],
    asks=["tools/offered", "tools/required", "tools/none", STREAM],
    breaks="the reader sees the model's markup, and the call is lost",
)
def test_no_markup(byom_ask: Ask) -> Iterator[Wrong]:
    """Raw tool-call markup of the model is not left in the text."""
    ids = ("tools/offered", "tools/required", "tools/none")
    plain = [exchange for exchange in map(byom_ask, ids) if Completion.of(exchange)]
    texts = [(exchange, _text(exchange)) for exchange in plain]
    stream = ChunkStream.of(byom_ask(STREAM))
    if stream is not None:
        texts.append((stream.exchange, stream.text()))
    if not texts:
        raise Inconclusive("no request with a tool was answered")
    for exchange, text in texts:
        for marker in MARKUP:
            if marker in text:
                yield wrong(exchange, "content", expected=f"no {marker}", got=text[:80])


def _text(exchange: Exchange) -> str:
    content = dig(exchange.completion, "choices.0.message.content")
    return content if isinstance(content, str) else ""


@check(
    "tools.call-ids-new",
    level="should",
    decides=["tool-09"],
    needs=["tools", "tool_choice_required", "tool_choice_named"],
    asks=["tools/required", "tools/named"],
    breaks="in a long history the result of one call is taken for that of another",
)
def test_call_ids_new(byom_ask: Ask) -> Iterator[Wrong]:
    """Tool call ids are unique across requests."""
    first = byom_ask("tools/required")
    second = byom_ask("tools/named")
    known = {id for call in first.tool_calls if isinstance(id := call.get("id"), str) and id}
    for number, call in enumerate(second.tool_calls):
        if call.get("id") in known:
            got = f"{call['id']!r} again"
            place = f"choices.0.message.tool_calls.{number}.id"
            yield wrong(second, place, expected="an id of its own", got=got)


@check(
    "tools.unknown-name",
    level="should",
    decides=["tool-20"],
    needs=["tools", "tool_choice_named"],
    asks=["tools/unknown-name"],
    breaks="a typing error in a function's name calls another one, or none",
)
def test_unknown_name(byom_ask: Ask) -> Iterator[Wrong]:
    """tool_choice naming an unknown function is refused."""
    yield from refused(byom_ask("tools/unknown-name"))


def _stream(byom_ask: Ask) -> ChunkStream:
    return ChunkStream.expect(byom_ask(STREAM).accepted())


@check(
    "tools.streamed",
    level="must",
    decides=["stool-01", "stool-02", "stool-04"],
    needs=["tools", "stream", "tool_choice_required"],
    asks=[STREAM],
    breaks="without an index openai-python's and openai-node's helpers raise; without a type "
    "openai-node's does",
)
def test_streamed(byom_ask: Ask) -> Iterator[Wrong]:
    """Tool call fragments have an index from 0, and the first of each has id, type and name."""
    fragments = _fragments(_stream(byom_ask))
    seen: set[object] = set()
    for place, fragment in fragments:
        index = fragment.get("index")
        if index in seen and isinstance(index, int):
            continue
        if index != len(seen) or isinstance(index, bool):
            yield _fragment_wrong(byom_ask, f"{place}.index", str(len(seen)), index)
            return
        seen.add(index)
        for name, expected in (
            ("id", "a string"),
            ("type", "function"),
            ("function.name", "get_weather"),
        ):
            value = dig(fragment, name)
            if not isinstance(value, str) or not value or expected not in ("a string", value):
                yield _fragment_wrong(byom_ask, f"{place}.{name}", expected, value)


@check(
    "tools.streamed-once",
    level="must",
    decides=["stool-05", "stool-06"],
    needs=["tools", "stream", "tool_choice_required"],
    asks=[STREAM],
    breaks='openai-python\'s stream() joins repeated ids ("aaa"), and repeated names',
)
def test_streamed_once(byom_ask: Ask) -> Iterator[Wrong]:
    """id and function.name are sent once for each call."""
    counts: dict[tuple[object, str], int] = {}
    for place, fragment in _fragments(_stream(byom_ask)):
        for name in ("id", "function.name"):
            if dig(fragment, name):
                key = (fragment.get("index"), name)
                counts[key] = counts.get(key, 0) + 1
                if counts[key] == 2:
                    got = dig(fragment, name)
                    yield _fragment_wrong(byom_ask, f"{place}.{name}", "nothing any more", got)


@check(
    "tools.streamed-arguments",
    level="must",
    decides=["stool-08", "stool-07"],
    needs=["tools", "stream", "tool_choice_required"],
    asks=[STREAM],
    breaks="an object breaks every client that joins the fragments",
)
def test_streamed_arguments(byom_ask: Ask) -> Iterator[Wrong]:
    """function is an object in every fragment, and function.arguments a string where it stands."""
    for place, fragment in _fragments(_stream(byom_ask)):
        if not isinstance(fragment.get("function"), dict):
            got = fragment.get("function")
            yield _fragment_wrong(byom_ask, f"{place}.function", "an object", got)
        elif not isinstance(dig(fragment, "function.arguments"), str | None):
            got = dig(fragment, "function.arguments")
            yield _fragment_wrong(byom_ask, f"{place}.function.arguments", "a string", got)


@check(
    "tools.streamed-finish",
    level="must",
    decides=["stool-10"],
    needs=["tools", "stream", "tool_choice_required"],
    asks=[STREAM],
    breaks="agents that look for tool_calls stop before they run the tool",
)
def test_streamed_finish(byom_ask: Ask) -> Iterator[Wrong]:
    """A stream with a forced tool call ends with tool_calls, or with stop."""
    stream = _stream(byom_ask)
    _fragments(stream)
    for chunk, path, reason in stream.finishes.get(0, []):
        if reason not in ("tool_calls", "stop", "length", ""):
            place = f"{chunk.place}, {path}"
            yield _fragment_wrong(byom_ask, place, '"tool_calls"', reason)


@check(
    "tools.streamed-same",
    level="should",
    decides=["stool-13", "stool-09"],
    needs=["tools", "stream", "tool_choice_required"],
    asks=["tools/required", STREAM],
    breaks="an agent works without streaming and fails with it",
)
def test_streamed_same(byom_ask: Ask) -> Iterator[Wrong]:
    """A forced call that comes plain comes streamed too, with the same name."""
    plain = byom_ask("tools/required")
    names = [dig(call, "function.name") for call in plain.tool_calls]
    stream = _stream(byom_ask)
    streamed = [dig(f, "function.name") for _, f in _found(stream) if dig(f, "function.name")]
    ended = [reason for _, _, reason in stream.finishes.get(0, [])]
    if not streamed and "length" in ended:
        raise Inconclusive("the token limit ended the stream before a call")
    if not streamed:
        expected = f"a call of {', '.join(map(str, names))}, as without stream"
        yield wrong(stream.exchange, "delta.tool_calls", expected=expected, got="no call")


def _found(stream: ChunkStream) -> list[tuple[str, dict[str, object]]]:
    found = []
    for chunk, path, delta in stream.deltas.get(0, []):
        calls = delta.get("tool_calls")
        for number, call in enumerate(calls if isinstance(calls, list) else []):
            if isinstance(call, dict):
                found.append((f"{chunk.place}, {path}.tool_calls.{number}", call))
    return found


def _fragments(stream: ChunkStream) -> list[tuple[str, dict[str, object]]]:
    """Return the tool call fragments of a stream, with their places; Inconclusive if none came."""
    if not (found := _found(stream)):
        raise Inconclusive("the model made no call in the stream")
    return found


def _fragment_wrong(byom_ask: Ask, place: str, expected: str, got: object) -> Wrong:
    got = "nothing" if got is None else repr(got)
    return wrong(byom_ask(STREAM), place, expected=expected, got=got)
