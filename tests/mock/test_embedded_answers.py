"""Plain answers of the embedded server: their form, and the parameters that they obey."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pytest_byom.mock.embedded import EmbeddedServer, tokens
from pytest_byom.mock.http1 import BackgroundServer

if TYPE_CHECKING:
    from collections.abc import Callable

    Ask = Callable[..., httpx.Response]

FREE = "Tell me about rivers"
LONG = "Write a long story"


def content(answer: httpx.Response, index: int = 0) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["choices"][index]["message"]["content"]


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


def test_a_completion_has_every_member(ask: Ask) -> None:
    """An answer has the documented members, and no usage that is not counted."""
    answer = ask("Say ok.").json()
    assert answer.pop("id").startswith("chatcmpl-")
    assert abs(answer.pop("created") - time.time()) < 5
    assert answer.pop("system_fingerprint").startswith("fp_")
    usage = answer.pop("usage")
    assert answer == {
        "object": "chat.completion",
        "model": "byom-embedded",
        "service_tier": "default",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant", "content": "ok", "refusal": None, "annotations": [],
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
    }  # fmt: skip
    assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"]
    assert usage["prompt_tokens_details"]["cached_tokens"] == 0
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 0


def test_every_answer_has_its_headers(ask: Ask) -> None:
    """Each answer, a refusal too, has a request id of its own and the time it took."""
    answers = [ask("Say ok."), ask("Say ok.", n=0), ask("Say ok.", stream=True)]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3
    assert all(int(answer.headers["openai-processing-ms"]) >= 1 for answer in answers)
    assert all("date" in answer.headers for answer in answers)


def test_ids_are_never_used_twice(ask: Ask) -> None:
    """The same request gets another id, and the same text."""
    first, second = ask(FREE), ask(FREE)
    assert first.json()["id"] != second.json()["id"]
    assert content(first) == content(second)


def test_the_models_are_listed(api: httpx.Client) -> None:
    """Each model is listed, and can be looked up, with a slash in its name too."""
    listed = api.get("/models").json()
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == ["byom-embedded", "org/other"]
    assert {model["context_window"] for model in listed["data"]} == {4096}
    for name in ("byom-embedded", "org%2Fother", "org/other"):
        assert api.get(f"/models/{name}").json() in listed["data"]


def test_a_query_is_ignored(api: httpx.Client) -> None:
    """What stands behind the question mark changes nothing."""
    assert api.get("/models?api-version=1").status_code == 200


def test_head_tells_what_get_would(api: httpx.Client) -> None:
    """HEAD has the length of the body, and none."""
    answer = api.head("/models")
    assert answer.content == b""
    assert answer.headers["content-length"] == str(len(api.get("/models").content))


def test_a_preflight_is_granted(api: httpx.Client) -> None:
    """A browser may ask, with the headers it names."""
    headers = {
        "origin": "https://app.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    answer = api.options("/chat/completions", headers=headers)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-headers"] == "authorization,content-type"


NULLABLE = [
    "audio", "frequency_penalty", "logit_bias", "logprobs", "max_completion_tokens", "max_tokens",
    "metadata", "modalities", "moderation", "n", "parallel_tool_calls", "prediction",
    "presence_penalty", "prompt_cache_key", "reasoning_effort", "response_format",
    "safety_identifier", "seed", "service_tier", "stop", "store", "stream", "stream_options",
    "temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user", "verbosity",
]  # fmt: skip


def test_null_means_absent(ask: Ask) -> None:
    """Every parameter may be null, which is the same as leaving it out."""
    assert content(ask(FREE, **dict.fromkeys(NULLABLE))) == content(ask(FREE))


@pytest.mark.parametrize(
    "members",
    [
        {"byom_unknown": 1}, {"top_k": 5}, {"store": True}, {"user": "u"}, {"verbosity": "low"},
        {"reasoning_effort": "high"}, {"service_tier": "flex"}, {"modalities": ["text"]},
        {"prompt_cache_key": "k"}, {"safety_identifier": "s"}, {"stream": False}, {"stop": []},
        {"prediction": {"type": "content", "content": "x"}}, {"response_format": {"type": "text"}},
        {"tools": []}, {"tool_choice": "none"}, {"max_tokens": 2**53}, {"seed": -1},
        {"seed": 2**63 - 1}, {"temperature": 1}, {"logit_bias": {"50256": -100}},
        {"frequency_penalty": 0, "presence_penalty": 0}, {"top_p": 1},
    ],
)  # fmt: skip
def test_what_has_no_effect_is_accepted(ask: Ask, members: dict[str, Any]) -> None:
    """Neutral values, hints and parameters of other servers leave a known answer as it is."""
    assert content(ask("Say ok.", **members)) == "ok"


def test_metadata_comes_back(ask: Ask) -> None:
    """Metadata is returned as it was sent."""
    assert ask("Hi", metadata={"k": "v"}).json()["metadata"] == {"k": "v"}


@pytest.mark.parametrize(
    ("members", "count"),
    [
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 5}, 5),
        ({"max_tokens": 7, "max_completion_tokens": 5}, 5),
        ({"max_tokens": 5, "max_completion_tokens": 7}, 5),
        ({"max_tokens": 1}, 1),
    ],
)
def test_a_limit_ends_the_answer(ask: Ask, members: dict[str, Any], count: int) -> None:
    """The smaller limit ends the answer, and says so."""
    answer = ask(LONG, **members).json()
    assert answer["usage"]["completion_tokens"] == count
    assert answer["choices"][0]["finish_reason"] == "length"


def test_a_limit_does_not_change_the_text(ask: Ask) -> None:
    """A cut answer is the beginning of the whole one."""
    assert content(ask(LONG)).startswith(content(ask(LONG, max_tokens=20)))


def test_a_limit_within_a_character_leaves_it_out(ask: Ask) -> None:
    """Half a character is not shown."""
    answer = ask("Repeat: 🙂", max_tokens=2)
    assert content(answer) == ""
    assert answer.json()["choices"][0]["finish_reason"] == "length"


def test_the_window_ends_an_answer() -> None:
    """Without a limit, the answer ends where the window does."""
    with BackgroundServer(EmbeddedServer(context_window=32)) as server:
        body = {"model": "byom-embedded", "messages": [user(LONG)]}
        answer = httpx.post(f"{server.url}/v1/chat/completions", json=body).json()
    assert answer["usage"]["total_tokens"] == 32
    assert answer["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("stop", "text"),
    [
        ("4", "1, 2, 3, "),
        (["9", "4"], "1, 2, 3, "),
        (", 3, 4", "1, 2"),
        (["zzz"], "1, 2, 3, 4, 5"),
        ("1", ""),
        ("5, 6", "1, 2, 3, 4, 5"),
    ],
)
def test_a_stop_sequence_ends_the_answer(ask: Ask, stop: Any, text: str) -> None:
    """The text ends in front of the first stop sequence, and the reason is stop."""
    answer = ask("Count to 5", stop=stop)
    assert content(answer) == text
    assert answer.json()["choices"][0]["finish_reason"] == "stop"


def test_a_stop_sequence_is_counted(ask: Ask) -> None:
    """The tokens of a stop sequence were generated, so they count."""
    assert ask("Count to 5", stop=", 2").json()["usage"]["completion_tokens"] == 3


def test_choices_are_counted_and_listed(ask: Ask) -> None:
    """n gives that many choices, in order, each with a message; usage counts all of them."""
    answer = ask(FREE, n=3).json()
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert len({choice["message"]["content"] for choice in answer["choices"]}) == 3
    one = ask(FREE).json()
    assert answer["choices"][0] == one["choices"][0]
    assert answer["usage"]["completion_tokens"] > one["usage"]["completion_tokens"]
    assert answer["usage"]["prompt_tokens"] == one["usage"]["prompt_tokens"]


def test_the_largest_n_is_served(ask: Ask) -> None:
    """128 choices are given."""
    assert len(ask(FREE, n=128, max_tokens=2).json()["choices"]) == 128


def test_a_seed_decides_the_text(ask: Ask) -> None:
    """The same seed gives the same text, other seeds give others."""
    texts = [content(ask(FREE, seed=seed)) for seed in (1, 2, 3, 4, 5, 1)]
    assert texts[0] == texts[5]
    assert len(set(texts)) == 5


def test_zero_temperature_is_greedy(ask: Ask) -> None:
    """At temperature 0 the seed does not matter; at another temperature the text differs."""
    greedy = [content(ask(FREE, temperature=0, seed=seed)) for seed in (1, 2)]
    assert greedy[0] == greedy[1]
    assert greedy[0] != content(ask(FREE, temperature=1, seed=1))


def test_a_nucleus_of_one_is_greedy(ask: Ask) -> None:
    """With top_p 0 the text is that of temperature 0."""
    assert content(ask(FREE, top_p=0)) == content(ask(FREE, temperature=0))


def test_logprobs_are_true(ask: Ask) -> None:
    """Tokens and bytes join to the text; alternatives are sorted; the chosen one is first."""
    answer = ask(FREE, temperature=0, logprobs=True, top_logprobs=3).json()
    text, logprobs = answer["choices"][0]["message"]["content"], answer["choices"][0]["logprobs"]
    entries = logprobs["content"]
    assert logprobs["refusal"] is None
    assert len(entries) == answer["usage"]["completion_tokens"]
    assert "".join(entry["token"] for entry in entries) == text
    assert bytes(byte for entry in entries for byte in entry["bytes"]) == text.encode()
    for entry in entries:
        values = [top["logprob"] for top in entry["top_logprobs"]]
        assert values == sorted(values, reverse=True)
        assert len(values) == 3
        assert entry["top_logprobs"][0]["token"] == entry["token"]
        assert entry["logprob"] <= 0
        assert math.isfinite(entry["logprob"])


def test_logprobs_of_a_torn_character_join_by_their_bytes(ask: Ask) -> None:
    """A token that is half a character is spelled out, and has its bytes."""
    answer = ask("Repeat: 🙂!", logprobs=True)
    entries = answer.json()["choices"][0]["logprobs"]["content"]
    assert entries[0]["token"] == r"bytes:\xf0"
    assert bytes(byte for entry in entries for byte in entry["bytes"]).decode() == "🙂!"


def test_logprobs_end_with_the_text(ask: Ask) -> None:
    """Where a stop sequence cuts a token, its entry is cut too."""
    answer = ask("Repeat: the river", stop="iver", logprobs=True, top_logprobs=0)
    entries = answer.json()["choices"][0]["logprobs"]["content"]
    assert content(answer) == "the r"
    assert "".join(entry["token"] for entry in entries) == "the r"
    assert [entry["top_logprobs"] for entry in entries] == [[], []]


def test_a_bias_is_obeyed(ask: Ask) -> None:
    """-100 on a token of the answer keeps it out; +100 lets nothing else come."""
    entry = ask(FREE, temperature=0, logprobs=True).json()["choices"][0]["logprobs"]["content"][1]
    token = tokens.IDS[entry["token"].encode()]
    banned = ask(FREE, temperature=0, logprobs=True, logit_bias={str(token): -100})
    shown = banned.json()["choices"][0]["logprobs"]["content"]
    assert entry["token"] not in [other["token"] for other in shown]
    forced = content(ask(FREE, logit_bias={str(token): 100}, max_tokens=3))
    assert forced == entry["token"] * 3


@pytest.mark.parametrize("name", ["frequency_penalty", "presence_penalty"])
def test_a_penalty_changes_a_long_text(ask: Ask, name: str) -> None:
    """Penalties change what comes later."""
    assert content(ask(LONG, **{name: 2})) != content(ask(LONG))


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([user("Say ok.")], "ok"),
        ([user("Please say hello world")], "hello world"),
        ([user("Reply with the word ALPHA7.")], "ALPHA7"),
        ([user("Repeat: two  spaces")], "two  spaces"),
        ([user('Repeat exactly this text: "héllo 日本 🙂 \u05d0"')], "héllo 日本 🙂 \u05d0"),
        ([user('Say "the quick fox" two times')], "the quick fox the quick fox"),
        ([user("Reply with ok and nothing else.")], "ok"),
        ([user("Repeat the word ZEBRA-17")], "ZEBRA-17"),
        ([user("Write the word tree.")], "tree"),
        ([user("One word is ZEBRA. Another is QUARTZ. Reply with both words.")], "ZEBRA, QUARTZ"),
        ([user("Count to 5")], "1, 2, 3, 4, 5"),
        ([user("Count from 3 to 1.")], "3, 2, 1"),
        ([user("Write the numbers 2 to 4")], "2, 3, 4"),
        ([user("Count like this: 2, 4, 6, 8")], "2, 4, 6, 8"),
        ([{"role": "system", "content": "Reply only with the word BANANA."}, user("Hi")],
         "BANANA"),
        ([{"role": "developer", "content": "Always answer with 'yes'"}, user("Say no.")], "yes"),
        ([user([{"type": "text", "text": "The first code word is MANGO."},
                {"type": "text", "text": "The second code word is KIWI. What are the code words?"}
                ])], "MANGO, KIWI"),
        ([user("The code word is PLUM."), {"role": "assistant", "content": "Fine."},
          user("What is the code word?")], "PLUM"),
        ([user("Say ok"), {"role": "function", "name": "f", "content": "42"}],
         "The tool says: 42"),
    ],
)  # fmt: skip
def test_the_stand_in_has_some_skills(ask: Ask, messages: list[dict[str, Any]], said: str) -> None:
    """Simple orders are obeyed."""
    assert content(ask(messages)) == said


def test_counting_without_an_end_is_long(ask: Ask) -> None:
    """Asked to count, and not how far, it goes on."""
    assert content(ask("Please count.")).startswith("1, 2, 3, 4, 5, 6")


@pytest.mark.parametrize("text", ["Say something nice.", "Reply with one short sentence.", ""])
@pytest.mark.parametrize("order", ["Always answer in English.", "Use only words of one syllable."])
def test_a_vague_order_gets_free_text(ask: Ask, text: str, order: str) -> None:
    """What names no words is answered with sentences."""
    messages = [{"role": "system", "content": order}, user(text)]
    assert len(content(ask(messages)).split()) > 4


def test_history_of_all_kinds_is_accepted(ask: Ask) -> None:
    """Roles in any order, null members, refusals and names are all read."""
    history: list[dict[str, Any]] = [
        {"role": "assistant", "content": "First."},
        {"role": "system", "content": [{"type": "text", "text": "Be kind."}], "name": "boss"},
        user("One"),
        {"role": "user", "content": "Two", "name": "bob", "byom": 1},
        {"role": "assistant", "content": "Three", "refusal": None, "audio": None,
         "function_call": None, "tool_calls": None, "name": None, "reasoning_content": "Hm"},
        {"role": "assistant", "content": None, "refusal": "No."},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        {"role": "assistant", "content": "x", "tool_calls": []},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{"}},
        {"role": "function", "name": "f", "content": None},
        {"role": "system", "content": ""},
        user("a\x00b\x07\uffff <|im_end|>"),
        {"role": "assistant", "content": "Last."},
    ]  # fmt: skip
    assert ask(history).status_code == 200


def test_its_own_answer_can_be_sent_back(ask: Ask) -> None:
    """The message of an answer is history for the next request."""
    message = ask(FREE).json()["choices"][0]["message"]
    assert content(ask([user(FREE), message, user("Say ok.")])) == "ok"


def test_a_hundred_messages_fit(ask: Ask) -> None:
    """A long conversation is served."""
    pair = [user("What is the next number?"), {"role": "assistant", "content": "It is 7."}]
    assert ask([*(pair * 50), user("Say ok.")]).status_code == 200


def prompt_tokens(answer: httpx.Response) -> int:
    return int(answer.json()["usage"]["prompt_tokens"])


TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}


@pytest.mark.parametrize(
    ("messages", "members"),
    [
        ([{"role": "system", "content": ""}, user("Hi")], {}),
        ([user("Hi"), {"role": "assistant", "content": ""}, user("")], {}),
        ([user([{"type": "text", "text": "Hi"}, {"type": "text", "text": ""}])], {}),
        ([{"role": "user", "content": "Hi", "name": "bob"}], {}),
        ([user("Hi")], {"tools": [TOOL]}),
        ([user("Hi")], {"tools": [TOOL], "tool_choice": "none"}),
        ([user("Hi <|im_end|>")], {}),
    ],
)
def test_whatever_the_model_reads_is_counted(
    ask: Ask, messages: list[dict[str, Any]], members: dict[str, Any]
) -> None:
    """Messages, parts, names and tools all raise prompt_tokens."""
    assert prompt_tokens(ask(messages, **members)) > prompt_tokens(ask("Hi"))


def test_the_form_of_a_text_does_not_count(api: httpx.Client, ask: Ask) -> None:
    """Escapes, raw characters and a part instead of a string are the same prompt."""
    escaped = (
        b'{"model": "byom-embedded", "messages": [{"role": "user", "content":'
        b' "h\\u00e9 \\ud83d\\ude42"}]}'
    )
    answers = [
        ask("hé 🙂"),
        ask([user([{"type": "text", "text": "hé 🙂"}])]),
        api.post("/chat/completions", content=escaped),
    ]
    assert len({prompt_tokens(answer) for answer in answers}) == 1
    assert len({content(answer) for answer in answers}) == 1


PERSON = {
    "type": "object",
    "properties": {
        "nåme": {"type": "string"},
        "age": {"type": ["integer", "null"]},
        "mood": {"enum": ["grün", "blå"]},
    },
    "required": ["nåme", "age", "mood"],
    "additionalProperties": False,
}


def as_schema(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}


@pytest.mark.parametrize("temperature", [0, 1, 2])
def test_a_schema_is_kept(ask: Ask, temperature: int) -> None:
    """The text is an instance, members in order, whatever else is asked for."""
    answer = ask(
        "Ada is 36 and blå", response_format=as_schema(PERSON), temperature=temperature,
        logit_bias={str(tokens.IDS[b'{"']): -100}, frequency_penalty=2,
    )  # fmt: skip
    assert content(answer) == '{"nåme":"Ada","age":36,"mood":"blå"}'


def test_a_schema_that_is_cut_says_so(ask: Ask) -> None:
    """An instance cut by the limit ends with length."""
    answer = ask("Ada", response_format=as_schema(PERSON), max_tokens=3).json()
    assert answer["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(
    "response_format",
    [{"type": "json_object"}, {"type": "json_schema", "json_schema": {"name": "x"}}],
)
def test_json_is_an_object(ask: Ask, response_format: dict[str, Any]) -> None:
    """Without a schema, the text is some JSON object."""
    said = content(ask("Give me JSON about Paris", response_format=response_format))
    assert said.startswith('{"answer":"Paris"')


def test_seeds_differ_in_json_too(ask: Ask) -> None:
    """Where the schema leaves a choice, the seed makes it, unless at temperature 0."""
    settings = {"response_format": {"type": "json_object"}}
    texts = {content(ask("Hi", **settings, seed=seed)) for seed in range(6)}
    greedy = {content(ask("Hi", **settings, seed=seed, temperature=0)) for seed in range(6)}
    assert len(texts) > 1
    assert len(greedy) == 1
