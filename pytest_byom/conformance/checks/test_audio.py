"""Checks of sounds in messages, and of answers that are spoken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import (
    no_effect,
    prompt_tokens,
    refused,
    status_wrong,
)
from pytest_byom.conformance.check import check
from pytest_byom.conformance.exchange import dig
from pytest_byom.conformance.finding import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.finding import Wrong

HEARD = "audio/input"


@check(
    "audio.input",
    level="should",
    decides=["aud-02"],
    asks=[HEARD],
    breaks="SDKs send a request that is answered with 5xx three times",
)
def test_input(byom_ask: Ask) -> Iterator[Wrong]:
    """A sound is heard, ignored or refused with 4xx, whatever the model."""
    exchange = byom_ask(HEARD).answered()
    if exchange.status != 200 and not exchange.is_refused:
        yield status_wrong(exchange, "200 or 4xx")


@check(
    "audio.counted",
    level="may",
    decides=["aud-01"],
    asks=[HEARD, "audio/without"],
    breaks="the model answers about a sound that never reached it; cost cannot be told",
)
def test_counted(byom_ask: Ask) -> Iterator[Wrong]:
    """A WAV sound in base64 is accepted by an audio model, and raises prompt_tokens."""
    exchange = byom_ask(HEARD).supported()
    count, without = prompt_tokens(exchange), prompt_tokens(byom_ask("audio/without"))
    if count <= without:
        expected = f"more than {without}, the count without the sound"
        yield no_effect(exchange, "usage.prompt_tokens", expected=expected, got=count)


@check(
    "audio.unknown-format",
    level="should",
    decides=["aud-03"],
    needs=["audio"],
    asks=[HEARD, "audio/unknown-format"],
    breaks="the model answers about noise",
)
def test_unknown_format(byom_ask: Ask) -> Iterator[Wrong]:
    """A sound of an unknown format is refused."""
    if byom_ask(HEARD).answered().status != 200:
        raise Inconclusive("a WAV sound was not accepted")
    yield from refused(byom_ask("audio/unknown-format"))


@check(
    "audio.output",
    level="should",
    decides=["aud-07"],
    asks=["audio/output"],
    breaks="an app waits for message.audio and plays nothing",
)
def test_output(byom_ask: Ask) -> Iterator[Wrong]:
    """An answer that shall be spoken is spoken, or the request is refused with 4xx."""
    exchange = byom_ask("audio/output").answered()
    if exchange.status != 200 and not exchange.is_refused:
        yield status_wrong(exchange, "4xx, or 200 with message.audio")
    if exchange.status == 200 and not isinstance(dig(exchange.message, "audio"), dict):
        place = "choices.0.message.audio"
        yield no_effect(exchange, place, expected="an object, or a 4xx", got="none")
