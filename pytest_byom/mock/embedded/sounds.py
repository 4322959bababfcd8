"""Sounds in a prompt: whether they are what they say, and how many tokens they take.

A second takes ten tokens. How long a WAV file plays stands in its header; of an MP3 file it is
taken from its size, at 128 kbit a second. What is said in a sound, the stand-in does not hear.
"""

from __future__ import annotations

import binascii
import io
import wave
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from pytest_byom.mock.embedded.errors import ApiError, missing, wrong_type
from pytest_byom.mock.embedded.rules import one_of, string

_TOKENS_A_SECOND = 10
_BYTES_A_SECOND = 16_000


@dataclass(frozen=True, slots=True)
class Sound:
    """One sound, with the tokens that it takes."""

    tokens: int


def read_sound(part: dict[str, Any], param: str) -> Sound:
    """Read an audio part: base64 in `data`, wav or mp3 as `format`."""
    value, place = part.get("input_audio"), f"{param}.input_audio"
    if value is None:
        raise missing(place)
    if not isinstance(value, dict):
        raise wrong_type(place, "an object", value)
    for member in ("data", "format"):
        if value.get(member) is None:
            raise missing(f"{place}.{member}")
        string()(value[member], f"{place}.{member}")
    one_of("wav", "mp3")(value["format"], f"{place}.format")
    try:
        raw = b64decode(value["data"], validate=True)
    except (binascii.Error, ValueError):
        raise _invalid("The data is not valid base64.", place) from None
    seconds = _wav_seconds(raw, place) if value["format"] == "wav" else _mp3_seconds(raw, place)
    return Sound(max(1, round(seconds * _TOKENS_A_SECOND)))


def _invalid(message: str, place: str) -> ApiError:
    return ApiError(f"Invalid audio. {message}", param=place, code="invalid_value")


def _wav_seconds(raw: bytes, place: str) -> float:
    try:
        with wave.open(io.BytesIO(raw)) as sound:
            return float(sound.getnframes() / sound.getframerate())
    except (wave.Error, EOFError, ZeroDivisionError):
        raise _invalid("The data is no WAV file.", place) from None


def _mp3_seconds(raw: bytes, place: str) -> float:
    """An MP3 file begins with a tag, or with the eleven bits of a frame."""
    if raw[:3] == b"ID3" or (raw[:1] == b"\xff" and raw[1:2] >= b"\xe0"):
        return len(raw) / _BYTES_A_SECOND
    raise _invalid("The data is no MP3 file.", place)
