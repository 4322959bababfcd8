"""Draws values from a strategy, the same every time, and looks for the smallest that fails."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING, Any, TypeVar, cast

from hypothesis import HealthCheck, Phase, Verbosity, find, settings
from hypothesis import seed as seeded
from hypothesis.errors import Flaky, NoSuchExample, Unsatisfiable
from hypothesis.internal.conjecture.providers import AVAILABLE_PROVIDERS, HypothesisProvider
from hypothesis.stateful import run_state_machine_as_test

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.stateful import RuleBasedStateMachine
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


class Broken(AssertionError):
    """What a state machine raises where something is wrong."""


QUIET = settings(
    backend=BACKEND,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    print_blob=False,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    verbosity=Verbosity.quiet,
)
"""How it is searched, whatever settings the tests have beside which the suite runs."""


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
    with contextlib.suppress(NoSuchExample, Enough):
        find(
            strategy,
            fails,
            settings=settings(QUIET, max_examples=count),
            random=random.Random(seed),
        )


def run_machine(
    make: Callable[[], RuleBasedStateMachine], *, count: int, steps: int, seed: str
) -> None:
    """Run a state machine until it is `Broken`, and then with fewer and simpler steps.

    The same seed takes the same steps, as long as the same answers come. The machine keeps what it
    wants of them, and may raise `Enough`.
    """
    how = settings(QUIET, max_examples=count, stateful_step_count=steps)

    @seeded(seed)
    def factory() -> RuleBasedStateMachine:
        return make()

    with contextlib.suppress(Broken, Enough, Flaky, Unsatisfiable):
        # A function will do, as its docstring says; its annotation names a class only.
        run_state_machine_as_test(cast("type[RuleBasedStateMachine]", factory), settings=how)
