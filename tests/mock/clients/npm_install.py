"""Installs openai-node into a folder, for test_node.py; says so and does nothing without npm."""

from __future__ import annotations

import shutil
import subprocess
import sys

ARGUMENTS = ["install", "--silent", "--no-fund", "--no-audit", "openai@^6"]

if __name__ == "__main__":
    npm = shutil.which("npm")
    if npm is None:
        sys.stderr.write("npm is not installed: the tests of openai-node will be skipped\n")
        sys.exit(0)
    sys.exit(subprocess.run([npm, *ARGUMENTS, "--prefix", sys.argv[1]], timeout=300).returncode)
