"""What a request may leave open, to be filled when it is sent.

    ${model}             the model under test
    ${answer.PATH}       a piece of the answer to the contract named by `follows`, such as
                         `message`, `message.tool_calls.0.id`; where a list entry or a value is
                         nothing but the placeholder, the piece is put there as it is, else its text
    ${answer.inner}      a run of characters from the inside of that answer's text
    ${tokens:N}          about N tokens of plain prose; ${tokens:N*number} N for each of `number`
    ${number}            which of the requests that `times` sends this is, from 1
    ${path-model}        the model with each character but letters and digits percent-encoded
    ${window:N}          about N per cent of the model's context window of plain prose; where the
                         registry does not say how large that is, `follows: models/list` may
    ${nested:N}          an object in an object, N levels deep, as the text of JSON

`$${` stands for `${` itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_byom.contract.format import Contract
    from pytest_byom.documents.reading import KeyPath

PLACEHOLDER = re.compile(r"\$(\$)?\{([^}]*)\}")
_PATH = re.compile(r"answer\.(inner|(message|completion)(\.\w+)*)")
_TOKENS = re.compile(r"tokens:([1-9]\d{0,6})(\*number)?")
_SIZED = re.compile(r"window:[1-9]\d{0,2}|nested:[1-9]\d{0,3}")
KNOWN = (
    "${model}, ${path-model}, ${number}, ${answer.PATH}, ${answer.inner}, ${tokens:N}, "
    "${window:N}, ${nested:N}; "
    "for a ${ as it is, write $${"
)


def count_tokens(name: str, number: int) -> int | None:
    """Return how many tokens of prose a placeholder stands for, or None if for something else."""
    found = _TOKENS.fullmatch(name)
    return int(found[1]) * (number if found[2] else 1) if found else None


def fill_value(data: Any, piece: Callable[[str], Any]) -> Any:
    """Return data with its placeholders filled: `piece` gives what stands for a name."""
    if isinstance(data, dict):
        return {key: fill_value(value, piece) for key, value in data.items()}
    if isinstance(data, list):
        return [fill_value(entry, piece) for entry in data]
    if not isinstance(data, str):
        return data
    whole = PLACEHOLDER.fullmatch(data)
    return piece(whole[2]) if whole and not whole[1] else fill_text(data, piece)


def fill_text(text: str, piece: Callable[[str], Any]) -> str:
    """Return a text with its placeholders filled."""
    return PLACEHOLDER.sub(lambda match: match[0][1:] if match[1] else str(piece(match[2])), text)


def escape_value(data: Any) -> Any:
    """Return data that `fill_value` gives back as it is."""
    if isinstance(data, dict):
        return {key: escape_value(value) for key, value in data.items()}
    if isinstance(data, list):
        return [escape_value(entry) for entry in data]
    return PLACEHOLDER.sub(r"$\g<0>", data) if isinstance(data, str) else data


def find_placeholder_problems(contract: Contract) -> Iterator[tuple[KeyPath, str]]:
    """Yield where a request holds a placeholder that nothing fills, and why."""
    request = contract.request
    places = {
        "path": request.path,
        "headers": dict(request.headers),
        "body": request.body,
        "body_text": request.body_text,
    }
    for name, value in places.items():
        for path, text in _texts(value, ("request", name)):
            for match in PLACEHOLDER.finditer(text):
                if not match[1] and (reason := _problem(match[2], contract)):
                    yield path, reason


def _problem(name: str, contract: Contract) -> str:
    if name in ("model", "path-model", "number") or _is_prose(name):
        return ""
    if not _PATH.fullmatch(name):
        return f"has an unknown placeholder ${{{name}}}; there are {KNOWN}"
    if not contract.follows:
        return f"has ${{{name}}}, which needs 'follows' to name the contract that is answered first"
    return ""


def _is_prose(name: str) -> bool:
    return bool(_TOKENS.fullmatch(name) or _SIZED.fullmatch(name))


def _texts(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield from _texts(entry, (*path, key))
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _texts(entry, (*path, number))
