"""A registry file in a folder of its own, with the environment that a test gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from pytest_byom.registry import load_registry

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_byom.registry import Registry


class LoadText(Protocol):
    """Writes `byom.yaml` and loads it."""

    def __call__(self, text: str | bytes, **environ: str) -> Registry: ...


@pytest.fixture
def load_text(tmp_path: Path) -> LoadText:
    def load(text: str | bytes, **environ: str) -> Registry:
        data = text.encode() if isinstance(text, str) else text
        (tmp_path / "byom.yaml").write_bytes(data)
        return load_registry(root=tmp_path, environ=environ)

    return load
