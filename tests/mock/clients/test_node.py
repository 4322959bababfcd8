"""openai-node against byom_server: another language, another process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.mock.replies import call

if TYPE_CHECKING:
    from pytest_byom.mock.server import MockServer

MODULES = os.environ.get("BYOM_NODE_MODULES", "")
pytestmark = pytest.mark.skipif(
    not (MODULES and (Path(MODULES) / "openai").is_dir() and shutil.which("node")),
    reason="needs node, and in BYOM_NODE_MODULES a folder in which npm has installed openai",
)

SCRIPT = """
import OpenAI from "openai";
const client = new OpenAI();
const messages = [{role: "user", content: "Hi"}];
const plain = await client.chat.completions.create({model: "m", messages});
let streamed = "";
const stream = await client.chat.completions.create({model: "m", messages, stream: true});
for await (const chunk of stream)
  streamed += chunk.choices[0]?.delta?.content ?? "";
const called = await client.chat.completions.create({model: "m", messages});
let error = "";
try {
  await client.chat.completions.create({model: "m", messages});
} catch (failure) {
  error = failure.constructor.name;
}
const models = [];
for await (const model of client.models.list()) models.push(model.id);
console.log(JSON.stringify({
  plain: plain.choices[0].message.content,
  streamed,
  call: called.choices[0].message.tool_calls[0].function,
  error,
  models,
}));
"""


def run(server: MockServer, folder: Path) -> Any:
    """Run the script in a process of its own, and return what it prints."""
    (folder / "app.mjs").write_text(SCRIPT, "utf-8")
    (folder / "node_modules").symlink_to(Path(MODULES).resolve())
    ran = subprocess.run(
        ["node", "app.mjs"],
        cwd=folder,
        env={**os.environ, **server.environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_node(byom_server: MockServer, tmp_path: Path) -> None:
    """Texts, streams, calls, retries, errors and models arrive at a client in JavaScript."""
    byom_server.models("m").fail(429, retry_after=20).reply("Hello").reply("Hello there")
    byom_server.reply(tool_calls=[call("look", city="Paris")]).fail(400)
    assert run(byom_server, tmp_path) == {
        "plain": "Hello",
        "streamed": "Hello there",
        "call": {"name": "look", "arguments": '{"city": "Paris"}'},
        "error": "BadRequestError",
        "models": ["m"],
    }
    byom_server.assert_resilient()
