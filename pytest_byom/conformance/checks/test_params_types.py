"""Checks of bodies and parameters of the wrong JSON type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.answers import answered, below_500, no_effect, refused
from pytest_byom.conformance.cells import Cell, make_check
from pytest_byom.conformance.check import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.finding import Wrong

UNLEARNED = "a client with a bug never learns of it"
THRICE = "SDKs send a request that is answered with 5xx three times"


@check(
    "params.empty-body",
    level="must",
    decides=["param-02"],
    asks=["params/empty-body"],
    breaks="a client whose body got lost takes what comes for its answer",
)
def test_empty_body(byom_ask: Ask) -> Iterator[Wrong]:
    """An empty body is refused."""
    yield from refused(byom_ask("params/empty-body"))


@check(
    "params.body-object",
    level="must",
    decides=["param-03"],
    asks=["params/array-body"],
    breaks=UNLEARNED,
)
def test_body_object(byom_ask: Ask) -> Iterator[Wrong]:
    """A JSON body that is an array is refused."""
    yield from refused(byom_ask("params/array-body"))


@check(
    "params.body-text",
    level="must",
    decides=["param-03"],
    asks=["params/text-body"],
    breaks=UNLEARNED,
)
def test_body_text(byom_ask: Ask) -> Iterator[Wrong]:
    """A JSON body that is a text is refused."""
    yield from refused(byom_ask("params/text-body"))


@check(
    "params.model-required",
    level="should",
    decides=["param-05"],
    asks=["params/missing-model"],
    breaks="an app whose setting got lost talks to a model that nobody chose",
)
def test_model_required(byom_ask: Ask) -> Iterator[Wrong]:
    """A missing model member is refused, or answered where there is one model only."""
    yield from below_500(byom_ask("params/missing-model"))


@check(
    "params.repeated-member",
    level="should",
    decides=["param-46"],
    asks=["params/repeated-member"],
    breaks=THRICE,
)
def test_repeated_member(byom_ask: Ask) -> Iterator[Wrong]:
    """A member that is there twice is accepted or refused with 4xx."""
    yield from below_500(byom_ask("params/repeated-member"))


@check(
    "params.deep",
    level="should",
    decides=["param-47"],
    asks=["params/deep"],
    abuse=True,
    breaks="one request ends the server, or the connection of another one",
)
def test_deep(byom_ask: Ask) -> Iterator[Wrong]:
    """A value that is nested a thousand levels deep is ignored or refused with 4xx."""
    yield from answered(byom_ask("params/deep"))


def wrong_type(
    slug: str,
    *,
    sentence: str,
    level: str = "should",
    statement: str = "param-44",
    needs: Iterable[str] = (),
) -> Callable[..., Any]:
    """Make the check that a value of the wrong JSON type is refused."""

    cell = Cell(
        id=f"params.{slug}",
        contract=f"params/{slug}",
        level=level,
        sentence=sentence,
        decides=(statement,),
        needs=tuple(needs),
        breaks=UNLEARNED,
    )
    return make_check(__name__, cell, refused)


def odd_type(name: str) -> Callable[..., Any]:
    """Make the check that the wrong type for what many servers do not read is survived."""
    slug = f"type-{name.replace('_', '-')}"

    cell = Cell(
        id=f"params.{slug}",
        contract=f"params/{slug}",
        level="should",
        sentence=f"{name} of the wrong JSON type is ignored or refused with 4xx.",
        decides=("param-44",),
        breaks=THRICE,
    )
    return make_check(__name__, cell, below_500)


test_messages_text = wrong_type(
    "messages-text",
    level="must",
    statement="param-06",
    sentence="messages as a text is refused.",
)
test_messages_null = wrong_type(
    "messages-null",
    level="must",
    statement="param-06",
    sentence="messages as null is refused.",
)
test_messages_object = wrong_type(
    "messages-object",
    level="must",
    statement="param-06",
    sentence="messages as an object is refused.",
)
test_type_temperature = wrong_type("type-temperature", sentence="temperature as a word is refused.")
test_type_top_p = wrong_type("type-top-p", sentence="top_p as an array is refused.")
test_type_max_completion_tokens = wrong_type(
    "type-max-completion-tokens", sentence="max_completion_tokens as a word is refused."
)
test_type_n = wrong_type("type-n", needs=["n"], sentence="n as a word is refused.")
test_type_stop = wrong_type("type-stop", needs=["stop"], sentence="stop as a number is refused.")
test_type_seed = wrong_type("type-seed", sentence="seed as a word is refused.")
test_type_frequency_penalty = wrong_type(
    "type-frequency-penalty", sentence="frequency_penalty as a word is refused."
)
test_type_presence_penalty = wrong_type(
    "type-presence-penalty", sentence="presence_penalty as an object is refused."
)
test_type_logprobs = wrong_type(
    "type-logprobs", needs=["logprobs"], sentence="logprobs as a word is refused."
)
test_type_top_logprobs = wrong_type(
    "type-top-logprobs", needs=["logprobs"], sentence="top_logprobs as a word is refused."
)
test_type_stream = wrong_type("type-stream", sentence="stream as an object is refused.")
test_type_stream_options = wrong_type(
    "type-stream-options", needs=["usage_stream"], sentence="stream_options as a text is refused."
)
test_type_response_format = wrong_type(
    "type-response-format", needs=["json_object"], sentence="response_format as a text is refused."
)
test_type_tools = wrong_type(
    "type-tools", needs=["tools"], sentence="tools as an object is refused."
)
test_type_tool_choice = wrong_type(
    "type-tool-choice", needs=["tools"], sentence="tool_choice as a number is refused."
)

test_type_model = odd_type("model")
test_type_logit_bias = odd_type("logit_bias")
test_type_parallel_tool_calls = odd_type("parallel_tool_calls")
test_type_user = odd_type("user")
test_type_metadata = odd_type("metadata")
test_type_store = odd_type("store")
test_type_service_tier = odd_type("service_tier")
test_type_modalities = odd_type("modalities")
test_type_reasoning_effort = odd_type("reasoning_effort")


@check(
    "params.temperature-text",
    level="should",
    decides=["param-15"],
    asks=["params/temperature-text"],
    breaks=THRICE,
)
def test_temperature_text(byom_ask: Ask) -> Iterator[Wrong]:
    """A temperature in quotes is refused with 4xx, or read as the number that it holds."""
    yield from below_500(byom_ask("params/temperature-text"))


@check(
    "params.stream-text",
    level="should",
    decides=["param-43"],
    asks=["params/stream-text"],
    breaks="an app that reads its settings from text waits for events that never come",
)
def test_stream_text(byom_ask: Ask) -> Iterator[Wrong]:
    """stream as the text "true" is refused with 4xx, or gives a stream."""
    exchange = byom_ask("params/stream-text")
    yield from below_500(exchange)
    if exchange.status == 200 and exchange.media_type != "text/event-stream":
        expected = "4xx, or text/event-stream"
        yield no_effect(
            exchange, "header content-type", expected=expected, got=exchange.media_type or "nothing"
        )
