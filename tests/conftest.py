"""What the tests of all folders share."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = ["pytester"]

# No test asserts a time: what is drawn takes as long as a busy machine needs.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
