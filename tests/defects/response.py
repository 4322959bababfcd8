"""Defects of the chat completion object."""

from __future__ import annotations

import itertools
import time
from typing import Any

from defects.leaving import CALLED, READ_PLAIN, TOKENS
from defects.planting import (
    Change,
    Defect,
    Stateful,
    answer_with,
    asks,
    change_bytes,
    change_json,
    deviates,
    failed,
    on_choices,
    on_messages,
    plain,
    reasons,
)

Members = dict[str, Any]


def _set(**members: Any) -> Change:
    """Set members of each completion."""
    return change_json(lambda data: data.update(members))


def _drop(name: str, *, when: Any = plain) -> Change:
    """Take a member out of each completion."""
    return change_json(lambda data: data.pop(name) and None, when=when)


def _reason(old: str | None, new: str | None) -> Change:
    """Put a finish reason in the place of another; of any, if `old` is None."""

    def rewrite(choice: Members) -> None:
        if old in (None, choice["finish_reason"]):
            choice["finish_reason"] = new

    return on_choices(rewrite)


def _text(rewrite: Any, *, when: Any = plain) -> Change:
    """Change the text of each message that has one."""

    def change(message: Members) -> None:
        if message["content"]:
            message["content"] = rewrite(message["content"])

    return on_messages(change, when=when)


def _drifting(name: str) -> Any:
    """Build changes that give each answer another value of a member."""

    def make() -> Change:
        numbers = itertools.count()
        return change_json(lambda data: data.update({name: f"fp_{next(numbers)}"}))

    return make


def _all_first(data: Members) -> None:
    for choice in data["choices"]:
        choice["index"] = 0


def _from_one(choice: Members) -> None:
    choice["index"] += 1


STOPS = ("params.stop-finish", "parity.finish")

