"""What each fuzz check draws: public strategies, narrowed to what a server says it can do."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from hypothesis import strategies as st

from pytest_byom.strategies import (
    broken_bodies,
    broken_chat_requests,
    chat_requests,
    messages,
    schemas,
    tools,
)
from pytest_byom.strategies.broken import FAULTS, Faults
from pytest_byom.strategies.texts import NAMES, WORDS

Has = Callable[[str], bool]
"""Whether a server has a capability."""

OPTIONAL = {"stop": "stop", "logprobs": "logprobs", "n": "n"}
"""Parameters that a server may lack, with the capability that says so."""

SAY_OK = [{"role": "user", "content": "Say ok."}]
LIMITS = st.integers(1, 16)


def _between(low: float, high: float) -> st.SearchStrategy[float]:
    """Give hundredths from one number to another."""
    return st.integers(round(low * 100), round(high * 100)).map(lambda number: number / 100)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "temperature": _between(0, 2) | st.sampled_from([None, 0, 1, 2]),
    "top_p": _between(0.01, 1) | st.sampled_from([None, 1]),
    "frequency_penalty": _between(-2, 2) | st.sampled_from([None, -2, 0, 2]),
    "presence_penalty": _between(-2, 2) | st.sampled_from([None, -2, 0, 2]),
    "seed": st.none() | st.integers(0, 2**31 - 1),
    "stop": st.none() | WORDS | st.lists(WORDS, min_size=1, max_size=4),
    "n": st.none() | st.just(1),
    "stream": st.none() | st.just(False),
    "logprobs": st.none() | st.just(False),
    "logit_bias": st.none() | st.just({}),
    "response_format": st.just({"type": "text"}),
    "user": WORDS,
}
"""Each parameter with what the schema allows: null, the edges, and something between them."""


def _left_out(has: Has) -> list[str]:
    return [name for name, capability in OPTIONAL.items() if not has(capability)]


def valid_requests(has: Has) -> st.SearchStrategy[Any]:
    """Give plain requests of every kind."""
    left = [*_left_out(has), "seed"]  # of 64 bits, which many servers have not
    return chat_requests(stream=False, tool_calls=has("tools"), leave_out=left)


def valid_streams(has: Has) -> st.SearchStrategy[Any]:
    """Give streamed requests of every kind."""
    left = [*_left_out(has), "seed"]
    return chat_requests(stream=True, tool_calls=has("tools"), leave_out=left)


def conversations(has: Has) -> st.SearchStrategy[Any]:
    """Give requests that are nothing but a conversation."""
    return st.fixed_dictionaries(
        {"messages": messages(max_turns=4, tool_calls=False), "max_tokens": LIMITS}
    )


def parameters(has: Has) -> st.SearchStrategy[Any]:
    """Give requests with one short message and any parameters."""
    left = _left_out(has)
    values = {name: strategy for name, strategy in VALUES.items() if name not in left}
    return st.fixed_dictionaries(
        {"messages": st.just(SAY_OK), "max_tokens": LIMITS}, optional=values
    )


def tool_requests(has: Has) -> st.SearchStrategy[Any]:
    """Give requests that define tools."""
    choice = st.sampled_from(["auto", "none"])
    return st.fixed_dictionaries(
        {"messages": st.just(SAY_OK), "max_tokens": LIMITS, "tools": tools()},
        optional={"tool_choice": choice, "parallel_tool_calls": st.booleans()},
    )


def schema_requests(has: Has) -> st.SearchStrategy[Any]:
    """Give requests for output by a schema."""
    named = st.fixed_dictionaries(
        {"name": NAMES, "strict": st.just(True), "schema": schemas()},
        optional={"description": WORDS},
    )
    form = named.map(lambda schema: {"type": "json_schema", "json_schema": schema})
    return st.fixed_dictionaries(
        {"messages": st.just(SAY_OK), "max_tokens": st.just(64), "response_format": form}
    )


def broken_requests(has: Has) -> st.SearchStrategy[Any]:
    """Give requests with one thing wrong."""
    return _broken(FAULTS)


def broken_types(has: Has) -> st.SearchStrategy[Any]:
    """Give requests with a parameter of a wrong type."""
    return _broken(["types"])


def broken_ranges(has: Has) -> st.SearchStrategy[Any]:
    """Give requests with a parameter out of its range."""
    return _broken(["ranges"])


def broken_forms(has: Has) -> st.SearchStrategy[Any]:
    """Give requests whose messages or response_format have a wrong form."""
    return _broken(["forms"])


def broken_tools(has: Has) -> st.SearchStrategy[Any]:
    """Give requests with wrong tools, calls or results."""
    return _broken(["tools"])


def broken_roles(has: Has) -> st.SearchStrategy[Any]:
    """Give requests with a message of no known role."""
    return _broken(["roles"])


def broken_contents(has: Has) -> st.SearchStrategy[Any]:
    """Give requests with a message of a wrong content."""
    return _broken(["contents"])


def _broken(faults: Collection[Faults]) -> st.SearchStrategy[Any]:
    # -1 is no limit at all to some servers: an answer without end is no way to find that out.
    found = broken_chat_requests(faults=faults)
    return found.filter(lambda drawn: drawn.body.get("max_tokens") != -1)


def bodies(has: Has) -> st.SearchStrategy[Any]:
    """Give bytes that are no request."""
    return broken_bodies()
