"""Writes a contract as YAML that people read and git compares.

Text of several lines stands in a block, byte for byte; a short mapping of plain values on one
line. There are no aliases. Reading and writing a file again changes nothing.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import yaml

from pytest_byom.contract.format import fits_block

if TYPE_CHECKING:
    from pytest_byom.contract.format import Contract

WIDTH = 100
SHORT = 96
"""The longest mapping or list that stands on one line, in characters."""

EMPTY: tuple[Any, ...] = (None, "", {}, (), [])


def dump_contract(contract: Contract) -> str:
    """Return the text of a contract's file."""
    text: str = yaml.dump(
        contract_data(contract),
        Dumper=_Dumper,
        width=WIDTH,
        allow_unicode=True,
        sort_keys=False,
        default_flow_style=False,
    )
    return text


COMPANY = ("kind", "level", "follows", "alone", "before", "beside", "times", "flood")


def contract_data(contract: Contract) -> dict[str, Any]:
    """Return a contract as plain data, in the order of its file; what is usual is left out."""
    data: dict[str, Any] = {"title": contract.title}
    data |= _unusual(contract, COMPANY)
    if contract.recorded is not None:
        data["recorded"] = _unusual(contract.recorded)
    data |= {name: list(data[name]) for name in ("before", "beside") if name in data}
    data |= _unusual(contract, ("modelled_on",))
    data["request"] = _unusual(contract.request)
    if contract.response is not None:
        response = {"status": contract.response.status, **_unusual(contract.response)}
        if arrivals := response.pop("arrivals", ()):
            response["arrivals"] = [list(pair) for pair in arrivals]
        if headers := response.get("headers"):
            response["headers"] = dict(sorted(headers.items()))
        data["response"] = response
    for name in ("client", "expect"):
        if (value := getattr(contract, name)) is not None:
            data[name] = value
    return data


def _unusual(value: Any, names: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the fields of a dataclass that differ from their defaults."""
    return {
        field.name: found
        for field in dataclasses.fields(value)
        if (not names or field.name in names)
        and (found := getattr(value, field.name)) != _default(field)
    }


def _default(field: Any) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


class _Dumper(yaml.SafeDumper):
    """Blocks for text of several lines, one line for short leaves, never an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def analyze_scalar(self, scalar: str) -> Any:
        """Allow a block for any text that a block can hold: PyYAML is over-careful with spaces."""
        analysis = super().analyze_scalar(scalar)
        if "\n" in scalar and _holds_in_block(scalar):
            analysis.allow_block = True
        return analysis

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless)


def _holds_in_block(text: str) -> bool:
    """Whether a literal block gives the text back: its first line must show its indentation."""
    return fits_block(text) and text.strip() != "" and text[0] not in " \t\n"


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if fits_block(text) else '"'  # only quotes hold the odd line breaks of Unicode
    if "\n" in text and _holds_in_block(text):
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _represent_mapping(dumper: yaml.SafeDumper, data: dict[str, Any]) -> yaml.MappingNode:
    return dumper.represent_mapping(
        "tag:yaml.org,2002:map", data, flow_style=_is_short(data.values(), data)
    )


def _represent_list(dumper: yaml.SafeDumper, data: list[Any]) -> yaml.SequenceNode:
    return dumper.represent_sequence(
        "tag:yaml.org,2002:seq", data, flow_style=_is_short(data, data)
    )


def _is_short(values: Any, whole: Any) -> bool:
    """Whether a mapping or list holds few values, all of them plain or lists of plain ones."""
    fits = all(_is_plain(value) or _is_plain_list(value) for value in values)
    return fits and len(repr(whole)) <= SHORT


def _is_plain_list(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_plain, value))


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return "\n" not in value
    return not isinstance(value, dict | list) or not value


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(dict, _represent_mapping)
_Dumper.add_representer(list, _represent_list)
