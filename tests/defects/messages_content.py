"""Defects of content: of another kind, empty, with odd characters."""

from __future__ import annotations

from typing import Any

from defects.messages import spoken_messages
from defects.messages_forms import fail
from defects.planting import Defect, When, change_request, deviates, ignored, on_messages, refuse

Members = dict[str, Any]

CONTROL = "\x07"
HALF = "\ud83d"
ECHO = "\u05e9\u05dc\u05d5\u05dd"


def _holds(test: Any) -> When:
    """Requests with a message of the user whose content passes a test; nothing is Ellipsis."""
    return lambda asked: any(
        test(message.get("content", ...))
        for message in spoken_messages(asked)
        if message.get("role") == "user"
    )


def _has(text: str) -> When:
    return _holds(lambda content: isinstance(content, str) and text in content)


def _is(*values: Any) -> When:
    return _holds(lambda content: any(content is value for value in values))


def _known_parts(data: Members) -> None:
    for message in data["messages"]:
        if isinstance(message.get("content"), list):
            message["content"] = [p for p in message["content"] if p["type"] == "text"]


def _as_text(data: Members) -> None:
    for message in data["messages"]:
        message["content"] = str(message["content"])


def _without_control(data: Members) -> None:
    for message in data["messages"]:
        message["content"] = message["content"].partition(" <|")[0]


def _ascii(message: Members) -> None:
    if ECHO in (message["content"] or ""):
        message["content"] = message["content"].encode("ascii", "replace").decode()


DEFECTS = [
    Defect(
        id="content-unknown-part",
        title="A part of an unknown type is left out.",
        change=change_request(
            _known_parts, when=_holds(lambda content: "hologram" in str(content))
        ),
        turns=deviates("messages.unknown-part"),
    ),
    Defect(
        id="content-any-kind",
        title="Content of any kind is made a text.",
        change=change_request(
            _as_text, when=_holds(lambda content: isinstance(content, int | dict) or content == [])
        ),
        turns=deviates("messages.empty-parts", "messages.content-number")
        | deviates("messages.content-true", "messages.content-object"),
    ),
    Defect(
        id="content-control",
        title="Control characters make the server fail.",
        change=fail("a NUL byte was found", when=_has(CONTROL)),
        turns=deviates("messages.broken-unicode", "messages.control-characters"),
    ),
    Defect(
        id="content-surrogate",
        title="Half a surrogate pair makes the server fail.",
        change=fail("surrogates not allowed", when=_has(HALF)),
        turns=deviates("messages.broken-unicode", "messages.lone-surrogate"),
    ),
    Defect(
        id="content-none",
        title="A message of the user without content makes the server fail.",
        change=fail("content is None", when=_is(None, ...)),
        turns=deviates("messages.no-content", "messages.null-content"),
    ),
    Defect(
        id="content-empty",
        title="An empty message of the user makes the server fail.",
        change=fail("empty prompt", when=_holds(lambda content: content == "")),
        turns=deviates("messages.empty-content"),
    ),
    Defect(
        id="content-template-refused",
        title="Control strings of chat templates are refused.",
        change=refuse("disallowed special token '<|im_end|>'", when=_has("<|im_end|>")),
        turns=deviates("messages.template-text"),
    ),
    Defect(
        id="content-template-lost",
        title="What stands behind a control string of a chat template is lost.",
        change=change_request(_without_control, when=_has("<|im_end|>")),
        turns=ignored("messages.template-text"),
    ),
    Defect(
        id="content-ascii",
        title="Other scripts come back as question marks.",
        change=on_messages(_ascii),
        turns=deviates("messages.echo"),
    ),
]
