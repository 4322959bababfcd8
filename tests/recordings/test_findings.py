"""The rules judge every recorded answer, and find what the profile of its server says.

For servers without a profile, `findings.json` beside the recordings says what is found:
`python -m recordings.test_findings` writes it, of the recordings that ship.
"""

from __future__ import annotations

import functools
import json
from typing import Any

import pytest

from pytest_byom.conformance.catalogue import suite_functions
from pytest_byom.conformance.finding import Deviation
from pytest_byom.contract import load_contract
from pytest_byom.registry.dialects import list_dialects, read_profile

from .judging import exchange_of, findings_by_provider, findings_of
from .replay import HERE, load, recording_files

TABLE = HERE / "findings.json"
KNOWN = [name for name in list_dialects() if (HERE / name).is_dir()]
OTHERS: dict[str, list[str]] = json.loads(TABLE.read_text("utf-8"))
RECORDED = "recorded answers"


@functools.cache
def found() -> dict[str, dict[str, list[str]]]:
    """What the rules find, by provider and check, each with the recordings that show it."""
    return {
        provider: {check: [path.name for path in paths] for check, paths in own.items()}
        for provider, own in findings_by_provider(recording_files()).items()
    }


def entries(name: str) -> list[dict[str, Any]]:
    """What a profile says of checks, now and in the past."""
    profile = read_profile(name)
    return [*profile["deviations"], *profile.get("past", [])]


@pytest.mark.parametrize("name", KNOWN)
def test_no_more_than_the_profile(name: str) -> None:
    """Nothing is found in the answers of a server but what its profile says."""
    said = {entry["check"] for entry in entries(name)}
    assert {check: paths for check, paths in found()[name].items() if check not in said} == {}


@pytest.mark.parametrize("name", KNOWN)
def test_no_less_than_the_profile(name: str) -> None:
    """What a profile says by recorded answers is found in one that ships, or shown by one."""
    sources = read_profile(name)["sources"]
    recorded = [e for e in entries(name) if sources[e["source"]]["kind"] == RECORDED]
    by_rule = {entry["check"] for entry in recorded if "shown" not in entry}
    assert by_rule - set(found()[name]) == set()


SHOWN = [
    pytest.param(name, entry, id=f"{name}-{entry['check']}")
    for name in KNOWN
    for entry in entries(name)
    if "shown" in entry
]


@pytest.mark.parametrize(("name", "entry"), SHOWN)
def test_a_check_is_shown(name: str, entry: dict[str, Any]) -> None:
    """The recording that a profile names for a check, taken for its contract, has the finding."""
    exchanges = {
        contract: exchange_of(load(HERE / name / file), contract=load_contract(contract))
        for contract, file in entry["shown"].items()
    }
    run = next(run for check, run in suite_functions() if check.id == entry["check"])
    with pytest.raises(Deviation):
        run(byom_ask=exchanges.__getitem__)


def test_the_others() -> None:
    """What is found in the answers of servers without a profile is what the table says."""
    assert {name: sorted(found().get(name, {})) for name in OTHERS} == OTHERS


def test_all_are_judged() -> None:
    """Every recording that ships is of a server that is judged."""
    assert {path.parent.name for path in recording_files()} == {*KNOWN, *OTHERS}
    assert {"groq", "openrouter", "xai", "mistral", "ollama", "lmstudio", "vllm"} <= set(KNOWN)


def first(provider: str, kind: str) -> dict[str, Any]:
    """The first recording of a kind in which nothing is wrong."""
    for path in sorted((HERE / provider).glob(f"{kind}-*.json")):
        made = load(path)
        if made["fidelity"] == "wire" and findings_of(made) == {}:
            return made
    raise AssertionError(f"no recording of {provider} is without a finding")


def test_a_defect_is_found() -> None:
    """A recording with a defect in it has that finding, and no other."""
    made = first("openai", "json")
    made["response"]["body"]["object"] = "completion"
    assert list(findings_of(made)) == ["response.object"]


def test_a_stream_without_its_end_is_found() -> None:
    """A stream of the wire without its end mark has that finding."""
    made = first("openai", "stream")
    made["response"]["sse"] = made["response"]["sse"].replace("data: [DONE]\n\n", "")
    assert list(findings_of(made)) == ["stream.done-marker"]
    assert findings_of({**made, "fidelity": "chunks-only"}) == {}


def test_a_dump_is_not_judged() -> None:
    """Where an SDK stood between, nothing is said of the server."""
    made = first("openai", "json")
    made["response"]["body"] = {}
    assert findings_of(made)
    assert findings_of({**made, "fidelity": "sdk-object-dump"}) == {}


def test_what_a_recorder_replaced_is_not_judged() -> None:
    """An id and a time that a recorder replaced prove nothing."""
    made = first("openai", "json")
    made["response"]["body"] |= {"created": 0, "id": ""}
    assert list(findings_of(made)) == ["response.id", "response.created"]
    assert findings_of({**made, "fidelity": "normalised"}) == {}


def test_a_header_that_was_not_kept() -> None:
    """A header that is not there may have been left out; one that is wrong is found."""
    made = first("openai", "json")
    made["response"]["headers"] = {}
    assert findings_of(made) == {}
    made["response"]["headers"] = {"content-type": "text/plain"}
    assert list(findings_of(made)) == ["http.json-media-type"]


def main() -> None:
    """Write the table of what is found at servers without a profile."""
    own = findings_by_provider(sorted(HERE.glob("*/*.json")))
    names = sorted({path.parent.name for path in HERE.glob("*/*.json")} - set(KNOWN))
    table = {name: sorted(own.get(name, {})) for name in names}
    TABLE.write_text(json.dumps(table, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
