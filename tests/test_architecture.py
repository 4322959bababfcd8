"""Imports go one way, and each heavy library has its rooms: rules of the source, enforced.

client <- documents <- registry, contract <- conformance, mock <- plugin, fixtures, cli
gate is beside them, and takes nothing of them but plain data
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pytest_byom
from pytest_byom.contract import bundled

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(pytest_byom.__file__).parent
NAME = "pytest_byom"
MOST_LINES = 400

ROOMS: dict[str, tuple[str, ...]] = {
    "client": (),
    "documents": ("client",),
    "registry": ("client", "documents"),
    "contract": ("client", "documents"),
    "conformance": ("client", "registry", "contract", "mock", "strategies"),
    "mock": ("client", "documents", "registry", "contract"),
    "strategies": ("client", "strategies", "mock.replies"),
    "gate": ("gate", "conformance.finding"),
}
"""What the modules of a room may import of the others; a room that is not named may all.

The suite starts the embedded server, so `conformance` may import `mock`, and not the reverse.
"""

ONLY_FOR_TYPES: dict[str, tuple[str, ...]] = {"gate": ("registry",)}
"""What a room may name in annotations besides."""

LIBRARIES: dict[str, tuple[str, ...]] = {
    "httpx": ("client", "mock", "conformance.transport"),
    "httpx2": ("client", "mock"),
    "respx": ("mock",),
    "hypothesis": ("strategies", "conformance.fuzz"),
    "yaml": ("documents", "contract", "registry"),
    "h11": ("mock",),
}
"""Where a library may be imported, even inside a function."""

LIGHT = ("__init__", "plugin", "fixtures")
"""Modules that import pytest and the standard library only, until they are used."""

NO_NAMES = ("utils", "util", "helpers", "common", "misc", "manager")


@dataclass(frozen=True)
class Import:
    """One import: of what, whether for types only, and whether inside a function."""

    name: str
    for_types: bool
    inside: bool


def imports(source: str) -> Iterator[Import]:
    """Yield every import of a source text, each name on its own."""
    yield from _walk(ast.parse(source), for_types=False, inside=False)


def _walk(node: ast.AST, *, for_types: bool, inside: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(alias.name, for_types, inside)
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield Import(f"{source_of(node)}.{alias.name}", for_types, inside)
    elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for statement in node.body:
            yield from _walk(statement, for_types=True, inside=inside)
        for statement in node.orelse:
            yield from _walk(statement, for_types=for_types, inside=inside)
    else:
        inside = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(node):
            yield from _walk(child, for_types=for_types, inside=inside)


def source_of(node: ast.ImportFrom) -> str:
    """Return what stands between `from` and `import`."""
    return "." * node.level + (node.module or "")


def is_in(module: str, rooms: tuple[str, ...]) -> bool:
    """Whether a module, named from the package on, is one of the rooms or inside of one."""
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def faults(module: str, source: str) -> list[str]:
    """Return what is wrong with the source of a module, named from the package on."""
    found = [fault for i in imports(source) for fault in import_faults(module, i)]
    if source.count("\n") > MOST_LINES:
        found.append(f"{module} has more than {MOST_LINES} lines")
    if module.rpartition(".")[2] in NO_NAMES:
        found.append(f"{module} is a name that says nothing")
    return found


def import_faults(module: str, found: Import) -> Iterator[str]:
    """Yield what is wrong with one import of a module."""
    said = f"{module} imports {found.name}"
    top = found.name.partition(".")[0]
    if found.name.startswith("."):
        yield f"{said}: write the whole name"
    if top in LIBRARIES and not is_in(module, LIBRARIES[top]):
        yield said
    if top == NAME and not is_allowed(module, found):
        yield said
    if module in LIGHT and not found.for_types and not found.inside and not is_light(found.name):
        yield f"{said} before it is used"


def is_allowed(module: str, found: Import) -> bool:
    """Whether a module may import this part of the package."""
    own = module.partition(".")[0]
    if own not in ROOMS:
        return True
    rooms = (own, *ROOMS[own], *(ONLY_FOR_TYPES.get(own, ()) if found.for_types else ()))
    return is_in(found.name.removeprefix(f"{NAME}."), rooms)


def is_light(name: str) -> bool:
    """Whether an import costs nothing but pytest, the standard library, and its like."""
    top, _, rest = name.partition(".")
    if top == NAME:
        return rest.partition(".")[0] in LIGHT
    return top == "pytest" or top in sys.stdlib_module_names


def module_of(path: Path) -> str:
    """Return the name of a module from the package on."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


FILES = [pytest.param(path, id=module_of(path)) for path in sorted(PACKAGE.rglob("*.py"))]


@pytest.mark.parametrize("path", FILES)
def test_source(path: Path) -> None:
    """A module keeps to every rule."""
    assert faults(module_of(path), path.read_text("utf-8")) == []


