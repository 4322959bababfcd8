"""Distributions, and how an answer is drawn from them."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_byom.mock.embedded import tokens
from pytest_byom.mock.embedded.mixing import digest, mix, unit
from pytest_byom.mock.embedded.model import ForcedText, FreeText, Logits, PlannedText, Text
from pytest_byom.mock.embedded.sampling import NEVER, Distribution, Sampler, Sampling

WORD = tokens.IDS[b" river"]
OTHER = tokens.IDS[b" lantern"]
ALL = (*range(tokens.SIZE), tokens.END)


def draw(text: Text, sampling: Sampling, *, choice: int = 0, limit: int = 60) -> list[int]:
    sampler = Sampler(text, sampling, context=1, choice=choice, top=None)
    drawn = (sampler.next() for _ in range(limit))
    return [chosen.token for chosen in drawn if chosen is not None]


def free(**settings: float) -> list[int]:
    sampling = Sampling(**settings)  # type: ignore[arg-type]  # floats for ints are fine here
    return draw(FreeText(7, long=True), sampling)


logits = st.builds(
    Logits,
    own=st.dictionaries(st.sampled_from(ALL), st.floats(-100, 100), min_size=1, max_size=30),
)


@given(logits, st.floats(0.05, 2), st.floats(0, 1))
def test_all_probabilities_sum_to_one(given_logits: Logits, heat: float, top_p: float) -> None:
    """Over the whole vocabulary and the end mark, the probabilities sum to 1."""
    distribution = Distribution(given_logits, temperature=heat, top_p=top_p)
    assert math.isclose(sum(map(distribution.probability, ALL)), 1, rel_tol=1e-9)


@given(logits, st.integers(0, 20))
def test_the_likeliest_are_the_likeliest(given_logits: Logits, count: int) -> None:
    """The list of alternatives is sorted, and no token outside is likelier."""
    distribution = Distribution(given_logits)
    ranked = distribution.likeliest(count)
    values = [distribution.logprob(token) for token in ranked]
    assert len(set(ranked)) == count
    assert values == sorted(values, reverse=True)
    outside = (distribution.logprob(t) for t in range(tokens.SIZE) if t not in ranked)
    assert not values or max(outside) <= values[-1]


@given(logits, st.floats(0, 1, exclude_max=True))
def test_only_what_can_come_is_drawn(given_logits: Logits, point: float) -> None:
    """A token that is drawn has a probability above 0."""
    distribution = Distribution(given_logits)
    assert distribution.probability(distribution.draw(point)) > 0


def test_draws_follow_the_distribution() -> None:
    """Each token is drawn as often as its probability says."""
    distribution = Distribution(Logits({WORD: 2.0, OTHER: 1.0}, words=None, bytes=None))
    counts = Counter(distribution.draw(step / 1000) for step in range(1000))
    assert counts == {WORD: 732, OTHER: 268}


def test_words_without_a_logit_of_their_own_are_drawn() -> None:
    """At the far end of the line stand the words and the bytes that share a probability."""
    distribution = Distribution(Logits({WORD: 0.0}, words=0.0, bytes=0.0))
    assert distribution.draw(0.5) not in (WORD, tokens.END)
    assert distribution.draw(0.9999) < tokens.BYTES
    assert distribution.draw(1.5) == WORD


def test_a_small_nucleus_leaves_one_token() -> None:
    """With top_p 0 only the likeliest token is left, for certain."""
    distribution = Distribution(Logits({WORD: 2.0, OTHER: 1.0}), top_p=0.0)
    assert distribution.logprob(WORD) == 0.0
    assert distribution.logprob(OTHER) == NEVER


def test_greedy_takes_an_unweighed_word_when_all_others_are_banned() -> None:
    """If every weighed token is banned, the first other word comes."""
    assert Distribution(Logits({WORD: -100.0})).greedy() == tokens.BYTES


def test_the_same_seed_draws_the_same() -> None:
    """A draw is repeated by its seed."""
    assert free(seed=1) == free(seed=1)


@pytest.mark.parametrize("change", [{"seed": 2}, {"temperature": 2.0}, {"frequency_penalty": 2.0}])
def test_a_setting_changes_the_draw(change: dict[str, float]) -> None:
    """Seed, temperature and penalties change what is drawn."""
    assert free(seed=1) != free(**{"seed": 1, **change})


def test_zero_temperature_does_not_look_at_the_seed() -> None:
    """At temperature 0 every seed gives the same."""
    assert free(seed=1, temperature=0) == free(seed=2, temperature=0)


def test_choices_differ() -> None:
    """Each choice is drawn for itself."""
    first, second = (draw(FreeText(7, long=True), Sampling(), choice=n) for n in (0, 1))
    assert first != second


def test_a_bias_bans_a_token() -> None:
    """-100 keeps the token that came first from coming."""
    banned = free()[0]
    sampling = Sampling(logit_bias={banned: -100})
    assert banned not in draw(FreeText(7, long=True), sampling)


def test_a_bias_forces_a_token() -> None:
    """+100 lets nothing else come, a single byte included."""
    byte = ord("x")
    sampling = Sampling(logit_bias={byte: 100})
    assert set(draw(FreeText(7, long=False), sampling)) == {byte}


def test_penalties_drive_repeats_out() -> None:
    """With the strongest penalties, tokens repeat less."""
    without = free(temperature=0)
    with_them = free(temperature=0, presence_penalty=2, frequency_penalty=2)
    assert len(set(with_them)) > len(set(without))


def test_a_plan_is_kept_whatever_the_seed() -> None:
    """A known answer comes out at temperature 1."""
    plan = tokens.encode("Count to five: 1, 2, 3, 4, 5. 日本 🙂")
    for seed in range(50):
        assert draw(PlannedText(plan, 1), Sampling(seed=seed)) == list(plan)


def test_a_banned_character_does_not_tear_a_plan() -> None:
    """If the first byte of a character is banned, its other bytes do not come either."""
    plan = tokens.encode("a🙂b")
    drawn = draw(PlannedText(plan, 1), Sampling(logit_bias={plan[1]: -100}))
    assert "\ufffd" not in tokens.decode(tuple(drawn))
    assert drawn[-1] == plan[-1]


def test_what_is_forced_cannot_be_biased() -> None:
    """Where a grammar dictates, a bias does nothing."""
    plan = tokens.encode('{"a":1}')
    assert draw(ForcedText(plan), Sampling(logit_bias={plan[0]: -100})) == list(plan)


def test_a_certain_token_has_logprob_zero() -> None:
    """Where nothing else can come, the log probabilities say so."""
    sampler = Sampler(ForcedText((WORD,)), Sampling(), context=1, choice=0, top=2)
    chosen = sampler.next()
    assert chosen is not None
    assert chosen.logprob == 0.0
    assert [logprob for _, logprob in chosen.top] == [0.0, NEVER]


@pytest.mark.parametrize("long", [False, True])
def test_a_free_answer_ends_by_itself(long: bool) -> None:
    """A short answer has 8 to 40 tokens, a long one up to 200."""
    for context in range(40):
        length = len(draw(FreeText(context, long=long), Sampling(seed=context), limit=400))
        assert (180 if long else 8) <= length <= (200 if long else 40)


def test_numbers_are_the_same_everywhere() -> None:
    """The numbers that answers hang on never change."""
    assert mix(1, 2, 3) == 431043667342955391
    assert digest([1, 2, 3]) == 13041116711478803063
    assert 0 <= unit(mix(5)) < 1
