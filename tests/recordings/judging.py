"""Judges recorded answers by the rules of the suite: the recordings stand for the server.

A recording proves only what its recorder kept, so a rule is not heard where

- a header is absent, for recorders keep a few, or is about the body as it went over the wire;
- a time is compared with the clock: `created` and Date are set to now, if they were a time;
- ids and times were replaced by the recorder (`normalised`);
- the framing of a stream is not the server's (`chunks-only`), or its end was trimmed and the
  request is not there (`response-only`);
- an SDK stood between (`sdk-object-dump`): nothing of it is judged.

This goes by the kind of recording (`fidelity`), never by provider: no finding is left out here.
"""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from email.utils import formatdate
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.catalogue import suite_functions
from pytest_byom.conformance.exchange import Exchange, Sent
from pytest_byom.conformance.finding import Deviation, Inconclusive, Wrong
from pytest_byom.contract import Contract
from pytest_byom.contract.format import RequestTemplate

from .replay import body_of, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from pytest_byom.conformance.check import Check

UNKEPT = frozenset({"content-length", "content-encoding", "transfer-encoding"})
"""Headers about the body as it went over the wire: recorders keep it decoded."""

CREATED = re.compile(rb'("created":\s*)1[4-9]\d{8}(?=[,\s}])')
FRAMING = "pytest_byom.conformance.rules.test_stream"
REPLACED = frozenset(
    {"response.id", "response.created", "stream.chunk-id", "stream.chunk-created"}
    | {"stream.one-id", "stream.one-created", "tools.call-id", "tools.call-ids-unique"}
)
"""Rules about ids and times."""

DUMP, NORMALISED = "sdk-object-dump", "normalised"
CHUNKS, RESPONSE = "chunks-only", "response-only"


@cache
def rules() -> tuple[tuple[Check, Callable[..., Any]], ...]:
    """Every rule of the suite, with its function."""
    return tuple((check, run) for check, run in suite_functions() if check.on is not None)


def exchange_of(recording: dict[str, Any], *, contract: Contract | None = None) -> Exchange:
    """The exchange of the suite that a recording would have been, at this moment.

    With a contract, it is taken for the answer to that one.
    """
    response, asked = recording["response"], recording["request"]
    lists = recording["endpoint"] == "models"
    body = None if lists else dict(asked["body"] if isinstance(asked.get("body"), dict) else {})
    if body is not None:
        body.setdefault("stream", "sse" in response)
    request = RequestTemplate(
        method="GET" if lists else "POST",
        path="/models" if lists else "/chat/completions",
        body=body,
    )
    made = Contract(id="recorded", title="A recorded exchange", kind="open", request=request)
    return Exchange(
        contract or made,
        Sent(request.method, str(asked.get("url")), (), json.dumps(body or {}).encode()),
        status=response["status"],
        headers=tuple(_headers(response["headers"])),
        raw=CREATED.sub(rb"\g<1>%d" % time.time(), body_of(recording)),
    )


def _headers(recorded: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in recorded.items():
        if name.lower() not in UNKEPT:
            now = formatdate(usegmt=True) if name.lower() == "date" else value
            yield name.lower(), now


def findings_of(recording: dict[str, Any]) -> dict[str, list[Wrong]]:
    """What the rules find in a recording, by their ids."""
    if recording["fidelity"] == DUMP:
        return {}
    exchange = exchange_of(recording)
    found: dict[str, list[Wrong]] = {}
    for check, run in rules():
        if _is_deaf(check.id, run.__module__, recording["fidelity"]):
            continue
        try:
            run([exchange])
        except Deviation as deviation:
            if wrongs := [wrong for wrong in deviation.wrongs if _is_kept(wrong)]:
                found[check.id] = wrongs
        except Inconclusive:
            pass
    return found


def _is_deaf(check: str, module: str, fidelity: str) -> bool:
    if fidelity == NORMALISED:
        return check in REPLACED
    if fidelity == RESPONSE:
        return check in ("stream.terminated", "tools.call-name", "response.model-asked")
    return fidelity == CHUNKS and module == FRAMING


def _is_kept(wrong: Wrong) -> bool:
    """Whether what is wrong is the server's, and not what its recorder left out."""
    return not (wrong.place.startswith("header ") and wrong.got == "nothing")


def findings_by_provider(files: Iterable[Path]) -> dict[str, dict[str, list[Path]]]:
    """For each provider, the rules that find something, each with the recordings that show it."""
    found: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for path in files:
        recording = load(path)
        own = found[recording["provider"]]
        for check in findings_of(recording):
            own[check].append(path)
    return {provider: dict(sorted(own.items())) for provider, own in sorted(found.items())}
