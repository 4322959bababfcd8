"""Reads the list of models that a server offers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_byom.client.errors import BadAnswer
from pytest_byom.client.failure import answered_error, failure_in

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ModelInfo:
    """A model that a server offers; `raw` is all that it says about it."""

    id: str
    owned_by: str | None = None
    created: int | float | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


def read_models(decoded: Any, *, endpoint: str) -> tuple[ModelInfo, ...]:
    """Read `{"data": [...]}`, and `{"models": [...]}` or a bare list, as some servers send it.

    Raises BadAnswer for anything else.
    """
    failure = failure_in(decoded)
    if failure:
        raise answered_error(failure, endpoint=endpoint, where="in its list of models")
    entries = decoded
    if isinstance(decoded, dict):
        entries = next((decoded[key] for key in ("data", "models") if key in decoded), None)
    if entries is None and isinstance(decoded, dict) and decoded.get("object") == "list":
        entries = []  # a server without a model may send null
    if not isinstance(entries, list):
        raise BadAnswer(f"the list of models of {endpoint} is no list", endpoint=endpoint)
    return tuple(filter(None, map(_read_model, entries)))


def _read_model(entry: Any) -> ModelInfo | None:
    if isinstance(entry, str) and entry:
        return ModelInfo(entry)
    if not isinstance(entry, dict):
        return None
    identifier = next((entry[key] for key in ("id", "model", "name") if entry.get(key)), None)
    if not isinstance(identifier, str):
        return None
    owner, created = entry.get("owned_by"), entry.get("created")
    return ModelInfo(
        id=identifier,
        owned_by=owner if isinstance(owner, str) else None,
        created=created if isinstance(created, int | float) else None,
        raw=entry,
    )
