"""Checks a registry document against `byom.schema.json` and says what is wrong, one line each."""

from __future__ import annotations

import functools
import json
import re
from datetime import date
from importlib import resources
from typing import TYPE_CHECKING, Any

from pytest_byom.client.errors import RegistryError
from pytest_byom.documents.checking import (
    Violation,
    describe_found,
    find_problems,
    join_problems,
    rank_names,
    suggest_name,
)
from pytest_byom.registry.urls import find_url_problem, normalise_url
from pytest_byom.registry.variables import has_variable

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

    from pytest_byom.documents.reading import Document

__all__ = ["check_document", "is_date", "load_schema", "rank_names", "suggest_name"]

_SHOWN = frozenset({"check", "dialect", "max_tokens_field", "until"})
"""The keys whose text may be repeated in a message: nobody pastes a secret there."""


def check_document(document: Document) -> None:
    """Raise RegistryError if the document is not a valid registry, with a line for each problem."""
    problems = find_problems(document, _validator(), shown=_SHOWN, formats=_describe_format)
    if problems:
        raise RegistryError(join_problems(problems))


@functools.cache
def load_schema() -> dict[str, Any]:
    """Return the JSON Schema of a registry file."""
    text = (resources.files("pytest_byom") / "byom.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@functools.cache
def _validator() -> Draft202012Validator:
    # Only a run with a registry file needs it.
    from jsonschema import Draft202012Validator, FormatChecker

    formats = FormatChecker(formats=())
    formats.checks("base-url")(lambda value: not _find_base_url_problem(value))
    formats.checks("date")(lambda value: not isinstance(value, str) or is_date(value))
    return Draft202012Validator(load_schema(), format_checker=formats)


def is_date(text: str) -> bool:
    """True for a calendar day as in 2027-01-31."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) is not None


def _find_base_url_problem(value: object) -> str:
    """A URL with variables is checked when the endpoint is used, one that is no text elsewhere."""
    if not isinstance(value, str) or has_variable(value):
        return ""
    problem = find_url_problem(normalise_url(value))
    return f"{problem}; a key goes into api_key" if problem and "@" in value else problem


def _describe_format(violation: Violation) -> str:
    if violation.wanted == "base-url":
        return _find_base_url_problem(violation.found)
    return f"must be a day as in 2027-01-31, not {describe_found(violation)}"
