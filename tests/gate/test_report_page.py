"""index.html as a file: one page, nothing from outside, and no text of a server in its markup."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from html.parser import HTMLParser
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import text

from pytest_byom.conformance.finding import Outcome
from pytest_byom.gate.reports.page import CLIENTS, embed, make_page

from .report_data import DIFFERENCE, HOSTILE, hostile_run, make_large_run, make_run
from .verdicts import FACTS, make_finding, make_verdict

ASSETS = resources.files("pytest_byom.gate.reports")
CSS = (ASSETS / "page.css").read_text("utf-8")
SCRIPT = (ASSETS / "page.js").read_text("utf-8")
Attributes = dict[str, str | None]


class Page(HTMLParser):
    """What a page consists of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, Attributes]] = []
        self.inside: dict[str, list[str]] = {}
        self.text = text
        self._stack: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._stack.append(tag)
        self.inside.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        while self._stack and self._stack.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self._stack:
            self.inside[self._stack[-1]][-1] += data

    def all(self, tag: str) -> list[Attributes]:
        """Return the attributes of each element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def data(self) -> Any:
        """What stands in the data block."""
        (place,) = (n for n, a in enumerate(self.all("script")) if a.get("id") == "data")
        return json.loads(self.inside["script"][place])


GOOD = Page(make_page([make_run(make_verdict(Outcome.FAILED, findings=(make_finding(),)))]))
PAGES = [
    pytest.param(GOOD, id="usual"),
    pytest.param(Page(make_page([hostile_run()], DIFFERENCE)), id="hostile"),
    pytest.param(Page(make_page([make_large_run()])), id="large"),
    pytest.param(Page(make_page([make_run(facts={})])), id="empty"),
]
every_page = pytest.mark.parametrize("page", PAGES)


@every_page
def test_skeleton(page: Page) -> None:
    """Whatever the data, the elements of the page are the same ones."""
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in GOOD.elements]
    attributes = [a for tag, a in page.elements if tag != "meta"]
    assert attributes == [a for tag, a in GOOD.elements if tag != "meta"]


@every_page
def test_one_of_each(page: Page) -> None:
    """The page has a language, a title, one h1, one main part, and ids that are unique."""
    for tag in ("html", "title", "h1", "main", "header", "style"):
        assert len(page.all(tag)) == 1
    assert page.all("html")[0]["lang"] == "en"
    assert page.inside["title"] == page.inside["h1"]
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))


@every_page
def test_headings_are_nested(page: Page) -> None:
    """No level of headings is left out."""
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    steps = itertools.pairwise(levels)
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in steps)


@every_page
def test_everything_has_a_name(page: Page) -> None:
    """Fields stand in labels, regions name their heading, buttons have a type and a text."""
    text = re.sub(r"<label[^>]*>.*?</label>", "", page.text.partition("<script")[0], flags=re.S)
    assert not re.search("<(input|select)", text)
    ids = {a["id"] for _, a in page.elements if "id" in a}
    named = [a["aria-labelledby"] for _, a in page.elements if "aria-labelledby" in a]
    assert named
    assert set(named) <= ids
    assert all(a.get("type") for a in page.all("button"))


@every_page
def test_nothing_from_outside(page: Page) -> None:
    """No element fetches anything: no URL but an empty icon and places on the page."""
    fetching = ("src", "href", "srcset", "action", "formaction", "poster", "data", "style")
    found = [a[name] for _, a in page.elements for name in fetching if name in a]
    assert found == ["data:,", "#checks-title"]
    assert not {"iframe", "img", "object", "embed", "base"} & {tag for tag, _ in page.elements}
    assert "@import" not in CSS
    assert "url(" not in CSS


def policy_of(page: Page) -> dict[str, list[str]]:
    """Return the page's Content-Security-Policy."""
    (text,) = (
        a["content"]
        for a in page.all("meta")
        if a.get("http-equiv") == "Content-Security-Policy" and a["content"]
    )
    return {name: values for name, *values in map(str.split, text.split(";"))}


