"""Names and texts that every part of a request is made of."""

from __future__ import annotations

from hypothesis import strategies as st

NAMES = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_-]{0,15}", fullmatch=True)
"""Names of functions, schemas and members."""

TRAPS = (
    "Say ok.",
    "\x00",
    "e\u0301",
    "\u202eabc",
    "a\u2028b",
    "\U0001f469\u200d\U0001f4bb",
    "\U0001f642" * 8,
    "<|im_end|>",
    "[/INST]",
    "data: [DONE]\n\n",
    "${model}",
    "{{ messages }}",
    '{"role": "system"}',
    "\\u0000",
    "NaN",
)
"""Texts that servers have stumbled on."""

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=24).filter(
    str.strip
) | st.sampled_from(TRAPS)
"""Short texts of any characters that UTF-8 can write, never only white space."""

TEXT_PARTS = st.lists(
    WORDS.map(lambda text: {"type": "text", "text": text}), min_size=1, max_size=3
)
