"""YAML text in, plain data and the line of every key out: for the registry and for contracts.

The meaning is that of `yaml.safe_load`, with these differences: a key stands once, keys are text,
dates stay text, numbers are finite, and what aliases repeat is counted.
"""

from __future__ import annotations

import contextlib
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_byom.client.errors import UsageError

KeyPath: TypeAlias = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, kw_only=True)
class Form:
    """What kind of file is read: the error that its faults raise, its name, and its limits.

    `most_values` counts the values once aliases are repeated: nine aliases of nine aliases, nine
    levels deep, are 400 million. `quick` takes libyaml where it is there, which is ten times
    faster and leaves the wording of errors to the parser in Python.
    """

    error: type[UsageError]
    name: str
    most_characters: int
    most_levels: int
    most_values: int = 200_000
    quick: bool = False


@dataclass(frozen=True, kw_only=True)
class Document:
    """The data of a file and the lines where its keys and list items start, from 1."""

    shown: str
    data: Any
    lines: dict[KeyPath, int]

    def find_line(self, path: KeyPath) -> int:
        """Return the line of a key or a list item; the file itself starts in line 1."""
        return self.lines.get(path, 1)

    def describe(self, path: KeyPath) -> str:
        """Return file, line and key as the start of a sentence."""
        return f"{self.shown}:{self.find_line(path)}: {spell_path(path) or 'the file'}"


def spell_path(path: KeyPath) -> str:
    """Return a path as people write it: `endpoints.staging.deviations[0].check`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def parse_document(text: str, *, shown: str, form: Form) -> Document:
    """Return the data of a YAML text; `shown` is the file's name for messages.

    Raises the form's error with file and line if the text is not valid. Of the text itself only
    keys are repeated in messages: any value may be a secret.
    """
    if len(text) > form.most_characters:
        reason = f"is too long for a {form.name} ({len(text)} characters)"
        raise form.error(f"{shown} {reason}")
    if form.quick and hasattr(yaml, "CSafeLoader"):
        with contextlib.suppress(yaml.YAMLError, RecursionError):
            return _compose(yaml.CSafeLoader(text), shown, form)
    try:
        return _compose(yaml.SafeLoader(text), shown, form)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        reason = f"the character U+{ord(text[error.position]):04X} is not allowed in YAML"
        raise form.error(f"{shown}:{line}: {reason}") from None
    except yaml.MarkedYAMLError as error:
        raise form.error(_describe_syntax(error, text, shown)) from None
    except RecursionError:
        raise form.error(f"{shown} is nested too deeply") from None


def _compose(loader: Any, shown: str, form: Form) -> Document:
    try:
        node = loader.get_single_node()
        reader = _NodeReader(loader, shown, form)
        data = None if node is None else reader.read(node, ())
        return Document(shown=shown, data=data, lines=reader.lines)
    finally:
        loader.dispose()


class _NodeReader:
    """Turns nodes into data, keeping the line of each key and list item."""

    def __init__(self, loader: Any, shown: str, form: Form) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._loader = loader
        self._form = form
        self._shown = shown
        self._count = 0

    def read(self, node: yaml.Node, path: KeyPath) -> Any:
        self._count += 1
        if self._count > self._form.most_values or len(path) > self._form.most_levels:
            self._refuse(node, "the file is nested too deeply, or repeats too much by aliases")
        if isinstance(node, yaml.MappingNode):
            return self._read_mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return self._read_sequence(node, path)
        assert isinstance(node, yaml.ScalarNode)
        return self._read_scalar(node, path)

    def _read_mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        own: dict[str, yaml.Node] = {}
        lines: dict[str, int] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == f"{_TAG}merge":
                merged |= self._read_merged(value_node, path)
                continue
            key = self._read_key(key_node, path)
            if key in own:
                where = spell_path((*path, key))
                self._refuse(key_node, f"{where} is there twice, first in line {lines[key]}")
            own[key], lines[key] = value_node, key_node.start_mark.line + 1
        self.lines.update({(*path, key): line for key, line in lines.items()})
        return merged | {key: self.read(value, (*path, key)) for key, value in own.items()}

    def _read_merged(self, node: yaml.Node, path: KeyPath) -> dict[str, Any]:
        """Read the value of a `<<`: a mapping, or a list of them, in which the first one wins."""
        parts = node.value[::-1] if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for part in parts:
            if not isinstance(part, yaml.MappingNode):
                self._refuse(node, "<< needs an alias of a mapping")
            # One level down in the count, for an alias may merge itself.
            self._count += 1
            if self._count > self._form.most_values:
                self._refuse(node, "the file repeats too much by aliases")
            merged |= self._read_mapping(part, path)
        return merged

    def _read_sequence(self, node: yaml.SequenceNode, path: KeyPath) -> list[Any]:
        items = []
        for index, item in enumerate(node.value):
            self.lines[*path, index] = item.start_mark.line + 1
            items.append(self.read(item, (*path, index)))
        return items

    def _read_key(self, node: yaml.Node, path: KeyPath) -> str:
        if isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}str":
            return str(node.value)
        inside = f" in {spell_path(path)}" if path else ""
        if isinstance(node, yaml.ScalarNode) and node.tag.startswith(_TAG):
            self._refuse(
                node, f"the key {node.value or '(empty)'}{inside} is not text; put it in quotes"
            )
        self._refuse(node, f"a key{inside} is not text")

    def _read_scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Any:
        if node.tag == f"{_TAG}timestamp":
            return node.value
        problem = ""
        value: Any = None
        try:
            value = self._loader.construct_object(node)
        except yaml.constructor.ConstructorError:
            problem = "has a tag (!) that is not known"
        except ValueError:
            problem = "is not valid"
        if isinstance(value, float) and not math.isfinite(value):
            problem = "must be a finite number"
        if problem:
            # Not inside the except, where the parser's error with the text would be its context.
            self._refuse(node, f"{spell_path(path) or 'the file'} {problem}")
        return value.decode("ascii", "replace") if isinstance(value, bytes) else value

    def _refuse(self, node: yaml.Node, reason: str) -> NoReturn:
        raise self._form.error(f"{self._shown}:{node.start_mark.line + 1}: {reason}")


def _describe_syntax(error: yaml.MarkedYAMLError, text: str, shown: str) -> str:
    """Say what the parser stumbled on, without the text that it stood in."""
    mark = error.problem_mark or error.context_mark
    number = mark.line + 1 if mark else 1
    line = text.splitlines()[number - 1] if number <= len(text.splitlines()) else ""
    place = f"{shown}:{number}: this is not valid YAML"
    return f"{place}: {next(_explain(error, line))}"


def _explain(error: yaml.MarkedYAMLError, line: str) -> Iterator[str]:
    problem = error.problem or error.context or "the text ends too early"
    if re.match(r" *\t", line):
        yield "the line is indented with a tab, YAML wants spaces"
    if re.search(r"[{\[,].*\$\{", line):
        yield 'inside { } and [ ], write "${NAME}" with quotes'
    if re.search(r":\s+[@`%!&*|>]", line) or "alias" in problem:
        yield "the value starts with a character that YAML reserves; put it in quotes"
    # Of what the parser quotes, its own token names are kept: <block end>, ':'.
    yield re.sub(r"'(?!<[a-z ]+>')[^']{2,}'", "a part of it", problem)
