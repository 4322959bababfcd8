"""Checks made for the cells of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.conformance.cells import Cell, make_checks
from pytest_byom.conformance.check import find_check
from pytest_byom.conformance.finding import Deviation, Level, Wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

CELL = Cell(
    id="tools.table-one-none",
    contract="tools/none",
    sentence="One tool and none give no call.",
    decides=("tool-16",),
    level="must",
    needs=("tools",),
    breaks="an agent loops",
)


def judge(exchange: Any) -> Iterator[Wrong]:
    """Find everything but the right exchange wrong."""
    if exchange != "tools/none":
        yield Wrong(place="status", expected="200", got=exchange)


def make() -> Any:
    """Return the check of the cell, by the name that pytest finds."""
    made = make_checks("my.module", [CELL], judge)
    assert list(made) == ["test_tools_table_one_none"]
    return made["test_tools_table_one_none"]


def test_cell_is_a_check() -> None:
    """What a cell says is what its check says."""
    check = find_check(make())
    assert check is not None
    assert (check.id, check.level, check.sentence) == (CELL.id, Level.MUST, CELL.sentence)
    assert (check.asks, check.needs, check.statements) == (
        (CELL.contract,),
        CELL.needs,
        ("tool-16",),
    )
    assert check.breaks == CELL.breaks


def test_cell_stands_in_its_module() -> None:
    """The check of a cell belongs to the module that made it, so that the suite finds it."""
    assert make().__module__ == "my.module"


def test_cell_is_judged() -> None:
    """The check asks for the contract of its cell, and raises what is wrong with its answer."""
    make()(lambda id: id)
    with pytest.raises(Deviation, match="status"):
        make()(lambda id: "another")
