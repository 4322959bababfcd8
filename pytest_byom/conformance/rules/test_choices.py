"""Rules about the choices of plain answers, and about the lesser members around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.check import rule
from pytest_byom.conformance.exchange import dig
from pytest_byom.conformance.finding import Wrong
from pytest_byom.conformance.values import BEYOND_WINDOWS, is_integer
from pytest_byom.conformance.views import Completion

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE_TIERS = ("auto", "default", "flex", "scale", "priority", "fast")
ROLES = ("assistant", "Assistant:", "ASSISTANT:")
CITATION = {"start_index": int, "end_index": int, "url": str, "title": str}


@rule(
    "response.service-tier",
    on=Completion,
    level="should",
    decides=["resp-10"],
    breaks="typed clients that check the enumeration reject the answer",
)
def test_service_tier(answer: Completion) -> Iterator[Wrong]:
    """service_tier, when present, is null or one of the documented values."""
    if answer.data.get("service_tier") not in (None, *SERVICE_TIERS):
        yield answer.wrong("service_tier", "null or one of " + ", ".join(SERVICE_TIERS))


@rule(
    "response.model-asked",
    on=Completion,
    level="should",
    decides=["resp-06"],
    breaks="cost and logs are kept under a model that nobody asked for",
)
def test_model_asked(answer: Completion) -> Iterator[Wrong]:
    """Model names the requested model, or a longer or shorter form of it."""
    body, got = answer.exchange.request_json, answer.data.get("model")
    if answer.exchange.contract.kind == "valid" and isinstance(got, str) and got:
        asked = body.get("model")
        names = sorted((str(asked).casefold(), got.casefold()), key=len)
        if names[0].rpartition("/")[2] not in names[1]:
            yield answer.wrong("model", f"{asked!r}, or a form of it")


@rule(
    "response.choices-in-order",
    on=Completion,
    level="should",
    decides=["choice-17"],
    breaks="code that takes choices[i] for the choice with the index i mixes them up",
)
def test_choices_in_order(answer: Completion) -> Iterator[Wrong]:
    """Choices are listed in index order."""
    indexes = [i for _, choice in answer.choices if is_integer(i := choice.get("index"))]
    if indexes != sorted(indexes):
        listed = ", ".join(map(str, sorted(indexes)))
        got = ", ".join(map(str, indexes))
        yield Wrong(place="choices", expected=f"the indexes {listed}", got=got)


@rule(
    "response.finish-stop",
    on=Completion,
    level="must",
    decides=["choice-10"],
    breaks="openai-python's parse() raises LengthFinishReasonError for a whole answer",
)
def test_finish_stop(answer: Completion) -> Iterator[Wrong]:
    """An answer that ended long before its limit does not say "length"."""
    body = answer.exchange.request_json
    if not isinstance(body, dict):
        return
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    used = answer.usage.get("completion_tokens")
    if not is_integer(limit) or not is_integer(used) or len(answer.choices) != 1:
        return
    path, choice = answer.choices[0]
    # Some servers count the tokens of reasoning elsewhere, and some not the last one of all.
    whole = 0 < used <= limit // 2 and limit < BEYOND_WINDOWS and not _reasoned(answer, choice)
    if whole and choice.get("finish_reason") == "length":
        yield answer.wrong(f"{path}.finish_reason", f'"stop" after {used} of {limit} tokens')


def _reasoned(answer: Completion, choice: dict[str, Any]) -> bool:
    """Whether the model may have spent tokens on reasoning, shown or only counted."""
    details = "completion_tokens_details.reasoning_tokens"
    shown = any(dig(choice, f"message.{name}") for name in ("reasoning", "reasoning_content"))
    return bool(dig(answer.usage, details)) or shown or not dig(choice, "message.content")


@rule(
    "response.content-present",
    on=Completion,
    level="should",
    decides=["choice-05"],
    breaks='code that reads message["content"] fails with KeyError on a tool call',
)
def test_content_present(answer: Completion) -> Iterator[Wrong]:
    """The content member is present even when null."""
    for path, message in answer.messages:
        if "content" not in message:
            yield answer.wrong(f"{path}.content", "a string or null")


@rule(
    "response.refusal",
    on=Completion,
    level="should",
    decides=["choice-07"],
    breaks="openai-python's parse() takes any value for a refusal, and gives no object",
)
def test_refusal(answer: Completion) -> Iterator[Wrong]:
    """message.refusal is a string or null, if it is there."""
    for path, message in answer.messages:
        if not isinstance(message.get("refusal"), str | None):
            yield answer.wrong(f"{path}.refusal", "a string or null")


@rule(
    "response.no-empty-calls",
    on=Completion,
    level="should",
    decides=["choice-12"],
    breaks='code that tests for tool_calls with "is not None" waits for a call',
)
def test_no_empty_calls(answer: Completion) -> Iterator[Wrong]:
    """tool_calls is absent or null where no tool is called, not an empty array."""
    for path, message in answer.messages:
        if message.get("tool_calls") == []:
            yield answer.wrong(f"{path}.tool_calls", "null, or no such member")


@rule(
    "response.no-role-prefix",
    on=Completion,
    level="should",
    decides=["choice-14"],
    breaks="the reader sees the role that the chat template puts before an answer",
)
def test_no_role_prefix(answer: Completion) -> Iterator[Wrong]:
    """Content does not start with a role prefix."""
    for path, message in answer.messages:
        content = message.get("content")
        for prefix in ROLES if isinstance(content, str) else ():
            rest = str(content).removeprefix(prefix)
            if rest != content and (prefix.endswith(":") or rest[:1] in ("", "\n", ":")):
                yield answer.wrong(f"{path}.content", f"no {prefix!r} before the text")


@rule(
    "response.annotations",
    on=Completion,
    level="should",
    decides=["choice-15"],
    breaks="the Vercel AI SDK rejects the answer, LangChain gives citations without a source",
)
def test_annotations(answer: Completion) -> Iterator[Wrong]:
    """Annotations, when present, are url_citation objects with indexes, url and title."""
    for path, message in answer.messages:
        found = message.get("annotations")
        if not isinstance(found, list | None):
            yield answer.wrong(f"{path}.annotations", "an array")
            continue
        for number, entry in enumerate(found or ()):
            place = f"{path}.annotations.{number}"
            for name, kind in CITATION.items():
                if not isinstance(dig(entry, f"url_citation.{name}"), kind):
                    expected = "a string" if kind is str else "an integer"
                    yield answer.wrong(f"{place}.url_citation.{name}", expected)
