"""index.html in a real browser: what a person can do with it, with mouse, keyboard and phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from gate.report_data import (
    DIFFERENCE,
    HOSTILE,
    hostile_run,
    make_exchange,
    make_gate,
    make_large_run,
    make_run,
)
from gate.verdicts import FACTS, make_finding, make_verdict

from pytest_byom.conformance.finding import Level, Outcome

Show = Callable[..., Any]

ROWS = ".check > h4 > button"
FIRST_ROWS = 100


def make_small_run(**members: Any) -> dict[str, Any]:
    """Return a run of two endpoints: `new` has what `old` has not."""
    findings = tuple(make_finding(place=f"event {n}", exchange="chat/stream") for n in range(5))
    facts = {name: FACTS | {"checks": 4} for name in ("new", "old")}
    facts["new"] |= {"exchanges": {"chat/stream": make_exchange()}}
    done: dict[str, Any] = {"check": "stream.done-marker", "breaks": "LangChain raises"}
    done |= {"sentence": "The stream ends with [DONE]."}
    stop: dict[str, Any] = {"check": "params.stop", "level": Level.SHOULD}
    verdicts = [
        make_verdict(Outcome.FAILED, endpoint="new", findings=findings, **done),
        make_verdict(endpoint="old", **done),
        make_verdict(Outcome.IGNORED, endpoint="new", **stop),
        make_verdict(Outcome.INCONCLUSIVE, endpoint="old", reason="no text", **stop),
    ]
    for check in ("usage.total", "tools.none"):
        verdicts += [make_verdict(check=check, endpoint=name) for name in ("new", "old")]
    return make_run(*verdicts, facts=facts, exit_code=1, **members)


def ids(page: Any) -> list[str]:
    """Return the ids of the checks that are listed."""
    found: list[str] = page.eval_on_selector_all(".check", "all => all.map(one => one.id)")
    return found


def focused(page: Any) -> str:
    """Return the text of what has the focus."""
    text: str = page.evaluate("document.activeElement.textContent")
    return text


def test_what_did_not_pass_is_listed_first(show: Show) -> None:
    """At first the list has what did not pass, and says how many that is of all."""
    page = show(make_small_run())
    assert ids(page) == ["params.stop", "stream.done-marker"]
    assert page.get_by_role("status").inner_text() == "2 of 4 checks"


def test_all_is_listed_if_all_passed(show: Show) -> None:
    """Where everything passed, everything is listed."""
    page = show(make_run(make_verdict()))
    assert ids(page) == ["mine.slug"]


def test_filter_by_outcome(show: Show) -> None:
    """A button for each outcome shows and hides its checks, and says whether it is on."""
    page = show(make_small_run())
    passed = page.get_by_role("button", name="passed 5")
    assert passed.get_attribute("aria-pressed") == "false"
    passed.click()
    assert passed.get_attribute("aria-pressed") == "true"
    assert len(ids(page)) == 4
    page.get_by_role("button", name="failed 1").click()
    page.get_by_role("button", name="ignored 1").click()
    page.get_by_role("button", name="inconclusive 1").click()
    passed.click()
    assert ids(page) == []
    assert page.get_by_role("status").inner_text().startswith("None of 4 checks")


def test_filter_by_level(show: Show) -> None:
    """A level that is switched off takes its checks with it."""
    page = show(make_small_run())
    page.get_by_role("button", name="should", exact=True).click()
    assert ids(page) == ["stream.done-marker"]


def test_search(show: Show) -> None:
    """Words are looked for in ids, sentences, reasons and findings, in either case."""
    page = show(make_small_run())
    for words, found in (
        ("done-MARK", 1),
        ("[done]", 1),
        ("no text", 1),
        ("event 4", 1),
        ("x9", 0),
    ):
        page.get_by_role("searchbox", name="Search").fill(words)
        assert len(ids(page)) == found, words


def test_other_filters(show: Show) -> None:
    """Area, endpoint, client and difference narrow the list; reset brings it back."""
    page = show(make_small_run())
    page.get_by_role("combobox", name="Area").select_option("params")
    assert ids(page) == ["params.stop"]
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("combobox", name="Endpoint").select_option("old")
    assert ids(page) == ["params.stop"]
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("combobox", name="Breaks").select_option("LangChain")
    assert ids(page) == ["stream.done-marker"]
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("button", name="passed 5").click()
    page.get_by_role("checkbox", name="Only where endpoints differ").check()
    assert ids(page) == ["params.stop", "stream.done-marker"]
    page.get_by_role("button", name="Reset").click()
    assert page.get_by_role("checkbox", name="Only where endpoints differ").is_checked() is False


def test_one_endpoint(show: Show) -> None:
    """With one endpoint there is nothing to choose between endpoints."""
    page = show(make_run(make_verdict()))
    assert page.get_by_role("checkbox").count() == 0
    assert page.get_by_role("combobox", name="Endpoint").count() == 0


def test_matrix(show: Show) -> None:
    """A cell of the matrix says its counts, and lists its checks."""
    page = show(make_small_run())
    cell = page.get_by_role("button", name="1 failed: stream at new")
    cell.click()
    assert ids(page) == ["stream.done-marker"]
    assert focused(page) == "Checks"
    page.get_by_role("button", name="1 passed: usage at old").click()
    assert ids(page) == ["usage.total"]


def test_clients(show: Show) -> None:
    """For each client that findings name, the page counts these, and lists them."""
    page = show(make_small_run())
    assert page.locator("#client-matrix tbody th").all_inner_texts() == ["LangChain"]
    assert page.locator("#client-matrix .sign").last.inner_text() == "F1"
    assert "nothing: LangChain at old" in page.locator("#client-matrix tbody").inner_text()
    page.get_by_role("button", name="1 failed: LangChain at new").click()
    assert ids(page) == ["stream.done-marker"]
    assert page.get_by_role("combobox", name="Breaks").input_value() == "LangChain"


def test_no_client(show: Show) -> None:
    """Where nothing was found, no client is named."""
    page = show(make_run(make_verdict(breaks="LangChain raises")))
    assert page.get_by_role("heading", name="What breaks, by client").count() == 0


def test_what_did_not_run(show: Show) -> None:
    """What was planned and not judged is counted beside the rest."""
    run = make_run(make_verdict(), facts={"mine": FACTS | {"checks": 3}})
    page = show(run)
    cell = page.get_by_role("button", name="1 passed, 2 not run: all areas at mine")
    assert cell.locator(".sign").all_inner_texts() == ["✓1", "\N{EN DASH}2"]


def test_drill_down(show: Show) -> None:
    """From a check to its findings, the request and the answer, and the line that asks again."""
    page = show(make_small_run())
    row = page.locator(ROWS).nth(1)
    row.click()
    assert row.get_attribute("aria-expanded") == "true"
    body = page.locator(".body")
    assert "LangChain raises" in body.inner_text()
    assert "Passed at\nold" in body.inner_text()
    assert body.locator(".finding").count() == 3
    page.get_by_role("button", name="Show 2 more findings").click()
    assert body.locator(".finding").count() == 5
    assert body.locator("pre").count() == 0
    page.locator("summary", has_text="Request and answer").first.click()
    texts = body.locator("pre").all_inner_texts()
    assert texts[0] == "curl -sS -i http://127.0.0.1:8000/v1/chat/completions"
    assert texts[1].startswith("POST http://127.0.0.1:8000/v1/chat/completions\naccept: */*\n\n{")
    assert texts[2] == '200\ncontent-type: application/json\n\n{"id": "1"}'
    row.click()
    assert body.count() == 0


def test_indent(show: Show) -> None:
    """JSON is shown as it came, and indented if asked for."""
    page = show(make_small_run(), place="#stream.done-marker")
    page.locator("summary", has_text="Request and answer").first.click()
    page.get_by_role("button", name="Indent Answer").click()
    assert page.locator("pre").nth(2).inner_text().endswith('{\n  "id": "1"\n}')
    page.get_by_role("button", name="Indent Answer").click()
    assert page.locator("pre").nth(2).inner_text().endswith('{"id": "1"}')


def test_copy(show: Show) -> None:
    """A line can be copied; where the browser forbids that, it is selected."""
    page = show(make_small_run(), place="#stream.done-marker")
    page.locator("summary", has_text="Request and answer").first.click()
    button = page.get_by_role("button", name=re.compile("Ask again"))
    button.click()
    page.wait_for_function("/Copied|Selected/.test(document.querySelector('.tools').innerText)")


def test_keyboard(show: Show) -> None:
    """Everything works with keys: skip link, rows by arrows, Enter to open and close."""
    page = show(make_small_run())
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the checks"
    page.keyboard.press("Enter")
    assert focused(page) == "Checks"
    for _ in range(30):
        page.keyboard.press("Tab")
        if "params.stop" in focused(page):
            break
    page.keyboard.press("ArrowDown")
    assert "stream.done-marker" in focused(page)
    page.keyboard.press("Enter")
    assert page.locator(".body").count() == 1
    assert page.url.endswith("#stream.done-marker")
    page.keyboard.press("Enter")
    assert page.locator(".body").count() == 0
    page.keyboard.press("ArrowUp")
    assert "params.stop" in focused(page)


def test_focus_can_be_seen(show: Show) -> None:
    """What has the focus has a ring, in both themes."""
    page = show(make_small_run())
    for _ in range(40):
        page.keyboard.press("Tab")
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style == "solid" or page.evaluate("document.activeElement === document.body")


def test_deep_link(show: Show) -> None:
    """A link to a check opens it, and gives it the focus."""
    page = show(make_small_run(), place="#stream.done-marker")
    assert page.locator(".body").count() == 1
    assert "stream.done-marker" in focused(page)


def test_deep_link_to_what_is_hidden(show: Show) -> None:
    """A link to a check that the filters hide shows it all the same."""
    page = show(make_small_run(), place="#usage.total")
    assert len(ids(page)) == 4
    assert "usage.total" in focused(page)


def test_deep_link_far_down(show: Show) -> None:
    """A link to a check far down the list reaches it, also on a page that is open."""
    page = show(make_large_run())
    page.evaluate("location.hash = '#usage.check-98'")
    page.wait_for_selector(".body")
    assert "usage.check-98" in focused(page)
    assert page.evaluate("document.activeElement.getBoundingClientRect().top < innerHeight")


def test_link_to_nothing(show: Show) -> None:
    """A link to no check, or to what is no link, does no harm."""
    page = show(make_small_run(), place="#no.such-check")
    assert len(ids(page)) == 2
    page.evaluate("location.hash = '#%E0%A4%A'")
    page.wait_for_timeout(50)


def test_difference(show: Show) -> None:
    """A difference stands on top, and its checks are links."""
    entry = {"class": "regressed", "check": "usage.total", "before": "passed", "after": "failed"}
    page = show(make_small_run(), difference=[entry])
    region = page.get_by_role("region", name="What changed").first
    assert "regressed" in region.inner_text()
    region.get_by_role("link", name="usage.total").click()
    page.wait_for_selector(".body")
    assert "usage.total" in focused(page)


def test_gate(show: Show) -> None:
    """What the gate of a run came to stands on top with what it found."""
    gate = make_gate({"what": "usage.total", "endpoint": "new", "note": "p = 0.01"})
    page = show(make_small_run(gate=gate))
    assert page.locator("#difference > p").inner_text().startswith("The gate fails, held against")
    cells = page.locator("#difference tbody tr").locator("th, td").all_inner_texts()
    assert cells == ["regressed", "usage.total", "new", "passed", "failed", "p = 0.01"]


def test_long_difference(show: Show) -> None:
    """Of a long difference a part is shown, and the rest on demand."""
    gate = make_gate(*({"what": f"mine.n{n}", "kind": "new"} for n in range(300)))
    page = show(make_small_run(gate=gate))
    assert page.locator("#difference tbody tr").count() == 20
    page.get_by_role("button", name="Show 280 more of 300").click()
    assert page.locator("#difference tbody tr").count() == 300


def test_gate_without_a_difference(show: Show) -> None:
    """A gate that found nothing says so, without an empty table."""
    page = show(make_small_run(gate=make_gate(failed=False)))
    assert page.locator("#difference > p").inner_text().startswith("The gate lets it pass")
    assert not page.locator("#difference table").is_visible()


def test_no_difference(show: Show) -> None:
    """Where nothing is compared, nothing is said of it."""
    page = show(make_small_run())
    assert not page.get_by_role("heading", name="What changed").is_visible()
    assert not page.get_by_role("heading", name="To know first").is_visible()


def test_remarks(show: Show) -> None:
    """What could not be judged is said on top."""
    facts = {"down": {"base_url": "http://x", "trouble": "down is not reachable"}}
    page = show(make_run(facts=facts))
    assert page.locator("#remarks li").all_inner_texts() == ["down is not reachable"]


def background(page: Any) -> str:
    """Return the colour of the paper."""
    colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour


def test_theme(show: Show) -> None:
    """The page follows the system, and its own button."""
    page = show(make_small_run(), color_scheme="dark")
    dark = background(page)
    page.get_by_role("button", name="Use light colours").click()
    light = background(page)
    page.get_by_role("button", name="Use dark colours").click()
    assert (light, background(page)) == ("rgb(255, 255, 255)", dark)
    assert dark != light


@pytest.mark.parametrize("width", [320, 390, 768])
def test_phone(show: Show, width: int) -> None:
    """On a phone nothing sticks out, with a check open and its exchange shown."""
    size = {"width": width, "height": 800}
    page = show(make_small_run(), place="#stream.done-marker", viewport=size, has_touch=True)
    page.locator("summary", has_text="Request and answer").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_phone_with_many_endpoints(show: Show) -> None:
    """The matrix of eight endpoints scrolls by itself, and does not move the page."""
    page = show(make_large_run(), viewport={"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.querySelector('.scroll:has(#matrix)').scrollWidth") > 390


def test_large_run(show: Show) -> None:
    """Of 8 endpoints and 450 checks a part is drawn, whatever is asked for."""
    page = show(make_large_run(8, 450))
    count = "document.querySelectorAll('*').length"
    assert page.locator(ROWS).count() == FIRST_ROWS
    assert page.evaluate(count) < 4000
    page.get_by_role("button", name=re.compile("^passed")).click()
    assert page.get_by_role("status").inner_text() == "450 of 450 checks"
    assert page.locator(ROWS).count() == FIRST_ROWS
    page.get_by_role("button", name="Show 100 more of 450").click()
    assert page.locator(ROWS).count() == 2 * FIRST_ROWS
    assert focused(page) == page.locator(ROWS).nth(FIRST_ROWS).text_content()
    assert page.evaluate(count) < 6000


def test_hostile_texts(show: Show) -> None:
    """Hostile texts are shown as text, what cannot be seen in them by its name."""
    page = show(hostile_run(), difference=DIFFERENCE, place="#mine.slug")
    for summary in page.locator("details > summary").all():
        summary.click()
    text = page.locator("main").inner_text()
    assert "</script><script>alert(1)</script>\"'`<!--" in text
    for name in ("U+2028", "U+202E", "U+0000", "U+001B", "U+D83D"):
        assert name in text
    assert "&amp;" in text
    assert page.locator("main script, main img").count() == 0
    assert HOSTILE[:40] in page.title()


def test_no_results(show: Show) -> None:
    """A run that judged nothing makes a page that says so."""
    page = show(make_run(facts={}))
    assert page.get_by_role("status").inner_text().startswith("None of 0 checks")


def test_silence_is_tested(browser: Any) -> None:
    """A page of the same policy that runs, fetches or frames something is heard."""
    context = browser.new_context()
    page = context.new_page()
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.set_content(
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\">"
        "<script>alert(1)</script>"
    )
    context.close()
    assert any("Content Security Policy" in text for text in heard)
