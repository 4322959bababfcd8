"""Opens pages in a real Chromium, and sees that they stay silent.

    pip install playwright
    apt-get install chromium

Another Chromium is named by BYOM_CHROMIUM. Without one the tests here are skipped.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from pytest_byom.gate.reports.page import make_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
DESKTOP = {"width": 1280, "height": 900}


def find_chromium() -> str | None:
    """Return the path of a Chromium, or None."""
    wanted = os.environ.get("BYOM_CHROMIUM")
    return shutil.which(wanted) if wanted else next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("needs playwright: pip install playwright")
    if (path := find_chromium()) is None:
        pytest.skip("needs Chromium: apt-get install chromium, or name one in BYOM_CHROMIUM")
    from playwright.sync_api import sync_playwright

    # Chromium refuses to run as root in its sandbox, and containers run as root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Write the page of some runs and open it; at the end, see that it was silent.

    The page asked for nothing but its own file, logged nothing, and showed no dialog.
    """
    context = browser.new_context(viewport=DESKTOP)
    noise: list[str] = []

    def show(*runs: dict[str, Any], place: str = "", difference: Any = (), **options: Any) -> Any:
        nonlocal context
        if options:
            context.close()
            context = browser.new_context(**{"viewport": DESKTOP} | options)
        file = tmp_path / "index.html"
        file.write_text(make_page(runs, difference), "utf-8", newline="")
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: noise.append(f"logged {message.text}"))
        page.on("pageerror", lambda error: noise.append(f"raised {error}"))
        page.on("request", lambda request: noise.append(f"asked for {request.url}"))
        page.on("dialog", lambda dialog: noise.append(f"said {dialog.message}"))
        page.goto(f"{file.as_uri()}{place}")
        noise.remove(f"asked for {file.as_uri()}")
        return page

    yield show
    context.close()
    assert noise == []
