"""What real servers legally do otherwise leads to no finding."""

from __future__ import annotations

import pytest

from defects.judging import Witness, differences, embedded, foretold, judge
from defects.legal import VARIANTS
from defects.planting import Defect, Defective, Variant
from pytest_byom.conformance.finding import FINDS


@pytest.mark.parametrize("variant", [pytest.param(variant, id=variant.id) for variant in VARIANTS])
def test_legal(variant: Variant) -> None:
    """A legal variant is seen by the client, and leaves every check as it is."""
    server = Witness(embedded(open=variant.open))
    client = Witness(Defective(server, variant.change))
    found = differences(foretold(_as_defect(variant)), judge(client, open=variant.open))
    assert not found, "\n".join([variant.title, *found])
    assert variant.open or [seen for seen in client.seen if seen not in server.seen]


@pytest.mark.parametrize("variant", [pytest.param(variant, id=variant.id) for variant in VARIANTS])
def test_conversations(variant: Variant) -> None:
    """Nothing is found in fuzzed conversations with a legal variant."""
    server = Defective(embedded(open=variant.open), variant.change)
    found = judge(server, open=variant.open, fuzz=20, only={"fuzz.conversation"})
    assert [verdict for verdict in found.values() if verdict.outcome in FINDS] == []


def _as_defect(variant: Variant) -> Defect:
    return Defect(
        id=variant.id,
        title=variant.title,
        change=variant.change,
        leaves=variant.leaves,
        lacks=variant.lacks,
        open=variant.open,
    )


def test_without_a_defect() -> None:
    """The embedded server as it is has no finding, with a key and without."""
    for open in (False, True):
        none = Defect(id="none", title="", change=VARIANTS[0].change, open=open)
        assert differences(foretold(none), judge(embedded(open=open), open=open)) == []


def test_variant_ids_are_unique() -> None:
    """No two variants share an id."""
    ids = [variant.id for variant in VARIANTS]
    assert sorted({id for id in ids if ids.count(id) > 1}) == []


def test_rows_have_issues() -> None:
    """A variant out of the catalogue links the public reports of it."""
    assert [variant.id for variant in VARIANTS if variant.row and not variant.issues] == []
