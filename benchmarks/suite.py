"""How long the suite takes on the embedded server: `python benchmarks/suite.py`.

Each run is a fresh process, as a user starts it; the spread is shown, since machines differ. With
`--slow SECONDS` every chat answer takes so long, and a run, of the standard profile and of all, is
held against the sum of all answers over the four that are asked at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pytest_byom.conformance.catalogue import all_checks
from pytest_byom.conformance.profiles import Profile, selector
from pytest_byom.conformance.run import run_suite
from pytest_byom.mock.embedded import EmbeddedServer
from pytest_byom.mock.http1 import BackgroundServer, Reply, Request
from pytest_byom.registry import Endpoint, Limits

RUNS = 5


def run_once(folder: Path) -> tuple[float, int, int]:
    """Run the suite in an empty folder and return seconds, checks and requests."""
    command = [sys.executable, "-m", "pytest", "-q", "--byom-endpoint=embedded", "--byom-report=."]
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    seconds = time.perf_counter() - started
    results = json.loads((folder / "results.json").read_text("utf-8"))
    return seconds, len(results["checks"]), results["endpoints"]["embedded"]["sent"]


class Slow:
    """The embedded server, which takes its time for every chat answer, and adds it up."""

    def __init__(self, seconds: float) -> None:
        self.sum = 0.0
        self._seconds = seconds
        self._inner = EmbeddedServer()

    async def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        started = time.perf_counter()
        if request.method == "POST":
            await asyncio.sleep(self._seconds)
        reply = await self._inner(request)
        self.sum += time.perf_counter() - started
        return reply


def run_slow(seconds: float, profile: Profile) -> None:
    """Print how long a run takes on a slow server, beside the least that it could."""
    wanted = [check.id for check in filter(selector(profile), all_checks().values())]
    app = Slow(seconds)
    with BackgroundServer(app) as server:
        endpoint = Endpoint(name="slow", base_url=f"{server.url}/v1", limits=Limits(concurrency=4))
        started = time.perf_counter()
        verdicts = run_suite(endpoint, only=wanted)
        taken = time.perf_counter() - started
    least = app.sum / endpoint.limits.concurrency
    print(f"{profile}: {len(verdicts)} checks, {seconds:g} s an answer: {taken:.1f} s,")
    print(f"{taken / least:.2f} times the sum of all answers over 4, which is {least:.1f} s")


def main() -> None:
    """Print the figures of a few runs."""
    parser = argparse.ArgumentParser(description="Measure the suite.")
    parser.add_argument("--slow", type=float, metavar="SECONDS", help="on a server that is slow")
    if slow := parser.parse_args().slow:
        for profile in (Profile.STANDARD, Profile.FULL):
            run_slow(slow, profile)
        return
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
