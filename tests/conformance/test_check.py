"""The decorators: what a check knows of itself, and what it raises."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.client.errors import UsageError
from pytest_byom.conformance.check import check, find_check, rule
from pytest_byom.conformance.finding import (
    Deviation,
    Ignored,
    Inconclusive,
    Level,
    NoEffect,
    Unsupported,
    Wrong,
)
from pytest_byom.conformance.views import Answer, Plain, Refusal

from .making import make_contract, make_exchange, make_silence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ONE = Wrong(place="x", expected="1", got="2")
OTHER = Wrong(place="y", expected="3", got="4")
IGNORED = NoEffect(place="z", expected="5", got="6")


def test_check_knows_itself() -> None:
    """All that is said in the decorator, and the docstring's first line, make the check."""

    @check(
        "mine.slug",
        level="should",
        decides=["http-01"],
        needs=["tools"],
        asks=["chat/plain"],
        breaks="apps",
        since="0.2",
        source="our wiki",
        abuse=True,
    )
    def test_it() -> None:
        """It answers in Dutch.

        More is not shown.
        """

    found = find_check(test_it)
    assert found is not None
    assert (found.id, found.area, found.level) == ("mine.slug", "mine", Level.SHOULD)
    assert found.sentence == "It answers in Dutch."
    assert (found.statements, found.needs, found.asks) == (
        ("http-01",),
        ("tools",),
        ("chat/plain",),
    )
    assert (found.breaks, found.since, found.source) == ("apps", "0.2", "our wiki")
    assert found.abuse


def test_sentence_wins_over_docstring() -> None:
    """A sentence that is given replaces the docstring."""
    found = find_check(check("mine.slug", sentence="It works.")(lambda: None))
    assert found is not None
    assert found.sentence == "It works."


def test_sentence_without_docstring() -> None:
    """Without any words the id stands for the sentence."""
    found = find_check(check("mine.slug")(lambda: None))
    assert found is not None
    assert found.sentence == "mine.slug"


def test_other_functions_carry_no_check() -> None:
    """A function without the decorator carries no check, whatever its attributes."""
    assert find_check(test_other_functions_carry_no_check) is None
    assert find_check(type("Odd", (), {"__byom_check__": 7})) is None


IDS = ["mine.slug", "a.b", "mine.a-b-c", "mine.http-2", "mine.sub.slug", "mine2.slug"]


@pytest.mark.parametrize("id", IDS)
def test_id(id: str) -> None:
    """An id is an area and slugs in lower case, with dots and dashes."""
    assert find_check(check(id)(lambda: None))


WRONG_IDS = ["", "mine", "Mine.slug", "mine.Slug", "mine.a_b", "mine.-a", "mine.a-", "mine.a--b"]


@pytest.mark.parametrize("id", [*WRONG_IDS, "mine.", ".slug", "2.slug", "mine.slug\n"])
def test_wrong_id(id: str) -> None:
    """An id of another form is refused with the form."""
    with pytest.raises(UsageError, match=r"an id has the form area.slug, in lower case"):
        check(id)(lambda: None)


def test_wrong_level() -> None:
    """A level that is none is refused with those there are."""
    sentence = "^check 'mine.slug': level 'hard' is none of must, should, may$"
    with pytest.raises(UsageError, match=sentence):
        check("mine.slug", level="hard")(lambda: None)


def test_coroutine() -> None:
    """A coroutine is refused: nobody would await it."""

    async def test_it() -> None: ...

    with pytest.raises(UsageError, match=r"^check 'mine.slug' is a coroutine; write it as a plain"):
        check("mine.slug")(test_it)


def test_asynchronous_generator() -> None:
    """An asynchronous generator is refused too: it would pass without running."""

    async def test_it() -> Any:
        yield ONE

    with pytest.raises(UsageError, match=r"^check 'mine.slug' is a coroutine; write it as a plain"):
        check("mine.slug")(test_it)


def test_string_is_no_list() -> None:
    """One contract id in place of a list of them is refused, not taken letter by letter."""
    with pytest.raises(UsageError, match=r"check 'mine\.slug': asks has to be a list"):
        check("mine.slug", asks="chat/plain")(lambda: None)


def run(*wrongs: Wrong) -> None:
    """Run a check that yields these."""

    @check("mine.slug")
    def test_it() -> Iterator[Wrong]:
        yield from wrongs

    test_it()


def test_nothing_yielded() -> None:
    """A check that yields nothing passes."""
    run()


def test_all_that_was_yielded() -> None:
    """What a check yields is raised at once, all of it."""
    with pytest.raises(Deviation, match=r"^x: expected 1, got 2; y: expected 3, got 4$") as raised:
        run(ONE, OTHER)
    assert raised.value.wrongs == [ONE, OTHER]


