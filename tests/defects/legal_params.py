"""Legal variants of how parameters are read, and of what is said about limits."""

from __future__ import annotations

from typing import Any

from defects.planting import (
    Change,
    Variant,
    both,
    change_request,
    drop,
    has,
    set_header,
)


def _read_numbers(data: dict[str, Any]) -> None:
    """Read a number in quotes, as pydantic does; a word stays a word."""
    for name in ("temperature", "top_p"):
        text = data.get(name)
        if isinstance(text, str) and text.replace(".", "").isdigit():
            data[name] = float(text)
    if data.get("stream") == "true":
        data["stream"] = True


def _read_unlimited(data: dict[str, Any]) -> None:
    if data.get("max_tokens") == -1:
        del data["max_tokens"]


def _choose_model(data: dict[str, Any]) -> None:
    if "messages" in data:
        data.setdefault("model", "byom-embedded")


def _rates(*names: str, reset: tuple[str, str]) -> Change:
    counts = (("limit", "100"), ("remaining", "99"))
    return both(
        *(
            set_header(f"x-ratelimit-{part}-{name}", value)
            for name in names
            for part, value in (*counts, ("reset", reset[name == "tokens"]))
        )
    )


VARIANTS = [
    Variant(
        id="numbers-in-quotes",
        title="Numbers and switches in quotes are read.",
        change=change_request(_read_numbers),
    ),
    Variant(
        id="minus-one-unlimited",
        title="max_tokens -1 means no limit.",
        change=change_request(_read_unlimited),
    ),
    Variant(
        id="model-left-out",
        title="A server of one model takes it where none is named.",
        change=change_request(_choose_model),
    ),
    Variant(
        id="first-limit-only",
        title="Of two token limits the newer name counts.",
        change=drop(
            "max_tokens", when=lambda a: a.parameters.get("max_completion_tokens") is not None
        ),
    ),
    Variant(
        id="account-ignored",
        title="What belongs to an account is not read at all.",
        change=drop("store", "metadata", "service_tier", "safety_identifier", "user"),
    ),
    Variant(
        id="options-ignored",
        title="stream_options without a stream is ignored.",
        change=drop(
            "stream_options", when=lambda asked: has("stream_options")(asked) and not asked.streams
        ),
    ),
    Variant(
        id="rate-headers",
        title="Rate limits are told as Groq does.",
        change=_rates("requests", "tokens", reset=("2m59.56s", "7.66s")),
        row="C331",
        issues=("Pythagora-io/gpt-pilot#862", "groq/groq-python#101"),
    ),
    Variant(
        id="rate-headers-bare",
        title="The resets of rate limits are bare seconds.",
        change=_rates("requests", "tokens", reset=("60", "1")),
    ),
]
