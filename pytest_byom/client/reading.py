"""Reads a whole chat completion, as the API describes it and as servers send it.

A stream is merged into the same shape first, so both are read by the same rules:

- text is `content` if it is a string; of a list of parts, the text parts; an object (Cloudflare)
  is written as JSON;
- reasoning is the first of `reasoning_content`, `reasoning`, `reasoning_details` and the thinking
  parts of the content that holds text: servers that send two of them send the same text;
- a member that the API does not know is kept.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_byom.client.errors import BadAnswer
from pytest_byom.client.response import Choice, Repair, Response, ToolCall
from pytest_byom.client.usage import read_usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_byom.client.usage import Usage

    Flag = Callable[[str, str], None]

SURROGATE = re.compile("[\ud800-\udfff]")
REASONING_NAMES = ("reasoning_content", "reasoning", "reasoning_details")
_OWN_MEMBERS = frozenset(
    {"id", "object", "created", "model", "choices", "usage", "system_fingerprint"}
    | {"service_tier", "obfuscation"}
)
_MESSAGE_MEMBERS = frozenset(
    {"role", "content", "refusal", "tool_calls", "function_call", "audio", *REASONING_NAMES}
)


class Repairs:
    """Collects repairs, each code once, in the order of their first place."""

    def __init__(self, known: Iterable[Repair] = ()) -> None:
        self._by_code = {repair.code: repair for repair in known}
        self.count = len(self._by_code)

    def __call__(self, code: str, message: str) -> None:
        """Note a repair."""
        if code not in self._by_code:
            self._by_code[code] = Repair(code, message)
            self.count += 1

    def as_tuple(self, *, after: int = 0) -> tuple[Repair, ...]:
        """The repairs, or those after the first few."""
        return tuple(self._by_code.values())[after:]


def read_completion(body: Mapping[str, Any], *, repairs: Repairs | None = None) -> Response:
    """Read a completion in the shape of a plain answer.

    Raises BadAnswer if it has no list of choices. Errors that it reports are not looked for.
    """
    flag = Repairs() if repairs is None else repairs
    choices = body.get("choices")
    if not isinstance(choices, list):
        said = "no choices" if choices is None else f"choices of the type {type(choices).__name__}"
        raise BadAnswer(f"the answer is no chat completion: it has {said}")
    read = tuple(
        read_choice(choice, position=position, flag=flag)
        for position, choice in enumerate(choices)
        if isinstance(choice, dict)
    )
    return Response(
        choices=tuple(sorted(read, key=lambda choice: choice.index)),
        usage=usage_in(body),
        id=_text_or_none(body.get("id")),
        model=_text_or_none(body.get("model")),
        created=_number_or_none(body.get("created")),
        system_fingerprint=_text_or_none(body.get("system_fingerprint")),
        service_tier=_text_or_none(body.get("service_tier")),
        extras={key: value for key, value in body.items() if key not in _OWN_MEMBERS},
        raw=body,
        warnings=flag.as_tuple(),
    )


def read_choice(choice: Mapping[str, Any], *, position: int, flag: Flag) -> Choice:
    """Read one choice; `position` stands in for a missing index."""
    message = choice.get("message")
    if not isinstance(message, dict):
        flag("message-missing", f"choice {position} has no message")
        message = {}
    content, _ = split_content(message.get("content"), flag=flag)
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        flag("tool-calls-not-list", f"the tool_calls of choice {position} are no list")
        calls = []
    tool_calls = tuple(read_tool_call(call, flag=flag) for call in calls if isinstance(call, dict))
    index = choice.get("index")
    read = Choice(
        index=index if isinstance(index, int) else position,
        role=_text_or_none(message.get("role")) or "assistant",
        content=content,
        refusal=_text_or_none(message.get("refusal"), empty=True),
        reasoning=reasoning_in(message) or None,
        tool_calls=tool_calls or None,
        finish_reason=_text_or_none(choice.get("finish_reason")),
        logprobs=_object_or_none(choice.get("logprobs")),
        audio=_object_or_none(message.get("audio")),
        function_call=_object_or_none(message.get("function_call")),
        message=message if message.get("role") else {"role": "assistant", **message},
        extras={key: value for key, value in message.items() if key not in _MESSAGE_MEMBERS},
    )
    judge_choice(read, flag=flag)
    return read


def judge_choice(choice: Choice, *, flag: Flag) -> None:
    """Flag what a whole choice shows and no part of it does."""
    reason, place = choice.finish_reason, f"choice {choice.index}"
    if reason is None:
        flag("incomplete", f"{place} has no finish_reason")
    elif choice.tool_calls and reason == "stop":
        flag("finish-reason-mismatch", f"{place} has tool calls and the finish_reason stop")
    elif not choice.tool_calls and reason == "tool_calls":
        flag("finish-reason-mismatch", f"{place} has no tool calls and the finish_reason says so")
    if choice.content and "\ufffd" in choice.content:
        flag("replacement-character", f"the text of {place} holds U+FFFD")
    for call in choice.tool_calls or ():
        if call.id is None:
            flag("tool-id-missing", f"the call of {call.name!r} has no id")
        if call.name is None:
            flag("tool-name-missing", "a tool call has no name")


def read_tool_call(call: Mapping[str, Any], *, flag: Flag) -> ToolCall:
    """Read a tool call: of a function, or of a custom tool with free text."""
    custom = call.get("custom")
    is_custom = isinstance(custom, dict) and not isinstance(call.get("function"), dict)
    inner = custom if is_custom else call.get("function")
    inner = inner if isinstance(inner, dict) else {}
    identifier = call.get("id")
    return ToolCall(
        id=None if identifier in (None, "") else str(identifier),
        name=_text_or_none(inner.get("name")),
        arguments=arguments_text(_arguments_in(inner, is_custom=is_custom), flag=flag),
        type=_text_or_none(call.get("type")) or ("custom" if is_custom else "function"),
        raw=call,
    )


def _arguments_in(inner: Mapping[str, Any], *, is_custom: bool) -> object:
    """The arguments under their name, or under that of TGI 1.4."""
    name = "input" if is_custom else "arguments"
    return inner.get(name, inner.get("parameters"))


def arguments_text(arguments: object, *, flag: Flag) -> str:
    """The arguments as text; an object is written as JSON, null is no text."""
    if arguments is None:
        return ""
    if isinstance(arguments, str):
        return arguments
    flag("tool-arguments-not-string", "tool arguments are JSON in place of a string of JSON")
    return json.dumps(arguments, ensure_ascii=False)


def split_content(content: object, *, flag: Flag) -> tuple[str | None, str]:
    """Part a content into its text and its thinking."""
    if content is None or isinstance(content, str):
        return content, ""
    if not isinstance(content, list):
        flag("content-not-string", f"content is of the JSON type {type(content).__name__}")
        return json.dumps(content, ensure_ascii=False), ""
    texts: list[str] = []
    thoughts: list[str] = []
    for part in content:
        (thoughts if is_thinking(part) else texts).append(part_text(part))
    return "".join(texts) if texts else None, "".join(thoughts)


def is_thinking(part: object) -> bool:
    """Whether a content part is reasoning."""
    return isinstance(part, dict) and part.get("type") in ("thinking", "reasoning")


def part_text(part: object) -> str:
    """The text of a content part, however deep it stands."""
    if isinstance(part, str):
        return part
    if isinstance(part, list):
        return "".join(map(part_text, part))
    if isinstance(part, dict):
        keys = ("text", "thinking", "reasoning", "summary", "content")
        return next((part_text(part[key]) for key in keys if part.get(key)), "")
    return ""


def reasoning_in(message: Mapping[str, Any]) -> str:
    """The reasoning of a message or of a delta, from the first name that holds text."""
    for name in REASONING_NAMES:
        value = message.get(name)
        if value:
            text = part_text(value)
            if text:
                return text
    content = message.get("content")
    if isinstance(content, list):
        return split_content(content, flag=lambda code, message: None)[1]
    return ""


def usage_in(body: Mapping[str, Any]) -> Usage | None:
    """The usage of a completion or a chunk: its own, a choice's (Moonshot), or x_groq's."""
    if body.get("usage"):
        return read_usage(body["usage"])
    choices = body.get("choices")
    places = [*choices] if isinstance(choices, list) else []
    places.append(body.get("x_groq"))
    found = [read_usage(place.get("usage")) for place in places if isinstance(place, dict)]
    return next(filter(None, found), None)


def thinking_between(tags: tuple[str, str]) -> re.Pattern[str]:
    """What finds the reasoning between two marks in a text."""
    return re.compile(re.escape(tags[0]) + "(.*?)" + re.escape(tags[1]), re.DOTALL)


def part_thinking(response: Response, tags: tuple[str, str]) -> Response:
    """The response with what stands between the tags as reasoning; the message stays as it is."""
    pattern = thinking_between(tags)
    choices = []
    for choice in response.choices:
        thoughts = "".join(pattern.findall(choice.content or ""))
        if thoughts:
            content = pattern.sub("", choice.content or "")
            choice = replace(choice, content=content, reasoning=choice.reasoning or thoughts)
        choices.append(choice)
    return replace(response, choices=tuple(choices))


def has_surrogate(text: str | None) -> bool:
    """Whether a text holds half a character, which no encoding can write."""
    return not (not text or text.isascii()) and SURROGATE.search(text) is not None


def refuse_surrogates(response: Response) -> None:
    """Raise BadAnswer if a text holds half a character: it could be neither printed nor sent."""
    for choice in response.choices:
        texts = [choice.content, choice.refusal, choice.reasoning]
        for call in choice.tool_calls or ():
            texts += [call.id, call.name, call.arguments]
        for text in texts:
            if text and has_surrogate(text):
                found = SURROGATE.search(text)
                number = ord(found[0]) if found else 0
                raise BadAnswer(
                    f"the answer holds a lone surrogate (U+{number:04X}): it is no valid Unicode"
                )


def _text_or_none(value: object, *, empty: bool = False) -> str | None:
    return value if isinstance(value, str) and (value or empty) else None


def _number_or_none(value: object) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _object_or_none(value: object) -> Mapping[str, Any] | None:
    return value if isinstance(value, dict) else None
