"""Checks that differ in what they ask and not in how they judge: one for each cell of a table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_byom.conformance.check import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_byom.conformance.asking import Ask
    from pytest_byom.conformance.exchange import Exchange
    from pytest_byom.conformance.finding import Wrong


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell: a check with an id of its own, on one contract."""

    id: str
    contract: str
    sentence: str
    decides: tuple[str, ...]
    breaks: str
    level: str = "should"
    needs: tuple[str, ...] = ()


def make_checks(
    module: str, cells: Iterable[Cell], judge: Callable[[Exchange], Iterable[Wrong]]
) -> dict[str, Callable[..., Any]]:
    """Return a check for each cell, by the name that it has in the module."""
    return {f"test_{re.sub(r'[^a-z0-9]', '_', c.id)}": make_check(module, c, judge) for c in cells}


def make_check(
    module: str, cell: Cell, judge: Callable[[Exchange], Iterable[Wrong]]
) -> Callable[..., Any]:
    """Return the check of one cell, for the module of that name."""

    def test_cell(byom_ask: Ask) -> Iterator[Wrong]:
        yield from judge(byom_ask(cell.contract))

    test_cell.__module__ = module
    return check(
        cell.id,
        level=cell.level,
        sentence=cell.sentence,
        decides=cell.decides,
        needs=cell.needs,
        asks=[cell.contract],
        breaks=cell.breaks,
    )(test_cell)
