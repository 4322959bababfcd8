"""What a person sees of a gate: the differences by kind, the least harmful first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.gate.comparison import Comparison, Difference, Kind
from pytest_byom.gate.gating import ALWAYS, Gate
from pytest_byom.gate.terminal import count_of, list_few, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_byom.gate.speed import Pace
    from pytest_byom.gate.terminal import Styled

MANY = 12
"""More differences of a kind that does no harm are only counted."""

HEADINGS: dict[Kind, str] = {
    Kind.CHANGED: "changed: legal, but apps may break on it",
    Kind.NEW: "new: the baseline does not have it",
    Kind.ACCEPTED: "accepted: a finding that byom.yaml lists now",
    Kind.FIXED: "fixed",
    Kind.STALE: "known-stale: look at these known deviations",
    Kind.UNDECIDED: "undecided: it passed, and nothing can be said now",
    Kind.VANISHED: "vanished: it passed, and is refused or not there now",
    Kind.REGRESSED: "regressed: it passed, and is wrong now",
}
HARMLESS = (Kind.NEW, Kind.ACCEPTED, Kind.FIXED)


def gate_lines(gate: Gate, sentences: Mapping[str, str]) -> Iterator[Styled]:
    """Yield the differences of a gate and its verdict; `sentences` are those of checks."""
    for stranger in gate.strangers:
        yield from _wrapped(stranger, {"yellow": True, "bold": True}, indent="")
    for kind in Kind:
        found = gate.of(kind)
        if found:
            yield HEADINGS[kind], _style_of(kind, gate) | {"bold": True}
            yield from _kind_lines(found, gate, sentences)
    for endpoint, paces in gate.paces.items():
        yield from _pace_lines(endpoint, paces, fails=gate.mode.speed)
    for comparison in gate.comparisons:
        yield from _left_lines(comparison)
    if not gate.finished:
        yield "the run did not get to its end, or could not judge all endpoints", {"yellow": True}
    yield from _wrapped(_conclusion(gate), {"bold": True} | _color_of(gate), indent="")


def _kind_lines(
    found: Sequence[Difference], gate: Gate, sentences: Mapping[str, str]
) -> Iterator[Styled]:
    several = len(gate.comparisons) > 1
    limit = MANY if found[0].kind in HARMLESS else len(found)
    for difference in found[:limit]:
        prefix = f"{difference.endpoint}: " if several else ""
        yield from _wrapped(prefix + _difference_text(difference, sentences), {})
    if len(found) > limit:
        yield f"  and {len(found) - limit} more", {}


def _difference_text(difference: Difference, sentences: Mapping[str, str]) -> str:
    if difference.where:
        return f"{difference.note} ({list_few(difference.where)})"
    change = difference.after
    if difference.before:
        change = f"{difference.before}, now {difference.after}"
    text = f"{difference.what}: {change}" if change else difference.what
    if difference.note:
        text += f" ({difference.note})"
    if difference.kind in (*ALWAYS, Kind.UNDECIDED) and sentences.get(difference.what):
        text += f". {sentences[difference.what]}"
    return text


def _pace_lines(endpoint: str, paces: Sequence[Pace], *, fails: bool) -> Iterator[Styled]:
    for pace in paces:
        figure = pace.measure
        text = f"{endpoint}: {figure.title}: {pace.before:g} {figure.unit}, now {pace.after:g}"
        if not pace.slower:
            yield text, {}
        else:
            end = "slower" if fails else "slower (fails with --byom-gate=speed only)"
            yield f"{text}: {end}", {"red" if fails else "yellow": True}


def _left_lines(comparison: Comparison) -> Iterator[Styled]:
    if not comparison.left:
        return
    left = count_of(len(comparison.left), "check")
    text = f"{comparison.endpoint}: {left} of the baseline did not run"
    yield from _wrapped(
        f"{text} this time: {list_few(comparison.left)}", {"yellow": True}, indent=""
    )


def _conclusion(gate: Gate) -> str:
    counts = [(kind, len(gate.of(kind))) for kind in reversed(Kind)]
    said = ", ".join(f"{count} {kind}" for kind, count in counts if count) or "no difference"
    checks = sum(one.checks for one in gate.comparisons)
    exchanges = sum(one.exchanges for one in gate.comparisons)
    slower = f", {len(gate.slower)} slower" * bool(gate.slower)
    verdict = "failed" if gate.fails else "undecided" if gate.undecided else "passed"
    compared = f"{count_of(checks, 'check')} and {count_of(exchanges, 'answer')} compared"
    return (
        f"gate {verdict}: {said}{slower}; {compared} with {gate.baseline.name} "
        f"of {gate.baseline.saved[:10]}"
    )


def _color_of(gate: Gate) -> dict[str, bool]:
    if gate.fails:
        return {"red": True}
    return {"yellow" if gate.undecided or gate.of(Kind.CHANGED, Kind.STALE) else "green": True}


def _style_of(kind: Kind, gate: Gate) -> dict[str, bool]:
    if gate.mode.fails_on(kind) or kind is Kind.STALE:
        return {"red": True}
    colors = {Kind.CHANGED: "yellow", Kind.UNDECIDED: "yellow", Kind.FIXED: "green"}
    return {colors[kind]: True} if kind in colors else {}


def _wrapped(text: str, style: dict[str, bool], *, indent: str = "  ") -> Iterator[Styled]:
    for line in wrap(text, first=indent, then=indent + "  ") or [""]:
        yield line, style
