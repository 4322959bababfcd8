"""The baseline file: stable, a line for each entry, and refused in one sentence if it is wrong."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from pytest_byom.gate.baseline import (
    Baseline,
    BaselineError,
    dump_baseline,
    parse_baseline,
)
from pytest_byom.gate.counts import Count

from .making import baseline, entry, record

AGAIN = "save it again with --byom-save"


def refusal(text: str) -> str:
    """Return the sentence with which a text is refused."""
    with pytest.raises(BaselineError) as caught:
        parse_baseline(text, name="b.json")
    return str(caught.value)


def test_text() -> None:
    """The first entry has all that differs from run to run; each other line is one entry."""
    lines = dump_baseline(baseline()).splitlines()
    header = json.loads("{" + lines[1].removesuffix(",") + "}")["byom-baseline"]
    assert len(header.pop("digest")) == 16
    assert header == {
        "format": 1,
        "suite": "0.1.0",
        "saved": "2027-01-31T12:00:00+00:00",
        "speed": {"mine": {"first_token": 40.5}},
    }
    assert lines[2:] == [
        '"endpoints": {',
        '"mine": {',
        ' "server": {',
        '  "kind": "vLLM",',
        '  "model": "small",',
        '  "version": "0.19.0"',
        " },",
        ' "checks": {',
        '  "stream.done-marker": {"level": "must", "outcome": "passed"},',
        '  "usage.sum": {"level": "must", "outcome": "failed"}',
        " },",
        ' "exchanges": {',
        '  "chat/plain: answer": {"status": "200", "body": "JSON object"}',
        " }",
        "}",
        "}",
        "}",
    ]


def test_there_and_back() -> None:
    """What is written is read again, counts and all."""
    checks = {"a.b": entry("passed", count=Count(18, 20)), "a.c": entry("known", level="may")}
    made = baseline(endpoints={"mine": record(checks=checks), "b": record(speed={})})
    assert parse_baseline(dump_baseline(made), name="before.json") == made


def test_only_the_header_differs() -> None:
    """Another day and another speed change one line."""
    other = baseline(
        saved="2027-02-01T00:00:00+00:00", endpoints={"mine": record(speed={"first_token": 9.0})}
    )
    pairs = zip(
        dump_baseline(baseline()).splitlines(), dump_baseline(other).splitlines(), strict=True
    )
    assert [number for number, (one, two) in enumerate(pairs) if one != two] == [1]


def test_order() -> None:
    """Entries are sorted, whatever order they came in."""
    one, two = entry("passed"), entry("failed")
    made = [
        baseline(endpoints={"mine": record(checks=checks)})
        for checks in ({"a.b": one, "a.c": two}, {"a.c": two, "a.b": one})
    ]
    assert dump_baseline(made[0]) == dump_baseline(made[1])


def test_other_line_ends() -> None:
    """git may write CRLF and an editor may indent: that is no change."""
    text = dump_baseline(baseline())
    for written in (text.replace("\n", "\r\n"), json.dumps(json.loads(text), indent=4)):
        assert isinstance(parse_baseline(written, name="b.json"), Baseline)


@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.9, 0.99])
def test_cut(part: float) -> None:
    """A file that was cut ends in the middle, wherever that is."""
    text = dump_baseline(baseline())
    cut = text[: int(len(text) * part)]
    assert refusal(cut) == f"b.json ends in the middle, at line {cut.count(chr(10)) + 1}: {AGAIN}"


def test_every_cut() -> None:
    """No beginning of a baseline is taken for one."""
    text = dump_baseline(baseline()).rstrip()
    for length in range(len(text)):
        assert refusal(text[:length]).startswith("b.json ")


EDITED = [
    ('"outcome": "failed"', '"outcome": "passed"'),
    ('"outcome": "passed"', '"outcome": "failed"'),
    ("stream.done-marker", "stream.done-mark"),
    ('"status": "200"', '"status": "400"'),
    ('"saved": "2027-01', '"saved": "2027-02'),
    ('"suite": "0.1.0"', '"suite": "9.9.9"'),
    ("40.5", "9000"),
]


@pytest.mark.parametrize(("old", "new"), EDITED)
def test_edited(old: str, new: str) -> None:
    """A file that a hand changed is refused, whatever was changed, with the way to accept."""
    text = dump_baseline(baseline())
    assert old in text
    assert refusal(text.replace(old, new, 1)) == (
        f"b.json was changed after it was saved: restore it or {AGAIN} "
        "(what is to be accepted goes into byom.yaml: byom accept)"
    )


def test_line_taken_out() -> None:
    """So is one from which a line was taken."""
    lines = dump_baseline(baseline()).splitlines()
    lines.remove('  "stream.done-marker": {"level": "must", "outcome": "passed"},')
    assert "was changed after it was saved" in refusal("\n".join(lines))


def test_broken_by_hand() -> None:
    """An edit that leaves no JSON is named with its line."""
    text = dump_baseline(baseline()).replace('"kind": "vLLM",', '"kind": vLLM,')
    assert refusal(text) == f"b.json is broken at line 6: restore it or {AGAIN}"


def test_conflict() -> None:
    """The marks of a merge are named as such."""
    text = dump_baseline(baseline()).replace(' "checks"', '<<<<<<< HEAD\n "checks"')
    assert refusal(text) == f"b.json has the marks of a merge conflict: {AGAIN}"


def written(**header: Any) -> str:
    """Return a baseline whose header was changed."""
    data = json.loads(dump_baseline(baseline()))
    data["byom-baseline"] |= header
    return json.dumps(data)


def test_newer_format() -> None:
    """A newer format names both versions and both ways out."""
    assert refusal(written(format=7, suite="9.9.0")) == (
        "b.json was saved by pytest-byom 9.9.0 in format 7, and this version reads format 1: "
        f"upgrade pytest-byom, or {AGAIN}"
    )


@pytest.mark.parametrize("format", [0, None, "1", [1]])
def test_no_format(format: Any) -> None:
    """A format that nobody writes is said."""
    assert refusal(written(format=format)) == (
        f"b.json has the format {format!r}, which no version writes: {AGAIN}"
    )


def test_part_missing() -> None:
    """A file that lacks a part, though its digest is right, is no baseline either."""
    header = {"format": 1, "suite": "0.1.0", "saved": "", "speed": {}}
    endpoints: dict[str, Any] = {"mine": {"server": {}, "checks": {}}}
    digest = hashlib.sha256(json.dumps([header, endpoints], sort_keys=True).encode()).hexdigest()
    data = {"byom-baseline": header | {"digest": digest[:16]}, "endpoints": endpoints}
    assert refusal(json.dumps(data)) == f"b.json lacks a part of a baseline: {AGAIN}"


NO_BASELINE = [
    "[]",
    "{}",
    "17",
    '"x"',
    "null",
    '{"format": 1, "checks": []}',
    '{"byom-baseline": 1}',
    "endpoints:\n  mine: {}\n",
    "[" * 100_000,
]


@pytest.mark.parametrize("text", NO_BASELINE)
def test_no_baseline(text: str) -> None:
    """Another file, such as results.json or byom.yaml, is no baseline."""
    assert refusal(text) == "b.json is no baseline: --byom-save=FILE writes one"


@pytest.mark.parametrize("text", ["", " \n"])
def test_empty(text: str) -> None:
    """An empty file is said to be empty."""
    assert refusal(text) == f"b.json is empty: {AGAIN}"
