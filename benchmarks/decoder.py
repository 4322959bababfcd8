"""Decoding event streams, beside other pure-Python decoders: `python benchmarks/decoder.py`.

Each decoder gets the same reads as bytes and gives its own events; nothing parses their JSON.
Those that take text get it from an incremental UTF-8 decoder, as their own clients do it.
"""

from __future__ import annotations

import codecs
import importlib.metadata
import json
import platform
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path

from httpx2._sse import _SSEParser
from httpx_sse._decoders import SSEDecoder as HTTPXDecoder
from httpx_sse._decoders import SSELineDecoder
from ld_eventsource.actions import Event
from ld_eventsource.reader import _BufferedLineReader, _SSEReader
from openai._streaming import SSEDecoder as OpenAIDecoder
from rounds import measure, ratio
from sseclient import SSEClient

from pytest_byom.client.sse import SSEDecoder

RECORDINGS = Path(__file__).parents[1] / "tests" / "data" / "recordings"
EVENTS = 2_000
ROUNDS = 15
Reads = list[bytes]
Decode = Callable[[Reads], int]


def byom(reads: Reads) -> int:
    """Our decoder."""
    decoder, events = SSEDecoder(), 0
    for read in reads:
        for _ in decoder.feed(read):
            events += 1
    return events


def httpx_sse(reads: Reads) -> int:
    """httpx-sse, which takes lines of text."""
    text, lines, decoder = codecs.getincrementaldecoder("utf-8")(), SSELineDecoder(), HTTPXDecoder()
    events = 0
    for read in reads:
        for line in lines.decode(text.decode(read)):
            if decoder.decode(line.rstrip("\n")) is not None:
                events += 1
    return events


def httpx2(reads: Reads) -> int:
    """The decoder inside httpx2, which takes text."""
    text, parser, events = codecs.getincrementaldecoder("utf-8")(), _SSEParser(), 0
    for read in reads:
        for _ in parser.decode(text.decode(read)):
            events += 1
    return events


def openai(reads: Reads) -> int:
    """The decoder inside openai-python."""
    events = 0
    for _ in OpenAIDecoder().iter_bytes(iter(reads)):
        events += 1
    return events


def sseclient_py(reads: Reads) -> int:
    """sseclient-py."""
    events = 0
    for _ in SSEClient(iter(reads)).events():
        events += 1
    return events


def launchdarkly(reads: Reads) -> int:
    """launchdarkly-eventsource, whose comments are events too."""
    events = 0
    for event in _SSEReader(_BufferedLineReader.lines_from(reads)).events_and_comments():
        if isinstance(event, Event):
            events += 1
    return events


DECODERS: dict[str, Decode] = {
    "pytest-byom": byom,
    "httpx-sse": httpx_sse,
    "httpx2": httpx2,
    "openai": openai,
    "sseclient-py": sseclient_py,
    "launchdarkly-eventsource": launchdarkly,
}


def event_of(content: str) -> bytes:
    """A chunk as OpenAI sends it."""
    choice = {"index": 0, "delta": {"content": content}, "logprobs": None, "finish_reason": None}
    chunk = {
        "id": "chatcmpl-AbCdEf0123456789",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "gpt-4o-mini-2024-07-18",
        "system_fingerprint": "fp_0123456789",
        "choices": [choice],
    }
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()


def cut(text: bytes, size: int) -> Reads:
    """A stream in reads of one size."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def streams() -> dict[str, Reads]:
    """The same events in the ways in which they arrive."""
    plain = [event_of(" hello") for _ in range(EVENTS)]
    wide = [event_of(" für 日本") for _ in range(EVENTS)]
    crlf = [event.replace(b"\n", b"\r\n") for event in plain]
    comments = [b": OPENROUTER PROCESSING\n\n" + event for event in plain]
    return {
        "one event a read": plain,
        "one event a read, not ASCII": wide,
        "one event a read, CRLF": crlf,
        "one event and a comment a read": comments,
        "reads of 4 KiB": cut(b"".join(plain), 4096),
        "reads of 4 KiB, CRLF": cut(b"".join(crlf), 4096),
        "reads of 100 bytes": cut(b"".join(plain), 100),
        "recorded streams in their reads": recorded(),
    }


def recorded() -> Reads:
    """Streams of real servers, one after the other, in the network reads in which they came."""
    reads: Reads = []
    for path in sorted(RECORDINGS.glob("*/stream*.json")):
        response = json.loads(path.read_text("utf-8"))["response"]
        text = response["sse"].encode()
        for size in response.get("sse_chunk_bytes", ()):
            reads.append(text[:size])
            text = text[size:]
    return reads


def count(decode: Decode, reads: Reads, events: int) -> int:
    """Decode all and count the events; all must be there."""
    found = decode(reads)
    assert found == events, (decode.__name__, found, events)
    return found


def versions() -> str:
    """What is measured, and on what."""
    names = [name for name in DECODERS if name != "pytest-byom"]
    found = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return f"Python {platform.python_version()}, {platform.machine()}; {found}"


def main() -> None:
    """Print, for each stream, what each decoder takes for an event, and how many times ours."""
    print(versions())
    print(f"{ROUNDS} rounds; CPU microseconds for an event, and times ours (quartiles)")
    for label, reads in streams().items():
        events = byom(reads)
        ways = {name: partial(count, decode, reads, events) for name, decode in DECODERS.items()}
        taken = measure(ways, rounds=ROUNDS, repeat=max(1, 4 * EVENTS // events))
        print(f"\n{label}: {events} events in {len(reads)} reads")
        for name, seconds in taken.items():
            each = statistics.median(seconds) / events * 1e6
            print(f"  {name:26}{each:8.2f} us   {ratio(seconds, taken['pytest-byom'])}")


if __name__ == "__main__":
    main()
