"""Writes docs/catches.md: which public issues the suite would have caught.

Run it in `tests/`, as `python -m defects.catches`. The page is made of the planted defects that
were modelled on public issues, and of nothing else.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from defects.collection import DEFECTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from defects.planting import Defect

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "catches.md"
SHORT = re.compile(r"([\w.-]+/[\w.-]+)#(\d+)")

HEAD = """\
# What the suite would have caught

Each row is a defect that a real server had, told in a public issue. It is planted between the
embedded server and the suite in `tests/defects`, and the tests assert that the checks named here
turn, and no others. `byom explain ID` says more about a check.

This page is made by `python -m defects.catches`, run in `tests/`.

"""


def page() -> str:
    """Return the text of the page."""
    caught = [defect for defect in DEFECTS if defect.issues and defect.turns]
    issues = {issue for defect in caught for issue in defect.issues}
    said = f"{len(issues)} public issues, {len(caught)} defects.\n\n"
    return HEAD + said + "".join(_sections(caught))


def _sections(defects: list[Defect]) -> Iterator[str]:
    areas = sorted({_area(defect) for defect in defects})
    for area in areas:
        yield f"## {area}\n\n| defect | checks that turn | issues |\n| --- | --- | --- |\n"
        for defect in defects:
            if _area(defect) == area:
                checks = ", ".join(f"`{id}`" for id in sorted(defect.turns))
                issues = ", ".join(map(_link, defect.issues))
                yield f"| {_cell(defect.title)} | {checks} | {issues} |\n"
        yield "\n"


def _area(defect: Defect) -> str:
    """The area of most of the checks that turn."""
    areas = Counter(id.partition(".")[0] for id in sorted(defect.turns))
    return areas.most_common(1)[0][0]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _link(issue: str) -> str:
    if found := SHORT.fullmatch(issue):
        return f"[{issue}](https://github.com/{found[1]}/issues/{found[2]})"
    return f"[{issue}]({issue})" if issue.startswith("http") else issue


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page().rstrip() + "\n", "utf-8")
