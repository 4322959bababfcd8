"""Scripts in YAML, for `byom serve script.yaml`: the same words as in Python.

dialect: groq
rules:
  - when: {last_user: {contains: weather}}
    replies:
      - reply: {tool_calls: [{name: get_weather, arguments: {city: Paris}}]}
      - reply: Sunny.
replies:
  - fail: {status: 429, retry_after: 2}
  - reply: Hello
    times: any
"""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import TYPE_CHECKING, Any

from pytest_byom.client.errors import RegistryError, UsageError
from pytest_byom.documents.checking import find_problems, join_problems
from pytest_byom.documents.reading import Form, parse_document
from pytest_byom.mock.dialect import DEFAULT, load_dialect
from pytest_byom.mock.matchers import anything, contains, matches
from pytest_byom.mock.replies import ScriptedCall, call

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from jsonschema import Draft202012Validator

    from pytest_byom.documents.reading import Document
    from pytest_byom.mock.mock import Scripted
    from pytest_byom.mock.script import Speaking

FORM = Form(error=RegistryError, name="script", most_characters=16_000_000, most_levels=60)
SHOWN = frozenset({"dialect", "timeout", "connection", "split", "times"})
MATCHERS: dict[str, Callable[[Any], Any]] = {
    "contains": contains,
    "matches": matches,
    "anything": lambda _: anything(),
}


class ScriptFile:
    """A script of a file, checked; `options` are those of the mock that is to speak it."""

    def __init__(self, document: Document) -> None:
        self._document = document
        data = document.data or {}
        self.options: dict[str, Any] = {
            "dialect": data.get("dialect", DEFAULT),
            "validate": data.get("validate", True),
        }
        self._data = data
        load_dialect(self.options["dialect"])

    def write_into(self, mock: Scripted) -> None:
        """Add all that the file says to a mock. Raises UsageError with the line of a mistake."""
        mock.models(*self._data.get("models", ()))
        for number, rule in enumerate(self._data.get("rules", ())):
            self._at(("rules", number), functools.partial(self._add_rule, mock, rule, number))
        for number, said in enumerate(self._data.get("replies", ())):
            self._at(("replies", number), functools.partial(_say, mock, said))

    def _add_rule(self, mock: Scripted, rule: Mapping[str, Any], number: int) -> None:
        kinds = [kind for kind in ("when", "conversation") if kind in rule]
        if len(kinds) != 1:
            raise UsageError("a rule needs when or conversation: one of them")
        conditions = {name: _condition(value) for name, value in rule[kinds[0]].items()}
        speaking = getattr(mock, kinds[0])(**conditions)
        for place, said in enumerate(rule["replies"]):
            self._at(("rules", number, "replies", place), functools.partial(_say, speaking, said))

    def _at(self, path: tuple[str | int, ...], step: Callable[[], None]) -> None:
        try:
            step()
        except UsageError as error:
            if isinstance(error, RegistryError):
                raise
            raise RegistryError(f"{self._document.describe(path)}: {error}") from None


def load_script(file: Path) -> ScriptFile:
    """Read a script. Raises UsageError with file and line for each mistake."""
    try:
        text = file.read_text("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8") from None
    document = parse_document(text, shown=str(file), form=FORM)
    if problems := find_problems(document, _validator(), shown=SHOWN):
        raise RegistryError(join_problems(problems))
    return ScriptFile(document)


@functools.cache
def _validator() -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    text = (resources.files("pytest_byom") / "script.schema.json").read_text("utf-8")
    return Draft202012Validator(json.loads(text))


def _say(speaking: Speaking, said: Mapping[str, Any]) -> None:
    kinds = [kind for kind in ("reply", "fail") if kind in said]
    if len(kinds) != 1:
        raise UsageError("give reply or fail: one of them")
    more = {"times": said["times"]} if "times" in said else {}
    given = said[kinds[0]]
    if kinds == ["fail"]:
        members = given if isinstance(given, dict) else {"status": given}
        speaking.fail(**members, **more)
        return
    members = dict(given) if isinstance(given, dict) else {"content": given}
    if "tool_calls" in members:
        members["tool_calls"] = [_call(one) for one in members["tool_calls"]]
    speaking.reply(**members, **more)


def _call(written: Mapping[str, Any]) -> ScriptedCall:
    made = call(written["name"], written.get("arguments", {}))
    return ScriptedCall(made.name, made.arguments, written.get("id"))


def _condition(value: Any) -> Any:
    """Return a value of the file with its matchers."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in MATCHERS:
        (name, argument), *_ = value.items()
        return MATCHERS[name](argument)
    if isinstance(value, dict):
        return {key: _condition(entry) for key, entry in value.items()}
    return [_condition(entry) for entry in value] if isinstance(value, list) else value
