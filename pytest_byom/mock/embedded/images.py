"""Images in a prompt: what they are, how large, how many tokens, and of which colour.

Only data URLs are read: the server opens no connection and no file for anybody. The size comes out
of the image's own header. The colour is known for PNG images (that of the first pixel).
"""

from __future__ import annotations

import binascii
import re
import struct
import zlib
from base64 import b64decode
from dataclasses import dataclass
from struct import unpack_from
from typing import Any

from pytest_byom.mock.embedded.errors import ApiError, missing, wrong_type
from pytest_byom.mock.embedded.rules import one_of

_DATA_URL = re.compile(r"data:(image/[a-z.+-]+)(?:;[a-z0-9=-]+)*;base64,", re.IGNORECASE)
_COLOURS = {
    "black": (0, 0, 0), "white": (255, 255, 255), "grey": (128, 128, 128), "red": (255, 0, 0),
    "green": (0, 160, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0), "orange": (255, 150, 0),
    "purple": (128, 0, 128), "pink": (255, 170, 190), "brown": (130, 70, 20), "cyan": (0, 255, 255),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Image:
    """One image: its size in pixels, the tokens it takes, its colour where that is known."""

    width: int
    height: int
    tokens: int
    colour: str | None


def read_image(part: dict[str, Any], param: str) -> Image:
    """Read an image part. A plain string in place of the object is taken for its URL."""
    value = part.get("image_url")
    if value is None:
        raise missing(f"{param}.image_url")
    source = {"url": value} if isinstance(value, str) else value
    if not isinstance(source, dict):
        raise wrong_type(f"{param}.image_url", "an object", value)
    if source.get("url") is None:
        raise missing(f"{param}.image_url.url")
    if not isinstance(source["url"], str):
        raise wrong_type(f"{param}.image_url.url", "a string", source["url"])
    detail = source.get("detail") or "auto"
    one_of("auto", "low", "high")(detail, f"{param}.image_url.detail")
    raw = _load(source["url"])
    try:
        size = _size(raw)
    except struct.error:
        size = None  # the header is cut off
    if size is None or not all(size):
        raise _invalid("The image data is none of PNG, JPEG, GIF and WebP.")
    return Image(*size, tokens=_count(*size, detail=detail), colour=_colour(raw))


def _invalid(message: str) -> ApiError:
    return ApiError(f"Invalid image. {message}", param="messages", code="invalid_image_url")


def _load(url: str) -> bytes:
    head = _DATA_URL.match(url)
    if head is None:
        raise _invalid("Only data URLs with a base64 image are read; nothing is downloaded.")
    try:
        return b64decode(url[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise _invalid("The data URL is not valid base64.") from None


def _size(raw: bytes) -> tuple[int, int] | None:
    """Return width and height, or None for anything but the four formats."""
    if raw[:8] == b"\x89PNG\r\n\x1a\n" and raw[12:16] == b"IHDR" and len(raw) >= 29:
        return unpack_from(">II", raw, 16)
    if raw[:6] in (b"GIF87a", b"GIF89a") and len(raw) >= 10:
        return unpack_from("<HH", raw, 6)
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return _webp_size(raw)
    if raw[:3] == b"\xff\xd8\xff":
        return _jpeg_size(raw)
    return None


def _webp_size(raw: bytes) -> tuple[int, int] | None:
    match raw[12:16]:
        case b"VP8 ":
            width, height = unpack_from("<HH", raw, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            (bits,) = unpack_from("<I", raw, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X" if len(raw) >= 30:
            width, height = (int.from_bytes(raw[at : at + 3], "little") for at in (24, 27))
            return width + 1, height + 1
    return None


def _jpeg_size(raw: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(raw) and raw[at] == 0xFF:
        marker = raw[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = unpack_from(">HH", raw, at + 5)
            return width, height
        at += 2 + max(2, unpack_from(">H", raw, at + 2)[0])
    return None


def _count(width: int, height: int, *, detail: str) -> int:
    """Return the tokens of an image: 85, and 170 for each tile of 512 pixels unless low."""
    if detail == "low":
        return 85
    scale = min(1.0, 2048 / max(width, height), 768 / min(width, height))
    across, down = (max(1, -(-int(side * scale) // 512)) for side in (width, height))
    return 85 + 170 * across * down


def _colour(raw: bytes) -> str | None:
    """Name the colour of the first pixel of a PNG of eight bits a channel."""
    if raw[:4] != b"\x89PNG" or raw[24] != 8 or raw[25] not in (0, 2, 6) or raw[28]:
        return None
    data = b"".join(_png_chunks(raw, b"IDAT"))
    try:
        row = zlib.decompressobj().decompress(data, 8)
    except zlib.error:
        raise _invalid("The PNG data is damaged.") from None
    # The first pixel has no neighbour, so no filter changes its value.
    first = row[1:4] if raw[25] else row[1:2] * 3
    if len(first) < 3:
        return None
    return min(
        _COLOURS,
        key=lambda name: sum((a - b) ** 2 for a, b in zip(_COLOURS[name], first, strict=True)),
    )


def _png_chunks(raw: bytes, kind: bytes) -> list[bytes]:
    at, found = 8, []
    while at + 8 <= len(raw):
        (length,) = unpack_from(">I", raw, at)
        if raw[at + 4 : at + 8] == kind:
            found.append(raw[at + 8 : at + 8 + length])
        at += 12 + length
    return found
