"""Rules about the chunks of a stream: each alone, and all together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.conformance.check import rule
from pytest_byom.conformance.finding import Inconclusive, Wrong
from pytest_byom.conformance.rules.test_response import FINISH_REASONS
from pytest_byom.conformance.values import has_surrogate, is_integer
from pytest_byom.conformance.views import CHUNK_OBJECT, Chunk, ChunkStream, EventStream

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK_MEMBERS = frozenset(
    {"id", "object", "created", "model", "choices", "usage", "service_tier"}
    | {"system_fingerprint", "obfuscation"}
)
"""The members that every chunk may have; another one is a reason for a chunk of its own."""

UNNAMED = (None, "")


@rule(
    "stream.chunk-object",
    on=EventStream,
    level="must",
    decides=["chunk-01"],
    needs=["stream"],
    breaks="openai-python's stream() fails with AssertionError on another object",
)
def test_chunk_object(answer: EventStream) -> Iterator[Wrong]:
    """Every event is a chunk, and has object "chat.completion.chunk"."""
    if not answer.objects:
        raise Inconclusive("no chunk came")
    for chunk in answer.objects:
        if chunk.data.get("object") != CHUNK_OBJECT and not chunk.is_preamble:
            yield chunk.wrong("object", f'"{CHUNK_OBJECT}"')


@rule(
    "stream.chunk-id",
    on=ChunkStream,
    level="must",
    decides=["chunk-02"],
    needs=["stream"],
    breaks="the schema requires it; the Vercel AI SDK rejects a number",
)
def test_chunk_id(answer: ChunkStream) -> Iterator[Wrong]:
    """Every chunk has a string id."""
    for chunk in answer.chunks:
        if not isinstance(chunk.data.get("id"), str):
            yield chunk.wrong("id", "a string")


@rule(
    "stream.one-id",
    on=ChunkStream,
    level="must",
    decides=["chunk-03"],
    needs=["stream"],
    breaks="openai-node and UIs that group chunks by id show one answer as many",
)
def test_one_id(answer: ChunkStream) -> Iterator[Wrong]:
    """All chunks of one stream have the same id."""
    yield from _one_value(answer, "id")


@rule(
    "stream.one-created",
    on=ChunkStream,
    level="should",
    decides=["chunk-04"],
    needs=["stream"],
    breaks="the schema says that each chunk has the same timestamp; logs show one answer as many",
)
def test_one_created(answer: ChunkStream) -> Iterator[Wrong]:
    """All chunks of one stream have the same created value."""
    yield from _one_value(answer, "created")


def _one_value(answer: ChunkStream, name: str) -> Iterator[Wrong]:
    chunks = [c for c in answer.chunks if c.data.get(name) is not None and not c.is_preamble]
    for chunk in chunks[1:]:
        if chunk.data[name] != chunks[0].data[name]:
            yield chunk.wrong(name, f"{chunks[0].data[name]!r}, as in {chunks[0].place}")
            return


@rule(
    "stream.chunk-created",
    on=ChunkStream,
    level="must",
    decides=["chunk-04"],
    needs=["stream"],
    breaks="typed clients reject a string; milliseconds give a date in the far future",
)
def test_chunk_created(answer: ChunkStream) -> Iterator[Wrong]:
    """created is an integer in Unix seconds in every chunk."""
    for chunk in answer.chunks:
        created = chunk.data.get("created")
        if not is_integer(created) or created > 100_000_000_000:
            yield chunk.wrong("created", "Unix seconds")
            return


@rule(
    "stream.chunk-model",
    on=ChunkStream,
    level="must",
    decides=["chunk-05"],
    needs=["stream"],
    breaks="the schema requires it; cost and logs are kept by model name",
)
def test_chunk_model(answer: ChunkStream) -> Iterator[Wrong]:
    """Every chunk has model as a string."""
    for chunk in answer.chunks:
        if not isinstance(chunk.data.get("model"), str):
            yield chunk.wrong("model", "a string")


@rule(
    "stream.choices",
    on=ChunkStream,
    level="must",
    decides=["chunk-06"],
    needs=["stream"],
    breaks="missing or null choices raise in openai-python's and openai-node's stream helpers, and "
    "in your loop",
)
def test_choices(answer: ChunkStream) -> Iterator[Wrong]:
    """Every chunk has choices as an array, the usage chunk included."""
    for chunk in answer.chunks:
        if not isinstance(chunk.data.get("choices"), list):
            yield chunk.wrong("choices", "an array")


@rule(
    "stream.empty-choices",
    on=ChunkStream,
    level="should",
    decides=["chunk-22"],
    needs=["stream"],
    breaks="code that reads chunk.choices[0] fails with IndexError on a chunk without a choice",
)
def test_empty_choices(answer: ChunkStream) -> Iterator[Wrong]:
    """Only a chunk that has something else to say has no choices: usage, moderation."""
    for chunk in answer.chunks:
        says_more = chunk.data.get("usage") or set(chunk.data) - CHUNK_MEMBERS
        if chunk.data.get("choices") == [] and not says_more:
            yield chunk.wrong("choices", "a choice, or usage")


@rule(
    "stream.choice-index",
    on=ChunkStream,
    level="must",
    decides=["chunk-07"],
    needs=["stream"],
    breaks="a missing index raises in openai-python's and openai-node's stream helpers; a wrong "
    "one opens a second answer",
)
def test_choice_index(answer: ChunkStream) -> Iterator[Wrong]:
    """Every chunk choice has an integer index below the number of choices asked for."""
    for chunk in answer.chunks:
        for path, choice in chunk.choices:
            index = choice.get("index")
            if not is_integer(index) or not 0 <= index < answer.wanted:
                last = answer.wanted - 1
                yield chunk.wrong(f"{path}.index", f"0 to {last}" if last else "0")


@rule(
    "stream.delta",
    on=ChunkStream,
    level="must",
    decides=["chunk-08"],
    needs=["stream"],
    breaks="openai-python fails with AttributeError on null or nothing",
)
def test_delta(answer: ChunkStream) -> Iterator[Wrong]:
    """Every chunk choice has delta as an object."""
    for chunk in answer.chunks:
        for path, choice in chunk.choices:
            if not isinstance(choice.get("delta"), dict) and "message" not in choice:
                yield chunk.wrong(f"{path}.delta", "an object")


@rule(
    "stream.no-message",
    on=ChunkStream,
    level="should",
    decides=["chunk-34"],
    needs=["stream"],
    breaks="openai-python raises, LangChain and the Vercel AI SDK drop the text",
)
def test_no_message(answer: ChunkStream) -> Iterator[Wrong]:
    """A chunk has no message beside or instead of delta."""
    for chunk in answer.chunks:
        for path, choice in chunk.choices:
            if "message" in choice:
                yield chunk.wrong(f"{path}.message", "no such member")


@rule(
    "stream.no-null-error",
    on=ChunkStream,
    level="must",
    decides=["chunk-18"],
    needs=["stream"],
    breaks="the Vercel AI SDK takes the mere key for an error and drops the text",
)
def test_no_null_error(answer: ChunkStream) -> Iterator[Wrong]:
    """No chunk has an error member without a value."""
    for chunk in answer.chunks:
        if "error" in chunk.data:
            yield chunk.wrong("error", "no such member")


@rule(
    "stream.no-empty-finish",
    on=ChunkStream,
    level="must",
    decides=["chunk-09"],
    needs=["stream"],
    breaks="clients that test for None take the first chunk for the last",
)
def test_no_empty_finish(answer: ChunkStream) -> Iterator[Wrong]:
    """finish_reason is null or absent before the end, never the empty string."""
    for finishes in answer.finishes.values():
        for chunk, path, reason in finishes:
            if reason == "":
                yield chunk.wrong(path, "null")


@rule(
    "stream.one-finish",
    on=ChunkStream,
    level="must",
    decides=["chunk-10", "chunk-21"],
    needs=["stream"],
    breaks="none at all raises in openai-node's helper and is an error in the Vercel AI SDK; a "
    "second one runs the end of an answer twice",
)
def test_one_finish(answer: ChunkStream) -> Iterator[Wrong]:
    """Each choice gets exactly one finish_reason."""
    for index, finishes in answer.finishes.items():
        reasons = [reason for _, _, reason in finishes if reason != ""]
        if len(reasons) != 1 and not (not reasons and answer.broke_off):
            got = ", ".join(map(str, reasons)) or "none"
            yield Wrong(place=f"choice {index}", expected="one finish_reason", got=got)


@rule(
    "stream.finish-reason-known",
    on=ChunkStream,
    level="must",
    decides=["chunk-11"],
    needs=["stream"],
    breaks="the .NET client throws on an unknown value (openai/openai-dotnet); others map it to "
    '"other"',
)
def test_finish_reason_known(answer: ChunkStream) -> Iterator[Wrong]:
    """The streamed finish_reason is one of the five documented values."""
    for finishes in answer.finishes.values():
        for chunk, path, reason in finishes:
            if reason not in ("", *FINISH_REASONS):
                yield chunk.wrong(path, "one of " + ", ".join(FINISH_REASONS))


@rule(
    "stream.nothing-after-finish",
    on=ChunkStream,
    level="must",
    decides=["chunk-12"],
    needs=["stream"],
    breaks="clients that stop at finish_reason lose the rest of the text",
)
def test_nothing_after_finish(answer: ChunkStream) -> Iterator[Wrong]:
    """No content arrives for a choice after its finish_reason."""
    finished: set[object] = set()
    for chunk in answer.chunks:
        for path, choice in chunk.choices:
            delta = choice.get("delta")
            late = isinstance(delta, dict) and (delta.get("content") or delta.get("tool_calls"))
            if choice.get("index") in finished and late:
                yield chunk.wrong(f"{path}.delta", "nothing after the finish_reason")
            if choice.get("finish_reason"):
                finished.add(choice.get("index"))


@rule(
    "stream.role-first",
    on=ChunkStream,
    level="must",
    decides=["chunk-13"],
    needs=["stream"],
    breaks="a role that never comes raises in openai-node's helper and in LangChain",
)
def test_role_first(answer: ChunkStream) -> Iterator[Wrong]:
    """delta.role arrives in the first chunk of each choice."""
    for deltas in answer.deltas.values():
        chunk, path, delta = deltas[0]
        if delta.get("role") in UNNAMED:
            yield chunk.wrong(f"{path}.role", '"assistant"')


@rule(
    "stream.role-once",
    on=ChunkStream,
    level="should",
    decides=["chunk-14"],
    needs=["stream"],
    breaks='openai-python\'s stream() joins them: "assistantassistantassistant"',
)
def test_role_once(answer: ChunkStream) -> Iterator[Wrong]:
    """delta.role is sent once for each choice."""
    for deltas in answer.deltas.values():
        for chunk, path, delta in deltas[1:]:
            if delta.get("role") not in UNNAMED:
                yield chunk.wrong(f"{path}.role", "no role after the first chunk")
                break


@rule(
    "stream.role-assistant",
    on=ChunkStream,
    level="must",
    decides=["chunk-15"],
    needs=["stream"],
    breaks="the Vercel AI SDK rejects the chunk, openai-node ends without a message",
)
def test_role_assistant(answer: ChunkStream) -> Iterator[Wrong]:
    """delta.role has no other value than assistant."""
    for chunk, path, delta in _deltas(answer):
        if delta.get("role") not in (*UNNAMED, "assistant"):
            yield chunk.wrong(f"{path}.role", '"assistant"')


@rule(
    "stream.content",
    on=ChunkStream,
    level="must",
    decides=["chunk-16"],
    needs=["stream"],
    breaks="a number raises in your code, LangChain raises, the Vercel AI SDK drops the chunk",
)
def test_content(answer: ChunkStream) -> Iterator[Wrong]:
    """delta.content is a string or null."""
    for chunk, path, delta in _deltas(answer):
        if not isinstance(delta.get("content"), str | None):
            yield chunk.wrong(f"{path}.content", "a string or null")


@rule(
    "stream.surrogates",
    on=ChunkStream,
    level="should",
    decides=["chunk-30"],
    needs=["stream"],
    breaks="Python clients then hold a string that cannot be encoded or printed",
)
def test_surrogates(answer: ChunkStream) -> Iterator[Wrong]:
    """No delta holds half a character."""
    for chunk, path, delta in _deltas(answer):
        content = delta.get("content")
        if isinstance(content, str) and has_surrogate(content):
            place = f"{chunk.place}, {path}.content"
            yield Wrong(place=place, expected="whole characters", got=ascii(content)[:80])


@rule(
    "stream.usage-once",
    on=ChunkStream,
    level="must",
    decides=["usage-11", "usage-13"],
    needs=["stream"],
    breaks="LangChain adds the counts of all chunks up",
)
def test_usage_once(answer: ChunkStream) -> Iterator[Wrong]:
    """Usage with a value is in one chunk only."""
    if len(answer.usages) > 1:
        chunk, _ = answer.usages[1]
        yield chunk.wrong("usage", f"null: {answer.usages[0][0].place} had the usage")


def _deltas(answer: ChunkStream) -> Iterator[tuple[Chunk, str, dict[str, object]]]:
    for deltas in answer.deltas.values():
        yield from deltas
