"""Rules about the chat completion object of plain answers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pytest_byom.conformance.check import rule
from pytest_byom.conformance.finding import Wrong
from pytest_byom.conformance.values import has_surrogate, is_integer
from pytest_byom.conformance.views import Completion, Plain

if TYPE_CHECKING:
    from collections.abc import Iterator

FINISH_REASONS = ("stop", "length", "tool_calls", "content_filter", "function_call")
DAY = 86400

MARKERS = (
    "<|im_end|>",
    "<|im_start|>",
    "<|eot_id|>",
    "</s>",
    "<|end|>",
    "<|endoftext|>",
    "[/INST]",
    "<end_of_turn>",
)
"""Control strings of chat templates that must not reach a reader."""


@rule(
    "response.id",
    on=Completion,
    level="must",
    decides=["resp-01", "resp-13"],
    breaks="the Vercel AI SDK rejects an id that is no string",
)
def test_id(answer: Completion) -> Iterator[Wrong]:
    """id is a non-empty string."""
    if not isinstance(answer.data.get("id"), str) or not answer.data["id"]:
        yield answer.wrong("id", "a non-empty string")


@rule(
    "response.object",
    on=Completion,
    level="must",
    decides=["resp-03", "resp-13"],
    breaks="the schema requires the constant; typed clients tell answers apart by it",
)
def test_object(answer: Completion) -> Iterator[Wrong]:
    """object is "chat.completion"."""
    if answer.data.get("object") != "chat.completion":
        yield answer.wrong("object", '"chat.completion"')


@rule(
    "response.created",
    on=Completion,
    level="must",
    decides=["resp-04", "resp-13"],
    breaks="the Vercel AI SDK rejects a date as a string; milliseconds give one in the far future",
)
def test_created(answer: Completion) -> Iterator[Wrong]:
    """created is an integer Unix time in seconds near the clock."""
    created = answer.data.get("created")
    if not is_integer(created) or abs(created - time.time()) > DAY:
        yield answer.wrong("created", f"Unix seconds near {int(time.time())}")


@rule(
    "response.model",
    on=Completion,
    level="must",
    decides=["resp-05", "resp-13"],
    breaks="the schema requires it; cost and logs are kept by model name",
)
def test_model(answer: Completion) -> Iterator[Wrong]:
    """model is a non-empty string."""
    if not isinstance(answer.data.get("model"), str) or not answer.data["model"]:
        yield answer.wrong("model", "a non-empty string")


@rule(
    "response.choices",
    on=Completion,
    level="must",
    decides=["resp-07", "resp-13"],
    breaks="LangChain and the Vercel AI SDK raise, openai-python and openai-node fail in your code",
)
def test_choices(answer: Completion) -> Iterator[Wrong]:
    """choices is an array with at least one element."""
    choices = answer.data.get("choices")
    if not isinstance(choices, list) or not choices:
        yield answer.wrong("choices", "an array with a choice")


@rule(
    "response.usage-present",
    on=Completion,
    level="should",
    decides=["resp-08"],
    breaks="LangChain's usage_metadata and the Vercel AI SDK's usage are empty: no cost is known",
)
def test_usage_present(answer: Completion) -> Iterator[Wrong]:
    """usage is present."""
    if not isinstance(answer.data.get("usage"), dict):
        yield answer.wrong("usage", "an object")


@rule(
    "response.no-error",
    on=Plain,
    level="must",
    decides=["resp-11", "http-31"],
    breaks="openai-python gives choices=None, LangChain raises ValueError: no client sees a status",
)
def test_no_error(answer: Plain) -> Iterator[Wrong]:
    """A 200 answer has no error member with a value."""
    if answer.data.get("error"):
        yield answer.wrong("error", "no error in a 200: the status says so")


@rule(
    "response.fingerprint",
    on=Completion,
    level="must",
    decides=["resp-09"],
    breaks="typed clients reject another type",
)
def test_fingerprint(answer: Completion) -> Iterator[Wrong]:
    """system_fingerprint, when present, is a string or null."""
    if not isinstance(answer.data.get("system_fingerprint"), str | None):
        yield answer.wrong("system_fingerprint", "a string or null")


@rule(
    "response.choice-index",
    on=Completion,
    level="must",
    decides=["choice-01"],
    breaks="with n above 1 a client cannot tell the choices apart",
)
def test_choice_index(answer: Completion) -> Iterator[Wrong]:
    """The choices have the indexes 0 to n-1, each once."""
    indexes = [choice.get("index") for _, choice in answer.choices]
    proper = [index for index in indexes if is_integer(index)]
    if sorted(proper) != list(range(len(indexes))):
        yield answer.wrong("choices.0.index", f"the indexes 0 to {len(indexes) - 1}")


@rule(
    "response.message",
    on=Completion,
    level="must",
    decides=["choice-02"],
    breaks="LangChain and the Vercel AI SDK raise, openai-python fails with AttributeError",
)
def test_message(answer: Completion) -> Iterator[Wrong]:
    """message is an object."""
    for path, choice in answer.choices:
        if not isinstance(choice.get("message"), dict):
            yield answer.wrong(f"{path}.message", "an object")


@rule(
    "response.no-delta",
    on=Completion,
    level="should",
    decides=["resp-18"],
    breaks="a client that looks for delta takes the answer for a chunk",
)
def test_no_delta(answer: Completion) -> Iterator[Wrong]:
    """A plain answer does not contain delta."""
    for path, choice in answer.choices:
        if "delta" in choice:
            yield answer.wrong(f"{path}.delta", "no such member")


@rule(
    "response.role",
    on=Completion,
    level="must",
    decides=["choice-03"],
    breaks="LangChain and the Vercel AI SDK raise on another role, LangChain on none",
)
def test_role(answer: Completion) -> Iterator[Wrong]:
    """message.role is "assistant"."""
    for path, message in answer.messages:
        if message.get("role") != "assistant":
            yield answer.wrong(f"{path}.role", '"assistant"')


@rule(
    "response.content",
    on=Completion,
    level="must",
    decides=["choice-04"],
    breaks="LangChain and the Vercel AI SDK raise on a number; openai-python passes it on",
)
def test_content(answer: Completion) -> Iterator[Wrong]:
    """message.content is a string or null."""
    for path, message in answer.messages:
        if not isinstance(message.get("content"), str | None):
            yield answer.wrong(f"{path}.content", "a string or null")


@rule(
    "response.content-of-text",
    on=Completion,
    level="should",
    decides=["choice-06"],
    breaks="code that reads message.content gets None and no reason for it",
)
def test_content_of_text(answer: Completion) -> Iterator[Wrong]:
    """content is null only when the message has a tool call, a refusal, audio or reasoning."""
    others = ("tool_calls", "function_call", "refusal", "audio", "reasoning", "reasoning_content")
    for path, message in answer.messages:
        if message.get("content") is None and not any(message.get(name) for name in others):
            yield answer.wrong(f"{path}.content", "a string")


@rule(
    "response.finish-reason",
    on=Completion,
    level="must",
    decides=["choice-09"],
    breaks="openai-python's parse() and agents that loop until stop never see the end",
)
def test_finish_reason(answer: Completion) -> Iterator[Wrong]:
    """finish_reason is there in a finished answer, and not null."""
    for path, choice in answer.choices:
        if choice.get("finish_reason") in (None, ""):
            yield answer.wrong(f"{path}.finish_reason", "a reason")


@rule(
    "response.finish-reason-known",
    on=Completion,
    level="must",
    decides=["choice-08"],
    breaks="the .NET client throws on an unknown value (openai/openai-dotnet); others map it to "
    '"other"',
)
def test_finish_reason_known(answer: Completion) -> Iterator[Wrong]:
    """finish_reason is one of stop, length, tool_calls, content_filter, function_call."""
    for path, choice in answer.choices:
        reason = choice.get("finish_reason")
        if reason not in (None, "", *FINISH_REASONS):
            yield answer.wrong(f"{path}.finish_reason", "one of " + ", ".join(FINISH_REASONS))


@rule(
    "response.no-markers",
    on=Completion,
    level="should",
    decides=["choice-13"],
    breaks="the reader sees the control strings of the chat template",
)
def test_no_markers(answer: Completion) -> Iterator[Wrong]:
    """content has no chat-template or end-of-sequence markers."""
    asked = answer.exchange.sent.body.decode("utf-8", "replace")
    for path, message in answer.messages:
        content = message.get("content")
        for marker in MARKERS:
            if isinstance(content, str) and marker in content and marker not in asked:
                yield answer.wrong(f"{path}.content", f"no {marker}")


@rule(
    "response.surrogates",
    on=Completion,
    level="should",
    decides=["resp-14"],
    breaks="Python clients then hold a string that cannot be encoded or printed",
)
def test_surrogates(answer: Completion) -> Iterator[Wrong]:
    """The text of an answer contains no unpaired surrogates."""
    for path, message in answer.messages:
        content = message.get("content")
        if isinstance(content, str) and has_surrogate(content):
            yield Wrong(
                place=f"{path}.content", expected="whole characters", got=ascii(content)[:80]
            )
