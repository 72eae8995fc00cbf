"""Searching with a file on the page: dropped or chosen, with progress, refusals, and images like it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page, Request, expect

from medsearch_core.storage.open import open_store
from tests.support.page import opened, served
from tests.support.pictures import PDF, png
from tests.support.radiology import NEGATIVE_KEY, PIXELS, negative

NAME = "<img src=x onerror=alert(1)>.dcm"
DROP = """([name, bytes]) => {
    const held = new DataTransfer();
    held.items.add(new File([new Uint8Array(bytes)], name));
    const how = { dataTransfer: held, bubbles: true, cancelable: true };
    const over = (type, on = document.querySelector("#view")) => on.dispatchEvent(new DragEvent(type, how));
    over("dragenter", document.body);
    over("dragenter");
    over("dragleave", document.body);
    window.drop = () => over("drop");
}"""


@pytest.fixture(scope="module")
def address(ingested, embedder) -> Iterator[str]:
    with served(ingested, api_embedder_url=embedder, api_upload_max_bytes=200_000) as address:
        yield address


@pytest.fixture
def page(browser, address) -> Iterator[Page]:
    with opened(browser, address) as page:
        expect(page.locator("#holdings")).to_contain_text("images")
        yield page


def is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("multipart/form-data")


def choose(page: Page, name: str, data: bytes) -> None:
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "", "buffer": data})


def test_a_file_dropped_anywhere_finds_itself(page):
    page.evaluate(DROP, [NAME, list(negative())])
    expect(page.locator(".droptarget")).to_be_visible()
    page.evaluate("window.drop()")
    expect(page.locator(".droptarget")).to_have_count(0)
    expect(page.locator(".uploaded h2")).to_have_text(NAME)
    expect(page.locator(".uploaded")).to_contain_text(f"DICOM, {PIXELS.shape[1]} × {PIXELS.shape[0]}")
    expect(page.locator(".like .score").first).to_have_text("1.000")
    seen = page.get_by_role("img", name="Uploaded image")
    expect(seen).to_have_js_property("height", 96)
    assert (
        seen.evaluate("(canvas) => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size")
        > 20
    )
    assert page.url.endswith("/#/upload")


def test_a_file_is_chosen_by_keyboard_filtered_by_and_kept_on_the_way_to_an_image(page, ingested):
    page.get_by_role("link", name="Search by file").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".drop h2")).to_have_text("Drop a file anywhere on this page")
    expect(page.locator(".drop")).to_contain_text("DICOM, PNG, JPEG, up to 195.3 KB")
    choice = page.get_by_label("Choose a file")
    choice.focus()
    expect(choice).to_be_focused()
    choose(page, "a.dcm", open_store(str(ingested / "landing")).read(NEGATIVE_KEY))
    expect(page.locator(".like .score").first).to_have_text("1.000")
    found = page.locator(".like").count()
    page.locator(".morefilters summary").click()
    page.get_by_label("Age from").fill("120")
    page.get_by_label("Age from").press("Enter")
    expect(page.locator(".similar .note h2")).to_have_count(1)
    page.get_by_role("button", name="Clear filters").click()
    expect(page.locator(".like")).to_have_count(found)
    page.locator(".like .tile").first.click()
    expect(page.locator("frame-viewer")).to_be_visible()
    page.go_back()
    expect(page.locator(".uploaded h2")).to_have_text("a.dcm")
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.locator(".uploaded")).to_have_count(0)
    expect(page.locator(".like")).to_have_count(0)


def test_after_a_reload_the_file_is_to_be_dropped_again(page):
    page.goto(f"{page.url.partition('#')[0]}#/upload")
    choose(page, "a.png", png(PIXELS.astype(np.uint8)))
    expect(page.locator(".like .score").first).to_be_visible()
    page.reload()
    expect(page.locator(".drop h2")).to_have_text("Drop the file again")
    assert page.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage)") == "{}{}"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (PDF, "(not_an_image)"),
        (bytes(200_001), "195.3 KB"),
    ],
)
def test_a_refusal_is_shown_with_its_sentence_and_another_file_can_be_chosen(page, data, said):
    page.goto(f"{page.url.partition('#')[0]}#/upload")
    choose(page, NAME, data)
    refusal = page.get_by_role("alert")
    expect(refusal).to_contain_text(said)
    expect(refusal.locator("h2")).to_have_text(NAME)
    choose(page, "a.png", png(PIXELS.astype(np.uint8)))
    expect(page.locator(".like .score").first).to_be_visible()


def test_sending_shows_how_far_it_is_and_can_be_stopped(browser, address):
    with opened(browser, f"{address}/#/upload") as page:
        expect(page.locator(".drop")).to_be_visible()
        held = []
        page.route("**/graphql", lambda route: held.append(route) if is_form(route.request) else route.continue_())
        choose(page, "a.png", png(PIXELS.astype(np.uint8)))
        expect(page.get_by_role("progressbar")).to_be_visible()
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("progressbar")).to_have_count(0)
        expect(page.locator(".drop h2")).to_have_text("Drop a file anywhere on this page")
        assert len(held) == 1


def test_without_an_embedder_the_page_says_so_where_a_file_would_be_dropped(browser, ingested):
    with served(ingested) as address, opened(browser, f"{address}/#/upload") as page:
        expect(page.locator(".note h2")).to_contain_text("not available on this server")
        page.evaluate(DROP, ["a.dcm", [1, 2, 3]])
        expect(page.locator(".droptarget")).to_contain_text("not available on this server")
        page.evaluate("window.drop()")
        expect(page.locator(".droptarget")).to_have_count(0)
        expect(page.locator(".note h2")).to_contain_text("not available on this server")
