"""A server that stands for one which cannot be run here: it answers as that one was recorded.

A request gets the recorded exchange whose request is nearest: `python -m recordings.replay_server
groq --port 8000`, typed in `tests/`, serves it to any client.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from typing import TYPE_CHECKING, Any

from pytest_byom.mock.http1 import BackgroundServer, Reply, Request, error_reply

from .judging import CREATED, UNKEPT
from .replay import body_of, load, recording_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

WEIGHTS = {"stream": 1000, "tools": 200, "refused": 100, "response_format": 50, "tool_choice": 20}
"""How far apart two requests are that differ in this; all else counts 1 for each difference."""

AS_THEY_CAME = frozenset({"wire", "json-parsed"})

Recording = dict[str, Any]


def features(body: dict[str, Any]) -> dict[str, set[str]]:
    """What of a request decides how near it is to another, by name."""
    found: dict[str, set[str]] = {"stream": {str(bool(body.get("stream")))}, "tools": set()}
    for key, value in body.items():
        if key == "tools" and isinstance(value, list):
            found["tools"] = {"some"} if value else set()
            found["names"] = set(map(_name_of, value))
            found["definitions"] = set(map(_dump, value))
        elif key == "messages" and isinstance(value, list):
            found[key] = {f"{number} {_role_of(each)}" for number, each in enumerate(value)}
            found["texts"] = set(map(_dump, value))
        elif key not in found:
            found[key] = {_dump(value)}
    return found


def _name_of(tool: Any) -> str:
    function = tool.get("function") if isinstance(tool, dict) else None
    return str(function.get("name")) if isinstance(function, dict) else "none"


def _role_of(message: Any) -> str:
    return str(message.get("role")) if isinstance(message, dict) else "none"


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def distance(one: dict[str, set[str]], other: dict[str, set[str]]) -> int:
    """How far apart two requests are; 0 for equal ones."""
    names = one.keys() | other.keys()
    return sum(
        WEIGHTS.get(name, 1) * len(one.get(name, set()) ^ other.get(name, set())) for name in names
    )


def request_of(recording: Recording) -> dict[str, Any]:
    """The body that a recording was asked with, or what is known of it."""
    body = recording["request"].get("body")
    if isinstance(body, dict):
        return body
    flags = recording["flags"]
    return {"stream": bool(flags["stream"]), "tools": [{}] if flags["tools"] else []}


class ReplayServer:
    """An application that answers with recordings of one provider."""

    def __init__(self, recordings: Iterable[Recording]) -> None:
        self._chats: list[tuple[dict[str, set[str]], Recording]] = []
        self._lists: list[Recording] = []
        for recording in recordings:
            if recording["endpoint"] == "models":
                self._lists.append(recording)
            else:
                self._chats.append((features(request_of(recording)), recording))

    async def __call__(self, request: Request) -> Reply:
        if request.path.endswith("/models"):
            return reply_of(self._lists[-1]) if self._lists else self._list()
        if not request.path.endswith("/chat/completions"):
            return error_reply(404, "nothing of this path was recorded")
        try:
            body = json.loads(request.body)
        except ValueError:
            return error_reply(400, "the request is no JSON")
        return reply_of(self.nearest(body if isinstance(body, dict) else {}))

    def nearest(self, body: dict[str, Any]) -> Recording:
        """The recording whose request is nearest; an error only for a request that is like it."""
        asked = features(body)

        def far(entry: tuple[dict[str, set[str]], Recording]) -> int:
            apart = distance(asked, entry[0])
            refused = entry[1]["response"]["status"] >= 400 or entry[1]["flags"].get("error")
            return apart + (WEIGHTS["refused"] if refused and apart else 0)

        return min(self._chats, key=far)[1]

    def _list(self) -> Reply:
        """A list of the models that were asked, where none was recorded."""
        names = sorted({str(request_of(each).get("model", "recorded")) for _, each in self._chats})
        data = [
            {"id": name, "object": "model", "created": int(time.time()), "owned_by": "recorded"}
            for name in names
        ]
        body = json.dumps({"object": "list", "data": data}).encode()
        return Reply(200, (("content-type", "application/json"),), body)


def reply_of(recording: Recording) -> Reply:
    """A recording as it would be answered now."""
    response = recording["response"]
    body = CREATED.sub(rb"\g<1>%d" % time.time(), body_of(recording))
    headers = dict(_headers(response["headers"]))
    kind = "text/event-stream" if "sse" in response else "application/json"
    headers.setdefault("content-type", kind)
    return Reply(response["status"], tuple(headers.items()), body)


def _headers(recorded: dict[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in recorded.items():
        if name.lower() not in UNKEPT | {"date", "connection"}:
            yield name.lower(), value.encode("ascii", "replace").decode()


def replaying(provider: str) -> ReplayServer:
    """A server of the recordings of a provider that are as they came over the wire."""
    recordings = [load(path) for path in recording_files() if path.parent.name == provider]
    return ReplayServer(each for each in recordings if each["fidelity"] in AS_THEY_CAME)


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="Answer as a provider was recorded.")
    parser.add_argument("provider", help="A folder of tests/data/recordings")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    with BackgroundServer(replaying(options.provider), port=options.port) as server:
        print(f"{server.url}/v1", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
