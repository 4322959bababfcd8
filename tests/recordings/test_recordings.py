"""Every recorded exchange ends as an independent reading of it says, sync and async.

The folder `tests/data/recordings` is always played; more may be given by the environment
variable BYOM_RECORDINGS, a folder with one folder for each provider.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.client.errors import (
    AnsweredWithError,
    AuthenticationFailed,
    BadAnswer,
    BrokenStream,
    BYOMError,
    NotFound,
    RateLimited,
    ServerError,
    StatusError,
)
from pytest_byom.client.events import ContentDelta, ThinkingDelta, ToolUseDelta, ToolUseStop
from pytest_byom.client.headers import REQUEST_IDS
from pytest_byom.client.response import Response

from .asking import NEEDS_TOOLS, REFUSED, UNNAMED, asking_of, differences, is_asked
from .reading import IDENTIFIED, ChoiceReading, Reading, read
from .replay import Player, load, recording_files

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

FILES = recording_files()
QUOTED = 400  # as much of a server's words as every error keeps
CLASSES = {401: AuthenticationFailed, 403: AuthenticationFailed, 404: NotFound, 429: RateLimited}


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_recorded_exchange(player: Player, path: Path, way: str) -> None:
    """The client gives what the recording says, or our error where that tells of one."""
    recording = load(path)
    reading = read(recording)
    result, events = player.play(recording, way)
    if is_asked(recording):
        compare_request(player.sent, recording)
    if asking_of(recording).schema and reading.ending == "answer":
        result = compare_output(result, reading.choices[0])
    if reading.ending == "models":
        assert [model.id for model in result] == reading.models
    elif reading.ending == "answer":
        compare_answer(result, reading, recording["fidelity"])
        compare_events(events, reading)
    else:
        compare_error(result, reading, recording)


def compare_request(sent: httpx.Request | None, recording: dict[str, Any]) -> None:
    """The client sent the request that was recorded."""
    assert sent is not None, "the client refused what was asked"
    assert differences(json.loads(sent.content), recording["request"]["body"]) == {}
    asking = asking_of(recording)
    for name, value in asking.options["extra_body"].items():
        assert (
            name in UNNAMED
            or value is None
            or (name, value) in REFUSED
            or (name in NEEDS_TOOLS and asking.tools is None)
            or (name == "max_completion_tokens" and "max_tokens" in asking.options)
        ), f"{name} has an argument of its own"


def compare_output(result: Any, choice: ChoiceReading) -> Any:
    """The structured output is the value of the text; a text that is none is an error."""
    if isinstance(result, BadAnswer):
        with pytest.raises(ValueError, match="Expecting value"):
            json.loads(choice.content)
        return result.partial
    assert result.structured_output == (None if choice.calls else json.loads(choice.content))
    return result


def compare_answer(response: Any, reading: Reading, fidelity: str) -> None:
    """The response holds what the reading found."""
    assert isinstance(response, Response), response
    assert [choice.index for choice in response.choices] == sorted(reading.choices)
    for choice in response.choices:
        compare_choice(choice, reading.choices[choice.index], fidelity)
    usage = response.usage
    assert (usage and (usage.input_tokens, usage.output_tokens)) == reading.usage
    if fidelity in IDENTIFIED:
        assert response.id == reading.id
    codes = {repair.code for repair in response.warnings}
    assert ("done-marker-missing" in codes) is (reading.done is False) or reading.done is None


def compare_choice(choice: Any, reading: ChoiceReading, fidelity: str) -> None:
    """A choice holds what the reading found."""
    assert same_text(choice.content or "", reading.content)
    assert (choice.reasoning or "") == reading.reasoning
    assert choice.finish_reason == reading.finish_reason
    calls = choice.tool_calls or ()
    assert [(call.name, call.arguments) for call in calls] == reading.calls
    if fidelity in IDENTIFIED:
        assert [call.id or "" for call in calls] == reading.call_ids


def same_text(text: str, expected: str) -> bool:
    """Equal; of a content that was a JSON object, equal as JSON."""
    return text == expected or (expected[:1] == "{" and json.loads(text) == json.loads(expected))


def compare_events(events: list[Any], reading: Reading) -> None:
    """The pieces of a stream join to what the reading found."""
    for index, choice in reading.choices.items() if events else ():
        own = [event for event in events if getattr(event, "index", None) == index]
        texts = [event.text for event in own if isinstance(event, ContentDelta)]
        thoughts = [event.text for event in own if isinstance(event, ThinkingDelta)]
        calls = [event.tool_call for event in own if isinstance(event, ToolUseStop)]
        pieces = [event.text for event in own if isinstance(event, ToolUseDelta)]
        assert same_text("".join(texts), choice.content)
        assert "".join(thoughts) == choice.reasoning
        assert [(call.name, call.arguments) for call in calls] == choice.calls
        assert sum(map(len, pieces)) == sum(len(arguments) for _, arguments in choice.calls)


def compare_error(error: Any, reading: Reading, recording: dict[str, Any]) -> None:
    """The error is of ours, says whose fault it is, and repeats the server's words."""
    assert isinstance(error, ServerError), error
    status = recording["response"]["status"]
    assert error.status == status
    assert type(error) is expected_class(reading, status, error)
    for words in reading.words:
        assert words.strip()[:QUOTED] in (error.server_message or "")
        assert words.strip()[: QUOTED // 2] in str(error)
    assert error.code == reading.code
    assert error.body
    headers = {name.lower(): value for name, value in recording["response"]["headers"].items()}
    identifiers = [headers[name] for name in REQUEST_IDS if name in headers]
    assert error.request_id == (identifiers[0] if identifiers else None)


def expected_class(reading: Reading, status: int, error: BYOMError) -> type[BYOMError]:
    """The class that belongs to an ending; xAI and Google answer a wrong key with 400."""
    if status == 400 and "api key" in str(error).lower():
        return AuthenticationFailed
    if status >= 400:
        return CLASSES.get(status, StatusError)
    ends: dict[str, type[BYOMError]] = {"error": AnsweredWithError, "cut": BrokenStream}
    return ends.get(reading.ending, BadAnswer)
