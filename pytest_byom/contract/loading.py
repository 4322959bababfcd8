"""Finds contract files, reads and checks them."""

from __future__ import annotations

import functools
import json
import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_byom.client.errors import ContractError
from pytest_byom.contract.expecting import find_matcher_problems
from pytest_byom.contract.format import Answer, Contract, Recorded, RequestTemplate
from pytest_byom.contract.placeholders import find_placeholder_problems
from pytest_byom.documents.checking import Problem, find_problems, join_problems
from pytest_byom.documents.reading import Form, parse_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from importlib.resources.abc import Traversable

    from jsonschema import Draft202012Validator

    from pytest_byom.documents.reading import Document, KeyPath

FORM = Form(
    error=ContractError,
    name="contract",
    # A recorded answer with an image in it fits.
    most_characters=16_000_000,
    # A JSON Schema inside a tool inside a request is deep by nature.
    most_levels=100,
    quick=True,
)
SHOWN = frozenset({"key", "kind", "level", "method"})
"""The keys whose text may be repeated in a message."""

DIALECTS = "dialects/"
"""The folder of answers that break naive clients, as servers of that name gave them."""

REQUEST_BODIES = ("body", "body_text", "body_base64")
BODIES = ("body", "body_text", "sse", "body_base64")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


def bundled() -> Traversable:
    """Return the folder of the contracts that come with the package.

    In a wheel it lies inside the package; in an editable checkout, beside it.
    """
    package = resources.files("pytest_byom")
    inside = package / "contracts"
    if inside.is_dir():
        return inside
    return Path(str(package)).parent / "contracts"


def contract_ids(folder: Traversable | None = None) -> list[str]:
    """Return the ids of all contracts in `folder` (default: the bundled ones), sorted."""
    if folder is None:
        return sorted(id for id in _walk(bundled(), "") if "/" in id)
    return sorted(_walk(folder, ""))


def suite_ids() -> list[str]:
    """Return the ids of the contracts that the suite asks; those of dialects are only read."""
    return [id for id in contract_ids() if not id.startswith(DIALECTS)]


def _walk(folder: Traversable, prefix: str) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".yaml"):
            yield prefix + entry.name.removesuffix(".yaml")


def load_contract(id: str, *, folder: Traversable | None = None) -> Contract:
    """Return the contract `id` of `folder` (default: the bundled ones).

    Raises ContractError if there is none, or if the file is not what a contract looks like.
    """
    return _load_bundled(id) if folder is None else _load(id, folder, check=True)


@functools.cache
def _load_bundled(id: str) -> Contract:
    # A test holds each bundled file against the schema; a run need not load the validator.
    return _load(id, bundled(), check=False)


def _load(id: str, folder: Traversable, *, check: bool) -> Contract:
    source = folder
    for part in f"{id}.yaml".split("/"):
        source = source / part
    if not source.is_file():
        raise ContractError(f"there is no contract {id!r} in {folder}")
    return read_contract(_read_text(source), id=id, shown=str(source), check=check)


