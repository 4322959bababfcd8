"""The page docs/catches.md is what the planted defects make of it."""

from __future__ import annotations

from defects.catches import PAGE, page


def test_page_is_up_to_date() -> None:
    """The page lists the defects as they are: `python -m defects.catches` writes it."""
    assert PAGE.read_text("utf-8") == page().rstrip() + "\n"
