"""Adds known deviations to the text of a registry file, leaving every other character as it is.

The file is people's: their comments, order and quotes stay. Lines are inserted where the entries
belong, and the result is read again: if it does not say exactly what it said before and the new
entries, nothing is written.
"""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from pytest_byom.client.errors import RegistryError
from pytest_byom.registry.dialects import list_dialects
from pytest_byom.registry.document import parse_document
from pytest_byom.registry.validation import check_document
from pytest_byom.registry.variables import check_variables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PLAIN = re.compile(r"[A-Za-z0-9](?:[\w ./()*+-]|,(?= )|:(?=//))*", re.ASCII)
"""A text that YAML reads back as it stands, unless it is a number or one of a few words."""

SECTION, KEY = "endpoints", "deviations"
STEP = "  "


def add_deviations(
    text: str, endpoint: str, entries: Sequence[Mapping[str, str]], *, shown: str
) -> str:
    """Return the text of a registry file with more known deviations of an endpoint.

    Raises RegistryError if the file is not valid, if the endpoint is not known, or if the entries
    cannot be added by inserting lines; the message then has the lines to paste.
    """
    document = parse_document(text, shown=shown)
    check_document(document)
    data = document.data or {}
    if endpoint not in (data.get(SECTION) or {}) and endpoint not in list_dialects():
        raise RegistryError(f"{shown} has no endpoint {endpoint!r}: add it with its base_url first")
    added = _Insertion(text, endpoint, entries, shown).made()
    _check(added, data, endpoint, entries, shown)
    return added


class _Insertion:
    """One change of a text; `made` gives the text with it."""

    def __init__(
        self, text: str, endpoint: str, entries: Sequence[Mapping[str, str]], shown: str
    ) -> None:
        self._text = text
        self._endpoint = endpoint
        self._entries = entries
        self._shown = shown
        self._newline = "\r\n" if "\r\n" in text else "\n"

    def made(self) -> str:
        root = yaml.compose(self._text, Loader=yaml.SafeLoader)
        if root is None or _is_null(root):
            return self._append([f"{SECTION}:", *self._endpoint_lines(STEP)])
        endpoints = self._find(root, SECTION)
        if endpoints is None:
            return self._after(root, [f"{SECTION}:", *self._endpoint_lines(STEP)])
        key, value = endpoints
        if _is_null(value):
            return self._after(key, self._endpoint_lines(STEP))
        if (entry := self._find(value, self._endpoint)) is None:
            return self._after(value, self._endpoint_lines(_indent(value)))
        return self._into_endpoint(*entry)

    def _into_endpoint(self, key: yaml.Node, value: yaml.Node) -> str:
        indent = _indent(key) + STEP
        if _is_null(value):
            return self._after(key, self._list_lines(indent))
        if (found := self._find(value, KEY)) is None:
            return self._after(value, self._list_lines(_indent(value)))
        key, value = found
        if isinstance(value, yaml.SequenceNode) and value.value:
            if value.flow_style:
                self._refuse(value)
            return self._after(value, self._item_lines(_indent(value)))
        items = self._item_lines(_indent(key) + STEP)
        if _is_null(value) and value.start_mark.index == value.end_mark.index:
            return self._after(key, items)
        start = key.end_mark.index
        rest = self._text[value.end_mark.index :]
        return self._insert(f"{self._text[:start]}:{rest}", start + 1, items)

    def _find(self, node: yaml.Node, name: str) -> tuple[yaml.Node, yaml.Node] | None:
        """Return key and value of a member of a mapping that lines can be added to."""
        if not isinstance(node, yaml.MappingNode) or node.flow_style:
            self._refuse(node)
        pairs = ((key, value) for key, value in node.value if key.value == name)
        return next(pairs, None)

    def _refuse(self, node: yaml.Node) -> NoReturn:
        line = node.start_mark.line + 1
        lines = "\n".join(self._list_lines("    "))
        raise RegistryError(
            f"{self._shown}:{line}: cannot add lines to what stands in {{}} or []; write it on "
            f"lines of its own, or add this to {self._endpoint} by hand:\n{lines}"
        )

    def _endpoint_lines(self, indent: str) -> list[str]:
        return [f"{indent}{self._endpoint}:", *self._list_lines(indent + STEP)]

    def _list_lines(self, indent: str) -> list[str]:
        return [f"{indent}{KEY}:", *self._item_lines(indent + STEP)]

    def _item_lines(self, indent: str) -> list[str]:
        lines = []
        for entry in self._entries:
            members = [f"{name}: {_scalar(value)}" for name, value in entry.items()]
            lines += [f"{indent}- {members[0]}", *(f"{indent}  {member}" for member in members[1:])]
        return lines

    def _append(self, lines: list[str]) -> str:
        return self._insert(self._text, len(self._text), lines)

    def _after(self, node: yaml.Node, lines: list[str]) -> str:
        return self._insert(self._text, _end_of(node), lines)

    def _insert(self, text: str, index: int, lines: list[str]) -> str:
        """Insert lines after the line in which an index stands."""
        at_start = index == 0 or text[index - 1] == "\n"
        end = index if at_start else text.find("\n", index) + 1 or len(text)
        before = text[:end]
        if before and not before.endswith("\n"):
            before += self._newline
        return before + "".join(line + self._newline for line in lines) + text[end:]


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _indent(node: yaml.Node) -> str:
    return " " * int(node.start_mark.column)


def _end_of(node: yaml.Node) -> int:
    """Return where the last piece of a node ends: a block's own end is after its comments."""
    if isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        if isinstance(last, tuple):
            key, value = last
            empty = value.start_mark.index == value.end_mark.index
            return _end_of(key if empty else value)
        return _end_of(last)
    return int(node.end_mark.index)


def _scalar(value: str) -> str:
    """Write a text so that YAML reads it back; in quotes where it has to be."""
    if PLAIN.fullmatch(value) and yaml.safe_load(value) == value and not value.endswith(" "):
        return value
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _check(
    added: str,
    data: Mapping[str, Any],
    endpoint: str,
    entries: Sequence[Mapping[str, str]],
    shown: str,
) -> None:
    """Raise RegistryError unless a text says what it said before, and the entries."""
    expected = copy.deepcopy(dict(data))
    section = expected[SECTION] = expected.get(SECTION) or {}
    entry = section[endpoint] = section.get(endpoint) or {}
    entry[KEY] = [*(entry.get(KEY) or []), *map(dict, entries)]
    odd = RegistryError(f"{shown} is written in a way that lines cannot be added to: edit it")
    try:
        document = parse_document(added, shown=shown)
    except RegistryError:
        raise odd from None
    if document.data != expected:
        raise odd
    check_document(document)
    check_variables(document)
