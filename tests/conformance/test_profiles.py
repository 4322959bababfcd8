"""Profiles and areas choose the checks of a run."""

from __future__ import annotations

import pytest

from pytest_byom.client.errors import UsageError
from pytest_byom.conformance.catalogue import all_checks
from pytest_byom.conformance.check import Check
from pytest_byom.conformance.finding import Level
from pytest_byom.conformance.plan import make_plan
from pytest_byom.conformance.profiles import (
    QUICK,
    SENSES,
    Profile,
    fuzz_examples,
    parse_areas,
    selector,
)


def select(profile: Profile, *only: str) -> list[Check]:
    """The checks of a run."""
    return [check for check in all_checks().values() if selector(profile, only)(check)]


def make(*, asks: tuple[str, ...] = (), needs: tuple[str, ...] = (), abuse: bool = False) -> Check:
    """A check that asks and needs this."""
    return Check(id="area.slug", level=Level.MUST, sentence="", asks=asks, needs=needs, abuse=abuse)


def test_quick_asks_little() -> None:
    """The quick profile plans 15 requests at the most, all of them those that it names."""
    plan = make_plan(select(Profile.QUICK), {})
    assert plan.requests <= 15
    assert set(plan.contracts) <= QUICK
    assert plan.checks > 100


def test_profiles_grow() -> None:
    """Each profile holds the checks of the one before it."""
    quick, standard, full = ({check.id for check in select(profile)} for profile in Profile)
    ordinary = {c.id for c in all_checks().values() if not (c.abuse or c.fuzzes)}
    assert quick < standard <= full == ordinary


@pytest.mark.parametrize("need", sorted(SENSES))
def test_a_model_with_senses_is_for_full(need: str) -> None:
    """What only some models can do is asked by the full profile alone."""
    check = make(asks=("chat/plain",), needs=(need,))
    assert not selector(Profile.STANDARD)(check)
    assert selector(Profile.FULL)(check)


@pytest.mark.parametrize("profile", list(Profile))
def test_a_burden_has_to_be_allowed(profile: Profile) -> None:
    """What burdens a server is in no profile by itself, and in the quick one never."""
    burden = make(asks=("chat/plain",), abuse=True)
    assert not selector(profile)(burden)
    assert selector(profile, abuse=True)(burden) is (profile is not Profile.QUICK)
    assert not selector(profile, ("tools",), abuse=True)(burden)


@pytest.mark.parametrize("profile", list(Profile))
def test_fuzzing_goes_with_any_profile(profile: Profile) -> None:
    """The fuzz checks belong to a run that fuzzes, whatever its profile, and to no other."""
    drawn = [check for check in all_checks().values() if check.fuzzes]
    assert len(drawn) > 10
    assert all(map(selector(profile, fuzz=True), drawn))
    assert not any(map(selector(profile), drawn))
    assert not any(map(selector(profile, ("tools",), fuzz=True), drawn))


def test_fuzz_examples() -> None:
    """Only the full profile fuzzes by itself; a number that is given holds in any."""
    assert fuzz_examples(Profile.QUICK, None) == fuzz_examples(Profile.STANDARD, None) == 0
    assert fuzz_examples(Profile.FULL, None) == 20
    assert fuzz_examples(Profile.QUICK, 7) == 7
    assert fuzz_examples(Profile.FULL, 0) == 0
    with pytest.raises(UsageError, match=r"^--byom-fuzz has to be 0 or more, not -1$"):
        fuzz_examples(Profile.FULL, -1)


def test_quick_counts_probes() -> None:
    """A check whose capability would have to be probed by another request is not quick."""
    assert selector(Profile.QUICK)(make(asks=("chat/plain",), needs=("stream",)))
    assert not selector(Profile.QUICK)(make(asks=("chat/plain",), needs=("logprobs",)))


def test_areas() -> None:
    """Areas narrow any profile; they come with commas or one by one."""
    assert {check.area for check in select(Profile.STANDARD, "tools", "auth")} == {"tools", "auth"}
    assert parse_areas(["tools, auth", "tools"], {"tools", "auth"}) == ("tools", "auth")
    with pytest.raises(UsageError, match="--byom-only=tool: there is no such area; there are auth"):
        parse_areas(["tool"], {"tools", "auth"})
