"""Rules about the list of models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.check import rule
from pytest_byom.conformance.finding import Wrong
from pytest_byom.conformance.values import is_integer
from pytest_byom.conformance.views import ModelList

if TYPE_CHECKING:
    from collections.abc import Iterator

MILLISECONDS = 100_000_000_000
"""More Unix seconds than this lie beyond the year 5000: they are milliseconds."""


@rule(
    "models.list-object",
    on=ModelList,
    level="must",
    decides=["models-01"],
    needs=["models"],
    breaks="clients that page through the list look for data and object",
)
def test_list_object(models: ModelList) -> Iterator[Wrong]:
    """The list has object "list" and an array data."""
    if models.data.get("object") != "list":
        yield models.wrong("object", '"list"')
    if not isinstance(models.data.get("data"), list):
        yield models.wrong("data", "an array")


@rule(
    "models.entries",
    on=ModelList,
    level="must",
    decides=["models-02"],
    needs=["models"],
    breaks="typed clients reject the entry; pickers of models show no name",
)
def test_entries(models: ModelList) -> Iterator[Wrong]:
    """Every entry has id, object "model", created and owned_by."""
    for path, entry in models.entries:
        if not isinstance(entry.get("id"), str) or not entry["id"]:
            yield models.wrong(f"{path}.id", "a non-empty string")
        if entry.get("object") != "model":
            yield models.wrong(f"{path}.object", '"model"')
        if not is_integer(entry.get("created")):
            yield models.wrong(f"{path}.created", "an integer")
        if not isinstance(entry.get("owned_by"), str):
            yield models.wrong(f"{path}.owned_by", "a string")


@rule(
    "models.unique",
    on=ModelList,
    level="should",
    decides=["models-06"],
    needs=["models"],
    breaks="a picker shows the model twice",
)
def test_unique(models: ModelList) -> Iterator[Wrong]:
    """Model ids in the list are unique."""
    ids = [entry.get("id") for _, entry in models.entries]
    for id in sorted({id for id in ids if isinstance(id, str) and ids.count(id) > 1}):
        yield Wrong(place="data", expected="each id once", got=f"{id!r} repeated")


@rule(
    "models.created-seconds",
    on=ModelList,
    level="must",
    decides=["models-07"],
    needs=["models"],
    breaks="dates come out in the year 50000",
)
def test_created_seconds(models: ModelList) -> Iterator[Wrong]:
    """created is in Unix seconds, not milliseconds."""
    for path, entry in models.entries:
        created = entry.get("created")
        if is_integer(created) and not 0 <= created < MILLISECONDS:
            yield models.wrong(f"{path}.created", "Unix seconds")
