"""Checks of how tools are defined and chosen, and of odd calls and results in the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import accepted, below_500, not_5xx, refused, wrong
from pytest_byom.conformance.check import check
from pytest_byom.conformance.excerpts import parse_object
from pytest_byom.conformance.exchange import Exchange, dig
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.views import ChunkStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask

TWICE = "openai-python and openai-node repeat a 5xx twice: "


@check(
    "tools.bare",
    level="must",
    decides=["tool-02", "tool-03"],
    needs=["tools", "tool_choice_required"],
    asks=["tools/bare"],
    breaks="tools that take no arguments cannot be offered",
)
def test_bare(byom_ask: Ask) -> Iterator[Wrong]:
    """A function without parameters and description is accepted."""
    yield from accepted(byom_ask("tools/bare"))


@check(
    "tools.bare-arguments",
    level="should",
    decides=["stool-18"],
    needs=["tools", "stream", "tool_choice_required"],
    asks=["tools/bare", "tools/bare-stream"],
    breaks="json.loads fails on the empty text, in openai-python's strict parsing too",
)
def test_bare_arguments(byom_ask: Ask) -> Iterator[Wrong]:
    """A tool without parameters is called with the arguments {}, streamed and not."""
    exchange = byom_ask("tools/bare")
    _never_cut(exchange, exchange.finish_reason)
    texts = [(exchange, dig(call, "function.arguments")) for call in exchange.tool_calls]
    stream = ChunkStream.expect(byom_ask("tools/bare-stream").accepted())
    _never_cut(stream.exchange, *(reason for _, _, reason in stream.finishes.get(0, [])))
    found = [dig(delta, "tool_calls.0") for _, _, delta in stream.deltas.get(0, [])]
    if not any(found):
        raise Inconclusive("the model made no call in the stream")
    pieces = (dig(fragment, "function.arguments") for fragment in found)
    texts.append((stream.exchange, "".join(p for p in pieces if isinstance(p, str))))
    for each, text in texts:
        if isinstance(text, str) and parse_object(text) is None:
            yield wrong(each, "function.arguments", expected="'{}'", got=repr(text))


def _never_cut(exchange: Exchange, *reasons: str) -> None:
    """Inconclusive if the token limit ended the answer."""
    if "length" in reasons:
        raise Inconclusive(f"the token limit cut the call of {exchange.contract.id}")


@check(
    "tools.long-name",
    level="must",
    decides=["tool-26"],
    needs=["tools", "tool_choice_required"],
    asks=["tools/long-name"],
    breaks="agents that put the name of a server before those of its tools have such names",
)
def test_long_name(byom_ask: Ask) -> Iterator[Wrong]:
    """A name with underscores, dashes and 64 characters works, and comes back unchanged."""
    exchange = byom_ask("tools/long-name")
    yield from accepted(exchange)
    if exchange.status == 200:
        name = exchange.request_json["tools"][0]["function"]["name"]
        for call in exchange.tool_calls:
            if (got := dig(call, "function.name")) != name:
                yield wrong(exchange, "function.name", expected=name, got=got)


@check(
    "tools.keywords",
    level="should",
    decides=["tool-04", "tool-05"],
    needs=["tools"],
    asks=["tools/offered", "tools/keywords"],
    breaks="openai-python's pydantic_function_tool() and LangChain's bind_tools() send them",
)
def test_keywords(byom_ask: Ask) -> Iterator[Wrong]:
    """The keywords of generated schemas are accepted, and each value of strict."""
    not_5xx(byom_ask("tools/offered"))
    yield from accepted(byom_ask("tools/keywords"))


@check(
    "tools.choice-alone",
    level="should",
    decides=["tool-21"],
    asks=["tools/choice-alone"],
    breaks=TWICE + "a choice without tools triples the load",
)
def test_choice_alone(byom_ask: Ask) -> Iterator[Wrong]:
    """tool_choice without tools is refused or ignored; the server does not fail."""
    yield from below_500(byom_ask("tools/choice-alone"))


@check(
    "tools.choice-unknown",
    level="should",
    decides=["tool-22"],
    needs=["tools"],
    asks=["tools/choice-unknown"],
    breaks="a typing error leaves the choice to the model where a call was to be forced",
)
def test_choice_unknown(byom_ask: Ask) -> Iterator[Wrong]:
    """An invalid tool_choice is refused."""
    yield from refused(byom_ask("tools/choice-unknown"))


@check(
    "tools.empty",
    level="should",
    decides=["tool-23"],
    asks=["tools/empty"],
    breaks=TWICE + "an agent that has run out of tools triples the load",
)
def test_empty(byom_ask: Ask) -> Iterator[Wrong]:
    """An empty list of tools is accepted or refused; the server does not fail."""
    yield from below_500(byom_ask("tools/empty"))


@check(
    "tools.incomplete",
    level="should",
    decides=["tool-24"],
    needs=["tools"],
    asks=["tools/no-type", "tools/no-function"],
    breaks="a tool that is left out without a word is never called",
)
def test_incomplete(byom_ask: Ask) -> Iterator[Wrong]:
    """A tool without type or without function is refused."""
    yield from refused(byom_ask("tools/no-type"))
    yield from refused(byom_ask("tools/no-function"))


@check(
    "tools.bad-schema",
    level="should",
    decides=["tool-27"],
    needs=["tools"],
    asks=["tools/bad-schema"],
    breaks="a typing error in a schema gives calls with any arguments",
)
def test_bad_schema(byom_ask: Ask) -> Iterator[Wrong]:
    """Parameters that are no JSON Schema are refused."""
    yield from refused(byom_ask("tools/bad-schema"))


@check(
    "tools.odd-names",
    level="should",
    decides=["tool-25", "tool-39"],
    asks=["tools/offered", "tools/odd-names"],
    breaks=TWICE + "a name that is no name triples the load",
)
def test_odd_names(byom_ask: Ask) -> Iterator[Wrong]:
    """Two tools of one name, too long and with a space, are accepted or refused."""
    not_5xx(byom_ask("tools/offered"))
    yield from below_500(byom_ask("tools/odd-names"))


@check(
    "tools.odd-results",
    level="should",
    decides=["tool-31"],
    needs=["tools"],
    asks=["tools/odd-results"],
    breaks="an agent ends with an error when a tool gives nothing, or plain text",
)
def test_odd_results(byom_ask: Ask) -> Iterator[Wrong]:
    """Results that are no JSON, are empty, or have quotes and line ends are accepted."""
    yield from accepted(byom_ask("tools/odd-results"))


@check(
    "tools.broken-history",
    level="should",
    decides=["tool-32", "tool-33"],
    needs=["tools"],
    asks=["tools/broken-history"],
    breaks="one bad call of the model ends the conversation: LangChain sends it back",
)
def test_broken_history(byom_ask: Ask) -> Iterator[Wrong]:
    """Calls in the history whose arguments are no JSON do not make the server fail."""
    yield from below_500(byom_ask("tools/broken-history"))
