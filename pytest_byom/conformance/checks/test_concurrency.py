"""Checks of requests that are under way at the same time, or right after one another."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.answers import completion_tokens, wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.exchange import dig
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.views import ChunkStream, EventStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.exchange import Exchange

MARKER = re.compile(r"marker[-_](\d+)")
BUSY = (429, 503)
"""How a server says that it has no room."""

ANOTHERS = "one user reads the answer that was meant for another"


@check(
    "concurrency.answers",
    level="must",
    decides=["con-01"],
    needs=["json_schema"],
    asks=["concurrency/schemas"],
    breaks=ANOTHERS,
)
def test_answers(byom_ask: Ask) -> Iterator[Wrong]:
    """Of requests at the same time none gets an answer with the marker of another."""
    yield from _own_markers(byom_ask("concurrency/schemas"), lambda one: one.content)


@check(
    "concurrency.streams",
    level="must",
    decides=["con-01"],
    needs=["json_schema", "stream"],
    asks=["concurrency/streams"],
    breaks=ANOTHERS,
)
def test_streams(byom_ask: Ask) -> Iterator[Wrong]:
    """Of streams at the same time none has the marker of another."""
    yield from _own_markers(byom_ask("concurrency/streams"), _streamed)


@check(
    "concurrency.tools",
    level="must",
    decides=["con-01"],
    needs=["tool_choice_named"],
    asks=["concurrency/tools"],
    breaks="an agent calls a tool of another, or one that it does not have",
)
def test_tools(byom_ask: Ask) -> Iterator[Wrong]:
    """Of requests at the same time none calls the tool of another."""
    yield from _own_markers(byom_ask("concurrency/tools"), _called)


@check(
    "concurrency.half-left",
    level="must",
    decides=["con-01"],
    needs=["json_schema", "stream"],
    asks=["concurrency/half-left"],
    breaks=ANOTHERS,
)
def test_half_left(byom_ask: Ask) -> Iterator[Wrong]:
    """While clients of other requests leave, none gets an answer with the marker of another."""
    exchange = byom_ask("concurrency/half-left")
    if not any(other.closed_early and other.status == 200 for other in exchange.company):
        raise Inconclusive("no stream came that could be left")
    yield from _own_markers(exchange, lambda one: one.content)


@check(
    "concurrency.schemas",
    level="should",
    decides=["con-05"],
    needs=["json_schema"],
    asks=["concurrency/schemas"],
    breaks="openai-python's parse and LangChain's typed outputs fail to validate now and then",
)
def test_schemas(byom_ask: Ask) -> Iterator[Wrong]:
    """Of requests at the same time with different schemas each is answered by its own."""
    served = _served(byom_ask("concurrency/schemas"))
    right = [one for _, one in served if MARKER.search(one.content)]
    if len(right) < 2:
        raise Inconclusive("no two answers keep to a schema")
    for number, one in served:
        ended = dig(one.completion, "choices.0.finish_reason") == "stop"
        if ended and not MARKER.search(one.content):
            yield _request_wrong(one, number, f"marker-{number}", one.content)


@check(
    "concurrency.ids",
    level="must",
    decides=["con-02"],
    needs=["json_schema", "stream"],
    asks=["concurrency/streams"],
    breaks="clients and proxies that join chunks by their id mix two answers",
)
def test_ids(byom_ask: Ask) -> Iterator[Wrong]:
    """No two streams at the same time have the same id."""
    owners: dict[str, int] = {}
    for number, one in _served(byom_ask("concurrency/streams")):
        chunks = [chunk for chunk in ChunkStream.expect(one).chunks if not chunk.is_preamble]
        ids = {id for chunk in chunks if isinstance(id := chunk.data.get("id"), str) and id}
        if len(ids) > 1:
            raise Inconclusive("the chunks of a stream have several ids")
        for id in ids:
            if owners.setdefault(id, number) != number:
                yield _request_wrong(one, number, f"another id than request {owners[id]}", id)


@check(
    "concurrency.prompt-tokens",
    level="should",
    decides=["con-06"],
    asks=["concurrency/lengths"],
    breaks="cost is booked on the wrong user: LangChain and gateways read it from each answer",
)
def test_prompt_tokens(byom_ask: Ask) -> Iterator[Wrong]:
    """Of requests at the same time a longer prompt has more prompt_tokens, each its own."""
    counts = [
        (number, one, one.usage("prompt_tokens"))
        for number, one in _served(byom_ask("concurrency/lengths"))
    ]
    if not any(count for _, _, count in counts):
        raise Inconclusive("no answer has prompt_tokens")
    for (before, _, fewer), (number, one, more) in itertools.pairwise(counts):
        if more <= fewer:
            expected = f"more than {fewer}, which the shorter request {before} has"
            yield _request_wrong(one, number, expected, more, place="usage.prompt_tokens")


@check(
    "concurrency.limits",
    level="must",
    decides=["con-01"],
    asks=["concurrency/lengths", "params/max-tokens"],
    breaks="an answer is cut, or paid, by the limit of another user",
)
def test_limits(byom_ask: Ask) -> Iterator[Wrong]:
    """Of requests at the same time each keeps to its own max_tokens."""
    if not _keeps_limit(byom_ask("params/max-tokens")):
        raise Inconclusive("max_tokens is not kept by a request alone either")
    for number, one in _served(byom_ask("concurrency/lengths")):
        if not _keeps_limit(one):
            got = completion_tokens(one)
            yield _request_wrong(
                one, number, f"at most {number}", got, place="usage.completion_tokens"
            )


@check(
    "concurrency.side-by-side",
    level="should",
    decides=["con-04"],
    needs=["stream"],
    asks=["concurrency/beside", "stream/long"],
    breaks="a chat that streams makes the title, or the tool call, beside it fail",
)
def test_side_by_side(byom_ask: Ask) -> Iterator[Wrong]:
    """A plain request and a stream run side by side to their ends."""
    EventStream.expect(byom_ask("stream/long").accepted())
    exchange = byom_ask("concurrency/beside")
    exchange.answered()
    for place, one in (("the plain request", exchange), ("the stream", exchange.company[0])):
        if one.status in BUSY:
            raise Inconclusive(f"the server has no room for two requests: {one.status}")
        if one.status != 200 or one.trouble:
            got = one.trouble or one.status
            yield wrong(exchange, place, expected="a whole answer", got=got)


@check(
    "concurrency.schema-then-none",
    level="should",
    decides=["con-05"],
    needs=["json_schema"],
    asks=["structured/then-none"],
    breaks="a chat answers in the JSON of the request before it",
)
def test_schema_then_none(byom_ask: Ask) -> Iterator[Wrong]:
    """A request without a schema is not answered by the schema of the one before it."""
    exchange = byom_ask("structured/then-none")
    content = exchange.content
    if not MARKER.search(exchange.company[0].content):
        raise Inconclusive("the answer before does not keep to its schema")
    if MARKER.search(content):
        yield wrong(exchange, "content", expected="no marker", got=content)


@check(
    "concurrency.tools-then-none",
    level="should",
    decides=["con-05"],
    needs=["tool_choice_named"],
    asks=["tools/then-none"],
    breaks="openai-python and the Vercel AI SDK give a call to an app that offered no tool",
)
def test_tools_then_none(byom_ask: Ask) -> Iterator[Wrong]:
    """A request without tools gets no call of a tool of the one before it."""
    exchange = byom_ask("tools/then-none")
    calls = exchange.message.get("tool_calls")
    if not exchange.company[0].tool_calls:
        raise Inconclusive("the answer before has no call")
    if calls:
        yield wrong(exchange, "message.tool_calls", expected="none", got=calls)


@check(
    "concurrency.flood",
    level="should",
    decides=["con-03"],
    asks=["concurrency/flood"],
    breaks="SDKs wait and try again on 429 and 503; a dropped connection they count as an outage",
    abuse=True,
)
def test_flood(byom_ask: Ask) -> Iterator[Wrong]:
    """Requests beyond the room of a server wait, or are answered with 429 or 503."""
    exchange = byom_ask("concurrency/flood")
    if exchange.not_asked:
        exchange.answered()
    others = Counter(
        str(one.status or one.trouble)
        for one in exchange.twins
        if one.status not in (200, *BUSY) or one.trouble
    )
    for got, count in sorted(others.items()):
        expected = "200, 429 or 503 for each"
        yield wrong(exchange, "answers", expected=expected, got=f"{count} times {got}")


def _served(exchange: Exchange) -> list[tuple[int, Exchange]]:
    """Return those of the requests at the same time that were accepted, with their numbers.

    Inconclusive if fewer than two were.
    """
    twins = exchange.twins
    found = [(n, one) for n, one in enumerate(twins, 1) if one.status == 200 and not one.trouble]
    if len(found) < 2:
        exchange.answered()
        raise Inconclusive(f"only {len(found)} of {len(twins)} requests at once were served")
    return found


def _own_markers(exchange: Exchange, read: Callable[[Exchange], str]) -> Iterator[Wrong]:
    """Yield the answers that hold another's marker; Inconclusive if none holds its own."""
    texts = [(number, one, read(one)) for number, one in _served(exchange)]
    found = [(number, one, text, MARKER.findall(text)) for number, one, text in texts]
    for number, one, text, markers in found:
        if set(markers) - {str(number)}:
            yield _request_wrong(one, number, f"marker {number} only", text)
    if not any(markers for _, _, _, markers in found):
        raise Inconclusive("no answer holds a marker")


def _streamed(exchange: Exchange) -> str:
    return ChunkStream.expect(exchange).text()


def _called(exchange: Exchange) -> str:
    calls = exchange.message.get("tool_calls")
    names = (dig(call, "function.name") for call in calls) if isinstance(calls, list) else ()
    return " ".join(map(str, names))


def _keeps_limit(exchange: Exchange) -> bool:
    return completion_tokens(exchange) <= int(exchange.request_json["max_tokens"])


def _request_wrong(
    exchange: Exchange, number: int, expected: str, got: Any, *, place: str = "answer"
) -> Wrong:
    return wrong(exchange, f"request {number}, {place}", expected=expected, got=got)
