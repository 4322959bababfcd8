"""What a person reads when a script and the requests do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_byom.client.redact import shown_url
from pytest_byom.mock.matchers import Difference, show

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_byom.mock.asked import AskedRequest
    from pytest_byom.mock.log import Served
    from pytest_byom.mock.script import Entry, Rule, Script

LOOSEN = "@pytest.mark.byom(strict=False)"


def describe(asked: AskedRequest) -> list[str]:
    """Return a request in a few lines, without its secrets."""
    lines = [f"{asked.method} {shown_url(asked.url)}"]
    if asked.is_chat:
        stream = ", streamed" if asked.stream else ""
        lines[0] += f", model {asked.model or 'not named'}{stream}"
        if asked.system:
            lines.append(f"  system    {show(asked.system)}")
        lines.append(f"  user      {show(asked.last_user)}")
        lines += [f"  tool      {show(result)}" for result in asked.tool_results]
        names = ", ".join(str(tool.get("name")) for tool in asked.tools)
        if names:
            lines.append(f"  tools     {names}")
    return [asked.redactor.text(line) for line in lines]


def describe_entry(rule: Rule | None, entry: Entry) -> str:
    """Return a reply as it was written, and where."""
    written = f"{rule.written}.{entry.written}" if rule is not None else entry.written
    return f"{written}  ({entry.place})"


def describe_use(entry: Entry) -> str:
    """Return how often a reply was used, if it was at all."""
    if entry.times == "any" or not entry.used:
        return ""
    return f", used {entry.used} of {entry.times} times"


def explain_unmatched(asked: AskedRequest, script: Script) -> list[str]:
    """Return why nothing took a request: the nearest rule, or that the queue is used up."""
    nearest = _find_nearest(asked, script)
    if nearest is not None:
        rule, differences = nearest
        lines = [f"  nearest   {rule.written}"]
        for one in differences:
            lines.append(f"    {one.place} should be {one.expected}")
            lines.append(f"    {' ' * len(one.place)} but is {one.found}")
        if not differences:
            lines.append("    it fits, but all of its replies are used")
        return [asked.redactor.text(line) for line in lines]
    if script.queue:
        last = script.queue[-1]
        said = f"reply has been used: the last one was {last.written}  ({last.place})"
        return [f"  nearest   each {said}"]
    return ["  nearest   nothing: the script is empty"]


def _find_nearest(asked: AskedRequest, script: Script) -> tuple[Rule, list[Difference]] | None:
    judged = [(rule, rule.find_differences(asked)) for rule in script.rules if rule.entries]
    return min(judged, key=lambda pair: _distance(*pair), default=None)


def _distance(rule: Rule, differences: Sequence[Difference]) -> float:
    """Return how far a request is from a rule: which part of it fails, and by how much."""
    from difflib import SequenceMatcher

    apart = (1 - SequenceMatcher(None, one.expected, one.found).ratio() for one in differences)
    return sum(apart) / len(rule.conditions)


def write_report(
    script: Script, served: Sequence[Served], *, name: str, with_unused: bool = True
) -> str:
    """Return what is wrong between a script and what was asked; empty if nothing is."""
    unmatched = [one for one in served if one.kind == "unmatched"]
    blocked = [one for one in served if one.kind == "blocked"]
    raised = [one for one in served if one.kind == "raised"]
    unused = script.unused if with_unused else []
    lines: list[str] = []
    if unmatched:
        lines.append(f"{name}: {_count(unmatched, 'request')} that no reply took")
        for one in unmatched:
            lines += _indent(describe(one.asked), f"request {one.asked.number}")
            lines += explain_unmatched(one.asked, script)
    if blocked:
        lines.append(f"{name}: {_count(blocked, 'request')} for a real server, not let through")
        for one in blocked:
            lines += _indent(describe(one.asked), f"request {one.asked.number}")
    if unserved := [one for one in served if one.kind == "unserved"]:
        lines.append(f"{name}: {_count(unserved, 'request')} for a path that is not served")
        for one in unserved:
            lines += _indent(describe(one.asked), f"request {one.asked.number}")
    if raised:
        lines.append(f"{name}: {_count(raised, 'reply')} could not be made")
        lines += [f"  request {one.asked.number}  {one.note}" for one in raised]
    if unused:
        lines.append(f"{name}: {_count(unused, 'reply')} that no request used")
        lines += [f"  {describe_entry(rule, e)}{describe_use(e)}" for rule, e in unused]
    if not lines:
        return ""
    return "\n".join([*lines, *_context(served), *_next_step(unmatched, blocked, unused)])


def _context(served: Sequence[Served]) -> Iterator[str]:
    """Name the requests that the server would have refused: they used no reply."""
    for one in served:
        if one.kind == "refused":
            yield f"  request {one.asked.number} was refused as the server would: {one.note}"


def _next_step(
    unmatched: Sequence[object], blocked: Sequence[object], unused: Sequence[object]
) -> Iterator[str]:
    if unmatched:
        yield f"  next      add a reply for it, or allow it with {LOOSEN}"
    elif blocked:
        yield "  next      aim the app at /chat/completions, or add a route: byom_mock.router"
    elif unused:
        yield f"  next      take it out, or give it times='any', or allow it with {LOOSEN}"


def _indent(lines: Sequence[str], label: str) -> Iterator[str]:
    yield f"  {label} {lines[0]}"
    yield from (f"  {line.strip()}" for line in lines[1:])


def _count(found: Sequence[object], noun: str) -> str:
    number = len(found)
    plural = noun.removesuffix("y") + "ies" if noun.endswith("y") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def explain_at_once(asked: AskedRequest, script: Script) -> str:
    """Return what the client is told about a request that nothing takes: one line."""
    parts = [" ".join(line.split()) for line in explain_unmatched(asked, script)]
    return f"byom: no reply takes this request; {'; '.join(parts)}"