def test_no_effect() -> None:
    """What only had no effect is ignored."""
    with pytest.raises(Ignored):
        run(IGNORED)


def test_no_effect_beside_a_deviation() -> None:
    """One deviation among things without effect makes it a deviation."""
    with pytest.raises(Deviation) as raised:
        run(IGNORED, ONE)
    assert type(raised.value) is Deviation


@pytest.mark.parametrize("error", [Inconclusive("x"), Unsupported("x"), AssertionError("x")])
def test_other_signals_get_through(error: Exception) -> None:
    """What else a check raises gets through as it is."""

    @check("mine.slug")
    def test_it() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        test_it()
    assert raised.value is error


def make_rule(judge: Callable[[Any], Any], on: Any = Answer) -> Callable[..., None]:
    """Return a rule that judges with `judge`."""
    return rule("mine.rule", on=on, level="must", breaks="apps")(judge)


def test_rule_sees_all_answers_of_its_kind() -> None:
    """A rule is called with each exchange that is of its kind, and no other."""
    seen: list[Any] = []
    plain, refusal = make_exchange(), make_exchange(status=400)

    def look(view: Plain) -> Iterator[Wrong]:
        seen.append(view.exchange)
        yield from ()

    make_rule(look, Plain)([plain, refusal, plain])
    assert seen == [plain, plain]


def test_rule_names_the_exchange() -> None:
    """What a rule yields gets the contract of the exchange that it saw."""
    first = make_exchange(contract=make_contract("chat/plain"))
    second = make_exchange(contract=make_contract("chat/other"))
    with pytest.raises(Deviation) as raised:
        make_rule(lambda view: [ONE])([first, second])
    assert [wrong.exchange for wrong in raised.value.wrongs] == ["chat/plain", "chat/other"]


def test_rule_keeps_the_kind_of_wrong() -> None:
    """What has no effect is still so when the exchange is named."""
    with pytest.raises(Ignored):
        make_rule(lambda view: [IGNORED])([make_exchange()])


@pytest.mark.parametrize("traffic", [[], [make_silence()], [make_exchange()]])
def test_rule_without_anything_to_judge(traffic: list[Any]) -> None:
    """A rule that found no answer of its kind is Inconclusive."""
    with pytest.raises(Inconclusive, match=r"^no error answer came that could be judged$"):
        make_rule(lambda view: (), Refusal)(traffic)


def unsure(view: Answer) -> Iterator[Wrong]:
    """Judge only answers with a 200."""
    if view.exchange.status != 200:
        raise Inconclusive("not a 200")
    yield ONE


def test_rule_that_is_unsure_once() -> None:
    """One answer that cannot be judged does not hide what is wrong with another."""
    with pytest.raises(Deviation) as raised:
        make_rule(unsure)([make_exchange(status=404), make_exchange()])
    assert len(raised.value.wrongs) == 1


def test_rule_that_is_always_unsure() -> None:
    """A rule that can judge none of the answers is Inconclusive."""
    with pytest.raises(Inconclusive, match=r"^not a 200$"):
        make_rule(unsure)([make_exchange(status=404), make_exchange(status=500)])


def test_rule_that_becomes_unsure() -> None:
    """What was wrong with an answer counts, though the rest of it cannot be judged."""

    def halfway(view: Answer) -> Iterator[Wrong]:
        if view.exchange.status == 200:
            yield ONE
            raise Inconclusive("cut")

    with pytest.raises(Deviation) as raised:
        make_rule(halfway)([make_exchange(), make_exchange(status=404)])
    assert len(raised.value.wrongs) == 1


OK, BAD = 200, 404
FREE = [
    pytest.param([BAD, BAD], Deviation, id="all of them"),
    pytest.param([OK, BAD], None, id="some of them"),
    pytest.param([BAD], Inconclusive, id="the only one"),
    pytest.param([OK], None, id="none of them"),
]


@pytest.mark.parametrize(("statuses", "raised"), FREE)
def test_rule_on_what_the_model_chose(statuses: list[int], raised: type[Exception] | None) -> None:
    """Where the model was free, only what is wrong with all of several answers is the server's."""

    def judge(view: Answer) -> Iterator[Wrong]:
        if view.exchange.status == BAD:
            yield ONE

    made = rule("mine.rule", on=Answer, level="must", breaks="apps", free=lambda view: True)(judge)
    traffic = [make_exchange(status=status) for status in statuses]
    with pytest.raises(raised) if raised else nullcontext():
        made(traffic)


def test_rule_keeps_its_name() -> None:
    """A rule is found by pytest under the name and the module of its function."""
    made = make_rule(unsure)
    assert (made.__name__, made.__module__, made.__doc__) == (
        "unsure",
        unsure.__module__,
        unsure.__doc__,
    )
    found = find_check(made)
    assert found is not None
    assert (found.on, found.breaks) == (Answer, "apps")
