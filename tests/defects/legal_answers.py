"""Legal variants of plain answers, errors and the rest, which no client minds."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from defects.members import add_extra, leave_out, stop_after_calls
from defects.planting import (
    Asked,
    Variant,
    asks,
    both,
    change_bytes,
    change_error,
    change_json,
    change_reply,
    change_request,
    change_status,
    chat,
    listing,
    on_calls,
    on_choices,
    on_messages,
    plain,
    set_header,
    whole,
)
from defects.requests import forced
from defects.streaming import each_chunk, write

if TYPE_CHECKING:
    from pytest_byom.mock.http1 import Reply

Members = dict[str, Any]


def _without_empty(message: Members) -> None:
    leave_out(message, "refusal", *(() if message["annotations"] else ("annotations",)))


def _integer_codes(asked: Asked, reply: Reply) -> Reply:
    """Give errors of parameters the status for a code."""
    data = json.loads(whole(reply))
    if data["error"]["param"] != "model":
        data["error"]["code"] = reply.status
    return replace(reply, body=json.dumps(data).encode())


def _any_model(data: Members) -> None:
    data["model"] = "byom-embedded"


def _said_twice(choice: Members) -> None:
    choice["message"] |= {"reasoning_content": "Hm.", "reasoning": "Hm."}


def _calls(choice: Members) -> None:
    if choice["message"].get("tool_calls"):
        choice["finish_reason"] = "tool_calls"


def _in_both_forms(message: Members) -> None:
    if call := message.get("function_call"):
        message["tool_calls"] = [
            {"id": f"call_{uuid.uuid4()}", "type": "function", "function": call}
        ]


def _count_own_instructions(data: Members) -> None:
    for name in ("prompt_tokens", "total_tokens") if data.get("usage") else ():
        data["usage"][name] += 20


def _uninstructed(asked: Asked) -> bool:
    return chat(asked) and not {"system", "developer"} & set(asked.roles)


def _few(logprobs: Members) -> None:
    for entry in logprobs["content"]:
        entry.update(bytes=None, top_logprobs=entry["top_logprobs"][:1])


def _unreasoned(asked: Asked) -> bool:
    """A plain request without an effort: reasoning has to be counted."""
    return plain(asked) and not asks("reasoning_effort")(asked)


def _in_pieces(_: Asked, reply: Reply) -> Reply:
    body = whole(reply)
    return replace(reply, body=write([body[:20], body[20:]]))


def _spaced(data: Any) -> bytes:
    return b"\n  " + json.dumps(data, indent=2).encode() + b"\n\n"


PLAIN = [
    Variant(
        id="extra-members",
        title="Unknown members stand at every level.",
        change=change_json(add_extra),
    ),
    Variant(
        id="whitespace",
        title="Whitespace stands before, in and after the JSON.",
        change=change_bytes(lambda body: _spaced(json.loads(body))),
    ),
    Variant(
        id="keep-alive-spaces",
        title="Spaces keep the connection before the JSON.",
        change=change_bytes(lambda body: b"         \n" + body),
    ),
    Variant(
        id="no-refusal",
        title="Messages have neither refusal nor annotations.",
        change=on_messages(_without_empty),
    ),
    Variant(
        id="no-logprobs",
        title="Choices have no logprobs where none are asked for.",
        change=on_choices(
            lambda choice: leave_out(choice, "logprobs"),
            when=lambda asked: plain(asked) and not asks("logprobs")(asked),
        ),
    ),
    Variant(
        id="fingerprint-null",
        title="system_fingerprint is null.",
        change=change_json(lambda data: data.update(system_fingerprint=None)),
    ),
    Variant(
        id="bare-completion",
        title="An answer has only what the schema requires.",
        change=change_json(lambda data: leave_out(data, "system_fingerprint", "service_tier")),
    ),
    Variant(
        id="usage-details-null",
        title="The details of usage are null.",
        change=change_json(
            lambda data: data["usage"].update(
                prompt_tokens_details=None, completion_tokens_details=None
            ),
            when=_unreasoned,
        ),
    ),
    Variant(
        id="usage-no-details",
        title="usage has three members.",
        change=change_json(
            lambda data: leave_out(
                data["usage"], "prompt_tokens_details", "completion_tokens_details"
            ),
            when=_unreasoned,
        ),
    ),
    Variant(
        id="usage-cached",
        title="Tokens are cached, and the cached count is null in places.",
        change=change_json(
            lambda data: data["usage"].update(
                prompt_tokens_details={"cached_tokens": 1, "audio_tokens": None}
            )
        ),
    ),
    Variant(
        id="usage-own-instructions",
        title="Where there are no instructions, the prompt has those of the chat template.",
        change=both(
            change_json(_count_own_instructions, when=_uninstructed),
            each_chunk(_count_own_instructions, when=_uninstructed),
        ),
    ),
    Variant(
        id="id-form",
        title="The id is a UUID.",
        change=change_json(lambda data: data.update(id=str(uuid.uuid4()))),
    ),
    Variant(
        id="id-digits",
        title="The id is made of digits.",
        change=change_json(lambda data: data.update(id=str(uuid.uuid4().int))),
    ),
    Variant(
        id="call-id-form",
        title="The id of a call has nine characters.",
        change=on_calls(lambda call: call.update(id=uuid.uuid4().hex[:9])),
    ),
    Variant(
        id="call-index",
        title="Calls of plain answers have an index.",
        change=both(on_calls(lambda call: call.update(index=0))),
    ),
    Variant(
        id="empty-content-beside-call",
        title="The content beside a call is an empty text.",
        change=on_messages(lambda m: m.update(content=m["content"] or "")),
    ),
    Variant(
        id="tool-calls-null",
        title="A message without a call has tool_calls null.",
        change=on_messages(lambda m: m.setdefault("tool_calls", None) and None),
    ),
    Variant(
        id="nulls-in-message",
        title="audio and function_call are null.",
        change=on_messages(lambda m: m.update({"audio": None, "function_call": None} | m)),
    ),
    Variant(
        id="error-null",
        title="A plain answer has error: null.",
        change=change_json(lambda data: data.update(error=None)),
    ),
    Variant(
        id="thoughts",
        title="A message has its reasoning beside the text.",
        change=on_choices(_said_twice),
        row="C207",
        issues=("Blaizzy/mlx-vlm#1408",),
    ),
    Variant(
        id="content-filter",
        title="The results of a filter stand in each choice.",
        change=on_choices(
            lambda choice: choice.update(content_filter_results={"hate": {"filtered": False}})
        ),
    ),
    Variant(
        id="matched-stop",
        title="Each choice says which stop matched.",
        change=on_choices(lambda choice: choice.update(matched_stop=None, stop_reason=2)),
        row="C289",
        issues=(
            "sgl-project/sglang#9657",
            "sgl-project/sglang#4550",
        ),
    ),
    Variant(
        id="citations",
        title="Citations stand at the top.",
        change=change_json(lambda data: data.update(citations=[], search_results=None)),
        row="C287",
        issues=("langchain-ai/langchain#38070",),
    ),
    Variant(
        id="other-model",
        title="model is more specific than what was asked.",
        change=change_json(lambda data: data.update(model="byom-embedded-2025-03-01")),
    ),
    Variant(
        id="required-stop",
        title="A required call ends with stop.",
        change=on_choices(stop_after_calls, when=lambda asked: plain(asked) and forced(asked)),
        row="C074",
        issues=("vllm-project/vllm#25054",),
    ),
    Variant(
        id="named-tool-calls",
        title="A named call ends with tool_calls.",
        change=on_choices(_calls, when=lambda asked: plain(asked) and forced(asked)),
    ),
    Variant(
        id="invented-call",
        title="A model that is free to call invents a function now and then.",
        change=on_calls(
            lambda call: call["function"].update(name="get_weatherParis", arguments="[]"),
            when=lambda asked: (
                "tools" in asked.parameters and "tool_choice" not in asked.parameters
            ),
        ),
    ),
    Variant(
        id="legacy-call-twice",
        title="A legacy call stands among tool_calls too.",
        change=on_messages(_in_both_forms),
    ),
    Variant(
        id="charset",
        title="The charset is written in capitals.",
        change=set_header(
            "content-type", "application/json; charset=UTF-8", when=plain, status=200
        ),
    ),
    Variant(
        id="logprobs-no-bytes",
        title="bytes is null, and fewer alternatives come than were asked for.",
        change=on_choices(lambda choice: _few(choice["logprobs"]), when=asks("logprobs")),
    ),
]

OTHERS = [
    Variant(
        id="error-code-status",
        title="The code of an error is the status.",
        change=change_reply(_integer_codes, when=chat, status=400),
        lacks=frozenset({"limits.overlong-code"}),
    ),
    Variant(
        id="error-no-param",
        title="Errors have no param.",
        change=change_error(lambda data: leave_out(data["error"], "param")),
        lacks=frozenset({"errors.param-name"}),
    ),
    Variant(
        id="error-more",
        title="Unknown members stand in errors.",
        change=change_error(
            lambda data: data.update(status="error", error=add_extra(data["error"]))
        ),
    ),
    Variant(
        id="error-422",
        title="A fault of the request is answered with 422.",
        change=change_status(422, of=400),
    ),
    Variant(
        id="error-charset",
        title="Errors are declared with a charset.",
        change=set_header("content-type", "application/json; charset=utf-8", status=400),
    ),
    Variant(
        id="one-model",
        title="The server serves its one model under any name.",
        change=change_request(_any_model, when=asks("model")),
        lacks=frozenset({"models.unknown", "models.unknown-code"})
        | {"errors.stream-model", "parity.error-model"},
    ),
    Variant(
        id="more-models",
        title="The list of models has more entries, with more members, and pages.",
        change=change_json(
            lambda data: data.update(
                data=[add_extra({**data["data"][0], "id": "text-embedding"}), *data["data"]],
                links={"next": None},
                has_more=False,
            ),
            when=listing,
        ),
        row="C349",
        issues=("openrouter.ai/docs/client-sdks/typescript/models/operations/getmodelsresponse",),
    ),
    Variant(
        id="get-404",
        title="GET on the path of chat requests is answered with 404.",
        change=change_status(404, when=lambda asked: asked.method == "GET", of=405),
    ),
    Variant(
        id="other-challenge",
        title="The 401 names the scheme only.",
        change=set_header("www-authenticate", "Bearer", status=401),
    ),
    Variant(
        id="no-authentication",
        title="The server asks for no key.",
        change=change_reply(lambda _, reply: reply),
        open=True,
    ),
    Variant(
        id="body-in-pieces",
        title="A plain body comes in pieces, without its length.",
        change=change_reply(_in_pieces, when=plain),
    ),
    Variant(
        id="one-answer-a-connection",
        title="Each connection has one answer.",
        change=set_header("connection", "close"),
    ),
]

VARIANTS = [*PLAIN, *OTHERS]
