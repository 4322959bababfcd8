"""The tokenizer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_byom.mock.embedded import tokens

texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(texts)
def test_any_text_comes_back(text: str) -> None:
    """Decoding what was encoded gives the text."""
    assert tokens.decode(tokens.encode(text)) == text


@given(texts)
def test_the_lower_bound_holds(text: str) -> None:
    """A text never has fewer tokens than the bound says."""
    assert tokens.at_least(text) <= len(tokens.encode(text))


@given(st.lists(st.integers(0, tokens.SIZE - 1), max_size=20))
def test_any_tokens_make_a_text(ids: list[int]) -> None:
    """Tokens that are no UTF-8 together are decoded all the same."""
    tokens.decode(tuple(ids)).encode()


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("Hello", 1), ("the quiet river", 3), ('{"city":"Paris"}', 5), ("🙂", 4), ("12", 1)],
)
def test_known_words_are_one_token(text: str, count: int) -> None:
    """Words of the vocabulary are one token, unknown characters as many as they have bytes."""
    assert len(tokens.encode(text)) == count


def test_no_token_is_there_twice() -> None:
    """Each token has bytes of its own."""
    assert len(set(tokens.VOCABULARY)) == tokens.SIZE


def test_an_unpaired_surrogate_is_no_text() -> None:
    """What cannot be written as UTF-8 has no tokens."""
    with pytest.raises(UnicodeEncodeError):
        tokens.encode("\ud83d")
