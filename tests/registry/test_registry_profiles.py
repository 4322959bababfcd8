"""The profiles of the known servers: valid, with a source for each sentence, hiding nothing."""

from __future__ import annotations

import copy
import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from pytest_byom.conformance.catalogue import all_checks
from pytest_byom.mock.dialect import load_dialect as load_mock
from pytest_byom.registry import Limits, load_registry
from pytest_byom.registry.dialects import list_dialects, load_dialect, read_profile

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = json.loads((resources.files("pytest_byom") / "profile.schema.json").read_text("utf-8"))
SERVERS = [name for name in list_dialects() if name != "embedded"]
CLOUDS = ["groq", "mistral", "openrouter", "xai"]


def problems(profile: Mapping[str, Any]) -> list[str]:
    """Return where a profile breaks the schema."""
    return [error.json_path for error in Draft202012Validator(SCHEMA).iter_errors(profile)]


def sourced(profile: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return every entry of a profile that has to name a source."""
    lists = [*profile["parameters"].values(), profile["deviations"], profile.get("past", [])]
    pace = [profile["pace"]] if "pace" in profile else []
    return [entry for each in lists for entry in each] + pace


def test_the_schema_is_one() -> None:
    """The schema follows the draft that it names."""
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", list_dialects())
def test_a_profile_is_valid(name: str) -> None:
    """A profile is as the schema says."""
    assert problems(read_profile(name)) == []


BROKEN: list[tuple[str, Any, str]] = [
    ("titel", "Groq", "$"),
    ("base_url", "api.groq.com", "$.base_url"),
    ("key_variable", "the key", "$.key_variable"),
    ("parameters", {"unknown": []}, "$.parameters"),
    ("parameters", {"refused": [{"names": ["n"]}]}, "$.parameters.refused[0]"),
    ("pace", {"per_second": 1}, "$.pace"),
    (
        "deviations",
        [{"check": "stream.*", "reason": "All.", "source": "docs"}],
        "$.deviations[0].check",
    ),
    ("deviations", [{"check": "stream.events", "reason": "None."}], "$.deviations[0]"),
    (
        "deviations",
        [{"check": "stream.events", "reason": "none", "source": "docs"}],
        "$.deviations[0].reason",
    ),
    ("sources", {"docs": {"kind": "rumour", "at": "https://x", "date": "2026-11-24"}}, "kind"),
    ("sources", {"docs": {"kind": "issue", "at": "a friend", "date": "2026-11-24"}}, "at"),
    ("sources", {"docs": {"kind": "issue", "at": "https://x"}}, "$.sources.docs"),
]


@pytest.mark.parametrize(("key", "value", "path"), BROKEN)
def test_a_broken_profile_is_found(key: str, value: Any, path: str) -> None:
    """The schema finds what is wrong, and says where."""
    profile = {**copy.deepcopy(dict(read_profile("groq"))), key: value}
    assert [found for found in problems(profile) if found.endswith(path)]


@pytest.mark.parametrize("name", list_dialects())
def test_every_entry_has_a_check_and_a_source(name: str) -> None:
    """A deviation is of a check that there is, named once; what is said is said by a source."""
    profile = read_profile(name)
    checks = [entry["check"] for entry in [*profile["deviations"], *profile.get("past", [])]]
    assert set(checks) <= set(all_checks())
    assert len(checks) == len(set(checks))
    assert {entry["source"] for entry in sourced(profile)} <= set(profile["sources"])


@pytest.mark.parametrize("name", SERVERS)
def test_a_deviation_is_backed(name: str) -> None:
    """A real run names the versions that it saw; an issue is linked."""
    profile = read_profile(name)
    for entry in profile["deviations"]:
        source = profile["sources"][entry["source"]]
        assert ("versions" in entry) is (source["kind"] in ("real run", "recorded run")), entry
        assert ("link" in entry) or source["kind"] != "issue", entry
        assert ("of" in source) or source["kind"] in ("documentation", "issue"), entry


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_has_a_mock(name: str) -> None:
    """A server that is known by name can be mocked by that name, and is called alike."""
    assert load_mock(name).title == load_dialect(name).title


def test_a_profile_is_for_its_own_server() -> None:
    """A name at another host has neither the pace nor the advice of the provider."""
    environ = {"GROQ_API_KEY": "k"}
    home = load_registry(environ=environ).endpoint("groq")
    assert (home.is_provider, home.limits.per_second) == (True, 0.5)
    ollama = load_registry(environ={}).endpoint("ollama")
    assert (ollama.is_provider, ollama.limits) == (False, Limits())


@pytest.mark.parametrize("name", CLOUDS)
def test_a_provider_is_asked_gently(name: str) -> None:
    """Each provider has a pace that its documentation allows, and a page that says so."""
    profile = read_profile(name)
    limits = load_registry(environ={}).endpoint(name).limits
    assert limits.per_second is not None
    assert limits.per_second <= 1
    assert limits.concurrency <= 2
    assert profile["sources"][profile["pace"]["source"]]["kind"] == "documentation"


def test_the_file_stands_above_the_pace(tmp_path: Any) -> None:
    """Who pays for more may ask faster; what is not said stays as documented."""
    text = "endpoints:\n  groq:\n    limits: {per_second: 5}\n  mine:\n"
    (tmp_path / "byom.yaml").write_text(
        f"{text}    base_url: https://proxy.test/v1\n    dialect: groq\n", "utf-8"
    )
    registry = load_registry(root=tmp_path, environ={})
    limits = registry.endpoint("groq").limits
    assert (limits.per_second, limits.concurrency) == (5, 2)
    assert registry.endpoint("mine").limits == Limits()
