"""The versions of a server that a known deviation holds for."""

from __future__ import annotations

import pytest

from pytest_byom.gate.versions import has_version

FITS = [
    ("", "1.0", True),
    ("0.19.*", "", True),
    ("b11549", "b11549", True),
    ("b11549", "b11550", False),
    ("b11549", "b11549-3c3635c1", True),
    ("0.19.*", "0.19.3", True),
    ("0.19.*", "0.20.0", False),
    (">=0.19, <0.20", "0.19.3", True),
    (">=0.19, <0.20", "0.20.0", False),
    (">=0.19,<0.20", "0.18.9", False),
    ("<= 0.19", "0.19", True),
    ("<=0.19", "0.19.1", False),
    ("=0.19", "0.19.0", True),
    (">0.9", "0.10", True),
    ("<b200", "b199", True),
    (">=0.19", "0.19.1-rc2", True),
    ("0.18.1 | 0.18.2", "0.18.2", True),
    ("0.18.1|0.18.2", "0.18.3", False),
]


@pytest.mark.parametrize(("wanted", "version", "fits"), FITS)
def test_has_version(wanted: str, version: str, fits: bool) -> None:
    """Globs, comparisons and alternatives; an unknown version fits everything."""
    assert has_version(wanted, version) is fits