@every_page
def test_policy(page: Page) -> None:
    """The policy allows the style and the script of the page by their hashes, and nothing else."""

    def hashed(text: str) -> str:
        digest = hashlib.sha256(text.encode()).digest()
        return f"'sha256-{base64.b64encode(digest).decode()}'"

    assert policy_of(page) == {
        "default-src": ["'none'"],
        "style-src": [hashed(page.inside["style"][0])],
        "script-src": [hashed(page.inside["script"][1])],
        "img-src": ["data:"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    assert page.elements.index(("meta", page.all("meta")[1])) < [
        tag for tag, _ in page.elements
    ].index("link")


def test_hostile_texts_survive() -> None:
    """A hostile text is in the data as it was sent, and not in the markup."""
    page = Page(make_page([hostile_run()], DIFFERENCE))
    assert page.data["columns"][0]["facts"]["model"] == HOSTILE
    assert page.data["columns"][0]["results"][0][2][0]["got"] == HOSTILE
    markup = page.text.replace(page.inside["script"][0], "")
    assert "alert(1)" not in re.sub(r"&lt;.*?(?=</)", "", markup)
    assert "\u202e" not in page.text
    assert "\u2028" not in page.text
    assert page.text.encode("utf-8")


@given(text())
def test_any_text_can_be_embedded(value: str) -> None:
    """Whatever a text has in it, a data block gives it back, and nothing in it is markup."""
    block = embed({"text": value})
    assert json.loads(block) == {"text": value}
    assert block.isascii()
    assert not {"<", ">", "&"} & set(block)


def test_placeholder_in_data() -> None:
    """A text that looks like a placeholder of the template is left as it is."""
    run = make_run(make_verdict(Outcome.FAILED, reason="{{script}} {{data}} {{nothing}}"))
    page = Page(make_page([run]))
    assert page.data["columns"][0]["results"][0][1] == "{{script}} {{data}} {{nothing}}"
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in GOOD.elements]


def test_no_markup_from_texts() -> None:
    """The script makes elements and text nodes only; it parses no text as markup or as code."""
    for name in (
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
        "Function(",
    ):
        assert name not in SCRIPT
    for name in ("fetch(", "XMLHttpRequest", "WebSocket", "import(", "http:", "https:"):
        assert name not in SCRIPT


def test_every_outcome_has_a_sign_and_a_colour() -> None:
    """No outcome is shown by colour alone, and none by no colour."""
    signs = dict(re.findall(r"(\w+): \"(.)\",", SCRIPT.partition("const SIGNS")[2][:300]))
    assert set(signs) == set(Outcome)
    assert len(set(signs.values())) == len(signs)
    assert [o for o in Outcome if f".{o} {{" not in CSS] == []


def test_each_check_stands_once() -> None:
    """What is said of a check is not repeated for each endpoint."""
    page = Page(make_page([make_large_run(8, 450)]))
    assert len(page.data["checks"]) == 450
    assert [len(column["results"]) for column in page.data["columns"]] == [450] * 8
    assert len(page.text) < 1_000_000


def test_source_of_another_endpoint() -> None:
    """The source of a check, which only a finding has, is taken from whoever has it."""
    found = make_verdict(Outcome.FAILED, endpoint="a", source="the reference")
    run = make_run(found, make_verdict(endpoint="b"), facts={"a": FACTS, "b": FACTS})
    assert Page(make_page([run])).data["checks"][0]["source"] == "the reference"


def test_check_that_did_not_run_everywhere() -> None:
    """A check that did not run at an endpoint has nothing there."""
    run = make_run(make_verdict(endpoint="a"), facts={"a": FACTS, "b": FACTS})
    columns = Page(make_page([run])).data["columns"]
    assert [column["results"] for column in columns] == [[["passed", "", []]], [None]]


def test_clients() -> None:
    """Clients that a text about what breaks names can be chosen, and no others."""
    run = make_run(make_verdict(breaks="LangChain and openai-python raise"))
    assert Page(make_page([run])).data["clients"] == [
        client for client in CLIENTS if client in ("openai-python", "LangChain")
    ]


THEMES = [0, 1]
INKS = ["ink", "quiet", "link", "passed", "failed", "error", "deviates", "ignored", "known"]
INKS += ["unsupported", "inconclusive"]


def colour(name: str, theme: int) -> tuple[float, ...]:
    """Return a colour of the style in a theme, red, green and blue from 0 to 1."""
    found = re.search(rf"--{name}: light-dark\(#(\w{{6}}), #(\w{{6}})\)", CSS)
    assert found
    return tuple(byte / 255 for byte in bytes.fromhex(found[theme + 1]))


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Return the contrast of two colours as WCAG 2 counts it."""

    def luminance(channels: tuple[float, ...]) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_counted_right() -> None:
    """Black on white is 21, and a known grey is 4.54."""
    white = (1.0, 1.0, 1.0)
    assert round(contrast((0.0, 0.0, 0.0), white), 2) == 21
    grey = 0x76 / 255
    assert round(contrast((grey, grey, grey), white), 2) == 4.54


@pytest.mark.parametrize("theme", THEMES, ids=["light", "dark"])
@pytest.mark.parametrize("ink", INKS)
def test_contrast(ink: str, theme: int) -> None:
    """Each colour of text can be read on each background that it has, by WCAG's AA."""
    paper, text = colour("paper", theme), colour(ink, theme)
    tint = tuple(0.12 * a + 0.88 * b for a, b in zip(text, paper, strict=True))
    for background in (paper, colour("panel", theme), tint):
        assert contrast(text, background) >= 4.5


@pytest.mark.parametrize("theme", THEMES, ids=["light", "dark"])
def test_contrast_of_edges(theme: int) -> None:
    """The edge of a button or a field can be seen."""
    for background in ("paper", "panel"):
        assert contrast(colour("edge", theme), colour(background, theme)) >= 3


def test_it_is_read_on_a_phone() -> None:
    """The page has the width of the device, and a layout for small ones."""
    (viewport,) = (a for a in GOOD.all("meta") if a.get("name") == "viewport")
    assert viewport["content"] == "width=device-width, initial-scale=1"
    assert "@media (max-width: 40rem)" in CSS
