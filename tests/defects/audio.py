"""Defects of sounds: refused, never heard, or taken for what they are not."""

from __future__ import annotations

from typing import Any

from defects.leaving import needing
from defects.planting import (
    Asked,
    Defect,
    change_request,
    deviates,
    drop,
    failed,
    ignored,
    refuse,
)
from defects.vision import has_part, parts, without

has_sound = has_part("input_audio")


def _as_wav(data: dict[str, Any]) -> None:
    for part in parts(data, "input_audio"):
        part["input_audio"]["format"] = "wav"


def _speaks(asked: Asked) -> bool:
    return asked.is_chat and asked.parameters.get("modalities") == ["text", "audio"]


DEFECTS = [
    Defect(
        id="audio-500",
        full=True,
        title="A sound makes a server that does not hear fail.",
        change=refuse("audio input is not supported", status=500, when=has_sound),
        turns=deviates("audio.input") | failed("errors.client-fault"),
        leaves=needing("audio") | {"audio.counted"},
    ),
    Defect(
        id="audio-ignored",
        title="Sounds are accepted and never heard.",
        change=without("input_audio"),
        turns=ignored("audio.counted"),
        lacks=needing("audio"),
    ),
    Defect(
        id="audio-any-format",
        title="Any format of a sound is taken for WAV.",
        change=change_request(_as_wav, when=has_sound),
        turns=deviates("audio.unknown-format"),
    ),
    Defect(
        id="audio-output-ignored",
        title="An answer that shall be spoken is written.",
        change=drop("modalities", "audio"),
        turns=ignored("audio.output"),
    ),
    Defect(
        id="audio-output-500",
        title="An answer that shall be spoken makes the server fail.",
        change=refuse("KeyError: 'audio'", status=500, when=_speaks),
        turns=deviates("audio.output"),
    ),
]
