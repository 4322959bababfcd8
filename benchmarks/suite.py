"""How long the suite takes on the embedded server: `python benchmarks/suite.py`.

Each run is a fresh process, as a user starts it; the spread is shown, since machines differ.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 5


def run_once(folder: Path) -> tuple[float, int, int]:
    """Run the suite in an empty folder and return seconds, checks and requests."""
    command = [sys.executable, "-m", "pytest", "-q", "--byom-endpoint=embedded", "--byom-report=."]
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    seconds = time.perf_counter() - started
    results = json.loads((folder / "results.json").read_text("utf-8"))
    return seconds, len(results["checks"]), results["endpoints"]["embedded"]["sent"]


def main() -> None:
    """Print the figures of a few runs."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [run_once(Path(folder)) for _ in range(RUNS)]
    seconds = [run[0] for run in runs]
    print(f"{runs[0][1]} checks, {runs[0][2]} requests, {RUNS} runs of the whole process:")
    print(
        f"median {statistics.median(seconds):.2f} s,"
        f" fastest {min(seconds):.2f} s, slowest {max(seconds):.2f} s"
    )


if __name__ == "__main__":
    main()
