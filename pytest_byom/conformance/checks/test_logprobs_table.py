"""The table of logprobs and top_logprobs, a check for each cell, and log probabilities streamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.answers import accepted, below_500, no_effect, refused, wrong
from pytest_byom.conformance.cells import Cell, make_checks
from pytest_byom.conformance.check import check
from pytest_byom.conformance.exchange import dig
from pytest_byom.conformance.finding import Inconclusive
from pytest_byom.conformance.views import ChunkStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.conformance.finding import Wrong

PATH = "choices.0.logprobs.content"
STREAM = "logprobs/stream"

ON = {"absent": "No logprobs", "null": "logprobs null", "false": "logprobs false"}
TRUE = "logprobs true"
TOP = {
    "absent": "no top_logprobs",
    "null": "top_logprobs null",
    "zero": "top_logprobs 0",
    "two": "top_logprobs 2",
    "twenty": "top_logprobs 20",
    "twenty-one": "top_logprobs 21",
    "negative": "top_logprobs -1",
}
LIMITS = {"zero": 0, "two": 2, "twenty": 20}
BREAKS = "evaluations that score by log probabilities get nothing, or what they did not ask for"


def _given(exchange: Exchange) -> Iterator[Wrong]:
    """Yield what is wrong unless there are log probabilities, and no more than were asked for."""
    body = exchange.request_json
    top = body.get("top_logprobs")
    if top == 20:  # some servers have a lower limit, and say so
        exchange.supported()
    yield from accepted(exchange)
    if exchange.status != 200:
        return
    entries = _entries(exchange)
    if not entries:
        yield no_effect(exchange, PATH, expected="an entry for each token", got=repr(entries))
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        found = dig(entry, "top_logprobs")
        if top is not None and isinstance(found, list) and len(found) > top:
            place = f"{PATH}.{number}.top_logprobs"
            yield wrong(exchange, place, expected=f"at most {top}", got=len(found))


def _left_out(exchange: Exchange) -> Iterator[Wrong]:
    """Yield what is wrong unless the answer has no log probabilities."""
    yield from accepted(exchange)
    if exchange.status == 200 and (found := _entries(exchange)):
        yield no_effect(exchange, PATH, expected="null, or nothing", got=f"{len(found)} entries")


def _entries(exchange: Exchange) -> Any:
    """Return the log probabilities of an answer; Inconclusive if it has no message."""
    return exchange.message and dig(exchange.completion, PATH)


def _cell(on: str, top: str, effect: str, *decides: str, needs: tuple[str, ...] = ()) -> Cell:
    said = TRUE if on == "true" else ON[on]
    return Cell(
        id=f"logprobs.table-{on}-{top}",
        contract=f"logprobs/table-{on}-{top}",
        sentence=f"{said} and {TOP[top]} {effect}.",
        decides=decides,
        needs=needs,
        breaks=BREAKS,
    )


NEEDS = ("logprobs",)

LEFT_OUT = [
    _cell(on, top, "give no log probabilities", "choice-11")
    for on in ON
    for top in ("absent", "null")
    if (on, top) != ("absent", "absent")
]
OPEN = [_cell(on, "zero", "are taken or refused", "lp-06", needs=NEEDS) for on in ON]
REFUSED = [
    *(_cell(on, "two", "are refused", "lp-06", needs=NEEDS) for on in ON),
    *(
        _cell("true", top, "are refused", "lp-07", needs=NEEDS)
        for top in ("twenty-one", "negative")
    ),
]
GIVEN = [
    _cell("true", "absent", "give log probabilities", "lp-01", needs=NEEDS),
    _cell("true", "null", "give log probabilities", "lp-01", needs=NEEDS),
    _cell("true", "zero", "give them without alternatives", "lp-08", needs=NEEDS),
    _cell("true", "two", "give at most two alternatives", "lp-05", needs=NEEDS),
    _cell("true", "twenty", "give at most twenty alternatives", "lp-05", needs=NEEDS),
]

globals().update(make_checks(__name__, LEFT_OUT, _left_out))
globals().update(make_checks(__name__, OPEN, below_500))
globals().update(make_checks(__name__, REFUSED, refused))
globals().update(make_checks(__name__, GIVEN, _given))


@check(
    "logprobs.streamed",
    level="should",
    decides=["lp-10"],
    needs=["logprobs", "stream"],
    asks=[STREAM, "logprobs/top-two"],
    breaks="scores that are there without streaming are lost with it, or stand on the wrong words",
)
def test_streamed(byom_ask: Ask) -> Iterator[Wrong]:
    """Streamed log probabilities come with their text, and join to the list of a plain answer."""
    stream = ChunkStream.expect(byom_ask(STREAM).supported())
    if not stream.text():
        raise Inconclusive("the stream has no text")
    found = [token for chunk in stream.chunks for token in _tokens(chunk.data)]
    place, exchange = "logprobs.content", stream.exchange
    if not found:
        yield no_effect(exchange, place, expected="an entry for each token", got="nothing")
        return
    plain = byom_ask("logprobs/top-two")
    wanted, text = _tokens(plain.completion), plain.content
    # Tokens that do not give their own text are the finding of another check.
    sound = "".join(map(str, wanted)) == text == stream.text()
    if sound and found != wanted:
        expected = f"the tokens {wanted}, as without stream"
        yield wrong(exchange, place, expected=expected, got=found)


def _tokens(data: dict[str, Any]) -> list[object]:
    """Return the tokens of the log probabilities of an answer or a chunk."""
    entries = dig(data, PATH)
    return [dig(entry, "token") for entry in entries] if isinstance(entries, list) else []
