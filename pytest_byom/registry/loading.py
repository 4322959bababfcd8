"""Finds and reads the registry file, and makes endpoints of its entries, of names and of URLs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from pytest_byom.client.errors import RegistryError
from pytest_byom.registry.dialects import list_dialects
from pytest_byom.registry.document import Document, parse_document
from pytest_byom.registry.endpoints import Endpoint, is_credential, is_placeholder
from pytest_byom.registry.entries import make_endpoint, make_model
from pytest_byom.registry.urls import find_url_problem, name_of_url, normalise_url
from pytest_byom.registry.variables import check_variables, has_variable

if TYPE_CHECKING:
    from pytest_byom.client.models import CustomModel

FILE_NAMES = ("byom.yaml", "byom.yml")
FILE_VARIABLE = "BYOM_REGISTRY"
KEY_VARIABLE = "BYOM_API_KEY"
"""Where the key of an endpoint that is only a URL comes from."""

_Item = TypeVar("_Item")


class _LazyMapping(Mapping[str, _Item], Generic[_Item]):
    """Names that are known at once, with values that are made when they are asked for."""

    def __init__(self, names: Iterable[str], make: Callable[[str], _Item]) -> None:
        self._names = dict.fromkeys(names)
        self._make = make

    def __getitem__(self, name: str) -> _Item:
        if name not in self._names:
            raise KeyError(name)
        return self._make(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"<{', '.join(self._names)}>"


@dataclass(frozen=True, kw_only=True)
class Registry:
    """The endpoints and models of a run.

    `endpoints` and `models` know their names at once and read the environment for each value
    that is asked for: a value may raise RegistryError where a variable is missing. `own` are the
    names that stand in the file, in its order. `path` is the file, None if there is none.
    """

    endpoints: Mapping[str, Endpoint]
    models: Mapping[str, CustomModel]
    path: Path | None = None
    own: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def endpoint(self, name_or_url: str) -> Endpoint:
        """Return the endpoint of a name or a URL.

        Raises RegistryError if the name is unknown, the URL is none that can be asked, or a
        variable of the endpoint is not set.
        """
        if "://" in name_or_url:
            return _make_url_endpoint(name_or_url, self.environ)
        if name_or_url not in self.endpoints:
            raise RegistryError(self._describe_unknown(name_or_url))
        return self.endpoints[name_or_url]

    def _describe_unknown(self, name: str) -> str:
        # difflib is only needed here.
        from pytest_byom.registry.validation import rank_names, suggest_name

        known = rank_names(name, self.endpoints)
        start = f"no endpoint is named '{name}'{suggest_name(name, known)}"
        if ":" in name or "/" in name:
            start = f"'{name}' is no name of an endpoint; a URL starts with http:// or https://."
        where = f"add it to {self.path.name}" if self.path else f"name it in a {FILE_NAMES[0]}"
        return f"{start} Known are: {', '.join(known)}. Or {where}, or give its URL."


def load_registry(
    path: Path | None = None,
    *,
    root: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Registry:
    """Read the registry file, if there is one, on top of the servers that are known anyway.

    Without `path` it is the file that BYOM_REGISTRY names, else `byom.yaml` or `byom.yml` in
    `root` (the current directory). Raises RegistryError if a named file is missing or a file is
    not valid, with file, line and valid keys. Environment variables are not needed yet.
    """
    file, shown, warnings = _find_file(path, root or Path.cwd(), environ)
    document = Document(shown="", data=None, lines={})
    if file is not None:
        document = _read_document(file, shown)
        warnings += tuple(_find_literal_secrets(document))
    data = document.data or {}
    entries, models = data.get("endpoints") or {}, data.get("models") or {}
    return Registry(
        path=file,
        own=tuple(entries),
        warnings=warnings,
        environ=environ,
        endpoints=_LazyMapping(
            (*entries, *list_dialects()), lambda name: make_endpoint(name, document, environ)
        ),
        models=_LazyMapping(models, lambda name: make_model(name, document, environ)),
    )


def _find_file(
    path: Path | None, root: Path, environ: Mapping[str, str]
) -> tuple[Path | None, str, tuple[str, ...]]:
    """Return the file or None, its name for messages, and warnings."""
    if path is not None:
        return path, str(path), ()
    if environ.get(FILE_VARIABLE):
        named = Path(environ[FILE_VARIABLE])
        if not named.exists():
            raise RegistryError(f"there is no registry file {named}, which {FILE_VARIABLE} names")
        return named, str(named), ()
    found = [name for name in FILE_NAMES if (root / name).exists()]
    if not found:
        return None, "", ()
    ignored = tuple(f"{name} is not read, for {found[0]} is there too" for name in found[1:])
    return root / found[0], found[0], ignored


def _read_document(file: Path, shown: str) -> Document:
    # A run without a file needs no validator, which takes longer to import than the rest.
    from pytest_byom.registry.validation import check_document

    document = parse_document(_read_text(file, shown), shown=shown)
    check_document(document)
    check_variables(document)
    return document


def _read_text(file: Path, shown: str) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise RegistryError(f"there is no registry file {shown}") from None
    except OSError as error:
        raise RegistryError(f"{shown} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise RegistryError(f"{shown}:{line}: the file is not UTF-8") from None


def _find_literal_secrets(document: Document) -> Iterator[str]:
    """Warn about secrets that stand in the file."""
    for name, entry in ((document.data or {}).get("endpoints") or {}).items():
        key = (entry or {}).get("api_key")
        texts = [("api_key", key)] if key and not is_placeholder(key) else []
        headers = (entry or {}).get("extra_headers") or {}
        texts += [(header, headers[header]) for header in headers if is_credential(header)]
        for where, text in texts:
            if not has_variable(text):
                path = ("endpoints", name, *(["extra_headers"] * (where != "api_key")), where)
                yield f"{document.describe(path)} is written out; write ${{NAME}} instead"


def _make_url_endpoint(url: str, environ: Mapping[str, str]) -> Endpoint:
    base_url = normalise_url(url)
    problem = find_url_problem(base_url)
    if problem:
        remedy = f"; a key goes into {KEY_VARIABLE}" if "@" in url else ""
        raise RegistryError(f"the URL of the endpoint {problem}{remedy}")
    key = environ.get(KEY_VARIABLE, "").strip() or None
    return Endpoint(
        name=name_of_url(base_url),
        base_url=base_url,
        api_key=key,
        key_variable=KEY_VARIABLE if key else "",
    )
