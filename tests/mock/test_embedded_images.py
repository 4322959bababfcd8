"""Images in a prompt."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.mock.embedded.errors import ApiError
from pytest_byom.mock.embedded.images import read_image

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    Ask = Callable[..., httpx.Response]


def png(width: int, height: int, colour: tuple[int, ...] = (255, 0, 0)) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    kind = {1: 0, 3: 2, 4: 6}[len(colour)]
    head = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    rows = (b"\0" + bytes(colour) * width) * height
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


GIF = b"GIF89a" + struct.pack("<HH", 30, 20) + b"\0" * 20
JPEG = (
    b"\xff\xd8\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + b"\0" * 9
    + b"\xff\xc0" + struct.pack(">HBHH", 11, 8, 20, 30) + b"\0" * 10
)  # fmt: skip
WEBP_LOSSY = b"RIFF\0\0\0\0WEBPVP8 " + b"\0" * 10 + struct.pack("<HH", 30, 20)
WEBP_LOSSLESS = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + struct.pack("<I", 29 | 19 << 14)
WEBP_EXTENDED = b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + b"\x1d\0\0\x13\0\0"


def part(raw: bytes, **members: Any) -> dict[str, Any]:
    url = "data:image/png;base64," + base64.b64encode(raw).decode()
    return {"type": "image_url", "image_url": {"url": url, **members}}


def user(*parts: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


@pytest.mark.parametrize(
    "raw", [png(30, 20), GIF, JPEG, WEBP_LOSSY, WEBP_LOSSLESS, WEBP_EXTENDED],
    ids=["png", "gif", "jpeg", "lossy webp", "lossless webp", "extended webp"],
)  # fmt: skip
def test_the_size_is_read_from_the_image(raw: bytes) -> None:
    """Each format says its width and height."""
    image = read_image(part(raw), "p")
    assert (image.width, image.height) == (30, 20)


@pytest.mark.parametrize(
    ("size", "detail", "tokens"),
    [
        ((1, 1), "auto", 255),
        ((512, 512), "high", 255),
        ((1024, 1024), "high", 765),
        ((4096, 8192), "high", 1105),
        ((4096, 8192), "low", 85),
    ],
)
def test_the_size_decides_the_tokens(size: tuple[int, int], detail: str, tokens: int) -> None:
    """An image costs 85 tokens, and 170 for each tile of 512 pixels of what is scaled down."""
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBBBBB", *size, 16, 2, 0, 0, 0)
    assert read_image(part(head, detail=detail), "p").tokens == tokens


@pytest.mark.parametrize(
    ("colour", "name"),
    [((250, 10, 5), "red"), ((0, 0, 240, 255), "blue"), ((255,), "white")],
)
def test_the_colour_of_a_png_is_seen(colour: tuple[int, ...], name: str) -> None:
    """The first pixel gives an image its colour."""
    assert read_image(part(png(2, 2, colour)), "p").colour == name


def test_an_image_without_pixels_has_no_colour() -> None:
    """What is not there is not guessed."""
    head = png(1, 1)[:33]
    assert read_image(part(head + struct.pack(">I", 0) + b"IDAT"), "p").colour is None


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,AAAA", "data:image/png;base64,@@@", "data:image/png;base64,",
        "data:text/plain;base64,AAAA", "http://127.0.0.1:9/x.png", "file:///etc/hostname", "x",
        "data:image/jpeg;base64,/9j/wA==", "data:image/webp;base64,UklGRgAAAABXRUJQVlA4WA==",
        "data:image/webp;base64,UklGRgAAAABXRUJQVlA4IA==",
        "data:image/gif;base64," + base64.b64encode(b"GIF89a\0\0\0\0").decode(),
    ],
)  # fmt: skip
def test_what_is_no_image_is_refused(ask: Ask, url: str) -> None:
    """Broken data, other types and addresses are a 400; nothing is fetched."""
    answer = ask(user({"type": "image_url", "image_url": {"url": url}}))
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_image_url"


@pytest.mark.parametrize(
    "broken",
    [
        {"type": "image_url"},
        {"type": "image_url", "image_url": 5},
        {"type": "image_url", "image_url": {}},
        {"type": "image_url", "image_url": {"url": 5}},
        part(png(1, 1), detail="ultra"),
        part(png(1, 1)[:41] + b"\xff" * 20),
    ],
)
def test_a_broken_part_is_refused(broken: dict[str, Any]) -> None:
    """What the part must have is checked."""
    with pytest.raises(ApiError):
        read_image(broken, "p")


def test_a_plain_string_is_taken_for_the_url() -> None:
    """The form that some clients send works too."""
    url = part(png(1, 1))["image_url"]["url"]
    assert read_image({"type": "image_url", "image_url": url}, "p").width == 1


def test_images_are_seen_in_their_order(ask: Ask) -> None:
    """Text may come first or last; the colours are told in order."""
    question = {"type": "text", "text": "Which colours do you see?"}
    red, blue = part(png(64, 64)), part(png(64, 64, (0, 0, 255)))
    answers = [ask(user(question, red, blue)), ask(user(red, question, blue))]
    assert [a.json()["choices"][0]["message"]["content"] for a in answers] == ["red, then blue"] * 2


def test_an_image_is_counted(ask: Ask) -> None:
    """An image raises prompt_tokens by what it costs."""
    text = {"type": "text", "text": "Hi"}
    without, with_it = ask(user(text)).json(), ask(user(text, part(png(64, 64)))).json()
    assert with_it["usage"]["prompt_tokens"] - without["usage"]["prompt_tokens"] == 255


def test_images_have_to_fit_the_window(ask: Ask) -> None:
    """Too many images are too long a prompt."""
    answer = ask(user(*[part(png(64, 64))] * 20))
    assert answer.json()["error"]["code"] == "context_length_exceeded"
