"""Small changes of what a server answers, which the defects and variants of several areas make."""

from __future__ import annotations

from typing import Any

Members = dict[str, Any]


def add_extra(data: Any) -> Any:
    """Return data with an unknown member at every level."""
    if isinstance(data, dict):
        extended = {name: add_extra(value) for name, value in data.items()}
        return {**extended, "x_vendor": {"a": [1]}}
    return [add_extra(entry) for entry in data] if isinstance(data, list) else data


def leave_out(holder: Members, *names: str) -> None:
    """Take members out, where they are there."""
    for name in names:
        holder.pop(name, None)


def stop(choice: Members) -> None:
    """Let a choice end with stop, whatever ended it."""
    choice["finish_reason"] = "stop"


def stop_after(reason: str, choice: Members) -> None:
    """Let a choice that ends for this reason end with stop."""
    if choice["finish_reason"] == reason:
        stop(choice)


def stop_after_length(choice: Members) -> None:
    """Let a choice that the limit cut end with stop."""
    stop_after("length", choice)


def stop_after_calls(choice: Members) -> None:
    """Let a choice with calls end with stop."""
    stop_after("tool_calls", choice)
