"""What else each defect leads to, beside the checks that it is named for.

Many checks look at the same answers, so a defect turns more of them than its author had in mind,
or leaves them with nothing to judge. The rest of its verdict map stands in consequences.yaml.
Run in `tests/`, `python -m defects.consequences` judges every defect and writes that file anew;
with ids of defects, only theirs. Read the difference: a check that turns without a right to do so
is a false alarm, and is mended in place of being listed.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import yaml

from pytest_byom.conformance.finding import Outcome

FILE = Path(__file__).with_suffix(".yaml")
PROCESSES = 2

Consequences = dict[str, Outcome]


def load_consequences() -> dict[str, Consequences]:
    """Return the outcome of each check that the file names, by defect and check."""
    listed: dict[str, dict[str, list[str]]] = yaml.safe_load(FILE.read_text("utf-8")) or {}
    return {
        defect: {id: Outcome(outcome) for outcome, ids in rows.items() for id in ids}
        for defect, rows in listed.items()
    }


def find_consequences(defect_id: str) -> Consequences:
    """Judge a defect, and return what neither its definition nor an unharmed server says.

    What it leaves and lacks comes from sets that many share, so the file may correct it. Raises
    ValueError if a check that the defect is named for does other than the definition says.
    """
    from defects.collection import DEFECTS
    from defects.judging import foretold, verdicts_of

    defect = {defect.id: defect for defect in DEFECTS}[defect_id]
    expected = foretold(defect, alone=True)
    verdicts = verdicts_of(defect)
    found = {
        id: verdicts[id].outcome
        for id, outcome in expected.items()
        if verdicts[id].outcome is not outcome
    }
    if wrong := {id: outcome for id, outcome in found.items() if id in defect.turns}:
        raise ValueError(f"it does not do what it says: {wrong}")
    return found


def write_consequences(wanted: list[str]) -> list[str]:
    """Write the file anew, for some defects or for all; return what could not be written."""
    from defects.collection import DEFECTS

    ids = wanted or [defect.id for defect in DEFECTS]
    listed = load_consequences() if wanted else {}
    wrong = []
    with ProcessPoolExecutor(PROCESSES) as pool:
        jobs = {id: pool.submit(find_consequences, id) for id in ids}
        for id, job in jobs.items():
            try:
                listed[id] = job.result()
            except (ValueError, AssertionError) as error:
                wrong.append(f"{id}: {error}")
    FILE.write_text(_dump(listed), "utf-8")
    return wrong


def _dump(listed: dict[str, Consequences]) -> str:
    """Return the text of the file: defects, outcomes and checks are sorted."""
    rows: dict[str, dict[str, list[str]]] = {}
    for defect, found in sorted(listed.items()):
        for id, outcome in sorted(found.items(), key=lambda pair: (pair[1], pair[0])):
            rows.setdefault(defect, {}).setdefault(str(outcome), []).append(id)
    return yaml.safe_dump(rows, sort_keys=False, width=100, default_flow_style=None)


if __name__ == "__main__":
    for line in write_consequences(sys.argv[1:]):
        print(line)
    print(f"{FILE.name} is written; read the difference")
