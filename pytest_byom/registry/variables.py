"""`${NAME}` and `${NAME:-default}` in values, as a shell reads them.

A default stands in for a variable that is not set or empty. Without one, both are an error: an
empty key is what CI hands to a job that may not see the secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_byom.client.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_byom.registry.document import Document, KeyPath

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """A value with its variables replaced.

    `used` maps the path of each text to the variables that gave it something, with their values.
    """

    data: Any
    used: Mapping[KeyPath, Mapping[str, str]]


def has_variable(text: str) -> bool:
    """True if a part of the text comes from the environment."""
    return "${" in text


def name_only_variable(text: str) -> str:
    """Return NAME if the text is `${NAME}` or `${NAME:-default}` and nothing else, else ""."""
    match = _VARIABLE.fullmatch(text.strip())
    return match[1] if match else ""


def check_variables(document: Document) -> None:
    """Raise RegistryError where a `${` starts nothing that can be replaced."""

    def check(text: str, path: KeyPath) -> str:
        if "${" in _VARIABLE.sub("", text):
            where = document.describe(path)
            raise RegistryError(
                f"{where} has a ${{ that starts no variable; write ${{NAME}} or ${{NAME:-default}}"
            )
        return text

    _map_texts(document.data, (), check)


def resolve_variables(
    value: Any, path: KeyPath, document: Document, environ: Mapping[str, str]
) -> Resolved:
    """Return a part of the document with its variables replaced.

    Raises RegistryError with file, line and name for a variable that is not set.
    """
    used: dict[KeyPath, dict[str, str]] = {}

    def replace(text: str, at: KeyPath) -> str:
        def look_up(match: re.Match[str]) -> str:
            name, default = match.groups()
            found = environ.get(name, "")
            if found:
                used.setdefault(at, {})[name] = found
            elif default is None:
                state = "is empty" if name in environ else "is not set"
                where = document.describe(at)
                raise RegistryError(f"{where} needs the environment variable {name}, which {state}")
            return found or default

        return _VARIABLE.sub(look_up, text)

    return Resolved(data=_map_texts(value, path, replace), used=used)


def _map_texts(value: Any, path: KeyPath, change: Callable[[str, KeyPath], str]) -> Any:
    if isinstance(value, str):
        return change(value, path)
    if isinstance(value, dict):
        return {key: _map_texts(item, (*path, key), change) for key, item in value.items()}
    if isinstance(value, list):
        return [_map_texts(item, (*path, i), change) for i, item in enumerate(value)]
    return value
