"""Draws values from a strategy, the same every time, and looks for the smallest that fails."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import find, settings
from hypothesis.errors import NoSuchExample
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

Value = TypeVar("Value")

BACKEND = "byom"


class Steady(HypothesisProvider):
    """Draws without the constants that hypothesis finds in whatever modules are loaded.

    They would make the requests of one folder others than those of the next.
    """

    def _maybe_draw_constant(self, *args: Any, **options: Any) -> None:
        return None


AVAILABLE_PROVIDERS[BACKEND] = f"{__name__}.Steady"


class Enough(BaseException):
    """Ends a search from within: no `except` of hypothesis holds it up."""


def draw_values(strategy: SearchStrategy[Value], *, count: int, seed: str) -> list[Value]:
    """Return the first values of a strategy, `count` at the most."""
    found: list[Value] = []

    def collect(value: Value) -> bool:
        found.append(value)
        return False

    search(strategy, collect, count=count, seed=seed)
    return found


def search(
    strategy: SearchStrategy[Value], fails: Callable[[Value], bool], *, count: int, seed: str
) -> None:
    """Call `fails` with values, and when one fails with smaller ones, until there is none.

    The values come in the same order as those of `draw_values`. `fails` keeps what it wants of
    them, and may raise `Enough`.
    """
    quiet = settings(max_examples=count, database=None, deadline=None, backend=BACKEND)
    with contextlib.suppress(NoSuchExample, Enough):
        find(strategy, fails, settings=quiet, random=random.Random(seed))
