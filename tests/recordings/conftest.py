"""What the tests of recordings share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .replay import Player

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def player() -> Iterator[Player]:
    """The clients, made once."""
    with Player() as made:
        yield made
