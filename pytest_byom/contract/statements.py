"""The list of checkable statements about the API, bundled with the contracts."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from pytest_byom.contract.loading import bundled


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One checkable sentence about the API, with the place that it comes from.

    `undecided` is the reason why no check can decide it on a live server, empty if one can.
    """

    id: str
    area: str
    level: str
    statement: str
    check: str
    model_independent: str
    capability: str
    source: str
    undecided: str = ""


@functools.cache
def load_statements() -> dict[str, Statement]:
    """Return the bundled list of statements, by id."""
    import yaml

    text = (bundled() / "statements.yaml").read_text("utf-8")
    rows = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return {row["id"]: Statement(**row) for row in rows}
