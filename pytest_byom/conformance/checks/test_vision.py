"""Checks of images in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.answers import (
    accepted,
    below_500,
    no_effect,
    prompt_tokens,
    refused,
    status_wrong,
    wrong,
)
from pytest_byom.conformance.check import check
from pytest_byom.conformance.finding import Inconclusive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.conformance.finding import Wrong

SEEN = "vision/png"


@check(
    "vision.image",
    level="must",
    decides=["vis-10"],
    asks=["vision/image"],
    breaks="a chat with an image in its history fails, or is sent three times",
)
def test_image(byom_ask: Ask) -> Iterator[Wrong]:
    """An image is seen, ignored or refused with 4xx, whatever the model."""
    exchange = byom_ask("vision/image").answered()
    if exchange.status != 200 and not exchange.is_refused:
        yield status_wrong(exchange, "200 or 4xx")


@check(
    "vision.png",
    level="must",
    decides=["vis-01"],
    needs=["vision"],
    asks=["vision/image", SEEN],
    breaks="the Vercel AI SDK and LangChain send images as data URLs",
)
def test_png(byom_ask: Ask) -> Iterator[Wrong]:
    """A PNG image as a base64 data URL is accepted by a vision model."""
    first, exchange = byom_ask("vision/image"), byom_ask(SEEN)
    if min(first.answered().status or 0, exchange.answered().status or 0) >= 500:
        raise Inconclusive("every image makes the server fail, which vision.image reports")
    yield from accepted(exchange)


def _seeing(byom_ask: Ask, id: str) -> Exchange:
    """Return an exchange with an image; Inconclusive if even a plain one was not accepted."""
    if byom_ask(SEEN).answered().status != 200:
        raise Inconclusive("a PNG image was not accepted")
    return byom_ask(id)


@check(
    "vision.jpeg",
    level="should",
    decides=["vis-02"],
    needs=["vision"],
    asks=[SEEN, "vision/jpeg"],
    breaks="photographs are JPEG files",
)
def test_jpeg(byom_ask: Ask) -> Iterator[Wrong]:
    """A JPEG image is accepted."""
    yield from accepted(_seeing(byom_ask, "vision/jpeg"))


@check(
    "vision.webp",
    level="should",
    decides=["vis-02"],
    needs=["vision"],
    asks=[SEEN, "vision/webp"],
    breaks="pictures that are saved from web pages cannot be asked about",
)
def test_webp(byom_ask: Ask) -> Iterator[Wrong]:
    """A WebP image is accepted."""
    yield from accepted(_seeing(byom_ask, "vision/webp"))


@check(
    "vision.detail-auto",
    level="should",
    decides=["vis-04"],
    needs=["vision"],
    asks=[SEEN, "vision/detail-auto"],
    breaks="LangChain's examples and many UIs send detail with each image",
)
def test_detail_auto(byom_ask: Ask) -> Iterator[Wrong]:
    """detail auto, the default, is accepted."""
    yield from accepted(_seeing(byom_ask, "vision/detail-auto"))


@check(
    "vision.detail-low",
    level="should",
    decides=["vis-04"],
    needs=["vision"],
    asks=[SEEN, "vision/detail-low"],
    breaks="apps that save tokens with detail low fail",
)
def test_detail_low(byom_ask: Ask) -> Iterator[Wrong]:
    """detail low is accepted."""
    yield from accepted(_seeing(byom_ask, "vision/detail-low"))


@check(
    "vision.detail-high",
    level="should",
    decides=["vis-04"],
    needs=["vision"],
    asks=[SEEN, "vision/detail-high"],
    breaks="apps that read small print with detail high fail",
)
def test_detail_high(byom_ask: Ask) -> Iterator[Wrong]:
    """detail high is accepted."""
    yield from accepted(_seeing(byom_ask, "vision/detail-high"))


@check(
    "vision.detail-unknown",
    level="should",
    decides=["vis-05"],
    needs=["vision"],
    asks=[SEEN, "vision/detail-unknown"],
    breaks="a typing error costs the tokens of another detail, and nobody learns of it",
)
def test_detail_unknown(byom_ask: Ask) -> Iterator[Wrong]:
    """An unknown detail is refused."""
    yield from refused(_seeing(byom_ask, "vision/detail-unknown"))


@check(
    "vision.image-first",
    level="should",
    decides=["vis-07"],
    needs=["vision"],
    asks=[SEEN, "vision/image-first"],
    breaks="UIs put the picture above the question",
)
def test_image_first(byom_ask: Ask) -> Iterator[Wrong]:
    """An image may stand before the text as well as behind it."""
    yield from accepted(_seeing(byom_ask, "vision/image-first"))


@check(
    "vision.bad-base64",
    level="must",
    decides=["vis-08"],
    needs=["vision"],
    asks=[SEEN, "vision/bad-base64"],
    breaks="openai-python and openai-node send a request that is answered with 5xx three times",
)
def test_bad_base64(byom_ask: Ask) -> Iterator[Wrong]:
    """An image that is not valid base64 is refused."""
    yield from refused(_seeing(byom_ask, "vision/bad-base64"))


@check(
    "vision.not-an-image",
    level="must",
    decides=["vis-08"],
    needs=["vision"],
    asks=[SEEN, "vision/not-an-image"],
    breaks="the model answers about an image that it has not seen",
)
def test_not_an_image(byom_ask: Ask) -> Iterator[Wrong]:
    """Bytes that are no image are refused."""
    yield from refused(_seeing(byom_ask, "vision/not-an-image"))


@check(
    "vision.unreachable",
    level="should",
    decides=["vis-09"],
    needs=["vision"],
    asks=[SEEN, "vision/unreachable"],
    breaks="one dead link in a chat holds the request until the client gives up",
)
def test_unreachable(byom_ask: Ask) -> Iterator[Wrong]:
    """An image at an address that cannot be reached is refused, and soon."""
    exchange = _seeing(byom_ask, "vision/unreachable")
    if exchange.status is None and not exchange.not_asked:
        yield wrong(exchange, "answer", expected="a 4xx", got=exchange.trouble)
    else:
        yield from refused(exchange)


@check(
    "vision.counted",
    level="should",
    decides=["vis-12"],
    asks=[SEEN, "vision/without"],
    breaks="the model answers about an image that never reached it; cost cannot be told",
)
def test_counted(byom_ask: Ask) -> Iterator[Wrong]:
    """An image that is accepted raises prompt_tokens."""
    exchange = byom_ask(SEEN).supported()
    count, without = prompt_tokens(exchange), prompt_tokens(byom_ask("vision/without"))
    if count <= without:
        expected = f"more than {without}, the count without the image"
        yield no_effect(exchange, "usage.prompt_tokens", expected=expected, got=count)


@check(
    "vision.plain-string",
    level="should",
    decides=["vis-13"],
    needs=["vision"],
    asks=[SEEN, "vision/plain-string"],
    breaks="openai-python and openai-node repeat a 5xx twice: an old form of a message triples "
    "the load",
)
def test_plain_string(byom_ask: Ask) -> Iterator[Wrong]:
    """An image_url that is a string in place of an object is accepted or refused with 4xx."""
    yield from below_500(_seeing(byom_ask, "vision/plain-string"))


@check(
    "vision.file",
    level="may",
    decides=["vis-14"],
    asks=["vision/file"],
    breaks="the Vercel AI SDK sends documents so; a 5xx is sent three times",
)
def test_file(byom_ask: Ask) -> Iterator[Wrong]:
    """A file part is accepted or refused with 4xx."""
    yield from below_500(byom_ask("vision/file"))
