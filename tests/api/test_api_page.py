"""The page in a real browser: search, open an image, see the images like it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from api_asking import settings_of
from api_serving import serving
from api_world import StudyOf, fill
from playwright.sync_api import Browser, Page, expect

from medsearch_api.app import create_app
from medsearch_core.search.embedded.index import open_embedded


@pytest.fixture(scope="module")
def address(hospital) -> Iterator[str]:
    """The service on a free port."""
    with serving(create_app(settings_of(hospital))) as address:
        yield address


@pytest.fixture
def page(browser, address) -> Iterator[Page]:
    """The page, freshly opened."""
    with opened(browser, address) as page:
        yield page


@contextmanager
def opened(browser: Browser, address: str) -> Iterator[Page]:
    """The page, freshly opened. Whatever the browser complains of fails the test."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    yield page
    page.close()
    assert complaints == []


def test_a_radiologist_searches_opens_an_image_and_sees_similar_ones(page):
    expect(page.get_by_role("status")).to_have_text("3 reports")
    page.keyboard.press("/")
    page.keyboard.type("effusion")
    expect(page.get_by_role("status")).to_have_text("3 reports")
    page.get_by_role("button", name="Pneumothorax").first.click()
    expect(page.get_by_role("status")).to_have_text("1 report")
    expect(page.locator(".row .impression")).to_have_text("Left effusion.")

    page.locator(".row .thumbnail").first.click()
    expect(page.locator("mark.present", has_text="pleural effusion")).to_have_attribute(
        "title", "Present · J90 Pleural effusion, not elsewhere classified"
    )
    expect(page.locator("mark.absent", has_text="pneumothorax")).to_have_attribute(
        "title", "Absent · “no” · J93.9 Pneumothorax, unspecified"
    )
    expect(page.locator(".like .score")).to_have_text(["0.800", "0.600", "0.000", "0.000"])
    expect(page.locator(".like .same")).to_have_count(2)
    assert page.url.endswith("/#/image/1.1")
    assert page.evaluate("document.querySelector('.large').naturalWidth") == 32

    page.get_by_role("switch", name="Exclude same patient").click()
    expect(page.locator(".like .score")).to_have_text(["0.600", "0.000"])
    page.locator(".like").first.click()
    expect(page.locator("mark.present", has_text="cardiomegaly")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("status")).to_have_text("1 report")
    assert "effusion" not in page.url


def test_an_image_opened_before_the_words_are_searched_for_stays_open(page):
    expect(page.locator(".row")).to_have_count(3)
    page.locator("#words").fill("cardiomegaly")
    page.locator(".row .thumbnail").first.click()
    expect(page.locator(".imageview .large")).to_be_visible()
    page.wait_for_timeout(600)
    expect(page.locator(".imageview .large")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("status")).to_have_text("1 report")


def test_mentions_are_marked_at_code_points_and_not_at_utf_16_units(page, address):
    page.goto(f"{address}/#/image/2.1")
    expect(page.locator("mark.uncertain", has_text="pneumonia")).to_have_attribute(
        "title", "Uncertain · “possible” · J18.9 Pneumonia, unspecified organism"
    )


def test_arrows_go_from_picture_to_picture_and_enter_opens(page):
    expect(page.locator(".row")).to_have_count(3)
    page.locator("#words").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".imageview .large")).to_be_visible()
    assert page.url.endswith("/#/image/2.1")


def test_what_is_not_there_and_what_fails_is_said(page, address):
    page.locator("#words").fill("zebra")
    expect(page.locator(".note h2")).to_have_text("No report matches")
    page.goto(f"{address}/#/image/9.9")
    expect(page.locator(".note h2")).to_have_text("No such image")


def test_a_report_that_looks_like_html_stays_text(page, address):
    page.route("**/graphql", lambda route: route.fulfill(json={"data": _hostile(route.request.post_data_json["query"])}))
    page.goto(f"{address}/#/report/s1")
    expect(page.locator(".report .text")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator(".report .text img").count() == 0


def _hostile(query: str) -> dict:
    if "report(" not in query:
        return {"index": {"images": 0, "reports": 0}}
    markup = "FINDINGS: <img src=x onerror=alert(1)> <script>alert(2)</script>"
    return {"report": {"id": "s1", "text": markup, "entities": [], "provenance": {"sourceKey": "k", "nerVersion": "v"}}}


def test_a_narrow_screen_needs_no_sideways_scrolling(browser, address):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    for place in ("#/", "#/image/1.1"):
        page.goto(f"{address}/{place}")
        page.wait_for_selector(".row, .like")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.close()


def test_pages_of_reports_go_on_and_back_and_begin_again_with_another_release(browser, tmp_path):
    ward = [StudyOf(patient=f"p{n}", study=f"s{n:02}", images={}, sections={"impression": f"Report {n}."}) for n in range(45)]
    fill(tmp_path, ward)
    with serving(create_app(settings_of(tmp_path))) as address, opened(browser, address) as page:
        pages = page.get_by_role("navigation", name="Pages")
        expect(pages).to_contain_text("1–20 of 45")
        expect(pages.get_by_role("button", name="Previous")).to_be_disabled()
        pages.get_by_role("button", name="Next").click()
        expect(page.locator(".row .impression").first).to_have_text("Report 20.")
        pages.get_by_role("button", name="Next").click()
        expect(pages).to_contain_text("41–45 of 45")
        expect(pages.get_by_role("button", name="Next")).to_be_disabled()
        pages.get_by_role("button", name="Previous").click()
        expect(pages).to_contain_text("21–40 of 45")
        index = open_embedded(str(tmp_path / "index"))
        index.publish(index.begin(None))
        fill(tmp_path, ward[:30])
        pages.get_by_role("button", name="Next").click()
        expect(pages).to_contain_text("1–20 of 30")
