"""The client core beside raw httpx and openai-python: `python benchmarks/llm.py`.

All ask the same loopback server, in turn: a plain answer, and a stream of 100 chunks. Raw httpx
does the least that an app could do by hand: parse the JSON and join the text. Wall time is what a
user waits; CPU time is what the client costs, the server being another process.
"""

from __future__ import annotations

import importlib.metadata
import json
import multiprocessing
import platform
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import openai
from rounds import Way, figure, measure, ratio

from pytest_byom.client.llm import LLM
from pytest_byom.mock.http1 import BackgroundServer, Reply, Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from multiprocessing.connection import Connection

CHUNKS = 100
ROUNDS, REPEAT = 20, 10
MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]
BODY = {"model": "m", "messages": MESSAGES}
HEAD = {"id": "chatcmpl-1", "created": 1700000000, "model": "m"}
USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


def plain_answer() -> bytes:
    """A chat completion."""
    message = {"role": "assistant", "content": "Hello there"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    answer = {**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE}
    return json.dumps(answer).encode()


def events() -> list[bytes]:
    """A stream of chunks, one event each."""
    deltas: list[tuple[dict[str, str], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": " hello"}, None)] * (CHUNKS - 2)
    deltas += [({}, "stop")]
    choices = [{"index": 0, "delta": delta, "finish_reason": end} for delta, end in deltas]
    chunks = [{**HEAD, "object": "chat.completion.chunk", "choices": [one]} for one in choices]
    return [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks] + [b"data: [DONE]\n\n"]


PLAIN, EVENTS = plain_answer(), events()


async def answer(request: Request) -> Reply:
    """Answer every request with the same text, streamed if it asks so."""
    if b'"stream":true' in request.body.replace(b" ", b""):
        return Reply(200, (("content-type", "text/event-stream"),), _stream())
    return Reply(200, (("content-type", "application/json"),), PLAIN)


async def _stream() -> AsyncIterator[bytes]:
    for event in EVENTS:
        yield event


def _serve(pipe: Connection) -> None:
    with BackgroundServer(answer) as server:
        pipe.send(server.url)
        pipe.recv()


@contextmanager
def running_server() -> Iterator[str]:
    """Give the base URL of the server, in a process of its own."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,))
    process.start()
    yield f"{ours.recv()}/v1"
    ours.send("stop")
    process.join()


def raw_plain(client: httpx.Client, url: str) -> str:
    """Ask with httpx alone."""
    data = client.post(url, json=BODY).json()
    return str(data["choices"][0]["message"]["content"])


def raw_stream(client: httpx.Client, url: str) -> str:
    """Stream with httpx alone."""
    text = ""
    with client.stream("POST", url, json={**BODY, "stream": True}) as response:
        for line in response.iter_lines():
            if line.startswith("data: ") and line != "data: [DONE]":
                text += json.loads(line[6:])["choices"][0]["delta"].get("content", "")
    return text


def our_stream(llm: LLM) -> str:
    """Stream with the client core, looking at every event."""
    with llm.stream_response("Hi") as stream:
        for _ in stream:
            pass
        return stream.response().content


def openai_stream(client: Any) -> str:
    """Stream with openai-python."""
    text = ""
    for chunk in client.chat.completions.create(model="m", messages=MESSAGES, stream=True):
        text += chunk.choices[0].delta.content or ""
    return text


def openai_assembled(client: Any) -> str:
    """Stream with openai-python's helper, which gives events and a whole answer as ours does."""
    with client.chat.completions.stream(model="m", messages=MESSAGES) as stream:
        for _ in stream:
            pass
        return str(stream.get_final_completion().choices[0].message.content)


def compare(title: str, ways: dict[str, Way]) -> None:
    """Print what each way takes, and the ratios."""
    assert len({way() for way in ways.values()}) == 1, "not the same text"
    for clock in (time.perf_counter, time.process_time):
        name = "wall" if clock is time.perf_counter else "CPU"
        taken = measure(ways, rounds=ROUNDS, repeat=REPEAT, clock=clock)
        print(f"\n{title}, {name} time")
        for way, seconds in taken.items():
            print(f"  {way:26}{figure(seconds)}")
        print(f"  byom / httpx    {ratio(taken['byom'], taken['httpx'])}")
        for way in list(ways)[2:]:
            print(f"  {way} / byom    {ratio(taken[way], taken['byom'])}")


def main() -> None:
    """Print the figures of a plain request and of a stream."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("httpx", "openai")]
    print(f"Python {platform.python_version()}, {platform.machine()}; {', '.join(versions)}")
    with running_server() as base_url, httpx.Client() as raw, httpx.Client() as injected:
        llm = LLM(base_url=base_url, model="m", http_client=injected)
        sdk = openai.OpenAI(base_url=base_url, api_key="any")
        url = f"{base_url}/chat/completions"
        create: Any = sdk.chat.completions.create
        compare(
            "a plain request",
            {
                "httpx": lambda: raw_plain(raw, url),
                "byom": lambda: llm.send_messages("Hi").content,
                "openai-python": lambda: (
                    create(model="m", messages=MESSAGES).choices[0].message.content
                ),
            },
        )
        compare(
            f"a stream of {CHUNKS} chunks",
            {
                "httpx": lambda: raw_stream(raw, url),
                "byom": lambda: our_stream(llm),
                "openai-python": lambda: openai_stream(sdk),
                "openai-python, assembled": lambda: openai_assembled(sdk),
            },
        )


if __name__ == "__main__":
    main()
