"""Sounds in a prompt, thoughts before an answer, and a page that a search found."""

from __future__ import annotations

import base64
import io
import json
import wave
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.mock.embedded.errors import ApiError
from pytest_byom.mock.embedded.sounds import read_sound
from pytest_byom.mock.embedded.thoughts import EFFORTS

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    Ask = Callable[..., httpx.Response]

TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}},
}
USAGE = {"stream": True, "stream_options": {"include_usage": True}}


def wav(seconds: float) -> bytes:
    written = io.BytesIO()
    with wave.open(written, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(8000)
        sound.writeframes(b"\x80" * int(8000 * seconds))
    return written.getvalue()


def part(raw: bytes, format: str = "wav") -> dict[str, Any]:
    data = base64.b64encode(raw).decode()
    return {"type": "input_audio", "input_audio": {"data": data, "format": format}}


def deltas(answer: httpx.Response) -> list[dict[str, Any]]:
    events = [line.removeprefix("data: ") for line in answer.text.splitlines() if line][:-1]
    return [choice["delta"] for event in events for choice in json.loads(event)["choices"]]


def usage(answer: httpx.Response) -> dict[str, Any]:
    events = [line.removeprefix("data: ") for line in answer.text.splitlines() if line][:-1]
    return dict(json.loads(events[-1])["usage"])


@pytest.mark.parametrize(
    ("raw", "format", "tokens"),
    [
        (wav(0.01), "wav", 1),
        (wav(0.5), "wav", 5),
        (wav(3), "wav", 30),
        (b"ID3" + bytes(31_997), "mp3", 20),
        (b"\xff\xfb" + bytes(1_598), "mp3", 1),
    ],
)
def test_the_length_of_a_sound_decides_its_tokens(raw: bytes, format: str, tokens: int) -> None:
    """A second takes ten tokens, and a sound takes one at least."""
    assert read_sound(part(raw, format), "p").tokens == tokens


@pytest.mark.parametrize(
    ("broken", "place"),
    [
        ({"input_audio": "x"}, "p.input_audio"),
        ({"input_audio": {"format": "wav"}}, "p.input_audio.data"),
        ({"input_audio": {"data": ""}}, "p.input_audio.format"),
        ({"input_audio": {"data": 5, "format": "wav"}}, "p.input_audio.data"),
        ({"input_audio": {"data": "", "format": "xyz"}}, "p.input_audio.format"),
        ({"input_audio": {"data": "%", "format": "wav"}}, "p.input_audio"),
        (part(b"no sound"), "p.input_audio"),
        (part(wav(0.5)[:20]), "p.input_audio"),
        (part(wav(0.5), "mp3"), "p.input_audio"),
    ],
)
def test_what_is_no_sound_is_refused(broken: dict[str, Any], place: str) -> None:
    """A part that is broken is refused, with the place."""
    with pytest.raises(ApiError) as refusal:
        read_sound(broken, "p")
    assert refusal.value.error["param"] == place


def test_a_sound_is_counted(ask: Ask) -> None:
    """A sound raises prompt_tokens, and stands in the details as well."""
    text = {"type": "text", "text": "Hi"}
    without = ask([{"role": "user", "content": [text]}]).json()["usage"]
    with_it = ask([{"role": "user", "content": [text, part(wav(1))]}]).json()["usage"]
    assert with_it["prompt_tokens"] - without["prompt_tokens"] == 10
    assert without["prompt_tokens_details"]["audio_tokens"] == 0
    assert with_it["prompt_tokens_details"]["audio_tokens"] == 10


@pytest.mark.parametrize("effort", EFFORTS)
def test_effort_decides_how_much_is_thought(ask: Ask, effort: str) -> None:
    """Thoughts stand beside the text and are counted in completion_tokens."""
    answer = ask("Say ok.", reasoning_effort=effort).json()
    message, counted = answer["choices"][0]["message"], answer["usage"]
    assert message["content"] == "ok"
    assert ("reasoning_content" in message) == (effort != "none")
    assert counted["completion_tokens_details"]["reasoning_tokens"] == EFFORTS[effort]
    assert counted["completion_tokens"] == EFFORTS[effort] + 1


def test_nothing_is_thought_unasked(ask: Ask) -> None:
    """Without an effort there is no thought."""
    assert "reasoning_content" not in ask("Say ok.").json()["choices"][0]["message"]


def test_a_greater_effort_goes_on(ask: Ask) -> None:
    """A greater effort begins as a smaller one does."""
    short, long = (
        ask("Say ok.", reasoning_effort=effort).json()["choices"][0]["message"]
        for effort in ("low", "high")
    )
    assert long["reasoning_content"].startswith(short["reasoning_content"])


def test_thoughts_use_up_the_limit(ask: Ask) -> None:
    """A limit that is used up by thoughts leaves no text, and says length."""
    answer = ask("Say ok.", reasoning_effort="low", max_completion_tokens=5).json()
    (choice,) = answer["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("", "length")
    assert answer["usage"]["completion_tokens"] == 5
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] == 5


def test_thoughts_are_streamed_first(ask: Ask) -> None:
    """A stream says the same as the plain answer, the thoughts before the text."""
    plain = ask("Say ok.", reasoning_effort="low").json()
    stream = ask("Say ok.", reasoning_effort="low", **USAGE)
    found = [next(iter(delta.items())) for delta in deltas(stream)[1:-1]]
    names = [name for name, _ in found]
    assert names == ["reasoning_content"] * 8 + ["content"]
    message = plain["choices"][0]["message"]
    assert "".join(text for _, text in found[:-1]) == message["reasoning_content"]
    assert usage(stream) == plain["usage"]


def test_thoughts_come_before_a_call(ask: Ask) -> None:
    """A call is made beside the thoughts."""
    members = {"tools": [TOOL], "tool_choice": "required", "reasoning_effort": "low"}
    message = ask("Call it.", **members).json()["choices"][0]["message"]
    assert message["tool_calls"][0]["function"]["name"] == "get_weather"
    assert message["reasoning_content"]


def test_a_search_is_cited(ask: Ask) -> None:
    """With web_search_options the text is said to be from a page, streamed too."""
    message = ask("Say ok.", web_search_options={}).json()["choices"][0]["message"]
    (cited,) = message["annotations"]
    assert cited["url_citation"]["end_index"] == 2
    last = deltas(ask("Say ok.", web_search_options={}, stream=True))[-1]
    assert last == {"annotations": message["annotations"]}
