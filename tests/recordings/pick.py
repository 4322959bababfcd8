"""Picks the recordings that the project keeps: `python -m tests.recordings.pick FOLDER`.

FOLDER holds one folder of recordings for each provider, and a MANIFEST.json that names the
repositories they come from. Picked is

- of each provider, kind and shape (see `shapes`) the shortest recording, if it is no larger than
  LARGEST bytes;
- of each shape that breaks naive clients (see `breaking`) the shortest one, however large;
- of each provider and rule that finds something in its answers (see `judging`) the shortest
  recording that shows it, however large.

The files are copied as they are. NOTICE beside them names repository, licence and copyright of
each.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .breaking import SHAPES
from .judging import findings_of
from .replay import HERE, load
from .shapes import shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGEST = 32_000
"""Beyond it are long texts and nothing new to stumble over; the set stays below 3 MiB."""

NOTICE = HERE / "NOTICE"
INTRODUCTION = """\
Recorded exchanges
------------------

Each file here is one exchange with a server, recorded by the tests of the project named here and
brought into one format: the content is theirs, the form is ours, keys and names of people were
replaced. The repository, the path in it, the commit and the licence stand in each file as well.
The texts of the licences are in the folder licences. Copyright in the words that
models wrote, if there is any, belongs to whom their providers' terms say.

"""


def pick(files: Iterable[Path]) -> list[Path]:
    """The files that the project keeps."""
    by_shape: dict[Any, Path] = {}
    breaking: dict[str, Path] = {}
    finding: dict[tuple[str, str], Path] = {}
    for path in sorted(files, key=lambda path: (path.stat().st_size, str(path))):
        recording = load(path)
        if path.stat().st_size <= LARGEST:
            kind = path.stem.rpartition("-")[0]
            by_shape.setdefault((recording["provider"], kind, shape_of(recording)), path)
        for name, is_so in SHAPES.items():
            if name not in breaking and is_so(recording):
                breaking[name] = path
        for check in findings_of(recording):
            finding.setdefault((recording["provider"], check), path)
    return sorted({*by_shape.values(), *breaking.values(), *finding.values()})


def notice(files: Iterable[Path], sources: Iterable[dict[str, Any]]) -> str:
    """The text of NOTICE: each repository with its licence and the files made from it."""
    by_source: dict[str, list[str]] = defaultdict(list)
    for path in files:
        repository = load(path)["source"].partition(" ")[0]
        by_source[repository].append(f"{path.parent.name}/{path.name}")
    known = {source["repo"]: source for source in sources}
    entries = []
    for repository, names in sorted(by_source.items(), key=lambda item: item[0].lower()):
        source = known[repository]
        lines = [f"https://github.com/{repository}", f"  {source['licence']}"]
        lines += [f"  {source['copyright']}"] if source["copyright"] else []
        lines += [f"    {name}" for name in sorted(names)]
        entries.append("\n".join(lines) + "\n")
    return INTRODUCTION + "\n".join(entries)


def main() -> None:
    """Copy the picked files and write NOTICE."""
    folder = Path(sys.argv[1])
    picked = pick(folder.glob("*/*.json"))
    for old in HERE.glob("*/*.json"):
        old.unlink()
    for path in picked:
        target = HERE / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    manifest = json.loads((folder / "MANIFEST.json").read_text("utf-8"))
    NOTICE.write_text(notice(picked, manifest["sources"]), "utf-8")


if __name__ == "__main__":
    main()
