"""Every planted defect turns the checks named for it and no other; every check is turned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from defects.collection import ALSO, DEFECTS
from defects.judging import differences, foretold, scope_of, verdicts_of
from pytest_byom.conformance.catalogue import all_checks

if TYPE_CHECKING:
    from defects.planting import Defect


@pytest.mark.parametrize("defect", [pytest.param(defect, id=defect.id) for defect in DEFECTS])
def test_defect(defect: Defect) -> None:
    """A planted defect leads to the whole verdict map that was foretold.

    It is that of the standard profile where this judges all that the defect is named for, and of
    the full one elsewhere; BYOM_DEFECTS=full has it of the full one for all, in twice the time.
    """
    only = scope_of(defect)
    expected = foretold(defect)
    wanted = {id: expected[id] for id in expected if only is None or id in only}
    found = differences(wanted, verdicts_of(defect, only))
    assert not found, "\n".join([defect.title, *found])


def test_every_check_is_turned() -> None:
    """No check exists that no defect turns."""
    turned = {id for defect in DEFECTS for id in defect.turns}
    assert sorted(set(all_checks()) - turned) == []


def test_only_checks_are_named() -> None:
    """What a defect names is an id of a check."""
    named = {id for d in DEFECTS for id in {*d.turns, *d.leaves, *d.lacks, *d.also}}
    assert sorted(named - set(all_checks())) == []


def test_only_defects_have_consequences() -> None:
    """What consequences.yaml names is a defect, and no check that it is named for."""
    assert sorted(set(ALSO) - {defect.id for defect in DEFECTS}) == []
    twice = {d.id: {*d.turns} & {*d.also} for d in DEFECTS}
    assert {id: checks for id, checks in twice.items() if checks} == {}


def test_each_defect_says_something() -> None:
    """A defect turns a check, or shows that the server lacks something."""
    assert [defect.id for defect in DEFECTS if not (defect.turns or defect.lacks)] == []


def test_defect_ids_are_unique() -> None:
    """No two defects share an id."""
    ids = [defect.id for defect in DEFECTS]
    assert sorted({id for id in ids if ids.count(id) > 1}) == []


def test_rows_have_issues() -> None:
    """A defect out of the catalogue links the public reports of it."""
    assert [defect.id for defect in DEFECTS if defect.row and not defect.issues] == []
