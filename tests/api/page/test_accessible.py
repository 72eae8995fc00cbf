"""Every view in both themes, wide and narrow: no violation of WCAG that axe finds, and nothing off the side."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

AXE = Axe()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]}
VIEWS = {
    "#/?q=effusion&present=J90&findings=s1": ".opened .entity",
    "#/?layout=images": ".grid .tile",
    "#/?q=zebra": ".note h2",
    "#/image/1.1?without=J93.9": ".like .score",
    "#/image/4.1": ".like .score",
    "#/report/s1": ".report mark",
    "#/compare/1.1/1.2": "frame-viewer[data-ready] >> nth=1",
    "#/upload": "h1",
    "#/image/9.9": ".note h2",
}


def check(page: Page, name: str) -> None:
    page.evaluate("scrollTo(0, 0)")  # the header stays at the top, and axe counts what is half under it as too small
    found = AXE.run(page, options=RULES)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than the window"


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_no_view_violates_wcag_and_none_needs_sideways_scrolling(page, address, theme, width, height):
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    for fragment, shown in VIEWS.items():
        page.goto(f"{address}/{fragment}")
        expect(page.locator(shown).first).to_be_visible()
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        if details := page.locator(".morefilters summary, .provenance summary").all():
            for summary in details:
                summary.click()
        check(page, fragment)
    page.keyboard.press("?")
    check(page, "the dialog of keys")
    page.keyboard.press("Escape")


def test_the_theme_follows_the_system_until_one_is_chosen_which_stays(page):
    ground = "getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="light")
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert light != dark
    page.get_by_role("button", name="Light theme").click()
    assert page.evaluate(ground) == light
    page.reload()
    expect(page.get_by_role("button", name="Dark theme")).to_be_visible()
    assert page.evaluate(ground) == light
    expect(page.locator(".thumbnail:has(img)").first).to_have_css("background-color", "rgb(0, 0, 0)")
    page.get_by_role("button", name="Dark theme").click()
    assert page.evaluate(ground) == dark
    page.evaluate("localStorage.clear()")
