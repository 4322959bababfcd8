"""A server that no package has, judged by answers that were recorded of it for this project.

`tests/data/servers/NAME` holds one exchange a file: about a hundred questions like those of the
suite, asked of a real server. ANSWERS says which of them stands for which contract. A check is
made if all that it asks is there.
"""

from __future__ import annotations

import dataclasses
import json
import time
from email.utils import formatdate
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.capabilities import PROBES, probe
from pytest_byom.conformance.catalogue import suite_functions
from pytest_byom.conformance.exchange import Exchange, Sent
from pytest_byom.conformance.finding import Deviation, Inconclusive, Unsupported
from pytest_byom.contract import load_contract

if TYPE_CHECKING:
    from pytest_byom.conformance.check import Check

DATA = Path(__file__).parents[1] / "data" / "servers"

ANSWERS = {
    "chat/plain": "plain",
    "chat/stream": "stream",
    "http/get-chat": "get_on_path",
    "http/unicode": "unicode",
    "http/unknown-path": "unknown_path",
    "logprobs/top-alone": "top_logprobs_without_logprobs",
    "logprobs/top-two": "logprobs_top3",
    "messages/developer": "developer_role",
    "messages/history": "system_multiturn",
    "messages/missing-role": "missing_role",
    "messages/text-part": "content_parts",
    "messages/tool-history": "tool_result_roundtrip",
    "messages/unknown-role": "unknown_role",
    "models/list": "models",
    "models/retrieve": "models_id",
    "models/retrieve-unknown": "models_unknown",
    "models/unknown": "unknown_model",
    "models/unknown-stream": "unknown_model_stream",
    "params/broken-json": "invalid_json",
    "params/empty-messages": "empty_messages",
    "params/max-tokens": "max_tokens_1",
    "params/missing-messages": "missing_messages",
    "params/n-two": "n2",
    "params/stop-list": "stop_list",
    "params/temperature-too-high": "temperature_99",
    "params/temperature-zero": "temp0_a",
    "params/temperature-zero-again": "temp0_b",
    "params/wrong-type": "max_tokens_string",
    "stream/n-two": "n2_stream",
    "structured/json-object": "json_object",
    "structured/json-schema": "json_schema_strict",
    "structured/no-name": "json_schema_missing_name",
    "structured/stream": "json_schema_stream",
    "structured/unknown-type": "response_format_unknown",
    "tools/bad-schema": "tools_bad_schema",
    "tools/choice-alone": "tool_choice_without_tools",
    "tools/named": "tools_named",
    "tools/none": "tools_none",
    "tools/offered": "tools_auto",
    "tools/required": "tools_required",
    "tools/required-stream": "tools_stream_required",
    "tools/unknown-name": "tools_unknown_named",
    "usage/stream": "stream_usage",
    "vision/image": "image_data_uri",
}
"""From a contract to the recorded question that is like it."""

OTHER_FIGURES = frozenset({"logprobs.top"})
"""Checks that want the very figure of their contract, which was another one when recorded."""


def exchange_of(contract_id: str, recording: dict[str, Any]) -> Exchange:
    """A recorded exchange as that of a contract, as if it were answered now."""
    asked, response = recording["request"], recording["response"]
    body = asked.get("body")
    contract = load_contract(contract_id)
    request = dataclasses.replace(contract.request, body=body, body_text=asked.get("body_raw"))
    sent = Sent(
        asked["method"], f"http://server.test{asked['path']}", (), json.dumps(body).encode()
    )
    return Exchange(
        dataclasses.replace(contract, request=request),
        sent,
        status=response["status"],
        headers=tuple(
            _now(name.lower(), value)
            for name, value in response["headers"]
            if name.lower() != "content-length"  # JSON bodies are kept as data
        ),
        raw=_body(response),
    )


def _now(name: str, value: str) -> tuple[str, str]:
    return name, formatdate(usegmt=True) if name == "date" else value


def _body(response: dict[str, Any]) -> bytes:
    if "sse_raw" in response:
        return str(response["sse_raw"]).encode()
    if response.get("body") is None:
        return str(response.get("body_text") or "").encode()
    body = response["body"]
    if isinstance(body, dict) and body.get("created"):
        body = {**body, "created": int(time.time())}
    return json.dumps(body, ensure_ascii=False).encode()


def load_exchanges(folder: Path) -> dict[str, Exchange]:
    """The exchanges of a folder by contract."""
    found = {}
    for contract, name in ANSWERS.items():
        recording = json.loads((folder / f"{name}.json").read_text("utf-8"))
        found[contract] = exchange_of(contract, recording)
    return found


def findings_in(exchanges: dict[str, Exchange]) -> tuple[set[str], set[str]]:
    """The checks that find something, and all that were decided."""
    found, decided = set(), set()
    given = {"byom_ask": exchanges.__getitem__, "byom_traffic": list(exchanges.values())}
    for check, run in suite_functions():
        if not (_can_be_judged(check, exchanges) and given.keys() >= {*signature(run).parameters}):
            continue
        try:
            run(**{name: given[name] for name in signature(run).parameters})
        except Deviation:
            found.add(check.id)
        except (Inconclusive, Unsupported):
            continue
        decided.add(check.id)
    return found, decided


def _can_be_judged(check: Check, exchanges: dict[str, Exchange]) -> bool:
    """Whether all that a check looks at was recorded, and the server can do what it needs."""
    probes = {need: PROBES[need] for need in check.needs if need in PROBES}
    is_there = exchanges.keys() >= {*check.asks, *probes.values()}
    if not is_there or check.id in OTHER_FIGURES:
        return False
    return all(probe(need, exchanges.__getitem__).present for need in probes)
