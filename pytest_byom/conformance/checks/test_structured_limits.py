"""Checks of what a schema may ask for beyond the plain: bounds, size, strictness, tools beside it.

OpenAI refuses some of these and enforces others, so a 4xx is right everywhere; what is accepted
has to be enforced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import accepted, below_500, no_effect
from pytest_byom.conformance.cells import Cell, make_checks
from pytest_byom.conformance.check import check
from pytest_byom.conformance.checks.test_structured import find_invalid, parse_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.conformance.finding import Wrong

SILENT = "an app relies on bounds that nobody keeps"

ENFORCED = (
    *(
        Cell(
            id=f"structured.{slug}",
            contract=f"structured/{slug}",
            sentence=f"{words} enforced or refused.",
            decides=("so-11",),
            needs=("json_schema",),
            breaks=SILENT,
        )
        for slug, words in (
            ("pattern", "The pattern of a string is"),
            ("format", "The format of a string is"),
            ("number-bounds", "minimum, maximum and multipleOf of a number are"),
            ("array-bounds", "minItems and maxItems of an array are"),
        )
    ),
    Cell(
        id="structured.loose-strict",
        contract="structured/loose-strict",
        sentence="strict with a schema outside of the strict subset is enforced or refused.",
        decides=("so-14",),
        needs=("json_schema",),
        breaks="a schema that one server enforces gives free text on another",
    ),
)

BELOW_500 = (
    Cell(
        id="structured.with-tools",
        contract="structured/with-tools",
        sentence="A schema together with tools is accepted or refused.",
        decides=("so-20",),
        needs=("json_schema", "tools"),
        breaks="openai-python's parse(response_format, tools) sends both, and repeats a 5xx twice",
    ),
    Cell(
        id="structured.deep",
        contract="structured/deep",
        sentence="A schema of ten nested levels and a hundred members is accepted or refused.",
        decides=("so-23",),
        level="may",
        needs=("json_schema",),
        breaks="openai-python and openai-node repeat a 5xx twice: the schema of a form triples "
        "the load",
    ),
)


def _enforced(exchange: Exchange) -> Iterator[Wrong]:
    """Yield what is wrong if the server failed, or accepted a schema and did not obey it."""
    yield from below_500(exchange)
    if exchange.status == 200:
        yield from find_invalid(exchange, parse_text(exchange), exchange.content)


globals().update(make_checks(__name__, ENFORCED, _enforced))
globals().update(make_checks(__name__, BELOW_500, below_500))


@check(
    "structured.no-word",
    level="should",
    decides=["so-04"],
    needs=["json_object"],
    asks=["structured/no-word"],
    breaks="the model writes white space up to the token limit, and the app waits and pays",
)
def test_no_word(byom_ask: Ask) -> Iterator[Wrong]:
    """json_object without the word JSON in the messages is refused, or gives an object."""
    exchange = byom_ask("structured/no-word")
    yield from below_500(exchange)
    if exchange.status != 200:
        return
    text, cut = exchange.content, exchange.finish_reason == "length"
    # What the limit cut is judged by how it begins.
    good = text.lstrip().startswith("{") if cut else isinstance(parse_text(exchange), dict)
    if not good:
        yield no_effect(exchange, "content", expected="a JSON object", got=repr(text[:80]))


@check(
    "structured.null",
    level="should",
    decides=["so-17"],
    asks=["structured/null"],
    breaks="apps that keep the format in a variable send null where none is wanted",
)
def test_null(byom_ask: Ask) -> Iterator[Wrong]:
    """response_format null is accepted."""
    yield from accepted(byom_ask("structured/null"))
