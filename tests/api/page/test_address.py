"""The address holds the state: what stands in it, what a copied one opens, and where back and forward lead."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.page import STATIC, opened

FILTERS = (
    "present=J90&absent=J93.9&uncertain=J18.9&modality=DX&body-part=CHEST&view=PA&laterality=L&sex=FEMALE"
    "&min-age=18&max-age=90.5&from=2019-01-01&to=2020-02-29"
)
LIKE = "other-patients=yes&same-view=yes&with=J90&without=J93.9&said-absent=J18&sex=MALE&min-age=1&shown=60"
FRAGMENTS = [
    "#/",
    f"#/?q=left+effusion&layout=images&after=AQAAABTzDGCB1f6rsgd0qBUSJ9jN&findings=s1&{FILTERS}",
    "#/?q=%26%3D%23%2F%3F%25+%F0%9D%9B%BC",
    "#/image/1.1",
    f"#/image/a%2Fb%20%25?{LIKE}&window=-600%2C1500.5%2Cinverted",
    "#/image/1.1?window=inverted",
    "#/report/s1",
    "#/compare/1.1/2.1",
    "#/upload?without=J90&shown=100",
]
TYPED = {
    "": "#/",
    "#": "#/",
    "#/nowhere/at/all": "#/",
    "#/image": "#/",
    "#/image/1.1/2.2": "#/",
    "#/image/%E0%A4%A": "#/image/%25E0%25A4%25A",
    "#/?q=": "#/",
    "#/?q=a&q=b": "#/?q=a",
    f"#/?q={'x' * 3000}": f"#/?q={'x' * 1000}",
    "#/?present=J90&present=J90&present=%3Cimg%3E&present=j90": "#/?present=J90",
    "#/?sex=female&sex=OTHER&min-age=-1&max-age=1e9&from=2019-02-31&to=yesterday": "#/?sex=OTHER",
    "#/?layout=&after=%00&after=..%2F": "#/",
    "#/image/1.1?shown=31&window=0,0&other-patients=no&with=": "#/image/1.1",
    "#/image/1.1?window=1e3,5": "#/image/1.1",
    "#/compare/1.1": "#/",
    "#/?__proto__=1&constructor=2&toString=3": "#/",
    "#/?a=b?q=c": "#/",
}
AGAIN = """async (fragments) => {
    const { parseRoute, formatRoute } = await import("/static/router/routes.js");
    return fragments.map((fragment) => formatRoute(parseRoute(fragment)));
}""".replace("/static", STATIC)


def test_every_place_is_named_by_its_fragment_and_back(page):
    assert page.evaluate(AGAIN, FRAGMENTS) == FRAGMENTS


def test_what_is_typed_by_hand_is_read_as_far_as_it_makes_sense(page):
    assert page.evaluate(AGAIN, list(TYPED)) == list(TYPED.values())


def expect_found(page, text: str) -> None:
    expect(page.locator(".resultbar .total")).to_have_text(text)


def test_back_and_forward_go_through_filters_and_images(page):
    expect_found(page, "3 reports")
    page.get_by_role("region", name="Present").get_by_role("button", name="Pleural effusion").click()
    expect_found(page, "1 report")
    page.locator(".row .thumbnail").first.click()
    expect(page.locator("frame-viewer")).to_be_visible()
    page.go_back()
    expect_found(page, "1 report")
    page.go_back()
    expect_found(page, "3 reports")
    page.go_forward()
    expect_found(page, "1 report")
    expect(page.get_by_role("button", name="Remove filter present: Pleural effusion")).to_be_visible()


def test_typing_replaces_the_visit_and_pushes_none(page):
    expect_found(page, "3 reports")
    before = page.evaluate("history.length")
    for words in ("cardio", "cardiomegaly"):
        page.locator("#words").fill(words)
        page.wait_for_url(f"**/#/?q={words}")
    assert page.evaluate("history.length") == before


def test_a_copied_address_opens_the_same(browser, page):
    expect_found(page, "3 reports")
    page.locator("#words").fill("effusion")
    page.wait_for_url("**/#/?q=effusion")
    page.get_by_role("region", name="Sex").get_by_role("button", name="Male", exact=False).last.click()
    expect_found(page, "1 report")
    page.get_by_role("button", name="Images", exact=True).click()
    with opened(browser, page.url) as other:
        expect_found(other, "1 report")
        expect(other.locator("#words")).to_have_value("effusion")
        expect(other.locator(".grid .tile")).to_have_count(1)
        expect(other.get_by_role("region", name="Sex").locator("[aria-pressed=true]")).to_contain_text("Male")


def test_an_address_typed_into_the_open_page_is_gone_to(page):
    expect_found(page, "3 reports")
    page.evaluate("location.hash = '#/?q=cardiomegaly'")
    expect_found(page, "1 report")
    expect(page.locator("#words")).to_have_value("cardiomegaly")


@pytest.mark.parametrize("cursor", ["AAAA", "AQAAABTzDGCB1f6rsgd0qBUSJ9jN"])
def test_a_cursor_of_another_search_begins_with_the_first_page(page, address, cursor):
    page.goto(f"{address}/#/?after={cursor}")
    expect_found(page, "3 reports")
    page.wait_for_url(f"{address}/#/")


def test_what_was_left_has_scroll_and_focus_again(browser, address):
    with opened(browser, address, viewport={"width": 1280, "height": 420}) as page:
        expect_found(page, "3 reports")
        last = page.locator(".row .thumbnail").last
        last.scroll_into_view_if_needed()
        scrolled = page.evaluate("scrollY")
        assert scrolled > 0
        last.focus()
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_be_focused()
        assert page.evaluate("scrollY") == 0
        page.go_back()
        expect(page.locator(".row .thumbnail").last).to_be_focused()
        assert page.evaluate("scrollY") == scrolled


def test_no_request_holds_the_words_or_leaves_the_service(page, address):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator("#words").fill("cardiomegaly")
    page.wait_for_url("**/#/?q=cardiomegaly")
    expect_found(page, "1 report")
    page.locator(".row .thumbnail").first.click()
    expect(page.locator("frame-viewer[data-ready]")).to_be_visible()
    assert asked
    assert all(url.startswith(address) and "cardiomegaly" not in url.partition("#")[0] for url in asked)
    assert "cardiomegaly" not in page.title()
