"""`byom endpoints` and `byom init`: who is there, and a registry file of it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from pytest_byom.client.errors import RegistryError, UsageError
from pytest_byom.registry import load_registry
from pytest_byom.registry.dialects import dialects_by_title, list_dialects, load_dialect
from pytest_byom.registry.document import Document
from pytest_byom.registry.entries import make_endpoint
from pytest_byom.suite_identity import SAY_WHO
from pytest_byom.survey import Found, State, survey, survey_registry

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pytest_byom.gate.terminal import Styled
    from pytest_byom.registry import Endpoint

MOST_MODELS = 4
"""Models of an endpoint that are shown; of a cloud's hundreds the first few will do."""

LONGEST_NAME = 80

LONGEST = 600
"""Seconds: whoever waits for longer waits for a server that hangs."""

STYLES: dict[State, dict[str, bool]] = {
    State.REACHABLE: {"green": True},
    State.REFUSED: {"yellow": True},
    State.SILENT: {},
    State.LEFT: {},
}

HEAD = """\
# The endpoints of `pytest --byom-endpoint=NAME`; keys stay in the environment.
endpoints:
"""


def endpoints(arguments: argparse.Namespace) -> tuple[list[Styled], int]:
    """List every endpoint that is known by name, and which of them answer now."""
    found = survey_registry(load_registry(arguments.registry), seconds=_seconds(arguments))
    name, state = (max(len(getattr(each, key)) for each in found) for key in ("name", "state"))
    return [
        (f"{each.name:<{name}}  {each.state:<{state}}  {_says(each)}".rstrip(), STYLES[each.state])
        for each in found
    ], 0


def _seconds(arguments: argparse.Namespace) -> float:
    if not 0 < arguments.timeout <= LONGEST:  # nan is neither
        raise UsageError(f"--timeout has to be more than 0 and at most {LONGEST} seconds")
    return float(arguments.timeout)


def _says(found: Found) -> str:
    if found.state is State.REACHABLE:
        who = plain(found.who) or "a server that does not say which"
        parts = [who, _models(found), found.advice]
        return f"{found.base_url}: {', '.join(filter(None, parts))}"
    return f"{found.base_url}: {found.advice}".removeprefix(": ").removesuffix(": ")


def _models(found: Found) -> str:
    if not found.models:
        return ""
    shown = ", ".join(map(plain, found.models[:MOST_MODELS]))
    number = len(found.models)
    more = ", …" if number > MOST_MODELS else ""
    return f"{number} model{'s' * (number != 1)}: {shown}{more}"


def init(arguments: argparse.Namespace) -> tuple[list[Styled], int]:
    """Write a registry file of what runs on this machine and of the keys that are there."""
    file: Path = arguments.file
    if file.exists() and not arguments.force:
        raise UsageError(f"{file} is there already; --force replaces it")
    candidates = known_endpoints()
    clouds = [each for each in candidates if each.is_provider and each.api_key is not None]
    local = [each for each in candidates if not (each.is_provider or each.is_embedded)]
    running = choose(survey(local, seconds=_seconds(arguments)))
    if not running and not clouds:
        raise UsageError(
            "no known server answers on this machine, and the environment has no key of a known "
            "provider: nothing to write. `byom endpoints` says what to do"
        )
    text = HEAD + "".join([*map(local_entry, running), *(cloud_entry(each) for each in clouds)])
    try:
        file.write_text(text, "utf-8", newline="\n")
    except OSError as error:
        raise RegistryError(f"{file} cannot be written: {error.strerror or error}") from None
    names = [*(each.name for each in running), *(each.name for each in clouds)]
    lines: list[Styled] = [
        (f"{each.name}: {plain(each.who) or 'a server'}", {}) for each in running
    ]
    lines += [(f"{each.name}: its key is in {each.key_variable}", {}) for each in clouds]
    lines.append((f"{file}: {len(names)} endpoint{'s' * (len(names) != 1)}", {"bold": True}))
    lines.append((f"next: pytest --byom-endpoint={names[0]}", {}))
    return lines, 0


def known_endpoints(environ: Mapping[str, str] = os.environ) -> list[Endpoint]:
    """Return the servers that are known without a file, as they are without one."""
    nothing = Document(shown="", data=None, lines={})
    return [make_endpoint(name, nothing, environ) for name in list_dialects()]


def choose(found: Iterable[Found]) -> list[Found]:
    """Return the servers that run, each under one name: two may share a usual port."""
    chosen: dict[str, Found] = {}
    for each in found:
        if each.state in (State.REACHABLE, State.REFUSED):
            there = chosen.get(each.base_url)
            if there is None or _likeness(each) > _likeness(there):
                chosen[each.base_url] = each
    return list(chosen.values())


def is_its_own(found: Found) -> bool:
    """Whether who answers is the server that the name stands for."""
    return found.server == load_dialect(found.name).title


def _likeness(found: Found) -> int:
    """Return how well a name fits who answers: it is its own, it may be, it is not."""
    usual = load_dialect(found.name).title
    return 2 if is_its_own(found) else int(usual not in SAY_WHO)


def local_entry(found: Found) -> str:
    """Return the lines of a server that runs on this machine.

    One that is not what its port is known for gets the dialect of what it is, if that is known.
    """
    comment = f" # {plain(found.who)}" if found.who else ""
    lines = [f"  {found.name}:{comment}", f"    base_url: {found.base_url}"]
    if found.models:
        lines.append(f"    model: {quote(found.models[0])}")
    if found.state is State.REFUSED:
        lines.append("    # api_key: ${NAME}  # it asks for a key: put it into the environment")
    if found.server and not is_its_own(found):
        lines.append(f"    dialect: {dialects_by_title().get(found.server, 'null')}")
    return "".join(f"{line}\n" for line in lines)


def cloud_entry(endpoint: Endpoint) -> str:
    """Return the lines of a provider: its key by name, and nothing that costs without a word."""
    return (
        f"  {endpoint.name}:\n"
        f"    api_key: ${{{endpoint.key_variable}}}\n"
        f"    # limits: {{ tokens: 20000 }}  # what a run may take; else --byom-yes is asked for\n"
    )


def plain(text: str) -> str:
    """Return what a server says of itself as one short line that changes no terminal."""
    printable = "".join(sign if sign.isprintable() else "?" for sign in text)
    return printable if len(printable) <= LONGEST_NAME else f"{printable[: LONGEST_NAME - 1]}…"


def quote(text: str) -> str:
    """Return a text as YAML takes it, and without what registry values replace."""
    return json.dumps(text.replace("${", "$"), ensure_ascii=False)
