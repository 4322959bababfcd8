"""Defects of images: refused, never seen, or taken for what they are not."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from defects.leaving import SEEING, needing
from defects.planting import (
    Asked,
    Change,
    Defect,
    When,
    change_request,
    deviates,
    failed,
    ignored,
    refuse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Members = dict[str, Any]

RED = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAE"
    "hQGAhKmMIQAAAABJRU5ErkJggg=="
)


def parts(data: Members, kind: str) -> Iterator[Members]:
    """Yield the parts of one kind in the messages of a request."""
    for message in data.get("messages") or ():
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict) and part.get("type") == kind:
                yield part


def has_part(kind: str) -> When:
    """Build the predicate for chat requests with a part of some kind."""
    return lambda asked: asked.is_chat and any(parts(asked.parameters, kind))


def without(kind: str) -> Change:
    """Take all parts of one kind out of a request."""

    def rewrite(data: Members) -> None:
        for message in data["messages"]:
            if isinstance(message["content"], list):
                message["content"] = [p for p in message["content"] if p["type"] != kind]

    return change_request(rewrite, when=has_part(kind))


has_image = has_part("image_url")


def _says(pattern: str) -> When:
    """Build the predicate for requests with an image in whose JSON something is found."""
    return lambda asked: (
        has_image(asked) and bool(re.search(pattern, json.dumps(asked.parameters["messages"])))
    )


def _is_first(asked: Asked) -> bool:
    return has_image(asked) and asked.parameters["messages"][0]["content"][0]["type"] != "text"


def _replaced(pattern: str) -> Change:
    """Take a red pixel for the image at some address."""

    def rewrite(data: Members) -> None:
        for part in parts(data, "image_url"):
            part["image_url"] = {"url": RED}

    return change_request(rewrite, when=_says(pattern))


def _without_detail(data: Members) -> None:
    for part in parts(data, "image_url"):
        part["image_url"].pop("detail")


DEFECTS = [
    Defect(
        id="vision-500",
        full=True,
        title="An image makes a server without vision fail.",
        change=refuse("Unexpected image", status=500, when=has_image),
        turns=failed("vision.image", "errors.client-fault"),
        leaves=SEEING,
        row="L274",
        issues=("mozilla-ai/llamafile#258",),
    ),
    Defect(
        id="vision-large-500",
        title="An image of more than a few bytes makes the server fail.",
        change=refuse("Internal server error", status=500, when=_says('base64,[^"]{150}')),
        turns=failed("vision.png", "errors.client-fault"),
        leaves=SEEING - {"vision.png"},
        row="L015",
        issues=("ollama/ollama#14749",),
    ),
    Defect(
        id="vision-jpeg",
        title="Images have to be PNG.",
        change=refuse("unsupported image type", when=_says("image/(jpeg|webp)")),
        turns=deviates("vision.jpeg", "vision.webp"),
    ),
    Defect(
        id="vision-webp-500",
        title="A WebP image makes the server fail.",
        change=refuse("cannot identify image file", status=500, when=_says("image/webp")),
        turns=deviates("vision.webp"),
    ),
    Defect(
        id="vision-detail-refused",
        title="detail is an extra input, and refused.",
        change=refuse("Extra inputs are not permitted", when=_says('"detail"')),
        turns=deviates("vision.detail-auto", "vision.detail-low", "vision.detail-high"),
    ),
    Defect(
        id="vision-detail-ignored",
        title="Any detail is taken for the default.",
        change=change_request(_without_detail, when=_says('"detail"')),
        turns=deviates("vision.detail-unknown"),
    ),
    Defect(
        id="vision-text-first",
        title="An image before the text is refused.",
        change=refuse("the first part has to be a text", when=_is_first),
        turns=deviates("vision.image-first"),
    ),
    Defect(
        id="vision-bad-base64",
        title="An image that is no base64 is answered.",
        change=_replaced("%%%"),
        turns=failed("vision.bad-base64"),
    ),
    Defect(
        id="vision-bad-base64-500",
        full=True,
        title="An image that is no base64 makes the server fail.",
        change=refuse("Incorrect padding", status=500, when=_says("%%%")),
        turns=failed("errors.client-fault"),
        leaves=frozenset({"vision.bad-base64"}),
    ),
    Defect(
        id="vision-not-an-image",
        title="Bytes that are no image are answered.",
        change=_replaced("base64,AAAA"),
        turns=failed("vision.not-an-image"),
    ),
    Defect(
        id="vision-unreachable",
        title="An image that cannot be fetched is left out.",
        change=_replaced("127.0.0.1"),
        turns=deviates("vision.unreachable"),
    ),
    Defect(
        id="vision-ignored",
        title="Images are accepted and never seen.",
        change=without("image_url"),
        turns=ignored("vision.counted"),
        lacks=needing("vision"),
    ),
    Defect(
        id="vision-plain-string",
        title="An image_url that is a string makes the server fail.",
        change=refuse(
            "string indices must be integers", status=500, when=_says('"image_url": "data')
        ),
        turns=deviates("vision.plain-string"),
    ),
    Defect(
        id="vision-file-500",
        title="A file part makes the server fail.",
        change=refuse("KeyError: 'file'", status=500, when=has_part("file")),
        turns=deviates("vision.file"),
    ),
]