def test_whole_tree_is_walked() -> None:
    """The rooms that rules are about are there to be walked."""
    rooms = {module_of(path.values[0]).partition(".")[0] for path in FILES}  # type: ignore[arg-type]
    assert {*ROOMS, *LIGHT} <= rooms


def test_contracts_are_yaml() -> None:
    """No Python file lies among the contracts: it would break an editable install."""
    folder = Path(str(bundled()))
    assert folder.is_dir()
    assert list(folder.rglob("*.py")) == []


RIGHT = [
    ("client.http", "import httpx"),
    ("client.http", "from pytest_byom.client.errors import BYOMError"),
    ("registry.loading", "import yaml\nfrom pytest_byom.client import errors"),
    ("conformance.transport", "import httpx"),
    ("conformance.target", "from pytest_byom.mock.http1 import Server"),
    ("gate.known", "from pytest_byom.conformance.finding import Verdict"),
    (
        "gate.known",
        "if TYPE_CHECKING:\n    from pytest_byom.registry import Deviation",
    ),
    ("plugin", "import json\nimport pytest\nfrom pytest_byom import fixtures"),
    ("plugin", "def hook():\n    from pytest_byom.gate import terminal"),
    ("plugin", "if TYPE_CHECKING:\n    from pytest_byom.suite_run import SuiteRun"),
    ("cli", "from pytest_byom.mock.http1 import Server"),
    ("suite_hooks", "from pytest_byom.gate import results"),
    ("client.long", "x = 1\n" * MOST_LINES),
]


@pytest.mark.parametrize(("module", "source"), RIGHT)
def test_right(module: str, source: str) -> None:
    """What the rules allow is no fault."""
    assert faults(module, source) == []


WRONG = [
    ("client.core", "from pytest_byom.registry import Endpoint", ["pytest_byom.registry.Endpoint"]),
    ("client.core", "import pytest_byom.conformance", ["pytest_byom.conformance"]),
    ("client.core", "def f():\n    from pytest_byom import mock", ["pytest_byom.mock"]),
    (
        "client.core",
        "if TYPE_CHECKING:\n    from pytest_byom.mock import x",
        ["pytest_byom.mock.x"],
    ),
    ("registry.urls", "from pytest_byom.contract import bundled", ["pytest_byom.contract.bundled"]),
    ("contract", "from pytest_byom.registry import Limits", ["pytest_byom.registry.Limits"]),
    ("mock.http1", "from pytest_byom.conformance import check", ["pytest_byom.conformance.check"]),
    ("conformance.plan", "from pytest_byom.gate import known", ["pytest_byom.gate.known"]),
    ("conformance.plan", "from pytest_byom import plugin", ["pytest_byom.plugin"]),
    (
        "gate.known",
        "from pytest_byom.registry import Deviation",
        ["pytest_byom.registry.Deviation"],
    ),
    ("gate.known", "from pytest_byom.client import errors", ["pytest_byom.client.errors"]),
    ("gate.known", "from pytest_byom.conformance import run", ["pytest_byom.conformance.run"]),
    ("conformance.plan", "import httpx", ["httpx"]),
    ("conformance.plan", "def f():\n    from httpx import Client", ["httpx.Client"]),
    ("cli", "import respx", ["respx"]),
    ("conformance.views", "import hypothesis.strategies", ["hypothesis.strategies"]),
    ("conformance.plan", "import yaml", ["yaml"]),
    ("client.core", "import h11", ["h11"]),
    ("client.core", "from . import errors", ["..errors: write the whole name"]),
    ("client.core", "from .errors import X", [".errors.X: write the whole name"]),
]


@pytest.mark.parametrize(("module", "source", "names"), WRONG)
def test_wrong(module: str, source: str, names: list[str]) -> None:
    """Each rule finds a source that breaks it."""
    assert faults(module, source) == [f"{module} imports {name}" for name in names]


HEAVY = [
    ("plugin", "from pytest_byom.suite_run import SuiteRun", "pytest_byom.suite_run.SuiteRun"),
    ("fixtures", "import pluggy", "pluggy"),
    (
        "__init__",
        "from pytest_byom.conformance.check import check",
        "pytest_byom.conformance.check.check",
    ),
    (
        "plugin",
        "if TYPE_CHECKING:\n    pass\nelse:\n    import pluggy",
        "pluggy",
    ),
    ("plugin", "try:\n    import pluggy\nexcept ImportError:\n    pass", "pluggy"),
]


@pytest.mark.parametrize(("module", "source", "name"), HEAVY)
def test_heavy(module: str, source: str, name: str) -> None:
    """The modules that every run loads must not load anything else."""
    assert faults(module, source) == [f"{module} imports {name} before it is used"]


def test_long() -> None:
    """A module above the limit is a fault."""
    assert faults("client.core", "x = 1\n" * (MOST_LINES + 1)) == [
        "client.core has more than 400 lines"
    ]


@pytest.mark.parametrize("name", ["client.utils", "utils"])
def test_name(name: str) -> None:
    """A module whose name says nothing is a fault."""
    assert faults(name, "") == [f"{name} is a name that says nothing"]
