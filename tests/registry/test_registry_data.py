"""The schema and the files of the known servers, which ship with the package."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from pytest_byom.client.models import CustomModel
from pytest_byom.registry import Deviation, Limits, load_registry
from pytest_byom.registry.dialects import list_dialects, load_dialect
from pytest_byom.registry.validation import load_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def members(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every key that the schema knows, with its own schema."""
    for key, value in schema.items():
        if key == "properties":
            yield from value.items()
        if isinstance(value, dict):
            yield from members(value)


def test_the_schema_is_one() -> None:
    """The schema follows the draft that it names."""
    Draft202012Validator.check_schema(load_schema())


def test_editors_have_something_to_show() -> None:
    """Every key of the schema has a description, its own or the one it refers to."""
    definitions = load_schema()["$defs"]
    silent = {
        name
        for name, schema in members(load_schema())
        if "description" not in definitions.get(schema.get("$ref", "")[8:], schema)
    }
    assert silent == set()


def test_the_schema_knows_the_known_servers() -> None:
    """The names in the schema are those of the files."""
    schema = load_schema()
    assert tuple(schema["properties"]["endpoints"]["properties"]) == list_dialects()
    assert tuple(schema["$defs"]["dialect"]["enum"]) == (*list_dialects(), None)


def test_a_known_server_may_say_what_others_may() -> None:
    """Entries differ in what they must say, and embedded in that it has nothing to be told."""
    definitions = load_schema()["$defs"]
    keys = definitions["endpoint"]["properties"]
    assert definitions["known"]["properties"] == keys
    own = {"base_url", "dialect", "think_tags"}
    assert definitions["embedded"]["properties"].keys() == keys.keys() - own


SAME = {
    "limits": (Limits, set()),
    "deviation": (Deviation, {"origin"}),
    "model": (CustomModel, {"model_id"}),
}


@pytest.mark.parametrize(("name", "row"), SAME.items(), ids=SAME)
def test_the_schema_has_the_fields_of_the_classes(name: str, row: tuple[type, set[str]]) -> None:
    """What a class takes can be written, and what can be written a class takes."""
    kind, inner = row
    fields = {field.name for field in dataclasses.fields(kind)}
    assert load_schema()["$defs"][name]["properties"].keys() == fields - inner


@pytest.mark.parametrize("name", list_dialects())
def test_a_dialect_is_complete(name: str) -> None:
    """A known server says what to do and where its data is from; a cloud has a variable."""
    dialect = load_dialect(name)
    assert dialect.hint
    assert all(source.startswith("https://") for source in dialect.sources)
    assert bool(dialect.sources) is (name != "embedded")
    assert bool(dialect.key_variable) is dialect.base_url.startswith("https://")
    assert all(deviation.origin == "dialect" for deviation in dialect.deviations)


def test_think_tags() -> None:
    """A dialect has the marks that recordings show; an endpoint may have others, or none."""
    with_tags = {name for name in list_dialects() if load_dialect(name).think_tags}
    assert with_tags == {*("groq", "llama-cpp-python", "llamacpp", "lmstudio", "ollama", "vllm")}
    registry = load_registry(environ={})
    assert registry.endpoint("ollama").think_tags == ("<think>", "</think>")
    assert registry.endpoint("mistral").think_tags is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [("[<reason>, </reason>]", ("<reason>", "</reason>")), ("[]", None)],
)
def test_own_think_tags(line: str, expected: tuple[str, str] | None, tmp_path: Path) -> None:
    """What the file says of an endpoint stands above its dialect."""
    text = "endpoints:\n  mine:\n    base_url: http://localhost/v1\n    dialect: vllm\n"
    (tmp_path / "byom.yaml").write_text(f"{text}    think_tags: {line}\n")
    assert load_registry(root=tmp_path, environ={}).endpoint("mine").think_tags == expected


def test_a_run_without_a_file_loads_no_validator(tmp_path: Path) -> None:
    """jsonschema takes longer to import than everything else, and is for files only."""
    script = (
        "import sys; from pytest_byom.registry import load_registry;"
        "load_registry(environ={}).endpoint('ollama'); print('jsonschema' in sys.modules)"
    )
    path = ":".join(entry for entry in sys.path if entry)
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "False\n"


def test_a_fleet_is_loaded_in_seconds(tmp_path: Path) -> None:
    """Hundreds of endpoints in one file are no burden."""
    entries = "".join(
        f"  server-{number}:\n    base_url: http://host-{number}:8000/v1\n    model: m\n"
        for number in range(300)
    )
    (tmp_path / "byom.yaml").write_text(f"endpoints:\n{entries}")
    registry = load_registry(root=tmp_path, environ={})
    assert len(registry.own) == 300
    assert registry.endpoint("server-299").base_url == "http://host-299:8000/v1"
