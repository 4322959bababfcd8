"""Messages are plain objects; providers are stored and given back."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from pytest_byom.client import messages as m
from pytest_byom.client.errors import UsageError
from pytest_byom.client.providers import (
    REGISTERED,
    CustomProviderConfig,
    get_custom_provider,
    register_custom_provider,
    unregister_custom_provider,
)
from pytest_byom.client.response import Choice, Response, ToolCall

PNG = b"\x89PNG\r\n\x1a\n"
CALL = ToolCall("a", "f", "{}")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (m.system("s"), {"role": "system", "content": "s"}),
        (m.developer("d"), {"role": "developer", "content": "d"}),
        (m.user("u"), {"role": "user", "content": "u"}),
        (m.user("u", m.image("https://h/i.png", detail="low")),
         {"role": "user", "content": [
             {"type": "text", "text": "u"},
             {"type": "image_url", "image_url": {"url": "https://h/i.png", "detail": "low"}}]}),
        (m.assistant("a"), {"role": "assistant", "content": "a"}),
        (m.assistant(tool_calls=[CALL]),
         {"role": "assistant", "content": None, "tool_calls": [
             {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}),
        (m.assistant(tool_calls=[ToolCall("a", "f", raw={"id": "a", "x": 1})]),
         {"role": "assistant", "content": None, "tool_calls": [{"id": "a", "x": 1}]}),
        (m.tool_result("a", "done"), {"role": "tool", "tool_call_id": "a", "content": "done"}),
        (m.tool_result(CALL, {"ä": 1}),
         {"role": "tool", "tool_call_id": "a", "content": '{"ä": 1}'}),
    ],
)  # fmt: skip
def test_messages(message: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each helper makes the object that goes over the wire."""
    assert message == expected


@pytest.mark.parametrize(
    ("content", "media_type", "start"),
    [
        (PNG, None, "data:image/png;base64,iVBORw0KGgo="),
        (b"\xff\xd8\xff\xe0", None, "data:image/jpeg;base64,"),
        (b"GIF89a", None, "data:image/gif;base64,"),
        (b"RIFF0000WEBP", None, "data:image/webp;base64,"),
        (b"<svg/>", "image/svg+xml", "data:image/svg+xml;base64,"),
    ],
)
def test_images_by_bytes(content: bytes, media_type: str | None, start: str) -> None:
    """Bytes become a data URL of their kind."""
    url = m.image(content, media_type=media_type)["image_url"]["url"]
    assert url.startswith(start)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: m.image(b"what"), "say media_type"),
        (lambda: m.image("cat.png"), "starts with http, https or data"),
        (lambda: m.image("https://h", detail="fine"), "auto, low, high"),
        (lambda: m.user(), "needs content"),
        (lambda: m.tool_result(ToolCall(None, "f"), "x"), "has no id"),
        (lambda: m.tool_result("a", object()), "cannot be written as JSON"),
    ],
)
def test_no_message(make: Any, reason: str) -> None:
    """What would be refused by every server is refused here."""
    with pytest.raises(UsageError) as caught:
        make()
    assert reason in str(caught.value)


def test_responses_among_messages() -> None:
    """A response or a choice stands for the server's own message."""
    message = {"role": "assistant", "content": None, "reasoning": "x"}
    choice = Choice(message=message)
    assert m.as_messages([m.user("a"), Response(choices=(choice,)), choice]) == [
        {"role": "user", "content": "a"},
        message,
        message,
    ]


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ({"content": "a", "reasoning": "x"}, {"content": "a"}),
        ({"content": None, "reasoning_content": "x", "tool_calls": [1]}, {"tool_calls": [1]}),
        ({"content": "a", "reasoning_details": [{"text": "x"}], "seen": 1}, {"seen": 1}),
        (
            {"content": [{"type": "thinking", "thinking": "x"}, {"type": "text", "text": "a"}]},
            {"content": [{"type": "text", "text": "a"}]},
        ),
        ({"content": "<think>x</think>a"}, {"content": "a"}),
    ],
)
def test_an_answer_without_its_reasoning(message: dict[str, Any], kept: dict[str, Any]) -> None:
    """Reasoning under each of its names is left away, and all else stays."""
    message = {"role": "assistant", **message}
    tags = ("<think>", "</think>")
    expected = {"role": "assistant", "content": message["content"], **kept}
    for answer in (message, Choice(message=message), Response(choices=(Choice(message=message),))):
        assert m.without_reasoning(answer, think_tags=tags) == expected
    assert m.without_reasoning({"role": "user", "content": "<think>"})["content"] == "<think>"


def test_attachments() -> None:
    """Parts that are no text are found."""
    talk = [m.user("a"), m.user("b", m.image("https://h/i"), {"type": "input_audio"})]
    assert m.attachments_in(talk) == ["image_url", "input_audio"]


def test_providers() -> None:
    """A provider is found by the id that registering it gave."""
    config = CustomProviderConfig(
        base_url="http://h/v1", extra_headers={"X-Tenant": "t"}, default_model="m"
    )
    identifier = register_custom_provider("mine", config)
    try:
        assert identifier == "custom:mine"
        assert get_custom_provider(identifier) is config
        assert get_custom_provider("mine") is None
        assert identifier in REGISTERED
        other = CustomProviderConfig(base_url="http://other")
        assert register_custom_provider("mine", other) == identifier
        assert get_custom_provider(identifier) is other
    finally:
        unregister_custom_provider(identifier)
    assert get_custom_provider(identifier) is None


def test_providers_from_many_threads() -> None:
    """Registering is safe from any thread."""
    config = CustomProviderConfig(base_url="http://h")
    names = [f"thread-{number}" for number in range(64)]
    threads = [
        threading.Thread(target=register_custom_provider, args=(name, config)) for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [get_custom_provider(f"custom:{name}") for name in names]
    for name in names:
        unregister_custom_provider(f"custom:{name}")
    assert found == [config] * 64


@pytest.mark.parametrize(
    ("name", "config"),
    [("", CustomProviderConfig(base_url="http://h")), (5, None), ("x", {"base_url": "http://h"})],
)
def test_no_provider(name: Any, config: Any) -> None:
    """What is no provider is refused."""
    with pytest.raises(UsageError, match="provider"):
        register_custom_provider(name, config)


def test_a_provider_needs_a_url() -> None:
    """A base URL is judged when it is given."""
    with pytest.raises(UsageError, match="base_url must be"):
        CustomProviderConfig(base_url="nowhere")