DEFECTS = [
    Defect(
        id="response-no-id",
        title="An answer has no id.",
        change=_drop("id"),
        turns=failed("response.id"),
        leaves=frozenset({"response.unique-id"}),
    ),
    Defect(
        id="response-id-number",
        title="The id of an answer is a number.",
        change=change_json(lambda data: data.update(id=12345)),
        turns=failed("response.id"),
        leaves=frozenset({"response.unique-id"}),
    ),
    Defect(
        id="response-one-id",
        title="All answers have one id.",
        change=_set(id="chatcmpl-0"),
        turns=deviates("response.unique-id"),
    ),
    Defect(
        id="response-text-completion",
        title="object names the older API.",
        change=_set(object="text_completion"),
        turns=failed("response.object"),
    ),
    Defect(
        id="response-created-decimal",
        title="created is a decimal.",
        change=change_json(lambda data: data.update(created=data["created"] + 0.25)),
        turns=failed("response.created"),
        leaves=frozenset({"response.created-order"}),
        row="C279",
        issues=("BerriAI/litellm#4654",),
    ),
    Defect(
        id="response-created-text",
        title="created is a text.",
        change=change_json(lambda data: data.update(created=str(data["created"]))),
        turns=failed("response.created"),
        leaves=frozenset({"response.created-order"}),
        row="C282",
        issues=("sashabaranov/go-openai#1003",),
    ),
    Defect(
        id="response-created-milliseconds",
        title="created is in milliseconds.",
        change=change_json(lambda data: data.update(created=int(time.time() * 1000))),
        turns=failed("response.created"),
    ),
    Defect(
        id="response-created-zero",
        title="created is 0.",
        change=_set(created=0),
        turns=failed("response.created"),
    ),
    Defect(
        id="response-no-model",
        title="An answer has no model.",
        change=_drop("model"),
        turns=failed("response.model"),
        leaves=frozenset({"parity.model"}),
    ),
    Defect(
        id="response-model-null",
        title="model is null.",
        change=_set(model=None),
        turns=failed("response.model"),
        leaves=frozenset({"parity.model"}),
    ),
    Defect(
        id="response-choices-empty",
        title="An answer to a reasoning request has no choice.",
        change=change_json(lambda data: data.update(choices=[]), when=reasons),
        turns=failed("response.choices"),
    ),
    Defect(
        id="response-choices-null",
        title="choices is null in every answer.",
        change=_set(choices=None),
        turns=failed("response.choices"),
        leaves=(READ_PLAIN - TOKENS - {"response.fingerprint-stable", "parity.model"})
        | {"parity.usage", "parity.max-tokens", "reasoning.cut"}
        | CALLED
        | {"params.length", "params.n-usage"},
    ),
    Defect(
        id="response-no-usage",
        title="An answer has no usage.",
        change=_drop("usage"),
        turns=deviates("response.usage-present"),
        leaves=TOKENS | {"logprobs.count"},
    ),
    Defect(
        id="response-error-in-200",
        title="A request that is not streamed gets 200 and an error text.",
        change=answer_with(200, {"error": "Only streaming mode is supported."}, when=reasons),
        turns=failed("response.no-error"),
        row="C311",
        issues=("huggingface/transformers#38443",),
    ),
    Defect(
        id="response-fingerprint-number",
        title="system_fingerprint is a number.",
        change=_set(system_fingerprint=42),
        turns=failed("response.fingerprint"),
    ),
    Defect(
        id="response-fingerprint-drifts",
        title="system_fingerprint is another one in each answer.",
        change=Stateful(_drifting("system_fingerprint")),
        turns=deviates("response.fingerprint-stable"),
    ),
    Defect(
        id="response-index-zero",
        title="All choices have the index 0.",
        change=change_json(_all_first, when=asks("n")),
        turns=failed("response.choice-index"),
    ),
    Defect(
        id="response-index-from-one",
        title="The indexes of choices count from 1.",
        change=on_choices(_from_one),
        turns=failed("response.choice-index"),
    ),
    Defect(
        id="response-no-message",
        title="A choice of a reasoning request has a text in place of a message.",
        change=on_choices(lambda c: c.update(text=c.pop("message")["content"]), when=reasons),
        turns=failed("response.message"),
    ),
    Defect(
        id="response-delta",
        title="A plain answer has a delta beside its message.",
        change=on_choices(lambda choice: choice.update(delta={})),
        turns=deviates("response.no-delta"),
    ),
    Defect(
        id="response-role-model",
        title='The role of an answer is "model".',
        change=on_messages(lambda message: message.update(role="model")),
        turns=failed("response.role", "messages.own-answer", "messages.own-call")
        | failed("messages.own-parallel", "messages.own-object"),
        leaves=frozenset({"response.created-order"}),
    ),
    Defect(
        id="response-no-role",
        title="An answer has no role.",
        change=on_messages(lambda message: message.pop("role") and None),
        turns=failed("response.role", "messages.own-answer", "messages.own-call")
        | failed("messages.own-parallel", "messages.own-object"),
        leaves=frozenset({"response.created-order"}),
    ),
    Defect(
        id="response-content-parts",
        title="content is a list of parts.",
        change=on_messages(
            lambda m: m.update(content=[{"type": "text", "text": m["content"]}]), when=reasons
        ),
        turns=failed("response.content"),
    ),
    Defect(
        id="response-content-number",
        title="A text that is a number is sent as one.",
        change=on_messages(lambda message: message.update(content=42), when=reasons),
        turns=failed("response.content"),
    ),
    Defect(
        id="response-content-null",
        title="content is null, and there is nothing else.",
        change=on_messages(lambda message: message.update(content=None), when=reasons),
        turns=deviates("response.content-of-text"),
    ),
    Defect(
        id="response-no-content",
        title="A message has a role and nothing else.",
        change=on_messages(lambda message: message.pop("content") and None, when=reasons),
        turns=deviates("response.content-of-text", "response.content-present"),
    ),
    Defect(
        id="response-no-finish",
        title="finish_reason is null in a finished answer.",
        change=_reason(None, None),
        turns=failed("response.finish-reason"),
        leaves=frozenset(
            {"params.length", "params.n-usage", "params.stop-finish", "parity.finish"}
            | {"stream.length", "params.huge-limit"}
        )
        | {"tools.bare-arguments", "structured.cut"}
        | {"parity.max-tokens", "reasoning.cut"},
    ),
    Defect(
        id="response-empty-finish",
        title="finish_reason is an empty text.",
        change=on_choices(lambda choice: choice.update(finish_reason=""), when=reasons),
        turns=failed("response.finish-reason"),
    ),
    Defect(
        id="response-eos",
        title='An answer that ends by itself has the finish_reason "eos".',
        change=_reason("stop", "eos"),
        turns=failed("response.finish-reason-known", "params.stop-finish")
        | deviates("parity.finish")
        | deviates("tools.legacy-finish"),
        row="C072",
        issues=("vibrantlabsai/ragas#1548", "openai/openai-dotnet#267"),
    ),
    Defect(
        id="response-end-turn",
        title='An answer that ends by itself has the finish_reason "end_turn".',
        change=_reason("stop", "end_turn"),
        turns=failed("response.finish-reason-known", "params.stop-finish")
        | deviates("parity.finish")
        | deviates("tools.legacy-finish"),
        row="C067",
        issues=("zeitlings/ayai-gpt-nexus#2",),
    ),
    Defect(
        id="response-model-length",
        title='An answer that a limit cut has the finish_reason "model_length".',
        change=_reason("length", "model_length"),
        turns=failed("response.finish-reason-known", "params.length") | deviates("structured.cut"),
        leaves=frozenset({"params.n-usage", "stream.length", "parity.max-tokens", "reasoning.cut"}),
        row="C059",
        issues=("laravel/ai#955", "camel-ai/camel#4266"),
    ),
    Defect(
        id="response-markers",
        title="The end mark of the chat template is left in the text.",
        change=_text(lambda text: text + "<|im_end|>", when=reasons),
        turns=deviates("response.no-markers"),
    ),
    Defect(
        id="response-half-character",
        title="The text ends in the middle of a character.",
        change=change_bytes(
            lambda body: body.replace(b'","refusal"', b'\\ud83d","refusal"'), when=reasons
        ),
        turns=deviates("response.surrogates"),
    ),
]
