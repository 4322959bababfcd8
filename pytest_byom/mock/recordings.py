"""The file of a test's recorded exchanges: contracts, one after another, in one YAML file.

Of a request its method, path and body are kept, of a response its status, a few headers and its
body. Keys, cookies and the ids of accounts are taken out of both.
"""

from __future__ import annotations

import datetime
import difflib
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_byom.client.headers import kept_headers
from pytest_byom.client.redact import HIDDEN_ID, PERSONAL_IDS, shown_url
from pytest_byom.contract import (
    Answer,
    Contract,
    Recorded,
    RequestTemplate,
    dump_contract,
    read_contract,
)
from pytest_byom.contract.placeholders import escape_value, fill_value
from pytest_byom.mock.asked import CHAT, MODELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_byom.mock.asked import AskedRequest

SEPARATOR = "---\n"
KEPT = ("content-type", "www-authenticate", "allow", "location")
_PARTS = re.compile(r"^---\n", re.M)


def make_exchange(
    asked: AskedRequest, status: int, headers: Mapping[str, str], content: bytes, *, title: str
) -> Contract:
    """Return the contract that an exchange makes, without secrets."""
    redactor = asked.redactor
    kept = {name: headers[name] for name in KEPT if name in headers} | kept_headers(headers)
    kept.pop("openai-processing-ms", None)
    text = redactor.bytes(content).decode("latin-1")
    clean = PERSONAL_IDS.sub(HIDDEN_ID, text).encode("latin-1")
    return Contract(
        id="recording",
        title=title,
        recorded=Recorded(
            server=asked.host, model=asked.model, date=datetime.date.today().isoformat()
        ),
        request=make_request(asked),
        response=Answer.of(
            clean,
            status=status,
            headers={name: redactor.text(kept[name]) for name in sorted(kept)},
        ),
    )


def make_request(asked: AskedRequest) -> RequestTemplate:
    """Return what is kept of a request."""
    text = PERSONAL_IDS.sub(HIDDEN_ID, asked.redactor.bytes(asked.body).decode("utf-8", "replace"))
    path = escape_value(_short_path(asked.url))
    try:
        body = json.loads(text)
    except ValueError:
        return RequestTemplate(
            method=asked.method, path=path, body_text=escape_value(text) if text else None
        )
    return RequestTemplate(method=asked.method, path=path, body=escape_value(body))


def _short_path(url: str) -> str:
    """Return the path from the part that the API names on, with the query without its secrets."""
    parts = urlsplit(shown_url(url))
    found = next((name for name in (CHAT, MODELS) if name in parts.path), "")
    path = parts.path[parts.path.index(found) :] if found else parts.path
    return f"{path}?{parts.query}" if parts.query else path


def write_recording(file: Path, exchanges: Sequence[Contract]) -> None:
    """Write the exchanges of a test. Raises OSError where that cannot be."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SEPARATOR.join(map(dump_contract, exchanges)), "utf-8", newline="\n")


def read_recording(file: Path) -> list[Contract]:
    """Return the exchanges of a test. Raises ContractError with file and line of a mistake."""
    text = file.read_text("utf-8")
    found, line = [], 0
    for part in _PARTS.split(text):
        # The lines before are put in front, so that messages name the right one.
        found.append(read_contract("\n" * line + part, id="recording", shown=str(file)))
        line += part.count("\n") + 1
    return found


def plain_request(request: RequestTemplate) -> Any:
    """Return a request as data, its escapes undone."""
    body = request.body if request.body_text is None else request.body_text
    return fill_value(
        {"request": f"{request.method} {request.path}", "body": body}, lambda name: f"${{{name}}}"
    )


def describe_change(recorded: RequestTemplate, asked: RequestTemplate) -> list[str]:
    """Return the difference between a recorded request and one that is asked, a line each."""
    before, after = (
        json.dumps(plain_request(one), indent=2, ensure_ascii=False, sort_keys=True).splitlines()
        for one in (recorded, asked)
    )
    lines = difflib.unified_diff(before, after, "recorded", "asked", n=1, lineterm="")
    return [line for line in lines if not line.startswith("@@")]


def nearness(recorded: RequestTemplate, asked: RequestTemplate) -> float:
    """Return how near two requests are, from 0 to 1."""
    one, other = (json.dumps(plain_request(each), sort_keys=True) for each in (recorded, asked))
    return difflib.SequenceMatcher(None, one, other, autojunk=False).quick_ratio()