def _read_text(source: Traversable) -> str:
    try:
        return source.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ContractError(f"{source} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ContractError(f"{source}:{line}: the file is not UTF-8") from None


def read_contract(text: str, *, id: str, shown: str, check: bool = True) -> Contract:
    """Return the contract that a YAML text holds; `shown` is the file's name for messages.

    Raises ContractError with file, line and key of each problem. Without `check` the text is
    taken to be right.
    """
    document = parse_document(text, shown=shown, form=FORM)
    if not check:
        return _make(id, document.data)
    if problems := find_problems(document, _validator(), shown=SHOWN):
        raise ContractError(join_problems(problems))
    contract = _make(id, document.data)
    found = {
        Problem(document.find_line(path), f"{document.describe(path)} {sentence}")
        for path, sentence in _find_own_problems(contract, document)
    }
    if found:
        raise ContractError(join_problems(sorted(found)))
    return contract


def _find_own_problems(contract: Contract, document: Document) -> Iterator[tuple[KeyPath, str]]:
    """Yield what a schema cannot say, or not as clearly."""
    if not _ID.fullmatch(contract.id):
        yield (), f"has the id {contract.id!r}; use letters, digits, dots and dashes in its name"
    yield from _find_doubles(document.data["request"], "request", REQUEST_BODIES)
    yield from _find_doubles(document.data.get("response", {}), "response", BODIES)
    yield from find_placeholder_problems(contract)
    yield from find_matcher_problems(contract.expect or {}, ("expect",))


def _find_doubles(
    data: Mapping[str, Any], name: str, keys: tuple[str, ...]
) -> Iterator[tuple[KeyPath, str]]:
    given = [key for key in keys if key in data]
    if len(given) > 1:
        yield (name, given[1]), f"stands beside {given[0]}: there is one body, in one form"


def _make(id: str, data: Any) -> Contract:
    values = dict(data)
    values["request"] = RequestTemplate(**values["request"])
    for name in ("before", "beside"):
        values[name] = tuple(values.get(name, ()))
    if "recorded" in values:
        values["recorded"] = Recorded(**values["recorded"])
    if "response" in values:
        response = dict(values["response"])
        response["arrivals"] = tuple((ms, size) for ms, size in response.get("arrivals", ()))
        values["response"] = Answer(**response)
    return Contract(id=id, **values)


@functools.cache
def load_schema() -> dict[str, Any]:
    """Return the JSON Schema of a contract file."""
    text = (resources.files("pytest_byom") / "contract.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


@functools.cache
def _validator() -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(load_schema())


def load_bundled(*, check: bool = False) -> list[Contract]:
    """Return every bundled contract, sorted by id; `check` holds each file against the schema."""
    if not check:
        return [_load_bundled(id) for id in contract_ids()]
    return [load_contract(id, folder=bundled()) for id in contract_ids()]


def load_folder(folder: Path) -> list[Contract]:
    """Return the contracts of a user's folder, sorted by id.

    Raises ContractError if there is no such folder or no contract in it, and for a broken file.
    """
    if not folder.is_dir():
        raise ContractError(f"there is no folder of contracts {folder}")
    ids = contract_ids(folder)
    if misnamed := sorted(folder.rglob("*.yml")):
        raise ContractError(f"{misnamed[0]}:1: the name of a contract ends in .yaml")
    if not ids:
        raise ContractError(f"there is no contract in {folder}: no file ends in .yaml")
    return [load_contract(id, folder=folder) for id in ids]


def find_broken(folders: Iterable[Path]) -> list[str]:
    """Return what is wrong with the contracts of these folders, a line with file and line each."""
    found = list(folders)
    broken = [line for folder in found for line in _find_broken_in(folder)]
    if not broken:
        try:
            Shelf(found, beside_bundled=False)
        except ContractError as error:
            broken = str(error).splitlines()
    return broken


def _find_broken_in(folder: Path) -> Iterator[str]:
    for id in contract_ids(folder) if folder.is_dir() else []:
        try:
            load_contract(id, folder=folder)
        except ContractError as error:
            yield from str(error).splitlines()


class Shelf:
    """The bundled contracts, and a user's own beside them.

    Raises ContractError if an id is there twice, if a contract follows one that is not there or, in
    the end, itself, or if it names one before or beside it that cannot be asked so. With
    `beside_bundled=False` the ids of the bundled ones may be used: so it is with what
    `--byom-record` wrote.
    """

    def __init__(self, folders: Iterable[Path] = (), *, beside_bundled: bool = True) -> None:
        self._bundled = frozenset(contract_ids() if beside_bundled else ())
        self.own: dict[str, Contract] = {}
        self.files: dict[str, Path] = {}
        for folder in folders:
            for contract in load_folder(folder):
                self._add(contract, folder / f"{contract.id}.yaml")
        for id in self.own:
            self._check_follows(id)
            self._check_company(id)

    def _add(self, contract: Contract, file: Path) -> None:
        other: Path | str | None = self.files.get(contract.id)
        if contract.id in self._bundled:
            other = "a contract of pytest-byom"
        if other is not None:
            raise ContractError(
                f"{file}:1: the id {contract.id!r} is taken by {other}; rename the file"
            )
        self.own[contract.id] = contract
        self.files[contract.id] = file

    def _check_follows(self, id: str) -> None:
        seen = [id]
        contract = self.own[id]
        while contract.follows:
            where = f"{self.files[id]}:{_line_of('follows', self.files[id])}"
            if contract.follows in seen:
                raise ContractError(f"{where}: {' follows '.join([*seen, contract.follows])}")
            seen.append(contract.follows)
            try:
                contract = self.load(contract.follows)
            except ContractError:
                raise ContractError(f"{where}: follows {seen[-1]!r}, which is not there") from None

    def _check_company(self, id: str) -> None:
        contract = self.own[id]
        for name in ("before", "beside"):
            for other in getattr(contract, name):
                try:
                    found = self.load(other)
                except ContractError:
                    reason = "which is not there"
                else:
                    reason = "which needs others itself" if _needs_others(found) else ""
                if reason:
                    where = f"{self.files[id]}:{_line_of(name, self.files[id])}"
                    raise ContractError(f"{where}: {name} names {other!r}, {reason}")

    def load(self, id: str) -> Contract:
        """Return a contract by its id; raises ContractError if there is none."""
        return self.own[id] if id in self.own else load_contract(id)


def _needs_others(contract: Contract) -> bool:
    return contract.requests > 1 or bool(contract.follows)


def _line_of(key: str, file: Path) -> int:
    document = parse_document(_read_text(file), shown=str(file), form=FORM)
    return document.find_line((key,))
