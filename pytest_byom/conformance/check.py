"""The two decorators that make a check: `check` on named exchanges, `rule` on all of a kind.

Both give back an ordinary pytest function. What stands under the decorator yields a `Wrong` for
each thing that is wrong (all of them, not the first), raises `Inconclusive` where nothing can be
said, or, in users' own checks, simply asserts.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pytest_byom.client.errors import UsageError
from pytest_byom.conformance.finding import (
    Deviation,
    Ignored,
    Inconclusive,
    Level,
    NoEffect,
    Wrong,
)
from pytest_byom.conformance.views import View

ATTRIBUTE = "__byom_check__"
ID_FORM = r"[a-z][a-z0-9]*(\.[a-z0-9]+(-[a-z0-9]+)*)+"

ONE_FREE = "the model was free in what it called, and one such call tells nothing of the server"

AnyView = TypeVar("AnyView", bound=View)


@dataclass(frozen=True, kw_only=True)
class Check:
    """What is known of a check before it runs.

    `statements` are ids of `contracts/statements.yaml`, `needs` the capabilities without which it
    cannot be judged, `asks` the contracts whose exchanges it looks at, `breaks` what happens in
    popular clients when a server does otherwise, `since` the version that brought it. `source` is
    for checks that decide no statement of ours. `abuse` says that the check burdens a server:
    it is made with --byom-abuse only, `skill` that it depends on what the model is able to do:
    --byom-repeat tries it several times. `on` and `free` are those of a rule.
    """

    id: str
    level: Level
    sentence: str
    statements: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    breaks: str = ""
    since: str = ""
    source: str = ""
    abuse: bool = False
    skill: bool = False
    on: type[View] | None = None
    free: Callable[[Any], bool] | None = field(repr=False, compare=False, default=None)
    judge: Callable[..., Any] = field(repr=False, compare=False, default=lambda: None)

    @property
    def area(self) -> str:
        """The part of the id before its first dot."""
        return self.id.partition(".")[0]

    @property
    def fuzzes(self) -> bool:
        """Whether the check draws requests of its own, and is made in a run that fuzzes only."""
        return self.area == "fuzz"


def find_check(function: object) -> Check | None:
    """Return the check that a pytest function carries, or None."""
    found = getattr(function, ATTRIBUTE, None)
    return found if isinstance(found, Check) else None


def check(
    id: str,
    *,
    level: str = "must",
    sentence: str = "",
    decides: Iterable[str] = (),
    needs: Iterable[str] = (),
    asks: Iterable[str] = (),
    breaks: str = "",
    since: str = "0.1",
    source: str = "",
    abuse: bool = False,
    skill: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a pytest function a check with a stable id.

    The sentence defaults to the first line of the function's docstring. `asks` names the contracts
    whose exchanges it takes from `byom_ask`, so that they are fetched before the check runs. A
    check that burdens a server says `abuse=True`: a run without --byom-abuse leaves it out. One
    that passes with some models only says `skill=True`: --byom-repeat judges it by counts.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        made = _make_check(
            function,
            id=id,
            level=level,
            sentence=sentence,
            statements=decides,
            needs=needs,
            asks=asks,
            breaks=breaks,
            since=since,
            source=source,
            abuse=abuse,
            skill=skill,
        )

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> None:
            _raise_for(function(*args, **kwargs))

        setattr(run, ATTRIBUTE, made)
        return run

    return decorate


def rule(
    id: str,
    *,
    on: type[AnyView],
    level: str,
    decides: Iterable[str] = (),
    needs: Iterable[str] = (),
    breaks: str,
    since: str = "0.1",
    free: Callable[[AnyView], bool] | None = None,
) -> Callable[[Callable[[AnyView], Iterable[Wrong]]], Callable[..., None]]:
    """Make a function from one answer to what is wrong with it a check of all such answers.

    `on` is the view that it takes: it is called with each exchange of the run that has it. `free`
    tells the answers in which the server passes on what the model chose to say: what is wrong with
    some of them only, or with a single one, is the model's.
    """

    def decorate(function: Callable[[AnyView], Iterable[Wrong]]) -> Callable[..., None]:
        made = _make_check(
            function,
            id=id,
            level=level,
            sentence="",
            statements=decides,
            needs=needs,
            breaks=breaks,
            since=since,
            on=on,
            free=free,
        )

        def run(byom_traffic: Iterable[Any]) -> None:
            views = [view for exchange in byom_traffic if (view := on.of(exchange)) is not None]
            if not views:
                raise Inconclusive(f"no {on.noun} came that could be judged")
            _raise_for(_judge_all(function, views, free))

        run.__name__ = function.__name__
        run.__module__ = function.__module__
        run.__doc__ = function.__doc__
        setattr(run, ATTRIBUTE, made)
        return run

    return decorate


def _judge_all(
    function: Callable[[AnyView], Iterable[Wrong]],
    views: list[AnyView],
    free: Callable[[AnyView], bool] | None,
) -> Iterator[Wrong]:
    """Yield what is wrong with each view; Inconclusive only if it is so for all of them."""
    reasons: list[Inconclusive] = []
    bound: list[Wrong] = []
    of_free: list[list[Wrong]] = []
    for view in views:
        wrongs: list[Wrong] = []
        is_decided = True
        try:
            for wrong in function(view):
                wrongs.append(dataclasses.replace(wrong, exchange=view.exchange.contract.id))
        except Inconclusive as reason:  # what was wrong before counts all the same
            reasons.append(reason)
            is_decided = bool(wrongs)
        if free is None or not free(view):
            bound += wrongs
        elif is_decided:
            of_free.append(wrongs)
    yield from bound
    if len(of_free) > 1 and all(of_free):
        yield from itertools.chain(*of_free)
    elif len(of_free) == 1 and any(of_free):
        reasons.append(Inconclusive(ONE_FREE))
    if len(reasons) == len(views):
        raise reasons[0]


def _make_check(function: Callable[..., Any], *, id: str, level: str, **fields: Any) -> Check:
    if level not in list(Level):
        raise UsageError(f"check {id!r}: level {level!r} is none of {', '.join(Level)}")
    if not re.fullmatch(ID_FORM, id):
        raise UsageError(f"check {id!r}: an id has the form area.slug, in lower case, with dashes")
    for name in ("statements", "needs", "asks"):
        if isinstance(listed := fields.get(name, ()), str):
            said = "decides" if name == "statements" else name
            raise UsageError(f"check {id!r}: {said} has to be a list, not the text {listed!r}")
        fields[name] = tuple(listed)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise UsageError(f"check {id!r} is a coroutine; write it as a plain function")
    fields["sentence"] = fields["sentence"] or (inspect.getdoc(function) or id).partition("\n")[0]
    return Check(id=id, level=Level(level), judge=function, **fields)


def _raise_for(result: Any) -> None:
    """Raise what a check yielded; a check that only asserts yields nothing."""
    wrongs = list(result) if isinstance(result, Iterable) else []
    if not wrongs:
        return
    kind = Ignored if all(isinstance(wrong, NoEffect) for wrong in wrongs) else Deviation
    raise kind(wrongs)
