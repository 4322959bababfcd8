"""Writing and reading a contract changes nothing, and what is written reads well."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_byom.contract import (
    Answer,
    Contract,
    Recorded,
    RequestTemplate,
    bundled,
    contract_ids,
    dump_contract,
    load_contract,
    read_contract,
)

PLAIN = Contract(id="x", title="Any", request=RequestTemplate(body={"model": "m"}))


def again(contract: Contract) -> Contract:
    """Return what is read of what is written of a contract."""
    return read_contract(dump_contract(contract), id=contract.id, shown="x.yaml", check=False)


@pytest.mark.parametrize("id", contract_ids())
def test_bundled_files_are_as_the_dumper_writes_them(id: str) -> None:
    """Reading and writing a file of ours gives the same bytes."""
    text = Path(str(bundled()), f"{id}.yaml").read_text("utf-8")
    assert dump_contract(load_contract(id)) == text


TEXTS = [
    "",
    " ",
    "\n",
    "\n\nleading",
    "trailing\n\n",
    "trailing space \nmore",
    "  indented\nmore",
    "\ttab\nmore",
    "a\r\nb",
    "a\u0085b\nc",
    "a\u2028b\nc",
    "\ufeffa\nb",
    "null",
    "true",
    "12:30",
    "1e3",
    "0x1F",
    "2026-11-24",
    "~",
    "- a",
    "a: b",
    "a #b",
    "#",
    "${model}",
    "'\"",
    "🌍\n🌍",
    "\x00\x1b\x7f",
    "---\n...\n",
    "data: {}\n\n",
    "x" * 300,
    "word " * 60,
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back(text: str) -> None:
    """Text comes back as it is, wherever it stands."""
    contract = dataclasses.replace(
        PLAIN,
        request=RequestTemplate(body={"a": text, "list": [text], text: 1}),
        response=Answer(sse=text),
        client={"content": text},
    )
    assert again(contract) == contract


VALUES: list[Any] = [0, -1, 2**64 + 1, 10**40, 0.1, 1e-08, 1e300, -0.0, 1.0, True, None, [], {}]


@pytest.mark.parametrize("value", VALUES)
def test_value_comes_back(value: Any) -> None:
    """Numbers keep their kind and every digit."""
    contract = dataclasses.replace(PLAIN, response=Answer(body={"v": value}))
    read = again(contract)
    assert read.response is not None
    assert repr(read.response.body["v"]) == repr(value)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(body=JSON, content=st.binary(max_size=60), stream=st.booleans())
def test_anything_comes_back(body: Any, content: bytes, stream: bool) -> None:
    """Any request and any answer come back, and are written the same again."""
    headers = {"content-type": "text/event-stream"} if stream else {}
    contract = dataclasses.replace(
        PLAIN,
        request=RequestTemplate(body={"any": body}),
        response=Answer.of(content, headers=headers),
    )
    text = dump_contract(contract)
    read = read_contract(text, id="x", shown="x.yaml", check=False)
    assert read == contract
    assert dump_contract(read) == text
    assert read.response is not None
    assert read.response.content == contract.response.content  # type: ignore[union-attr]


def test_other_readers_see_the_same() -> None:
    """What is written means the same to any reader of YAML."""
    contract = dataclasses.replace(PLAIN, response=Answer(body={"n": 2**64, "t": "12:30"}))
    data = yaml.safe_load(dump_contract(contract))
    assert data["response"]["body"] == {"n": 2**64, "t": "12:30"}


def test_layout() -> None:
    """Streams stand in blocks, short mappings on one line, headers in order, defaults nowhere."""
    shared = {"type": "string"}
    contract = Contract(
        id="x",
        title="A stream",
        recorded=Recorded(server="llama.cpp", date="2026-11-24"),
        request=RequestTemplate(
            body={"messages": [{"role": "user", "content": "Say ok."}], "a": shared, "b": shared}
        ),
        response=Answer(headers={"b": "1", "a": "2"}, sse="data: 1\n\n", arrivals=((1.5, 9),)),
        expect={"status": {"$any": [200, "4xx"]}},
    )
    assert dump_contract(contract) == LAYOUT


LAYOUT = """\
title: A stream
recorded: {server: llama.cpp, date: '2026-11-24'}
request:
  body:
    messages:
    - {role: user, content: Say ok.}
    a: {type: string}
    b: {type: string}
response:
  status: 200
  headers: {a: '2', b: '1'}
  sse: |+
    data: 1

  arrivals: [[1.5, 9]]
expect:
  status: {$any: [200, 4xx]}
"""
