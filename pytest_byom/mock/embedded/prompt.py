"""From a checked request to prompt tokens: what the model reads, and what is counted.

    each tool          SCHEMA, its name, its description, the JSON of its parameters
    a text's schema    SCHEMA, its JSON
    each message       the mark of its role, its name, text, images, sounds and calls, END
    the answer         ASSISTANT

Text never contains a mark, whatever is written in it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_byom.mock.embedded import tokens
from pytest_byom.mock.embedded.errors import ApiError

if TYPE_CHECKING:
    from pytest_byom.mock.embedded.chat_request import ChatRequest
    from pytest_byom.mock.embedded.messages import Turn
    from pytest_byom.mock.embedded.tools import Tool

_MARKS = {
    "developer": tokens.SYSTEM,
    "system": tokens.SYSTEM,
    "user": tokens.USER,
    "assistant": tokens.ASSISTANT,
    "tool": tokens.TOOL,
    "function": tokens.TOOL,
}


def write_prompt(request: ChatRequest, *, window: int) -> list[int]:
    """Return the tokens of the prompt. Raises if they leave no room for an answer."""
    least = sum(tokens.at_least(turn.text) for turn in request.turns)
    if least >= window:
        raise too_long(window, f"at least {least}")
    prompt: list[int] = []
    for tool in request.toolbox.defined:
        prompt += _tool_tokens(tool)
    if request.format.schema is not None:
        prompt += (tokens.SCHEMA, *tokens.encode(compact(request.format.schema)))
    for turn in request.turns:
        prompt += _turn_tokens(turn)
    prompt.append(tokens.ASSISTANT)
    if len(prompt) >= window:
        raise too_long(window, str(len(prompt)))
    return prompt


def compact(value: Any) -> str:
    """Write JSON without a space and without escapes that it does not need."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def too_long(window: int, count: str) -> ApiError:
    """The prompt leaves no room in the window."""
    return ApiError(
        f"This model's maximum context length is {window} tokens. However, your messages "
        f"resulted in {count} tokens. Please reduce the length of the messages.",
        param="messages",
        code="context_length_exceeded",
    )


def _tool_tokens(tool: Tool) -> list[int]:
    parts = (tool.name, tool.description, compact(tool.parameters or {}))
    return [tokens.SCHEMA, *(token for part in parts for token in tokens.encode(part))]


def _turn_tokens(turn: Turn) -> list[int]:
    found = [_MARKS[turn.role]]
    if turn.name is not None:
        found += (tokens.NAME, *tokens.encode(turn.name))
    found += tokens.encode(turn.text)
    for image in turn.images:
        # The colour stands for what a model would see in the image.
        seen = tokens.encode(image.colour or "image")[:1]
        found += (*seen, *[tokens.IMAGE] * (image.tokens - 1))
    found += [tokens.SOUND] * sum(sound.tokens for sound in turn.sounds)
    for call in turn.calls:
        found += (tokens.CALL, *tokens.encode(call.name), *tokens.encode(call.arguments))
    found.append(tokens.END)
    return found
